/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's message about a physical function's interface says, and hostile ones. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/cleanup.h"
#include "host/netlink-vf.h"

static struct nl_msg *link_message(void)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct ifinfomsg info = { .ifi_index = 7, .ifi_flags = 1 };

	assert_int_equal(nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO), 0);
	assert_int_equal(nla_put_string(msg, IFLA_IFNAME, "enp65s0"), 0);
	assert_int_equal(nla_put_u32(msg, IFLA_MTU, 9000), 0);
	return msg;
}

static void put_vf(struct nl_msg *msg, uint32_t vf, uint32_t trust)
{
	struct ifla_vf_mac mac = { .vf = vf, .mac = { 0x52, 0x54, 0, 1, 2, (uint8_t)vf } };
	struct ifla_vf_vlan vlan = { vf, 42, 3 };
	struct ifla_vf_rate rate = { vf, 10, 1000 };
	struct ifla_vf_spoofchk spoofchk = { vf, 1 };
	struct ifla_vf_link_state state = { vf, IFLA_VF_LINK_STATE_DISABLE };
	struct ifla_vf_trust trusted = { vf, trust };
	struct ifla_vf_vlan_info info = { vf, 42, 3, htons(0x88a8) };
	struct nlattr *one = nla_nest_start(msg, IFLA_VF_INFO);
	struct nlattr *list;

	assert_int_equal(nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_VLAN, sizeof(vlan), &vlan), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_LINK_STATE, sizeof(state), &state), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_TRUST, sizeof(trusted), &trusted), 0);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	assert_int_equal(nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(info), &info), 0);
	nla_nest_end(msg, list);
	nla_nest_end(msg, one);
}

static void the_settings_of_each_vf_are_read_from_the_kernels_message(void **state)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	struct nl_msg *msg = link_message();
	struct nlattr *all = nla_nest_start(msg, IFLA_VFINFO_LIST);
	pt_autofree char *text = NULL;
	pt_autofree char *second = NULL;

	(void)state;
	put_vf(msg, 0, UINT32_MAX);
	put_vf(msg, 1, 1);
	nla_nest_end(msg, all);
	assert_int_equal(pt_pf_link_parse(nlmsg_hdr(msg), &link), 0);
	nlmsg_free(msg);
	assert_string_equal(link.name, "enp65s0");
	assert_int_equal(link.mtu, 9000);
	assert_true(link.up);
	assert_int_equal(link.vfs.n, 2);
	/* a driver that does not tell of trust has all ones there */
	text = pt_vf_settings_text(pt_pf_link_vf(&link, 0));
	assert_string_equal(text, "mac=52:54:00:01:02:00 vlan=42 qos=3 qinq=on spoofchk=on link=off min_rate=10 "
				  "max_rate=1000");
	second = pt_vf_settings_text(pt_pf_link_vf(&link, 1));
	assert_non_null(strstr(second, "mac=52:54:00:01:02:01"));
	assert_non_null(strstr(second, "trust=on"));
	assert_null(pt_pf_link_vf(&link, 2));
	assert_null(pt_pf_link_vf(&link, -1));
}

/* in switchdev mode the PF has an interface for each VF beside the port's own; these tell nothing of VFs */
static void an_interface_that_stands_for_a_vf_is_told_from_the_ports_own(void **state)
{
	static const struct {
		const char *port;
		bool representor;
	} cases[] = { { NULL, false },	  { "p0", false },	{ "p1s2", false },
		      { "", false },	  { "pf0vf3", true },	{ "c1pf0vf12", true },
		      { "pf0sf1", true }, { "pfsense", false }, { "0123456789pf", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		PT_AUTO(pt_pf_link) link = { 0 };
		struct nl_msg *msg = link_message();

		if (cases[i].port)
			assert_int_equal(nla_put_string(msg, IFLA_PHYS_PORT_NAME, cases[i].port), 0);
		assert_int_equal(pt_pf_link_parse(nlmsg_hdr(msg), &link), 0);
		nlmsg_free(msg);
		if (link.representor != cases[i].representor)
			fail_msg("'%s'", cases[i].port ? cases[i].port : "no name");
	}
}

/* one attribute as the kernel puts it, its length in 16 bits whatever it is */
static void put_raw(struct pt_buf *b, unsigned type, const void *data, size_t n)
{
	static const char zero[NLA_ALIGNTO] = "";
	struct nlattr attr = { (uint16_t)(NLA_HDRLEN + n), (uint16_t)type };

	pt_buf_addn(b, (const char *)&attr, sizeof(attr));
	pt_buf_addn(b, data, n);
	pt_buf_addn(b, zero, NLA_ALIGN(n) - n);
}

/* as rtnl_fill_vfinfo() puts it; @counters: an older kernel's, never left out */
static void put_raw_vf(struct pt_buf *all, uint32_t i, bool counters)
{
	static const char stats[13 * 8] = "";
	struct ifla_vf_mac mac = { .vf = i, .mac = { 0x52, 0x54, 0, 1, (uint8_t)(i >> 8), (uint8_t)i } };
	struct ifla_vf_broadcast broadcast = { { 0xff } };
	struct ifla_vf_vlan vlan = { i, i % 4094 + 1, 0 };
	struct ifla_vf_rate rate = { i, 0, i };
	struct ifla_vf_trust trust = { i, i % 2 };
	PT_AUTO(pt_buf) one = { 0 };

	put_raw(&one, IFLA_VF_MAC, &mac, sizeof(mac));
	put_raw(&one, IFLA_VF_BROADCAST, &broadcast, sizeof(broadcast));
	put_raw(&one, IFLA_VF_VLAN, &vlan, sizeof(vlan));
	put_raw(&one, IFLA_VF_RATE, &rate, sizeof(rate));
	put_raw(&one, IFLA_VF_TRUST, &trust, sizeof(trust));
	if (counters)
		put_raw(&one, IFLA_VF_STATS, stats, sizeof(stats));
	put_raw(all, IFLA_VF_INFO, one.s, one.n);
}

/* the whole message, the name after the list of VFs, as a kernel may have it */
static void raw_message(uint32_t vfs, bool counters, struct pt_buf *ret)
{
	struct nlmsghdr header = { .nlmsg_type = RTM_NEWLINK };
	struct ifinfomsg info = { .ifi_index = 7, .ifi_flags = 0x10001 };
	uint32_t mtu = 9000;
	PT_AUTO(pt_buf) all = { 0 };

	pt_buf_addn(ret, (const char *)&header, sizeof(header));
	pt_buf_addn(ret, (const char *)&info, sizeof(info));
	put_raw(ret, IFLA_NUM_VF, &vfs, sizeof(vfs));
	for (uint32_t i = 0; i < vfs; i++)
		put_raw_vf(&all, i, counters);
	put_raw(ret, IFLA_VFINFO_LIST, all.s, all.n);
	put_raw(ret, IFLA_IFNAME, "enp65s0", 8);
	put_raw(ret, IFLA_MTU, &mtu, sizeof(mtu));
	header.nlmsg_len = (uint32_t)ret->n;
	memcpy(ret->s, &header, sizeof(header));
}

static void as_many_vfs_as_a_card_can_have_are_read(void **state)
{
	static const struct {
		uint32_t vfs;
		bool counters;
	} cards[] = { { 1, true },    { 64, true },   { 220, true },  { 256, true },  { 300, true },
		      { 512, false }, { 1000, true }, { 2047, true }, { 4000, false } };

	(void)state;
	for (size_t c = 0; c < sizeof(cards) / sizeof(*cards); c++) {
		PT_AUTO(pt_buf) message = { 0 };
		PT_AUTO(pt_pf_link) link = { 0 };

		raw_message(cards[c].vfs, cards[c].counters, &message);
		assert_int_equal(pt_pf_link_parse((struct nlmsghdr *)message.s, &link), 0);
		assert_string_equal(link.name, "enp65s0");
		assert_int_equal(link.mtu, 9000);
		assert_true(link.carrier);
		assert_int_equal(link.vfs.n, cards[c].vfs);
		for (size_t i = 0; i < link.vfs.n; i++) {
			assert_int_equal(link.vfs.v[i].mac[4] << 8 | link.vfs.v[i].mac[5], i);
			assert_int_equal(link.vfs.v[i].vlan, i % 4094 + 1);
			assert_int_equal(link.vfs.v[i].max_rate, i);
			assert_int_equal(link.vfs.v[i].trust, i % 2);
		}
	}
}

/* wherever it ends, nothing behind its end is read: under ASan this is the test */
static void a_message_cut_anywhere_is_read_as_far_as_it_goes(void **state)
{
	PT_AUTO(pt_buf) whole = { 0 };

	(void)state;
	raw_message(3, true, &whole);
	for (size_t n = NLMSG_HDRLEN; n < whole.n; n++) {
		PT_AUTO(pt_pf_link) link = { 0 };
		struct nlmsghdr *cut = malloc(n);

		assert_non_null(cut);
		memcpy(cut, whole.s, n);
		cut->nlmsg_len = (uint32_t)n;
		if (pt_pf_link_parse(cut, &link) == 0)
			assert_true(n > whole.n - 16);
		free(cut);
	}
}

static void a_message_with_attributes_cut_short_says_nothing_of_a_vf(void **state)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	struct nl_msg *msg = link_message();
	struct nlattr *all = nla_nest_start(msg, IFLA_VFINFO_LIST);
	struct nlattr *one = nla_nest_start(msg, IFLA_VF_INFO);
	struct ifla_vf_mac far = { .vf = UINT32_MAX - 1 };

	(void)state;
	assert_int_equal(nla_put(msg, IFLA_VF_MAC, 3, "abc"), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_MAC, sizeof(far), &far), 0);
	assert_int_equal(nla_put(msg, IFLA_VF_RATE, 0, NULL), 0);
	nla_nest_end(msg, one);
	nla_nest_end(msg, all);
	assert_int_equal(pt_pf_link_parse(nlmsg_hdr(msg), &link), 0);
	nlmsg_free(msg);
	assert_int_equal(link.vfs.n, 0);
}

static void settings_survive_being_written_down(void **state)
{
	static const char line[] = "mac=52:54:00:12:34:56 vlan=42 qos=0 trust=on spoofchk=off link=auto min_rate=0 "
				   "max_rate=100";
	static const char *const bad[] = { "mac=52:54:00:12:34",
					   "vlan=4095",
					   "vlan=-1",
					   "vlan=1x",
					   "trust=yes",
					   "qos=8",
					   "link=up",
					   "colour=red",
					   "mac",
					   "max_rate=4294967296" };
	struct pt_vf_settings s;
	pt_autofree char *text = NULL;

	(void)state;
	assert_int_equal(pt_vf_settings_parse(line, &s, NULL), 0);
	text = pt_vf_settings_text(&s);
	assert_string_equal(text, line);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pt_error err = { 0 };

		if (pt_vf_settings_parse(bad[i], &s, &err) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(err.msg, "is no setting"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_settings_of_each_vf_are_read_from_the_kernels_message),
		cmocka_unit_test(an_interface_that_stands_for_a_vf_is_told_from_the_ports_own),
		cmocka_unit_test(as_many_vfs_as_a_card_can_have_are_read),
		cmocka_unit_test(a_message_cut_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_message_with_attributes_cut_short_says_nothing_of_a_vf),
		cmocka_unit_test(settings_survive_being_written_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
