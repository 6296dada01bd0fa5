/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that is made for a look, as `repair --probe` does: whatever comes in between (a signal, a fault, a kill, a
 * power cut, somebody who uses what was found) the card is back afterwards, or recover brings it back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "stage.h"

/* what the look does, and what it saw */
struct looking {
	struct stage *w;
	int answer;
	bool signalled;
	bool dies;
	unsigned looks;
	char driver[32];
};

static int look_behind(void *ctx, struct pt_error *err)
{
	struct looking *l = ctx;

	l->looks++;
	(void)snprintf(l->driver, sizeof(l->driver), "%s", l->w->hba->driver);
	if (l->dies)
		_exit(FAULT_EXIT);
	if (l->signalled)
		l->w->interrupt = 1;
	return l->answer ? pt_say(err, l->answer, "the look has failed") : 0;
}

static char *somebody(void *ctx, struct pt_bdf bdf)
{
	(void)bdf;
	return ((struct stage *)ctx)->force ? pt_strdup("this host uses it: sdb > sdb1 (LVM PV) > vg0/root") : NULL;
}

static int try(struct stage *w, struct looking *l, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("probe"), .summary = pt_strdup("look behind 0000:01:00.0") };
	struct pt_change_try it = { look_behind, l };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_DRIVER);

	l->w = w;
	s->bdf = w->hba->bdf;
	s->vendor = w->hba->ids[0];
	s->device = w->hba->ids[1];
	s->subvendor = w->hba->ids[2];
	s->subdevice = w->hba->ids[3];
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
	*err = (struct pt_error){ 0 };
	return pt_change_try(&w->env, &plan, &it, err);
}

/* reserved and bound, as a card is that may be looked behind */
static int setup(void **state)
{
	struct stage *w = stage_new();

	*state = w;
	assert_int_equal(stage_in_child(w, stage_child_reserve), 0);
	*w->fault = (struct fault){ 0 };
	return 0;
}

static void assert_as(const struct stage *w, const char *before, const char *when, unsigned n)
{
	char *now = stage_text(w);

	if (strcmp(now, before) != 0)
		fail_msg("%s %u:\n%s\ninstead of\n%s", when, n, now, before);
	free(now);
}

static void the_hosts_driver_has_the_card_only_for_the_look(void **state)
{
	struct stage *w = *state;
	struct looking l = { 0 };
	struct pt_error err;
	char *before = stage_text(w);

	stage_open(w);
	if (try(w, &l, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(l.looks, 1);
	assert_string_equal(l.driver, "megaraid_sas");
	assert_as(w, before, "after the look", 1);
	stage_settled(w);
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_UNDONE);
	/* nothing of it stands: it is neither undone nor in the way of an undo */
	assert_int_equal(stage_make_undo(w, 2, &err), -EINVAL);
	stage_says(&err, "took itself back");
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_int_equal(fakekernel_kept(w->kernel), 0);
	free(before);
}

static void a_signal_during_the_look_brings_the_card_back(void **state)
{
	struct stage *w = *state;
	struct looking l = { .signalled = true, .answer = -ECANCELED };
	struct pt_error err;
	char *before = stage_text(w);

	stage_open(w);
	assert_int_equal(try(w, &l, &err), -ECANCELED);
	stage_says(&err, "everything is as it was");
	assert_as(w, before, "after a signal", 1);
	stage_settled(w);
	/* one that comes as the look ends */
	w->interrupt = 0;
	l = (struct looking){ .signalled = true };
	assert_int_equal(try(w, &l, &err), 0);
	assert_as(w, before, "after a late signal", 1);
	stage_settled(w);
	free(before);
}

static void a_look_whose_nth_write_fails_leaves_everything_as_it_was(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);
	unsigned n;
	bool made = false;

	stage_open(w);
	for (n = 1; n < 20 && !made; n++) {
		struct looking l = { 0 };
		unsigned settled = 0;
		struct pt_error err;
		int r;

		*w->fault = (struct fault){ .fail_at = n };
		r = try(w, &l, &err);
		made = w->fault->count < n;
		*w->fault = (struct fault){ 0 };
		if (r < 0 && l.looks)
			stage_says(&err, "not taken back");
		else if (r < 0)
			stage_says(&err, "everything is as it was");
		if (pt_change_recover(&w->env, &settled, &err) < 0)
			fail_msg("write %u: %s", n, err.msg);
		assert_int_equal(settled, r < 0 && l.looks);
		assert_as(w, before, "with a write failing", n);
		stage_settled(w);
	}
	assert_in_range(n, 6, 12);
	free(before);
}

static void what_the_host_uses_is_not_taken_from_it(void **state)
{
	struct stage *w = *state;
	struct looking l = { 0 };
	unsigned settled = 0;
	struct pt_error err;
	char *before = stage_text(w);

	stage_open(w);
	w->env.held = somebody;
	w->force = 1;
	assert_int_equal(try(w, &l, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "0000:01:00.0 stays with megaraid_sas: this host uses it: sdb > sdb1 (LVM PV) > vg0/root");
	stage_says(&err, "passthru recover");
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_STUCK);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	w->force = 0;
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_as(w, before, "when it is free", 1);
	stage_settled(w);
	free(before);
}

static int child_try(struct stage *w)
{
	struct looking l = { 0 };
	struct pt_error err;

	stage_open(w);
	return try(w, &l, &err) == 0 ? 0 : 1;
}

static int child_die_looking(struct stage *w)
{
	struct looking l = { .dies = true };
	struct pt_error err;

	stage_open(w);
	(void)try(w, &l, &err);
	return 1;
}

static void recover_all(struct stage *w, bool host_only)
{
	unsigned settled;
	struct pt_error err = { 0 };

	*w->fault = (struct fault){ 0 };
	stage_open(w);
	w->env.host_only = host_only;
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	stage_settled(w);
	stage_close(w);
}

static void a_look_that_is_killed_is_taken_back_by_recover(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);
	unsigned n;

	assert_int_equal(stage_in_child(w, child_die_looking), FAULT_EXIT);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	recover_all(w, false);
	assert_as(w, before, "killed while it looked", 1);
	for (n = 1;; n++) {
		*w->fault = (struct fault){ .die_after = n };
		if (stage_in_child(w, child_try) == 0)
			break;
		recover_all(w, false);
		assert_as(w, before, "killed after write", n);
	}
	assert_in_range(n, 6, 12);
	free(before);
}

static void a_power_cut_during_a_look_leaves_what_the_boot_makes_of_it(void **state)
{
	struct stage *w = *state;
	char *before;
	unsigned writes;
	unsigned n;

	stage_reboot(w);
	before = stage_text(w);
	for (n = 1;; n++) {
		*w->fault = (struct fault){ .die_after = n };
		if (stage_in_child(w, child_try) == 0)
			break;
		stage_reboot(w);
		writes = w->kernel->writes;
		recover_all(w, true);
		assert_as(w, before, "the power went after write", n);
		assert_int_equal(w->kernel->writes, writes);
	}
	assert_in_range(n, 6, 12);
	/* and where the boot could not be sure of the card, it is not bound by its address alone */
	stage_reboot(w);
	assert_int_equal(stage_in_child(w, child_die_looking), FAULT_EXIT);
	stage_reboot(w);
	(void)strcpy(w->hba->driver, "megaraid_sas");
	w->hba->override[0] = '\0';
	recover_all(w, true);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	free(before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(the_hosts_driver_has_the_card_only_for_the_look),
		T(a_signal_during_the_look_brings_the_card_back),
		T(a_look_whose_nth_write_fails_leaves_everything_as_it_was),
		T(what_the_host_uses_is_not_taken_from_it),
		T(a_look_that_is_killed_is_taken_back_by_recover),
		T(a_power_cut_during_a_look_leaves_what_the_boot_makes_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
