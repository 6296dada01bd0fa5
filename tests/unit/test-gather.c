/* SPDX-License-Identifier: Apache-2.0 */
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
#include "host/gather.h"
#include "host/pci.h"

static const struct pt_bdf hba = { 0, 1, 0, 0 };

static int setup(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
	fakesys_attr(sys, "0000:01:00.0", "driver_override", "hba");
	fakesys_add_pci(sys, "0000:02:00.0", 0x8086, 0x10d3, 0x020000, "e1000e", 14);
	fakesys_attr(sys, "0000:02:00.0", "driver_override", "companion");
	fakesys_add_pci(sys, "0000:03:00.0", 0x8086, 0x10d3, 0x020000, "e1000e", 15);
	fakesys_attr(sys, "0000:03:00.0", "driver_override", "stranger");
	fakesys_add_disk(sys, "0000:01:00.0", "sda", 8, 0, "S455NY0K100001");
	fakesys_add_net(sys, "0000:02:00.0", "eth0", "52:54:00:00:00:01");
	fakesys_file(sys, "sys/class/net/eth0/addr_assign_type", "0\n");
	fakesys_add_net(sys, "0000:02:00.0", "eth1", "52:54:00:00:00:02");
	fakesys_file(sys, "sys/class/net/eth1/addr_assign_type", "3\n");
	fakesys_iommu(sys, "dmar0");
	fakesys_file(sys, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n");
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static void gather(struct fakesys *sys, struct pt_host *host)
{
	struct pt_error err = { 0 };

	assert_int_equal(pt_pci_list(&sys->root, &host->devices, &err), 0);
	if (pt_gather(&sys->root, &hba, 1, host, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void the_whole_iommu_group_is_read_and_no_other_device(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	gather(sys, &host);
	assert_int_equal(host.devices.n, 3);
	assert_string_equal(host.devices.v[0].driver_override, "hba");
	assert_string_equal(host.devices.v[1].driver_override, "companion");
	assert_null(host.devices.v[2].driver_override);
}

static void a_member_that_is_no_pci_function_is_read_with_its_driver(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	fakesys_mkdir(sys, "sys/bus/platform/drivers/hns");
	fakesys_mkdir(sys, "sys/devices/platform/HISI0162:00");
	fakesys_link(sys, "sys/devices/platform/HISI0162:00/driver", "../../../bus/platform/drivers/hns");
	fakesys_link(sys, "sys/kernel/iommu_groups/14/devices/HISI0162:00", "../../../../devices/platform/HISI0162:00");
	fakesys_mkdir(sys, "sys/kernel/iommu_groups/14/devices/ACPI0003:00");
	fakesys_mkdir(sys, "sys/kernel/iommu_groups/15/devices/ACPI0004:00");
	gather(sys, &host);
	assert_int_equal(host.group_others.n, 2);
	for (size_t i = 0; i < host.group_others.n; i++) {
		const struct pt_host_other *o = &host.group_others.v[i];

		assert_int_equal(o->group, 14);
		if (strcmp(o->name, "HISI0162:00") == 0)
			assert_string_equal(o->driver, "hns");
		else
			assert_null(o->driver);
	}
}

/* which of two alike the record means is decided by what both tell, in whatever group they are */
static void every_function_of_a_reserved_kind_is_looked_at(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	fakesys_file(
		sys, "etc/passthru/reserved.d/0000:02:00.0.conf",
		"# Reserved for guests by passthru: the host's own driver stays away from it, across reboots.\n"
		"address=0000:02:00.0\nvendor_id=8086\ndevice_id=10d3\nsubsystem_vendor_id=0000\n"
		"subsystem_device_id=0000\nslot_path=0000:00:03.0/00.0\ndriver=vfio-pci\nvm=\nvm_uuid=\nchange=1\n");
	gather(sys, &host);
	assert_int_equal(host.reserved.n, 1);
	assert_int_equal(host.present.n, 2);
	assert_int_equal(host.present.v[0].last_seen.bus, 2);
	assert_int_equal(host.present.v[1].last_seen.bus, 3);
}

static void disks_memory_and_iommu_are_there(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	gather(sys, &host);
	assert_int_equal(host.blocks.n, 1);
	assert_string_equal(host.blocks.v[0].serial, "S455NY0K100001");
	assert_int_equal(host.memory.available_kib, 500);
	assert_int_equal(host.iommu_active, PT_KNOWN_YES);
}

static void only_addresses_that_a_card_was_made_with_are_kept(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	gather(sys, &host);
	assert_int_equal(host.nics.n, 1);
	assert_string_equal(host.nics.v[0].name, "eth0");
	assert_string_equal(host.nics.v[0].mac, "52:54:00:00:00:01");
	assert_int_equal(host.nics.v[0].bdf.bus, 2);
}

static void a_use_of_a_disk_is_found(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_host) host = { 0 };

	fakesys_file(sys, "proc/self/mountinfo", "22 1 8:0 / / rw - ext4 /dev/sda rw\n");
	gather(sys, &host);
	assert_true(host.uses.n >= 1);
	assert_int_equal(host.uses.v[0].kind, PT_USE_MOUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_whole_iommu_group_is_read_and_no_other_device, setup, teardown),
		cmocka_unit_test_setup_teardown(a_member_that_is_no_pci_function_is_read_with_its_driver, setup,
						teardown),
		cmocka_unit_test_setup_teardown(every_function_of_a_reserved_kind_is_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(disks_memory_and_iommu_are_there, setup, teardown),
		cmocka_unit_test_setup_teardown(only_addresses_that_a_card_was_made_with_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_use_of_a_disk_is_found, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
