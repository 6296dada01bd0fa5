/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakesys.h"
#include "host/pci.h"

#define HBA "0000:01:00.0"
#define NIC "0000:41:00.0"

struct test {
	struct fakesys *sys;
	struct pt_devices devices;
	struct pt_error err;
};

static int setup(void **state)
{
	struct test *t = pt_alloc(sizeof(*t));

	t->sys = fakesys_new();
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

static struct pt_device *device(struct test *t, const char *text)
{
	struct pt_bdf bdf;
	struct pt_device *d;

	assert_int_equal(pt_bdf_parse(text, &bdf), 0);
	d = pt_devices_find(&t->devices, bdf);
	assert_non_null(d);
	return d;
}

static void list(struct test *t)
{
	pt_devices_done(&t->devices);
	if (pt_pci_list(&t->sys->root, &t->devices, &t->err) < 0)
		fail_msg("%s", t->err.msg);
}

static void a_function_is_read_with_its_ids_class_driver_group_and_place(void **state)
{
	struct test *t = *state;
	struct pt_device *d;

	fakesys_bridge(t->sys, "0000:00:01.0", 1, 1);
	fakesys_add_pci_full(t->sys, &(struct fakesys_pci){ .bdf = HBA,
							    .vendor = 0x1000,
							    .device = 0x5d,
							    .subvendor = 0x1028,
							    .subdevice = 0x1f49,
							    .class_code = 0x010400,
							    .driver = "megaraid_sas",
							    .group = 14,
							    .numa_node = 1 });
	list(t);
	assert_int_equal(t->devices.n, 2);
	d = device(t, HBA);
	assert_int_equal(d->vendor, 0x1000);
	assert_int_equal(d->device, 0x5d);
	assert_int_equal(d->subvendor, 0x1028);
	assert_int_equal(d->subdevice, 0x1f49);
	assert_int_equal(d->class_code, 0x010400);
	assert_string_equal(d->driver, "megaraid_sas");
	assert_string_equal(d->modalias, "pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00");
	assert_int_equal(d->iommu_group, 14);
	assert_int_equal(d->numa_node, 1);
	assert_true(d->has_parent);
	assert_string_equal(pt_bdf_str(d->parent).s, "0000:00:01.0");
	assert_string_equal(d->slot_path, "0000:00:01.0/0000:01:00.0");
	assert_int_equal(d->sriov, PT_SRIOV_NONE);
}

/* what VFIO makes for a program where no IOMMU is; a group of the kernel's own has no name, or a platform's */
static void a_group_without_an_iommu_is_none(void **state)
{
	static const struct {
		const char *name;
		int group;
	} groups[] = { { "vfio-noiommu", PT_GROUP_NONE }, { "fsl-mc", 14 }, { NULL, 14 } };

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		struct test *t = *state;

		if (i == 0)
			fakesys_add_pci(t->sys, HBA, 0x1000, 0x5d, 0x010400, "vfio-pci", 14);
		if (groups[i].name)
			fakesys_file(t->sys, "sys/kernel/iommu_groups/14/name", "%s\n", groups[i].name);
		else
			fakesys_remove(t->sys, "sys/kernel/iommu_groups/14/name");
		list(t);
		assert_int_equal(device(t, HBA)->iommu_group, groups[i].group);
	}
}

static void a_function_without_driver_group_or_numa_node_is_no_error(void **state)
{
	struct test *t = *state;
	struct pt_device *d;

	fakesys_add_pci_full(t->sys,
			     &(struct fakesys_pci){ .bdf = HBA, .vendor = 0x1000, .group = -1, .no_numa = true });
	list(t);
	d = device(t, HBA);
	assert_null(d->driver);
	assert_int_equal(d->iommu_group, PT_GROUP_NONE);
	assert_int_equal(d->numa_node, PT_NUMA_NONE);
	assert_false(d->has_parent);
}

static void functions_come_sorted_by_number_and_not_by_text(void **state)
{
	static const char *const order[] = { "0000:00:0e.0", "0000:f0:00.0", "10000:e0:06.0", "10000:e1:00.0" };
	struct test *t = *state;

	for (size_t i = 4; i-- > 0;)
		fakesys_add_pci(t->sys, order[i], 0x8086, 1, 0x010802, NULL, -1);
	list(t);
	assert_int_equal(t->devices.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(pt_bdf_str(t->devices.v[i].bdf).s, order[i]);
}

static void vfs_are_counted_by_links_and_never_by_sriov_numvfs(void **state)
{
	struct test *t = *state;

	fakesys_bridge(t->sys, "0000:40:00.0", 0x41, 20);
	fakesys_add_pci(t->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(t->sys, NIC, 7);
	fakesys_add_vf(t->sys, NIC, 0, "0000:41:10.0", 0x10ca, "igbvf", 22);
	fakesys_add_vf(t->sys, NIC, 1, "0000:41:10.2", 0x10ca, NULL, 23);
	/* would be believed if it were read */
	fakesys_attr(t->sys, NIC, "sriov_numvfs", "5");
	list(t);
	assert_int_equal(device(t, NIC)->sriov, PT_SRIOV_PF);
	assert_int_equal(device(t, NIC)->vfs_total, 7);
	assert_int_equal(device(t, NIC)->vfs_now, 2);
	assert_int_equal(device(t, "0000:41:10.2")->sriov, PT_SRIOV_VF);
	assert_int_equal(device(t, "0000:41:10.2")->vf_index, 1);
	assert_string_equal(pt_bdf_str(device(t, "0000:41:10.2")->pf).s, NIC);
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, NIC), false, &t->err), 0);
	assert_int_equal(device(t, NIC)->vfs_now, 2);
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, NIC), true, &t->err), 0);
	assert_int_equal(device(t, NIC)->vfs_now, 5);
}

/* several threads read such a machine: the VFs are in another one's part than their PF */
static void vfs_far_from_their_pf_are_its_vfs_among_thousands(void **state)
{
	struct test *t = *state;

	fakesys_add_pci(t->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 1);
	fakesys_sriov(t->sys, NIC, 7);
	for (unsigned i = 0; i < 1100; i++) {
		pt_autofree char *bdf = pt_strf("0001:%02x:%02x.%x", i >> 8, i >> 3 & 0x1f, i & 7);

		fakesys_add_pci(t->sys, bdf, 0x8086, 0x1000 + i, 0x020000, "e1000", (int)(100 + i));
	}
	fakesys_add_vf(t->sys, NIC, 0, "0002:41:10.0", 0x10ca, "igbvf", 22);
	fakesys_add_vf(t->sys, NIC, 1, "0002:41:10.2", 0x10ca, NULL, 23);
	list(t);
	assert_int_equal(t->devices.n, 1103);
	assert_int_equal(device(t, NIC)->vfs_now, 2);
	assert_int_equal(device(t, "0002:41:10.2")->sriov, PT_SRIOV_VF);
	assert_int_equal(device(t, "0002:41:10.2")->vf_index, 1);
	assert_string_equal(pt_bdf_str(device(t, "0002:41:10.0")->pf).s, NIC);
	for (unsigned i = 0; i < 1100; i++) {
		assert_int_equal(t->devices.v[1 + i].device, 0x1000 + i);
		assert_int_equal(t->devices.v[1 + i].iommu_group, 100 + i);
		assert_int_equal(t->devices.v[1 + i].sriov, PT_SRIOV_NONE);
	}
}

static void a_pf_that_claims_to_be_its_own_vf_stays_a_pf(void **state)
{
	struct test *t = *state;
	pt_autofree char *link = NULL;

	fakesys_add_pci(t->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(t->sys, NIC, 7);
	link = pt_strf("%s/virtfn0", fakesys_pci_path(t->sys, NIC));
	fakesys_link(t->sys, link, "../" NIC);
	list(t);
	assert_int_equal(device(t, NIC)->sriov, PT_SRIOV_PF);
}

static void details_are_read_from_their_attributes(void **state)
{
	struct test *t = *state;
	struct pt_device *d;

	fakesys_add_pci_full(t->sys, &(struct fakesys_pci){
					     .bdf = HBA,
					     .vendor = 0x10de,
					     .device = 0x2330,
					     .class_code = 0x030200,
					     .revision = 0xa1,
					     .group = 3,
					     .numa_node = 0,
					     .driver_override = "vfio-pci",
					     .reset_method = "flr bus",
					     .resource = "0x00000000fb000000 0x00000000fbffffff 0x0000000000040200\n"
							 "0x0000002000000000 0x0000003fffffffff 0x000000000014220c\n"
							 "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
							 "0xffffffffffffffff 0x0000000000000000 0x0000000000040200" });
	list(t);
	d = device(t, HBA);
	assert_int_equal(pt_pci_read(&t->sys->root, d, false, &t->err), 0);
	assert_int_equal(d->revision, 0xa1);
	assert_string_equal(d->driver_override, "vfio-pci");
	assert_string_equal(d->reset_methods, "flr bus");
	assert_int_equal(d->bars[0].size, 0x1000000);
	assert_int_equal(d->bars[1].size, 0x2000000000);
	assert_int_equal(d->bars[2].size, 0);
	assert_int_equal(d->bars[3].size, 0);
	assert_null(d->serial);
}

static void the_device_serial_number_is_found_and_a_list_in_circles_ends(void **state)
{
	unsigned char config[4096] = { 0 };
	struct test *t = *state;
	pt_autofree char *path = NULL;

	fakesys_add_pci(t->sys, NIC, 0x8086, 0x10d3, 0x020000, "e1000e", 5);
	path = pt_strf("%s/config", fakesys_pci_path(t->sys, NIC));
	/* AER at 100h, then the serial number at 140h: 16 bits of id, 4 of version, 12 of next */
	memcpy(config + 0x100, "\x01\x00\x01\x14", 4);
	memcpy(config + 0x140, "\x03\x00\x01\x00\x56\x34\x12\xff\xff\x00\x54\x52", 12);
	fakesys_data(t->sys, path, config, sizeof(config));
	list(t);
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, NIC), false, &t->err), 0);
	assert_string_equal(device(t, NIC)->serial, "52-54-00-ff-ff-12-34-56");
	memcpy(config + 0x140, "\x02\x00\x01\x10", 4);
	fakesys_data(t->sys, path, config, sizeof(config));
	list(t);
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, NIC), false, &t->err), 0);
	assert_null(device(t, NIC)->serial);
}

static void interfaces_and_whole_disks_are_found_behind_their_function(void **state)
{
	struct test *t = *state;
	struct pt_device *d;

	fakesys_bridge(t->sys, "0000:00:01.0", 1, 1);
	fakesys_add_pci(t->sys, HBA, 0x1000, 0x5d, 0x010400, "megaraid_sas", 14);
	fakesys_add_disk(t->sys, HBA, "sda", 8, 0, "S1");
	fakesys_add_partition(t->sys, "sda", "sda1", 8, 1);
	fakesys_add_disk(t->sys, HBA, "sdb", 8, 16, "S2");
	fakesys_add_disk(t->sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_add_pci(t->sys, "0000:02:00.0", 0x144d, 0xa80a, 0x010802, "nvme", 15);
	fakesys_add_disk(t->sys, "0000:02:00.0", "nvme0c0n1", 259, 0, "N1");
	fakesys_add_pci(t->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_add_net(t->sys, NIC, "enp65s0", "52:54:00:00:00:01");
	fakesys_add_net(t->sys, NULL, "br0", NULL);
	list(t);
	assert_int_equal(pt_pci_carried(&t->sys->root, &t->devices, &t->err), 0);
	d = device(t, HBA);
	assert_int_equal(d->disks.n, 2);
	assert_string_equal(d->disks.v[0], "sda");
	assert_string_equal(d->disks.v[1], "sdb");
	assert_string_equal(device(t, "0000:02:00.0")->disks.v[0], "nvme0n1");
	assert_int_equal(device(t, NIC)->netdevs.n, 1);
	assert_string_equal(device(t, NIC)->netdevs.v[0], "enp65s0");
	assert_int_equal(device(t, "0000:00:01.0")->disks.n, 0);
	/* and again, for one: nothing is there twice */
	assert_int_equal(pt_pci_read(&t->sys->root, d, false, &t->err), 0);
	assert_int_equal(d->disks.n, 2);
}

static void the_vfio_driver_made_for_a_device_is_preferred_to_none(void **state)
{
	struct test *t = *state;

	fakesys_file(t->sys, "proc/sys/kernel/osrelease", "6.12.0-test\n");
	fakesys_file(t->sys, "usr/lib/modules/6.12.0-test/modules.alias",
		     "# Aliases extracted from modules themselves.\n"
		     "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"
		     "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
		     "alias vfio_pci:v000015B3d*sv*sd*bc*sc*i* some_vfio_pci\n"
		     "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n");
	fakesys_add_pci(t->sys, NIC, 0x15b3, 0x101e, 0x020000, "mlx5_core", 21);
	fakesys_add_pci(t->sys, HBA, 0x1000, 0x5d, 0x010400, "megaraid_sas", 14);
	list(t);
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, NIC), false, &t->err), 0);
	assert_string_equal(device(t, NIC)->vfio_variant, "mlx5_vfio_pci");
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, HBA), false, &t->err), 0);
	assert_null(device(t, HBA)->vfio_variant);
}

static void a_host_without_pci_is_told_so(void **state)
{
	struct test *t = *state;

	fakesys_remove(t->sys, "sys/bus");
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), -ENOENT);
	assert_non_null(strstr(t->err.msg, "sys/bus/pci/devices"));
	assert_non_null(strstr(t->err.hint, "container"));
}

static void a_capture_cannot_lead_out_of_itself_nor_speak_to_the_terminal(void **state)
{
	struct test *t = *state;
	pt_autofree char *uevent = NULL;

	/* a function whose directory is a link to elsewhere on this machine */
	fakesys_link(t->sys, "sys/bus/pci/devices/0000:05:00.0", "../../../../../../../../../../etc");
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), -EXDEV);
	assert_non_null(strstr(t->err.msg, "0000:05:00.0"));
	fakesys_remove(t->sys, "sys/bus/pci/devices/0000:05:00.0");
	/* an attribute that is a link; and an escape sequence for a name */
	fakesys_add_pci(t->sys, HBA, 0x1000, 0x5d, 0x010400, "bad\033[2Jname", -1);
	fakesys_add_pci(t->sys, NIC, 0x1000, 0x5d, 0x010400, NULL, -1);
	uevent = pt_strf("%s/uevent", fakesys_pci_path(t->sys, NIC));
	fakesys_link(t->sys, uevent, "/etc/hostname");
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), -ELOOP);
	fakesys_remove(t->sys, uevent);
	fakesys_attr(t->sys, NIC, "uevent", "DRIVER\n\n=\nPCI_ID=zz\nPCI_CLASS=-1\nPCI_ID");
	list(t);
	assert_string_equal(device(t, HBA)->driver, "bad?[2Jname");
	assert_int_equal(device(t, NIC)->vendor, 0);
}

static void a_function_that_goes_away_while_it_is_read_is_left_out(void **state)
{
	struct test *t = *state;

	fakesys_add_pci(t->sys, HBA, 0x1000, 0x5d, 0x010400, NULL, -1);
	fakesys_link(t->sys, "sys/bus/pci/devices/0000:05:00.0", "../../../devices/pci0000:05/0000:05:00.0");
	list(t);
	assert_int_equal(t->devices.n, 1);
	fakesys_remove(t->sys, fakesys_pci_path(t->sys, HBA));
	assert_int_equal(pt_pci_read(&t->sys->root, device(t, HBA), false, &t->err), -ENODEV);
	assert_string_equal(t->err.msg, "cannot open PCI function 0000:01:00.0: No such device");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_function_is_read_with_its_ids_class_driver_group_and_place),
		TEST(a_group_without_an_iommu_is_none),
		TEST(a_function_without_driver_group_or_numa_node_is_no_error),
		TEST(functions_come_sorted_by_number_and_not_by_text),
		TEST(vfs_are_counted_by_links_and_never_by_sriov_numvfs),
		TEST(vfs_far_from_their_pf_are_its_vfs_among_thousands),
		TEST(a_pf_that_claims_to_be_its_own_vf_stays_a_pf),
		TEST(details_are_read_from_their_attributes),
		TEST(the_device_serial_number_is_found_and_a_list_in_circles_ends),
		TEST(interfaces_and_whole_disks_are_found_behind_their_function),
		TEST(the_vfio_driver_made_for_a_device_is_preferred_to_none),
		TEST(a_host_without_pci_is_told_so),
		TEST(a_capture_cannot_lead_out_of_itself_nor_speak_to_the_terminal),
		TEST(a_function_that_goes_away_while_it_is_read_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
