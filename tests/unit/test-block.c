/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakesys.h"
#include "host/block-names.h"
#include "host/block-path.h"
#include "host/block.h"

#define HBA  "0000:01:00.0"
#define AHCI "0000:00:1f.2"

struct fixture {
	struct fakesys *sys;
	struct pt_blocks blocks;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->sys = fakesys_new();
	fakesys_bridge(f->sys, "0000:00:01.0", 1, -1);
	fakesys_add_pci(f->sys, HBA, 0x1000, 0x0079, 0x010400, "megaraid_sas", -1);
	fakesys_add_pci(f->sys, AHCI, 0x8086, 0x2922, 0x010601, "ahci", -1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_blocks_done(&f->blocks);
	fakesys_free(f->sys);
	free(f);
	return 0;
}

static const struct pt_block *look(struct fixture *f, const char *name)
{
	const struct pt_block *b;

	pt_blocks_done(&f->blocks);
	assert_int_equal(pt_block_list(&f->sys->root, &f->blocks, NULL), 0);
	b = pt_blocks_by_name(&f->blocks, name);
	assert_non_null(b);
	return b;
}

static void assert_controller(const struct pt_block *b, const char *bdf)
{
	assert_true(b->has_controller);
	assert_string_equal(pt_bdf_str(b->controller).s, bdf);
}

static void a_disk_has_its_controller_serial_and_size(void **state)
{
	struct fixture *f = *state;
	const struct pt_block *b;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, "S455NY0K100001");
	b = look(f, "sda");
	assert_controller(b, HBA);
	assert_string_equal(b->serial, "S455NY0K100001");
	assert_string_equal(b->model, "SAMSUNG MZ7LH1T9");
	assert_string_equal(b->vendor, "ATA");
	assert_string_equal(b->disk, "sda");
	assert_int_equal(b->major, 8);
	assert_int_equal(b->size, 1073741824);
}

static void a_partition_has_its_disk_and_the_disks_controller(void **state)
{
	struct fixture *f = *state;
	const struct pt_block *b;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_add_partition(f->sys, "sda", "sda2", 8, 2);
	b = look(f, "sda2");
	assert_string_equal(b->disk, "sda");
	assert_controller(b, HBA);
	assert_null(b->serial);
}

static void a_stacked_device_has_no_controller(void **state)
{
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, NULL, "dm-0", 253, 0, NULL);
	assert_false(look(f, "dm-0")->has_controller);
}

static void a_disk_behind_a_volume_management_device_hangs_on_the_nearest_function(void **state)
{
	struct fixture *f = *state;

	fakesys_add_pci(f->sys, "0000:5d:05.5", 0x8086, 0x201d, 0x010400, "vmd", -1);
	fakesys_add_pci_full(f->sys, &(struct fakesys_pci){ .bdf = "10000:00:02.0",
							    .parent = "0000:5d:05.5",
							    .class_code = 0x060400,
							    .group = -1 });
	fakesys_add_pci_full(f->sys, &(struct fakesys_pci){ .bdf = "10000:01:00.0",
							    .parent = "10000:00:02.0",
							    .class_code = 0x010802,
							    .group = -1 });
	fakesys_add_disk(f->sys, "10000:01:00.0", "nvme0n1", 259, 0, "S1");
	assert_controller(look(f, "nvme0n1"), "10000:01:00.0");
	/* and with that one it goes */
	assert_true(pt_block_behind(&f->blocks, look(f, "nvme0n1"), (struct pt_bdf){ 0, 0x5d, 5, 5 }));
	assert_false(pt_block_behind(&f->blocks, look(f, "nvme0n1"), (struct pt_bdf){ 0x10000, 0, 2, 0 }));
}

static void a_bridge_is_never_a_controller(void **state)
{
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, "0000:00:01.0", "sda", 8, 0, NULL);
	assert_false(look(f, "sda")->has_controller);
}

static void add_multipath_nvme(struct fakesys *sys)
{
	fakesys_add_pci(sys, "0000:02:00.0", 0x144d, 0xa808, 0x010802, "nvme", -1);
	fakesys_add_pci(sys, "0000:03:00.0", 0x144d, 0xa808, 0x010802, "nvme", -1);
	fakesys_file(sys, "sys/devices/pci0000:02/0000:02:00.0/nvme/nvme0/state", "live\n");
	fakesys_file(sys, "sys/devices/pci0000:03/0000:03:00.0/nvme/nvme1/nvme0c1n1/hidden", "1\n");
	fakesys_link(sys, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		     "../../../pci0000:02/0000:02:00.0/nvme/nvme0");
	fakesys_link(sys, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1",
		     "../../../pci0000:03/0000:03:00.0/nvme/nvme1");
	fakesys_file(sys, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev", "259:0\n");
	fakesys_link(sys, "sys/class/block/nvme0n1", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	fakesys_link(sys, "sys/class/block/nvme0c1n1", "../../devices/pci0000:03/0000:03:00.0/nvme/nvme1/nvme0c1n1");
}

static void a_multipath_nvme_namespace_hangs_on_the_controller_that_has_its_path(void **state)
{
	struct fixture *f = *state;

	add_multipath_nvme(f->sys);
	assert_controller(look(f, "nvme0n1"), "0000:03:00.0");
}

static void the_hidden_path_of_a_multipath_namespace_is_no_disk(void **state)
{
	struct fixture *f = *state;

	add_multipath_nvme(f->sys);
	(void)look(f, "nvme0n1");
	assert_null(pt_blocks_by_name(&f->blocks, "nvme0c1n1"));
}

static void without_hidden_paths_every_controller_of_the_subsystem_counts(void **state)
{
	struct fixture *f = *state;
	PT_AUTO(pt_strv) paths = { 0 };

	add_multipath_nvme(f->sys);
	fakesys_remove(f->sys, "sys/devices/pci0000:03/0000:03:00.0/nvme/nvme1/nvme0c1n1");
	pt_block_paths(&f->sys->root, "nvme0n1", &paths);
	assert_int_equal(paths.n, 2);
}

static void the_links_below_dev_are_found(void **state)
{
	struct fixture *f = *state;
	const struct pt_block *b;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_add_disk(f->sys, HBA, "sdb", 8, 16, NULL);
	fakesys_dev_link(f->sys, "disk/by-id/wwn-0x5002538e00000001", "sda");
	fakesys_dev_link(f->sys, "disk/by-path/pci-0000:01:00.0-scsi-0:0:0:0", "sda");
	fakesys_dev_link(f->sys, "disk/by-id/wwn-0x5002538e00000002", "sdb");
	b = look(f, "sda");
	assert_int_equal(b->links.n, 2);
	assert_true(pt_strv_has(&b->links, "disk/by-id/wwn-0x5002538e00000001"));
	assert_true(pt_strv_has(&b->links, "disk/by-path/pci-0000:01:00.0-scsi-0:0:0:0"));
}

static void udevs_database_adds_links_and_what_sysfs_does_not_say(void **state)
{
	struct fixture *f = *state;
	const struct pt_block *b;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_file(f->sys, "run/udev/data/b8:0",
		     "S:disk/by-id/ata-X\nE:ID_SERIAL_SHORT=U1\nE:ID_WWN=0x5002538e00000001\n");
	b = look(f, "sda");
	assert_true(pt_strv_has(&b->links, "disk/by-id/ata-X"));
	assert_string_equal(b->serial, "U1");
	assert_string_equal(b->wwn, "0x5002538e00000001");
}

static void the_kernels_serial_comes_before_udevs(void **state)
{
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, "KERNEL");
	fakesys_file(f->sys, "run/udev/data/b8:0", "E:ID_SERIAL_SHORT=35002538e00000001\n");
	assert_string_equal(look(f, "sda")->serial, "KERNEL");
}

static void a_vital_product_page_that_lies_about_its_length_is_bounded(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *path = NULL;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	path = pt_strf("%s/device/vpd_pg80", fakesys_block_path(f->sys, "sda"));
	fakesys_data(f->sys, path,
		     "\0\x80\xff\xff"
		     "AB\x1b[31m",
		     11);
	assert_string_equal(look(f, "sda")->serial, "AB?[31m");
}

static void a_name_agencies_wwid_reads_like_udevs(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *path = NULL;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	path = pt_strf("%s/device/wwid", fakesys_block_path(f->sys, "sda"));
	fakesys_file(f->sys, path, "naa.5002538e00000001\n");
	assert_string_equal(look(f, "sda")->wwn, "0x5002538e00000001");
}

static void assert_leads_to(struct fixture *f, const char *path, const char *name)
{
	int i = pt_block_lookup(&f->sys->root, &f->blocks, path);

	if (i < 0)
		fail_msg("%s leads nowhere", path);
	assert_string_equal(f->blocks.v[i].name, name);
}

static void every_form_of_a_disks_name_leads_to_it(void **state)
{
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_add_partition(f->sys, "sda", "sda1", 8, 1);
	fakesys_dev_link(f->sys, "disk/by-id/x-part1", "sda1");
	fakesys_link(f->sys, "dev/mine", "/dev/disk/by-id/x-part1");
	fakesys_file(f->sys, "run/udev/data/b8:1", "S:vg0/root\n");
	(void)look(f, "sda");
	assert_leads_to(f, "/dev/sda", "sda");
	assert_leads_to(f, "//dev/./sda", "sda");
	assert_leads_to(f, "/dev/disk/by-id/x-part1", "sda1");
	assert_leads_to(f, "/dev/disk/../sda1", "sda1");
	assert_leads_to(f, "/dev/mine", "sda1");
	assert_leads_to(f, "/dev/vg0/root", "sda1");
}

static void a_slash_in_a_disks_name_is_an_exclamation_mark_in_sysfs(void **state)
{
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "cciss!c0d0", 104, 0, NULL);
	(void)look(f, "cciss!c0d0");
	assert_leads_to(f, "/dev/cciss/c0d0", "cciss!c0d0");
}

static void a_path_to_no_disk_leads_nowhere(void **state)
{
	static const char *const paths[] = {
		"", "sda", "/dev", "/dev/sdz", "/dev/../sda", "/dev/loop", "/dev/out", "/etc/passwd", "/",
	};
	struct fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_link(f->sys, "dev/loop", "loop");
	fakesys_link(f->sys, "dev/out", "../../sda");
	(void)look(f, "sda");
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_int_equal(pt_block_lookup(&f->sys->root, &f->blocks, paths[i]), -ENOENT);
}

static void a_host_without_disks_is_no_error(void **state)
{
	struct fixture *f = *state;

	fakesys_remove(f->sys, "sys/class/block");
	assert_int_equal(pt_block_list(&f->sys->root, &f->blocks, NULL), 0);
	assert_int_equal(f->blocks.n, 0);
}

static void a_senseless_device_number_is_left_out(void **state)
{
	struct fixture *f = *state;

	fakesys_file(f->sys, "sys/devices/virtual/block/bad/dev", "8:0x\n");
	fakesys_link(f->sys, "sys/class/block/bad", "../../devices/virtual/block/bad");
	assert_int_equal(pt_block_list(&f->sys->root, &f->blocks, NULL), 0);
	assert_int_equal(f->blocks.n, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_disk_has_its_controller_serial_and_size),
		T(a_partition_has_its_disk_and_the_disks_controller),
		T(a_stacked_device_has_no_controller),
		T(a_disk_behind_a_volume_management_device_hangs_on_the_nearest_function),
		T(a_bridge_is_never_a_controller),
		T(a_multipath_nvme_namespace_hangs_on_the_controller_that_has_its_path),
		T(the_hidden_path_of_a_multipath_namespace_is_no_disk),
		T(without_hidden_paths_every_controller_of_the_subsystem_counts),
		T(the_links_below_dev_are_found),
		T(udevs_database_adds_links_and_what_sysfs_does_not_say),
		T(the_kernels_serial_comes_before_udevs),
		T(a_vital_product_page_that_lies_about_its_length_is_bounded),
		T(a_name_agencies_wwid_reads_like_udevs),
		T(every_form_of_a_disks_name_leads_to_it),
		T(a_slash_in_a_disks_name_is_an_exclamation_mark_in_sysfs),
		T(a_path_to_no_disk_leads_nowhere),
		T(a_host_without_disks_is_no_error),
		T(a_senseless_device_number_is_left_out),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
