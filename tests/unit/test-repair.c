/* SPDX-License-Identifier: Apache-2.0 */
/* What is rewritten when devices have moved, and when nothing is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/doctor.h"
#include "decide/repair.h"
#include "world.h"

#define CVM2 "11111111-2222-3333-4444-555555555555"

struct fixture {
	struct world *w;
	struct pt_identities present;
	struct pt_whereabouts_list where;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->w = world_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_identities_done(&f->present);
	pt_whereabouts_list_done(&f->where);
	world_free(f->w);
	free(f);
	return 0;
}

static struct pt_identity card(const char *bdf, const char *serial, const char *behind)
{
	struct pt_identity id = { .last_seen = world_bdf(bdf),
				  .vendor = 0x1000,
				  .device = 0x79,
				  .vf_index = -1,
				  .slot_path = pt_strdup(bdf),
				  .serial = pt_strdup_opt(serial) };

	if (behind)
		pt_strv_add(&id.behind, behind);
	return id;
}

static struct pt_keep *reserve(struct fixture *f, const char *bdf, const char *serial, const char *behind)
{
	struct pt_keep *k = pt_array_add(&f->w->host.reserved);

	k->id = card(bdf, serial, behind);
	k->driver = pt_strdup("vfio-pci");
	k->vm = pt_strdup("cvm2");
	k->vm_uuid = pt_strdup(CVM2);
	return k;
}

/* a function with no driver, and its identity */
static void put(struct fixture *f, const char *bdf, const char *serial, const char *behind)
{
	struct pt_device *d = world_add_device(f->w, bdf, 0x010400, NULL, 50 + (int)f->present.n);

	d->vendor = 0x1000;
	d->device = 0x79;
	pt_array_push(&f->present, card(bdf, serial, behind));
}

static struct pt_domain *vm_with(struct fixture *f, const char *bdf, enum pt_domain_state state)
{
	struct pt_domain *vm = world_add_vm(f->w, "cvm2", state);

	pt_strset(&vm->uuid, CVM2);
	(void)world_add_hostdev(vm, bdf, false);
	return vm;
}

static int decide(struct fixture *f, const struct pt_domain *vm)
{
	struct pt_repair_request request = { .vm = vm };

	pt_whereabouts_list_done(&f->where);
	pt_whereabouts_find(&f->w->host.reserved, &f->present, &f->where);
	pt_plan_done(&f->w->plan);
	f->w->err = (struct pt_error){ 0 };
	return pt_decide_repair(&f->w->host, &f->present, &f->where, &f->w->others, &request, &f->w->plan, &f->w->err);
}

static void repaired(struct fixture *f, const char *steps)
{
	char *made;

	if (decide(f, NULL) < 0)
		fail_msg("refused: %s", f->w->err.msg);
	made = world_steps(f->w);
	assert_string_equal(made, steps);
	free(made);
}

static void refused(struct fixture *f, const char *name)
{
	assert_int_equal(decide(f, NULL), -EPERM);
	assert_string_equal(pt_plan_refusal(&f->w->plan)->name, name);
	assert_non_null(pt_plan_refusal(&f->w->plan)->fix);
}

static void a_card_with_a_serial_is_followed(void **state)
{
	struct fixture *f = *state;
	const struct pt_step *s;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:2", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	repaired(f, "reserve unreserve driver vm-define");
	s = world_step(f->w, PT_STEP_UNRESERVE, 0);
	assert_string_equal(pt_bdf_str(s->bdf).s, "0000:11:00.0");
	s = world_step(f->w, PT_STEP_RESERVE, 0);
	assert_string_equal(pt_bdf_str(s->bdf).s, "0000:13:00.0");
	assert_string_equal(s->vm_uuid, CVM2);
	assert_non_null(strstr(s->identity, "serial=dsn:1\n"));
	assert_string_equal(pt_bdf_str(world_step(f->w, PT_STEP_DRIVER, 0)->bdf).s, "0000:13:00.0");
	s = world_step(f->w, PT_STEP_VM_DEFINE, 0);
	assert_int_equal(s->edit.move_hostdevs.n, 1);
	assert_string_equal(pt_bdf_str(s->edit.move_hostdevs.v[0].to).s, "0000:13:00.0");
	assert_non_null(world_finding(f->w, "stranger"));
}

static void two_that_changed_places_are_rewritten_together(void **state)
{
	struct fixture *f = *state;
	char *made;

	reserve(f, "0000:11:00.0", NULL, "disk:1");
	reserve(f, "0000:12:00.0", NULL, "disk:2");
	put(f, "0000:11:00.0", NULL, "disk:2");
	put(f, "0000:12:00.0", NULL, "disk:1");
	assert_int_equal(decide(f, NULL), 0);
	made = world_steps(f->w);
	assert_string_equal(made, "unreserve reserve unreserve reserve driver driver");
	free(made);
	/* each in the place of the other's, in one write: the first that is taken up has none before it */
	assert_string_equal(pt_bdf_str(world_step(f->w, PT_STEP_RESERVE, 0)->bdf).s, "0000:11:00.0");
	assert_non_null(strstr(world_step(f->w, PT_STEP_RESERVE, 0)->identity, "behind=disk:2\n"));
	assert_string_equal(pt_bdf_str(world_step(f->w, PT_STEP_RESERVE, 1)->bdf).s, "0000:12:00.0");
	assert_non_null(strstr(world_step(f->w, PT_STEP_RESERVE, 1)->identity, "behind=disk:1\n"));
}

/* the last of a row is written first, whatever the order they are known in */
static void a_row_that_moved_up_is_never_without_a_record(void **state)
{
	struct fixture *f = *state;
	static const char *const places[] = { "0000:11:00.0", "0000:12:00.0", "0000:13:00.0", "0000:14:00.0" };
	static const char *const disks[] = { "disk:1", "disk:2", "disk:3" };

	for (unsigned i = 0; i < 3; i++) {
		reserve(f, places[i], NULL, disks[i]);
		put(f, places[i + 1], NULL, disks[i]);
	}
	repaired(f, "reserve unreserve reserve unreserve reserve unreserve driver driver driver");
	for (unsigned i = 0; i < 3; i++) {
		const struct pt_step *to = world_step(f->w, PT_STEP_RESERVE, i);

		assert_string_equal(pt_bdf_str(to->bdf).s, places[3 - i]);
		assert_non_null(strstr(to->identity, disks[2 - i]));
		assert_string_equal(pt_bdf_str(world_step(f->w, PT_STEP_UNRESERVE, i)->bdf).s, places[2 - i]);
	}
}

static void where_two_fit_nothing_is_rewritten(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", NULL, "disk:1");
	put(f, "0000:12:00.0", NULL, NULL);
	put(f, "0000:13:00.0", NULL, NULL);
	refused(f, "identity");
	assert_non_null(strstr(pt_plan_refusal(&f->w->plan)->fix, "--probe"));
}

static void where_none_fits_nothing_is_rewritten(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:2", NULL);
	refused(f, "identity");
	assert_non_null(strstr(pt_plan_refusal(&f->w->plan)->fix, "release"));
}

static void the_only_one_of_its_kind_is_followed_with_a_warning(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", NULL, NULL);
	put(f, "0000:13:00.0", NULL, NULL);
	repaired(f, "reserve unreserve driver");
	assert_int_equal(world_finding(f->w, "identity")->verdict, PT_WARN);
}

static void a_vm_that_runs_is_not_rewritten(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_RUNNING);
	refused(f, "vm-runs");
}

static void what_is_where_it_was_needs_nothing(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:1", NULL);
	pt_strset(&world_device(f->w, "0000:11:00.0")->driver, "vfio-pci");
	pt_strset(&world_device(f->w, "0000:11:00.0")->driver_override, "vfio-pci");
	repaired(f, "");
}

static void what_is_only_remembered_is_not_bound(void **state)
{
	struct fixture *f = *state;

	pt_strset(&reserve(f, "0000:11:00.0", "dsn:1", NULL)->driver, "libvirt");
	put(f, "0000:13:00.0", "dsn:1", NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	repaired(f, "reserve unreserve vm-define");
}

/* in another slot of the same bus number, and nothing to tell it by: the hook refuses it until somebody says so */
static void what_is_only_remembered_and_likely_is_written_anew_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct pt_keep *k = reserve(f, "0000:11:00.0", NULL, NULL);

	pt_strset(&k->driver, "libvirt");
	pt_strset(&k->id.slot_path, "another slot");
	put(f, "0000:11:00.0", NULL, NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	repaired(f, "unreserve reserve");
	assert_int_equal(world_finding(f->w, "identity")->verdict, PT_WARN);
	/* with that this boot knows it */
	f->w->host.reserved.v[0].known = true;
	repaired(f, "");
}

static void an_nvme_disk_that_names_the_old_address_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *vm;
	struct pt_domain_disk *disk;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	vm = world_add_vm(f->w, "cvm2", PT_DOMAIN_SHUTOFF);
	pt_strset(&vm->uuid, CVM2);
	disk = pt_array_add(&vm->disks);
	disk->type = PT_DISK_NVME;
	disk->nvme = world_bdf("0000:11:00.0");
	refused(f, "not-a-hostdev");
	assert_non_null(strstr(pt_plan_refusal(&f->w->plan)->fix, "0000:13:00.0"));
	/* edited, as it was told */
	disk->nvme = world_bdf("0000:13:00.0");
	repaired(f, "reserve unreserve driver");
	assert_null(world_finding(f->w, "other-vm"));
}

static void an_argument_of_qemu_that_names_the_old_address_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *vm;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	vm = vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	vm->hostdevs.v[0].kind = PT_HOSTDEV_OTHER;
	vm->hostdevs.v[0].has_bdf = true;
	refused(f, "not-a-hostdev");
}

static void another_vm_whose_definition_names_the_new_address_is_told(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *other;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	other = world_add_vm(f->w, "other", PT_DOMAIN_SHUTOFF);
	pt_strset(&other->uuid, "22222222-2222-3333-4444-555555555555");
	(void)world_add_hostdev(other, "0000:13:00.0", false);
	repaired(f, "reserve unreserve driver vm-define");
	assert_int_equal(world_finding(f->w, "other-vm")->verdict, PT_WARN);
	assert_non_null(strstr(world_finding(f->w, "other-vm")->fact, "VM other names 0000:13:00.0 too"));
	f->w->others.v[1].state = PT_DOMAIN_RUNNING;
	refused(f, "other-vm");
}

/* each VM's definition is rewritten: nobody is left with the other's */
static void two_vms_whose_devices_changed_places_are_no_others(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *other;
	struct pt_keep *k;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	k = reserve(f, "0000:12:00.0", "dsn:2", NULL);
	pt_strset(&k->vm_uuid, "22222222-2222-3333-4444-555555555555");
	put(f, "0000:11:00.0", "dsn:2", NULL);
	put(f, "0000:12:00.0", "dsn:1", NULL);
	(void)vm_with(f, "0000:11:00.0", PT_DOMAIN_SHUTOFF);
	other = world_add_vm(f->w, "other", PT_DOMAIN_SHUTOFF);
	pt_strset(&other->uuid, "22222222-2222-3333-4444-555555555555");
	(void)world_add_hostdev(other, "0000:12:00.0", false);
	repaired(f, "unreserve reserve unreserve reserve driver driver vm-define vm-define");
	assert_null(world_finding(f->w, "other-vm"));
}

static void only_the_vm_that_is_named_is_repaired(void **state)
{
	struct fixture *f = *state;
	struct pt_domain other = { .name = (char *)(uintptr_t) "other", .uuid = (char *)(uintptr_t) "22222222" };

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	assert_int_equal(decide(f, &other), 0);
	assert_int_equal(f->w->plan.steps.n, 0);
}

static void a_place_where_another_is_recorded_is_refused(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	reserve(f, "0000:13:00.0", "dsn:3", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	assert_int_equal(decide(f, NULL), -EPERM);
	assert_non_null(world_finding(f->w, "place-taken"));
}

/* @against: of the first */
static void doctor(struct fixture *f, const char *against, bool early_installed, struct pt_findings *ret)
{
	struct pt_strv words = { 0 };

	for (size_t i = 0; i < f->w->host.reserved.n; i++)
		pt_strv_add(&words, i ? "" : against);
	pt_whereabouts_list_done(&f->where);
	pt_whereabouts_find(&f->w->host.reserved, &f->present, &f->where);
	pt_doctor_reserved(&f->w->host.reserved, &f->where, &f->w->host.devices, &words, early_installed, ret);
	pt_strv_done(&words);
}

static void doctor_tells_who_else_has_a_say(void **state)
{
	struct fixture *f = *state;
	struct pt_findings found = { 0 };

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:1", NULL);
	doctor(f, "driverctl keeps it", true, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.v[0].verdict, PT_FAIL);
	assert_non_null(strstr(found.v[0].fact, "not bound at boot: driverctl keeps it"));
	pt_findings_done(&found);
}

static void doctor_says_what_binds_a_card_among_others_that_its_disks_alone_tell(void **state)
{
	struct fixture *f = *state;
	struct pt_findings found = { 0 };

	reserve(f, "0000:11:00.0", NULL, "disk:1");
	put(f, "0000:11:00.0", NULL, "disk:1");
	put(f, "0000:13:00.0", NULL, "disk:2");
	pt_strset(&world_device(f->w, "0000:11:00.0")->driver, "megaraid_sas");
	doctor(f, "", true, &found);
	assert_int_equal(found.n, 1);
	assert_non_null(
		strstr(found.v[0].fact, "megaraid_sas has it: 0000:11:00.0 is known only by what is behind it"));
	assert_non_null(strstr(found.v[0].fix, "`passthru repair`"));
	pt_findings_done(&found);
}

static void doctor_tells_what_has_moved(void **state)
{
	struct fixture *f = *state;
	struct pt_findings found = { 0 };

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:2", NULL);
	put(f, "0000:13:00.0", "dsn:1", NULL);
	doctor(f, "", true, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.v[0].verdict, PT_FAIL);
	assert_non_null(strstr(found.v[0].fact, "0000:11:00.0 is at 0000:13:00.0 now"));
	assert_non_null(strstr(found.v[0].fact, "another device is at its address"));
	assert_non_null(strstr(found.v[0].fix, "passthru repair"));
	pt_findings_done(&found);
}

static void doctor_warns_when_nobody_answers_udev(void **state)
{
	struct fixture *f = *state;
	struct pt_findings found = { 0 };

	reserve(f, "0000:11:00.0", "dsn:1", NULL);
	put(f, "0000:11:00.0", "dsn:1", NULL);
	pt_strset(&world_device(f->w, "0000:11:00.0")->driver, "megaraid_sas");
	doctor(f, "", false, &found);
	assert_int_equal(found.n, 2);
	assert_int_equal(found.v[0].verdict, PT_FAIL);
	assert_non_null(strstr(found.v[0].fact, "megaraid_sas has it"));
	assert_int_equal(found.v[1].verdict, PT_WARN);
	pt_findings_done(&found);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_with_a_serial_is_followed),
		TEST(two_that_changed_places_are_rewritten_together),
		TEST(a_row_that_moved_up_is_never_without_a_record),
		TEST(where_two_fit_nothing_is_rewritten),
		TEST(where_none_fits_nothing_is_rewritten),
		TEST(the_only_one_of_its_kind_is_followed_with_a_warning),
		TEST(a_vm_that_runs_is_not_rewritten),
		TEST(what_is_where_it_was_needs_nothing),
		TEST(what_is_only_remembered_is_not_bound),
		TEST(what_is_only_remembered_and_likely_is_written_anew_where_it_is),
		TEST(an_nvme_disk_that_names_the_old_address_is_refused),
		TEST(an_argument_of_qemu_that_names_the_old_address_is_refused),
		TEST(another_vm_whose_definition_names_the_new_address_is_told),
		TEST(two_vms_whose_devices_changed_places_are_no_others),
		TEST(only_the_vm_that_is_named_is_repaired),
		TEST(a_place_where_another_is_recorded_is_refused),
		TEST(doctor_tells_who_else_has_a_say),
		TEST(doctor_says_what_binds_a_card_among_others_that_its_disks_alone_tell),
		TEST(doctor_tells_what_has_moved),
		TEST(doctor_warns_when_nobody_answers_udev),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
