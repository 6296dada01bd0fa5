/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a function open, as it is asked in the moment before its driver lets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/holders.h"
#include "users-fixture.h"

static void open_fd(struct users_fixture *f, int pid, const char *comm, int fd, const char *target)
{
	pt_autofree char *comm_path = pt_strf("proc/%d/comm", pid);
	pt_autofree char *fd_path = pt_strf("proc/%d/fd/%d", pid, fd);

	fakesys_file(f->sys, comm_path, "%s\n", comm);
	fakesys_link(f->sys, fd_path, target);
}

static void says(struct users_fixture *f, const char *bdf, const char *expected)
{
	struct pt_bdf function;
	pt_autofree char *text = NULL;

	assert_int_equal(pt_bdf_parse(bdf, &function), 0);
	text = pt_holders_name(&f->sys->root, function);
	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void add_group(struct users_fixture *f)
{
	fakesys_file(f->sys, "sys/devices/virtual/vfio/41/dev", "235:0\n");
	fakesys_link(f->sys, "sys/class/vfio/41", "../../devices/virtual/vfio/41");
}

static void nobody_is_nobody(void **state)
{
	struct users_fixture *f = *state;

	open_fd(f, 99, "bash", 0, "/dev/pts/0");
	says(f, NIC, NULL);
}

static void the_groups_node_and_the_devices_own_name_their_process(void **state)
{
	struct users_fixture *f = *state;

	add_group(f);
	open_fd(f, 99, "qemu-system-x86", 3, "/dev/vfio/41");
	says(f, NIC, "IOMMU group 41 > /dev/vfio/41 open by qemu-system-x86 (pid 99)");
	says(f, GPU, NULL);
}

static void a_descriptor_without_a_node_is_known_by_what_the_kernel_tells_of_it(void **state)
{
	struct users_fixture *f = *state;

	fakesys_driver(f->sys, NIC, "vfio-pci");
	open_fd(f, 99, "vmm", 7, "anon_inode:[vfio-device]");
	fakesys_file(f->sys, "proc/99/fdinfo/7",
		     "pos:\t0\nflags:\t02000002\nvfio-device-syspath: /sys/devices/pci0000:40/" NIC "\n");
	says(f, NIC, "its VFIO device open by vmm (pid 99)");
	says(f, GPU, NULL);
}

static void where_the_kernel_does_not_tell_it_is_only_perhaps(void **state)
{
	struct users_fixture *f = *state;

	fakesys_driver(f->sys, NIC, "vfio-pci");
	open_fd(f, 99, "vmm", 7, "anon_inode:[vfio-device]");
	fakesys_file(f->sys, "proc/99/fdinfo/7", "pos:\t0\nflags:\t02000002\n");
	says(f, NIC, "a VFIO device, perhaps this one, open by vmm (pid 99)");
	/* and not of a function that a driver of the host has */
	fakesys_driver(f->sys, NIC, "igb");
	says(f, NIC, NULL);
}

static void more_than_four_are_counted(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *text = NULL;
	struct pt_bdf nic;

	add_group(f);
	for (int pid = 90; pid < 96; pid++)
		open_fd(f, pid, "dpdk", 3, "/dev/vfio/41");
	assert_int_equal(pt_bdf_parse(NIC, &nic), 0);
	text = pt_holders_name(&f->sys->root, nic);
	assert_non_null(strstr(text, "; and 2 more"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, users_setup, users_teardown)
	const struct CMUnitTest tests[] = {
		T(nobody_is_nobody),
		T(the_groups_node_and_the_devices_own_name_their_process),
		T(a_descriptor_without_a_node_is_known_by_what_the_kernel_tells_of_it),
		T(where_the_kernel_does_not_tell_it_is_only_perhaps),
		T(more_than_four_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
