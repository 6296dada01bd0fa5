/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/block.h"
#include "host/users.h"
#include "users-fixture.h"

/* sda with two partitions and sdb behind the controller, unused */
static int setup(void **state)
{
	struct users_fixture *f;

	if (users_setup(state) < 0)
		return -1;
	f = *state;
	fakesys_add_disk(f->sys, HBA, "sda", 8, 0, "S1");
	fakesys_add_partition(f->sys, "sda", "sda1", 8, 1);
	fakesys_add_partition(f->sys, "sda", "sda2", 8, 2);
	fakesys_add_disk(f->sys, HBA, "sdb", 8, 16, "S2");
	return 0;
}

static void unused_disks_have_no_uses(void **state)
{
	struct users_fixture *f = *state;

	fakesys_mkdir(f->sys, "proc/1/fd");
	users_look(f, HBA);
	users_expect_none(f);
	assert_int_equal(f->blind.n, 0);
}

static void a_capture_without_processes_says_that_open_files_were_not_seen(void **state)
{
	struct users_fixture *f = *state;

	users_look(f, HBA);
	users_expect_none(f);
	assert_int_equal(f->blind.n, 1);
	assert_true(users_blind_to(f, "a capture holds no processes"));
	/* nor is one without /proc taken for a host without users */
	(void)close(f->sys->root.proc_fd);
	f->sys->root.proc_fd = -EBADF;
	pt_strv_done(&f->blind);
	users_look(f, HBA);
	assert_true(users_blind_to(f, "a capture holds no processes"));
}

static void a_mounted_partition_is_named_with_its_disk_and_place(void **state)
{
	struct users_fixture *f = *state;
	const struct pt_use *use;

	users_mount(f, "8:1", "/srv/my\\040data", "ext4", "/dev/sda1");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > mounted on /srv/my data");
	use = &f->uses.v[0];
	assert_string_equal(use->where, "/proc/self/mountinfo");
	assert_string_equal(pt_bdf_str(use->bdf).s, HBA);
}

static void the_mount_of_another_controllers_disk_is_not_ours(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "8:1", "/", "ext4", "/dev/sda1");
	users_look(f, NIC);
	users_expect_none(f);
}

static void many_mount_points_of_one_filesystem_are_one_use(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "8:1", "/", "ext4", "/dev/sda1");
	users_mount(f, "8:1", "/a", "ext4", "/dev/sda1");
	users_mount(f, "8:1", "/a", "ext4", "/dev/sda1");
	users_mount(f, "8:1", "/b", "ext4", "/dev/sda1");
	users_mount(f, "8:1", "/c", "ext4", "/dev/sda1");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > mounted on /, /a, /b and 1 more");
}

static void a_mount_point_cannot_write_to_the_terminal(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "8:1", "/x\\033[2J", "ext4", "/dev/sda1");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > mounted on /x?[2J");
}

static void a_mount_in_another_namespace_is_found_and_its_process_named(void **state)
{
	struct users_fixture *f = *state;

	fakesys_link(f->sys, "proc/self/ns/mnt", "mnt:[1]");
	fakesys_link(f->sys, "proc/77/ns/mnt", "mnt:[2]");
	fakesys_file(f->sys, "proc/77/comm", "dockerd\n");
	fakesys_file(f->sys, "proc/77/mountinfo", "40 1 8:16 / /data rw - xfs /dev/sdb rw\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sdb > mounted on /data in the mount namespace of dockerd (pid 77)");
	assert_int_equal(f->uses.v[0].pid, 77);
	assert_string_equal(f->uses.v[0].comm, "dockerd");
	assert_string_equal(f->uses.v[0].where, "/proc/77/mountinfo");
}

static void the_first_process_is_read_even_in_our_own_namespace(void **state)
{
	struct users_fixture *f = *state;

	fakesys_link(f->sys, "proc/self/ns/mnt", "mnt:[1]");
	fakesys_link(f->sys, "proc/1/ns/mnt", "mnt:[1]");
	fakesys_file(f->sys, "proc/1/comm", "systemd\n");
	fakesys_file(f->sys, "proc/1/mountinfo", "40 1 8:16 / / rw - xfs /dev/sdb rw\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sdb > mounted on / in the mount namespace of systemd (pid 1)");
}

static void a_mounted_logical_volume_is_named_through_every_layer(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "vg0-my--root", "LVM-abc", "sda2");
	users_mount(f, "253:0", "/", "ext4", "/dev/mapper/vg0-my--root");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda2 > vg0-my--root (LVM vg0/my-root) > mounted on /");
}

static void an_active_logical_volume_is_a_use_without_any_mount(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "vg0-data", "LVM-abc", "sdb");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_LVM, "sdb > vg0-data (LVM vg0/data) > active logical volume");
	assert_string_equal(f->uses.v[0].where, "/sys/class/block/sdb/holders");
}

static void an_inactive_physical_volume_is_no_use_for_it_may_be_the_guests(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "run/udev/data/b8:16", "E:ID_FS_TYPE=LVM2_member\n");
	users_look(f, HBA);
	users_expect_none(f);
}

static void of_several_layers_only_the_highest_is_named(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "luks-x", "CRYPT-LUKS2-x", "sdb");
	users_add_dm(f, "dm-1", 1, "vg0-data", "LVM-abc", "dm-0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_LVM, "sdb > luks-x (encrypted) > vg0-data (LVM vg0/data) > active logical volume");
}

/* /dev/sdc is sda over another controller, as FC and SAS have it */
static void the_same_disk_over_another_path_is_in_use_here_too(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *one = pt_strf("%s/device/wwid", fakesys_block_path(f->sys, "sda"));
	pt_autofree char *two = NULL;

	fakesys_add_pci(f->sys, "0000:02:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", -1);
	fakesys_add_disk(f->sys, "0000:02:00.0", "sdc", 8, 32, NULL);
	fakesys_add_partition(f->sys, "sdc", "sdc1", 8, 33);
	two = pt_strf("%s/device/wwid", fakesys_block_path(f->sys, "sdc"));
	fakesys_file(f->sys, one, "naa.5002538e00000001\n");
	fakesys_file(f->sys, two, "naa.5002538e00000002\n");
	users_mount(f, "8:33", "/srv", "xfs", "/dev/sdc1");
	users_look(f, HBA);
	users_expect_none(f);
	fakesys_file(f->sys, two, "naa.5002538e00000001\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sdc (the same disk over another path) > sdc1 > mounted on /srv");
	/* a bridge that gives all its disks the same */
	fakesys_file(f->sys, one, "naa.0000000000000000\n");
	fakesys_file(f->sys, two, "naa.0000000000000000\n");
	users_look(f, HBA);
	users_expect_none(f);
}

static void an_open_mapping_is_a_use_of_device_mapper(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "luks-x", "CRYPT-LUKS2-x", "sdb");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_DM, "sdb > luks-x (encrypted) > active mapping");
}

static void a_multipath_map_is_a_use_of_its_own_kind(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "mpatha", "mpath-35002538e00000001", "sda");
	fakesys_hold(f->sys, "sdb", "dm-0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MULTIPATH, "sda > mpatha (multipath) > active multipath map");
}

static void an_assembled_array_is_a_use_even_when_nothing_is_on_it(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *level = NULL;

	fakesys_add_disk(f->sys, NULL, "md127", 9, 127, NULL);
	level = pt_strf("%s/md/level", fakesys_block_path(f->sys, "md127"));
	fakesys_file(f->sys, level, "raid1\n");
	fakesys_hold(f->sys, "sda1", "md127");
	fakesys_hold(f->sys, "sdb", "md127");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MD, "sdb > md127 (raid1) > assembled array");
}

static void a_partition_of_an_array_is_found_mounted(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, NULL, "md0", 9, 0, NULL);
	fakesys_add_partition(f->sys, "md0", "md0p1", 259, 0);
	fakesys_hold(f->sys, "sdb", "md0");
	users_mount(f, "259:0", "/boot", "ext4", "/dev/md0p1");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sdb > md0 (md) > md0p1 > mounted on /boot");
}

static void a_holder_of_an_unknown_kind_is_a_use_by_its_name(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_disk(f->sys, NULL, "drbd0", 147, 0, NULL);
	fakesys_hold(f->sys, "sdb", "drbd0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_BUSY, "sdb > drbd0 > held by it");
}

static void holders_that_go_in_circles_are_walked_once(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "a", "x", "sdb");
	users_add_dm(f, "dm-1", 1, "b", "x", "dm-0");
	fakesys_hold(f->sys, "dm-1", "dm-0");
	fakesys_hold(f->sys, "dm-1", "sdb");
	users_mount(f, "253:1", "/m", "ext4", "/dev/mapper/b");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sdb > a (device-mapper) > b (device-mapper) > mounted on /m");
}

static void swap_on_a_partition_and_on_a_volume_is_found(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "vg0-swap", "LVM-abc", "sdb");
	fakesys_file(f->sys, "proc/swaps",
		     "Filename\tType\tSize\tUsed\tPriority\n"
		     "/dev/sda1 partition 8 0 -2\n/dev/dm-0 partition 8 0 -3\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_SWAP, "sda > sda1 > swap");
	(void)users_find(f, PT_USE_SWAP, "sdb > vg0-swap (LVM vg0/swap) > swap");
}

static void a_swap_file_belongs_to_the_disk_of_its_filesystem(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "259:9", "/", "ext4", "/dev/other");
	users_mount(f, "8:1", "/var", "ext4", "/dev/sda1");
	users_mount(f, "259:8", "/variant", "ext4", "/dev/other2");
	fakesys_file(f->sys, "proc/swaps", "Filename\n/var/swap\\040file file 8 0 -2\n/swap file 8 0 -2\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_SWAP, "sda > sda1 > swap file /var/swap file");
}

static void the_device_that_hibernation_resumes_from_is_swap(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "sys/power/resume", "8:2\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_SWAP, "sda > sda2 > resumed from after hibernation");
	assert_string_equal(f->uses.v[0].where, "/sys/power/resume");
}

static void the_command_lines_resume_device_is_found_by_its_uuid(void **state)
{
	struct users_fixture *f = *state;

	fakesys_dev_link(f->sys, "disk/by-uuid/1-2", "sda2");
	fakesys_file(f->sys, "proc/cmdline", "root=/dev/sdz noresume=/dev/sda1 resume=UUID=1-2 quiet\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_SWAP, "sda > sda2 > resumed from after hibernation");
}

static void the_second_member_of_a_mounted_btrfs_is_in_use_too(void **state)
{
	struct users_fixture *f = *state;

	fakesys_link(f->sys, "sys/fs/btrfs/1-2-3/devices/sdb", "x");
	fakesys_link(f->sys, "sys/fs/btrfs/1-2-3/devices/sda1", "x");
	fakesys_file(f->sys, "sys/fs/btrfs/features/raid1c34", "0\n");
	users_mount(f, "0:40", "/srv", "btrfs", "/dev/sda1");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_MOUNT, "sda > sda1 > mounted on /srv");
	(void)users_find(f, PT_USE_BTRFS, "sdb > member of the btrfs mounted on /srv");
}

static void a_member_of_a_btrfs_whose_mount_is_not_seen_is_in_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_link(f->sys, "sys/fs/btrfs/1-2-3/devices/sdb", "x");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_BTRFS, "sdb > member of the mounted btrfs 1-2-3");
}

static void every_member_that_a_bcachefs_names_is_mounted(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "0:41", "/b", "bcachefs", "/dev/sda1:/dev/sdb");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_MOUNT, "sda > sda1 > mounted on /b");
	(void)users_find(f, PT_USE_MOUNT, "sdb > mounted on /b");
}

static void an_external_log_is_part_of_the_mount(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/self/mountinfo",
		     "36 22 259:9 / /db rw - xfs /dev/other rw,logdev=/dev/sda2,noquota\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda2 > mounted on /db");
}

static void a_member_of_an_imported_zfs_pool_is_in_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/spl/kstat/zfs/arcstats", "x\n");
	fakesys_file(f->sys, "proc/spl/kstat/zfs/tank/state", "ONLINE\n");
	fakesys_file(f->sys, "run/udev/data/b8:1", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
	fakesys_file(f->sys, "run/udev/data/b8:16", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tankette\n");
	users_mount(f, "0:50", "/tank", "zfs", "tank/data");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_ZFS, "sda > sda1 > member of the imported ZFS pool tank, mounted on /tank");
}

static void a_bcache_cache_device_is_in_use_though_it_has_no_holder(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *set = pt_strf("%s/bcache/set", fakesys_block_path(f->sys, "sdb"));

	fakesys_link(f->sys, set, "x");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_BCACHE, "sdb > cache of a registered bcache set");
}

static void a_loop_device_over_a_partition_is_followed_to_its_mount(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *file = NULL;

	fakesys_add_disk(f->sys, NULL, "loop0", 7, 0, NULL);
	file = pt_strf("%s/loop/backing_file", fakesys_block_path(f->sys, "loop0"));
	fakesys_file(f->sys, file, "/dev/sda2\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_LOOP, "sda > sda2 > loop0 > loop device on it");
	users_mount(f, "7:0", "/l", "ext4", "/dev/loop0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda2 > loop0 > mounted on /l");
}

static void exports_of_lio_nvmet_and_scst_are_found(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "sys/kernel/config/target/core/iblock_0/one/udev_path", "/dev/sda1\n");
	fakesys_file(f->sys, "sys/kernel/config/target/core/iblock_0/one/enable", "1\n");
	fakesys_file(f->sys, "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/7/device_path", "/dev/sdb\n");
	fakesys_file(f->sys, "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/7/enable", "1\n");
	fakesys_file(f->sys, "sys/kernel/scst_tgt/devices/two/filename", "/dev/sda2\n[key]\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 3);
	(void)users_find(f, PT_USE_EXPORT, "sda > sda1 > exported by LIO as iblock_0/one");
	(void)users_find(f, PT_USE_EXPORT, "sdb > exported over NVMe as namespace 7 of nqn.x");
	(void)users_find(f, PT_USE_EXPORT, "sda > sda2 > exported by SCST as two");
}

static void an_export_that_is_not_enabled_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/7/device_path", "/dev/sdb\n");
	fakesys_file(f->sys, "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/7/enable", "0\n");
	users_look(f, HBA);
	users_expect_none(f);
}

static void a_disk_that_the_next_boot_waits_for_is_a_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_dev_link(f->sys, "disk/by-uuid/1-2", "sda1");
	fakesys_file(f->sys, "etc/fstab",
		     "# UUID=1-2 /x ext4 defaults\n"
		     "UUID=\"1-2\" /my\\040data ext4 defaults,noatime 0 2\n"
		     "/dev/sda2 none swap sw 0 0\n"
		     "/dev/sdz / ext4 defaults 0 1\n"
		     "/dev/sdb\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	assert_string_equal(
		users_find(f, PT_USE_MOUNT, "sda > sda1 > to be mounted on /my data at the next boot")->where,
		"/etc/fstab");
	(void)users_find(f, PT_USE_SWAP, "sda > sda2 > swap from the next boot on");
}

static void a_disk_that_the_boot_can_do_without_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "etc/fstab", "/dev/sda1 /a ext4 defaults,nofail 0 2\n/dev/sda2 /b ext4 noauto 0 2\n");
	users_look(f, HBA);
	users_expect_none(f);
}

static void what_a_host_boots_from_is_a_use_though_it_is_never_mounted(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "etc/fstab",
		     "/dev/sda1 /boot ext4 noauto,noatime 0 2\n/dev/sda2 /efi vfat nofail 0 2\n"
		     "/dev/sdb /bootstrap ext4 noauto 0 2\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_BOOT, "sda > sda1 > this host boots from it (/boot)");
	(void)users_find(f, PT_USE_BOOT, "sda > sda2 > this host boots from it (/efi)");
}

#define EFIVAR(name) "sys/firmware/efi/efivars/" name "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* as a server's firmware wrote it: a PCI device, SATA, HD(1,GPT,c12a7328-…), and a file */
static void the_disk_that_the_firmware_booted_from_is_a_use(void **state)
{
	static const unsigned char current[] = { 6, 0, 0, 0, 0x0a, 0 };
	static const unsigned char option[] = {
		7,    0,    0, 0,    1,	   0,	 0,    0,    80,   0,	 'd',  0,    'e',  0,	 'b',  0,    0,
		0,    2,    1, 12,   0,	   0xd0, 0x41, 3,    0x0a, 0,	 0,    0,    0,	   1,	 1,    6,    0,
		2,    0x1f, 4, 1,    42,   0,	 1,    0,    0,	   0,	 0,    8,    0,	   0,	 0,    0,    0,
		0,    0,    0, 0x10, 0,	   0,	 0,    0,    0,	   0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
		0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b, 2,	   2,	 4,    4,    16,   0,	 '\\', 0,    'x',
		0,    '.',  0, 'e',  0,	   'f',	 0,    0,    0,	   0x7f, 0xff, 4,    0,
	};
	struct users_fixture *f = *state;

	fakesys_dev_link(f->sys, "disk/by-partuuid/c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "sda1");
	fakesys_data(f->sys, EFIVAR("BootCurrent"), current, sizeof(current));
	for (size_t n = 0; n < sizeof(option); n++) {
		/* cut off anywhere, it says nothing or the same */
		fakesys_data(f->sys, EFIVAR("Boot000A"), option, n);
		users_look(f, HBA);
	}
	fakesys_data(f->sys, EFIVAR("Boot000A"), option, sizeof(option));
	users_look(f, HBA);
	users_expect_only(f, PT_USE_BOOT, "sda > sda1 > the firmware booted this host from it (Boot000A)");
	assert_string_equal(f->uses.v[0].where, "/" EFIVAR("Boot000A"));
	/* mounted, it is named as that */
	users_mount(f, "8:1", "/boot/efi", "vfat", "/dev/sda1");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > mounted on /boot/efi");
}

static void a_disk_that_is_mounted_as_soon_as_somebody_looks_is_a_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "etc/fstab",
		     "/dev/sda1 /srv vfat noauto,x-systemd.automount,x-systemd.idle-timeout=60 0 2\n"
		     "/dev/sda2 /b ext4 nofail,x-systemd.automount 0 2\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > to be mounted on /srv when it is next looked into");
}

static void a_mounted_disk_is_not_named_a_second_time_for_its_fstab_entry(void **state)
{
	struct users_fixture *f = *state;

	users_mount(f, "8:1", "/a", "ext4", "/dev/sda1");
	fakesys_file(f->sys, "etc/fstab", "/dev/sda1 /a ext4 nofailx 0 2\n");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_MOUNT, "sda > sda1 > mounted on /a");
}

static void a_planned_mount_does_not_hide_that_a_volume_is_active(void **state)
{
	struct users_fixture *f = *state;

	users_add_dm(f, "dm-0", 0, "vg0-data", "LVM-abc", "sdb");
	fakesys_file(f->sys, "etc/fstab", "/dev/mapper/vg0-data /a ext4 defaults 0 2\n");
	users_look(f, HBA);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_LVM, "sdb > vg0-data (LVM vg0/data) > active logical volume");
}

static void a_disk_behind_a_vmd_function_is_a_use_of_that_function_too(void **state)
{
	struct users_fixture *f = *state;

	fakesys_add_pci(f->sys, "0000:5d:05.5", 0x8086, 0x201d, 0x088000, "vmd", -1);
	fakesys_add_pci_full(f->sys, &(struct fakesys_pci){ .bdf = "10000:01:00.0",
							    .parent = "0000:5d:05.5",
							    .class_code = 0x010802,
							    .group = -1 });
	fakesys_add_disk(f->sys, "10000:01:00.0", "nvme0n1", 259, 0, "S1");
	users_mount(f, "259:0", "/n", "xfs", "/dev/nvme0n1");
	users_look(f, "0000:5d:05.5");
	users_expect_only(f, PT_USE_MOUNT, "nvme0n1 > mounted on /n");
}

static void what_is_behind_a_bridge_is_no_use_of_the_bridge(void **state)
{
	struct users_fixture *f = *state;

	users_add_device(f, "0000:00:01.0", 0x060400, "pcieport", NULL);
	users_mount(f, "8:1", "/", "ext4", "/dev/sda1");
	users_look(f, "0000:00:01.0");
	users_expect_none(f);
}

static void a_running_host_without_proc_is_an_error_not_a_guess(void **state)
{
	struct users_fixture *f = *state;
	struct pt_error err = { 0 };
	struct pt_uses uses = { 0 };
	struct pt_bdf of = { .bus = 1 };

	fakesys_remove(f->sys, "proc/self/mountinfo");
	f->sys->root.captured = false;
	assert_int_equal(pt_block_list(&f->sys->root, &f->host.blocks, NULL), 0);
	assert_int_equal(pt_users_find(&f->sys->root, &f->host, &of, 1, &uses, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/proc/self/mountinfo"));
	assert_true(err.hint[0]);
	assert_int_equal(uses.n, 0);
}

static void a_capture_without_mounts_says_so(void **state)
{
	struct users_fixture *f = *state;

	fakesys_remove(f->sys, "proc/self/mountinfo");
	users_look(f, HBA);
	assert_true(users_blind_to(f, "what is mounted"));
}

static void on_a_running_host_what_was_not_tried_is_said(void **state)
{
	struct users_fixture *f = *state;

	/* the made-up nodes are no block devices, and without root nothing is opened at all */
	f->sys->root.captured = false;
	users_look(f, HBA);
	users_expect_none(f);
	assert_true(users_blind_to(f, geteuid() == 0 ? "whether /dev/sdb is claimed could not be tried"
						     : "whether a disk is claimed by something unnamed was not tried"));
}

static void nobody_asked_about_means_nothing_is_looked_at(void **state)
{
	struct users_fixture *f = *state;

	fakesys_remove(f->sys, "proc/self/mountinfo");
	f->sys->root.captured = false;
	assert_int_equal(pt_users_find(&f->sys->root, &f->host, NULL, 0, &f->uses, NULL, NULL), 0);
	users_expect_none(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, users_teardown)
	const struct CMUnitTest tests[] = {
		T(unused_disks_have_no_uses),
		T(a_capture_without_processes_says_that_open_files_were_not_seen),
		T(a_mounted_partition_is_named_with_its_disk_and_place),
		T(the_mount_of_another_controllers_disk_is_not_ours),
		T(many_mount_points_of_one_filesystem_are_one_use),
		T(a_mount_point_cannot_write_to_the_terminal),
		T(a_mount_in_another_namespace_is_found_and_its_process_named),
		T(the_first_process_is_read_even_in_our_own_namespace),
		T(a_mounted_logical_volume_is_named_through_every_layer),
		T(an_active_logical_volume_is_a_use_without_any_mount),
		T(an_inactive_physical_volume_is_no_use_for_it_may_be_the_guests),
		T(of_several_layers_only_the_highest_is_named),
		T(the_same_disk_over_another_path_is_in_use_here_too),
		T(an_open_mapping_is_a_use_of_device_mapper),
		T(a_multipath_map_is_a_use_of_its_own_kind),
		T(an_assembled_array_is_a_use_even_when_nothing_is_on_it),
		T(a_partition_of_an_array_is_found_mounted),
		T(a_holder_of_an_unknown_kind_is_a_use_by_its_name),
		T(holders_that_go_in_circles_are_walked_once),
		T(swap_on_a_partition_and_on_a_volume_is_found),
		T(a_swap_file_belongs_to_the_disk_of_its_filesystem),
		T(the_device_that_hibernation_resumes_from_is_swap),
		T(the_command_lines_resume_device_is_found_by_its_uuid),
		T(the_second_member_of_a_mounted_btrfs_is_in_use_too),
		T(a_member_of_a_btrfs_whose_mount_is_not_seen_is_in_use),
		T(every_member_that_a_bcachefs_names_is_mounted),
		T(an_external_log_is_part_of_the_mount),
		T(a_member_of_an_imported_zfs_pool_is_in_use),
		T(a_bcache_cache_device_is_in_use_though_it_has_no_holder),
		T(a_loop_device_over_a_partition_is_followed_to_its_mount),
		T(exports_of_lio_nvmet_and_scst_are_found),
		T(an_export_that_is_not_enabled_is_no_use),
		T(a_disk_that_the_next_boot_waits_for_is_a_use),
		T(a_disk_that_the_boot_can_do_without_is_no_use),
		T(what_a_host_boots_from_is_a_use_though_it_is_never_mounted),
		T(the_disk_that_the_firmware_booted_from_is_a_use),
		T(a_disk_that_is_mounted_as_soon_as_somebody_looks_is_a_use),
		T(a_mounted_disk_is_not_named_a_second_time_for_its_fstab_entry),
		T(a_planned_mount_does_not_hide_that_a_volume_is_active),
		T(a_disk_behind_a_vmd_function_is_a_use_of_that_function_too),
		T(what_is_behind_a_bridge_is_no_use_of_the_bridge),
		T(a_running_host_without_proc_is_an_error_not_a_guess),
		T(a_capture_without_mounts_says_so),
		T(on_a_running_host_what_was_not_tried_is_said),
		T(nobody_asked_about_means_nothing_is_looked_at),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
