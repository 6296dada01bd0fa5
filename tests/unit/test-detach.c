/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

/* cvm has the MegaRAID, as attach left it */
static int setup(void **state)
{
	struct world *w = world_new();
	struct pt_device *d = world_device(w, "0000:01:00.0");

	(void)world_add_hostdev(&w->vm, "0000:01:00.0", false);
	pt_strset(&d->driver, "vfio-pci");
	pt_strset(&d->driver_override, "vfio-pci");
	*state = w;
	return 0;
}

static void detach(struct world *w)
{
	if (world_detach(w) < 0)
		fail_msg("refused: %s", w->err.msg);
}

static void steps_are(struct world *w, const char *want)
{
	char *steps = world_steps(w);

	assert_string_equal(steps, want);
	free(steps);
}

static void a_reserved_controller_goes_back_to_the_host(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;
	char *text;

	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver vm-start");
	assert_string_equal(w->plan.verb, "detach");
	assert_string_equal(w->plan.summary, "detach 0000:01:00.0 (Broadcom / LSI MegaRAID SAS 2108) from cvm");
	s = world_step(w, PT_STEP_VM_DEFINE, 0);
	assert_int_equal(s->edit.remove_hostdevs.n, 1);
	assert_int_equal(s->edit.remove_disks.n, 0);
	s = world_step(w, PT_STEP_DRIVER, 0);
	assert_string_equal(s->driver_before, "vfio-pci");
	assert_string_equal(s->override_before, "vfio-pci");
	assert_null(s->driver_after);
	assert_null(s->override_after);
	assert_true(s->reprobe);
	text = pt_step_describe(s);
	assert_string_equal(text, "give 0000:01:00.0 back to the driver that the kernel chooses (now vfio-pci)");
	free(text);
	assert_non_null(strstr(world_finding(w, "disks")->fix, "passthru undo"));
}

static void the_undo_of_giving_back_binds_again(void **state)
{
	struct world *w = *state;
	struct pt_step inverse;

	world_ask(w, "0000:01:00.0");
	detach(w);
	pt_step_invert(world_step(w, PT_STEP_DRIVER, 0), &inverse);
	assert_false(inverse.reprobe);
	assert_string_equal(inverse.driver_after, "vfio-pci");
	assert_string_equal(inverse.override_after, "vfio-pci");
	pt_step_done(&inverse);
}

static void a_managed_device_needs_no_step_of_its_own(void **state)
{
	struct world *w = *state;

	w->vm.hostdevs.v[0].managed = true;
	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
}

/* attach remembered it for cvm, and libvirt binds it */
static struct pt_keep *is_remembered(struct world *w)
{
	const struct pt_device *d = world_device(w, "0000:01:00.0");
	struct pt_keep *k = pt_array_add(&w->host.reserved);

	k->id = (struct pt_identity){ .last_seen = d->bdf,
				      .vendor = d->vendor,
				      .device = d->device,
				      .subvendor = d->subvendor,
				      .subdevice = d->subdevice,
				      .serial = pt_strdup("00-11-22"),
				      .vf_index = -1 };
	k->driver = pt_strdup("libvirt");
	k->vm = pt_strdup("cvm");
	k->vm_uuid = pt_strdup_opt(w->vm.uuid);
	k->known = true;
	w->vm.hostdevs.v[0].managed = true;
	world_ask(w, "0000:01:00.0");
	return k;
}

static struct pt_domain *has_it_too(struct world *w, const char *name, const char *uuid)
{
	struct pt_domain *d = world_add_vm(w, name, PT_DOMAIN_SHUTOFF);

	pt_strset(&d->uuid, uuid);
	(void)world_add_hostdev(d, "0000:01:00.0", true);
	return d;
}

static void a_remembered_device_is_forgotten_with_its_only_vm(void **state)
{
	struct world *w = *state;

	(void)is_remembered(w);
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve vm-start");
}

/* the addresses have moved: a card of the same model is there, and it may be another guest's */
static void a_stranger_at_the_address_is_left_as_it_is(void **state)
{
	struct world *w = *state;
	struct pt_device *d = world_device(w, "0000:01:00.0");
	struct pt_keep *k = is_remembered(w);
	struct pt_identity *there = pt_array_add(&w->host.present);

	pt_strset(&k->driver, "vfio-pci");
	w->vm.hostdevs.v[0].managed = false;
	pt_strset(&d->driver, "vfio-pci");
	pt_strset(&d->driver_override, "vfio-pci");
	*there = (struct pt_identity){ .last_seen = d->bdf,
				       .vendor = d->vendor,
				       .device = d->device,
				       .subvendor = d->subvendor,
				       .subdevice = d->subdevice,
				       .serial = pt_strdup("another"),
				       .slot_path = pt_strdup("a"),
				       .vf_index = -1 };
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve vm-start");
	assert_non_null(strstr(world_finding(w, "identity")->fact, "left as it is"));
	/* not even the record goes where another VM counts on it */
	(void)has_it_too(w, "web", "11111111-2222-3333-4444-555555555555");
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
	/* another model: the record that goes is the old one's */
	pt_domains_done(&w->others);
	k->id.device++;
	detach(w);
	assert_int_equal(world_step(w, PT_STEP_UNRESERVE, 0)->device, d->device + 1);
	steps_are(w, "vm-stop vm-define unreserve vm-start");
	/* and the very device goes back to the host */
	k->id.device--;
	pt_strset(&there->serial, "00-11-22");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver vm-start");
}

static void a_device_that_another_vm_has_too_is_remembered_for_that_one(void **state)
{
	struct world *w = *state;
	const struct pt_step *s;

	(void)is_remembered(w);
	(void)has_it_too(w, "web", "11111111-2222-3333-4444-555555555555");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve reserve vm-start");
	s = world_step(w, PT_STEP_RESERVE, 0);
	assert_string_equal(s->driver_after, "libvirt");
	assert_string_equal(s->vm, "web");
	assert_string_equal(s->vm_uuid, "11111111-2222-3333-4444-555555555555");
	assert_non_null(strstr(s->identity, "serial=00-11-22"));
	assert_string_equal(world_finding(w, "remembered")->fact, "0000:01:00.0 stays remembered: VM web has it too");
	/* of two more no one is its only VM: then it is remembered for all that have it */
	(void)has_it_too(w, "db", "22222222-2222-3333-4444-555555555555");
	detach(w);
	assert_null(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid);
	assert_null(world_step(w, PT_STEP_RESERVE, 0)->vm);
}

/* attach reserved it for cvm with managed='no'; another VM, which is off, fetches it when it starts */
static void a_reserved_device_that_another_vm_fetches_is_remembered_for_that_one(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = is_remembered(w);
	const struct pt_step *s;

	pt_strset(&k->driver, "vfio-pci");
	w->vm.hostdevs.v[0].managed = false;
	(void)has_it_too(w, "web", "11111111-2222-3333-4444-555555555555");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve reserve driver vm-start");
	s = world_step(w, PT_STEP_RESERVE, 0);
	assert_string_equal(s->driver_after, "libvirt");
	assert_string_equal(s->vm, "web");
	assert_non_null(strstr(s->identity, "serial=00-11-22"));
	assert_non_null(world_finding(w, "remembered"));
	/* what was reserved for nobody in particular stays so */
	pt_strset(&k->vm, NULL);
	pt_strset(&k->vm_uuid, NULL);
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve reserve driver vm-start");
	assert_null(world_step(w, PT_STEP_RESERVE, 0)->vm_uuid);
	/* a card that this boot has not recognised is not vouched for to anybody */
	k->known = false;
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver vm-start");
}

static void a_record_that_is_not_this_vms_or_not_certain_is_left_as_it_is(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = is_remembered(w);

	(void)has_it_too(w, "web", "11111111-2222-3333-4444-555555555555");
	pt_strset(&k->vm_uuid, "11111111-2222-3333-4444-555555555555");
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
	/* for nobody in particular is for web, too */
	pt_strset(&k->vm_uuid, NULL);
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
	/* is it still the card that was remembered?  This boot has not seen that */
	pt_strset(&k->vm_uuid, w->vm.uuid);
	k->known = false;
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
}

static void a_device_on_the_hosts_driver_already_is_not_probed(void **state)
{
	struct world *w = *state;
	struct pt_device *d = world_device(w, "0000:01:00.0");

	pt_strset(&d->driver, "megaraid_sas");
	pt_strset(&d->driver_override, NULL);
	w->vm.state = PT_DOMAIN_SHUTOFF;
	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-define unreserve");
}

static void a_device_that_the_host_lost_leaves_the_definition(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(&w->vm, "0000:99:00.0", false);
	world_ask(w, "0000:99:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
	assert_string_equal(w->plan.summary, "detach 0000:99:00.0 from cvm");
	assert_non_null(world_finding(w, "gone"));
}

static void with_a_device_that_the_host_lost_goes_its_record(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = is_remembered(w);

	k->id.last_seen = world_bdf("0000:99:00.0");
	(void)world_add_hostdev(&w->vm, "0000:99:00.0", false);
	w->asked.n = 0;
	world_ask(w, "0000:99:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve vm-start");
	/* beside one that is there, each is named; another VM's record stays */
	pt_strset(&k->vm_uuid, "6f2a0b6e-0000-4000-8000-000000000001");
	world_ask(w, "0000:01:00.0");
	detach(w);
	assert_non_null(strstr(w->plan.summary, "0000:01:00.0"));
	assert_non_null(strstr(w->plan.summary, "0000:99:00.0"));
	assert_non_null(strstr(world_finding(w, "gone")->fact, "0000:99:00.0"));
	assert_null(world_step(w, PT_STEP_UNRESERVE, 0));
}

static void what_the_vm_does_not_have_is_wrong(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:41:10.0");
	assert_int_equal(world_detach(w), -ENOENT);
	assert_int_equal(w->err.kind, PT_ERROR_USAGE);
	assert_string_equal(w->err.msg, "VM cvm does not have 0000:41:10.0");
	assert_string_equal(w->err.hint, "it has 0000:01:00.0");
}

static void what_is_hidden_from_libvirt_cannot_be_detached(void **state)
{
	struct world *w = *state;

	w->vm.hostdevs.v[0].kind = PT_HOSTDEV_OTHER;
	world_ask(w, "0000:01:00.0");
	assert_int_equal(world_detach(w), -ENOENT);
	assert_non_null(strstr(w->err.hint, "`virsh edit cvm`"));
	/* as a shell takes it */
	pt_strset(&w->vm.name, "the cvm");
	w->err = (struct pt_error){ 0 };
	assert_int_equal(world_detach(w), -ENOENT);
	assert_non_null(strstr(w->err.hint, "`virsh edit 'the cvm'`"));
}

static void half_a_group_cannot_be_given_back(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(&w->vm, "0000:05:01.0", true);
	(void)world_add_hostdev(&w->vm, "0000:05:02.0", true);
	world_ask(w, "0000:05:01.0");
	assert_int_equal(world_detach(w), -EPERM);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, "group");
	world_ask(w, "0000:05:02.0");
	detach(w);
}

/* attach reserved it along, and the VM never had it */
static void an_idle_member_goes_back_with_the_last_of_its_group(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = pt_array_add(&w->host.reserved);
	struct pt_device *d = world_add_device(w, "0000:01:00.1", 0x040300, "vfio-pci", 14);

	pt_strset(&d->driver_override, "vfio-pci");
	k->id = (struct pt_identity){ .last_seen = d->bdf,
				      .vendor = d->vendor,
				      .device = d->device,
				      .subvendor = d->subvendor,
				      .subdevice = d->subdevice };
	k->driver = pt_strdup("vfio-pci");
	k->vm_uuid = pt_strdup("another VM's");
	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver vm-start");
	pt_strset(&k->vm_uuid, w->vm.uuid);
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver unreserve driver vm-start");
	assert_string_equal(pt_bdf_str(world_step(w, PT_STEP_DRIVER, 1)->bdf).s, "0000:01:00.1");
	assert_true(world_step(w, PT_STEP_DRIVER, 1)->reprobe);
	/* another VM that has it keeps it where it is */
	(void)world_add_hostdev(world_add_vm(w, "other", PT_DOMAIN_SHUTOFF), "0000:01:00.0", false);
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
}

static void a_device_that_another_vm_runs_with_only_leaves_the_definition(void **state)
{
	struct world *w = *state;

	w->vm.state = PT_DOMAIN_SHUTOFF;
	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_RUNNING), "0000:01:00.0", true);
	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-define");
	assert_string_equal(world_finding(w, "other-vm")->fact,
			    "0000:01:00.0 is not given back to the host: VM web has it too, and runs");
}

static void a_device_that_is_kept_for_another_vm_stays_reserved(void **state)
{
	struct world *w = *state;
	struct pt_domain_hostdev *h =
		world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:01:00.0", false);

	world_ask(w, "0000:01:00.0");
	detach(w);
	steps_are(w, "vm-stop vm-define vm-start");
	assert_string_equal(world_finding(w, "other-vm")->fact,
			    "0000:01:00.0 is not given back to the host: VM web has it too, with managed='no'");
	/* libvirt fetches this one itself when that VM starts */
	h->managed = true;
	detach(w);
	steps_are(w, "vm-stop vm-define unreserve driver vm-start");
	assert_null(world_finding(w, "other-vm"));
}

static void the_host_cannot_have_a_device_whose_group_a_running_vm_has(void **state)
{
	struct world *w = *state;

	(void)world_add_device(w, "0000:01:00.1", 0x040300, "vfio-pci", 14);
	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_RUNNING), "0000:01:00.1", true);
	w->vm.state = PT_DOMAIN_SHUTOFF;
	world_ask(w, "0000:01:00.0");
	assert_int_equal(world_detach(w), -EPERM);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, "other-vm-group");
	w->others.v[0].state = PT_DOMAIN_SHUTOFF;
	detach(w);
}

static void a_managed_save_image_stands_against_it(void **state)
{
	struct world *w = *state;

	w->vm.managed_save = true;
	world_ask(w, "0000:01:00.0");
	assert_int_equal(world_detach(w), -EPERM);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, "managed-save");
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(a_reserved_controller_goes_back_to_the_host),
		t(the_undo_of_giving_back_binds_again),
		t(a_managed_device_needs_no_step_of_its_own),
		t(a_remembered_device_is_forgotten_with_its_only_vm),
		t(a_stranger_at_the_address_is_left_as_it_is),
		t(a_device_that_another_vm_has_too_is_remembered_for_that_one),
		t(a_reserved_device_that_another_vm_fetches_is_remembered_for_that_one),
		t(a_record_that_is_not_this_vms_or_not_certain_is_left_as_it_is),
		t(a_device_on_the_hosts_driver_already_is_not_probed),
		t(a_device_that_the_host_lost_leaves_the_definition),
		t(with_a_device_that_the_host_lost_goes_its_record),
		t(what_the_vm_does_not_have_is_wrong),
		t(what_is_hidden_from_libvirt_cannot_be_detached),
		t(half_a_group_cannot_be_given_back),
		t(an_idle_member_goes_back_with_the_last_of_its_group),
		t(a_device_that_another_vm_runs_with_only_leaves_the_definition),
		t(a_device_that_is_kept_for_another_vm_stays_reserved),
		t(the_host_cannot_have_a_device_whose_group_a_running_vm_has),
		t(a_managed_save_image_stands_against_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
