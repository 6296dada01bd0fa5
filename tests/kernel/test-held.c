/* SPDX-License-Identifier: Apache-2.0 */
/* A VF that a guest has, and the interface of its card, are not taken back under it. */
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

static struct fakekernel_device *vf(const struct stage *w, unsigned func)
{
	struct pt_bdf bdf = { .bus = 2, .slot = 0x10, .func = (uint8_t)func };

	return fakekernel_find(w->kernel, bdf);
}

/* from its start on the guest hears no shutdown, and libvirt cannot say how it is: the change is taken back */
static void deaf_from_its_start(void *ctx, size_t index, size_t total, const struct pt_step *step,
				enum pt_progress_state state)
{
	struct stage *w = ctx;

	(void)index;
	(void)total;
	if (step->kind != PT_STEP_VM_START || state != PT_PROGRESS_BEGIN)
		return;
	w->cvm->ignores_shutdown = true;
	w->cvm->unwell = true;
}

static void remember_warning(void *ctx, const char *text)
{
	struct stage *w = ctx;

	(void)snprintf(w->waited_for, sizeof(w->waited_for), "%s", text);
}

static void a_guest_that_does_not_shut_down_keeps_its_vlan(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	long long id = 0;
	unsigned settled = 0;

	stage_open(w);
	w->env.progress = deaf_from_its_start;
	assert_int_equal(stage_make_attach(w, &id, &err), -EINTR);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	stage_says(&err, "cvm runs and may have it");
	assert_int_equal(w->nic->vf[0].vlan, 42);
	assert_false(w->nic->link_down);
	assert_int_equal(w->nic->mtu, 9000);
	assert_int_equal(stage_state_of(w, id), PT_CHANGE_STUCK);

	w->env.progress = NULL;
	w->cvm->ignores_shutdown = false;
	w->cvm->unwell = false;
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	assert_true(w->nic->link_down);
	assert_int_equal(w->nic->mtu, 1500);
}

/* killed right after the write that starts cvm */
static void killed_when_started(struct stage *w)
{
	for (unsigned n = 9; n < 14; n++) {
		*w->fault = (struct fault){ .die_after = n };
		if (stage_in_child(w, stage_child_attach) != FAULT_EXIT)
			break;
		if (w->cvm->starts)
			break;
		*w->fault = (struct fault){ 0 };
		{
			unsigned settled = 0;

			stage_open(w);
			assert_int_equal(pt_change_recover(&w->env, &settled, NULL), 0);
			stage_close(w);
			w->cvm->starts = 0;
		}
	}
	*w->fault = (struct fault){ 0 };
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	assert_string_equal(vf(w, 0)->held_by, "cvm");
}

static int recover_the_host(struct stage *w)
{
	struct pt_error err = { 0 };
	unsigned settled = 0;
	int r;

	stage_open(w);
	w->env.host_only = true;
	r = pt_change_recover(&w->env, &settled, &err);
	return r == -EINTR && strstr(err.msg, "0000:02:10.0") && strstr(err.msg, "open by cvm") ? 7 : 0;
}

static void the_hosts_part_alone_takes_nothing_from_a_guest_that_runs(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;

	killed_when_started(w);
	assert_int_equal(stage_in_child(w, recover_the_host), 7);
	stage_open(w);
	assert_int_equal(w->nic->vf[0].vlan, 42);
	assert_false(w->nic->link_down);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	assert_true(w->nic->link_down);
}

static void refuse_the_definition(void *ctx, size_t index, size_t total, const struct pt_step *step,
				  enum pt_progress_state state)
{
	struct stage *w = ctx;

	(void)index;
	(void)total;
	if (step->kind == PT_STEP_VM_DEFINE && state == PT_PROGRESS_BEGIN)
		w->fault->fail_at = w->fault->count + 1;
}

static void a_card_is_not_set_down_under_another_guest(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	long long id = 0;

	stage_open(w);
	(void)snprintf(vf(w, 2)->held_by, sizeof(vf(w, 2)->held_by), "other");
	w->env.progress = refuse_the_definition;
	assert_int_equal(stage_make_attach(w, &id, &err), -EINTR);
	*w->fault = (struct fault){ 0 };
	w->env.progress = NULL;
	stage_says(&err, "its VF 1 (0000:02:10.2) is in use: /dev/vfio/51 open by other");
	assert_false(w->nic->link_down);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	vf(w, 2)->held_by[0] = '\0';
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_true(w->nic->link_down);
}

static void what_somebody_set_on_the_interface_since_is_left(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;

	killed_when_started(w);
	stage_open(w);
	w->env.warn = remember_warning;
	w->nic->mtu = 4000;
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->mtu, 4000);
	assert_false(w->nic->link_down);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	assert_non_null(strstr(w->waited_for, "up=on mtu=4000, which somebody set since"));
}

static char *an_address(void *ctx, struct pt_bdf bdf)
{
	(void)ctx;
	return bdf.bus == 2 && bdf.slot == 0 ? pt_strdup("this host uses it: 192.0.2.1/24") : NULL;
}

static void undo_leaves_an_interface_that_the_host_uses(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	stage_open(w);
	(void)stage_attached(w);
	w->env.uses = an_address;
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_false(w->nic->link_down);
	assert_int_equal(w->nic->vf[0].vlan, 0);
}

static void undo_leaves_an_interface_that_another_guest_needs(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	stage_open(w);
	(void)stage_attached(w);
	(void)snprintf(vf(w, 2)->held_by, sizeof(vf(w, 2)->held_by), "other");
	assert_int_equal(pt_change_undo_plan(&w->env, 0, &plan, &err), 0);
	for (size_t i = 0; i < plan.steps.n; i++)
		assert_int_not_equal(plan.steps.v[i].kind, PT_STEP_LINK);
	assert_int_equal(plan.findings.n, 1);
	assert_non_null(strstr(plan.findings.v[0].fact, "VF 1 (0000:02:10.2) is in use"));
}

/* what LVM found on the guest's own disks, when the host had them again */
static char *found_by_lvm(void *ctx, struct pt_bdf bdf)
{
	const struct stage *w = ctx;

	return w->force && bdf.bus == 1 ? pt_strdup("this host uses it: sdb > sdb1 (LVM PV) > vg0/root") : NULL;
}

static int make_detach(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	stage_detach(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static void refuse_the_start(void *ctx, size_t index, size_t total, const struct pt_step *step,
			     enum pt_progress_state state)
{
	struct stage *w = ctx;

	(void)index;
	(void)total;
	if (step->kind == PT_STEP_VM_START && state == PT_PROGRESS_BEGIN)
		w->fault->fail_at = w->fault->count + 1;
}

/* the guest does not come up without the controller, so that it is to have it again */
static void a_detach_is_not_taken_back_under_who_uses_the_disks_by_then(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;

	stage_open(w);
	(void)stage_attached(w);
	before = stage_text(w);
	w->env.held = found_by_lvm;
	w->force = 1;
	w->env.progress = refuse_the_start;
	assert_int_equal(make_detach(w, &err), -EINTR);
	*w->fault = (struct fault){ 0 };
	w->env.progress = NULL;
	stage_says(&err, "0000:01:00.0 stays with megaraid_sas: this host uses it: sdb > sdb1 (LVM PV) > vg0/root");
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_STUCK);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	w->force = 0;
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	after = stage_text(w);
	assert_string_equal(before, after);
	stage_settled(w);
}

static void an_undo_of_a_detach_asks_who_uses_the_disks(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;

	stage_open(w);
	(void)stage_attached(w);
	assert_int_equal(make_detach(w, &err), 0);
	before = stage_text(w);
	w->env.held = found_by_lvm;
	w->force = 1;
	assert_int_equal(stage_make_undo(w, 2, &err), -EPERM);
	assert_int_equal(err.kind, PT_ERROR_REFUSED);
	assert_string_equal(err.refusal, "in-use");
	stage_says(&err,
		   "change 2 cannot be undone: 0000:01:00.0 is with megaraid_sas now, and this host uses it: sdb");
	after = stage_text(w);
	assert_string_equal(before, after);
	w->force = 0;
	if (stage_make_undo(w, 2, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(w->hba->driver, "vfio-pci");
}

/* between the plan and the step the guest was waited for */
static void use_it_when_shut_down(void *ctx, size_t index, size_t total, const struct pt_step *step,
				  enum pt_progress_state state)
{
	struct stage *w = ctx;

	(void)index;
	(void)total;
	if (step->kind == PT_STEP_VM_STOP && state == PT_PROGRESS_DONE)
		w->force = 1;
}

static void an_undo_asks_again_before_it_takes_the_card(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;

	stage_open(w);
	(void)stage_attached(w);
	assert_int_equal(make_detach(w, &err), 0);
	before = stage_text(w);
	w->env.held = found_by_lvm;
	w->env.progress = use_it_when_shut_down;
	assert_int_equal(stage_make_undo(w, 2, &err), -EBUSY);
	stage_says(&err, "0000:01:00.0 stays with megaraid_sas: this host uses it");
	stage_says(&err, "everything is as it was");
	after = stage_text(w);
	assert_string_equal(before, after);
}

/* an address that the records do not settle: by the one that is kept, or by the text that a change gave up */
static char *a_twin(void *ctx, struct pt_bdf bdf, const char *record)
{
	const struct stage *w = ctx;

	if (bdf.bus != 1 || w->force != (record ? 2 : 1))
		return NULL;
	if (record)
		assert_non_null(strstr(record, "address=0000:01:00.0"));
	return pt_strdup("the card there tells another serial number");
}

static void an_undo_touches_no_twin(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *with = NULL;
	pt_autofree char *without = NULL;
	pt_autofree char *now = NULL;

	stage_open(w);
	(void)stage_attached(w);
	with = stage_text(w);
	w->env.stranger = a_twin;
	w->force = 1;
	assert_int_equal(stage_make_undo(w, 1, &err), -EPERM);
	assert_string_equal(err.refusal, "identity");
	stage_says(&err, "0000:01:00.0 is not certain to be the device that it is about: the card there tells another");
	stage_says(&err, "passthru repair");
	now = stage_text(w);
	assert_string_equal(now, with);

	w->force = 0;
	assert_int_equal(make_detach(w, &err), 0);
	without = stage_text(w);
	/* there is no record any more: the one that the detach gave up is asked */
	w->force = 2;
	assert_int_equal(stage_make_undo(w, 2, &err), -EPERM);
	assert_string_equal(err.refusal, "identity");
	free(now);
	now = stage_text(w);
	assert_string_equal(now, without);
	w->force = 0;
	if (stage_make_undo(w, 2, &err) < 0)
		fail_msg("%s", err.msg);
	free(now);
	now = stage_text(w);
	assert_string_equal(now, with);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup_network, stage_teardown)
#define H(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(a_guest_that_does_not_shut_down_keeps_its_vlan),
		T(the_hosts_part_alone_takes_nothing_from_a_guest_that_runs),
		T(a_card_is_not_set_down_under_another_guest),
		T(what_somebody_set_on_the_interface_since_is_left),
		T(undo_leaves_an_interface_that_the_host_uses),
		T(undo_leaves_an_interface_that_another_guest_needs),
		H(a_detach_is_not_taken_back_under_who_uses_the_disks_by_then),
		H(an_undo_of_a_detach_asks_who_uses_the_disks),
		H(an_undo_asks_again_before_it_takes_the_card),
		H(an_undo_touches_no_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
