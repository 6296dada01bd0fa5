/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that is cut off at any write, by a power cut, a kill or a failure, while the host takes whatever its own
 * driver gets: LVM, md and multipath do so by themselves.  Recovered, it is before or after; nothing is taken from the
 * host, and at no moment may a guest start that has what the host uses.
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
#include "domxml/domxml.h"
#include "hook/hook.h"
#include "saved.h"
#include "stage.h"

/**
 * struct story
 * @device: what the host takes when it has it
 * @before, @after: of @change, as they are when the boot is another one, or not (@rebooted)
 * @had: at the start the host has a device of the change
 * @went_back, @finished: how often it ended as each
 */
struct story {
	struct stage *w;
	struct fakekernel_device *device;
	int (*change)(struct stage *w);
	bool rebooted;
	bool had;
	struct saved *start;
	char *before;
	char *after;
	unsigned went_back;
	unsigned finished;
};

static int undo(struct stage *w)
{
	struct pt_error err;

	stage_open(w);
	return stage_make_undo(w, 0, &err) == 0 ? 0 : 1;
}

static bool host_has(const struct fakekernel_device *d)
{
	return strcmp(d->driver, d->native) == 0;
}

/* whether a VM runs is asked apart after another boot: nobody plays libvirt's autostart here */
static char *text_of(const struct story *s)
{
	struct stage *w = s->w;
	enum pt_domain_state state = w->cvm->state;
	char *text;

	if (s->rebooted)
		w->cvm->state = PT_DOMAIN_SHUTOFF;
	text = stage_text(w);
	w->cvm->state = state;
	return text;
}

static char *reference(const struct story *s)
{
	if (s->rebooted)
		fakekernel_reboot(s->w->kernel);
	return text_of(s);
}

static void restore(const struct story *s)
{
	saved_restore(s->start, s->w);
	stage_hook(s->w);
	*s->w->fault = (struct fault){ 0 };
	s->w->taken = NULL;
}

static void story_begin(struct story *s, int (*first)(struct stage *w))
{
	if (first)
		assert_int_equal(stage_in_child(s->w, first), 0);
	s->start = saved_new(s->w);
	s->before = reference(s);
	s->had = host_has(s->device);
	restore(s);
	assert_int_equal(stage_in_child(s->w, s->change), 0);
	s->after = reference(s);
	assert_string_not_equal(s->before, s->after);
	restore(s);
}

static void story_done(struct story *s)
{
	saved_free(s->start);
	free(s->before);
	free(s->after);
}

static bool is_in_cvm(const struct story *s)
{
	PT_AUTO(pt_domain) vm = { 0 };

	assert_int_equal(pt_domxml_read(s->w->cvm->xml, &vm, NULL), 0);
	return pt_domain_hostdev_by_bdf(&vm, s->device->bdf) != NULL;
}

/* libvirt refuses it too, since VFIO does not hold the device; this asks our hook, which names the change */
static void assert_never_both(const struct story *s, const char *when, unsigned n)
{
	pt_autofree char *journal = pt_strf("%s/state", s->w->dir);

	if (!host_has(s->device) || !is_in_cvm(s))
		return;
	if (pt_hook_may_start(&s->w->root, journal, "cvm", s->w->cvm->xml, NULL) == 0)
		fail_msg("%s write %u: cvm may start with what the host uses", when, n);
}

static void assert_whole(struct story *s, const char *when, unsigned n, bool given)
{
	struct stage *w = s->w;
	struct pt_error err = { 0 };
	pt_autofree char *now = NULL;
	unsigned settled = 0;
	bool goal;

	*w->fault = (struct fault){ 0 };
	stage_open(w);
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s write %u: %s", when, n, err.msg);
	stage_settled(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(settled, 0);
	stage_close(w);
	now = text_of(s);
	goal = strcmp(now, s->after) == 0;
	if (!goal && strcmp(now, s->before) != 0)
		fail_msg("%s write %u: between\n%s\nbefore was\n%s", when, n, now, s->before);
	if (goal != given)
		fail_msg("%s write %u: it was %s", when, n, goal ? "finished" : "taken back");
	*(goal ? &s->finished : &s->went_back) += 1;
	assert_never_both(s, when, n);
	if (given)
		assert_true(host_has(s->device));
}

/* has the host one of the change's devices by now, which it had not at the start? */
static bool is_given(const struct story *s)
{
	return !s->had && (host_has(s->device) || (s->w->both && (host_has(s->w->hba) || host_has(s->w->nic))));
}

static bool cut_power(const struct story *s, struct fault fault)
{
	int ended;

	restore(s);
	*s->w->fault = fault;
	ended = stage_in_child(s->w, s->change);
	stage_reboot(s->w);
	s->w->taken = s->device;
	return ended == FAULT_EXIT;
}

/* the two parts of a boot; each is killed, by another power cut, after its @m-th write; 0: not */
static bool recover_in_parts(const struct story *s, unsigned n, unsigned m)
{
	int host;
	int vms = 0;

	assert_never_both(s, "before the host's part, after", n);
	*s->w->fault = (struct fault){ .die_after = m };
	host = stage_in_child(s->w, stage_child_recover_host);
	assert_never_both(s, "after the host's part, after", n);
	if (host != FAULT_EXIT) {
		assert_int_equal(host, 0);
		vms = stage_in_child(s->w, stage_child_recover);
	}
	if (host == FAULT_EXIT || vms == FAULT_EXIT)
		stage_reboot(s->w);
	return host == FAULT_EXIT || vms == FAULT_EXIT;
}

static void power_goes_everywhere(struct story *s)
{
	bool died = true;

	for (unsigned n = 1; died; n++) {
		died = cut_power(s, (struct fault){ .die_before = n });
		if (!died)
			break;
		(void)recover_in_parts(s, n, 0);
		assert_whole(s, "power cut before", n, is_given(s));
		for (unsigned m = 0;; m++) {
			bool again;

			assert_true(cut_power(s, (struct fault){ .die_after = n }));
			again = recover_in_parts(s, n, m);
			assert_whole(s, "power cut after", n, is_given(s));
			/* each of these is a dozen processes: a third of the writes tell as much */
			if (n % 3 != 1 || (m > 0 && !again))
				break;
		}
	}
}

static void tell_power_story(struct stage *w, struct fakekernel_device *device, int (*first)(struct stage *w),
			     int (*change)(struct stage *w), bool gives)
{
	struct story s = { .w = w, .device = device, .change = change, .rebooted = true };

	story_begin(&s, first);
	power_goes_everywhere(&s);
	assert_true(s.went_back > 0);
	if (gives)
		assert_true(s.finished > 2);
	else
		assert_int_equal(s.finished, 0);
	story_done(&s);
}

static void an_attach_whose_device_the_host_took_at_boot_is_taken_back(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, NULL, stage_child_attach, false);
}

static void a_detach_whose_device_the_host_took_at_boot_is_finished(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_attach, stage_child_detach, true);
}

static void an_undo_of_an_attach_is_finished_when_the_host_took_its_device_at_boot(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_attach, undo, true);
}

static int attach_and_detach(struct stage *w)
{
	return stage_in_child(w, stage_child_attach) + stage_in_child(w, stage_child_detach);
}

static void an_undo_of_a_detach_whose_device_the_host_took_at_boot_is_taken_back(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, attach_and_detach, undo, false);
}

static void a_reserve_whose_device_the_host_took_at_boot_is_taken_back(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, NULL, stage_child_reserve, false);
}

static void a_release_whose_device_the_host_took_at_boot_is_finished(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_reserve, stage_child_release, true);
}

static void an_undo_of_a_reserve_is_finished_when_the_host_took_its_device_at_boot(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_reserve, undo, true);
}

static void a_live_detach_whose_device_the_host_took_at_boot_is_finished(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->nic, stage_child_attach, stage_child_detach, true);
}

static void a_detach_of_two_is_finished_when_the_host_took_the_first(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_attach, stage_child_detach, true);
}

static void a_detach_of_two_is_finished_when_the_host_took_the_second(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->nic, stage_child_attach, stage_child_detach, true);
}

/* a card that no driver had, since its module was not loaded: at the next boot it is, and the host uses what it finds
 */
static int attach_what_has_no_driver(struct stage *w)
{
	struct pt_plan plan;
	long long id;

	stage_open(w);
	stage_attach(w, &plan);
	for (size_t i = 0; i < plan.steps.n; i++)
		if (plan.steps.v[i].kind == PT_STEP_DRIVER)
			pt_strset(&plan.steps.v[i].driver_before, NULL);
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

static void what_had_no_driver_and_was_not_reserved_keeps_the_one_that_the_boot_chose(void **state)
{
	struct stage *w = *state;
	struct story s = { .w = w, .device = w->hba, .change = attach_what_has_no_driver, .rebooted = true };
	unsigned kept = 0;

	w->hba->driver[0] = '\0';
	s.start = saved_new(w);
	for (unsigned n = 1; cut_power(&s, (struct fault){ .die_before = n }); n++) {
		struct pt_error err = { 0 };
		unsigned settled = 0;
		bool has = host_has(w->hba);

		assert_int_equal(stage_in_child(w, stage_child_recover_host), 0);
		assert_never_both(&s, "before", n);
		stage_open(w);
		if (pt_change_recover(&w->env, &settled, &err) < 0)
			fail_msg("%s", err.msg);
		stage_settled(w);
		stage_close(w);
		assert_false(is_in_cvm(&s));
		assert_int_equal(fakekernel_kept(w->kernel), 0);
		assert_string_equal(w->hba->driver, has ? "megaraid_sas" : "");
		assert_string_equal(w->hba->override, "");
		kept += has;
	}
	assert_true(kept >= 2);
	story_done(&s);
}

/* the device that one guest has is another's: it is reserved all the while */
static int hand_over(struct stage *w)
{
	struct pt_plan plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("hand 0000:01:00.0 over") };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_UNRESERVE);
	struct pt_step *to = NULL;
	long long id;

	stage_open(w);
	s->bdf = w->hba->bdf;
	s->vendor = w->hba->ids[0];
	s->device = w->hba->ids[1];
	s->subvendor = w->hba->ids[2];
	s->subdevice = w->hba->ids[3];
	to = pt_plan_step(&plan, PT_STEP_RESERVE);
	pt_step_copy(&plan.steps.v[0], to);
	to->kind = PT_STEP_RESERVE;
	to->driver_after = pt_strdup("vfio-pci");
	to->vm = pt_strdup("other");
	to->vm_uuid = pt_strdup(STAGE_OTHER);
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

static void a_record_that_is_handed_over_leaves_no_boot_that_gives_the_device_to_the_host(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, stage_child_reserve, hand_over, false);
	assert_string_equal(w->hba->driver, "vfio-pci");
}

static int reserve_and_hand_over(struct stage *w)
{
	return stage_in_child(w, stage_child_reserve) + stage_in_child(w, hand_over);
}

static void nor_does_its_way_back(void **state)
{
	struct stage *w = *state;

	tell_power_story(w, w->hba, reserve_and_hand_over, undo, false);
	assert_string_equal(w->hba->driver, "vfio-pci");
}

/* in the boot of the change: LVM comes to it when the process is dead */
static void kill_everywhere(struct story *s)
{
	for (unsigned n = 1;; n++) {
		for (unsigned m = 0;; m++) {
			int ended;

			restore(s);
			*s->w->fault = (struct fault){ .die_after = n };
			ended = stage_in_child(s->w, s->change);
			if (ended != FAULT_EXIT)
				return;
			s->w->taken = s->device;
			assert_never_both(s, "killed after", n);
			*s->w->fault = (struct fault){ .die_after = m };
			ended = m ? stage_in_child(s->w, stage_child_recover) : FAULT_EXIT;
			assert_never_both(s, "killed in recover, after", n);
			assert_whole(s, "killed after", n, is_given(s));
			if (n % 3 != 1 || ended != FAULT_EXIT)
				break;
		}
	}
}

static void tell_killed_story(struct stage *w, int (*first)(struct stage *w), int (*change)(struct stage *w))
{
	struct story s = { .w = w, .device = w->live ? w->nic : w->hba, .change = change };

	story_begin(&s, first);
	kill_everywhere(&s);
	assert_true(s.went_back > 0);
	assert_true(s.finished > 0);
	story_done(&s);
}

static void a_detach_that_is_killed_is_finished_when_the_host_uses_the_device(void **state)
{
	tell_killed_story(*state, stage_child_attach, stage_child_detach);
}

static void an_undo_that_is_killed_is_finished_when_the_host_uses_the_device(void **state)
{
	tell_killed_story(*state, stage_child_attach, undo);
}

static void a_release_that_is_killed_is_finished_when_the_host_uses_the_device(void **state)
{
	tell_killed_story(*state, stage_child_reserve, stage_child_release);
}

/* the host takes the device at once; what could not be put back since then recover finishes */
static void a_detach_whose_nth_write_fails_is_before_or_after_once_recovered(void **state)
{
	struct story s = { .w = *state, .device = ((struct stage *)*state)->hba, .change = stage_child_detach };
	int ended = 1;

	story_begin(&s, stage_child_attach);
	for (unsigned n = 1; ended; n++) {
		for (int all = 0; all < 2 && ended; all++) {
			restore(&s);
			s.w->taken = s.device;
			*s.w->fault = all ? (struct fault){ .fail_from = n } : (struct fault){ .fail_at = n };
			ended = stage_in_child(s.w, s.change);
			assert_never_both(&s, "failed at", n);
			assert_whole(&s, "failed at", n, is_given(&s));
		}
	}
	assert_true(s.went_back > 0);
	assert_true(s.finished > 1);
	story_done(&s);
}

/* killed after the write that gave the host the device */
static void killed_when_given(struct stage *w, struct story *s)
{
	*s = (struct story){ .w = w, .device = w->hba, .change = stage_child_detach };
	story_begin(s, stage_child_attach);
	for (unsigned n = 1; !host_has(w->hba); n++) {
		unsigned settled;

		restore(s);
		*w->fault = (struct fault){ .die_after = n };
		assert_int_equal(stage_in_child(w, s->change), FAULT_EXIT);
		*w->fault = (struct fault){ 0 };
		if (host_has(w->hba))
			break;
		stage_open(w);
		assert_int_equal(pt_change_recover(&w->env, &settled, NULL), 0);
		stage_close(w);
	}
	w->taken = w->hba;
	stage_open(w);
}

static char *last_message(const struct stage *w)
{
	PT_AUTO(pt_change_list) list = { 0 };

	assert_int_equal(pt_journal_list(w->env.journal, false, &list, NULL), 0);
	return pt_strdup(list.v[list.n - 1].message ? list.v[list.n - 1].message : "");
}

static void remember_warning(void *ctx, const char *text)
{
	struct stage *w = ctx;

	(void)snprintf(w->waited_for, sizeof(w->waited_for), "%s", text);
}

static void a_vm_that_does_not_start_without_it_is_told_and_left_off(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *message = NULL;
	unsigned settled = 0;
	struct story s;

	killed_when_given(w, &s);
	w->cvm->wont_start = true;
	w->env.warn = remember_warning;
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	stage_settled(w);
	assert_string_equal(w->waited_for,
			    "cvm does not start without the device that this host has now: cvm does not start");
	message = last_message(w);
	assert_string_equal(message, "cut off; finished by recover: 0000:01:00.0 stays with megaraid_sas: this host "
				     "uses it: sdb > md127 > vg0/data");
	assert_false(is_in_cvm(&s));
	assert_true(host_has(w->hba));
	story_done(&s);
}

/* the way back failed half-way: the guest has its definition again, the host no reservation, and then the power goes */
static void where_only_the_reservation_could_not_be_put_back_a_boot_later_it_is_finished(void **state)
{
	struct stage *w = *state;
	struct story s = { .w = w, .device = w->hba, .change = stage_child_detach, .rebooted = true };
	unsigned both = 0;

	story_begin(&s, stage_child_attach);
	for (unsigned n = 1; n < 30; n++) {
		restore(&s);
		w->cvm->wont_start = true;
		*w->fault = (struct fault){ .fail_at = n };
		assert_int_equal(stage_in_child(w, s.change), 1);
		stage_reboot(w);
		w->taken = w->hba;
		w->cvm->wont_start = false;
		both += host_has(w->hba) && is_in_cvm(&s);
		(void)recover_in_parts(&s, n, 0);
		assert_whole(&s, "the way back failed at", n, is_given(&s));
	}
	assert_true(both > 0);
	assert_true(s.finished >= both);
	story_done(&s);
}

/* nobody started it, so libvirt's autostart, which our hook refused, is made up for; without the device */
static void a_vm_that_starts_by_itself_does_so_when_its_detach_is_finished(void **state)
{
	struct stage *w = *state;
	struct story s = { .w = w, .device = w->hba, .change = stage_child_detach, .rebooted = true };

	story_begin(&s, stage_child_attach);
	for (unsigned n = 1; !is_given(&s); n++)
		assert_true(cut_power(&s, (struct fault){ .die_after = n }));
	assert_whole(&s, "after", 0, true);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	assert_false(is_in_cvm(&s));
	story_done(&s);
}

/* its VM does not start again, so it is taken back; but the host uses by then what it got, and keeps it */
static void stuck_with_the_host(struct stage *w, int (*change)(struct stage *w))
{
	w->taken = w->hba;
	w->cvm->wont_start = true;
	assert_int_equal(stage_in_child(w, change), 1);
	w->cvm->wont_start = false;
	assert_true(host_has(w->hba));
	stage_open(w);
}

static enum pt_change_state last_state(const struct stage *w)
{
	PT_AUTO(pt_change_list) list = { 0 };

	assert_int_equal(pt_journal_list(w->env.journal, false, &list, NULL), 0);
	return list.v[list.n - 1].state;
}

static void recovered(struct stage *w, int expected)
{
	struct pt_error err = { 0 };
	unsigned settled = 0;

	if (pt_change_recover(&w->env, &settled, &err) != expected)
		fail_msg("%s", err.msg);
	assert_int_equal(last_state(w), expected == 0 ? PT_CHANGE_DONE : PT_CHANGE_STUCK);
	assert_true(host_has(w->hba));
}

static void add_step(struct pt_plan *plan, enum pt_step_kind kind, const struct fakekernel_device *d)
{
	struct pt_step *s = fakekernel_step(d, plan, kind);

	if (kind != PT_STEP_DRIVER)
		return;
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
}

static int applied(struct stage *w, struct pt_plan *plan)
{
	long long id;

	return pt_change_apply(&w->env, plan, &id, NULL) == 0 ? 0 : 1;
}

/* stage_detach(), with the controller reset before its driver gets it */
static int detach_and_reset(struct stage *w)
{
	struct pt_plan plan;
	size_t i = 0;

	stage_open(w);
	stage_detach(w, &plan);
	add_step(&plan, PT_STEP_RESET, w->hba);
	while (plan.steps.v[i].kind != PT_STEP_DRIVER)
		i++;
	for (size_t k = plan.steps.n - 1; k > i; k--) {
		struct pt_step other = plan.steps.v[k - 1];

		plan.steps.v[k - 1] = plan.steps.v[k];
		plan.steps.v[k] = other;
	}
	return applied(w, &plan);
}

static void what_the_host_has_is_not_reset_once_more_when_it_is_finished(void **state)
{
	struct stage *w = *state;

	assert_int_equal(stage_in_child(w, stage_child_attach), 0);
	stuck_with_the_host(w, detach_and_reset);
	assert_int_equal(w->hba->resets, 1);
	(void)strcpy(w->hba->held_by, "mdadm");
	recovered(w, 0);
	assert_int_equal(w->hba->resets, 1);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
}

/* a change that takes its VF from a guest, and gives the controller, which was reserved, to the host */
static int take_vf_and_release(struct stage *w)
{
	struct pt_plan plan;
	struct pt_step start = { 0 };
	bool cold = !w->live;
	struct pt_error err = { 0 };

	stage_open(w);
	stage_detach(w, &plan);
	if (cold) {
		start = plan.steps.v[plan.steps.n - 1];
		plan.steps.n--;
	}
	add_step(&plan, PT_STEP_UNRESERVE, w->hba);
	add_step(&plan, PT_STEP_DRIVER, w->hba);
	if (cold)
		pt_array_push(&plan.steps, start);
	else {
		struct pt_step *s = pt_plan_step(&plan, PT_STEP_VM_AUTOSTART);

		s->vm = pt_strdup("cvm");
		s->vm_uuid = pt_strdup(STAGE_CVM);
		s->flag = true;
	}
	if (pt_change_prepare(&w->vm_ops, &plan, &err) < 0)
		fail_msg("%s", err.msg);
	return applied(w, &plan);
}

static void given_and_reserved(struct stage *w)
{
	assert_int_equal(stage_in_child(w, stage_child_attach), 0);
	assert_int_equal(stage_in_child(w, stage_child_reserve), 0);
	assert_int_equal(w->nic->vf[0].vlan, 42);
}

static void assert_taken(const struct stage *w)
{
	assert_int_equal(w->nic->vf[0].vlan, 0);
	assert_null(strstr(w->cvm->xml, "<interface type='hostdev'"));
}

/* somebody has started it, hook or not: an untagged frame is worse than a change that stays open */
static void a_vf_that_a_guest_has_meanwhile_keeps_its_vlan(void **state)
{
	struct stage *w = *state;
	struct fakekernel_device *vf;

	given_and_reserved(w);
	vf = fakekernel_find(w->kernel, (struct pt_bdf){ .bus = 2, .slot = 0x10 });
	stuck_with_the_host(w, take_vf_and_release);
	assert_int_equal(w->nic->vf[0].vlan, 42);
	(void)strcpy(vf->held_by, "qemu");
	recovered(w, -EINTR);
	assert_int_equal(w->nic->vf[0].vlan, 42);
	vf->held_by[0] = '\0';
	recovered(w, 0);
	assert_taken(w);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
}

static bool has_vf(const struct stage *w)
{
	return strstr(w->cvm->live, "<interface type='hostdev'") != NULL;
}

/* nothing behind the first thing that a guest did not let go of is touched: not its definition either */
static void a_guest_that_does_not_let_go_stops_what_is_finished(void **state)
{
	struct stage *w = *state;
	struct saved *start;
	unsigned stuck = 0;

	given_and_reserved(w);
	start = saved_new(w);
	for (unsigned n = 1; !stuck; n++) {
		saved_restore(start, w);
		w->taken = w->hba;
		*w->fault = (struct fault){ .fail_at = n };
		assert_int_equal(stage_in_child(w, take_vf_and_release), 1);
		*w->fault = (struct fault){ 0 };
		stuck = host_has(w->hba) ? n : 0;
	}
	saved_free(start);
	assert_true(has_vf(w));
	stage_open(w);
	w->cvm->ignores_unplug = true;
	recovered(w, -EINTR);
	assert_true(has_vf(w));
	assert_int_equal(w->nic->vf[0].vlan, 42);
	assert_non_null(strstr(w->cvm->xml, "<interface type='hostdev'"));
	w->cvm->ignores_unplug = false;
	recovered(w, 0);
	assert_false(has_vf(w));
	assert_taken(w);
}

int main(void)
{
#define T(name)	   cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
#define LIVE(name) cmocka_unit_test_setup_teardown(name, stage_setup_live, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(an_attach_whose_device_the_host_took_at_boot_is_taken_back),
		T(a_detach_whose_device_the_host_took_at_boot_is_finished),
		T(an_undo_of_an_attach_is_finished_when_the_host_took_its_device_at_boot),
		T(an_undo_of_a_detach_whose_device_the_host_took_at_boot_is_taken_back),
		T(a_reserve_whose_device_the_host_took_at_boot_is_taken_back),
		T(a_release_whose_device_the_host_took_at_boot_is_finished),
		T(an_undo_of_a_reserve_is_finished_when_the_host_took_its_device_at_boot),
		LIVE(a_live_detach_whose_device_the_host_took_at_boot_is_finished),
		cmocka_unit_test_setup_teardown(a_detach_of_two_is_finished_when_the_host_took_the_first,
						stage_setup_both, stage_teardown),
		cmocka_unit_test_setup_teardown(a_detach_of_two_is_finished_when_the_host_took_the_second,
						stage_setup_both, stage_teardown),
		T(what_had_no_driver_and_was_not_reserved_keeps_the_one_that_the_boot_chose),
		T(a_record_that_is_handed_over_leaves_no_boot_that_gives_the_device_to_the_host),
		T(nor_does_its_way_back),
		T(a_detach_that_is_killed_is_finished_when_the_host_uses_the_device),
		LIVE(a_detach_that_is_killed_is_finished_when_the_host_uses_the_device),
		T(an_undo_that_is_killed_is_finished_when_the_host_uses_the_device),
		T(a_release_that_is_killed_is_finished_when_the_host_uses_the_device),
		T(a_detach_whose_nth_write_fails_is_before_or_after_once_recovered),
		T(a_vm_that_does_not_start_without_it_is_told_and_left_off),
		T(where_only_the_reservation_could_not_be_put_back_a_boot_later_it_is_finished),
		T(a_vm_that_starts_by_itself_does_so_when_its_detach_is_finished),
		T(what_the_host_has_is_not_reset_once_more_when_it_is_finished),
		cmocka_unit_test_setup_teardown(a_vf_that_a_guest_has_meanwhile_keeps_its_vlan, stage_setup_network,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_guest_that_does_not_let_go_stops_what_is_finished,
						stage_setup_live_network, stage_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
