/* SPDX-License-Identifier: Apache-2.0 */
/* Every no of attach: by its name, forced or not to be forced. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

static void ask_hba(struct world *w)
{
	world_ask(w, "0000:01:00.0");
}

static void usage(struct world *w, int code, const char *says)
{
	assert_int_equal(world_attach(w), code);
	assert_int_equal(w->err.kind, PT_ERROR_USAGE);
	if (!strstr(w->err.msg, says))
		fail_msg("'%s' does not say '%s'", w->err.msg, says);
}

static void a_request_without_a_device_is_wrong(void **state)
{
	usage(*state, -EINVAL, "no device is named");
}

static void a_device_that_is_not_there_is_wrong(void **state)
{
	world_ask(*state, "0000:99:00.0");
	usage(*state, -ENODEV, "0000:99:00.0");
}

static void a_bridge_is_wrong(void **state)
{
	world_ask(*state, "0000:00:01.0");
	usage(*state, -EINVAL, "is a bridge");
}

static void a_device_that_the_vm_has_is_wrong(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(&w->vm, "0000:01:00.0", false);
	ask_hba(w);
	usage(w, -EEXIST, "VM cvm has 0000:01:00.0 (Broadcom / LSI MegaRAID SAS 2108) already");
	assert_non_null(strstr(w->err.hint, "passthru verify cvm"));
}

static void a_device_that_qemus_arguments_give_the_vm_is_wrong(void **state)
{
	struct world *w = *state;

	world_add_hostdev(&w->vm, "0000:01:00.0", false)->kind = PT_HOSTDEV_OTHER;
	ask_hba(w);
	usage(w, -EEXIST, "already");
	assert_non_null(strstr(w->err.hint, "qemu:commandline"));
}

static void a_host_without_iommu_is_refused(void **state)
{
	struct world *w = *state;

	w->host.iommu_active = PT_KNOWN_NO;
	ask_hba(w);
	world_refused(w, "no-iommu", false);
}

static void a_device_in_no_group_is_refused(void **state)
{
	struct world *w = *state;

	world_device(w, "0000:01:00.0")->iommu_group = PT_GROUP_NONE;
	ask_hba(w);
	world_refused(w, "no-iommu-group", false);
}

/* the controller's group, as Linux makes it; the drive behind it has a driver of the host's, or none */
static void add_vmd(struct world *w, const char *driver)
{
	struct pt_device *drive;

	(void)world_add_device(w, "0000:5d:05.5", 0x010400, "vmd", 50);
	(void)world_add_device(w, "10000:00:02.0", 0x060400, "pcieport", 50);
	drive = world_add_device(w, "10000:01:00.0", 0x010802, driver, 50);
	drive->has_parent = true;
	drive->parent = world_bdf("10000:00:02.0");
	world_device(w, "10000:00:02.0")->has_parent = true;
	world_device(w, "10000:00:02.0")->parent = world_bdf("0000:5d:05.5");
}

static void what_is_behind_vmd_cannot_go_without_it(void **state)
{
	struct world *w = *state;

	add_vmd(w, "nvme");
	world_ask(w, "10000:01:00.0");
	world_refused(w, "behind-vmd", false);
	assert_non_null(strstr(w->err.hint, "0000:5d:05.5"));
	world_ask(w, "0000:5d:05.5");
	world_refused(w, "behind-vmd", false);
}

static void vmd_takes_along_what_is_behind_it(void **state)
{
	static const char *const drivers[] = { "nvme", NULL };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		struct world *w = *state;

		add_vmd(w, drivers[i]);
		world_ask(w, "0000:5d:05.5");
		assert_int_equal(world_attach(w), 0);
		assert_non_null(strstr(world_finding(w, "group")->fact, "10000:01:00.0"));
		for (size_t s = 0; s < w->plan.steps.n; s++)
			assert_int_not_equal(w->plan.steps.v[s].bdf.domain, 0x10000);
		world_teardown(state);
		world_setup(state);
	}
}

static void a_host_without_interrupt_remapping_is_refused(void **state)
{
	struct world *w = *state;

	w->host.intremap = PT_KNOWN_NO;
	ask_hba(w);
	world_refused(w, "no-interrupt-remapping", false);
	w->host.intremap = PT_KNOWN_UNKNOWN;
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "no-interrupt-remapping")->verdict, PT_UNKNOWN);
}

static void every_use_by_the_host_is_refused_by_its_name(void **state)
{
	for (int kind = 0; kind < PT_USE_KINDS; kind++) {
		struct world *w = *state;
		struct pt_use *u;

		if (kind == PT_USE_ADDRESS)
			continue;
		u = world_use(w, "0000:01:00.0", (enum pt_use_kind)kind);
		assert_non_null(u);
		ask_hba(w);
		world_refused(w, pt_use_kind_str((enum pt_use_kind)kind), true);
		assert_non_null(strstr(world_finding(w, pt_use_kind_str((enum pt_use_kind)kind))->fact,
				       "sdb > sdb1 > mounted on /srv"));
		assert_string_equal(world_finding(w, pt_use_kind_str((enum pt_use_kind)kind))->where,
				    "/proc/self/mountinfo");
		world_teardown(state);
		world_setup(state);
	}
}

static void forcing_one_use_does_not_force_another(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:01:00.0", PT_USE_MOUNT);
	(void)world_use(w, "0000:01:00.0", PT_USE_SWAP);
	world_force(w, "mounted");
	ask_hba(w);
	assert_int_equal(world_attach(w), -EPERM);
	assert_string_equal(w->err.refusal, "swap");
}

static void a_use_of_another_device_is_none_of_ours(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:00:1f.2", PT_USE_MOUNT);
	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
}

static void a_process_that_is_not_the_vms_qemu_is_a_use(void **state)
{
	struct world *w = *state;
	struct pt_use *u = world_use(w, "0000:01:00.0", PT_USE_OPEN);

	u->comm = pt_strdup("dd");
	ask_hba(w);
	world_refused(w, "open", true);
	/* a VM that is off has no QEMU, so this one is another's */
	w->forced.n = 0;
	w->request.forced = NULL;
	pt_strset(&w->host.uses.v[0].comm, "qemu-kvm");
	w->vm.state = PT_DOMAIN_SHUTOFF;
	w->host.memory.available_kib = 24 << 20;
	world_refused(w, "open", true);
}

static void another_qemu_is_a_use_though_the_vms_own_has_a_disk_there_too(void **state)
{
	struct world *w = *state;
	struct pt_use *u = world_use(w, "0000:01:00.0", PT_USE_OPEN);

	u->comm = pt_strdup("qemu-system-x86");
	u->vm_uuid = pt_strdup("00000000-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	ask_hba(w);
	world_refused(w, "open", true);
	/* qemu-img, qemu-nbd and qemu-storage-daemon are no guest's */
	w->forced.n = 0;
	w->request.forced = NULL;
	pt_strset(&w->host.uses.v[0].comm, "qemu-img");
	pt_strset(&w->host.uses.v[0].vm_uuid, NULL);
	world_refused(w, "open", true);
}

static void qemu_is_a_use_where_the_vm_has_no_disk(void **state)
{
	struct world *w = *state;
	struct pt_use *u = world_use(w, "0000:01:00.0", PT_USE_OPEN);

	u->comm = pt_strdup("qemu-kvm");
	u->vm_uuid = pt_strdup(w->vm.uuid);
	for (size_t i = 0; i < w->vm.disks.n; i++)
		w->disk_of[i] = -1;
	ask_hba(w);
	world_refused(w, "open", true);
}

static void a_companion_with_a_host_driver_must_be_named_too(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:05:01.0");
	world_refused(w, "group", false);
	assert_non_null(strstr(w->err.msg, "0000:05:02.0 (e1000)"));
	assert_non_null(strstr(w->err.hint, "passthru attach cvm 0000:05:01.0 0000:05:02.0"));
}

static void a_use_of_a_companion_is_said_as_well(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:05:02.0", PT_USE_ROUTE);
	world_ask(w, "0000:05:01.0");
	assert_int_equal(world_attach(w), -EPERM);
	assert_int_equal(world_finding(w, "default-route")->verdict, PT_FAIL);
	assert_non_null(strstr(world_finding(w, "default-route")->fact, "same IOMMU group"));
	assert_int_equal(world_finding(w, "group")->verdict, PT_FAIL);
}

static void a_bridge_with_a_driver_of_its_own_holds_the_group(void **state)
{
	struct world *w = *state;

	pt_strset(&world_device(w, "0000:05:00.0")->driver, "shpchp");
	world_ask(w, "0000:05:01.0");
	world_ask(w, "0000:05:02.0");
	world_refused(w, "group-bridge", true);
	assert_non_null(strstr(world_finding(w, "group-bridge")->fact, "0000:05:00.0 (shpchp)"));
}

static void a_platform_device_with_a_driver_holds_the_group(void **state)
{
	struct world *w = *state;
	struct pt_host_other *o = pt_array_add(&w->host.group_others);

	o->group = 14;
	o->name = pt_strdup("HISI0162:00");
	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
	o->driver = pt_strdup("hns");
	world_refused(w, "group-other", true);
	assert_non_null(strstr(world_finding(w, "group-other")->fact, "HISI0162:00 (hns)"));
}

static void the_boot_controller_in_the_chip_sets_group_is_refused_for_each_reason(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:00:1f.2", PT_USE_MOUNT);
	world_ask(w, "0000:00:1f.2");
	assert_int_equal(world_attach(w), -EPERM);
	assert_string_equal(w->err.refusal, "mounted");
	assert_int_equal(world_finding(w, "group")->verdict, PT_FAIL);
	assert_int_equal(world_finding(w, "group-bridge")->verdict, PT_FAIL);
}

static void a_device_of_a_running_vm_is_refused_for_good(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_RUNNING), "0000:01:00.0", true);
	ask_hba(w);
	world_refused(w, "other-vm", false);
	assert_non_null(strstr(w->err.msg, "VM web"));
}

static void a_device_of_a_vm_that_is_off_may_be_forced(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:01:00.0", true);
	ask_hba(w);
	world_refused(w, "other-vm", true);
}

/* the record of @d's address, made for the VM web when that card was @device with the serial number dsn:1 */
static struct pt_keep *record(struct world *w, const struct pt_device *d, unsigned device)
{
	struct pt_keep *k = pt_array_add(&w->host.reserved);

	k->id = (struct pt_identity){ .last_seen = d->bdf,
				      .vendor = d->vendor,
				      .device = (uint16_t)device,
				      .subvendor = d->subvendor,
				      .subdevice = d->subdevice,
				      .serial = pt_strdup("dsn:1"),
				      .slot_path = pt_strdup("a"),
				      .vf_index = -1 };
	k->driver = pt_strdup("vfio-pci");
	k->vm = pt_strdup("web");
	k->vm_uuid = pt_strdup("11111111-2222-3333-4444-555555555555");
	return k;
}

static struct pt_identity *present(struct world *w, const struct pt_device *d, const char *serial)
{
	struct pt_identity *id = pt_array_add(&w->host.present);

	*id = (struct pt_identity){ .last_seen = d->bdf,
				    .vendor = d->vendor,
				    .device = d->device,
				    .subvendor = d->subvendor,
				    .subdevice = d->subdevice,
				    .serial = pt_strdup_opt(serial),
				    .slot_path = pt_strdup("a"),
				    .vf_index = -1 };
	return id;
}

/* whoever forces his way past the other VM would get, and bind, a card that is neither's */
static void what_is_recorded_for_another_card_is_never_forced(void **state)
{
	struct world *w = *state;
	const struct pt_device *d = world_device(w, "0000:01:00.0");

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:01:00.0", true);
	(void)record(w, d, d->device + 1u);
	ask_hba(w);
	world_force(w, "other-vm");
	world_refused(w, "identity", false);
	assert_non_null(strstr(w->err.msg, "for VM web"));
	assert_non_null(strstr(w->err.hint, "`passthru repair web` first"));
}

static void another_card_of_the_same_model_is_told_by_its_serial_number(void **state)
{
	struct world *w = *state;
	const struct pt_device *d = world_device(w, "0000:01:00.0");
	struct pt_identity *there = present(w, d, "dsn:2");

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:01:00.0", true);
	(void)record(w, d, d->device);
	ask_hba(w);
	world_force(w, "other-vm");
	world_refused(w, "identity", false);
	/* the very one: only the other VM stands in the way */
	pt_strset(&there->serial, "dsn:1");
	if (world_attach(w) < 0)
		fail_msg("refused: %s", w->err.msg);
}

/* two alike that tell nothing, in other slots than before: which is which only `repair --probe` finds out */
static void a_card_that_cannot_be_told_from_another_is_not_attached(void **state)
{
	struct world *w = *state;
	const struct pt_device *d = world_device(w, "0000:01:00.0");
	struct pt_keep *k = record(w, d, d->device);

	pt_strset(&k->id.serial, NULL);
	pt_strset(&k->vm, NULL);
	pt_strset(&k->vm_uuid, NULL);
	pt_strv_add(&k->id.behind, "disk:1");
	pt_strset(&present(w, d, NULL)->slot_path, "b");
	pt_strset(&present(w, world_device(w, "0000:00:1f.2"), NULL)->slot_path, "c");
	w->host.present.v[1].vendor = d->vendor;
	w->host.present.v[1].device = d->device;
	w->host.present.v[1].subvendor = d->subvendor;
	w->host.present.v[1].subdevice = d->subdevice;
	ask_hba(w);
	world_refused(w, "identity", false);
	/* this boot has seen that it is the one */
	k->known = true;
	if (world_attach(w) < 0)
		fail_msg("refused: %s", w->err.msg);
}

static void a_device_hidden_in_another_vms_arguments_is_found(void **state)
{
	struct world *w = *state;

	world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_PAUSED), "0000:01:00.0", true)->kind = PT_HOSTDEV_OTHER;
	ask_hba(w);
	world_refused(w, "other-vm", false);
}

static void an_nvme_disk_of_another_vm_is_found(void **state)
{
	struct world *w = *state;
	struct pt_domain *o = world_add_vm(w, "web", PT_DOMAIN_RUNNING);
	struct pt_domain_disk *k = pt_array_add(&o->disks);

	k->type = PT_DISK_NVME;
	k->nvme = world_bdf("0000:01:00.0");
	ask_hba(w);
	world_refused(w, "other-vm", false);
}

static void a_disk_that_another_vm_uses_is_refused_by_vm_path_and_disk(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = { .vm = "db", .block = 2, .path = "/dev/disk/by-partuuid/1234", .running = true };

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	world_refused(w, "other-vm-disk", false);
	assert_string_equal(w->err.msg, "0000:01:00.0 carries the disk sdb1, which VM db (running) uses as "
					"/dev/disk/by-partuuid/1234");
	w->claims.v[0].running = false;
	w->forced.n = 0;
	w->request.forced = NULL;
	world_refused(w, "other-vm-disk", true);
}

static void a_disk_whose_backing_file_is_behind_the_controller_holds_it(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = {
		.vm = "cvm", .block = 2, .path = "/dev/sdb1", .own = true, .kind = PT_CLAIM_CHAIN, .target = "hda"
	};

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	world_refused(w, "disk-chain", false);
	/* a disk that leaves takes its chain along */
	w->claims.v[0].target = "sda";
	w->forced.n = 0;
	w->request.forced = NULL;
	assert_int_equal(world_attach(w), 0);
}

static void what_the_vm_has_of_the_disks_in_its_own_way_must_go_first(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = {
		.vm = "cvm", .block = 3, .path = "/dev/sdc", .own = true, .kind = PT_CLAIM_ARGUMENT
	};

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	world_refused(w, "qemu-arguments", false);
	w->claims.v[0].kind = PT_CLAIM_SCSI;
	w->claims.v[0].path = "0:0:1:0";
	w->claims.v[0].controller = world_bdf("0000:00:1f.2");
	w->forced.n = 0;
	w->request.forced = NULL;
	assert_int_equal(world_attach(w), 0);
	w->claims.v[0].controller = world_bdf("0000:01:00.0");
	world_refused(w, "scsi-hostdev", false);
}

static void a_scsi_device_of_another_vm_is_refused(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = {
		.vm = "db", .path = "0:0:1:0", .kind = PT_CLAIM_SCSI, .controller = world_bdf("0000:01:00.0")
	};

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	world_refused(w, "other-vm-disk", true);
	assert_non_null(strstr(world_finding(w, "other-vm-disk")->fact,
			       "0000:01:00.0 carries the SCSI device 0:0:1:0, which VM db (shut off) uses"));
}

static void a_disk_that_may_be_behind_a_controller_held_for_a_guest_is_refused(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = {
		.vm = "cvm", .path = "/dev/disk/by-id/wwn-9", .own = true, .kind = PT_CLAIM_UNSEEN, .target = "sda"
	};

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	/* the host sees what is behind it, and this disk is not there */
	assert_int_equal(world_attach(w), 0);
	pt_strset(&world_device(w, "0000:01:00.0")->driver, "vfio-pci");
	world_refused(w, "disks-not-seen", true);
	assert_non_null(strstr(world_finding(w, "disks-not-seen")->fix, "virsh nodedev-reattach pci_0000_01_00_0"));
	w->forced.n = 0;
	w->request.forced = NULL;
	w->claims.v[0].own = false;
	w->claims.v[0].vm = "db";
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "disks-not-seen")->verdict, PT_WARN);
}

static void a_vms_disk_over_another_path_is_the_same_disk(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claim = { .vm = "db", .block = 4, .path = "/dev/sdd" };

	pt_array_push(&w->claims, claim);
	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
	w->host.blocks.v[0].wwn = pt_strdup("0x5002538e00000001");
	w->host.blocks.v[4].wwn = pt_strdup("0x5002538e00000001");
	world_refused(w, "other-vm-disk", true);
	w->forced.n = 0;
	w->request.forced = NULL;
	pt_strset(&w->host.blocks.v[4].wwn, "0x5002538e00000002");
	assert_int_equal(world_attach(w), 0);
	/* a namespace that two controllers have */
	pt_array_push(&w->host.blocks.v[4].further, world_bdf("0000:01:00.0"));
	world_refused(w, "other-vm-disk", true);
}

static void a_claim_on_a_disk_elsewhere_is_none_of_ours(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim claims[] = { { .vm = "db", .block = 4, .path = "/dev/sdd", .running = true },
					{ .vm = "db", .block = 77, .path = "/dev/sdx", .running = true } };

	pt_array_push(&w->claims, claims[0]);
	pt_array_push(&w->claims, claims[1]);
	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
}

static void a_group_that_a_running_vm_shares_is_refused(void **state)
{
	struct world *w = *state;
	struct pt_domain *o = world_add_vm(w, "web", PT_DOMAIN_RUNNING);

	(void)world_add_hostdev(o, "0000:05:02.0", true);
	pt_strset(&world_device(w, "0000:05:02.0")->driver, "vfio-pci");
	world_ask(w, "0000:05:01.0");
	world_refused(w, "other-vm-group", false);
	w->others.v[0].state = PT_DOMAIN_SHUTOFF;
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "other-vm-group")->verdict, PT_WARN);
}

static void a_pf_is_refused_while_a_vm_has_one_of_its_vfs(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_RUNNING), "0000:41:10.2", true);
	world_ask(w, "0000:41:00.0");
	world_refused(w, "vfs-in-use", false);
	assert_non_null(strstr(w->err.msg, "VM web has its virtual function 0000:41:10.2"));
}

static void a_pf_with_vfs_is_refused_until_they_are_gone(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:41:00.0");
	world_refused(w, "vfs-enabled", true);
}

static void a_vf_is_refused_while_a_vm_has_the_pf(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:41:00.0", true);
	world_ask(w, "0000:41:10.0");
	world_refused(w, "pf-in-use", true);
}

static void a_vf_is_refused_when_this_vm_has_the_pf(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(&w->vm, "0000:41:00.0", true);
	world_ask(w, "0000:41:10.0");
	world_refused(w, "pf-in-use", false);
}

static void a_vf_is_refused_when_its_pf_is_held_for_a_guest(void **state)
{
	struct world *w = *state;

	pt_strset(&world_device(w, "0000:41:00.0")->driver, "vfio-pci");
	world_ask(w, "0000:41:10.0");
	world_refused(w, "pf-in-use", true);
}

static void a_pf_and_its_vf_are_not_given_together(void **state)
{
	struct world *w = *state;

	world_force(w, "vfs-enabled");
	world_ask(w, "0000:41:00.0");
	world_ask(w, "0000:41:10.0");
	assert_int_equal(world_attach(w), -EPERM);
	assert_int_equal(world_finding(w, "pf-in-use")->verdict, PT_FAIL);
	assert_false(world_finding(w, "pf-in-use")->forceable);
}

static void a_transient_vm_is_refused(void **state)
{
	struct world *w = *state;

	w->vm.persistent = false;
	ask_hba(w);
	world_refused(w, "transient", false);
}

static void a_managed_save_image_is_refused(void **state)
{
	struct world *w = *state;

	w->vm.managed_save = true;
	ask_hba(w);
	world_refused(w, "managed-save", false);
	assert_non_null(strstr(w->err.hint, "virsh managedsave-remove cvm"));
}

static void a_vm_in_no_clear_state_is_refused(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_OTHER;
	w->host.memory.available_kib = 24 << 20;
	ask_hba(w);
	world_refused(w, "vm-state", false);
}

static void a_machine_without_pci_is_refused(void **state)
{
	struct world *w = *state;

	pt_strset(&w->vm.machine, "isapc");
	ask_hba(w);
	world_refused(w, "no-pci", false);
}

static void a_virtual_iommu_that_vfio_cannot_follow_is_refused(void **state)
{
	struct world *w = *state;

	w->vm.viommu.model = pt_strdup("intel");
	ask_hba(w);
	world_refused(w, "viommu", true);
	assert_non_null(strstr(world_finding(w, "viommu")->fix, "caching_mode='on'"));
	w->forced.n = 0;
	w->request.forced = NULL;
	pt_strset(&w->vm.viommu.words[PT_VIOMMU_CACHING_MODE], "on");
	assert_int_equal(world_attach(w), 0);
	assert_null(world_finding(w, "viommu"));
	pt_strset(&w->vm.viommu.words[PT_VIOMMU_CACHING_MODE], NULL);
	pt_strset(&w->vm.viommu.model, "smmuv3");
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "viommu")->verdict, PT_WARN);
	pt_strset(&w->vm.viommu.model, "virtio");
	assert_int_equal(world_attach(w), 0);
	assert_null(world_finding(w, "viommu"));
}

static void too_little_memory_is_refused_with_the_numbers(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_SHUTOFF;
	ask_hba(w);
	world_refused(w, "memory", true);
	assert_non_null(strstr(world_finding(w, "memory")->fact,
			       "VM cvm needs 20480 MiB of memory pinned; 10240 MiB of 32768 MiB are available"));
}

static void what_a_running_vm_holds_comes_back_before_it_is_pinned(void **state)
{
	struct world *w = *state;

	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
}

static void no_more_comes_back_than_is_in_use(void **state)
{
	struct world *w = *state;

	/* 64 GiB promised to the guest on a host of 32: it cannot hold more than there is */
	w->vm.memory_kib = 64ull << 20;
	ask_hba(w);
	world_refused(w, "memory", true);
}

static void a_guest_on_huge_pages_needs_free_ones_of_its_size(void **state)
{
	struct world *w = *state;
	struct pt_hugepages giant = { 1048576, 32, 19 };

	w->vm.hugepages = true;
	w->vm.hugepage_kib = 1048576;
	w->vm.state = PT_DOMAIN_SHUTOFF;
	pt_array_push(&w->host.memory.hugepages, giant);
	ask_hba(w);
	world_refused(w, "memory", true);
	w->host.memory.hugepages.v[1].free = 20;
	w->forced.n = 0;
	w->request.forced = NULL;
	assert_int_equal(world_attach(w), 0);
	w->vm.hugepage_kib = 0;
	assert_int_equal(world_attach(w), 0);
	w->vm.hugepage_kib = 16384;
	world_refused(w, "memory", true);
	/* no page size in the definition, and no pool on the host: there is none to name */
	w->vm.hugepage_kib = 0;
	w->host.memory.hugepages.n = 0;
	w->forced.n = 0;
	w->request.forced = NULL;
	world_refused(w, "memory", true);
	assert_null(strstr(world_finding(w, "memory")->fact, "KiB"));
}

static void a_hard_limit_below_the_guests_memory_is_refused(void **state)
{
	struct world *w = *state;

	w->vm.hard_limit_kib = 8ull << 20;
	ask_hba(w);
	world_refused(w, "memory-limit", true);
}

static void memory_that_could_not_be_seen_is_unknown_not_enough(void **state)
{
	struct world *w = *state;

	w->host.memory.total_kib = 0;
	w->host.memory.available_kib = 0;
	ask_hba(w);
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "memory")->verdict, PT_UNKNOWN);
}

static void a_refused_plan_still_says_all_that_stands_against_it(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:01:00.0", PT_USE_LVM);
	w->vm.managed_save = true;
	w->host.intremap = PT_KNOWN_NO;
	w->vm.state = PT_DOMAIN_SHUTOFF;
	ask_hba(w);
	assert_int_equal(world_attach(w), -EPERM);
	assert_non_null(world_finding(w, "lvm"));
	assert_non_null(world_finding(w, "managed-save"));
	assert_non_null(world_finding(w, "no-interrupt-remapping"));
	assert_int_equal(world_finding(w, "memory")->verdict, PT_FAIL);
	assert_string_not_equal(w->plan.summary, "");
}

#define t(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(a_request_without_a_device_is_wrong),
		t(a_device_that_is_not_there_is_wrong),
		t(a_bridge_is_wrong),
		t(a_device_that_the_vm_has_is_wrong),
		t(a_device_that_qemus_arguments_give_the_vm_is_wrong),
		t(a_host_without_iommu_is_refused),
		t(a_device_in_no_group_is_refused),
		t(what_is_behind_vmd_cannot_go_without_it),
		t(vmd_takes_along_what_is_behind_it),
		t(a_host_without_interrupt_remapping_is_refused),
		t(every_use_by_the_host_is_refused_by_its_name),
		t(forcing_one_use_does_not_force_another),
		t(a_use_of_another_device_is_none_of_ours),
		t(a_process_that_is_not_the_vms_qemu_is_a_use),
		t(another_qemu_is_a_use_though_the_vms_own_has_a_disk_there_too),
		t(qemu_is_a_use_where_the_vm_has_no_disk),
		t(a_companion_with_a_host_driver_must_be_named_too),
		t(a_use_of_a_companion_is_said_as_well),
		t(a_bridge_with_a_driver_of_its_own_holds_the_group),
		t(a_platform_device_with_a_driver_holds_the_group),
		t(the_boot_controller_in_the_chip_sets_group_is_refused_for_each_reason),
		t(a_device_of_a_running_vm_is_refused_for_good),
		t(a_device_of_a_vm_that_is_off_may_be_forced),
		t(what_is_recorded_for_another_card_is_never_forced),
		t(another_card_of_the_same_model_is_told_by_its_serial_number),
		t(a_card_that_cannot_be_told_from_another_is_not_attached),
		t(a_device_hidden_in_another_vms_arguments_is_found),
		t(an_nvme_disk_of_another_vm_is_found),
		t(a_disk_that_another_vm_uses_is_refused_by_vm_path_and_disk),
		t(a_disk_whose_backing_file_is_behind_the_controller_holds_it),
		t(what_the_vm_has_of_the_disks_in_its_own_way_must_go_first),
		t(a_scsi_device_of_another_vm_is_refused),
		t(a_disk_that_may_be_behind_a_controller_held_for_a_guest_is_refused),
		t(a_vms_disk_over_another_path_is_the_same_disk),
		t(a_claim_on_a_disk_elsewhere_is_none_of_ours),
		t(a_group_that_a_running_vm_shares_is_refused),
		t(a_pf_is_refused_while_a_vm_has_one_of_its_vfs),
		t(a_pf_with_vfs_is_refused_until_they_are_gone),
		t(a_vf_is_refused_while_a_vm_has_the_pf),
		t(a_vf_is_refused_when_this_vm_has_the_pf),
		t(a_vf_is_refused_when_its_pf_is_held_for_a_guest),
		t(a_pf_and_its_vf_are_not_given_together),
		t(a_transient_vm_is_refused),
		t(a_managed_save_image_is_refused),
		t(a_vm_in_no_clear_state_is_refused),
		t(a_machine_without_pci_is_refused),
		t(a_virtual_iommu_that_vfio_cannot_follow_is_refused),
		t(too_little_memory_is_refused_with_the_numbers),
		t(what_a_running_vm_holds_comes_back_before_it_is_pinned),
		t(no_more_comes_back_than_is_in_use),
		t(a_guest_on_huge_pages_needs_free_ones_of_its_size),
		t(a_hard_limit_below_the_guests_memory_is_refused),
		t(memory_that_could_not_be_seen_is_unknown_not_enough),
		t(a_refused_plan_still_says_all_that_stands_against_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
