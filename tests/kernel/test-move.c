/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running VM with a VF moves to another host: every write fails, or is the last; a libvirt that breaks off, lies, or
 * does not answer.  It is here with its device, or there, and never in between.
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

#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "stage.h"

#define THERE "qemu+tcp://b/system"

/* the detach of the VF, and then the move, with function 0000:41:10.2 of the other host */
static void plan_move(struct stage *w, struct pt_plan *plan)
{
	struct pt_migrate_to to = { .uri = pt_strdup(THERE) };
	struct pt_domain_edit edit = { 0 };
	struct pt_hostdev_add add = { .bdf = { .bus = 0x41, .slot = 0x10, .func = 2 },
				      .managed = true,
				      .is_interface = true,
				      .mac = { 6, 0, 0, 0, 0, 1 },
				      .vlan = 42 };
	struct pt_error err = { 0 };
	struct pt_step *s;

	stage_detach(w, plan);
	s = pt_plan_step(plan, PT_STEP_VM_MIGRATE);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	pt_array_push(&to.devices, add.bdf);
	s->state_after = pt_migrate_to_text(&to);
	pt_array_push(&edit.add_hostdevs, add);
	if (pt_domxml_edit(w->cvm->live, &edit, &s->xml_after, &err) < 0)
		fail_msg("%s", err.msg);
	pt_migrate_to_done(&to);
	pt_domain_edit_done(&edit);
}

static int move(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	*err = (struct pt_error){ 0 };
	plan_move(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static int child_move(struct stage *w)
{
	struct pt_error err;

	stage_open(w);
	return move(w, &err) == 0 ? 0 : 1;
}

static void attached(struct stage *w)
{
	stage_open(w);
	(void)stage_attached(w);
}

static unsigned recover(struct stage *w)
{
	struct pt_error err = { 0 };
	unsigned n = 0;

	if (pt_change_recover(&w->env, &n, &err) < 0)
		fail_msg("%s", err.msg);
	return n;
}

static void same_as(const struct stage *w, const char *before, unsigned n)
{
	char *now = stage_text(w);

	if (strcmp(now, before) != 0)
		fail_msg("write %u:\n%s\ninstead of\n%s", n, now, before);
	free(now);
}

/* there, with the VF of that host, and nothing of it is left here */
static void has_moved(const struct stage *w)
{
	assert_true(w->cvm->away);
	assert_false(w->cvm->remains);
	assert_non_null(strstr(w->cvm->arrived, "<interface type='hostdev' managed='yes'>"));
	assert_non_null(strstr(w->cvm->arrived, "slot='0x10' function='0x2'"));
	assert_non_null(strstr(w->cvm->arrived, "06:00:00:00:00:01"));
	stage_settled(w);
}

static void each_write_that_fails_leaves_the_vm_here_with_its_device(void **state)
{
	struct stage *w = *state;
	char *before;
	unsigned n;

	attached(w);
	before = stage_text(w);
	for (n = 1;; n++) {
		struct pt_error err = { 0 };

		*w->fault = (struct fault){ .fail_at = n };
		/* the last is the device there: it has moved by then, and that is a warning */
		if (move(w, &err) == 0)
			break;
		if (err.kind != PT_ERROR_FAILED || !strstr(err.msg, "\neverything is as it was"))
			fail_msg("with write %u failing: %s", n, err.msg);
		same_as(w, before, n);
		stage_settled(w);
	}
	assert_in_range(n, 6, 12);
	assert_true(w->cvm->away);
	assert_string_equal(w->cvm->arrived, "");
	stage_settled(w);
	free(before);
}

static void killed_at_any_write_it_is_here_as_before_or_there_once_recovered(void **state)
{
	struct stage *w = *state;
	struct fakevm_one cvm;
	char *before;
	unsigned n;

	attached(w);
	before = stage_text(w);
	cvm = *w->cvm;
	stage_close(w);
	for (n = 1;; n++) {
		*w->fault = (struct fault){ .die_after = n };
		if (stage_in_child(w, child_move) != FAULT_EXIT)
			break;
		*w->fault = (struct fault){ 0 };
		stage_open(w);
		(void)recover(w);
		if (w->cvm->away) {
			has_moved(w);
			stage_close(w);
			break;
		}
		same_as(w, before, n);
		stage_settled(w);
		assert_int_equal(w->cvm->starts, cvm.starts);
		stage_close(w);
	}
	assert_in_range(n, 6, 24);
	assert_true(w->cvm->away);
	free(before);
}

static void a_move_that_breaks_off_leaves_the_vm_here_with_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before;

	attached(w);
	before = stage_text(w);
	w->cvm->move_fails = true;
	assert_int_equal(move(w, &err), -EIO);
	stage_says(&err, "Lost connection");
	stage_says(&err, "everything is as it was");
	same_as(w, before, 0);
	stage_settled(w);
	free(before);
}

static void libvirt_is_not_believed_that_it_did_not_move(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	w->cvm->move_lies = true;
	assert_int_equal(move(w, &err), 0);
	has_moved(w);
}

static void keep_warning(void *ctx, const char *text)
{
	struct stage *w = ctx;

	(void)snprintf(w->waited_for, sizeof(w->waited_for), "%s", text);
}

static void a_vm_that_qemu_lost_is_started_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	/* the hook refuses everybody else while the change is open */
	stage_hook(w);
	w->env.warn = keep_warning;
	w->env.ctx = w;
	w->cvm->lost = true;
	assert_int_equal(move(w, &err), -EIO);
	stage_says(&err, "everything is as it was");
	assert_non_null(strstr(w->waited_for, "cvm had ended"));
	assert_non_null(strstr(w->waited_for, "has been started again: its guest boots anew"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	assert_non_null(strstr(w->cvm->live, "<interface"));
	stage_settled(w);
}

/* nothing is given to it here, and it is not started, before it is known that it does not run there */
static void where_it_is_cannot_be_told_and_nothing_is_started(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned starts;
	unsigned n = 0;

	attached(w);
	stage_hook(w);
	starts = w->cvm->starts;
	w->cvm->lost = true;
	w->cvm->silent = true;
	assert_int_equal(move(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "does not answer");
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_int_equal(w->cvm->starts, starts);
	err = (struct pt_error){ 0 };
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	stage_says(&err, "does not answer");
	assert_int_equal(w->cvm->starts, starts);
	/* and then it is known */
	w->cvm->silent = false;
	assert_int_equal(recover(w), 1);
	assert_int_equal(w->cvm->starts, starts + 1);
	assert_non_null(strstr(w->cvm->live, "<interface"));
	stage_settled(w);
}

static int give_up(struct stage *w, struct pt_given_up *given, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };

	*err = (struct pt_error){ 0 };
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	return pt_change_give_up(&w->env, list.v[0].id, NULL, given, err);
}

/* burnt down, say: somebody answers for it, and the VM can be started here again */
static void a_host_that_is_gone_for_good_can_be_given_up(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	unsigned starts;

	attached(w);
	stage_hook(w);
	starts = w->cvm->starts;
	w->cvm->lost = true;
	w->cvm->silent = true;
	assert_int_equal(move(w, &err), -EINTR);
	/* nobody starts it before that is said */
	assert_int_equal(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), -EPERM);
	if (give_up(w, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(given.lines.n, 1);
	assert_non_null(strstr(given.lines.v[0], "cvm is taken to be here alone: " THERE " does not answer"));
	/* QEMU had ended of itself: it is started, with its device */
	assert_int_equal(w->cvm->starts, starts + 1);
	assert_non_null(strstr(w->cvm->live, "<interface"));
	stage_settled(w);
}

/* before it is given up it is said what that comes to, and what is there is never given up */
static void what_giving_a_host_up_comes_to_is_said_before(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) lines = { 0 };
	PT_AUTO(pt_given_up) none = { 0 };
	struct pt_error err = { 0 };
	PT_AUTO(pt_change_list) list = { 0 };

	attached(w);
	w->cvm->lost = true;
	w->cvm->silent = true;
	assert_int_equal(move(w, &err), -EINTR);
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(pt_change_gone(&w->env, list.v[0].id, &lines, &err), 0);
	assert_int_equal(lines.lines.n, 1);
	assert_null(lines.forward);
	assert_non_null(strstr(lines.lines.v[0], "Only if that host is certain to be off"));
	w->cvm->silent = false;
	assert_int_equal(pt_change_gone(&w->env, list.v[0].id, &none, &err), -EPERM);
	assert_string_equal(err.refusal, "nothing-gone");
	assert_int_equal(recover(w), 1);
}

/* it has gone from here: what was planned here stays made, and is not taken back half */
static void a_host_that_took_the_vm_and_is_gone_can_be_given_up(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };

	attached(w);
	w->cvm->silent = true;
	assert_int_equal(move(w, &err), -EINTR);
	assert_true(w->cvm->away);
	if (give_up(w, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(given.forward, "cvm is taken to have moved");
	assert_non_null(strstr(given.lines.v[0], "cvm is not defined here any more, so it is taken to have moved"));
	assert_string_equal(w->cvm->arrived, "");
	stage_settled(w);
}

static void one_that_runs_on_both_from_the_start_gets_nothing_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	w->cvm->move_fails = true;
	w->cvm->both = true;
	assert_int_equal(move(w, &err), -EINTR);
	stage_says(&err, "the VM runs here AND at " THERE);
	assert_null(strstr(w->cvm->live, "<interface type='hostdev'"));
	/* somebody has ended the other one */
	w->cvm->both = false;
	assert_int_equal(recover(w), 1);
	assert_non_null(strstr(w->cvm->live, "<interface"));
	stage_settled(w);
}

/* it stays, and that the other host could not be asked is said */
static void a_host_that_dies_meanwhile_is_told(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	w->env.warn = keep_warning;
	w->env.ctx = w;
	w->cvm->move_fails = true;
	w->cvm->silent = true;
	assert_int_equal(move(w, &err), -EIO);
	assert_string_equal(w->waited_for, "cvm runs here; " THERE " does not answer");
	stage_settled(w);
}

/* its definition goes to the other host, on whose disk it may not be yet when that host burns down */
static void the_definition_of_what_moves_is_kept(void **state)
{
	struct stage *w = *state;
	pt_autofree char *path = pt_strf("%s/state/backup/1-other.xml", w->dir);
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_migrate_to to = { .uri = pt_strdup(THERE) };
	struct pt_error err = { 0 };
	struct pt_step *s;
	long long id = 0;

	stage_open(w);
	plan.verb = pt_strdup("migrate");
	plan.summary = pt_strdup("move other");
	s = pt_plan_step(&plan, PT_STEP_VM_MIGRATE);
	s->vm = pt_strdup("other");
	s->vm_uuid = pt_strdup(STAGE_OTHER);
	s->state_after = pt_migrate_to_text(&to);
	pt_migrate_to_done(&to);
	w->other->state = PT_DOMAIN_RUNNING;
	if (pt_change_apply(&w->env, &plan, &id, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(id, 1);
	assert_true(w->other->away);
	assert_int_equal(access(path, R_OK), 0);
}

static void what_was_moved_is_not_undone_from_here(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	assert_int_equal(move(w, &err), 0);
	has_moved(w);
	assert_int_equal(stage_make_undo(w, 0, &err), -EPERM);
	stage_says(&err, "cvm was moved to another host");
	stage_says(&err, THERE);
}

static void one_that_does_not_run_makes_the_plan_stale(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;

	attached(w);
	plan_move(w, &plan);
	fakevm_off(w->vm, w->cvm);
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -ESTALE);
	stage_says(&err, "does not run");
}

static void another_boot(struct stage *w)
{
	stage_close(w);
	stage_reboot(w);
	stage_open(w);
}

/* killed as soon as it has moved, which @w->cvm says how to do; then the power of this host is cut */
static void killed_when_it_had_moved(struct stage *w)
{
	for (unsigned n = 1; !w->cvm->away; n++) {
		stage_close(w);
		*w->fault = (struct fault){ .die_after = n };
		assert_int_equal(stage_in_child(w, child_move), FAULT_EXIT);
		*w->fault = (struct fault){ 0 };
		stage_open(w);
		if (!w->cvm->away)
			(void)recover(w);
	}
}

/* libvirt had not undefined it yet, or that was not on the disk: its autostart is this host's part of two guests */
static void a_vm_that_runs_elsewhere_is_not_started_by_the_next_boot(void **state)
{
	struct stage *w = *state;
	unsigned starts;

	attached(w);
	w->cvm->autostart = true;
	w->cvm->leaves = true;
	w->cvm->leaves_as = PT_DOMAIN_SHUTOFF;
	/* not even where libvirt says that it has gone, and it has not */
	w->cvm->leave_lies = true;
	killed_when_it_had_moved(w);
	another_boot(w);
	starts = w->cvm->starts;
	assert_int_equal(recover(w), 1);
	assert_int_equal(w->cvm->starts, starts);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	stage_settled(w);
}

static void what_the_move_left_here_is_ended(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	w->cvm->autostart = true;
	w->cvm->leaves = true;
	w->cvm->leaves_as = PT_DOMAIN_PAUSED;
	assert_int_equal(move(w, &err), 0);
	has_moved(w);
	assert_false(w->cvm->autostart);
}

static void what_a_cut_off_move_left_here_is_ended_by_recover(void **state)
{
	struct stage *w = *state;

	attached(w);
	w->cvm->autostart = true;
	w->cvm->leaves = true;
	w->cvm->leaves_as = PT_DOMAIN_PAUSED;
	killed_when_it_had_moved(w);
	assert_true(w->cvm->remains);
	assert_int_equal(recover(w), 1);
	has_moved(w);
	assert_false(w->cvm->autostart);
}

/* the change is not made before nothing is left here that could run: until then the hook lets nobody start it */
static void stays_stuck(struct stage *w, const char *says)
{
	struct pt_error err = { 0 };
	unsigned starts = w->cvm->starts;
	unsigned n = 0;

	assert_int_equal(move(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, says);
	assert_false(w->cvm->autostart);
	assert_string_equal(w->cvm->arrived, "");
	err = (struct pt_error){ 0 };
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	stage_says(&err, says);
	assert_int_equal(w->cvm->starts, starts);
}

static void what_cannot_be_ended_here_leaves_the_change_stuck(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	attached(w);
	stage_hook(w);
	w->cvm->autostart = true;
	w->cvm->leaves = true;
	w->cvm->leaves_as = PT_DOMAIN_SHUTOFF;
	w->cvm->wont_leave = true;
	stays_stuck(w, "is still defined here");
	assert_int_equal(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), -EPERM);
	stage_says(&err, "could not be taken back completely");
	w->cvm->wont_leave = false;
	assert_int_equal(recover(w), 1);
	has_moved(w);
}

static void one_that_runs_on_both_hosts_is_told_and_given_nothing(void **state)
{
	struct stage *w = *state;

	attached(w);
	w->cvm->leaves = true;
	w->cvm->leaves_as = PT_DOMAIN_RUNNING;
	stays_stuck(w, "runs HERE TOO");
	/* somebody has ended that one */
	w->cvm->leaves_as = PT_DOMAIN_SHUTOFF;
	assert_int_equal(recover(w), 1);
	has_moved(w);
}

/* the records and drivers of this host depend on where the VM is: before libvirt can be asked nothing is put back */
static void at_boot_nothing_is_touched_before_libvirt_answers(void **state)
{
	struct stage *w = *state;
	unsigned n = 0;
	char *left;

	attached(w);
	stage_close(w);
	/* died with libvirt at it */
	*w->fault = (struct fault){ .die_after = 6 };
	assert_int_equal(stage_in_child(w, child_move), FAULT_EXIT);
	*w->fault = (struct fault){ 0 };
	stage_open(w);
	left = stage_text(w);
	w->env.host_only = true;
	assert_int_equal(pt_change_recover(&w->env, &n, NULL), 0);
	if (w->cvm->away) {
		same_as(w, left, 6);
		w->env.host_only = false;
		assert_int_equal(recover(w), 1);
		has_moved(w);
	}
	free(left);
}

#define MOVE(test) cmocka_unit_test_setup_teardown(test, stage_setup_live_network, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVE(each_write_that_fails_leaves_the_vm_here_with_its_device),
		MOVE(killed_at_any_write_it_is_here_as_before_or_there_once_recovered),
		MOVE(a_move_that_breaks_off_leaves_the_vm_here_with_its_device),
		MOVE(libvirt_is_not_believed_that_it_did_not_move),
		MOVE(a_vm_that_qemu_lost_is_started_again),
		MOVE(where_it_is_cannot_be_told_and_nothing_is_started),
		MOVE(a_host_that_is_gone_for_good_can_be_given_up),
		MOVE(what_giving_a_host_up_comes_to_is_said_before),
		MOVE(a_host_that_took_the_vm_and_is_gone_can_be_given_up),
		MOVE(one_that_runs_on_both_from_the_start_gets_nothing_back),
		MOVE(a_host_that_dies_meanwhile_is_told),
		MOVE(the_definition_of_what_moves_is_kept),
		MOVE(what_was_moved_is_not_undone_from_here),
		MOVE(one_that_does_not_run_makes_the_plan_stale),
		MOVE(a_vm_that_runs_elsewhere_is_not_started_by_the_next_boot),
		MOVE(what_the_move_left_here_is_ended),
		MOVE(what_a_cut_off_move_left_here_is_ended_by_recover),
		MOVE(what_cannot_be_ended_here_leaves_the_change_stuck),
		MOVE(one_that_runs_on_both_hosts_is_told_and_given_nothing),
		MOVE(at_boot_nothing_is_touched_before_libvirt_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
