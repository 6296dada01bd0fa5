/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink-vf.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/netlink.h"

/* linux/if.h: IFF_LOWER_UP, the carrier; that header and net/if.h exclude each other */
#define LOWER_UP 0x10000

#define PROTO_8021AD 0x88a8 /* include/uapi/linux/if_ether.h: ETH_P_8021AD */

/* each of the kernel's structures begins with the VF's number */
static struct pt_vf_settings *of_vf(struct pt_pf_link *l, uint32_t vf)
{
	if (vf >= PT_VF_MAX)
		return NULL;
	while (l->vfs.n <= vf)
		(void)pt_array_add(&l->vfs);
	return &l->vfs.v[vf];
}

/* the attribute's structure, copied since nothing promises its alignment; NULL for what is too short */
#define VF_STRUCT(attr, type)                                                                                          \
	({                                                                                                             \
		type value_;                                                                                           \
		bool fits_ = nla_len(attr) >= (int)sizeof(value_);                                                     \
                                                                                                                       \
		memset(&value_, 0xff, sizeof(value_));                                                                 \
		if (fits_)                                                                                             \
			memcpy(&value_, nla_data(attr), sizeof(value_));                                               \
		value_;                                                                                                \
	})

static void parse_rate(struct nlattr *attr, struct pt_pf_link *l)
{
	struct ifla_vf_rate rate = VF_STRUCT(attr, struct ifla_vf_rate);
	struct pt_vf_settings *s = of_vf(l, rate.vf);

	if (!s)
		return;
	s->min_rate = rate.min_tx_rate;
	s->max_rate = rate.max_tx_rate;
	s->has |= PT_VF_RATE;
}

static void parse_mac(struct nlattr *attr, struct pt_pf_link *l)
{
	struct ifla_vf_mac mac = VF_STRUCT(attr, struct ifla_vf_mac);
	struct pt_vf_settings *s = of_vf(l, mac.vf);

	if (!s)
		return;
	memcpy(s->mac, mac.mac, sizeof(s->mac));
	s->has |= PT_VF_MAC;
}

static void parse_vlan(struct nlattr *attr, struct pt_pf_link *l)
{
	struct ifla_vf_vlan vlan = VF_STRUCT(attr, struct ifla_vf_vlan);
	struct pt_vf_settings *s = of_vf(l, vlan.vf);

	if (!s)
		return;
	s->vlan = vlan.vlan;
	s->qos = vlan.qos;
	s->has |= PT_VF_VLAN;
}

static void parse_vlan_list(struct nlattr *list, struct pt_pf_link *l)
{
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, list, left)
	{
		struct ifla_vf_vlan_info info = VF_STRUCT(attr, struct ifla_vf_vlan_info);
		struct pt_vf_settings *s = nla_type(attr) == IFLA_VF_VLAN_INFO ? of_vf(l, info.vf) : NULL;

		if (s)
			s->qinq = info.vlan && ntohs(info.vlan_proto) == PROTO_8021AD;
	}
}

/* spoofchk and trust are all ones when the driver does not tell (net/core/rtnetlink.c, rtnl_fill_vfinfo) */
static void parse_flags(struct nlattr *attr, struct pt_pf_link *l)
{
	struct ifla_vf_spoofchk flag = VF_STRUCT(attr, struct ifla_vf_spoofchk);
	struct pt_vf_settings *s = of_vf(l, flag.vf);
	int type = nla_type(attr);

	if (!s || (type != IFLA_VF_LINK_STATE && flag.setting == UINT32_MAX))
		return;
	if (type == IFLA_VF_SPOOFCHK) {
		s->spoofchk = flag.setting != 0;
		s->has |= PT_VF_SPOOFCHK;
	} else if (type == IFLA_VF_TRUST) {
		s->trust = flag.setting != 0;
		s->has |= PT_VF_TRUST;
	} else if (flag.setting <= IFLA_VF_LINK_STATE_DISABLE) {
		s->link = (enum pt_vf_link)flag.setting;
		s->has |= PT_VF_LINK;
	}
}

static void parse_vf(struct nlattr *vf, struct pt_pf_link *l)
{
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, vf, left)
	{
		switch (nla_type(attr)) {
		case IFLA_VF_MAC:
			parse_mac(attr, l);
			break;
		case IFLA_VF_VLAN:
			parse_vlan(attr, l);
			break;
		case IFLA_VF_VLAN_LIST:
			parse_vlan_list(attr, l);
			break;
		case IFLA_VF_RATE:
			parse_rate(attr, l);
			break;
		case IFLA_VF_SPOOFCHK:
		case IFLA_VF_TRUST:
		case IFLA_VF_LINK_STATE:
			parse_flags(attr, l);
			break;
		default:
			break;
		}
	}
}

/*
 * An attribute's length has 16 bits, and the kernel does not look whether the list of VFs has more bytes than that
 * (nla_nest_end()): from some 220 VFs on, or 330 without their counters, the list's own length is wrong.  IFLA_NUM_VF
 * comes before it and tells how many entries there are; each of them is short and right.  Where the list is wrong, its
 * entries are followed up to the message's end, and tell where the next attribute begins.
 */
static struct nlattr *parse_list(struct nlattr *list, char *end, unsigned vfs, struct pt_pf_link *l)
{
	char *at = nla_data(list);
	char *said = (char *)list + (list->nla_len < NLA_HDRLEN ? NLA_HDRLEN : NLA_ALIGN(list->nla_len));
	unsigned n = 0;

	while (end - at >= NLA_HDRLEN && (at < said || n < vfs)) {
		struct nlattr *vf = (struct nlattr *)at;

		if (!nla_ok(vf, (int)(end - at)) || nla_type(vf) != IFLA_VF_INFO)
			break;
		parse_vf(vf, l);
		n++;
		at += NLA_ALIGN(vf->nla_len);
	}
	at = at > said ? at : said;
	return (struct nlattr *)(at < end ? at : end);
}

/* Documentation/networking/devlink/devlink-port.rst: a port's own is p0 or p0s1, a VF's pf0vf3 or c1pf0vf3 */
static bool is_representor(const struct nlattr *attr)
{
	char name[64];
	const char *pf;

	(void)nla_strlcpy(name, attr, sizeof(name));
	pf = strstr(name, "pf");
	return pf && pf[2] >= '0' && pf[2] <= '9';
}

static void parse_attribute(struct nlattr *attr, struct pt_pf_link *l)
{
	if (nla_type(attr) == IFLA_IFNAME && !l->name)
		l->name = nla_strdup(attr);
	else if (nla_type(attr) == IFLA_MTU && nla_len(attr) >= 4)
		l->mtu = nla_get_u32(attr);
	else if (nla_type(attr) == IFLA_PHYS_PORT_NAME)
		l->representor = is_representor(attr);
}

int pt_pf_link_parse(struct nlmsghdr *message, struct pt_pf_link *ret_link)
{
	PT_AUTO(pt_pf_link) l = { 0 };
	const struct ifinfomsg *info;
	struct nlattr *attr;
	unsigned vfs = 0;
	char *end;

	if (message->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(message, sizeof(*info)))
		return -EBADMSG;
	info = nlmsg_data(message);
	end = (char *)message + message->nlmsg_len;
	l.ifindex = (unsigned)info->ifi_index;
	l.up = (info->ifi_flags & IFF_UP) != 0;
	l.carrier = l.up && (info->ifi_flags & LOWER_UP) != 0;
	attr = nlmsg_attrdata(message, sizeof(*info));
	while (end - (char *)attr >= NLA_HDRLEN) {
		if (nla_type(attr) == IFLA_VFINFO_LIST) {
			attr = parse_list(attr, end, vfs, &l);
			continue;
		}
		if (!nla_ok(attr, (int)(end - (char *)attr)))
			break;
		if (nla_type(attr) == IFLA_NUM_VF && nla_len(attr) >= 4)
			vfs = nla_get_u32(attr);
		parse_attribute(attr, &l);
		attr = (struct nlattr *)((char *)attr + NLA_ALIGN(attr->nla_len));
	}
	if (!l.name)
		return -EBADMSG;
	*ret_link = l;
	l = (struct pt_pf_link){ 0 };
	return 0;
}

/* the child's part: the kernel's message as it is */
struct answer {
	int fd;
	int r;
};

static int pass_on(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *message = nlmsg_hdr(msg);
	struct answer *answer = arg;

	if (answer->r == -ENODATA)
		answer->r = pt_file_write_all(answer->fd, message, message->nlmsg_len);
	return NL_OK;
}

static int ask(unsigned ifindex, uint32_t filter, struct answer *answer)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = NULL;
	PT_CLEANUP(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	int r = pt_netlink_open(&sock);

	if (r == 0 && (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
		       nla_put_u32(msg, IFLA_EXT_MASK, filter) < 0 ||
		       nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, pass_on, answer) < 0))
		r = -ENOMEM;
	if (r == 0)
		r = pt_netlink_ask(sock, pt_take_ptr(msg));
	return r == 0 ? answer->r : r;
}

static int ask_job(const struct pt_job *job, int answer_fd)
{
	struct answer answer = { answer_fd, -ENODATA };
	unsigned ifindex = *(const unsigned *)job->arg;
	/* the counters of each VF would be half of the message (heeded by Linux 6.5 and newer) */
	int r = ask(ifindex, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS, &answer);

	/* a kernel that refuses what does not fit still tells about the interface itself */
	return r == -EMSGSIZE ? ask(ifindex, 0, &answer) : r;
}

int pt_pf_link_read(const char *netdev, struct pt_pf_link *ret_link, struct pt_error *err)
{
	PT_AUTO(pt_buf) message = { 0 };
	unsigned ifindex = if_nametoindex(netdev);
	struct pt_job job = { .work = ask_job, .arg = &ifindex, .fd = -1, .mark_fd = -1, .timeout_ms = PT_NETLINK_MS };
	int r;

	if (ifindex == 0)
		return pt_fail(err, -ENODEV, "there is no network interface %s here", netdev);
	r = pt_job_run(&job, &message);
	if (r == 0 && (message.n < NLMSG_HDRLEN || !nlmsg_ok((struct nlmsghdr *)message.s, (int)message.n)))
		r = -EBADMSG;
	if (r == 0)
		r = pt_pf_link_parse((struct nlmsghdr *)message.s, ret_link);
	if (r == -ETIMEDOUT)
		return pt_say(err, -EBUSY,
			      "the kernel told nothing about %s within %u ms: somebody holds the lock of "
			      "all network interfaces",
			      netdev, PT_NETLINK_MS);
	return r < 0 ? pt_fail(err, r, "the kernel does not tell about the VFs of %s", netdev) : 0;
}

int pt_pf_link_of(const struct pt_strv *netdevs, struct pt_pf_link *ret_link, struct pt_error *err)
{
	for (size_t i = 0; i < netdevs->n; i++) {
		PT_AUTO(pt_pf_link) link = { 0 };
		int r = pt_pf_link_read(netdevs->v[i], &link, err);

		if (r < 0)
			return r;
		if (link.representor)
			continue;
		*ret_link = link;
		link = (struct pt_pf_link){ 0 };
		return 0;
	}
	return pt_say(err, -ENODEV, "no network interface here is the port's own: %s",
		      netdevs->n ? netdevs->v[0] : "none");
}
