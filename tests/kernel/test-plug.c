/* SPDX-License-Identifier: Apache-2.0 */
/* A running VM gets a device and loses it: every write fails, or is the last; guests that do not answer, or too late.
 */
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

static void assert_stage(const struct stage *w, const char *expected, const char *when, unsigned n)
{
	char *now = stage_text(w);

	if (strcmp(now, expected) != 0)
		fail_msg("%s write %u:\n%s\ninstead of\n%s", when, n, now, expected);
	free(now);
}

static void assert_settled(const struct stage *w)
{
	struct pt_change_list list = { 0 };

	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	pt_change_list_done(&list);
}

static int make(struct stage *w, void (*plan_of)(struct stage *w, struct pt_plan *plan), struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	*err = (struct pt_error){ 0 };
	plan_of(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static int attach(struct stage *w, struct pt_error *err)
{
	return make(w, stage_attach, err);
}

static int detach(struct stage *w, struct pt_error *err)
{
	return make(w, stage_detach, err);
}

static int undo(struct stage *w, struct pt_error *err)
{
	return stage_make_undo(w, 0, err);
}

static unsigned recover(struct stage *w)
{
	struct pt_error err = { 0 };
	unsigned n = 0;

	if (pt_change_recover(&w->env, &n, &err) < 0)
		fail_msg("%s", err.msg);
	return n;
}

static void must(int r, const struct pt_error *err)
{
	if (r < 0)
		fail_msg("%s", err->msg);
}

/* until it succeeds: after how many writes */
static unsigned fail_each(struct stage *w, int (*change)(struct stage *w, struct pt_error *err))
{
	char *before = stage_text(w);
	unsigned n;

	for (n = 1;; n++) {
		struct pt_error err = { 0 };

		fakekernel_unload(w->kernel, "vfio-pci");
		*w->fault = (struct fault){ .fail_at = n };
		if (change(w, &err) == 0)
			break;
		if (err.kind != PT_ERROR_FAILED || !strstr(err.msg, "\neverything is as it was"))
			fail_msg("with write %u failing: %s", n, err.msg);
		assert_stage(w, before, "failed at", n);
		assert_settled(w);
		(void)recover(w);
		assert_stage(w, before, "recovered from", n);
	}
	free(before);
	*w->fault = (struct fault){ 0 };
	return n - 1;
}

static void each_write_that_fails_leaves_the_running_vm_as_it_was(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);

	stage_open(w);
	/* reservation, rule, override, module, unbind, probe, define, plug; or the VF's link and settings */
	assert_in_range(fail_each(w, attach), 7, 12);
	assert_non_null(strstr(w->cvm->live, w->network ? "<interface" : "<hostdev"));
	assert_in_range(fail_each(w, undo), 6, 12);
	assert_stage(w, before, "undone after", 0);
	assert_int_equal(w->cvm->stops, 0);
	assert_int_equal(w->cvm->starts, 0);
	free(before);
}

static void each_write_of_a_detach_that_fails_leaves_the_guest_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	assert_in_range(fail_each(w, detach), 6, 12);
	assert_null(strstr(w->cvm->live, w->network ? "<interface" : "<hostdev"));
	assert_string_equal(w->nic->driver, "igb");
	/* and back, in the guest's place where it was */
	assert_in_range(fail_each(w, undo), 6, 12);
	assert_stage(w, with, "undone after", 0);
	assert_int_equal(w->cvm->stops, 0);
	free(with);
}

static int child_recover(struct stage *w)
{
	unsigned n;

	stage_open(w);
	return pt_change_recover(&w->env, &n, NULL) == 0 ? 0 : 1;
}

static int child_undo(struct stage *w)
{
	struct pt_error err;

	stage_open(w);
	return undo(w, &err) == 0 ? 0 : 1;
}

struct saved {
	struct fakekernel kernel;
	struct fakevm vm;
};

/* killed before or after its @n-th write, and perhaps @m writes into the recovering: before or after, never between */
static bool kill_one(struct stage *w, int (*change)(struct stage *w), struct fault fault, unsigned m,
		     char *const goal[2])
{
	int ended;
	char *now;

	*w->fault = fault;
	ended = stage_in_child(w, change);
	if (m) {
		*w->fault = (struct fault){ .die_after = m };
		(void)stage_in_child(w, child_recover);
	}
	*w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(w, child_recover), 0);
	now = stage_text(w);
	if (strcmp(now, goal[0]) != 0 && strcmp(now, goal[1]) != 0)
		fail_msg("killed before %u, after %u, recover %u: between\n%s", fault.die_before, fault.die_after, m,
			 now);
	free(now);
	stage_open(w);
	assert_settled(w);
	stage_close(w);
	return ended == FAULT_EXIT;
}

/* @after: what it makes of the stage, freed here; NULL: it is made once to see */
static unsigned kill_each(struct stage *w, int (*change)(struct stage *w), char *after)
{
	struct saved *start = malloc(sizeof(*start));
	char *goal[2] = { stage_text(w), after };
	unsigned n;

	assert_non_null(start);
	start->kernel = *w->kernel;
	start->vm = *w->vm;
	*w->fault = (struct fault){ 0 };
	if (!after) {
		assert_int_equal(stage_in_child(w, change), 0);
		goal[1] = stage_text(w);
		*w->kernel = start->kernel;
		*w->vm = start->vm;
	}
	assert_string_not_equal(goal[0], goal[1]);
	for (n = 1;; n++) {
		bool more;

		*w->kernel = start->kernel;
		*w->vm = start->vm;
		more = kill_one(w, change, (struct fault){ .die_before = n }, 0, goal);
		for (unsigned m = 0; more && m < 6; m += 2) {
			*w->kernel = start->kernel;
			*w->vm = start->vm;
			(void)kill_one(w, change, (struct fault){ .die_after = n }, m, goal);
		}
		if (!more)
			break;
	}
	free(start);
	free(goal[0]);
	free(goal[1]);
	return n - 1;
}

static void an_attach_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	assert_in_range(kill_each(*state, stage_child_attach, NULL), 7, 12);
}

static void a_detach_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	assert_int_equal(stage_in_child(*state, stage_child_attach), 0);
	assert_in_range(kill_each(*state, stage_child_detach, NULL), 5, 12);
}

static void an_undo_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	char *before = stage_text(*state);

	assert_int_equal(stage_in_child(*state, stage_child_attach), 0);
	assert_in_range(kill_each(*state, child_undo, before), 5, 12);
}

static void a_guest_that_does_not_answer_keeps_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	assert_int_equal(err.kind, PT_ERROR_FAILED);
	stage_says(&err, "everything is as it was");
	stage_says(&err, "`passthru recover` gives it back");
	assert_stage(w, with, "unanswered", 0);
	assert_settled(w);
	assert_int_equal(recover(w), 0);
	assert_stage(w, with, "unanswered, recovered", 0);
	free(with);
}

/* and the device went back to the host's driver by then, or stayed with VFIO: that is what it is given back from */
static void what_a_guest_lets_go_of_too_late_is_given_back_by_recover(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	w->cvm->ignores_unplug = false;
	fakevm_let_go(w->vm, w->cvm, w->network ? (struct pt_bdf){ .bus = 2, .slot = 0x10 } : w->nic->bdf);
	assert_int_equal(recover(w), 1);
	assert_stage(w, with, "late, recovered", 0);
	assert_int_equal(recover(w), 0);
	must(detach(w, &err), &err);
	free(with);
}

static void what_cannot_be_given_back_is_said_and_asked_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	w->cvm->ignores_unplug = false;
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	*w->fault = (struct fault){ .fail_from = 1 };
	err = (struct pt_error){ 0 };
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EIO);
	stage_says(&err, "cannot be given back");
	stage_says(&err, "passthru detach");
	*w->fault = (struct fault){ 0 };
	assert_int_equal(recover(w), 1);
	assert_stage(w, with, "late, recovered at the second try", 0);
	free(with);
}

static void a_guest_that_lets_go_between_the_limit_and_the_unwinding_has_it_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	w->cvm->late_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	stage_says(&err, "everything is as it was");
	assert_stage(w, with, "late", 0);
	assert_int_equal(recover(w), 0);
	free(with);
}

/* the definition lost it in the meantime: nothing is given back behind somebody's back */
static void a_late_answer_after_the_definition_lost_the_device_is_left(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	w->cvm->ignores_unplug = false;
	must(detach(w, &err), &err);
	now = stage_text(w);
	assert_int_equal(recover(w), 0);
	assert_stage(w, now, "detached after all", 0);
	free(now);
}

static void a_guest_that_says_no_keeps_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	with = stage_text(w);
	w->cvm->refuses_unplug = true;
	assert_int_equal(detach(w, &err), -EBUSY);
	stage_says(&err, "refuses");
	stage_says(&err, "everything is as it was");
	assert_stage(w, with, "refused", 0);
	free(with);
}

/* an attach that fails after the guest had it, and a guest that does not let go: stuck until it does */
static void a_device_that_cannot_be_taken_back_stays_with_the_guest_and_is_not_unbound_under_it(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->unwell = true;
	w->cvm->ignores_unplug = true;
	assert_int_equal(attach(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "recover");
	assert_string_equal(w->nic->driver, w->network ? "igb" : "vfio-pci");
	assert_false(w->nic->hanging);
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	assert_int_equal(attach(w, &err), -EPERM);
	w->cvm->ignores_unplug = false;
	w->cvm->unwell = false;
	assert_int_equal(recover(w), 1);
	assert_stage(w, before, "recovered", 0);
	free(before);
}

static void a_device_that_libvirt_forgets_is_no_success(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->forgets_plug = true;
	assert_int_equal(attach(w, &err), -EIO);
	stage_says(&err, "does not run with it");
	assert_stage(w, before, "forgotten", 0);
	free(before);
}

static void a_vm_that_stopped_meanwhile_makes_the_plan_stale(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;

	stage_open(w);
	stage_attach(w, &plan);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -ESTALE);
	stage_says(&err, "does not run");
	assert_int_equal(w->cvm->defines, 0);
}

/* an undo of a VM that is off by now is about its definition alone */
static void an_undo_after_the_vm_was_shut_off_needs_no_guest(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	stage_open(w);
	must(attach(w, &err), &err);
	fakevm_off(w->vm, w->cvm);
	must(undo(w, &err), &err);
	assert_null(strstr(w->cvm->xml, "0x02"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_int_equal(w->cvm->starts, 0);
}

/* the VM was shut off while its guest was waited for: the device went with that */
static void a_vm_that_is_off_before_its_guest_answers_has_let_go(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(recover(w), 0);
	w->cvm->state = PT_DOMAIN_RUNNING;
	memcpy(w->cvm->live, w->cvm->xml, sizeof(w->cvm->live));
	fakevm_let_go(w->vm, w->cvm, w->network ? (struct pt_bdf){ .bus = 2, .slot = 0x10 } : w->nic->bdf);
	/* what this guest, another one, lost is not that change's doing */
	assert_int_equal(recover(w), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, stage_setup_live, stage_teardown)
#define LIVE_NETWORK(test)                                                                                             \
	{                                                                                                              \
#test " (network)", test, stage_setup_live_network, stage_teardown, NULL                               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(each_write_that_fails_leaves_the_running_vm_as_it_was),
		LIVE_NETWORK(each_write_that_fails_leaves_the_running_vm_as_it_was),
		LIVE(each_write_of_a_detach_that_fails_leaves_the_guest_its_device),
		LIVE_NETWORK(each_write_of_a_detach_that_fails_leaves_the_guest_its_device),
		LIVE(an_attach_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE_NETWORK(an_attach_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE(a_detach_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE_NETWORK(a_detach_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE(an_undo_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE_NETWORK(an_undo_killed_at_any_write_is_before_or_after_once_recovered),
		LIVE(a_guest_that_does_not_answer_keeps_its_device),
		LIVE_NETWORK(a_guest_that_does_not_answer_keeps_its_device),
		LIVE(what_a_guest_lets_go_of_too_late_is_given_back_by_recover),
		LIVE_NETWORK(what_a_guest_lets_go_of_too_late_is_given_back_by_recover),
		LIVE(a_guest_that_lets_go_between_the_limit_and_the_unwinding_has_it_back),
		LIVE_NETWORK(a_guest_that_lets_go_between_the_limit_and_the_unwinding_has_it_back),
		LIVE(what_cannot_be_given_back_is_said_and_asked_again),
		LIVE(a_late_answer_after_the_definition_lost_the_device_is_left),
		LIVE(a_guest_that_says_no_keeps_its_device),
		LIVE(a_device_that_cannot_be_taken_back_stays_with_the_guest_and_is_not_unbound_under_it),
		LIVE_NETWORK(a_device_that_cannot_be_taken_back_stays_with_the_guest_and_is_not_unbound_under_it),
		LIVE(a_device_that_libvirt_forgets_is_no_success),
		LIVE_NETWORK(a_device_that_libvirt_forgets_is_no_success),
		LIVE(a_vm_that_stopped_meanwhile_makes_the_plan_stale),
		LIVE(an_undo_after_the_vm_was_shut_off_needs_no_guest),
		LIVE(a_vm_that_is_off_before_its_guest_answers_has_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
