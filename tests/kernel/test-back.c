/* SPDX-License-Identifier: Apache-2.0 */
/* A function that goes back to the host's driver: its disks come a while after the driver's probe. */
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
#include "base/watch.h"
#include "stage.h"

#define CARRIED "disk S455NY0K100001 0x5002538e00000001\n"

/* @come_at: at which question the disks are there; 0: never */
struct disks {
	unsigned asked;
	unsigned come_at;
	char text[256];
};

/* the callback gets the stage; this is the test program's own, made anew for each test */
static struct disks disks;

static int are_back(void *ctx, const struct pt_step *step)
{
	(void)ctx;
	(void)snprintf(disks.text, sizeof(disks.text), "%s", step->carried);
	return ++disks.asked == disks.come_at;
}

static int setup(void **state)
{
	int r = stage_setup(state);
	struct stage *w = *state;

	disks = (struct disks){ .come_at = 3 };
	w->env.back = are_back;
	w->env.back_ms = 60000;
	w->env.poll_ms = 1;
	stage_open(w);
	return r;
}

static int teardown(void **state)
{
	stage_close(*state);
	return stage_teardown(state);
}

static int attach(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	stage_attach(w, &plan);
	for (size_t i = 0; i < plan.steps.n; i++)
		if (plan.steps.v[i].kind == PT_STEP_DRIVER)
			pt_strset(&plan.steps.v[i].carried, CARRIED);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static int undo(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;
	int r = pt_change_undo_plan(&w->env, 0, &plan, err);

	return r < 0 ? r : pt_change_apply(&w->env, &plan, &id, err);
}

static void nobody_waits_for_disks_that_a_guest_gets(void **state)
{
	assert_int_equal(attach(*state, NULL), 0);
	assert_int_equal(disks.asked, 0);
}

static void an_undo_waits_until_the_disks_are_back(void **state)
{
	assert_int_equal(attach(*state, NULL), 0);
	assert_int_equal(undo(*state, NULL), 0);
	assert_int_equal(disks.asked, 3);
	assert_string_equal(disks.text, CARRIED);
}

static void taking_back_a_failed_change_waits_too(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	w->cvm->dies = true;
	assert_true(attach(w, &err) < 0);
	assert_int_equal(disks.asked, 3);
}

static void disks_that_stay_away_are_no_failure(void **state)
{
	struct stage *w = *state;

	disks.come_at = 0;
	w->env.back_ms = 20;
	assert_int_equal(attach(w, NULL), 0);
	assert_int_equal(undo(w, NULL), 0);
	assert_true(disks.asked > 1);
}

static void die_when_both_are_bound(void *ctx, size_t index, size_t total, const struct pt_step *step,
				    enum pt_progress_state state)
{
	(void)ctx;
	(void)index;
	(void)total;
	if (step->kind == PT_STEP_VM_DEFINE && state == PT_PROGRESS_BEGIN)
		_exit(FAULT_EXIT);
}

static int attach_and_die(struct stage *w)
{
	stage_open(w);
	w->env.progress = die_when_both_are_bound;
	return attach(w, NULL) == 0 ? 0 : 1;
}

/* a boot's unit has a limit, whatever the number of cards */
static void at_boot_all_disks_are_waited_for_at_once(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	long long begun;

	w->both = true;
	w->nic->group = w->hba->group;
	stage_close(w);
	assert_int_equal(stage_in_child(w, attach_and_die), FAULT_EXIT);
	assert_string_equal(w->nic->driver, "vfio-pci");
	stage_open(w);
	disks.come_at = 0;
	w->env.back_ms = 1500;
	w->env.host_only = true;
	begun = pt_watch_now_ms();
	if (pt_change_recover(&w->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_in_range(pt_watch_now_ms() - begun, 1500, 2900);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_string_equal(w->nic->driver, "igb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_waits_for_disks_that_a_guest_gets, setup, teardown),
		cmocka_unit_test_setup_teardown(an_undo_waits_until_the_disks_are_back, setup, teardown),
		cmocka_unit_test_setup_teardown(taking_back_a_failed_change_waits_too, setup, teardown),
		cmocka_unit_test_setup_teardown(disks_that_stay_away_are_no_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(at_boot_all_disks_are_waited_for_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
