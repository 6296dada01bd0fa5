/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan to attach does: its steps, the edit, what it says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static void attach(struct world *w)
{
	if (world_attach(w) < 0)
		fail_msg("refused: %s", w->err.msg);
	assert_null(pt_plan_refusal(&w->plan));
}

static void steps_are(struct world *w, const char *want)
{
	char *steps = world_steps(w);

	assert_string_equal(steps, want);
	free(steps);
}

static const struct pt_domain_edit *edit_of(const struct world *w)
{
	const struct pt_step *s = world_step(w, PT_STEP_VM_DEFINE, 0);

	assert_non_null(s);
	assert_null(s->xml_before);
	assert_null(s->xml_after);
	return &s->edit;
}

static void the_seeds_story_is_one_plan(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;
	const struct pt_domain_edit *e;

	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	assert_string_equal(w->plan.verb, "attach");
	assert_string_equal(w->plan.summary, "attach 0000:01:00.0 (Broadcom / LSI MegaRAID SAS 2108) to cvm");
	s = world_step(w, PT_STEP_VM_STOP, 0);
	assert_string_equal(s->vm, "cvm");
	assert_string_equal(s->vm_uuid, "f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	assert_int_equal(s->timeout_ms, 120000);
	s = world_step(w, PT_STEP_DRIVER, 0);
	assert_string_equal(s->driver_before, "megaraid_sas");
	assert_null(s->override_before);
	assert_string_equal(s->driver_after, "vfio-pci");
	assert_string_equal(s->override_after, "vfio-pci");
	assert_false(s->reprobe);
	e = edit_of(w);
	assert_int_equal(e->remove_disks.n, 3);
	assert_true(pt_strv_has(&e->remove_disks, "sda"));
	assert_true(pt_strv_has(&e->remove_disks, "sdb"));
	assert_true(pt_strv_has(&e->remove_disks, "sdc"));
	assert_int_equal(e->remove_controllers.n, 1);
	assert_string_equal(e->remove_controllers.v[0].type, "scsi");
	assert_int_equal(e->add_hostdevs.n, 1);
	assert_false(e->add_hostdevs.v[0].managed);
}

static void each_device_step_says_which_card_it_must_be(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	attach(w);
	for (size_t i = 0; i < w->plan.steps.n; i++) {
		const struct pt_step *s = &w->plan.steps.v[i];

		if (s->kind != PT_STEP_DRIVER && s->kind != PT_STEP_RESERVE)
			continue;
		assert_string_equal(pt_bdf_str(s->bdf).s, "0000:01:00.0");
		assert_int_equal(s->vendor, 0x1000);
		assert_int_equal(s->device, 0x0079);
		assert_int_equal(s->subvendor, 0x1000);
		assert_int_equal(s->subdevice, 0x9261);
	}
}

static void a_vm_that_is_off_stays_off(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_SHUTOFF;
	w->host.memory.available_kib = 24 << 20;
	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "reserve driver vm-define");
}

static void start_and_autostart_are_done_when_asked(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_SHUTOFF;
	w->host.memory.available_kib = 24 << 20;
	w->request.start = true;
	w->request.autostart = true;
	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "reserve driver vm-define vm-autostart vm-start");
	assert_true(world_step(w, PT_STEP_VM_AUTOSTART, 0)->flag);
	w->vm.autostart = true;
	attach(w);
	steps_are(w, "reserve driver vm-define vm-start");
}

static void a_nic_is_left_to_libvirt(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:41:10.0");
	attach(w);
	steps_are(w, "vm-stop reserve vm-define vm-start");
	/* only remembered: libvirt binds it */
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->driver_after, "libvirt");
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid, w->vm.uuid);
	assert_true(edit_of(w)->add_hostdevs.v[0].managed);
	assert_int_equal(edit_of(w)->remove_disks.n, 0);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
	assert_non_null(strstr(world_finding(w, "managed")->fact, "managed='yes'"));
}

static struct pt_keep *is_recorded_for(struct world *w, const char *vm, const char *uuid, const char *driver)
{
	const struct pt_device *d = world_device(w, "0000:01:00.0");
	struct pt_keep *k = pt_array_add(&w->host.reserved);

	k->id = (struct pt_identity){ .last_seen = d->bdf,
				      .vendor = d->vendor,
				      .device = d->device,
				      .subvendor = d->subvendor,
				      .subdevice = d->subdevice,
				      .serial = pt_strdup("dsn:00-11-22"),
				      .vf_index = -1 };
	k->driver = pt_strdup(driver);
	k->vm = pt_strdup_opt(vm);
	k->vm_uuid = pt_strdup_opt(uuid);
	k->known = true;
	return k;
}

static const char web_uuid[] = "11111111-2222-3333-4444-555555555555";

static void web_has_it_too(struct world *w)
{
	static const char *const forced[] = { "other-vm", NULL };
	struct pt_domain *web = world_add_vm(w, "web", PT_DOMAIN_SHUTOFF);

	pt_strset(&web->uuid, web_uuid);
	(void)world_add_hostdev(web, "0000:01:00.0", false);
	w->request.forced = forced;
	world_ask(w, "0000:01:00.0");
}

static void what_two_vms_have_is_recorded_for_nobody_in_particular(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;

	web_has_it_too(w);
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	s = world_step(w, PT_STEP_RESERVE, 0);
	assert_null(s->vm);
	assert_null(s->vm_uuid);
}

static void a_reservation_for_another_vm_is_written_for_both(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;

	web_has_it_too(w);
	(void)is_recorded_for(w, "web", web_uuid, "vfio-pci");
	attach(w);
	steps_are(w, "vm-stop unreserve reserve driver vm-define vm-start");
	s = world_step(w, PT_STEP_RESERVE, 0);
	assert_null(s->vm);
	assert_null(s->vm_uuid);
	assert_string_equal(s->driver_after, "vfio-pci");
	assert_non_null(strstr(s->identity, "serial=dsn:00-11-22"));
}

static void a_reservation_whose_vm_has_it_no_more_is_written_for_this_one(void **state)
{
	struct world *w = *state;

	(void)is_recorded_for(w, "web", web_uuid, "vfio-pci");
	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "vm-stop unreserve reserve driver vm-define vm-start");
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid, w->vm.uuid);
}

static void a_reservation_that_counts_for_this_vm_stays(void **state)
{
	struct world *w = *state;
	struct pt_keep *k;

	web_has_it_too(w);
	k = is_recorded_for(w, NULL, NULL, "vfio-pci");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	/* and one of a card that this boot has not recognised is not ours to write anew */
	pt_strset(&k->vm_uuid, web_uuid);
	k->known = false;
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
}

static void what_was_remembered_for_another_vm_is_remembered_for_both(void **state)
{
	struct world *w = *state;

	web_has_it_too(w);
	(void)is_recorded_for(w, "web", web_uuid, "libvirt");
	w->request.managed = 1;
	attach(w);
	steps_are(w, "vm-stop unreserve reserve vm-define vm-start");
	assert_null(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid);
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->driver_after, "libvirt");
}

static void managed_can_be_told_either_way(void **state)
{
	struct world *w = *state;

	w->request.managed = 1;
	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "vm-stop reserve vm-define vm-start");
	/* only remembered: libvirt binds it */
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->driver_after, "libvirt");
	assert_string_equal(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid, w->vm.uuid);
	assert_true(edit_of(w)->add_hostdevs.v[0].managed);
	assert_int_equal(world_finding(w, "managed")->verdict, PT_WARN);
	w->request.managed = 0;
	w->asked.n = 0;
	world_ask(w, "0000:41:10.0");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	assert_false(edit_of(w)->add_hostdevs.v[0].managed);
}

static void a_variant_driver_is_preferred(void **state)
{
	struct world *w = *state;

	world_device(w, "0000:01:00.0")->vfio_variant = pt_strdup("mega_vfio_pci");
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_string_equal(world_step(w, PT_STEP_DRIVER, 0)->driver_after, "mega_vfio_pci");
	assert_string_equal(world_step(w, PT_STEP_DRIVER, 0)->override_after, "mega_vfio_pci");
}

static void a_device_that_is_bound_already_is_not_bound_again(void **state)
{
	struct world *w = *state;
	struct pt_device *d = world_device(w, "0000:01:00.0");

	pt_strset(&d->driver, "vfio-pci");
	world_ask(w, "0000:01:00.0");
	attach(w);
	/* bound by hand: it needs the override still, or the next probe takes it away */
	assert_string_equal(world_step(w, PT_STEP_DRIVER, 0)->driver_before, "vfio-pci");
	pt_strset(&d->driver_override, "vfio-pci");
	attach(w);
	steps_are(w, "vm-stop reserve vm-define vm-start");
}

static void two_devices_make_one_plan_by_address(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:05:02.0");
	world_ask(w, "0000:05:01.0");
	world_ask(w, "0000:05:02.0");
	w->request.managed = 0;
	attach(w);
	steps_are(w, "vm-stop reserve reserve driver driver vm-define vm-start");
	assert_int_equal(edit_of(w)->add_hostdevs.n, 2);
	assert_string_equal(pt_bdf_str(edit_of(w)->add_hostdevs.v[0].bdf).s, "0000:05:01.0");
	assert_non_null(strstr(w->plan.summary, "0000:05:01.0 (8086:"));
}

static void a_disk_on_another_controller_and_its_controller_stay(void **state)
{
	struct world *w = *state;
	struct pt_domain_disk *k = world_add_disk(w, "sde", "scsi", "/dev/sdd", 4);

	k->has_controller_index = true;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_disks.n, 3);
	assert_false(pt_strv_has(&edit_of(w)->remove_disks, "sde"));
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
}

static void a_controller_stays_when_a_disk_does_not_say_where_it_hangs(void **state)
{
	struct world *w = *state;

	(void)world_add_disk(w, "sde", "scsi", "/dev/sdd", 4);
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
}

static void a_controller_stays_for_a_scsi_hostdev(void **state)
{
	struct world *w = *state;
	struct pt_domain_hostdev *h = pt_array_add(&w->vm.hostdevs);

	h->kind = PT_HOSTDEV_SCSI;
	h->has_controller_index = true;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
	w->vm.hostdevs.v[0].controller_index = 1;
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
	assert_non_null(world_finding(w, "controller-stays"));
}

static void an_empty_controller_stays_where_libvirt_would_fill_the_gap(void **state)
{
	struct world *w = *state;
	struct pt_domain_disk *k = world_add_disk(w, "sde", "scsi", "/dev/sdd", 4);

	k->has_controller_index = true;
	k->controller_index = 1;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_disks.n, 3);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
	assert_string_equal(world_finding(w, "controller-stays")->fact,
			    "the scsi controller 0 (virtio-scsi) of cvm stays, empty: a disk hangs on a later one, and "
			    "libvirt would fill the gap with one of its own choice");
}

static void an_implicit_controller_cannot_be_removed(void **state)
{
	struct world *w = *state;

	w->vm.controllers.v[0].implicit = true;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
}

static void a_volume_that_libvirt_does_not_know_is_told_of(void **state)
{
	struct world *w = *state;
	struct pt_domain_disk *k = world_add_disk(w, "sdv", "sata", "raid/vol", -1);

	k->type = PT_DISK_VOLUME;
	world_ask(w, "0000:01:00.0");
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "volume")->verdict, PT_UNKNOWN);
	assert_non_null(strstr(world_finding(w, "volume")->fact, "raid/vol"));
	pt_strv_add(&k->also, "/srv/vol");
	assert_int_equal(world_attach(w), 0);
	assert_null(world_finding(w, "volume"));
}

static void another_device_of_the_vm_that_is_gone_is_told(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(&w->vm, "0000:41:00.0", true);
	world_ask(w, "0000:01:00.0");
	assert_int_equal(world_attach(w), 0);
	assert_null(world_finding(w, "device-gone"));
	(void)world_add_hostdev(&w->vm, "0000:99:00.0", true);
	assert_int_equal(world_attach(w), 0);
	assert_non_null(strstr(world_finding(w, "device-gone")->fact, "0000:99:00.0"));
}

static void the_first_sata_controller_stays_and_further_ones_go(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->vm.disks.n; i++)
		pt_strset(&w->vm.disks.v[i].bus, "sata");
	pt_strset(&w->vm.controllers.v[0].type, "sata");
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_disks.n, 3);
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
	w->vm.controllers.v[0].index = 1;
	for (size_t i = 1; i < w->vm.disks.n; i++)
		w->vm.disks.v[i].controller_index = 1;
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 1);
	assert_int_equal(edit_of(w)->remove_controllers.v[0].index, 1);
}

static void a_controller_that_was_empty_before_stays(void **state)
{
	struct world *w = *state;
	struct pt_domain_controller *c = pt_array_add(&w->vm.controllers);

	c->type = pt_strdup("scsi");
	c->index = 5;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_controllers.n, 1);
	assert_int_equal(edit_of(w)->remove_controllers.v[0].index, 0);
}

static void an_nvme_disk_becomes_the_device_itself(void **state)
{
	struct world *w = *state;
	struct pt_domain_disk *k = world_add_disk(w, "vda", "virtio", NULL, -1);

	(void)world_add_device(w, "0000:81:00.0", 0x010802, "nvme", 50);
	k->type = PT_DISK_NVME;
	k->nvme = world_bdf("0000:81:00.0");
	w->vm.state = PT_DOMAIN_SHUTOFF;
	w->host.memory.available_kib = 24 << 20;
	world_ask(w, "0000:81:00.0");
	attach(w);
	steps_are(w, "reserve driver vm-define");
	assert_int_equal(edit_of(w)->remove_disks.n, 1);
	assert_string_equal(edit_of(w)->remove_disks.v[0], "vda");
	w->vm.state = PT_DOMAIN_RUNNING;
	world_refused(w, "vm-runs", false);
}

static void the_notes_say_which_disk_leaves_and_by_which_path(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_string_equal(world_finding(w, "disk-leaves")->fact,
			    "the disk sda of cvm leaves its definition: /dev/disk/by-id/wwn-1 is sda behind "
			    "0000:01:00.0");
	assert_string_equal(world_finding(w, "controller-leaves")->fact,
			    "the scsi controller 0 (virtio-scsi) of cvm leaves its definition: nothing else uses it");
	assert_non_null(world_finding(w, "migration"));
	assert_null(world_finding(w, "boot-disk"));
}

static void a_vm_that_keeps_no_disk_is_warned_about_booting(void **state)
{
	struct world *w = *state;

	w->vm.disks.v[0].type = PT_DISK_NONE;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(world_finding(w, "boot-disk")->verdict, PT_WARN);
}

static void a_vm_that_loses_the_disk_it_boots_from_is_warned_about_booting(void **state)
{
	struct world *w = *state;

	/* hda stays, and is the first */
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_null(world_finding(w, "boot-disk"));
	pt_strset(&w->vm.disks.v[0].device, "cdrom");
	attach(w);
	assert_string_equal(world_finding(w, "boot-disk")->fact,
			    "cvm boots from its disk sda, which leaves the definition");
	w->vm.boot_dev = pt_strdup("cdrom");
	attach(w);
	assert_null(world_finding(w, "boot-disk"));
	w->vm.first_boot_order = w->vm.disks.v[2].boot_order = 2;
	attach(w);
	assert_non_null(strstr(world_finding(w, "boot-disk")->fact, "sdb"));
	w->vm.boots_kernel = true;
	attach(w);
	assert_null(world_finding(w, "boot-disk"));
}

static void an_interface_of_the_vm_that_stands_on_the_nic_must_go_first(void **state)
{
	struct world *w = *state;

	pt_strv_add(&world_device(w, "0000:41:10.0")->netdevs, "enp65s0v0");
	pt_strv_add(&w->vm.macvtap_on, "enp65s0v0");
	world_ask(w, "0000:41:10.0");
	world_refused(w, "macvtap", false);
	pt_strv_done(&w->vm.macvtap_on);
	pt_strv_add(&world_add_vm(w, "db", PT_DOMAIN_SHUTOFF)->macvtap_on, "enp65s0v0");
	attach(w);
	assert_int_equal(world_finding(w, "macvtap")->verdict, PT_WARN);
	assert_string_equal(world_finding(w, "macvtap")->fact,
			    "VM db has an <interface type='direct'> on enp65s0v0, which is 0000:41:10.0: it cannot "
			    "start while the host does not have that");
}

static void where_memory_and_device_are_is_said(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	world_device(w, "0000:01:00.0")->numa_node = 1;
	assert_int_equal(world_attach(w), 0);
	assert_non_null(strstr(world_finding(w, "numa")->fact, "from any node"));
	w->vm.nodes = pt_strdup("0,2-3");
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "numa")->verdict, PT_WARN);
	assert_non_null(strstr(world_finding(w, "numa")->fact, "its memory on 0,2-3"));
	pt_strset(&w->vm.nodes, "0-1");
	assert_int_equal(world_attach(w), 0);
	assert_int_equal(world_finding(w, "numa")->verdict, PT_NOTE);
	assert_null(world_finding(w, "hugepages"));
	w->vm.hugepages = true;
	assert_int_equal(world_attach(w), 0);
	assert_non_null(strstr(world_finding(w, "hugepages")->fact, "default size"));
}

static void the_price_of_a_balloon_and_of_snapshots_is_said(void **state)
{
	struct world *w = *state;

	w->vm.balloon = true;
	w->vm.has_snapshots = true;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(world_finding(w, "balloon")->verdict, PT_NOTE);
	assert_true(edit_of(w)->drop_balloon);
	assert_int_equal(world_finding(w, "snapshots")->verdict, PT_WARN);
}

static void an_emulated_vm_is_warned_about(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_null(world_finding(w, "no-kvm"));
	pt_strset(&w->vm.type, "qemu");
	attach(w);
	assert_int_equal(world_finding(w, "no-kvm")->verdict, PT_WARN);
}

static void missing_pcie_ports_are_noted_only_where_there_are_such(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_null(world_finding(w, "pcie-ports"));
	w->vm.free_pcie_ports = 0;
	attach(w);
	assert_int_equal(world_finding(w, "pcie-ports")->verdict, PT_NOTE);
	w->vm.free_pcie_ports = 1;
	attach(w);
	assert_null(world_finding(w, "pcie-ports"));
}

static void a_paused_vm_is_stopped_and_runs_again(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_PAUSED;
	world_ask(w, "0000:01:00.0");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	assert_int_equal(world_finding(w, "vm-paused")->verdict, PT_WARN);
}

static void what_its_own_qemu_has_open_is_no_use_by_the_host(void **state)
{
	struct world *w = *state;

	struct pt_use *u = world_use(w, "0000:01:00.0", PT_USE_OPEN);

	u->comm = pt_strdup("qemu-system-x86");
	u->vm_uuid = pt_strdup("F5A1D2B6-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_null(world_finding(w, "open"));
	/* libvirt's lock daemon lets go when the VM ends; disks of other VMs are refused as theirs */
	u = world_use(w, "0000:01:00.0", PT_USE_OPEN);
	u->comm = pt_strdup("virtlockd");
	attach(w);
	assert_null(world_finding(w, "open"));
}

static void an_address_on_a_nic_is_a_warning(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:41:10.0", PT_USE_ADDRESS);
	world_ask(w, "0000:41:10.0");
	attach(w);
	assert_int_equal(world_finding(w, "address")->verdict, PT_WARN);
}

static void a_member_without_driver_does_not_hold_the_group_up(void **state)
{
	struct world *w = *state;

	pt_strset(&world_device(w, "0000:05:02.0")->driver, NULL);
	world_ask(w, "0000:05:01.0");
	attach(w);
	assert_int_equal(edit_of(w)->add_hostdevs.n, 1);
	assert_int_equal(world_finding(w, "group")->verdict, PT_NOTE);
	assert_non_null(strstr(world_finding(w, "group")->fact, "0000:05:02.0 (no driver)"));
	pt_strset(&world_device(w, "0000:05:02.0")->driver, "vfio-pci");
	attach(w);
}

/* nothing has it now; after a reboot its driver would, and the VM could not have the group */
static void a_member_without_driver_is_reserved_along(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;

	pt_strset(&world_device(w, "0000:05:02.0")->driver, NULL);
	world_ask(w, "0000:05:01.0");
	w->request.managed = 0;
	attach(w);
	steps_are(w, "vm-stop reserve driver reserve driver vm-define vm-start");
	s = world_step(w, PT_STEP_RESERVE, 1);
	assert_string_equal(pt_bdf_str(s->bdf).s, "0000:05:02.0");
	assert_string_equal(s->vm_uuid, w->vm.uuid);
	assert_null(s->driver_after);
	s = world_step(w, PT_STEP_DRIVER, 1);
	assert_string_equal(pt_bdf_str(s->bdf).s, "0000:05:02.0");
	assert_string_equal(s->driver_after, "vfio-pci");
	assert_non_null(strstr(world_finding(w, "group-idle")->fact, "0000:05:02.0 (no driver)"));
	assert_int_equal(edit_of(w)->add_hostdevs.n, 1);
	/* on a VFIO driver that nobody keeps it on */
	pt_strset(&world_device(w, "0000:05:02.0")->driver, "vfio-pci");
	attach(w);
	steps_are(w, "vm-stop reserve driver reserve driver vm-define vm-start");
	/* libvirt binds it, and nothing is kept from the host at boot */
	w->request.managed = 1;
	attach(w);
	steps_are(w, "vm-stop reserve vm-define vm-start");
}

static void a_member_that_somebody_else_keeps_is_not_reserved_along(void **state)
{
	struct world *w = *state;
	const struct pt_host_override driverctls = { world_bdf("0000:05:02.0"), pt_strdup("driverctl") };
	struct pt_device *d = world_device(w, "0000:05:02.0");

	world_ask(w, "0000:05:01.0");
	w->request.managed = 0;
	pt_strset(&d->driver, "pci-stub");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	pt_strset(&d->driver, NULL);
	pt_strset(&d->driver_override, "e1000");
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
	pt_strset(&d->driver, "vfio-pci");
	pt_strset(&d->driver_override, "vfio-pci");
	pt_array_push(&w->host.overrides, driverctls);
	attach(w);
	steps_are(w, "vm-stop reserve driver vm-define vm-start");
}

static void a_companion_that_the_vm_has_already_goes_along(void **state)
{
	struct world *w = *state;

	struct pt_use *u;

	(void)world_add_hostdev(&w->vm, "0000:05:02.0", true);
	world_ask(w, "0000:05:01.0");
	attach(w);
	assert_int_equal(edit_of(w)->add_hostdevs.n, 1);
	/* its QEMU has the group open, which is a use of every member, until it ends */
	u = world_use(w, "0000:05:01.0", PT_USE_VFIO);
	u->comm = pt_strdup("qemu-system-x86");
	u->vm_uuid = pt_strdup(w->vm.uuid);
	attach(w);
	/* a third one, which nobody has, is still in the way: and the advice does not name what the VM has */
	(void)world_add_device(w, "0000:05:03.0", 0x020000, "e1000", 20);
	assert_int_equal(world_attach(w), -EPERM);
	assert_non_null(strstr(w->err.hint, "passthru attach cvm 0000:05:01.0 0000:05:03.0"));
}

static void the_edit_of_a_plan_lists_only_what_exists(void **state)
{
	struct world *w = *state;

	/* the caller could not resolve one disk, and one index is from another world */
	w->disk_of[1] = -1;
	w->disk_of[3] = 99;
	world_ask(w, "0000:01:00.0");
	attach(w);
	assert_int_equal(edit_of(w)->remove_disks.n, 1);
	assert_string_equal(edit_of(w)->remove_disks.v[0], "sdb");
	assert_int_equal(edit_of(w)->remove_controllers.n, 0);
}

#define t(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(the_seeds_story_is_one_plan),
		t(each_device_step_says_which_card_it_must_be),
		t(a_vm_that_is_off_stays_off),
		t(start_and_autostart_are_done_when_asked),
		t(a_nic_is_left_to_libvirt),
		t(what_two_vms_have_is_recorded_for_nobody_in_particular),
		t(a_reservation_for_another_vm_is_written_for_both),
		t(a_reservation_whose_vm_has_it_no_more_is_written_for_this_one),
		t(a_reservation_that_counts_for_this_vm_stays),
		t(what_was_remembered_for_another_vm_is_remembered_for_both),
		t(managed_can_be_told_either_way),
		t(a_variant_driver_is_preferred),
		t(a_device_that_is_bound_already_is_not_bound_again),
		t(two_devices_make_one_plan_by_address),
		t(a_disk_on_another_controller_and_its_controller_stay),
		t(a_controller_stays_when_a_disk_does_not_say_where_it_hangs),
		t(a_controller_stays_for_a_scsi_hostdev),
		t(an_empty_controller_stays_where_libvirt_would_fill_the_gap),
		t(an_implicit_controller_cannot_be_removed),
		t(a_volume_that_libvirt_does_not_know_is_told_of),
		t(another_device_of_the_vm_that_is_gone_is_told),
		t(the_first_sata_controller_stays_and_further_ones_go),
		t(a_controller_that_was_empty_before_stays),
		t(an_nvme_disk_becomes_the_device_itself),
		t(the_notes_say_which_disk_leaves_and_by_which_path),
		t(a_vm_that_keeps_no_disk_is_warned_about_booting),
		t(a_vm_that_loses_the_disk_it_boots_from_is_warned_about_booting),
		t(an_interface_of_the_vm_that_stands_on_the_nic_must_go_first),
		t(where_memory_and_device_are_is_said),
		t(the_price_of_a_balloon_and_of_snapshots_is_said),
		t(an_emulated_vm_is_warned_about),
		t(missing_pcie_ports_are_noted_only_where_there_are_such),
		t(a_paused_vm_is_stopped_and_runs_again),
		t(what_its_own_qemu_has_open_is_no_use_by_the_host),
		t(an_address_on_a_nic_is_a_warning),
		t(a_member_without_driver_does_not_hold_the_group_up),
		t(a_member_without_driver_is_reserved_along),
		t(a_member_that_somebody_else_keeps_is_not_reserved_along),
		t(a_companion_that_the_vm_has_already_goes_along),
		t(the_edit_of_a_plan_lists_only_what_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
