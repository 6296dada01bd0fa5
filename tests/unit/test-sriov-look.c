/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a physical function: from its configuration space, why it offers nothing, and who else makes its VFs.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "decide/sriov-why.h"
#include "fakesys.h"
#include "host/pci.h"
#include "host/sriov-kept.h"
#include "host/sriov.h"
#include "program.h"

#define NIC "0000:41:00.0"

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

/* who else makes this card's VFs, by what is in @path; the caller frees */
static char *managed_by(struct fakesys *sys, const char *path, const char *text)
{
	PT_AUTO(pt_devices) devices = { 0 };
	struct pt_device *pf;
	struct pt_bdf bdf;
	char *manager;

	fakesys_file(sys, path, "%s", text);
	assert_int_equal(pt_bdf_parse(NIC, &bdf), 0);
	assert_int_equal(pt_pci_list(&sys->root, &devices, NULL), 0);
	pf = pt_devices_find(&devices, bdf);
	assert_non_null(pf);
	pt_strv_add(&pf->netdevs, "enp65s0");
	manager = pt_sriov_manager(&sys->root, pf);
	fakesys_remove(sys, path);
	return manager;
}

static void other_tools_that_make_a_cards_vfs_are_found(void **state)
{
	static const struct {
		const char *path;
		const char *text;
		const char *expected;
	} cases[] = {
		{ "etc/udev/rules.d/70-vfs.rules", "KERNEL==\"" NIC "\", ATTR{sriov_numvfs}=\"4\"\n",
		  "udev (/etc/udev/rules.d/70-vfs.rules)" },
		{ "etc/sysfs.conf", "class/net/enp65s0/device/sriov_numvfs = 4\n", "sysfsutils (/etc/sysfs.conf)" },
		{ "etc/network/interfaces",
		  "iface enp65s0 inet manual\n up echo 4 > /sys/class/net/enp65s0/device/sriov_numvfs\n",
		  "ifupdown (/etc/network/interfaces)" },
		{ "etc/systemd/system/vfs.service",
		  "[Service]\nExecStart=/bin/sh -c 'echo 4 >/sys/bus/pci/devices/" NIC "/sriov_numvfs'\n",
		  "a unit of systemd (/etc/systemd/system/vfs.service)" },
		{ "etc/NetworkManager/system-connections/a.nmconnection",
		  "[connection]\ninterface-name=enp65s0\n[sriov]\ntotal-vfs=4\n",
		  "NetworkManager (/etc/NetworkManager/system-connections/a.nmconnection)" },
		{ "etc/netplan/50.yaml", "network:\n  ethernets:\n    enp65s0:\n      virtual-function-count: 4\n",
		  "netplan (/etc/netplan/50.yaml)" },
		{ "etc/sriov-operator/pci/" NIC, "{}", "the sriov-network-operator (/etc/sriov-operator/pci/" NIC ")" },
		/* of another card, whose name or address goes on */
		{ "etc/sysfs.conf", "class/net/enp65s0f1/device/sriov_numvfs = 4\n", NULL },
		{ "etc/sysfs.conf", "bus/pci/devices/1" NIC "/sriov_numvfs = 4\n", NULL },
		{ "etc/sysfs.conf", "class/net/enp65s0/mtu = 9000\n", NULL },
		/* nobody does what is commented out */
		{ "etc/rc.local", "#!/bin/sh\n  # echo 4 >/sys/class/net/enp65s0/device/sriov_numvfs\nexit 0\n", NULL },
	};
	struct fakesys *sys = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pt_autofree char *found = managed_by(sys, cases[i].path, cases[i].text);

		if (found ? !pt_streq(found, cases[i].expected) : cases[i].expected != NULL)
			fail_msg("%s: expected '%s', found '%s'", cases[i].path,
				 cases[i].expected ? cases[i].expected : "nobody", found ? found : "nobody");
	}
}

static void every_network_card_is_there_be_it_without_sriov(void **state)
{
	struct fakesys *sys = *state;
	struct fakesys *other = fakesys_new();
	pt_autofree char *all = NULL;
	pt_autofree char *none = NULL;

	fakesys_sriov(sys, NIC, 7);
	fakesys_add_pci(sys, "0000:00:1f.6", 0x8086, 0x15b8, 0x020000, "e1000e", 5);
	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
	all = look(sys, "passthru sriov");
	assert_non_null(strstr(all, "0000:00:1f.6 Not supported"));
	assert_non_null(strstr(all, NIC " Disabled"));
	/* no network card, and nothing of SR-IOV: who asks for it gets the answer */
	assert_null(strstr(all, "0000:01:00.0"));
	fakesys_add_pci(other, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
	none = look(other, "passthru sriov");
	assert_string_equal(none, "no card of this host has virtual functions or could have some\n");
	free(none);
	none = look(other, "passthru sriov MegaRAID");
	assert_non_null(strstr(none, "0000:01:00.0 Not supported"));
	fakesys_free(other);
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
		TEST(other_tools_that_make_a_cards_vfs_are_found),
		TEST(every_network_card_is_there_be_it_without_sriov),
		TEST(as_json_every_vf_has_its_settings_or_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
