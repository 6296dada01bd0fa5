/* SPDX-License-Identifier: Apache-2.0 */
/* A running VM gets a device and loses it: every write fails, or is the last one before a kill. */
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
		live_is(w, before, "failed at", n);
		stage_settled(w);
		(void)live_recover(w);
		live_is(w, before, "recovered from", n);
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
	assert_in_range(fail_each(w, live_attach), 7, 12);
	assert_non_null(strstr(w->cvm->live, w->network ? "<interface" : "<hostdev"));
	assert_in_range(fail_each(w, live_undo), 6, 12);
	live_is(w, before, "undone after", 0);
	assert_int_equal(w->cvm->stops, 0);
	assert_int_equal(w->cvm->starts, 0);
	free(before);
}

static void each_write_of_a_detach_that_fails_leaves_the_guest_its_device(void **state)
{
	struct stage *w = *state;
	char *with;

	live_given(w);
	with = stage_text(w);
	assert_in_range(fail_each(w, live_detach), 6, 12);
	assert_null(strstr(w->cvm->live, w->network ? "<interface" : "<hostdev"));
	assert_string_equal(w->nic->driver, "igb");
	/* and back, in the guest's place where it was */
	assert_in_range(fail_each(w, live_undo), 6, 12);
	live_is(w, with, "undone after", 0);
	assert_int_equal(w->cvm->stops, 0);
	free(with);
}

static int child_undo(struct stage *w)
{
	struct pt_error err;

	stage_open(w);
	return live_undo(w, &err) == 0 ? 0 : 1;
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
		(void)stage_in_child(w, stage_child_recover);
	}
	*w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(w, stage_child_recover), 0);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
