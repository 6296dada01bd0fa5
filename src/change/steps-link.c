/* SPDX-License-Identifier: Apache-2.0 */
/* The step about a PF's network interface: up, and its MTU.  Neither outlives a boot. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "host/sriov-set.h"
#include "model/link-state.h"
#include "model/sriov.h"

/* a switch port takes seconds to agree on a speed; some settings of VFs are refused before it has */
#define CARRIER_MS 10000u

static int look(const struct pt_run *run, const struct pt_step *s, struct pt_pf_link *ret_link,
		struct pt_link_state *ret_now, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	int r = host->vf_read(host->ctx, s->bdf, ret_link, err);

	*ret_now = (struct pt_link_state){ .says_up = true, .up = ret_link->up, .mtu = ret_link->mtu };
	return r;
}

int pt_step_check_link(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state before = { 0 };
	struct pt_link_state now = { 0 };
	pt_autofree char *is = NULL;
	int r = pt_bind_check(run->env->host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(s->state_before, &before, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || pt_link_state_is(&before, &now))
		return r;
	is = pt_link_state_text(&now);
	(void)pt_say(err, -ESTALE, "%s, the interface of %s, was changed meanwhile: %s now; expected was %s", link.name,
		     pt_bdf_str(s->bdf).s, is, s->state_before);
	pt_refused_by(err, "link-changed", false);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return -ESTALE;
}

/* a cable that is not plugged in is no failure: who needs the carrier says so */
static void wait_for_carrier(struct pt_run *run, const struct pt_step *s)
{
	const struct pt_host_ops *host = run->env->host;
	long long end = pt_watch_now_ms() + CARRIER_MS;

	for (;;) {
		PT_AUTO(pt_pf_link) link = { 0 };

		if (host->vf_read(host->ctx, s->bdf, &link, NULL) < 0 || link.carrier || pt_watch_now_ms() >= end)
			return;
		pt_run_pause(run, PT_WATCH_KERNEL);
	}
}

static int make(struct pt_run *run, const struct pt_step *s, const char *text, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	PT_AUTO(pt_pf_link) link = { 0 };
	PT_AUTO(pt_pf_link) after = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state want = { 0 };
	struct pt_link_state now = { 0 };
	int r = pt_bind_check(host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(text, &want, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || pt_link_state_is(&want, &now))
		return r;
	r = host->link_write(host->ctx, s->bdf, &want, err);
	if (r == 0)
		r = look(run, s, &after, &now, err);
	if (r == 0 && !pt_link_state_is(&want, &now))
		return pt_say(err, -EIO, "%s was told %s, and is not so", after.name, text);
	if (r == 0 && want.says_up && want.up)
		wait_for_carrier(run, s);
	return r;
}

int pt_step_make_link(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	return make(run, s, s->state_after, err);
}

/* a card that goes down takes every VF along; another MTU only matters to a guest that has one by this change */
static int check_held(const struct pt_run *run, const struct pt_step *s, const char *name, bool goes_down,
		      struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) vfs = PT_SRIOV_STATE_UNSAID;
	int r = pt_sriov_look(run->env->host, s->bdf, &vfs, err);

	for (size_t i = 0; i < vfs.v.n && r == 0; i++) {
		const struct pt_vf_state *vf = &vfs.v.v[i];
		pt_autofree char *who = vf->has_address ? pt_step_who_has(run, vf->bdf, goes_down) : NULL;

		if (!who)
			continue;
		r = pt_say(err, -EBUSY, "%s, the interface of %s, is left as it is: its VF %u (%s) is in use: %s", name,
			   pt_bdf_str(s->bdf).s, vf->index, pt_bdf_str(vf->bdf).s, who);
		pt_refused_by(err, "vf-in-use", false);
		pt_hint(err, "shut that VM down, then run `passthru recover`");
	}
	return r;
}

/*
 * Somebody has set it since.  A change that was cut off, or could not be taken back, may have it in the middle between
 * what was and what is to be.
 */
static bool is_changed(const struct pt_step_row *row, const struct pt_link_state *before,
		       const struct pt_link_state *after, const struct pt_link_state *now)
{
	if (row->state == PT_STEP_DONE)
		return !pt_link_state_is(after, now);
	return after->mtu && now->mtu != after->mtu && now->mtu != before->mtu;
}

static int take_back(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	PT_AUTO(pt_pf_link) link = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state before = { 0 };
	struct pt_link_state after = { 0 };
	struct pt_link_state now = { 0 };
	int r = pt_bind_check(run->env->host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(s->state_before, &before, err);
	if (r == 0)
		r = pt_link_state_parse(s->state_after, &after, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || pt_link_state_is(&before, &now))
		return r;
	if (is_changed(row, &before, &after, &now)) {
		pt_autofree char *is = pt_link_state_text(&now);
		pt_autofree char *text =
			pt_strf("%s, the interface of %s, is left as it is: %s, which somebody set since", link.name,
				pt_bdf_str(s->bdf).s, is);

		if (run->env->warn)
			run->env->warn(run->env->ctx, text);
		return 0;
	}
	r = check_held(run, s, link.name, before.says_up && !before.up && now.up, err);
	return r < 0 ? r : make(run, s, s->state_before, err);
}

/* does this change keep an MTU for the PF, which `passthru boot` then sets? */
static bool is_kept(const struct pt_run *run, const struct pt_step *s)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *other = &run->record.steps.v[i].step;
		PT_AUTO(pt_sriov_state) kept = PT_SRIOV_STATE_UNSAID;

		if (other->kind == PT_STEP_SRIOV_KEEP && pt_bdf_eq(other->bdf, s->bdf) && other->state_after &&
		    pt_sriov_state_parse(other->state_after, &kept, NULL) == 0 && pt_sriov_state_mtu(&kept))
			return true;
	}
	return false;
}

/* what that boot was told to give it is taken back, unless it did not, or somebody has set another since */
static int take_back_mtu(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	PT_AUTO(pt_pf_link) link = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state before = { 0 };
	struct pt_link_state after = { 0 };
	struct pt_link_state now = { 0 };
	int r = pt_bind_check(host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(s->state_before, &before, err);
	if (r == 0)
		r = pt_link_state_parse(s->state_after, &after, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || !before.mtu || now.mtu != after.mtu)
		return r;
	r = check_held(run, s, link.name, false, err);
	return r < 0 ? r : host->link_write(host->ctx, s->bdf, &(struct pt_link_state){ .mtu = before.mtu }, err);
}

/* after another boot the interface is as that boot made it: that is ours to take back only where we told it so */
int pt_step_unmake_link(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	if (run->rebooted)
		return is_kept(run, &row->step) ? take_back_mtu(run, &row->step, err) : 0;
	return take_back(run, row, err);
}
