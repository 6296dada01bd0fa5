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
		stage_settled(w);
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
	stage_settled(w);
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
	stage_settled(w);
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
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
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

/* QEMU ends of what it is given: the VM ran, so it runs again, when all else is back */
static void assert_started_again(struct stage *w, int (*change)(struct stage *w, struct pt_error *err),
				 const char *expected, const char *says)
{
	struct pt_error err = { 0 };
	unsigned starts = w->cvm->starts;

	assert_int_equal(change(w, &err), -EIO);
	assert_int_equal(err.kind, PT_ERROR_FAILED);
	stage_says(&err, says);
	stage_says(&err, "everything is as it was; the VM was started again");
	assert_stage(w, expected, "started again", 0);
	assert_int_equal(w->cvm->starts, starts + 1);
	stage_settled(w);
	assert_int_equal(recover(w), 0);
}

static void a_vm_that_ends_of_what_it_is_given_is_started_again(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->plug_kills = true;
	assert_started_again(w, attach, before, "did not survive getting");
	/* and one that ends some seconds after it has said yes */
	w->cvm->plug_kills_later = true;
	assert_started_again(w, attach, before, "did not survive getting");
	free(before);
}

static void a_vm_that_ends_of_what_it_loses_is_started_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	stage_open(w);
	must(attach(w, &err), &err);
	/* from here on what runs and the definition have it in the same place of the text */
	fakevm_off(w->vm, w->cvm);
	must(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), &err);
	with = stage_text(w);
	w->cvm->unplug_kills = true;
	assert_started_again(w, detach, with, "did not survive losing");
	free(with);
}

static void a_vm_that_cannot_be_started_again_leaves_the_change_stuck(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->plug_kills = true;
	w->cvm->wont_start = true;
	assert_int_equal(attach(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "not started again: cvm");
	w->cvm->wont_start = false;
	assert_int_equal(recover(w), 1);
	assert_stage(w, before, "recovered", 0);
	free(before);
}

static void a_vm_that_was_shut_down_meanwhile_is_left_off(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;

	stage_open(w);
	w->cvm->unwell = true;
	w->cvm->ignores_unplug = true;
	assert_int_equal(attach(w, &err), -EINTR);
	w->cvm->unwell = false;
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(pt_change_recover(&w->env, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	stage_settled(w);
}

/* killed while libvirt pins the guest's memory: longer than any grace, and the VM has the device only then */
static void a_slow_plug_whose_asker_was_killed_is_waited_for(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);

	w->cvm->slow_plug = 50;
	assert_int_equal(stage_in_child(w, stage_child_attach), FAULT_EXIT);
	assert_int_equal(w->cvm->slow_plug, 50);
	w->env.grace_ms = 1;
	stage_open(w);
	assert_int_equal(recover(w), 1);
	assert_int_equal(w->cvm->slow_plug, 0);
	assert_stage(w, before, "slow", 0);
	stage_settled(w);
	free(before);
}

/* who breaks that wait off has settled nothing, and the next recovery waits again */
static void a_slow_plug_is_waited_for_again_after_an_interruption(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);
	struct pt_error err = { 0 };
	unsigned n = 0;

	w->cvm->slow_plug = 50;
	assert_int_equal(stage_in_child(w, stage_child_attach), FAULT_EXIT);
	stage_open(w);
	w->interrupt = 1;
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	stage_says(&err, "libvirt may still be giving");
	w->interrupt = 0;
	assert_int_equal(recover(w), 1);
	assert_stage(w, before, "slow, interrupted", 0);
	free(before);
}

static void no_stranger_is_given_back_to_a_guest(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;
	char *now;

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	w->cvm->ignores_unplug = false;
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	w->nic->ids[1]++;
	now = stage_text(w);
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	stage_says(&err, "another device is at 0000:02:00.0 now");
	assert_stage(w, now, "with a stranger", 0);
	w->nic->ids[1]--;
	assert_int_equal(recover(w), 1);
	free(now);
}

static void an_undo_gives_no_stranger_to_the_running_vm(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	stage_open(w);
	must(attach(w, &err), &err);
	must(detach(w, &err), &err);
	w->nic->ids[1]++;
	now = stage_text(w);
	assert_int_equal(undo(w, &err), -EPERM);
	stage_says(&err, "another device is at 0000:02:00.0 now");
	assert_stage(w, now, "with a stranger", 0);
	free(now);
}

/* a plan from a look before the device was exchanged */
static void a_stranger_at_the_address_makes_the_plug_stale(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;

	stage_open(w);
	stage_attach(w, &plan);
	while (plan.steps.n > 1) {
		pt_step_done(&plan.steps.v[0]);
		memmove(plan.steps.v, plan.steps.v + 1, --plan.steps.n * sizeof(*plan.steps.v));
	}
	assert_int_equal(plan.steps.v[0].kind, PT_STEP_VM_PLUG);
	w->nic->ids[1]++;
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -ESTALE);
	stage_says(&err, "another device is at");
	assert_null(strstr(w->cvm->live, "<hostdev"));
}

/* the VM was off and on again since: another QEMU, which was asked for nothing */
static void a_request_ends_with_the_qemu_that_it_was_made_to(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), 0);
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	now = stage_text(w);
	assert_int_equal(recover(w), 0);
	assert_stage(w, now, "another QEMU", 0);
	free(now);
}

/* killed when the device was given back and that not noted yet: what is taken after that stays taken */
static void what_was_given_back_is_not_given_back_twice(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	w->cvm->ignores_unplug = false;
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	stage_close(w);
	*w->fault = (struct fault){ .die_after = 1 };
	assert_int_equal(stage_in_child(w, child_recover), FAULT_EXIT);
	*w->fault = (struct fault){ 0 };
	stage_open(w);
	assert_non_null(strstr(w->cvm->live, "<hostdev"));
	assert_int_equal(recover(w), 0);
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	now = stage_text(w);
	assert_int_equal(recover(w), 0);
	assert_stage(w, now, "taken since", 0);
	free(now);
}

static size_t unanswered(struct stage *w)
{
	struct pt_change_ids ids = { 0 };

	assert_int_equal(pt_change_unanswered(&w->env, &ids, NULL), 0);
	free(ids.v.v);
	return ids.v.n;
}

static void a_guest_that_was_never_asked_may_not_still_let_go(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	stage_open(w);
	must(attach(w, &err), &err);
	w->cvm->not_asked = true;
	assert_int_equal(detach(w, &err), -EIO);
	stage_says(&err, "everything is as it was");
	assert_int_equal(unanswered(w), 0);
	w->cvm->not_asked = false;
	w->cvm->refuses_unplug = true;
	assert_int_equal(detach(w, &err), -EBUSY);
	assert_int_equal(unanswered(w), 0);
	w->cvm->refuses_unplug = false;
	w->cvm->ignores_unplug = true;
	assert_int_equal(detach(w, &err), -ETIMEDOUT);
	assert_int_equal(unanswered(w), 1);
}

static void a_paused_vm_is_called_so(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;

	stage_open(w);
	stage_attach(w, &plan);
	w->cvm->state = PT_DOMAIN_PAUSED;
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -ESTALE);
	stage_says(&err, "is paused");
	stage_says(&err, "virsh resume cvm");
	w->cvm->state = PT_DOMAIN_RUNNING;
	must(attach(w, &err), &err);
	w->cvm->state = PT_DOMAIN_PAUSED;
	assert_int_equal(undo(w, &err), -EPERM);
	stage_says(&err, "is paused");
	stage_says(&err, "virsh resume cvm");
}

static void put_in(char *xml, const char *element)
{
	char *at = strstr(xml, "</devices>");
	char *rest = pt_strdup(at);

	(void)snprintf(at, FAKEVM_XML - (size_t)(at - xml), "%s%s", element, rest);
	free(rest);
}

#define ROOT	"<controller type='pci' index='0' model='pcie-root'/>"
#define PORT(n) "<controller type='pci' index='" n "' model='pcie-root-port'/>"
#define GIVEN                                                                                                          \
	"<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x02' slot='0x00' "   \
	"function='0x0'/></source>\n<address type='pci' domain='0x0000' bus='0x07' slot='0x00' "                       \
	"function='0x0'/></hostdev>"

static char *element_for(struct stage *w)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_VM_PLUG);

	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	s->bdf = w->nic->bdf;
	must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
	return pt_strdup(plan.steps.v[0].element);
}

/* the definition got a root port, and a device behind it, after the VM was started */
static void a_place_that_what_runs_does_not_have_is_left_to_libvirt(void **state)
{
	struct stage *w = *state;
	pt_autofree char *elsewhere = NULL;
	pt_autofree char *there = NULL;

	put_in(w->cvm->xml, ROOT PORT("1") PORT("7") GIVEN);
	put_in(w->cvm->live, ROOT PORT("1"));
	elsewhere = element_for(w);
	assert_null(strstr(elsewhere, "bus='0x07'"));
	assert_non_null(strstr(elsewhere, "<source><address domain='0x0000' bus='0x02'"));
	assert_non_null(strstr(elsewhere, "</hostdev>"));
	put_in(w->cvm->live, PORT("7"));
	there = element_for(w);
	assert_string_equal(there, GIVEN);
}

/* what was done to a VM that ran, or is for its next start alone, is taken back without stopping it */
static void an_undo_stops_no_vm_that_the_change_let_run(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	struct pt_step *s;
	long long id = 0;

	stage_open(w);
	put_in(w->cvm->xml, ROOT PORT("1") GIVEN);
	plan.verb = pt_strdup("detach");
	plan.summary = pt_strdup("detach what only the definition has");
	s = pt_plan_step(&plan, PT_STEP_VM_DEFINE);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	s->flag = true;
	pt_array_push(&s->edit.remove_hostdevs, w->nic->bdf);
	must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
	must(pt_change_apply(&w->env, &plan, &id, &err), &err);
	assert_null(strstr(w->cvm->xml, "<hostdev"));
	must(undo(w, &err), &err);
	assert_non_null(strstr(w->cvm->xml, "<hostdev"));
	assert_int_equal(w->cvm->stops, 0);
	assert_int_equal(w->cvm->starts, 0);
	/* and made again */
	must(stage_make_undo(w, 2, &err), &err);
	assert_int_equal(w->cvm->stops, 0);
}

/* its group is open already: by the VM that gets a second function of it */
static void a_second_function_of_a_group_that_the_vm_has_is_no_refusal(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	stage_open(w);
	w->hba->group = w->nic->group;
	(void)snprintf(w->hba->driver, sizeof(w->hba->driver), "vfio-pci");
	(void)snprintf(w->hba->held_by, sizeof(w->hba->held_by), "cvm");
	must(attach(w, &err), &err);
}

static int unreachable(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	return pt_say(err, -ENOTCONN, "libvirt was not reached, and a VM is asked for");
}

static int unreachable_state(void *ctx, const char *uuid, enum pt_domain_state *ret_state, struct pt_error *err)
{
	return pt_say(err, -ENOTCONN, "libvirt was not reached, and a VM is asked for");
}

/* a change that was the plug alone */
static void an_undo_without_libvirt_is_no_success(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_plan) back = { 0 };
	struct pt_error err = { 0 };
	struct pt_vm_ops ops = w->vm_ops;
	long long id = 0;

	stage_open(w);
	must(attach(w, &err), &err);
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	pt_strset(&pt_plan_step(&plan, PT_STEP_VM_PLUG)->vm, "cvm");
	plan.verb = pt_strdup("attach");
	plan.summary = pt_strdup("plug");
	plan.steps.v[0].vm_uuid = pt_strdup(STAGE_CVM);
	plan.steps.v[0].bdf = w->nic->bdf;
	plan.steps.v[0].vendor = w->nic->ids[0];
	plan.steps.v[0].device = w->nic->ids[1];
	plan.steps.v[0].subvendor = w->nic->ids[2];
	plan.steps.v[0].subdevice = w->nic->ids[3];
	must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
	must(pt_change_apply(&w->env, &plan, &id, &err), &err);
	ops.live_xml = unreachable;
	ops.state = unreachable_state;
	w->env.vm = &ops;
	assert_int_equal(pt_change_undo_plan(&w->env, id, &back, &err), -ENOTCONN);
	w->env.vm = &w->vm_ops;
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
		LIVE(a_vm_that_ends_of_what_it_is_given_is_started_again),
		LIVE(a_vm_that_ends_of_what_it_loses_is_started_again),
		LIVE_NETWORK(a_vm_that_ends_of_what_it_loses_is_started_again),
		LIVE(a_vm_that_cannot_be_started_again_leaves_the_change_stuck),
		LIVE(a_vm_that_was_shut_down_meanwhile_is_left_off),
		LIVE(a_slow_plug_whose_asker_was_killed_is_waited_for),
		LIVE_NETWORK(a_slow_plug_whose_asker_was_killed_is_waited_for),
		LIVE(a_slow_plug_is_waited_for_again_after_an_interruption),
		LIVE(no_stranger_is_given_back_to_a_guest),
		LIVE(an_undo_gives_no_stranger_to_the_running_vm),
		LIVE(a_stranger_at_the_address_makes_the_plug_stale),
		LIVE(a_request_ends_with_the_qemu_that_it_was_made_to),
		LIVE(what_was_given_back_is_not_given_back_twice),
		LIVE(a_guest_that_was_never_asked_may_not_still_let_go),
		LIVE(a_paused_vm_is_called_so),
		LIVE(an_undo_without_libvirt_is_no_success),
		LIVE(a_place_that_what_runs_does_not_have_is_left_to_libvirt),
		LIVE(an_undo_stops_no_vm_that_the_change_let_run),
		LIVE(a_second_function_of_a_group_that_the_vm_has_is_no_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
