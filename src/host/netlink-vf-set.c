/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink-vf-set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "base/cleanup.h"
#include "host/netlink.h"

/* include/uapi/linux/if_ether.h */
#define PROTO_8021Q  0x8100
#define PROTO_8021AD 0x88a8

static int put_vlan(struct nl_msg *msg, unsigned vf, const struct pt_vf_settings *s)
{
	struct ifla_vf_vlan plain = { vf, s->vlan, s->qos };
	struct ifla_vf_vlan_info info = { vf, s->vlan, s->qos, htons(s->qinq ? PROTO_8021AD : PROTO_8021Q) };
	struct nlattr *list;

	/* the older attribute where it can say it all: drivers before Linux 4.9 know no other */
	if (!s->qinq)
		return nla_put(msg, IFLA_VF_VLAN, sizeof(plain), &plain);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	if (!list || nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(info), &info) < 0)
		return -1;
	return nla_nest_end(msg, list);
}

static int put_setting(struct nl_msg *msg, unsigned vf, const struct pt_vf_settings *s)
{
	struct ifla_vf_mac mac = { .vf = vf };
	struct ifla_vf_rate rate = { vf, s->min_rate, s->max_rate };
	struct ifla_vf_spoofchk flag = { vf, 0 };

	switch (s->has) {
	case PT_VF_MAC:
		memcpy(mac.mac, s->mac, sizeof(s->mac));
		return nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
	case PT_VF_VLAN:
		return put_vlan(msg, vf, s);
	case PT_VF_RATE:
		return nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
	/* these three are one structure by three names */
	case PT_VF_TRUST:
		flag.setting = s->trust;
		return nla_put(msg, IFLA_VF_TRUST, sizeof(flag), &flag);
	case PT_VF_SPOOFCHK:
		flag.setting = s->spoofchk;
		return nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(flag), &flag);
	case PT_VF_LINK:
		flag.setting = (uint32_t)s->link;
		return nla_put(msg, IFLA_VF_LINK_STATE, sizeof(flag), &flag);
	default:
		return -1;
	}
}

static int send_link(struct ifinfomsg *info, unsigned index, const struct pt_vf_settings *one)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = NULL;
	PT_CLEANUP(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, 0);
	struct nlattr *all;
	struct nlattr *vf;
	int r = pt_netlink_open(&sock);

	if (r < 0)
		return r;
	if (!msg || nlmsg_append(msg, info, sizeof(*info), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	all = nla_nest_start(msg, IFLA_VFINFO_LIST);
	vf = all ? nla_nest_start(msg, IFLA_VF_INFO) : NULL;
	if (!vf || put_setting(msg, index, one) < 0)
		return -EINVAL;
	(void)nla_nest_end(msg, vf); /* sets a length, cannot fail for what is not empty */
	(void)nla_nest_end(msg, all);
	return pt_netlink_ask(sock, pt_take_ptr(msg));
}

struct request {
	struct ifinfomsg info;
	unsigned index;
	const struct pt_vf_settings *one;
};

static int send_job(const struct pt_job *job, int answer_fd)
{
	struct request request = *(const struct request *)job->arg;

	(void)answer_fd;
	return send_link(&request.info, request.index, request.one);
}

int pt_vf_link_set(const char *netdev, unsigned index, const struct pt_vf_settings *one, struct pt_job *job,
		   struct pt_error *err)
{
	struct request request = {
		{ .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(netdev) },
		index,
		one,
	};
	pt_autofree char *text = pt_vf_settings_text(one);
	int r = request.info.ifi_index ? 0 : -ENODEV;

	job->work = send_job;
	job->arg = &request;
	job->fd = -1;
	job->timeout_ms = PT_NETLINK_MS;
	if (r == 0)
		r = pt_job_run(job, NULL);
	if (r == -EOPNOTSUPP)
		return pt_say(err, r, "the driver of %s cannot set the %s of its VFs (%s)", netdev,
			      pt_vf_has_str((enum pt_vf_has)one->has), text);
	return r < 0 ? pt_fail(err, r, "%s refuses %s for its VF %u", netdev, text, index) : 0;
}
