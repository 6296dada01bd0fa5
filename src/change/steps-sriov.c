/* SPDX-License-Identifier: Apache-2.0 */
/* The steps about virtual functions: what a PF's are now, and what is kept of them across reboots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "host/sriov-set.h"

#define LOOK_AGAIN "give the command again: it will look anew and make another plan"

static int parse(const char *text, struct pt_sriov_state *ret, struct pt_error *err)
{
	return pt_sriov_state_parse(text ? text : "", ret, err);
}

static int stale(struct pt_error *err)
{
	pt_refused_by(err, "vfs-changed", false);
	pt_hint(err, "%s", LOOK_AGAIN);
	return -ESTALE;
}

/*
 * What the plan does not say may be as it likes; and where the VFs are made anew, what they may have to do without
 * (host/vf-set.h) has nothing to say: it may be missing since the change that is undone.
 */
static int compare_vf(const struct pt_step *s, const struct pt_vf_state *before, const struct pt_sriov_state *now,
		      bool made_anew, struct pt_error *err)
{
	struct pt_vf_settings expect = before->settings;
	const struct pt_vf_state *is = pt_sriov_state_vf(now, before->index);
	enum pt_vf_has differs;
	pt_autofree char *found = NULL;
	pt_autofree char *expected = NULL;

	if (!is || (before->has_address && !pt_bdf_eq(before->bdf, is->bdf)))
		(void)pt_say(err, -ESTALE, "VF %u of %s is %s now", before->index, pt_bdf_str(s->bdf).s,
			     is ? pt_bdf_str(is->bdf).s : "gone");
	if (!is || (before->has_address && !pt_bdf_eq(before->bdf, is->bdf)))
		return stale(err);
	if (made_anew)
		expect.has &= ~(unsigned)(PT_VF_RATE | PT_VF_LINK);
	differs = pt_vf_settings_differ(&expect, &is->settings);
	if (!differs)
		return 0;
	found = pt_vf_settings_text(&is->settings);
	expected = pt_vf_settings_text(&expect);
	(void)pt_say(err, -ESTALE, "the %s of VF %u of %s was changed meanwhile: %s now; expected was %s",
		     pt_vf_has_str(differs), before->index, pt_bdf_str(s->bdf).s, found, expected);
	return stale(err);
}

/* @text: the one of its two states that is asked for */
static int check_vfs(const struct pt_run *run, const struct pt_step *s, const char *text, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) want = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	int r = parse(text, &want, err);

	if (r == 0)
		r = pt_sriov_look(run->env->host, s->bdf, &now, err);
	if (r < 0)
		return r;
	if (want.vfs >= 0 && want.vfs != now.vfs) {
		(void)pt_say(err, -ESTALE, "%s has %d virtual functions now; expected were %d", pt_bdf_str(s->bdf).s,
			     now.vfs, want.vfs);
		return stale(err);
	}
	for (size_t i = 0; i < want.v.n && r == 0; i++)
		r = compare_vf(s, &want.v.v[i], &now, want.vfs >= 0, err);
	return r;
}

static char *kept_name(const struct pt_step *s)
{
	return pt_strf("%s.conf", pt_bdf_str(s->bdf).s);
}

/* NULL when nothing is kept */
static int read_kept(const struct pt_run *run, const struct pt_step *s, char **ret_text, struct pt_error *err)
{
	pt_autofree char *name = kept_name(s);
	const struct pt_host_ops *ops = run->env->host;
	struct pt_error why = { 0 };
	int r = ops->file_read(ops->ctx, PT_HOST_SRIOV, name, ret_text, &why);

	if (r == -ENOENT) {
		*ret_text = NULL;
		return 0;
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

static bool same_text(const char *a, const char *b)
{
	return pt_streq(a, b) || (!a && !b);
}

static int check_kept(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	pt_autofree char *now = NULL;
	int r = read_kept(run, s, &now, err);

	if (r < 0 || same_text(now, s->state_before))
		return r;
	(void)pt_say(err, -ESTALE, "what is kept of %s across reboots was changed meanwhile", pt_bdf_str(s->bdf).s);
	return stale(err);
}

int pt_step_check_sriov(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind card = pt_step_bind_before(s);
	int r = pt_bind_check(run->env->host, &card, err);

	if (r < 0)
		return r;
	return s->kind == PT_STEP_SRIOV ? check_vfs(run, s, s->state_before, err) : check_kept(run, s, err);
}

static int write_kept(struct pt_run *run, const struct pt_step *s, const char *text, struct pt_error *err)
{
	const struct pt_host_ops *ops = run->env->host;
	pt_autofree char *name = kept_name(s);
	pt_autofree char *now = NULL;
	int r = read_kept(run, s, &now, err);

	if (r < 0 || same_text(now, text))
		return r;
	return ops->file_write(ops->ctx, PT_HOST_SRIOV, name, text, err);
}

/* no MAC at all is never asked for: a step that leads there is an undo, or a detach */
static unsigned no_mac(const struct pt_vf_settings *s)
{
	static const uint8_t none[6] = { 0 };

	return (s->has & PT_VF_MAC) && memcmp(s->mac, none, sizeof(none)) == 0 ? PT_VF_MAC : 0;
}

/*
 * Settings that somebody asks for must all be had.  Where VFs are made again, or an earlier state comes back, one that
 * they can do without is missed and said: seven VFs of which one has no rate are better than none at all.
 */
static int make(struct pt_run *run, const struct pt_step *s, const char *text, bool strict, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) want = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_strv) missing = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	int r;

	if (s->kind == PT_STEP_SRIOV_KEEP)
		return write_kept(run, s, text, err);
	r = parse(text, &want, err);
	for (size_t i = 0; i < want.v.n && strict && want.vfs < 0; i++)
		want.v.v[i].settings.must = PT_VF_ALL & ~no_mac(&want.v.v[i].settings);
	if (r == 0)
		r = pt_sriov_make(run->env->host, &card, &want, &missing, err);
	for (size_t i = 0; i < missing.n && run->env->warn; i++)
		run->env->warn(run->env->ctx, missing.v[i]);
	return r < 0 ? r : 0;
}

int pt_step_make_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	return make(run, s, s->state_after, true, err);
}

/*
 * VFs go with the power, and their settings with them: those that this boot has not made have nothing to put back.
 * What is kept is made by `passthru boot`, which waits for the card's driver; recover's first part may come before it.
 * What an NVMe card's primary controller was left with outlives the power.
 */
static bool went_with_the_power(const struct pt_run *run, const struct pt_step *s)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;

	if (!run->rebooted || s->kind != PT_STEP_SRIOV || parse(s->state_before, &before, NULL) < 0 ||
	    pt_sriov_look(run->env->host, s->bdf, &now, NULL) < 0)
		return false;
	if (before.vfs >= 0)
		return now.vfs == 0 && before.own_queues < 0 && before.own_interrupts < 0;
	for (size_t i = 0; i < before.v.n; i++)
		if (pt_sriov_state_vf(&now, before.v.v[i].index))
			return false;
	return true;
}

char *pt_step_who_has(const struct pt_run *run, struct pt_bdf vf, bool anybody)
{
	const struct pt_host_ops *host = run->env->host;
	const char *vm = pt_run_still_has(run, vf);

	if (vm)
		return pt_strf("%s runs and may have it", vm);
	return anybody || pt_record_moves(&run->record, vf) ? host->holders(host->ctx, vf) : NULL;
}

/*
 * A guest that has a VF by this change, and did not shut down, keeps it as it was set up: without its VLAN it would be
 * in the network of the host.  What was set while a guest had it anyway is taken back as it was set.
 */
static int check_held(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	int r = parse(s->state_before, &before, err);

	if (r == 0)
		r = parse(s->state_after, &after, err);
	if (r == 0)
		r = pt_sriov_look(run->env->host, s->bdf, &now, err);
	for (size_t i = 0; i < now.v.n && r == 0; i++) {
		const struct pt_vf_state *vf = &now.v.v[i];
		bool named = pt_sriov_state_vf(&before, vf->index) || pt_sriov_state_vf(&after, vf->index);
		pt_autofree char *who = named && vf->has_address ? pt_step_who_has(run, vf->bdf, false) : NULL;

		if (!who)
			continue;
		r = pt_say(err, -EBUSY, "VF %u of %s (%s) is in use: %s: it is left as it is set", vf->index,
			   pt_bdf_str(s->bdf).s, pt_bdf_str(vf->bdf).s, who);
		pt_refused_by(err, "vf-in-use", false);
		pt_hint(err, "shut that VM down, then run `passthru recover`");
	}
	return r;
}

int pt_step_unmake_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind card = pt_step_bind_before(s);
	int r = 0;

	if (went_with_the_power(run, s))
		return 0;
	if (s->kind == PT_STEP_SRIOV)
		r = pt_bind_check(run->env->host, &card, err);
	if (r == 0 && s->kind == PT_STEP_SRIOV && check_vfs(run, s, s->state_before, NULL) < 0)
		r = check_held(run, s, err);
	return r < 0 ? r : make(run, s, s->state_before, false, err);
}

/* settings that it can do without are missed and said, as on the way back: nothing is left to go back to */
int pt_step_finish_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	int r;

	if (went_with_the_power(run, s))
		return 0;
	r = s->kind == PT_STEP_SRIOV && check_vfs(run, s, s->state_after, NULL) < 0 ? check_held(run, s, err) : 0;
	return r < 0 ? r : make(run, s, s->state_after, false, err);
}
