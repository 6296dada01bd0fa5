/* SPDX-License-Identifier: Apache-2.0 */
/* A running VM that ends, stops or is paused while it gets or loses a device; strangers; places; undo. */
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

static void a_device_that_libvirt_forgets_is_no_success(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->forgets_plug = true;
	assert_int_equal(live_attach(w, &err), -EIO);
	stage_says(&err, "does not run with it");
	live_is(w, before, "forgotten", 0);
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

	live_given(w);
	fakevm_off(w->vm, w->cvm);
	live_must(live_undo(w, &err), &err);
	assert_null(strstr(w->cvm->xml, "0x02"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_int_equal(w->cvm->starts, 0);
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
	live_is(w, expected, "started again", 0);
	assert_int_equal(w->cvm->starts, starts + 1);
	stage_settled(w);
	assert_int_equal(live_recover(w), 0);
}

static void a_vm_that_ends_of_what_it_is_given_is_started_again(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);

	stage_open(w);
	stage_hook(w);
	w->cvm->plug_kills = true;
	assert_started_again(w, live_attach, before, "did not survive getting");
	/* and one that ends some seconds after it has said yes */
	w->cvm->plug_kills_later = true;
	assert_started_again(w, live_attach, before, "did not survive getting");
	free(before);
}

static void a_vm_that_ends_of_what_it_loses_is_started_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *with;

	live_given(w);
	/* from here on what runs and the definition have it in the same place of the text */
	fakevm_off(w->vm, w->cvm);
	live_must(w->vm_ops.start(w->vm_ops.ctx, w->cvm->uuid, &err), &err);
	with = stage_text(w);
	stage_hook(w);
	w->cvm->unplug_kills = true;
	assert_started_again(w, live_detach, with, "did not survive losing");
	free(with);
}

static void a_vm_that_cannot_be_started_again_leaves_the_change_stuck(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	stage_hook(w);
	w->cvm->plug_kills = true;
	w->cvm->wont_start = true;
	assert_int_equal(live_attach(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "not started again: cvm");
	w->cvm->wont_start = false;
	assert_int_equal(live_recover(w), 1);
	live_is(w, before, "recovered", 0);
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
	assert_int_equal(live_attach(w, &err), -EINTR);
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
	assert_int_equal(live_recover(w), 1);
	assert_int_equal(w->cvm->slow_plug, 0);
	live_is(w, before, "slow", 0);
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
	assert_int_equal(live_recover(w), 1);
	live_is(w, before, "slow, interrupted", 0);
	free(before);
}

static void no_stranger_is_given_back_to_a_guest(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned n = 0;
	char *now;

	live_unanswered(w, &err);
	live_lets_go(w);
	w->nic->ids[1]++;
	now = stage_text(w);
	assert_int_equal(pt_change_recover(&w->env, &n, &err), -EINTR);
	stage_says(&err, "another device is at 0000:02:00.0 now");
	live_is(w, now, "with a stranger", 0);
	w->nic->ids[1]--;
	assert_int_equal(live_recover(w), 1);
	free(now);
}

static void an_undo_gives_no_stranger_to_the_running_vm(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *now;

	live_given(w);
	live_must(live_detach(w, &err), &err);
	w->nic->ids[1]++;
	now = stage_text(w);
	assert_int_equal(live_undo(w, &err), -EPERM);
	stage_says(&err, "another device is at 0000:02:00.0 now");
	live_is(w, now, "with a stranger", 0);
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
	live_must(live_attach(w, &err), &err);
	w->cvm->state = PT_DOMAIN_PAUSED;
	assert_int_equal(live_undo(w, &err), -EPERM);
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
	live_must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
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
	live_must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
	live_must(pt_change_apply(&w->env, &plan, &id, &err), &err);
	assert_null(strstr(w->cvm->xml, "<hostdev"));
	live_must(live_undo(w, &err), &err);
	assert_non_null(strstr(w->cvm->xml, "<hostdev"));
	assert_int_equal(w->cvm->stops, 0);
	assert_int_equal(w->cvm->starts, 0);
	/* and made again */
	live_must(stage_make_undo(w, 2, &err), &err);
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
	live_must(live_attach(w, &err), &err);
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

	live_given(w);
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
	live_must(pt_change_prepare(&w->vm_ops, &plan, &err), &err);
	live_must(pt_change_apply(&w->env, &plan, &id, &err), &err);
	ops.live_xml = unreachable;
	ops.state = unreachable_state;
	w->env.vm = &ops;
	assert_int_equal(pt_change_undo_plan(&w->env, id, &back, &err), -ENOTCONN);
	w->env.vm = &w->vm_ops;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(a_device_that_libvirt_forgets_is_no_success),
		LIVE_NETWORK(a_device_that_libvirt_forgets_is_no_success),
		LIVE(a_vm_that_stopped_meanwhile_makes_the_plan_stale),
		LIVE(an_undo_after_the_vm_was_shut_off_needs_no_guest),
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
		LIVE(a_paused_vm_is_called_so),
		LIVE(an_undo_without_libvirt_is_no_success),
		LIVE(a_place_that_what_runs_does_not_have_is_left_to_libvirt),
		LIVE(an_undo_stops_no_vm_that_the_change_let_run),
		LIVE(a_second_function_of_a_group_that_the_vm_has_is_no_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
