/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/claims.h"
#include "domxml/domxml.h"
#include "fakesys.h"
#include "host/block.h"

#define HBA "0000:01:00.0"

struct fixture {
	struct fakesys *sys;
	struct pt_blocks blocks;
	struct pt_domain vm;
	struct pt_domains others;
	struct pt_claims claims;
};

/* sda (by-id/wwn-1, by-path/a) with sda1 (by-partuuid/p) and sdb behind the HBA; dm-0 is a volume */
static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->sys = fakesys_new();
	fakesys_add_pci(f->sys, HBA, 0x1000, 0x0079, 0x010400, "megaraid_sas", 1);
	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, "S1");
	fakesys_add_partition(f->sys, "sda", "sda1", 8, 1);
	fakesys_add_disk(f->sys, HBA, "sdb", 8, 16, "S2");
	fakesys_add_disk(f->sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_dev_link(f->sys, "disk/by-id/wwn-1", "sda");
	fakesys_dev_link(f->sys, "disk/by-path/a", "sda");
	fakesys_dev_link(f->sys, "disk/by-partuuid/p", "sda1");
	fakesys_dev_link(f->sys, "mapper/vg-lv", "dm-0");
	assert_int_equal(pt_block_list(&f->sys->root, &f->blocks, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_claims_done(&f->claims);
	pt_domain_done(&f->vm);
	pt_domains_done(&f->others);
	pt_blocks_done(&f->blocks);
	fakesys_free(f->sys);
	free(f);
	return 0;
}

static void read_vm(struct pt_domain *d, const char *name, const char *top, const char *devices)
{
	char *xml = pt_strf("<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>%s</name>%s"
			    "<devices>%s</devices></domain>",
			    name, top, devices);

	assert_int_equal(pt_domxml_read(xml, d, NULL), 0);
	free(xml);
}

static void find(struct fixture *f)
{
	pt_claims_find(&f->sys->root, &f->blocks, &f->vm, &f->others, &f->claims);
}

static const char *block_name(const struct fixture *f, int index)
{
	return index < 0 ? "none" : f->blocks.v[index].name;
}

static void a_disk_is_found_by_every_name_it_has(void **state)
{
	static const struct {
		const char *source;
		const char *block;
	} cases[] = {
		{ "type='block'><source dev='/dev/sda'/>", "sda" },
		{ "type='block'><source dev='/dev/disk/by-id/wwn-1'/>", "sda" },
		{ "type='block'><source dev='/dev/disk/by-id/../by-path/a'/>", "sda" },
		{ "type='block'><source dev='//dev//./disk/by-partuuid/p'/>", "sda1" },
		{ "type='file'><source file='/dev/sdb'/>", "sdb" },
		{ "type='block'><source dev='/dev/sdb'><reservations managed='yes'/></source>", "sdb" },
		{ "type='block' device='lun'><source dev='/dev/sdb'><encryption format='luks'/></source>", "sdb" },
		{ "type='block'><source dev='/dev/sdb'><slices><slice type='storage' offset='0' size='9'/></slices>"
		  "</source>",
		  "sdb" },
		{ "type='block' device='cdrom'><source dev='/dev/sdb' startupPolicy='optional'/>", "sdb" },
		{ "type='block'><source dev='/dev/mapper/vg-lv'/>", "dm-0" },
		{ "type='block'><source dev='/dev/sd'/>", "none" },
		{ "type='file'><source file='/srv/dev/sda'/>", "none" },
		{ "type='network'><source protocol='iscsi' name='/dev/sda'/>", "none" },
		{ "type='vhostuser'><source type='unix' path='/dev/sda'/>", "none" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *disk = pt_strf("<disk %s<target dev='sda' bus='scsi'/></disk>", cases[i].source);

		pt_domain_done(&f->vm);
		f->claims.disk_of.n = 0;
		f->claims.found.n = 0;
		read_vm(&f->vm, "cvm", "", disk);
		find(f);
		assert_int_equal(f->claims.disk_of.n, 1);
		if (strcmp(block_name(f, f->claims.disk_of.v[0]), cases[i].block) != 0)
			fail_msg("%s: %s", cases[i].source, block_name(f, f->claims.disk_of.v[0]));
		free(disk);
	}
}

static void a_volume_is_the_path_that_libvirt_tells(void **state)
{
	struct fixture *f = *state;

	read_vm(&f->vm, "cvm", "",
		"<disk type='volume'><source pool='p' volume='sda1'/><target dev='sda' bus='scsi'/></disk>");
	pt_strv_add(&f->vm.disks.v[0].also, "/dev/sda1");
	find(f);
	assert_string_equal(block_name(f, f->claims.disk_of.v[0]), "sda1");
	assert_int_equal(f->claims.found.n, 0);
}

static void a_backing_file_is_no_source(void **state)
{
	struct fixture *f = *state;

	read_vm(&f->vm, "cvm", "",
		"<disk type='file'><source file='/srv/top.qcow2'/><backingStore type='block'><source dev='/dev/sda1'/>"
		"</backingStore><target dev='vda' bus='virtio'/></disk>");
	find(f);
	assert_int_equal(f->claims.disk_of.v[0], -1);
	assert_int_equal(f->claims.found.n, 1);
	assert_true(f->claims.found.v[0].own);
	assert_int_equal(f->claims.found.v[0].kind, PT_CLAIM_CHAIN);
	assert_string_equal(f->claims.found.v[0].target, "vda");
	assert_string_equal(block_name(f, (int)f->claims.found.v[0].block), "sda1");
}

static void arguments_and_scsi_devices_are_claims(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *other = pt_array_add(&f->others);
	struct pt_bdf bdf = { 0, 1, 0, 0 };
	pt_autofree char *target = pt_strf("../../%s/host0/target0:0:1/0:0:1:0/scsi_device/0:0:1:0",
					   fakesys_pci_path(f->sys, HBA) + strlen("sys/"));

	fakesys_link(f->sys, "sys/class/scsi_device/0:0:9:0", target);
	read_vm(other, "db",
		"<q:commandline><q:arg value='-drive'/><q:arg value='file=/dev/disk/by-path/a,if=none'/>"
		"</q:commandline>",
		"<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
		"<address bus='0' target='9' unit='0'/></source></hostdev>"
		"<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host7'/>"
		"<address bus='0' target='9' unit='0'/></source></hostdev>");
	find(f);
	assert_int_equal(f->claims.found.n, 2);
	assert_int_equal(f->claims.found.v[0].kind, PT_CLAIM_ARGUMENT);
	assert_string_equal(block_name(f, (int)f->claims.found.v[0].block), "sda");
	assert_string_equal(f->claims.found.v[0].vm, "db");
	assert_false(f->claims.found.v[0].own);
	assert_int_equal(f->claims.found.v[1].kind, PT_CLAIM_SCSI);
	assert_true(pt_bdf_eq(f->claims.found.v[1].controller, bdf));
}

static void where_no_vm_is_given_anything_every_disk_is_a_claim(void **state)
{
	struct fixture *f = *state;

	read_vm(pt_array_add(&f->others), "db", "",
		"<disk type='block'><source dev='/dev/sdb'/><target dev='sda' bus='scsi'/></disk>");
	pt_claims_find(&f->sys->root, &f->blocks, NULL, &f->others, &f->claims);
	assert_int_equal(f->claims.disk_of.n, 0);
	assert_int_equal(f->claims.found.n, 1);
	assert_false(f->claims.found.v[0].own);
	assert_string_equal(block_name(f, (int)f->claims.found.v[0].block), "sdb");
}

static void a_disk_that_is_not_there_may_be_out_of_sight_and_an_empty_drive_may_not(void **state)
{
	struct fixture *f = *state;

	read_vm(&f->vm, "cvm", "",
		"<disk type='block'><source dev='/dev/disk/by-id/gone'/><target dev='sda' bus='scsi'/></disk>"
		"<disk type='block' device='cdrom'><source dev='/dev/sr0'/><target dev='sdb' bus='sata'/></disk>"
		"<disk type='file'><source file='/srv/gone'/><target dev='sdc' bus='scsi'/></disk>");
	find(f);
	assert_int_equal(f->claims.found.n, 1);
	assert_int_equal(f->claims.found.v[0].kind, PT_CLAIM_UNSEEN);
	assert_string_equal(f->claims.found.v[0].path, "/dev/disk/by-id/gone");
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(a_disk_is_found_by_every_name_it_has),
		t(a_volume_is_the_path_that_libvirt_tells),
		t(a_backing_file_is_no_source),
		t(arguments_and_scsi_devices_are_claims),
		t(where_no_vm_is_given_anything_every_disk_is_a_claim),
		t(a_disk_that_is_not_there_may_be_out_of_sight_and_an_empty_drive_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
