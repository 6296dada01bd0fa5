/* SPDX-License-Identifier: Apache-2.0 */
/* A running VM's guest is asked to let go of a device: it does not answer, or too late, or says no. */
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
#include "live.h"

static void a_guest_that_does_not_answer_keeps_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	live_given(w);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(live_detach(w, &err), -ETIMEDOUT);
	assert_int_equal(err.kind, PT_ERROR_FAILED);
	stage_says(&err, "everything is as it was");
	stage_says(&err, "`passthru recover` gives it back");
	live_is(w, with, "unanswered", 0);
	stage_settled(w);
	assert_int_equal(live_recover(w), 0);
	live_is(w, with, "unanswered, recovered", 0);
	free(with);
}

/* and the device went back to the host's driver by then, or stayed with VFIO: that is what it is given back from */
static void what_a_guest_lets_go_of_too_late_is_given_back_by_recover(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	live_given(w);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(live_detach(w, &err), -ETIMEDOUT);
	live_lets_go(w);
	assert_int_equal(live_recover(w), 1);
	live_is(w, with, "late, recovered", 0);
	assert_int_equal(live_recover(w), 0);
	live_must(live_detach(w, &err), &err);
	free(with);
}

static void what_cannot_be_given_back_is_said_and_asked_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;
	char *with;

	live_given(w);
	with = stage_text(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(live_detach(w, &err), -ETIMEDOUT);
	live_lets_go(w);
	*w->fault = (struct fault){ .fail_from = 1 };
	err = (struct pt_error){ 0 };
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "cannot be given back");
	stage_says(&err, "passthru detach");
	*w->fault = (struct fault){ 0 };
	assert_int_equal(live_recover(w), 1);
	live_is(w, with, "late, recovered at the second try", 0);
	free(with);
}

static void a_guest_that_lets_go_between_the_limit_and_the_unwinding_has_it_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	live_given(w);
	with = stage_text(w);
	w->cvm->late_unplug = true;
	assert_int_equal(live_detach(w, &err), -ETIMEDOUT);
	stage_says(&err, "everything is as it was");
	live_is(w, with, "late", 0);
	assert_int_equal(live_recover(w), 0);
	free(with);
}

/* the definition lost it in the meantime: nothing is given back behind somebody's back */
static void a_late_answer_after_the_definition_lost_the_device_is_left(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	live_unanswered(w, &err);
	w->cvm->ignores_unplug = false;
	live_must(live_detach(w, &err), &err);
	now = stage_text(w);
	assert_int_equal(live_recover(w), 0);
	live_is(w, now, "detached after all", 0);
	free(now);
}

static void a_guest_that_says_no_keeps_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	live_given(w);
	with = stage_text(w);
	w->cvm->refuses_unplug = true;
	assert_int_equal(live_detach(w, &err), -EBUSY);
	stage_says(&err, "refuses");
	stage_says(&err, "everything is as it was");
	live_is(w, with, "refused", 0);
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
	assert_int_equal(live_attach(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "recover");
	assert_string_equal(w->nic->driver, w->network ? "igb" : "vfio-pci");
	assert_false(w->nic->hanging);
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	assert_int_equal(live_attach(w, &err), -EPERM);
	w->cvm->ignores_unplug = false;
	w->cvm->unwell = false;
	assert_int_equal(live_recover(w), 1);
	live_is(w, before, "recovered", 0);
	free(before);
}

/* the VM was shut off while its guest was waited for: the device went with that */
static void a_vm_that_is_off_before_its_guest_answers_has_let_go(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	live_unanswered(w, &err);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(live_recover(w), 0);
	w->cvm->state = PT_DOMAIN_RUNNING;
	memcpy(w->cvm->live, w->cvm->xml, sizeof(w->cvm->live));
	fakevm_let_go(w->vm, w->cvm, w->network ? (struct pt_bdf){ .bus = 2, .slot = 0x10 } : w->nic->bdf);
	/* what this guest, another one, lost is not that change's doing */
	assert_int_equal(live_recover(w), 0);
}

/* the VM was off and on again since: another QEMU, which was asked for nothing */
static void a_request_ends_with_the_qemu_that_it_was_made_to(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	live_unanswered(w, &err);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), 0);
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	now = stage_text(w);
	assert_int_equal(live_recover(w), 0);
	live_is(w, now, "another QEMU", 0);
	free(now);
}

/* killed when the device was given back and that not noted yet: what is taken after that stays taken */
static void what_was_given_back_is_not_given_back_twice(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	live_unanswered(w, &err);
	live_lets_go(w);
	stage_close(w);
	*w->fault = (struct fault){ .die_after = 1 };
	assert_int_equal(stage_in_child(w, stage_child_recover), FAULT_EXIT);
	*w->fault = (struct fault){ 0 };
	stage_open(w);
	assert_non_null(strstr(w->cvm->live, "<hostdev"));
	assert_int_equal(live_recover(w), 0);
	fakevm_let_go(w->vm, w->cvm, w->nic->bdf);
	now = stage_text(w);
	assert_int_equal(live_recover(w), 0);
	live_is(w, now, "taken since", 0);
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

	live_given(w);
	w->cvm->not_asked = true;
	assert_int_equal(live_detach(w, &err), -EIO);
	stage_says(&err, "everything is as it was");
	assert_int_equal(unanswered(w), 0);
	w->cvm->not_asked = false;
	w->cvm->refuses_unplug = true;
	assert_int_equal(live_detach(w, &err), -EBUSY);
	assert_int_equal(unanswered(w), 0);
	w->cvm->refuses_unplug = false;
	w->cvm->ignores_unplug = true;
	assert_int_equal(live_detach(w, &err), -ETIMEDOUT);
	assert_int_equal(unanswered(w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		LIVE(a_vm_that_is_off_before_its_guest_answers_has_let_go),
		LIVE(a_request_ends_with_the_qemu_that_it_was_made_to),
		LIVE(what_was_given_back_is_not_given_back_twice),
		LIVE(a_guest_that_was_never_asked_may_not_still_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
