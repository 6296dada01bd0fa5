/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual functions made, set and taken back, with every write failing, and killed at every write. */
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
#include "change/run.h"
#include "host/sriov-set.h"
#include "stage.h"

#define PF "0000:02:00.0"

static struct pt_step *add_step(const struct stage *w, struct pt_plan *plan, enum pt_step_kind kind)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->bdf = w->nic->bdf;
	s->vendor = w->nic->ids[0];
	s->device = w->nic->ids[1];
	s->subvendor = w->nic->ids[2];
	s->subdevice = w->nic->ids[3];
	return s;
}

/* from how it is now to @after, and kept */
static void plan_to(struct stage *w, const char *after, struct pt_plan *plan)
{
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	struct pt_step *s = add_step(w, plan, PT_STEP_SRIOV);

	plan->verb = pt_strdup("sriov");
	plan->summary = pt_strdup("virtual functions");
	assert_int_equal(pt_sriov_look(&w->host, w->nic->bdf, &now, NULL), 0);
	s->state_before = pt_sriov_state_text(&now);
	s->state_after = pt_strdup(after);
	s = add_step(w, plan, PT_STEP_SRIOV_KEEP);
	s->state_after = pt_strf("address=%s\nid=8086:10c9 subsystem=1028:1f49\nvfs=7\n", PF);
}

static int go(struct stage *w, const char *after, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	plan_to(w, after, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static const char seven[] = "vfs=7\nautoprobe=off\nvf=2 mac=52:54:00:00:00:02 vlan=42 qos=0\n";

static int setup(void **state)
{
	struct stage *w = stage_new();

	fakekernel_sriov(w->nic, 7);
	stage_open(w);
	*state = w;
	return 0;
}

static void assert_same(const struct stage *w, const char *expected, const char *when, unsigned n)
{
	pt_autofree char *now = stage_text(w);

	if (strcmp(now, expected) != 0)
		fail_msg("%s %u:\n%s\ninstead of\n%s", when, n, now, expected);
}

static void seven_are_made_without_a_driver_and_undone(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = stage_text(w);
	pt_autofree char *after = NULL;

	if (go(w, seven, &err) < 0)
		fail_msg("%s", err.msg);
	after = stage_text(w);
	assert_int_equal(w->nic->vfs_now, 7);
	assert_false(w->nic->autoprobe);
	assert_non_null(strstr(after, PF " vf 2 mac=52:54:00:00:00:02 vlan=42"));
	for (unsigned i = 0; i < w->kernel->n_devices; i++)
		if (w->kernel->devices[i].is_vf)
			assert_string_equal(w->kernel->devices[i].driver, "");
	assert_int_equal(stage_make_undo(w, 0, &err), 0);
	assert_same(w, before, "undone", 0);
}

static void with_autoprobe_each_has_a_driver(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	assert_int_equal(go(w, "vfs=3\nautoprobe=on\n", &err), 0);
	for (unsigned i = 0; i < w->kernel->n_devices; i++)
		if (w->kernel->devices[i].is_vf)
			assert_string_equal(w->kernel->devices[i].driver, "igbvf");
}

/* two VFs with a VLAN, one bound for a guest */
static void make_two(struct stage *w)
{
	struct pt_error err = { 0 };
	struct fakekernel_device *vf;

	assert_int_equal(go(w, "vfs=2\nautoprobe=off\nvf=1 mac=52:54:00:00:00:01 vlan=7 qos=0 trust=on\n", &err), 0);
	vf = &w->kernel->devices[w->kernel->n_devices - 1];
	(void)snprintf(vf->driver, sizeof(vf->driver), "vfio-pci");
	(void)snprintf(vf->override, sizeof(vf->override), "vfio-pci");
}

static int more(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	plan_to(w, seven, &plan);
	plan.steps.n--;
	pt_step_done(&plan.steps.v[1]);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static void the_vfs_that_were_there_come_back_as_they_were(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	make_two(w);
	before = stage_text(w);
	assert_int_equal(more(w, &err), 0);
	assert_int_equal(w->nic->vfs_now, 7);
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_same(w, before, "undone", 0);
}

static void vfs_of_which_one_is_held_are_not_taken_away(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	make_two(w);
	before = stage_text(w);
	(void)snprintf(w->kernel->devices[w->kernel->n_devices - 1].held_by, 32, "cvm");
	assert_int_equal(more(w, &err), -EBUSY);
	stage_says(&err, "VF 1 (0000:02:10.2) is in use: /dev/vfio/51 open by cvm");
	stage_says(&err, "everything is as it was");
	assert_same(w, before, "held", 0);
}

/*
 * @change with its first write failing, then its second, …: as it was each time, or, where another try with the link up
 * made it good, made and undone
 */
static void fail_each(struct stage *w, int (*change)(struct stage *w, struct pt_error *err))
{
	pt_autofree char *before = stage_text(w);
	unsigned failed = 0;
	unsigned count;
	unsigned n = 0;

	do {
		struct pt_error err = { 0 };
		int r;

		*w->fault = (struct fault){ .fail_at = ++n };
		r = change(w, &err);
		count = w->fault->count;
		*w->fault = (struct fault){ 0 };
		if (r < 0 && !strstr(err.msg, "\neverything is as it was"))
			fail_msg("write %u: %s", n, err.msg);
		failed += r < 0;
		if (r == 0 && count >= n && stage_make_undo(w, 0, &err) < 0)
			fail_msg("undo after write %u: %s", n, err.msg);
		if (count >= n)
			assert_same(w, before, "write failing", n);
	} while (count >= n && n < 60);
	assert_in_range(n, 5, 59);
	assert_in_range(failed, 2, 59);
}

static void whatever_write_fails_everything_is_as_it_was(void **state)
{
	struct stage *w = *state;

	make_two(w);
	fail_each(w, more);
	assert_int_equal(w->nic->vfs_now, 7);
}

static int killed(struct stage *w)
{
	stage_open(w);
	return go(w, seven, NULL) == 0 ? 0 : 1;
}

static void killed_at_any_write_recover_makes_it_whole(void **state)
{
	struct stage *w = *state;
	pt_autofree char *before = stage_text(w);
	unsigned died = 0;

	stage_close(w);
	for (unsigned n = 1; n < 30; n++) {
		unsigned settled = 0;
		struct pt_error err = { 0 };
		int r;

		*w->fault = (struct fault){ .die_before = n % 2 ? n / 2 + 1 : 0, .die_after = n % 2 ? 0 : n / 2 };
		r = stage_in_child(w, killed);
		*w->fault = (struct fault){ 0 };
		if (r == 0)
			break;
		assert_int_equal(r, FAULT_EXIT);
		died++;
		stage_open(w);
		r = pt_change_recover(&w->env, &settled, &err);
		if (r < 0)
			fail_msg("killed at %u: %s", n, err.msg);
		stage_close(w);
		/* when its last write was made, it may be finished instead */
		if (w->nic->vfs_now == 0)
			assert_same(w, before, "killed at", n);
		else
			break;
	}
	assert_in_range(died, 5, 29);
}

static void undone_after_a_reboot_that_took_them_is_said_so(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };

	assert_int_equal(go(w, seven, &err), 0);
	fakekernel_reboot(w->kernel);
	assert_int_equal(w->nic->vfs_now, 0);
	assert_int_equal(pt_change_undo_plan(&w->env, 0, &plan, &err), 0);
	/* what is kept is there still */
	assert_int_equal(plan.steps.n, 1);
	assert_int_equal(plan.steps.v[0].kind, PT_STEP_SRIOV_KEEP);
	assert_non_null(strstr(plan.findings.v[0].fact, "as before again"));
}

static void fewer_than_asked_is_a_failure_and_taken_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = stage_text(w);

	w->nic->vfs_short = 2;
	assert_int_equal(go(w, seven, &err), -EIO);
	stage_says(&err, PF " has 5 virtual functions after 7 were asked for");
	w->nic->vfs_short = 0;
	assert_same(w, before, "short", 0);
}

static void a_vf_that_comes_late_is_waited_for(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	w->nic->vfs_slow = true;
	w->host.settle_ms = 500;
	if (go(w, seven, &err) < 0)
		fail_msg("%s", err.msg);
}

static void a_setting_that_the_driver_refuses_takes_all_of_them_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	pt_autofree char *before = NULL;
	struct pt_step *s;
	long long id = 0;

	make_two(w);
	before = stage_text(w);
	s = add_step(w, &plan, PT_STEP_SRIOV);
	plan.verb = pt_strdup("vf");
	plan.summary = pt_strdup("settings");
	s->state_before = pt_strdup("vf=0 vlan=0 qos=0 trust=off link=auto\n");
	s->state_after = pt_strdup("vf=0 vlan=42 qos=0 trust=on link=off\n");
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -EOPNOTSUPP);
	stage_says(&err, "link state");
	assert_same(w, before, "refused", 0);
}

static void what_somebody_changed_meanwhile_is_not_overwritten(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	make_two(w);
	plan_to(w, seven, &plan);
	w->nic->vf[1].vlan = 8;
	assert_int_equal(pt_change_apply(&w->env, &plan, &id, &err), -ESTALE);
	stage_says(&err, "VLAN of VF 1");
	assert_int_equal(w->nic->vfs_now, 2);
}

static void another_change_may_not_touch_a_vf_that_one_has_in_its_hands(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_step) count = { .kind = PT_STEP_SRIOV };
	PT_AUTO(pt_step) bind = { .kind = PT_STEP_DRIVER };

	(void)w;
	assert_int_equal(pt_bdf_parse(PF, &count.bdf), 0);
	count.state_before = pt_strdup("vfs=2\nvf=0 address=0000:02:10.0\nvf=1 address=0000:02:10.2\n");
	assert_int_equal(pt_bdf_parse("0000:02:10.2", &bind.bdf), 0);
	assert_true(pt_steps_overlap(&count, &bind));
	assert_true(pt_steps_overlap(&bind, &count));
	assert_int_equal(pt_bdf_parse("0000:02:10.4", &bind.bdf), 0);
	assert_false(pt_steps_overlap(&count, &bind));
}

static void remember_warning(void *ctx, const char *text)
{
	struct stage *w = ctx;

	(void)snprintf(w->waited_for, sizeof(w->waited_for), "%s", text);
}

/* as igb: seven VFs, one of them with a rate, which it takes only while the link is up */
static void make_seven_with_a_rate(struct stage *w)
{
	struct pt_error err = { 0 };

	w->env.ctx = w;
	w->env.warn = remember_warning;
	w->waited_for[0] = '\0';
	w->nic->rate_most = 1000;
	if (go(w, "vfs=7\nautoprobe=off\nvf=1 mac=52:54:00:00:00:01 vlan=7 qos=0 min_rate=0 max_rate=100\n", &err) < 0)
		fail_msg("%s", err.msg);
}

/* to three, VF 1 among them, as decide/sriov.c plans it; @line: what VF 1 must be */
static int shrink(struct stage *w, const char *line, struct pt_error *err)
{
	pt_autofree char *after = pt_strf("vfs=3\nautoprobe=off\n%s\n", line);
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	plan_to(w, after, &plan);
	plan.steps.n--;
	pt_step_done(&plan.steps.v[1]);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static const char with_rate[] = "vf=1 mac=52:54:00:00:00:01 vlan=7 qos=0 min_rate=0 max_rate=100";

static void a_rate_that_wants_the_link_waits_for_its_carrier(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	make_seven_with_a_rate(w);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
	before = stage_text(w);
	if (shrink(w, with_rate, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vfs_now, 3);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
	assert_string_equal(w->waited_for, "");
	assert_int_equal(stage_make_undo(w, 0, &err), 0);
	assert_same(w, before, "undone", 0);
}

static void a_carrier_that_is_told_too_long_is_not_believed(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	make_seven_with_a_rate(w);
	w->host.settle_ms = 2000;
	w->nic->stale_looks = 4;
	if (shrink(w, with_rate, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
	assert_string_equal(w->waited_for, "");
}

static void a_rate_sets_an_interface_up_that_is_down(void **state)
{
	struct stage *w = *state;

	w->nic->link_down = true;
	make_seven_with_a_rate(w);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
	assert_false(w->nic->link_down);
}

static void without_a_cable_the_rate_is_missed_and_said(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	make_seven_with_a_rate(w);
	w->nic->no_cable = true;
	if (shrink(w, with_rate, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vfs_now, 3);
	assert_int_equal(w->nic->vf[1].vlan, 7);
	assert_int_equal(w->nic->vf[1].max_rate, 0);
	assert_non_null(strstr(w->waited_for, "VF 1 of " PF " is without its rate"));
	assert_non_null(strstr(w->waited_for, "no carrier"));
	/* and taken back: with the cable in, the rate comes back too */
	w->nic->no_cable = false;
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vfs_now, 7);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
}

static void a_rate_that_a_network_demands_is_not_missed(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *line = pt_strf("%s must=vlan,rate", with_rate);

	make_seven_with_a_rate(w);
	w->nic->rate_never = true;
	/* what was before cannot have its rate back either: that is said, and nothing is left half done */
	assert_int_equal(shrink(w, line, &err), -EINVAL);
	stage_says(&err, "everything is as it was");
	assert_int_equal(w->nic->vfs_now, 7);
	assert_int_equal(w->nic->vf[1].vlan, 7);
	assert_non_null(strstr(w->waited_for, "without its rate"));
}

static void what_keeps_guests_apart_is_never_missed(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	make_seven_with_a_rate(w);
	w->nic->refuses_vlan = true;
	assert_int_equal(shrink(w, with_rate, &err), -EINTR);
	stage_says(&err, "VLAN");
	w->nic->refuses_vlan = false;
	{
		unsigned settled = 0;

		assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
		assert_int_equal(w->nic->vfs_now, 7);
		assert_int_equal(w->nic->vf[1].vlan, 7);
		assert_int_equal(w->nic->vf[1].max_rate, 100);
	}
}

static int set_rate(struct stage *w, unsigned rate, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_step *s = add_step(w, &plan, PT_STEP_SRIOV);
	long long id = 0;

	plan.verb = pt_strdup("vf");
	plan.summary = pt_strdup("settings");
	s->state_before = pt_strdup("vf=1 min_rate=0 max_rate=100\n");
	s->state_after = pt_strf("vf=1 min_rate=0 max_rate=%u\n", rate);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static void a_rate_that_is_asked_for_is_had_or_refused(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	make_seven_with_a_rate(w);
	before = stage_text(w);
	/* more than the link has: no matter of waiting */
	assert_int_equal(set_rate(w, 2000, &err), -EINVAL);
	assert_same(w, before, "too much", 0);
	w->nic->no_cable = true;
	assert_int_equal(set_rate(w, 200, &err), -EINVAL);
	stage_says(&err, "no carrier");
	w->nic->no_cable = false;
	assert_same(w, before, "no cable", 0);
	/* set up for it, refused all the same, and down again */
	w->nic->link_down = true;
	assert_int_equal(set_rate(w, 2000, &err), -EINVAL);
	assert_true(w->nic->link_down);
	assert_int_equal(set_rate(w, 200, &err), 0);
	assert_int_equal(w->nic->vf[1].max_rate, 200);
}

static void a_vf_in_its_reset_is_asked_again(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	w->host.settle_ms = 2000;
	w->nic->again = 3;
	if (go(w, seven, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vf[2].vlan, 42);
}

/* VF 0 has no MAC, and gets one and a VLAN */
static int give_mac(struct stage *w, const char *vlan, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_step *s = add_step(w, &plan, PT_STEP_SRIOV);
	long long id = 0;

	plan.verb = pt_strdup("vf");
	plan.summary = pt_strdup("settings");
	s->state_before = pt_strdup("vf=0 mac=00:00:00:00:00:00 vlan=0 qos=0\n");
	s->state_after = pt_strf("vf=0 mac=52:54:00:00:00:07 vlan=%s qos=0\n", vlan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static void no_mac_that_the_driver_will_not_have_back_is_missed_and_said(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	make_seven_with_a_rate(w);
	memset(w->nic->vf[0].mac, 0, 6);
	w->nic->refuses_no_mac = true;
	w->nic->refuses_vlan = true;
	/* the VLAN is refused, and the MAC stays: nothing is stuck */
	assert_int_equal(give_mac(w, "9", &err), -EINVAL);
	stage_says(&err, "everything is as it was");
	assert_non_null(strstr(w->waited_for, "VF 0 of " PF " keeps a MAC, and had none before"));
	memset(w->nic->vf[0].mac, 0, 6);
	w->nic->refuses_vlan = false;
	w->waited_for[0] = '\0';
	assert_int_equal(give_mac(w, "9", &err), 0);
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	assert_non_null(strstr(w->waited_for, "VF 0 of " PF " keeps a MAC, and had none before"));
}

static void a_request_that_hangs_is_not_waited_for(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;

	make_seven_with_a_rate(w);
	w->nic->netlink_hangs = true;
	assert_int_equal(shrink(w, with_rate, &err), -EINTR);
	stage_says(&err, "did not return");
	w->nic->netlink_hangs = false;
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(w->nic->vfs_now, 7);
	assert_int_equal(w->nic->vf[1].max_rate, 100);
}

static int shrink_with_rate(struct stage *w, struct pt_error *err)
{
	return shrink(w, with_rate, err);
}

static void whatever_fails_on_the_way_the_rate_comes_back(void **state)
{
	struct stage *w = *state;

	make_seven_with_a_rate(w);
	fail_each(w, shrink_with_rate);
	assert_int_equal(w->nic->vfs_now, 3);
}

static void assert_online(const struct stage *w, unsigned vfs, unsigned queues, unsigned interrupts)
{
	const struct fakekernel_nvme *n = &w->nic->nvme;

	assert_int_equal(w->nic->vfs_now, vfs);
	for (unsigned i = 0; i < vfs; i++) {
		assert_true(n->online[i]);
		assert_int_equal(n->given[i][0], queues);
		assert_int_equal(n->given[i][1], interrupts);
	}
}

static void controllers_behind_vfs_share_what_there_is_and_are_online(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	fakekernel_nvme(w->nic, 8, 4);
	before = stage_text(w);
	if (go(w, "vfs=4\nautoprobe=off\n", &err) < 0)
		fail_msg("%s", err.msg);
	assert_online(w, 4, 2, 1);
	assert_int_equal(w->nic->nvme.own[0], 0);
	assert_int_equal(w->nic->nvme.resets, 1);
	if (stage_make_undo(w, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_same(w, before, "undone", 0);
}

/* to three VFs from two, of which one has more than its share */
static void make_two_controllers(struct stage *w)
{
	struct pt_error err = { 0 };

	fakekernel_nvme(w->nic, 12, 12);
	if (go(w, "vfs=2\nautoprobe=off\nown-queues=3\nvf=0 queues=6 interrupts=2\nvf=1 queues=3 interrupts=5\n",
	       &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->nic->nvme.given[0][0], 6);
	assert_int_equal(w->nic->nvme.given[1][1], 5);
}

static int three_controllers(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	plan_to(w, "vfs=3\nautoprobe=off\n", &plan);
	plan.steps.n--;
	pt_step_done(&plan.steps.v[1]);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static void controllers_come_back_with_what_they_had_whatever_fails(void **state)
{
	struct stage *w = *state;

	make_two_controllers(w);
	fail_each(w, three_controllers);
	assert_online(w, 3, 4, 4);
}

static void the_hosts_driver_finds_controllers_that_are_online(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	fakekernel_nvme(w->nic, 8, 4);
	if (go(w, "vfs=2\nautoprobe=on\n", &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(w->nic->autoprobe);
	for (unsigned i = 0; i < w->kernel->n_devices; i++)
		if (w->kernel->devices[i].is_vf)
			assert_string_equal(w->kernel->devices[i].driver, "igbvf");
}

static void a_controller_that_does_not_tell_is_no_card_of_another_kind(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	fakekernel_nvme(w->nic, 8, 4);
	before = stage_text(w);
	w->nic->nvme.mute = -EIO;
	assert_true(go(w, "vfs=4\nautoprobe=off\n", &err) < 0);
	stage_says(&err, "the controller does not tell");
	w->nic->nvme.mute = 0;
	{
		unsigned settled = 0;

		assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	}
	assert_same(w, before, "mute", 0);
}

static void more_vfs_than_there_is_for_are_taken_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	pt_autofree char *before = NULL;

	fakekernel_nvme(w->nic, 8, 4);
	before = stage_text(w);
	assert_int_equal(go(w, "vfs=5\nautoprobe=off\n", &err), -ENOSPC);
	stage_says(&err, "for 4 virtual functions, not for 5");
	assert_same(w, before, "too many", 0);
	w->nic->nvme.never_online = true;
	assert_int_equal(go(w, "vfs=2\nautoprobe=off\n", &err), -EIO);
	stage_says(&err, "is offline");
	assert_same(w, before, "offline", 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seven_are_made_without_a_driver_and_undone),
		TEST(with_autoprobe_each_has_a_driver),
		TEST(the_vfs_that_were_there_come_back_as_they_were),
		TEST(vfs_of_which_one_is_held_are_not_taken_away),
		TEST(whatever_write_fails_everything_is_as_it_was),
		TEST(killed_at_any_write_recover_makes_it_whole),
		TEST(undone_after_a_reboot_that_took_them_is_said_so),
		TEST(fewer_than_asked_is_a_failure_and_taken_back),
		TEST(a_vf_that_comes_late_is_waited_for),
		TEST(a_setting_that_the_driver_refuses_takes_all_of_them_back),
		TEST(what_somebody_changed_meanwhile_is_not_overwritten),
		TEST(a_rate_that_wants_the_link_waits_for_its_carrier),
		TEST(a_carrier_that_is_told_too_long_is_not_believed),
		TEST(a_rate_sets_an_interface_up_that_is_down),
		TEST(without_a_cable_the_rate_is_missed_and_said),
		TEST(a_rate_that_a_network_demands_is_not_missed),
		TEST(what_keeps_guests_apart_is_never_missed),
		TEST(a_rate_that_is_asked_for_is_had_or_refused),
		TEST(a_vf_in_its_reset_is_asked_again),
		TEST(no_mac_that_the_driver_will_not_have_back_is_missed_and_said),
		TEST(a_request_that_hangs_is_not_waited_for),
		TEST(whatever_fails_on_the_way_the_rate_comes_back),
		TEST(controllers_behind_vfs_share_what_there_is_and_are_online),
		TEST(controllers_come_back_with_what_they_had_whatever_fails),
		TEST(the_hosts_driver_finds_controllers_that_are_online),
		TEST(a_controller_that_does_not_tell_is_no_card_of_another_kind),
		TEST(more_vfs_than_there_is_for_are_taken_back),
		TEST(another_change_may_not_touch_a_vf_that_one_has_in_its_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
