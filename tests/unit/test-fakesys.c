/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up host itself: what every other test stands on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fakesys.h"

static int setup(void **state)
{
	*state = fakesys_new();
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static void assert_reads(int fd, const char *path, const char *wanted)
{
	pt_autofree char *line = NULL;

	assert_int_equal(pt_file_read_line(fd, path, &line), 0);
	assert_string_equal(line, wanted);
}

static void links_lead_where_the_kernels_lead(void **state)
{
	struct fakesys *sys = *state;
	int fd = sys->root.sys_fd;

	fakesys_bridge(sys, "0000:00:01.0", 1, 1);
	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
	fakesys_add_disk(sys, "0000:01:00.0", "sda", 8, 0, "S1");
	fakesys_add_partition(sys, "sda", "sda1", 8, 1);
	fakesys_add_disk(sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_hold(sys, "sda1", "dm-0");
	fakesys_dev_link(sys, "disk/by-id/wwn-0x1", "sda");
	assert_string_equal(fakesys_pci_path(sys, "0000:01:00.0"), "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0");
	assert_reads(fd, "bus/pci/devices/0000:01:00.0/vendor", "0x1000");
	assert_reads(fd, "bus/pci/devices/0000:01:00.0/uevent", "DRIVER=megaraid_sas");
	assert_reads(fd, "kernel/iommu_groups/14/devices/0000:01:00.0/device", "0x0079");
	assert_reads(fd, "bus/pci/drivers/megaraid_sas/0000:01:00.0/class", "0x010400");
	assert_reads(fd, "class/block/sda/device/model", "SAMSUNG MZ7LH1T9");
	assert_reads(fd, "dev/block/8:1/holders/dm-0/dev", "253:0");
	assert_reads(fd, "class/block/dm-0/slaves/sda1/dev", "8:1");
	assert_int_equal(pt_file_exists(sys->root.dev_fd, "disk/by-id/wwn-0x1"), 1);
	assert_reads(sys->root.dev_fd, "disk/by-id/wwn-0x1", "");
}

static void a_driver_may_change(void **state)
{
	struct fakesys *sys = *state;
	pt_autofree char *name = NULL;
	int fd = sys->root.sys_fd;

	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", -1);
	fakesys_driver(sys, "0000:01:00.0", "vfio-pci");
	assert_int_equal(pt_file_link_name(fd, "bus/pci/devices/0000:01:00.0/driver", &name), 0);
	assert_string_equal(name, "vfio-pci");
	fakesys_driver(sys, "0000:01:00.0", NULL);
	assert_int_equal(pt_file_exists(fd, "bus/pci/devices/0000:01:00.0/driver"), 0);
	assert_int_equal(pt_file_exists(fd, "bus/pci/devices/0000:01:00.0/iommu_group"), 0);
	assert_reads(fd, "bus/pci/devices/0000:01:00.0/uevent", "PCI_CLASS=10400");
}

static void vfs_and_interfaces_hang_on_their_function(void **state)
{
	struct fakesys *sys = *state;
	int fd = sys->root.sys_fd;

	fakesys_bridge(sys, "0000:40:00.0", 0x41, 20);
	fakesys_add_pci(sys, "0000:41:00.0", 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(sys, "0000:41:00.0", 7);
	fakesys_add_vf(sys, "0000:41:00.0", 0, "0000:41:10.0", 0x10ca, "igbvf", 22);
	fakesys_add_net(sys, "0000:41:00.0", "enp65s0", "52:54:00:00:00:01");
	assert_reads(fd, "bus/pci/devices/0000:41:00.0/virtfn0/device", "0x10ca");
	assert_reads(fd, "bus/pci/devices/0000:41:10.0/physfn/sriov_totalvfs", "7");
	assert_reads(fd, "class/net/enp65s0/device/vendor", "0x8086");
	assert_string_equal(fakesys_pci_path(sys, "0000:41:10.0"), "sys/devices/pci0000:40/0000:40:00.0/0000:41:10.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(links_lead_where_the_kernels_lead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_driver_may_change, setup, teardown),
		cmocka_unit_test_setup_teardown(vfs_and_interfaces_hang_on_their_function, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
