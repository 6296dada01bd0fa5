/* SPDX-License-Identifier: Apache-2.0 */
/* Captures that somebody sent: what is taken from them, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/unpack.h"
#include "fakesys.h"
#include "tarball.h"

#define DEVICE "P: /devices/pci0000:00/0000:00:02.0\nE: SUBSYSTEM=pci\nE: PCI_ID=8086:1533\nA: vendor=0x8086\\n\n"

struct test {
	struct fakesys *sys;
	struct pt_buf tar;
	struct pt_error err;
	int fd; /* an empty directory to unpack into */
};

static int setup(void **state)
{
	struct test *t = pt_alloc(sizeof(*t));
	pt_autofree char *path = NULL;

	t->sys = fakesys_new();
	fakesys_mkdir(t->sys, "out");
	path = pt_strf("%s/out", t->sys->dir);
	t->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->fd < 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	(void)close(t->fd);
	pt_buf_done(&t->tar);
	fakesys_free(t->sys);
	free(t);
	return 0;
}

static int unpack(struct test *t)
{
	return pt_unpack_memory(t->tar.s ? t->tar.s : "", t->tar.n, t->fd, &t->err);
}

static void assert_refused(struct test *t, const char *says)
{
	int r = unpack(t);

	if (r >= 0)
		fail_msg("it was taken");
	if (!strstr(t->err.msg, says))
		fail_msg("'%s' does not say '%s'", t->err.msg, says);
}

/* one entry of a kind, and then a list of devices that is fine */
static void assert_entry_refused(void **state, const char *name, char type, const char *target, const char *says)
{
	struct test *t = *state;

	tarball_add(&t->tar, name, type, target, type == '0' ? "text" : NULL);
	tarball_add(&t->tar, "devices.umockdev", '0', NULL, DEVICE);
	tarball_end(&t->tar);
	assert_refused(t, says);
}

static void assert_devices_refused(void **state, const char *devices, const char *says)
{
	struct test *t = *state;

	tarball_add(&t->tar, "devices.umockdev", '0', NULL, devices);
	tarball_end(&t->tar);
	assert_refused(t, says);
}

static void assert_reads(int fd, const char *path, const char *wanted)
{
	pt_autofree char *text = NULL;

	assert_int_equal(pt_file_read(fd, path, 4096, &text, NULL), 0);
	assert_string_equal(text, wanted);
}

static void devices_get_their_class_bus_driver_group_and_links(void **state)
{
	struct test *t = *state;
	pt_autoclose int sys_fd = -EBADF;
	pt_autoclose int dev_fd = -EBADF;

	tarball_add(&t->tar, "./", '5', NULL, NULL);
	tarball_add(&t->tar, "./devices.umockdev", '0', NULL,
		    "P: /devices/pci0000:00/0000:00:02.0\nE: DRIVER=igb\nE: SUBSYSTEM=pci\nH: config=8680\n"
		    "L: driver=../../../bus/pci/drivers/igb\nL: iommu_group=../../../kernel/iommu_groups/7\n\n"
		    "P: /devices/pci0000:00/0000:00:02.0/host0/block/sda\nN: sda\nS: disk/by-id/x disk/by-id/y\n"
		    "E: SUBSYSTEM=block\nE: ID_SERIAL_SHORT=S1\nA: dev=8:0\\n\nA: a=1\\n2\\\\3\n");
	tarball_add(&t->tar, "proc/swaps", '0', NULL, "none\n");
	tarball_add(&t->tar, "firmware/acpi/tables/DMAR", '0', NULL, "DMAR");
	tarball_add(&t->tar, "links", '0', NULL, "sys/bus/pci/drivers/igb/module ../../../../module/igb\n");
	tarball_add(&t->tar, "folders", '0', NULL, "sys/class/iommu\n");
	tarball_add(&t->tar, "README", '0', NULL, "not ours\n");
	tarball_end(&t->tar);
	if (unpack(t) < 0)
		fail_msg("%s", t->err.msg);
	sys_fd = pt_file_open(t->fd, "sys", O_RDONLY | O_DIRECTORY);
	dev_fd = pt_file_open(t->fd, "dev", O_RDONLY | O_DIRECTORY);
	assert_reads(sys_fd, "bus/pci/devices/0000:00:02.0/uevent", "DRIVER=igb\n");
	assert_reads(sys_fd, "bus/pci/drivers/igb/0000:00:02.0/config", "\x86\x80");
	assert_reads(sys_fd, "kernel/iommu_groups/7/devices/0000:00:02.0/uevent", "DRIVER=igb\n");
	assert_reads(sys_fd, "dev/block/8:0/dev", "8:0\n");
	assert_reads(sys_fd, "class/block/sda/a", "1\n2\\3");
	assert_reads(sys_fd, "firmware/acpi/tables/DMAR", "DMAR");
	assert_reads(dev_fd, "disk/by-id/x", "");
	assert_reads(dev_fd, "disk/by-id/y", "");
	assert_reads(t->fd, "run/udev/data/b8:0",
		     "S:disk/by-id/x\nS:disk/by-id/y\nE:SUBSYSTEM=block\nE:ID_SERIAL_SHORT=S1\n");
	assert_int_equal(pt_file_exists(sys_fd, "bus/pci/drivers/igb/module"), 1);
	assert_int_equal(pt_file_exists(sys_fd, "class/iommu"), 1);
	assert_int_equal(pt_file_exists(t->fd, "README"), 0);
}

static void names_that_leave_the_capture_are_refused(void **state)
{
	assert_entry_refused(state, "../evil", '0', NULL, "'../evil' does not stay below the top");
}

static void names_that_leave_it_in_the_middle_are_refused(void **state)
{
	assert_entry_refused(state, "proc/../../evil", '0', NULL, "does not stay below");
}

static void absolute_names_are_refused(void **state)
{
	assert_entry_refused(state, "/etc/evil", '0', NULL, "'/etc/evil' does not stay below");
}

static void links_are_refused(void **state)
{
	assert_entry_refused(state, "proc/link", '2', "/etc/passwd", "'proc/link' is a link or a device");
}

static void hard_links_are_refused(void **state)
{
	assert_entry_refused(state, "proc/link", '1', "/etc/passwd", "is a link or a device");
}

static void devices_nodes_are_refused(void **state)
{
	assert_entry_refused(state, "dev/sda", '3', NULL, "is a link or a device");
}

static void pipes_are_refused(void **state)
{
	assert_entry_refused(state, "proc/pipe", '6', NULL, "is a link or a device");
}

static void control_characters_do_not_reach_the_message(void **state)
{
	assert_entry_refused(state, "proc/\033[2Jx", '0', NULL, "'proc/?[2Jx'");
}

static void an_entry_twice_is_refused(void **state)
{
	struct test *t = *state;

	tarball_add(&t->tar, "proc/swaps", '0', NULL, "a");
	tarball_add(&t->tar, "proc/swaps", '0', NULL, "b");
	tarball_end(&t->tar);
	assert_refused(t, "'proc/swaps' is there twice");
}

static void a_file_cannot_be_a_directory_of_another(void **state)
{
	struct test *t = *state;

	tarball_add(&t->tar, "proc/a", '0', NULL, "a");
	tarball_add(&t->tar, "proc/a/b", '0', NULL, "b");
	tarball_end(&t->tar);
	assert_refused(t, "'proc/a/b' does not stay below");
}

static void what_is_no_tar_is_told_so(void **state)
{
	struct test *t = *state;

	pt_buf_add(&t->tar, "this is no tar at all, but it is long enough to be looked at");
	assert_refused(t, "no tar");
}

static void a_tar_cut_short_is_told_so(void **state)
{
	struct test *t = *state;

	tarball_add(&t->tar, "devices.umockdev", '0', NULL, DEVICE);
	t->tar.n -= 400;
	assert_refused(t, "'devices.umockdev' is damaged");
}

static void a_tar_without_devices_is_no_capture(void **state)
{
	struct test *t = *state;

	tarball_add(&t->tar, "proc/swaps", '0', NULL, "a");
	tarball_end(&t->tar);
	assert_refused(t, "no devices.umockdev");
	assert_non_null(strstr(t->err.hint, "facts --capture"));
}

static void a_device_outside_of_devices_is_refused(void **state)
{
	assert_devices_refused(state, "P: /class/net/eth0\n", "leads out of the capture");
}

static void a_device_path_with_dots_is_refused(void **state)
{
	assert_devices_refused(state, "P: /devices/../../../tmp/evil\n", "leads out of the capture");
}

static void an_attribute_name_with_dots_is_refused(void **state)
{
	assert_devices_refused(state, "P: /devices/a\nA: ../../../x=1\n", "leads out of the capture");
}

static void an_attribute_is_not_written_through_a_link(void **state)
{
	struct test *t = *state;
	pt_autofree char *outside = pt_strf("%s/outside", t->sys->dir);
	pt_autofree char *devices = pt_strf("P: /devices/a\nL: way=%s\n\nP: /devices/a/way/b\nA: x=1\n", outside);

	fakesys_mkdir(t->sys, "outside");
	tarball_add(&t->tar, "devices.umockdev", '0', NULL, devices);
	tarball_end(&t->tar);
	assert_true(unpack(t) < 0);
	assert_int_equal(pt_file_exists(t->sys->root.root_fd, "outside/b"), 0);
}

static void a_subsystem_that_is_a_path_is_refused(void **state)
{
	assert_devices_refused(state, "P: /devices/a\nE: SUBSYSTEM=../../evil\n", "leads out of the capture");
}

static void an_attribute_twice_is_refused(void **state)
{
	assert_devices_refused(state, "P: /devices/a\nA: x=1\nA: x=2\n", "/devices/a has something twice");
}

static void a_line_of_another_format_is_named_by_number(void **state)
{
	assert_devices_refused(state, "# a comment\n", "line 1 is not as umockdev");
}

static void a_later_line_of_another_format_is_named_by_number(void **state)
{
	assert_devices_refused(state, "P: /devices/a\nA: x=1\nH: y=0g\n", "line 3 is not as umockdev");
}

static void links_outside_of_sysfs_are_refused(void **state)
{
	struct test *t = *state;

	tarball_add(&t->tar, "devices.umockdev", '0', NULL, DEVICE);
	tarball_add(&t->tar, "links", '0', NULL, "etc/passwd /etc/passwd\n");
	tarball_end(&t->tar);
	assert_refused(t, "no link below sys/");
}

static void a_link_that_leads_out_is_kept_and_not_followed(void **state)
{
	struct test *t = *state;
	pt_autofree char *text = NULL;
	pt_autoclose int sys_fd = -EBADF;

	tarball_add(&t->tar, "devices.umockdev", '0', NULL,
		    "P: /devices/a\nL: x=/etc/hostname\nL: y=../../../../../etc/hostname\n");
	tarball_end(&t->tar);
	assert_int_equal(unpack(t), 0);
	sys_fd = pt_file_open(t->fd, "sys", O_RDONLY | O_DIRECTORY);
	assert_int_equal(pt_file_read(sys_fd, "devices/a/x", 4096, &text, NULL), -EXDEV);
	assert_int_equal(pt_file_read(sys_fd, "devices/a/y", 4096, &text, NULL), -EXDEV);
}

static void a_directory_with_a_link_or_a_pipe_in_it_is_refused(void **state)
{
	struct test *t = *state;
	pt_autofree char *dir = pt_strf("%s/capture", t->sys->dir);
	pt_autofree char *pipe_path = pt_strf("%s/proc/pipe", dir);
	struct pt_root root;

	fakesys_file(t->sys, "capture/devices.umockdev", "%s", DEVICE);
	fakesys_link(t->sys, "capture/proc/link", "/etc/hostname");
	assert_true(pt_root_open(dir, &root, &t->err) < 0);
	assert_non_null(strstr(t->err.msg, "'proc/link' is a link"));
	fakesys_remove(t->sys, "capture/proc/link");
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_true(pt_root_open(dir, &root, &t->err) < 0);
	assert_non_null(strstr(t->err.msg, "'proc/pipe' is a device or a pipe"));
}

static void a_capture_is_opened_like_a_host_and_its_directory_removed_afterwards(void **state)
{
	struct test *t = *state;
	pt_autofree char *dir = pt_strf("%s/capture", t->sys->dir);
	pt_autofree char *unpacked = NULL;
	struct pt_root root;
	struct stat st;

	fakesys_file(t->sys, "capture/devices.umockdev", "%s", DEVICE);
	fakesys_link(t->sys, "capture/notes", "/etc/hostname"); /* not ours: passed over */
	if (pt_root_open(dir, &root, &t->err) < 0)
		fail_msg("%s", t->err.msg);
	assert_true(root.captured);
	assert_string_equal(root.path, dir);
	assert_reads(root.sys_fd, "bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
	unpacked = pt_strdup(root.unpacked);
	assert_int_equal(stat(unpacked, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	pt_root_done(&root);
	assert_int_equal(stat(unpacked, &st), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(devices_get_their_class_bus_driver_group_and_links),
		TEST(names_that_leave_the_capture_are_refused),
		TEST(names_that_leave_it_in_the_middle_are_refused),
		TEST(absolute_names_are_refused),
		TEST(links_are_refused),
		TEST(hard_links_are_refused),
		TEST(devices_nodes_are_refused),
		TEST(pipes_are_refused),
		TEST(control_characters_do_not_reach_the_message),
		TEST(an_entry_twice_is_refused),
		TEST(a_file_cannot_be_a_directory_of_another),
		TEST(what_is_no_tar_is_told_so),
		TEST(a_tar_cut_short_is_told_so),
		TEST(a_tar_without_devices_is_no_capture),
		TEST(a_device_outside_of_devices_is_refused),
		TEST(a_device_path_with_dots_is_refused),
		TEST(an_attribute_name_with_dots_is_refused),
		TEST(an_attribute_is_not_written_through_a_link),
		TEST(a_subsystem_that_is_a_path_is_refused),
		TEST(an_attribute_twice_is_refused),
		TEST(a_line_of_another_format_is_named_by_number),
		TEST(a_later_line_of_another_format_is_named_by_number),
		TEST(links_outside_of_sysfs_are_refused),
		TEST(a_link_that_leads_out_is_kept_and_not_followed),
		TEST(a_directory_with_a_link_or_a_pipe_in_it_is_refused),
		TEST(a_capture_is_opened_like_a_host_and_its_directory_removed_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
