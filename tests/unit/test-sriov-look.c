/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a physical function: over netlink, from its configuration space, and why it offers nothing. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pci_regs.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/cleanup.h"
#include "decide/sriov-why.h"
#include "fakesys.h"
#include "host/netlink-vf.h"
#include "host/pci.h"
#include "host/sriov.h"
#include "program.h"

#define NIC "0000:41:00.0"

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

/* an igb in a slot: configuration space with an SR-IOV capability at 160h, VF BARs 0 and 3 of 64 bits */
static void add_config(struct fakesys *sys, unsigned total)
{
	pt_autofree char *path = pt_strf("%s/config", fakesys_pci_path(sys, NIC));
	unsigned char c[4096] = { 0 };
	static const unsigned char cap[] = { PCI_EXT_CAP_ID_SRIOV, 0, 1, 0 };
	static const unsigned char err[] = { PCI_EXT_CAP_ID_ERR, 0, 1, 0x16 };

	memcpy(c + 0x100, err, sizeof(err));
	memcpy(c + 0x160, cap, sizeof(cap));
	c[0x160 + PCI_SRIOV_TOTAL_VF] = (unsigned char)total;
	c[0x160 + PCI_SRIOV_BAR] = 0x04;
	c[0x160 + PCI_SRIOV_BAR + 12] = 0x04;
	fakesys_data(sys, path, c, sizeof(c));
}

static void add_resources(struct fakesys *sys, const char *vf_bar0)
{
	struct pt_buf text = { 0 };
	pt_autofree char *all = NULL;

	for (int i = 0; i < 13; i++)
		pt_buf_addf(&text, "%s\n",
			    i == 7    ? vf_bar0
			    : i == 10 ? "0x00000000fe010000 0x00000000fe01ffff 0x0000000000140204"
				      : "0x0000000000000000 0x0000000000000000 0x0000000000000000");
	all = pt_buf_take(&text);
	fakesys_attr(sys, NIC, "resource", all);
}

static int setup(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_bridge(sys, "0000:00:02.0", 0x41, 20);
	fakesys_add_pci(sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_add_net(sys, NIC, "enp65s0", "52:54:00:00:00:01");
	fakesys_attr(sys, "0000:00:02.0", "subordinate_bus_number", "65");
	add_config(sys, 7);
	add_resources(sys, "0x00000000fe000000 0x00000000fe00ffff 0x0000000000140204");
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

/* the verdict and its name, "fine" when nothing stands against VFs; the caller frees */
static char *judge(struct fakesys *sys)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_sriov) sriov = { 0 };
	PT_AUTO(pt_findings) why = { 0 };
	struct pt_buf text = { 0 };
	struct pt_bdf bdf;
	struct pt_device *d;

	assert_int_equal(pt_bdf_parse(NIC, &bdf), 0);
	assert_int_equal(pt_pci_list(&sys->root, &devices, NULL), 0);
	d = pt_devices_find(&devices, bdf);
	assert_non_null(d);
	pt_sriov_read(&sys->root, d, &sriov);
	pt_sriov_why(d, &sriov, &why);
	for (size_t i = 0; i < why.n; i++) {
		pt_buf_addf(&text, "%s%s %s: %s", i ? "; " : "", pt_verdict_str(why.v[i].verdict), why.v[i].name,
			    why.v[i].fact);
		assert_non_null(why.v[i].fix);
	}
	return text.n ? pt_buf_take(&text) : pt_strdup("fine");
}

static void assert_judged(struct fakesys *sys, const char *expected)
{
	pt_autofree char *found = judge(sys);

	if (!strstr(found, expected))
		fail_msg("expected '%s', found '%s'", expected, found);
}

static void why_an_interface_tells_nothing_is_kept(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_sriov) sriov = { 0 };
	struct pt_root root = sys->root;
	struct pt_device *d;
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse(NIC, &bdf), 0);
	assert_int_equal(pt_pci_list(&sys->root, &devices, NULL), 0);
	root.captured = false;
	d = pt_devices_find(&devices, bdf);
	assert_non_null(d);
	pt_strv_add(&d->netdevs, "elsewhere0");
	pt_sriov_read(&root, d, &sriov);
	assert_null(sriov.link.name);
	assert_non_null(sriov.link_why);
	assert_non_null(strstr(sriov.link_why, "elsewhere0"));
}

static void a_card_that_can_is_not_spoken_against(void **state)
{
	fakesys_sriov(*state, NIC, 7);
	fakesys_attr(*state, NIC, "sriov_offset", "128");
	fakesys_attr(*state, NIC, "sriov_stride", "2");
	assert_judged(*state, "fine");
}

static void firmware_set_to_none_is_told_from_a_card_that_cannot(void **state)
{
	pt_autofree char *config = pt_strf("%s/config", fakesys_pci_path(*state, NIC));
	unsigned char none[4096] = { 0 };

	add_config(*state, 0);
	assert_judged(*state, "fail sriov-firmware: 0000:41:00.0 is made for SR-IOV, but its firmware is set to 0");
	fakesys_data(*state, config, none, sizeof(none));
	assert_judged(*state, "fine");
}

static void a_driver_that_offers_none_is_named(void **state)
{
	fakesys_sriov(*state, NIC, 0);
	assert_judged(*state, "fail sriov-driver-limit: 0000:41:00.0 has room for 7 virtual functions, but its driver "
			      "igb offers 0");
}

static void vf_bars_without_an_address_are_seen(void **state)
{
	fakesys_sriov(*state, NIC, 7);
	/* given up by the kernel; and set aside by it */
	add_resources(*state, "0x0000000000000000 0x0000000000000000 0x0000000000000000");
	assert_judged(*state, "fail sriov-no-room");
	add_resources(*state, "0x0000000000000000 0x000000000000ffff 0x0000000020140204");
	assert_judged(*state, "fail sriov-no-room");
}

static void vfs_beyond_the_bridges_bus_numbers_are_counted(void **state)
{
	fakesys_sriov(*state, NIC, 7);
	fakesys_attr(*state, NIC, "sriov_offset", "250");
	fakesys_attr(*state, NIC, "sriov_stride", "2");
	/* 41:00.0 + 250, 252, 254: three are on bus 41h, the bridge's last */
	assert_judged(*state,
		      "warn sriov-bus-numbers: the bridge 0000:00:02.0 above 0000:41:00.0 has bus numbers up to "
		      "41: 3 of 7 virtual functions fit");
	fakesys_attr(*state, NIC, "sriov_offset", "256");
	assert_judged(*state, "fail sriov-bus-numbers");
}

static void a_bridge_without_ari_hides_vfs_of_its_own_bus(void **state)
{
	pt_autofree char *path = pt_strf("%s/config", fakesys_pci_path(*state, "0000:00:02.0"));
	unsigned char c[4096] = { 0 };

	fakesys_sriov(*state, NIC, 7);
	fakesys_attr(*state, NIC, "sriov_offset", "128");
	fakesys_attr(*state, NIC, "sriov_stride", "2");
	c[PCI_CAPABILITY_LIST] = 0x40;
	c[0x40] = PCI_CAP_ID_PM;
	c[0x41] = 0x50;
	c[0x50] = PCI_CAP_ID_EXP;
	fakesys_data(*state, path, c, sizeof(c));
	assert_judged(*state, "fail sriov-no-ari");
	c[0x50 + PCI_EXP_DEVCTL2] = PCI_EXP_DEVCTL2_ARI;
	fakesys_data(*state, path, c, sizeof(c));
	assert_judged(*state, "fine");
}

static void a_pf_without_a_driver_or_with_a_guest_makes_no_vfs(void **state)
{
	fakesys_sriov(*state, NIC, 7);
	fakesys_driver(*state, NIC, NULL);
	assert_judged(*state, "fail sriov-no-driver");
	fakesys_driver(*state, NIC, "vfio-pci");
	assert_judged(*state, "fail sriov-for-guest");
}

static void vfs_that_are_there_prove_that_they_can_be(void **state)
{
	fakesys_sriov(*state, NIC, 7);
	fakesys_add_vf(*state, NIC, 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	add_resources(*state, "0x0000000000000000 0x0000000000000000 0x0000000000000000");
	assert_judged(*state, "fine");
}

static char *look(struct fakesys *sys, const char *line)
{
	struct program p;

	program_run(&p, line, sys->dir);
	if (p.status != 0)
		fail_msg("%s: %s", line, p.err);
	free(p.err);
	return p.out;
}

static void the_command_says_enabled_disabled_or_not_supported(void **state)
{
	struct fakesys *sys = *state;
	pt_autofree char *none = NULL;
	pt_autofree char *disabled = NULL;
	pt_autofree char *enabled = NULL;
	pt_autofree char *of_vf = NULL;

	add_config(sys, 0);
	none = look(sys, "passthru sriov");
	assert_non_null(strstr(none, "Not supported now, though the card is made for it"));
	assert_non_null(strstr(none, "sriov-firmware"));
	add_config(sys, 7);
	fakesys_sriov(sys, NIC, 7);
	disabled = look(sys, "passthru sriov");
	assert_non_null(strstr(disabled, "Disabled (0 of 7 virtual functions)"));
	fakesys_add_vf(sys, NIC, 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	fakesys_add_vf(sys, NIC, 1, "0000:41:10.2", 0x10ca, NULL, 23);
	enabled = look(sys, "passthru sriov enp65s0");
	assert_non_null(strstr(enabled, "Enabled 2 of 7"));
	assert_non_null(strstr(enabled, "VF 1"));
	/* a VF stands for its PF */
	of_vf = look(sys, "passthru sriov 41:10.2");
	assert_string_equal(of_vf, enabled);
}

static void as_json_every_vf_has_its_settings_or_null(void **state)
{
	struct fakesys *sys = *state;
	pt_autofree char *text = NULL;
	json_t *answer;
	json_t *pf;
	json_t *vf;

	fakesys_sriov(sys, NIC, 7);
	fakesys_add_vf(sys, NIC, 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	text = look(sys, "passthru sriov --json");
	answer = json_loads(text, 0, NULL);
	pf = json_array_get(json_object_get(answer, "functions"), 0);
	assert_string_equal(json_string_value(json_object_get(pf, "address")), NIC);
	assert_string_equal(json_string_value(json_object_get(pf, "status")), "Enabled 1 of 7");
	assert_true(json_is_true(json_object_get(pf, "autoprobe")));
	/* a capture has no netlink */
	assert_true(json_is_null(json_object_get(pf, "link")));
	assert_int_equal(json_array_size(json_object_get(pf, "why")), 0);
	vf = json_array_get(json_object_get(pf, "virtual_functions"), 0);
	assert_string_equal(json_string_value(json_object_get(vf, "address")), "0000:41:10.0");
	assert_int_equal(json_integer_value(json_object_get(vf, "iommu_group")), 22);
	assert_true(json_is_null(json_object_get(vf, "settings")));
	assert_non_null(json_object_get(vf, "vms"));
	json_decref(answer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_settings_of_each_vf_are_read_from_the_kernels_message),
		cmocka_unit_test(as_many_vfs_as_a_card_can_have_are_read),
		cmocka_unit_test(a_message_cut_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_message_with_attributes_cut_short_says_nothing_of_a_vf),
		cmocka_unit_test(settings_survive_being_written_down),
		TEST(why_an_interface_tells_nothing_is_kept),
		TEST(a_card_that_can_is_not_spoken_against),
		TEST(firmware_set_to_none_is_told_from_a_card_that_cannot),
		TEST(a_driver_that_offers_none_is_named),
		TEST(vf_bars_without_an_address_are_seen),
		TEST(vfs_beyond_the_bridges_bus_numbers_are_counted),
		TEST(a_bridge_without_ari_hides_vfs_of_its_own_bus),
		TEST(a_pf_without_a_driver_or_with_a_guest_makes_no_vfs),
		TEST(vfs_that_are_there_prove_that_they_can_be),
		TEST(the_command_says_enabled_disabled_or_not_supported),
		TEST(as_json_every_vf_has_its_settings_or_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
