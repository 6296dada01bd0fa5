/* SPDX-License-Identifier: Apache-2.0 */
/* Undo: back to before, unless the world moved on; then what is and what was expected is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stage.h"

static int setup(void **state)
{
	struct stage *s = stage_new();

	stage_open(s);
	*state = s;
	return 0;
}

static void power_off(struct stage *s)
{
	fakevm_off(s->vm, s->cvm);
}

static void edit(struct stage *s)
{
	char *cpus = strstr(s->cvm->xml, ">2</vcpu>");

	cpus[1] = '4';
}

static void replace_card(struct stage *s)
{
	s->hba->ids[1] = 0x5d;
}

static void undo_brings_everything_back(void **state)
{
	struct stage *s = *state;
	char *before = stage_text(s);
	struct pt_error err;
	long long id = stage_attached(s);
	char *after;

	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	after = stage_text(s);
	assert_string_equal(before, after);
	assert_int_equal(stage_state_of(s, id), PT_CHANGE_UNDONE);
	assert_int_equal(stage_make_undo(s, 0, &err), -ENOENT);
	stage_says(&err, "there is nothing to undo");
	assert_int_equal(stage_make_undo(s, id, &err), -EINVAL);
	stage_says(&err, "undone already, by change 2");
	free(before);
	free(after);
}

static void an_undo_can_be_undone(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	long long id = stage_attached(s);
	char *before = stage_text(s);
	char *after;

	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	if (stage_make_undo(s, 2, &err) < 0)
		fail_msg("%s", err.msg);
	after = stage_text(s);
	assert_string_equal(before, after);
	assert_int_equal(stage_state_of(s, id), PT_CHANGE_DONE);
	assert_int_equal(stage_state_of(s, 2), PT_CHANGE_UNDONE);
	free(before);
	free(after);
}

static void undo_refuses_where_the_definition_was_edited(void **state)
{
	struct stage *s = *state;
	struct pt_error err;

	(void)stage_attached(s);
	edit(s);
	assert_int_equal(stage_make_undo(s, 0, &err), -EPERM);
	assert_int_equal(err.kind, PT_ERROR_REFUSED);
	stage_says(&err, "the definition of cvm was edited since");
	stage_says(&err, "<vcpu placement");
	assert_null(strstr(err.msg, "sesame"));
}

static void undo_refuses_where_the_device_was_bound_by_another_hand(void **state)
{
	struct stage *s = *state;
	struct pt_error err;

	(void)stage_attached(s);
	(void)strcpy(s->hba->driver, "igb");
	assert_int_equal(stage_make_undo(s, 0, &err), -EPERM);
	stage_says(&err, "0000:01:00.0 was left with driver vfio-pci and driver_override vfio-pci, and has igb and "
			 "vfio-pci now");
	(void)strcpy(s->hba->driver, "vfio-pci");
	replace_card(s);
	assert_int_equal(stage_make_undo(s, 0, &err), -EPERM);
	stage_says(&err, "another device is at 0000:01:00.0 now");
}

static void undo_refuses_while_a_later_change_of_the_same_vm_stands(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	long long id = stage_attached(s);
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("set"), .summary = pt_strdup("turn autostart of cvm off") };
	struct pt_step *step = pt_plan_step(&plan, PT_STEP_VM_AUTOSTART);
	long long later = 0;

	step->vm = pt_strdup("cvm");
	step->vm_uuid = pt_strdup(STAGE_CVM);
	assert_int_equal(pt_change_apply(&s->env, &plan, &later, &err), 0);
	assert_int_equal(stage_make_undo(s, id, &err), -EPERM);
	stage_says(&err, "change 2 (turn autostart of cvm off) came later and is about the VM cvm too");
	/* newest first, both can go */
	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	assert_string_equal(s->hba->driver, "megaraid_sas");
}

static void undo_of_a_vm_that_was_shut_off_since_starts_it_as_before(void **state)
{
	struct stage *s = *state;
	struct pt_error err;

	(void)stage_attached(s);
	power_off(s);
	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	assert_int_equal(s->cvm->state, PT_DOMAIN_RUNNING);
	assert_int_equal(s->cvm->stops, 1);
}

static void undo_stops_a_vm_that_was_started_since_and_starts_it_again(void **state)
{
	struct stage *s = *state;
	struct pt_error err = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	long long id;

	/* the same change on a VM that is shut off: no stop, no start */
	power_off(s);
	stage_attach(s, &plan);
	pt_step_done(&plan.steps.v[0]);
	memmove(&plan.steps.v[0], &plan.steps.v[1], 4 * sizeof(*plan.steps.v));
	pt_step_done(&plan.steps.v[5]);
	plan.steps.n = 4;
	if (pt_change_apply(&s->env, &plan, &id, &err) < 0)
		fail_msg("%s", err.msg);
	s->cvm->state = PT_DOMAIN_RUNNING;
	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	assert_int_equal(s->cvm->stops, 1);
	assert_int_equal(s->cvm->starts, 1);
	assert_string_equal(s->hba->driver, "megaraid_sas");
}

static void what_is_as_before_already_is_passed_over(void **state)
{
	struct stage *s = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	char *before = stage_text(s);
	char *original = pt_strdup(s->cvm->xml);
	struct pt_error err = { 0 };
	long long id = 0;
	char *after;

	(void)stage_attached(s);
	/* as after a reboot whose rule came too late: the host's driver has the device, the override is ours */
	power_off(s);
	(void)strcpy(s->hba->driver, "megaraid_sas");
	(void)snprintf(s->cvm->xml, sizeof(s->cvm->xml), "%s", original);
	s->cvm->autostart = false;
	assert_int_equal(pt_change_undo_plan(&s->env, 0, &plan, &err), 0);
	assert_int_equal(plan.findings.n, 2);
	assert_int_equal(plan.steps.n, 3); /* driver_override, reservation, start */
	assert_int_equal(pt_change_apply(&s->env, &plan, &id, &err), 0);
	after = stage_text(s);
	assert_string_equal(before, after);
	assert_int_equal(stage_state_of(s, 1), PT_CHANGE_UNDONE);
	free(original);
	free(before);
	free(after);
}

/* several of its kind, each reserved, after a boot that could not tell them apart: nobody else has bound it */
static void what_a_boot_has_held_back_is_given_back_with_a_warning(void **state)
{
	struct stage *s = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long made = 0;

	(void)stage_attached(s);
	power_off(s);
	s->hba->driver[0] = '\0';
	(void)strcpy(s->hba->override, "passthru-undecided");
	if (pt_change_undo_plan(&s->env, 0, &plan, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(plan.findings.n, 1);
	assert_string_equal(plan.findings.v[0].name, "undecided");
	assert_int_equal(plan.findings.v[0].verdict, PT_WARN);
	if (pt_change_apply(&s->env, &plan, &made, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(s->hba->driver, "megaraid_sas");
	assert_string_equal(s->hba->override, "");
	assert_int_equal(fakekernel_kept(s->kernel), 0);
}

/* an override of another hand keeps drivers away just as well, and is his */
static void what_another_hand_has_held_back_is_left(void **state)
{
	struct stage *s = *state;
	struct pt_error err;

	(void)stage_attached(s);
	power_off(s);
	s->hba->driver[0] = '\0';
	(void)strcpy(s->hba->override, "none-of-yours");
	assert_int_equal(stage_make_undo(s, 0, &err), -EPERM);
	stage_says(&err, "somebody else has bound it since");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(undo_brings_everything_back),
		TEST(an_undo_can_be_undone),
		TEST(undo_refuses_where_the_definition_was_edited),
		TEST(undo_refuses_where_the_device_was_bound_by_another_hand),
		TEST(undo_refuses_while_a_later_change_of_the_same_vm_stands),
		TEST(undo_of_a_vm_that_was_shut_off_since_starts_it_as_before),
		TEST(undo_stops_a_vm_that_was_started_since_and_starts_it_again),
		TEST(what_is_as_before_already_is_passed_over),
		TEST(what_a_boot_has_held_back_is_given_back_with_a_warning),
		TEST(what_another_hand_has_held_back_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
