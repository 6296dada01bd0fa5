/* SPDX-License-Identifier: Apache-2.0 */
/* When libvirt need not be asked who has a device: only when its files are certain to name none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/vm-files.h"
#include "tree.h"

#define VM  "<domain type='kvm'><name>a</name><cpu mode='host-passthrough'/></domain>\n"
#define NET "<network><name>default</name><forward mode='nat'/></network>\n"

/* a host with one VM and one network, neither of which has a device; its daemon has number 100 */
static int setup(void **state)
{
	struct tree *t;

	if (tree_setup(state) != 0)
		return -1;
	t = *state;
	t->root.captured = false;
	tree_file(t, "run/libvirtd.pid", "100\n");
	tree_link(t, "proc/100/exe", "/usr/sbin/libvirtd");
	tree_link(t, "proc/100/root", "/");
	tree_link(t, "proc/100/ns/mnt", "mnt:[4026531840]");
	tree_link(t, "proc/self/root", "/");
	tree_link(t, "proc/self/ns/mnt", "mnt:[4026531840]");
	tree_file(t, "etc/libvirt/qemu/a.xml", VM);
	tree_link(t, "etc/libvirt/qemu/autostart/a.xml", "/etc/libvirt/qemu/a.xml");
	tree_file(t, "etc/libvirt/qemu/networks/default.xml", NET);
	tree_file(t, "run/libvirt/qemu/a.xml", "<domstatus state='running'>" VM "</domstatus>\n");
	tree_file(t, "run/libvirt/qemu/a.pid", "4711\n");
	return 0;
}

static void nothing_that_names_a_device_is_certain(void **state)
{
	struct tree *t = *state;

	assert_true(pt_vm_files_silent(&t->root));
}

static void any_file_that_names_one_makes_libvirt_be_asked(void **state)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{ "etc/libvirt/qemu/b.xml",
		  "<domain><devices><hostdev mode='subsystem' type='pci'/></devices></domain>" },
		{ "etc/libvirt/qemu/b.xml", "<domain><devices><interface type=\"hostdev\"/></devices></domain>" },
		{ "etc/libvirt/qemu/b.xml", "<domain><devices><disk type='nvme'/></devices></domain>" },
		{ "etc/libvirt/qemu/b.xml", "<domain><qemu:arg value='vfio-pci,host=41:10.0'/></domain>" },
		{ "etc/libvirt/qemu/b.xml", "<!DOCTYPE domain [<!ENTITY h 'x'>]><domain/>" },
		{ "etc/libvirt/qemu/networks/pool.xml",
		  "<network><forward mode='hostdev'><pf dev='e'/></forward></network>" },
		{ "run/libvirt/qemu/b.xml", "<domstatus><hostdev/></domstatus>" },
		{ "run/libvirt/network/pool.xml", "<networkstatus><forward mode='hostdev'/></networkstatus>" },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		tree_file(t, files[i].path, files[i].text);
		assert_false(pt_vm_files_silent(&t->root));
		tree_remove(t, files[i].path);
		assert_true(pt_vm_files_silent(&t->root));
	}
}

static void a_file_that_cannot_be_read_whole_is_doubt(void **state)
{
	struct tree *t = *state;
	pt_autofree char *large = pt_alloc((2 << 20) + 1);

	tree_link(t, "etc/libvirt/qemu/b.xml", "/nowhere/b.xml");
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "etc/libvirt/qemu/b.xml");
	tree_bytes(t, "etc/libvirt/qemu/b.xml", "<domain/>\0<hostdev/>", 20);
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "etc/libvirt/qemu/b.xml");
	memset(large, ' ', 2 << 20);
	tree_file(t, "etc/libvirt/qemu/b.xml", large);
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "etc/libvirt/qemu/b.xml");
	tree_dir(t, "etc/libvirt/qemu/b.xml");
	assert_false(pt_vm_files_silent(&t->root));
}

static void a_daemon_that_does_not_run_is_doubt(void **state)
{
	struct tree *t = *state;

	tree_file(t, "run/libvirtd.pid", "101\n");
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "run/libvirtd.pid");
	assert_false(pt_vm_files_silent(&t->root));
	tree_file(t, "run/libvirtd.pid", "self\n");
	assert_false(pt_vm_files_silent(&t->root));
}

/* it may keep its definitions anywhere */
static void a_daemon_of_somebody_s_own_making_is_doubt(void **state)
{
	struct tree *t = *state;

	tree_remove(t, "proc/100/exe");
	tree_link(t, "proc/100/exe", "/usr/local/sbin/libvirtd");
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "proc/100/exe");
	assert_false(pt_vm_files_silent(&t->root));
}

static void a_daemon_in_a_container_is_doubt(void **state)
{
	struct tree *t = *state;

	tree_remove(t, "proc/100/ns/mnt");
	tree_link(t, "proc/100/ns/mnt", "mnt:[4026532222]");
	assert_false(pt_vm_files_silent(&t->root));
	tree_remove(t, "proc/100/ns/mnt");
	tree_link(t, "proc/100/ns/mnt", "mnt:[4026531840]");
	assert_true(pt_vm_files_silent(&t->root));
	tree_remove(t, "proc/100/root");
	tree_link(t, "proc/100/root", "/srv/other");
	assert_false(pt_vm_files_silent(&t->root));
}

/* one daemon that is ours does not speak for another that is not */
static void both_daemons_must_be_ours(void **state)
{
	struct tree *t = *state;

	tree_file(t, "run/virtqemud.pid", "200\n");
	tree_link(t, "proc/200/exe", "/usr/bin/virtqemud");
	tree_link(t, "proc/200/root", "/");
	tree_link(t, "proc/200/ns/mnt", "mnt:[4026531840]");
	assert_true(pt_vm_files_silent(&t->root));
	tree_remove(t, "proc/200/ns/mnt");
	tree_link(t, "proc/200/ns/mnt", "mnt:[4026532222]");
	assert_false(pt_vm_files_silent(&t->root));
}

static void folders_that_are_not_there_are_doubt(void **state)
{
	struct tree *t = *state;

	tree_remove(t, "run/libvirt/qemu");
	assert_false(pt_vm_files_silent(&t->root));
	tree_dir(t, "run/libvirt/qemu");
	assert_true(pt_vm_files_silent(&t->root));
	tree_remove(t, "etc/libvirt/qemu");
	assert_false(pt_vm_files_silent(&t->root));
}

static void more_files_than_are_worth_reading_are_doubt(void **state)
{
	struct tree *t = *state;

	for (int i = 0; i < 600; i++) {
		pt_autofree char *path = pt_strf("etc/libvirt/qemu/n%d.xml", i);

		tree_file(t, path, VM);
	}
	assert_false(pt_vm_files_silent(&t->root));
}

static void a_captured_host_has_nobody_to_ask(void **state)
{
	struct tree *t = *state;

	t->root.captured = true;
	assert_false(pt_vm_files_silent(&t->root));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_that_names_a_device_is_certain),
		TEST(any_file_that_names_one_makes_libvirt_be_asked),
		TEST(a_file_that_cannot_be_read_whole_is_doubt),
		TEST(a_daemon_that_does_not_run_is_doubt),
		TEST(a_daemon_of_somebody_s_own_making_is_doubt),
		TEST(a_daemon_in_a_container_is_doubt),
		TEST(both_daemons_must_be_ours),
		TEST(folders_that_are_not_there_are_doubt),
		TEST(more_files_than_are_worth_reading_are_doubt),
		TEST(a_captured_host_has_nobody_to_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
