/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power goes before and after every write; the next boot chooses drivers anew, with our rules as they stood.  Then
 * recover's two parts: the host's without libvirt, the VMs' after it; each of them killed, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/sriov-set.h"
#include "live.h"
#include "stage.h"

struct saved {
	struct fakekernel kernel;
	struct fakevm vm;
};

struct story {
	struct stage *w;
	int (*change)(struct stage *w);
	struct saved *start;
	char *before;
	char *after;
	char *before_host;
	char *after_host;
	unsigned natives;
	unsigned fewest; /* files of records and rules, that a boot has found */
	bool given;
	bool goal;
	unsigned went_back;
	unsigned finished;
};

static void restore(const struct story *s)
{
	*s->w->kernel = s->start->kernel;
	*s->w->vm = s->start->vm;
}

/* whether a VM runs is asked apart: nobody plays libvirt's autostart here */
static char *text_of(const struct stage *w)
{
	enum pt_domain_state states[FAKEVM_VMS];
	char *text;

	for (unsigned i = 0; i < w->vm->n; i++) {
		states[i] = w->vm->vms[i].state;
		w->vm->vms[i].state = PT_DOMAIN_SHUTOFF;
	}
	text = stage_text(w);
	for (unsigned i = 0; i < w->vm->n; i++)
		w->vm->vms[i].state = states[i];
	return text;
}

/* how many of the devices the host has */
static unsigned natives(const struct stage *w)
{
	return (strcmp(w->hba->driver, w->hba->native) == 0) + (strcmp(w->nic->driver, w->nic->native) == 0);
}

/* what a boot makes of the beginning and of the end */
static void make_references(struct story *s)
{
	struct stage *w = s->w;

	s->start = pt_alloc(sizeof(*s->start));
	s->start->kernel = *w->kernel;
	s->start->vm = *w->vm;
	fakekernel_reboot(w->kernel);
	s->before = text_of(w);
	s->before_host = fakekernel_text(w->kernel);
	s->natives = natives(w);
	restore(s);
	*w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(w, s->change), 0);
	fakekernel_reboot(w->kernel);
	s->after = text_of(w);
	s->after_host = fakekernel_text(w->kernel);
	restore(s);
}

static void story_done(struct story *s)
{
	free(s->start);
	free(s->before);
	free(s->after);
	free(s->before_host);
	free(s->after_host);
}

/* no VM of the change is started in between (libvirt's hook sees to that), so the host must be right by itself */
static void assert_host(const struct story *s, const char *when, unsigned n)
{
	char *now = fakekernel_text(s->w->kernel);

	if (strcmp(now, s->before_host) != 0 && strcmp(now, s->after_host) != 0)
		fail_msg("the power went %s write %u: the host is between\n%s\nbefore\n%s", when, n, now,
			 s->before_host);
	free(now);
}

static void assert_whole(struct story *s, const char *when, unsigned n)
{
	struct stage *w = s->w;
	struct pt_change_list list = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *now;

	stage_open(w);
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("the power went %s write %u: %s", when, n, err.msg);
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	pt_change_list_done(&list);
	stage_close(w);
	now = text_of(w);
	s->goal = strcmp(now, s->after) == 0;
	if (!s->goal && strcmp(now, s->before) != 0)
		fail_msg("the power went %s write %u: between\n%s\nbefore was\n%s", when, n, now, s->before);
	*(s->goal ? &s->finished : &s->went_back) += 1;
	free(now);
}

/* returns false when the change had come to its end before */
static bool cut(struct story *s, struct fault fault, const char *when, unsigned n)
{
	int ended;

	restore(s);
	*s->w->fault = fault;
	ended = stage_in_child(s->w, s->change);
	stage_reboot(s->w);
	if (s->fewest > fakekernel_kept(s->w->kernel))
		s->fewest = fakekernel_kept(s->w->kernel);
	s->given = natives(s->w) > s->natives;
	assert_int_equal(stage_in_child(s->w, stage_child_recover_host), 0);
	assert_host(s, when, n);
	assert_whole(s, when, n);
	/* what the boot gave back to the host stays with it; all else is taken back */
	if (ended == FAULT_EXIT)
		assert_int_equal(s->goal, s->given);
	return ended == FAULT_EXIT;
}

/* the power goes again while recover is at it, in either part, and a third time lets it end */
static void cut_recover(struct story *s, unsigned n)
{
	for (unsigned m = 1;; m++) {
		int host;
		int vms = 0;

		restore(s);
		*s->w->fault = (struct fault){ .die_after = n };
		assert_int_equal(stage_in_child(s->w, s->change), FAULT_EXIT);
		stage_reboot(s->w);
		*s->w->fault = (struct fault){ .die_after = m };
		host = stage_in_child(s->w, stage_child_recover_host);
		if (host != FAULT_EXIT)
			vms = stage_in_child(s->w, stage_child_recover);
		stage_reboot(s->w);
		assert_int_equal(stage_in_child(s->w, stage_child_recover_host), 0);
		assert_host(s, "again, while recovering from", n);
		assert_whole(s, "again, while recovering from", n);
		assert_int_equal(s->goal, s->given);
		if (host != FAULT_EXIT && vms != FAULT_EXIT)
			return;
	}
}

static void cut_everywhere(struct story *s, unsigned writes, bool recover_too)
{
	unsigned n = 1;

	while (cut(s, (struct fault){ .die_before = n }, "before", n)) {
		assert_true(cut(s, (struct fault){ .die_after = n }, "after", n));
		if (recover_too)
			cut_recover(s, n);
		n++;
	}
	assert_in_range(n, writes, writes + 6);
	assert_true(s->went_back > 0);
}

static void an_attach_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };

	make_references(&s);
	cut_everywhere(&s, 7, true);
	/* it ran, was shut down by the change, and does not start by itself: off like all others after that boot */
	restore(&s);
	(void)cut(&s, (struct fault){ .die_after = 4 }, "after", 4);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_SHUTOFF);
	story_done(&s);
}

/* the controller goes to a VM that is off, and starts by itself */
static int attach_to_one_that_is_off(struct stage *w)
{
	struct pt_plan plan;
	long long id;

	stage_open(w);
	stage_attach(w, &plan);
	pt_step_done(&plan.steps.v[0]); /* its shutdown; then autostart and start */
	memmove(&plan.steps.v[0], &plan.steps.v[1], --plan.steps.n * sizeof(*plan.steps.v));
	plan.steps.n -= 2;
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

/* the write after which the definition is the new one: no other of its writes is libvirt's */
static unsigned when_defined(struct story *s)
{
	for (unsigned n = 1; n < 20; n++) {
		restore(s);
		*s->w->fault = (struct fault){ .die_after = n };
		(void)stage_in_child(s->w, s->change);
		stage_reboot(s->w);
		assert_int_equal(stage_in_child(s->w, stage_child_recover), 0);
		if (s->w->cvm->defines > s->start->vm.vms[0].defines)
			return n;
	}
	fail_msg("it is never defined");
	return 0;
}

/* libvirt comes up: its autostart asks once, and the hook refuses a VM of a change that is not settled */
static void play_autostart(struct stage *w)
{
	struct pt_change_list list = { 0 };
	bool held;

	stage_open(w);
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	held = list.n > 0;
	pt_change_list_done(&list);
	stage_close(w);
	for (unsigned i = 0; i < w->vm->n && !held; i++)
		if (w->vm->vms[i].autostart)
			assert_int_equal(w->vm_ops.start(w->vm_ops.ctx, w->vm->vms[i].uuid, NULL), 0);
}

static void a_vm_that_starts_by_itself_runs_again_when_the_change_is_settled(void **state)
{
	struct story s = { .w = *state, .change = stage_child_detach };

	*s.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(s.w, stage_child_attach), 0); /* switches autostart on */
	make_references(&s);
	/* shut down and defined; the reservation given up */
	(void)cut(&s, (struct fault){ .die_after = 2 }, "after", 2);
	assert_false(s.goal);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_RUNNING);
	(void)cut(&s, (struct fault){ .die_after = 4 }, "after", 4);
	assert_true(s.goal);
	/* settled before libvirt came up */
	play_autostart(s.w);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_RUNNING);
	story_done(&s);
}

static void cut_and_boot(struct story *s, unsigned n)
{
	restore(s);
	*s->w->fault = (struct fault){ .die_after = n };
	(void)stage_in_child(s->w, s->change);
	stage_reboot(s->w);
	assert_int_equal(stage_in_child(s->w, stage_child_recover_host), 0);
	play_autostart(s->w);
}

static void what_starts_by_itself_runs_after_the_boot_that_the_change_had_held_it_back_in(void **state)
{
	struct story s = { .w = *state, .change = attach_to_one_that_is_off };
	unsigned held = 0;

	fakevm_off(s.w->vm, s.w->cvm);
	s.w->cvm->autostart = true;
	make_references(&s);
	for (unsigned n = 1; n < 12; n++) {
		cut_and_boot(&s, n);
		held = s.w->cvm->state == PT_DOMAIN_SHUTOFF ? n : held;
		assert_whole(&s, "after", n);
		assert_int_equal(s.w->cvm->state, PT_DOMAIN_RUNNING);
		assert_int_equal(s.w->other->state, PT_DOMAIN_SHUTOFF);
	}
	/* before the definition is touched the host's part settles all of it, ahead of libvirt */
	assert_int_equal(held, when_defined(&s));
	/* one that does not start by itself stays off */
	s.start->vm.vms[0].autostart = false;
	cut_and_boot(&s, when_defined(&s));
	stage_open(s.w);
	assert_int_equal(pt_change_recover(&s.w->env, &held, NULL), 0);
	assert_int_equal(held, 1);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_SHUTOFF);
	story_done(&s);
}

static void a_vm_whose_change_is_stuck_is_not_started(void **state)
{
	struct story s = { .w = *state, .change = attach_to_one_that_is_off };
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *edit;

	fakevm_off(s.w->vm, s.w->cvm);
	s.w->cvm->autostart = true;
	make_references(&s);
	cut_and_boot(&s, when_defined(&s));
	edit = strstr(s.w->cvm->xml, "<memory unit='KiB'>");
	assert_non_null(edit);
	edit[strlen("<memory unit='KiB'>")] ^= 1; /* somebody's own edit, which is left */
	stage_open(s.w);
	assert_int_equal(pt_change_recover(&s.w->env, &settled, &err), -EINTR);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_SHUTOFF);
	story_done(&s);
}

static char warned[512];

static void remember_warning(void *ctx, const char *text)
{
	(void)ctx;
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

/* the change is settled all the same: what is wrong with the VM is not the change's */
static void one_that_does_not_start_is_told(void **state)
{
	struct story s = { .w = *state, .change = attach_to_one_that_is_off };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	fakevm_off(s.w->vm, s.w->cvm);
	s.w->cvm->autostart = true;
	make_references(&s);
	cut_and_boot(&s, when_defined(&s));
	stage_open(s.w);
	s.w->env.warn = remember_warning;
	/* the definition is taken back, and the start is the next write */
	*s.w->fault = (struct fault){ .fail_at = 2 };
	if (pt_change_recover(&s.w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_non_null(strstr(warned, "cvm starts by itself at boot"));
	assert_int_equal(settled, 1);
	assert_int_equal(stage_state_of(s.w, 2), PT_CHANGE_FAILED);
	story_done(&s);
}

static void a_detach_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_detach };

	*s.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(s.w, stage_child_attach), 0);
	make_references(&s);
	cut_everywhere(&s, 7, true);
	story_done(&s);
}

static void cut_everywhere_from(struct stage *w, int (*first)(struct stage *w), int (*change)(struct stage *w),
				unsigned writes)
{
	struct story s = { .w = w, .change = change };

	*w->fault = (struct fault){ 0 };
	if (first)
		assert_int_equal(stage_in_child(w, first), 0);
	make_references(&s);
	assert_string_not_equal(s.before, s.after);
	cut_everywhere(&s, writes, true);
	story_done(&s);
}

static void a_reservation_is_before_or_after_whenever_the_power_goes(void **state)
{
	cut_everywhere_from(*state, NULL, stage_child_reserve, 5);
}

static void a_release_is_before_or_after_whenever_the_power_goes(void **state)
{
	cut_everywhere_from(*state, stage_child_reserve, stage_child_release, 5);
}

static void a_record_that_is_handed_over_is_one_vms_or_the_others_whenever_the_power_goes(void **state)
{
	cut_everywhere_from(*state, stage_child_remember, stage_child_hand_over, 2);
}

static void a_repair_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_repair, .fewest = UINT32_MAX };

	*s.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(s.w, stage_child_move), 0);
	make_references(&s);
	cut_everywhere(&s, 8, true);
	/* the old record with its rule, the new one, or both: there is no boot that knows nothing of the card */
	assert_int_equal(s.fewest, 2);
	story_done(&s);
}

static void a_card_that_was_pulled_while_the_power_was_off_is_no_reason_to_stay_stuck(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	*s.w->fault = (struct fault){ .die_after = 6 };
	assert_int_equal(stage_in_child(s.w, stage_child_attach), FAULT_EXIT);
	s.w->hba->gone = true;
	/* in the same boot it is one: nobody knows what became of it */
	*s.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(s.w, stage_child_recover), 1);
	stage_reboot(s.w);
	assert_int_equal(stage_in_child(s.w, stage_child_recover_host), 0);
	stage_open(s.w);
	if (pt_change_recover(&s.w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(settled, 1);
	assert_int_equal(s.w->kernel->n_files, 0);
	assert_int_equal(s.w->cvm->state, PT_DOMAIN_SHUTOFF);
}

static void a_group_of_two_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };
	struct story back = { .w = *state, .change = stage_child_detach };

	make_references(&s);
	cut_everywhere(&s, 14, false);
	restore(&s);
	story_done(&s);
	*back.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(back.w, stage_child_attach), 0);
	make_references(&back);
	cut_everywhere(&back, 11, false);
	story_done(&back);
}

/* what this boot has made of the VFs is nothing: `passthru boot` makes those that are kept, afterwards */
/* to four VFs from two, which another tool has made; they do not outlive the power */
static int make_four(struct stage *w)
{
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("sriov"), .summary = pt_strdup("virtual functions") };
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_SRIOV);
	long long id = 0;

	stage_open(w);
	s->bdf = w->nic->bdf;
	s->vendor = w->nic->ids[0];
	s->device = w->nic->ids[1];
	s->subvendor = w->nic->ids[2];
	s->subdevice = w->nic->ids[3];
	assert_int_equal(pt_sriov_look(&w->host, w->nic->bdf, &now, NULL), 0);
	s->state_before = pt_sriov_state_text(&now);
	s->state_after = pt_strdup("vfs=4\nautoprobe=off\n");
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

/* its driver is a module that udev loads only later */
static void vfs_that_went_with_the_power_need_no_driver_to_be_taken_back(void **state)
{
	struct stage *w = *state;

	*w->fault = (struct fault){ .die_after = 2 };
	assert_int_equal(stage_in_child(w, make_four), FAULT_EXIT);
	stage_reboot(w);
	w->nic->driver[0] = '\0';
	assert_int_equal(w->nic->vfs_now, 0);
	assert_int_equal(stage_in_child(w, stage_child_recover_host), 0);
	stage_open(w);
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_FAILED);
}

static void vfs_that_this_boot_has_made_are_taken_back_all_the_same(void **state)
{
	struct stage *w = *state;
	const struct pt_host_ops *h = &w->host;

	*w->fault = (struct fault){ .die_after = 2 };
	assert_int_equal(stage_in_child(w, make_four), FAULT_EXIT);
	stage_reboot(w);
	assert_int_equal(h->write(h->ctx, w->nic->bdf, "bus/pci/devices/0000:02:00.0/sriov_numvfs", "4", 0, NULL), 0);
	assert_int_equal(stage_in_child(w, stage_child_recover_host), 0);
	assert_int_equal(w->nic->vfs_now, 2);
}

static void a_network_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };

	make_references(&s);
	cut_everywhere(&s, 9, true);
	story_done(&s);
}

/* the VM is off after it, and has the device at its next start, or not, as its definition then says */
static void a_live_attach_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };

	make_references(&s);
	cut_everywhere(&s, 7, !s.w->network);
	assert_int_equal(s.w->cvm->stops, 0);
	assert_int_equal(s.w->cvm->starts, 0);
	story_done(&s);
}

static void a_live_detach_is_before_or_after_whenever_the_power_goes(void **state)
{
	struct story s = { .w = *state, .change = stage_child_detach };

	*s.w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(s.w, stage_child_attach), 0);
	make_references(&s);
	cut_everywhere(&s, 5, !s.w->network);
	assert_int_equal(s.w->cvm->stops, 0);
	assert_int_equal(s.w->cvm->starts, 0);
	story_done(&s);
}

/* the next boot gives the card what is kept with its function: the MTU goes with the change that kept it */
static void an_mtu_that_the_boot_gave_is_taken_back_with_its_change(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;

	*w->fault = (struct fault){ .die_after = 8 };
	assert_int_equal(stage_in_child(w, stage_child_attach), FAULT_EXIT);
	assert_int_equal(w->nic->mtu, 9000);
	stage_reboot(w);
	assert_int_equal(w->nic->mtu, 1500);
	w->nic->mtu = 9000;
	stage_open(w);
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(settled, 1);
	assert_int_equal(w->nic->mtu, 1500);
}

static void an_mtu_of_somebody_else_after_the_boot_stays(void **state)
{
	struct stage *w = *state;
	unsigned settled = 0;

	*w->fault = (struct fault){ .die_after = 8 };
	assert_int_equal(stage_in_child(w, stage_child_attach), FAULT_EXIT);
	stage_reboot(w);
	w->nic->mtu = 4000;
	stage_open(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, NULL), 0);
	assert_int_equal(w->nic->mtu, 4000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(an_attach_is_before_or_after_whenever_the_power_goes),
		T(a_vm_that_starts_by_itself_runs_again_when_the_change_is_settled),
		T(what_starts_by_itself_runs_after_the_boot_that_the_change_had_held_it_back_in),
		T(a_vm_whose_change_is_stuck_is_not_started),
		T(one_that_does_not_start_is_told),
		T(a_detach_is_before_or_after_whenever_the_power_goes),
		T(a_reservation_is_before_or_after_whenever_the_power_goes),
		T(a_release_is_before_or_after_whenever_the_power_goes),
		T(a_record_that_is_handed_over_is_one_vms_or_the_others_whenever_the_power_goes),
		T(a_repair_is_before_or_after_whenever_the_power_goes),
		T(a_card_that_was_pulled_while_the_power_was_off_is_no_reason_to_stay_stuck),
		cmocka_unit_test_setup_teardown(a_group_of_two_is_before_or_after_whenever_the_power_goes,
						stage_setup_both, stage_teardown),
		cmocka_unit_test_setup_teardown(vfs_that_went_with_the_power_need_no_driver_to_be_taken_back,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(vfs_that_this_boot_has_made_are_taken_back_all_the_same,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(a_network_is_before_or_after_whenever_the_power_goes,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(an_mtu_that_the_boot_gave_is_taken_back_with_its_change,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(an_mtu_of_somebody_else_after_the_boot_stays, stage_setup_network,
						stage_teardown),
		LIVE(a_live_attach_is_before_or_after_whenever_the_power_goes),
		LIVE_NETWORK(a_live_attach_is_before_or_after_whenever_the_power_goes),
		LIVE(a_live_detach_is_before_or_after_whenever_the_power_goes),
		LIVE_NETWORK(a_live_detach_is_before_or_after_whenever_the_power_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
