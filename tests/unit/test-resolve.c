/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "fakesys.h"
#include "host/pci.h"
#include "host/resolve.h"

struct test {
	struct fakesys *sys;
	struct pt_devices devices;
	struct pt_error err;
};

static void make_host(struct fakesys *sys)
{
	fakesys_bridge(sys, "0000:00:01.0", 1, 1);
	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
	fakesys_add_disk(sys, "0000:01:00.0", "sda", 8, 0, "S455NY0K100001");
	fakesys_add_partition(sys, "sda", "sda1", 8, 1);
	fakesys_dev_link(sys, "disk/by-id/wwn-0x5002538e00000001", "sda");
	fakesys_add_disk(sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_bridge(sys, "0000:40:00.0", 0x41, 20);
	fakesys_add_pci(sys, "0000:41:00.0", 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_add_pci(sys, "0000:41:00.1", 0x8086, 0x10c9, 0x020000, "igb", 22);
	fakesys_add_net(sys, "0000:41:00.0", "enp65s0f0", "52:54:00:00:00:01");
	fakesys_add_net(sys, NULL, "br0", NULL);
	fakesys_add_pci(sys, "10000:65:00.0", 0x8086, 0x0a54, 0x010802, "nvme", 30);
	fakesys_file(sys, "names",
		     "1000:0079:0000:0000:010400\tBroadcom / LSI\tMegaRAID SAS 2108 [Liberator]\tRAID bus controller\n"
		     "8086:10c9:0000:0000:020000\tIntel Corporation\t82576 Gigabit Network Connection\tEthernet\n"
		     "8086:2f02:0000:0000:060400\tIntel Corporation\tXeon E7 v3 PCI Express Root Port\tPCI bridge\n"
		     "8086:0a54:0000:0000:010802\tIntel Corporation\tNVMe Datacenter SSD\tNon-Volatile memory\n");
}

static int setup(void **state)
{
	struct test *t = pt_alloc(sizeof(*t));

	t->sys = fakesys_new();
	make_host(t->sys);
	if (pt_pci_list(&t->sys->root, &t->devices, &t->err) < 0 ||
	    pt_names_fill(&t->sys->root, &t->devices, &t->err) < 0)
		fail_msg("%s", t->err.msg);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	pt_devices_done(&t->devices);
	fakesys_free(t->sys);
	free(t);
	return 0;
}

static void assert_means(struct test *t, const char *text, const char *address)
{
	struct pt_bdf bdf;

	if (pt_resolve_device(&t->sys->root, &t->devices, text, &bdf, &t->err) != 0)
		fail_msg("%s: %s", text, t->err.msg);
	assert_string_equal(pt_bdf_str(bdf).s, address);
}

static void add_node(struct test *t, const char *bdf, const char *below, const char *class_name, const char *name)
{
	const char *pci = fakesys_pci_path(t->sys, bdf);
	pt_autofree char *path = pt_strf("%s/%s/%s/dev", pci, below, name);
	pt_autofree char *link = pt_strf("sys/class/%s/%s", class_name, name);
	pt_autofree char *target = pt_strf("../../%s/%s/%s", pci + strlen("sys/"), below, name);

	fakesys_file(t->sys, path, "240:0\n");
	fakesys_link(t->sys, link, target);
}

static void assert_refused(struct test *t, const char *text, int code, const char *says, const char *hints)
{
	struct pt_bdf bdf = { .domain = 7 };

	memset(&t->err, 0, sizeof(t->err));
	assert_int_equal(pt_resolve_device(&t->sys->root, &t->devices, text, &bdf, &t->err), code);
	assert_int_equal(bdf.domain, 7);
	assert_int_equal(t->err.kind, PT_ERROR_USAGE);
	if (!strstr(t->err.msg, says))
		fail_msg("'%s' does not say '%s'", t->err.msg, says);
	if (hints && !strstr(t->err.hint, hints))
		fail_msg("'%s' does not hint '%s'", t->err.hint, hints);
}

static void every_form_that_people_write_finds_the_function(void **state)
{
	assert_means(*state, "0000:01:00.0", "0000:01:00.0");
	assert_means(*state, "01:00.0", "0000:01:00.0");
	assert_means(*state, "pci_0000_01_00_0", "0000:01:00.0");
	assert_means(*state, "10000:65:00.0", "10000:65:00.0");
	assert_means(*state, "enp65s0f0", "0000:41:00.0");
	assert_means(*state, "/dev/sda", "0000:01:00.0");
	assert_means(*state, "/dev/sda1", "0000:01:00.0");
	assert_means(*state, "/dev/disk/by-id/wwn-0x5002538e00000001", "0000:01:00.0");
	assert_means(*state, "sda", "0000:01:00.0");
	assert_means(*state, "1000:0079", "0000:01:00.0");
	assert_means(*state, "MegaRAID", "0000:01:00.0");
	assert_means(*state, "mega raid", "0000:01:00.0");
	assert_means(*state, "Broadcom 2108 sas", "0000:01:00.0");
	assert_means(*state, "megaraid", "0000:01:00.0");
	assert_means(*state, "Broadcom / LSI MegaRAID", "0000:01:00.0");
	assert_means(*state, "megaraid_sas", "0000:01:00.0");
	assert_means(*state, "/sys/bus/pci/devices/0000:01:00.0", "0000:01:00.0");
	assert_means(*state, "/sys/class/net/enp65s0f0", "0000:41:00.0");
}

static void several_that_match_are_listed_as_candidates(void **state)
{
	struct test *t = *state;

	assert_refused(t, "82576", -EMLINK, "'82576' means 2 devices:", "address");
	assert_non_null(strstr(t->err.msg, "\n  0000:41:00.0  Intel Corporation 82576 Gigabit Network Connection, "
					   "driver igb"));
	assert_non_null(strstr(t->err.msg, "\n  0000:41:00.1"));
	assert_refused(t, "8086:10c9", -EMLINK, "means 2 devices", NULL);
	/* bridges carry the name too, and nobody means them */
	assert_refused(t, "Intel", -EMLINK, "means 3 devices", NULL);
	assert_null(strstr(t->err.msg, "Root Port"));
}

static void at_most_ten_candidates_are_listed(void **state)
{
	struct test *t = *state;

	for (int i = 0; i < 12; i++) {
		pt_autofree char *bdf = pt_strf("0000:50:%02x.0", i);

		fakesys_add_pci(t->sys, bdf, 0x10de, 0x2330, 0x030200, "vfio-pci", 40 + i);
	}
	pt_devices_done(&t->devices);
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), 0);
	assert_refused(t, "10de:2330", -EMLINK, "means 12 devices", NULL);
	assert_non_null(strstr(t->err.msg, "0000:50:09.0"));
	assert_null(strstr(t->err.msg, "0000:50:0a.0"));
	assert_non_null(strstr(t->err.msg, "and 2 more"));
}

static void a_bridge_is_found_when_nothing_else_has_the_name(void **state)
{
	assert_refused(*state, "Root Port", -EMLINK, "means 2 devices", NULL);
	assert_means(*state, "00:01.0", "0000:00:01.0");
}

static void what_is_not_there_is_told_with_the_next_step(void **state)
{
	assert_refused(*state, "0000:02:00.0", -ENODEV, "no PCI function 0000:02:00.0", "list all");
	assert_refused(*state, "65:00.0", -ENODEV, "no PCI function 0000:65:00.0", "did you mean 10000:65:00.0?");
	assert_refused(*state, "eth7", -ENODEV, "no device of this host is called 'eth7'", "list all");
	assert_refused(*state, "dead:beef", -ENODEV, "is called 'dead:beef'", NULL);
	assert_refused(*state, "/dev/sdz", -ENODEV, "/dev/sdz leads to no device of this host", "by-id");
	assert_refused(*state, "", -EINVAL, "empty", NULL);
}

static void a_malformed_address_is_no_name(void **state)
{
	assert_refused(*state, "1:0.0", -EINVAL, "'1:0.0' is no PCI address", NULL);
	assert_refused(*state, "0000:01:00", -EINVAL, "expected one like 0000:01:00.0", NULL);
	assert_refused(*state, "01:20.0", -EINVAL, "a slot is 00 to 1f", NULL);
	assert_refused(*state, "pci_0000_01_00", -EINVAL, "pci_0000_01_00_0", NULL);
}

static void virtual_interfaces_and_stacked_disks_are_on_no_controller(void **state)
{
	assert_refused(*state, "br0", -ENODEV, "br0 is on no PCI function", "ip -d link");
	assert_refused(*state, "/dev/dm-0", -ENODEV, "/dev/dm-0 is on no PCI controller", "lsblk -s");
	assert_refused(*state, "dm-0", -ENODEV, "dm-0 is on no PCI controller", NULL);
}

static void hostile_text_stays_text(void **state)
{
	assert_refused(*state, "../../../etc/passwd", -ENODEV, "is called", NULL);
	assert_refused(*state, "  ", -ENODEV, "is called", NULL);
	assert_refused(*state, "mega nvme", -ENODEV, "is called", NULL);
	assert_refused(*state, "/sys/../etc/hostname", -ENODEV, "leads to no", NULL);
	assert_refused(*state, "/dev/../../etc/passwd", -ENODEV, "leads to no", NULL);
	assert_refused(*state, "%s%n\033[2J", -ENODEV, "'%s%n?[2J'", NULL);
	assert_refused(*state, "/", -ENODEV, "leads to no", NULL);
}

static void a_character_device_means_its_controller(void **state)
{
	struct test *t = *state;

	add_node(t, "0000:01:00.0", "host0/target0:0:0/0:0:0:0/scsi_generic", "scsi_generic", "sg0");
	add_node(t, "0000:01:00.0", "host0/target0:0:0/0:0:0:0/bsg", "bsg", "0:0:0:0");
	add_node(t, "10000:65:00.0", "nvme", "nvme", "nvme0");
	assert_means(t, "/dev/sg0", "0000:01:00.0");
	assert_means(t, "/dev/bsg/0:0:0:0", "0000:01:00.0");
	assert_means(t, "/dev/nvme0", "10000:65:00.0");
	assert_means(t, "nvme0", "10000:65:00.0");
	assert_refused(t, "/dev/nvme9", -ENODEV, "/dev/nvme9 leads to no device of this host", "ls -l");
	assert_refused(t, "/dev/", -ENODEV, "leads to no device", "ls -l");
	assert_refused(t, "/dev/..", -ENODEV, "leads to no device", "ls -l");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_that_people_write_finds_the_function),
		TEST(several_that_match_are_listed_as_candidates),
		TEST(at_most_ten_candidates_are_listed),
		TEST(a_bridge_is_found_when_nothing_else_has_the_name),
		TEST(what_is_not_there_is_told_with_the_next_step),
		TEST(a_malformed_address_is_no_name),
		TEST(virtual_interfaces_and_stacked_disks_are_on_no_controller),
		TEST(a_character_device_means_its_controller),
		TEST(hostile_text_stays_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
