/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "users-fixture.h"

static void open_file(struct users_fixture *f, int pid, const char *comm, int fd, const char *target)
{
	pt_autofree char *comm_path = pt_strf("proc/%d/comm", pid);
	pt_autofree char *fd_path = pt_strf("proc/%d/fd/%d", pid, fd);

	fakesys_file(f->sys, comm_path, "%s\n", comm);
	fakesys_link(f->sys, fd_path, target);
}

/* a character device of @class_name on a function: in its class, by its number, and below the function */
static void add_device(struct users_fixture *f, const char *bdf, const char *below, const char *class_name,
		       const char *name, const char *number)
{
	const char *pci = fakesys_pci_path(f->sys, bdf);
	pt_autofree char *path = pt_strf("%s/%s/%s/dev", pci, below, name);
	pt_autofree char *class_link = pt_strf("sys/class/%s/%s", class_name, name);
	pt_autofree char *class_target = pt_strf("../../%s/%s/%s", pci + strlen("sys/"), below, name);

	fakesys_file(f->sys, path, "%s\n", number);
	fakesys_link(f->sys, class_link, class_target);
}

static void a_process_with_a_disk_open_is_named(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_add_partition(f->sys, "sda", "sda1", 8, 1);
	fakesys_dev_link(f->sys, "disk/by-id/x", "sda");
	open_file(f, 4711, "qemu-system-x86", 12, "/dev/disk/by-id/x");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "sda > open by qemu-system-x86 (pid 4711)");
	assert_int_equal(f->uses.v[0].pid, 4711);
	assert_string_equal(f->uses.v[0].comm, "qemu-system-x86");
	assert_string_equal(f->uses.v[0].where, "/proc/4711/fd");
}

static void an_open_volume_does_not_hide_that_the_volume_is_active(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	users_add_dm(f, "dm-0", 0, "vg0-guest", "LVM-a", "sda");
	open_file(f, 4711, "qemu-system-x86", 12, "/dev/dm-0");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_LVM, "sda > vg0-guest (LVM vg0/guest) > active logical volume");
	(void)users_find(f, PT_USE_OPEN, "sda > vg0-guest (LVM vg0/guest) > open by qemu-system-x86 (pid 4711)");
}

static void the_same_file_opened_twice_is_one_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	open_file(f, 4711, "dd", 3, "/dev/sda");
	open_file(f, 4711, "dd", 4, "/dev/sda");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "sda > open by dd (pid 4711)");
}

static void a_node_in_a_chroot_is_known_by_its_end(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	open_file(f, 4711, "lxc", 3, "/var/lib/lxc/one/dev/sda");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "sda > open by lxc (pid 4711)");
}

static void udev_looking_at_a_new_disk_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	open_file(f, 99, "(udev-worker)", 3, "/dev/sda");
	users_look(f, HBA);
	users_expect_none(f);
}

static void parent_is(struct users_fixture *f, int pid, const char *comm, int parent)
{
	pt_autofree char *path = pt_strf("proc/%d/stat", pid);

	fakesys_file(f->sys, path, "%d (%s) S %d %d 0 0", pid, comm, parent, pid);
}

static void a_program_of_udevs_rules_is_no_use_either(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	open_file(f, 99, "scsi_id", 3, "/dev/sda");
	parent_is(f, 99, "scsi_id", 98);
	parent_is(f, 98, "sh", 97);
	open_file(f, 98, "sh", 0, "/dev/null");
	open_file(f, 97, "(udev-worker)", 0, "/dev/null");
	users_look(f, HBA);
	users_expect_none(f);
	/* the same program by somebody's hand is one */
	open_file(f, 199, "scsi_id", 3, "/dev/sda");
	parent_is(f, 199, "scsi_id", 198);
	parent_is(f, 198, "bash", 1);
	open_file(f, 198, "bash", 0, "/dev/null");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "sda > open by scsi_id (pid 199)");
}

static void other_files_and_other_disks_are_no_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_add_disk(f->sys, NULL, "loop0", 7, 0, NULL);
	open_file(f, 99, "cat", 3, "/dev/loop0");
	open_file(f, 99, "cat", 4, "/dev/sdx");
	open_file(f, 99, "cat", 5, "/srv/sda");
	open_file(f, 99, "cat", 6, "pipe:[17]");
	open_file(f, 99, "cat", 7, "/dev/");
	users_look(f, HBA);
	users_expect_none(f);
}

static void a_disks_generic_scsi_node_counts_for_its_controller(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	add_device(f, HBA, "host0/target0:0:0/0:0:0:0/scsi_generic", "scsi_generic", "sg0", "21:0");
	open_file(f, 99, "smartd", 3, "/dev/sg0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "/dev/sg0 open by smartd (pid 99)");
}

static void a_multipath_namespaces_generic_node_counts_for_its_controllers(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_pci(f->sys, "0000:02:00.0", 0x144d, 0xa808, 0x010802, "nvme", -1);
	fakesys_file(f->sys, "sys/devices/pci0000:02/0000:02:00.0/nvme/nvme0/nvme0c0n1/size", "8\n");
	fakesys_link(f->sys, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		     "../../../pci0000:02/0000:02:00.0/nvme/nvme0");
	fakesys_file(f->sys, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev", "259:0\n");
	fakesys_link(f->sys, "sys/class/block/nvme0n1", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	fakesys_link(f->sys, "sys/class/nvme-generic/ng0n1", "../../devices/virtual/nvme-subsystem/nvme-subsys0/ng0n1");
	open_file(f, 99, "xnvme", 3, "/dev/ng0n1");
	users_look(f, "0000:02:00.0");
	users_expect_only(f, PT_USE_OPEN, "nvme0n1 > /dev/ng0n1 open by xnvme (pid 99)");
}

static void a_guests_process_says_whose_it_is(void **state)
{
	struct users_fixture *f = *state;
	static const char cmdline[] = "qemu-system-x86_64\0-name\0guest=-uuid\0-uuid\0"
				      "f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f21\0-m\0"
				      "1024";

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	fakesys_data(f->sys, "proc/99/cmdline", cmdline, sizeof(cmdline));
	open_file(f, 99, "qemu-system-x86", 3, "/dev/sda");
	open_file(f, 100, "qemu-nbd", 3, "/dev/sda");
	fakesys_file(f->sys, "proc/100/cmdline", "qemu-nbd");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	assert_string_equal(users_find(f, PT_USE_OPEN, "sda > open by qemu-system-x86 (pid 99)")->vm_uuid,
			    "f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	assert_null(users_find(f, PT_USE_OPEN, "sda > open by qemu-nbd (pid 100)")->vm_uuid);
}

static void a_drm_client_is_named(void **state)
{
	struct users_fixture *f = *state;

	add_device(f, GPU, "drm", "drm", "card1", "226:1");
	open_file(f, 99, "Xorg", 3, "/dev/dri/card1");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_DRM, "/dev/dri/card1 open by Xorg (pid 99)");
}

static void a_program_that_computes_on_nvidias_own_driver_is_named(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/driver/nvidia/gpus/" GPU "/information",
		     "Model: \t\t NVIDIA H100 PCIe\nIRQ:   \t\t 171\nDevice Minor: \t 3\nGPU Excluded:\t No\n");
	open_file(f, 99, "nvidia-persiste", 3, "/dev/nvidia3");
	open_file(f, 99, "nvidia-persiste", 4, "/dev/nvidiactl");
	open_file(f, 99, "nvidia-persiste", 5, "/dev/nvidia-uvm");
	open_file(f, 100, "python3", 4, "/dev/nvidia2");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_DRM, "/dev/nvidia3 open by nvidia-persiste (pid 99)");
	users_look(f, NIC);
	users_expect_none(f);
}

static void a_drm_client_of_another_card_is_not_ours(void **state)
{
	struct users_fixture *f = *state;

	add_device(f, NIC, "drm", "drm", "card0", "226:0");
	open_file(f, 99, "Xorg", 3, "/dev/dri/card0");
	users_look(f, GPU);
	users_expect_none(f);
}

static void an_open_sound_device_counts_for_unbinding_waits_for_it(void **state)
{
	struct users_fixture *f = *state;

	add_device(f, GPU, "sound/card0", "sound", "controlC0", "116:0");
	open_file(f, 99, "pipewire", 3, "/dev/snd/controlC0");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_OPEN, "/dev/snd/controlC0 open by pipewire (pid 99)");
}

static void a_keyboard_that_logind_listens_to_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	add_device(f, NIC, "usb1/1-1/1-1:1.0/input/input3", "input", "event3", "13:67");
	open_file(f, 99, "systemd-logind", 3, "/dev/input/event3");
	users_look(f, NIC);
	users_expect_none(f);
}

static void add_vfio_group(struct users_fixture *f, const char *group)
{
	pt_autofree char *dev = pt_strf("sys/devices/virtual/vfio/%s/dev", group);
	pt_autofree char *link = pt_strf("sys/class/vfio/%s", group);
	pt_autofree char *target = pt_strf("../../devices/virtual/vfio/%s", group);

	fakesys_file(f->sys, dev, "235:0\n");
	fakesys_link(f->sys, link, target);
}

static void a_process_that_has_the_iommu_group_open_is_named(void **state)
{
	struct users_fixture *f = *state;

	add_vfio_group(f, "41");
	add_vfio_group(f, "81");
	open_file(f, 99, "qemu-system-x86", 3, "/dev/vfio/41");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_VFIO, "IOMMU group 41 > /dev/vfio/41 open by qemu-system-x86 (pid 99)");
	users_look(f, GPU);
	users_expect_none(f);
}

static void a_process_that_has_the_vfio_device_open_is_named(void **state)
{
	struct users_fixture *f = *state;

	add_device(f, NIC, "vfio-dev", "vfio-dev", "vfio0", "511:0");
	open_file(f, 99, "qemu-system-x86", 3, "/dev/vfio/devices/vfio0");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_VFIO, "/dev/vfio/devices/vfio0 open by qemu-system-x86 (pid 99)");
}

static void a_mediated_devices_group_counts_for_its_parent(void **state)
{
	struct users_fixture *f = *state;

	add_vfio_group(f, "90");
	fakesys_link(f->sys, "sys/kernel/iommu_groups/90/devices/83b8f4f2",
		     "../../../../devices/pci0000:81/" GPU "/83b8f4f2");
	open_file(f, 99, "qemu-system-x86", 3, "/dev/vfio/90");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_VFIO, "IOMMU group 90 > /dev/vfio/90 open by qemu-system-x86 (pid 99)");
}

static void registers_mapped_from_sysfs_are_a_use(void **state)
{
	struct users_fixture *f = *state;

	open_file(f, 99, "dpdk-testpmd", 3, "/sys/devices/pci0000:41/" NIC "/resource0");
	open_file(f, 99, "dpdk-testpmd", 4, "/sys/devices/pci0000:41/" NIC "/uevent");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_OPEN, "/sys/devices/pci0000:41/" NIC "/resource0 open by dpdk-testpmd (pid 99)");
}

static void a_vf_that_a_guest_has_open_is_a_use_of_its_pf(void **state)
{
	struct users_fixture *f = *state;

	fakesys_sriov(f->sys, NIC, 7);
	fakesys_add_vf(f->sys, NIC, 0, "0000:41:10.0", 0x10ca, "vfio-pci", 50);
	users_add_device(f, NIC, 0x020000, "igb", NULL);
	users_add_device(f, "0000:41:10.0", 0x020000, "vfio-pci", NIC);
	add_vfio_group(f, "50");
	open_file(f, 99, "qemu-system-x86", 3, "/dev/vfio/50");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_VFIO,
			  "VF 0000:41:10.0 > IOMMU group 50 > /dev/vfio/50 open by qemu-system-x86 (pid 99)");
	assert_string_equal(pt_bdf_str(f->uses.v[0].bdf).s, NIC);
}

static void a_process_cannot_write_to_the_terminal_with_its_name(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, NULL);
	open_file(f, 99, "a\x1b[31m", 3, "/dev/sda");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_OPEN, "sda > open by a?[31m (pid 99)");
	assert_string_equal(f->uses.v[0].comm, "a?[31m");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, users_setup, users_teardown)
	const struct CMUnitTest tests[] = {
		T(a_process_with_a_disk_open_is_named),
		T(an_open_volume_does_not_hide_that_the_volume_is_active),
		T(the_same_file_opened_twice_is_one_use),
		T(a_node_in_a_chroot_is_known_by_its_end),
		T(udev_looking_at_a_new_disk_is_no_use),
		T(a_program_of_udevs_rules_is_no_use_either),
		T(other_files_and_other_disks_are_no_use),
		T(a_disks_generic_scsi_node_counts_for_its_controller),
		T(a_multipath_namespaces_generic_node_counts_for_its_controllers),
		T(a_guests_process_says_whose_it_is),
		T(a_drm_client_is_named),
		T(a_program_that_computes_on_nvidias_own_driver_is_named),
		T(a_drm_client_of_another_card_is_not_ours),
		T(an_open_sound_device_counts_for_unbinding_waits_for_it),
		T(a_keyboard_that_logind_listens_to_is_no_use),
		T(a_process_that_has_the_iommu_group_open_is_named),
		T(a_process_that_has_the_vfio_device_open_is_named),
		T(a_mediated_devices_group_counts_for_its_parent),
		T(registers_mapped_from_sysfs_are_a_use),
		T(a_vf_that_a_guest_has_open_is_a_use_of_its_pf),
		T(a_process_cannot_write_to_the_terminal_with_its_name),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
