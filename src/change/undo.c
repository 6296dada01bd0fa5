/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that takes an earlier change back, if the world still is what that change left. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "change/run.h"
#include "decide/group.h"
#include "domxml/domxml.h"
#include "host/sriov-set.h"
#include "model/reservation.h"

struct undo {
	const struct pt_change_env *env;
	struct pt_change_record record;
	struct pt_strv vms; /* UUIDs whose running state was looked at already */
};

/* the newest that still stands and takes nothing back itself: `undo` twice goes two changes back, not to and fro */
static int newest(const struct pt_change_env *env, long long *ret_id, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(env->journal, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = list.n; i-- > 0;) {
		if (list.v[i].state != PT_CHANGE_DONE || list.v[i].undoes)
			continue;
		*ret_id = list.v[i].id;
		return 0;
	}
	return pt_usage(err, -ENOENT, "there is nothing to undo: no change of this host stands");
}

static int undone_by(const struct pt_change_env *env, long long id, long long *ret_by)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(env->journal, false, &list, NULL);

	*ret_by = 0;
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].undoes == id && list.v[i].state == PT_CHANGE_DONE)
			*ret_by = list.v[i].id;
	return r;
}

static int check_state(const struct pt_change_env *env, const struct pt_change_row *head, struct pt_error *err)
{
	long long by = 0;
	int r;

	switch (head->state) {
	case PT_CHANGE_DONE:
		return 0;
	case PT_CHANGE_FAILED:
		return pt_usage(err, -EINVAL, "change %lld (%s) was not made: there is nothing to undo", head->id,
				head->summary);
	case PT_CHANGE_UNDONE:
		(void)undone_by(env, head->id, &by);
		if (!by)
			return pt_usage(err, -EINVAL, "change %lld (%s) took itself back: there is nothing to undo",
					head->id, head->summary);
		r = pt_usage(err, -EINVAL, "change %lld (%s) is undone already, by change %lld", head->id,
			     head->summary, by);
		pt_hint(err, "`passthru undo %lld` makes it again", by);
		return r;
	case PT_CHANGE_OPEN:
		if (pt_owner_alive(env->proc_fd, &head->owner))
			return pt_refuse(err, "change-open", "change %lld (%s) is being made right now by process %d",
					 head->id, head->summary, head->owner.pid);
		break;
	default:
		break;
	}
	r = pt_refuse(err, "change-unsettled", "change %lld (%s) %s", head->id, head->summary,
		      head->state == PT_CHANGE_OPEN ? "was cut off" : "could not be taken back completely");
	pt_hint(err, "`passthru recover` settles it");
	return r;
}

static int refuse_later(const struct pt_change_row *head, const struct pt_change_row *later, const struct pt_step *s,
			struct pt_error *err)
{
	pt_autofree char *object = s->vm ? pt_strf("the VM %s", s->vm) : pt_strdup(pt_bdf_str(s->bdf).s);
	int r = pt_refuse(err, "undo-later",
			  "change %lld cannot be undone: change %lld (%s) came later and is about %s too", head->id,
			  later->id, later->summary, object);

	pt_hint(err, "undo that one first: `passthru undo %lld`", later->id);
	return r;
}

static int check_one_later(const struct undo *u, const struct pt_change_row *later, struct pt_error *err)
{
	PT_AUTO(pt_change_record) other = { 0 };
	int r = pt_journal_get(u->env->journal, later->id, &other, err);

	for (size_t i = 0; i < u->record.steps.n && r == 0; i++)
		for (size_t k = 0; k < other.steps.n && r == 0; k++)
			if (pt_steps_overlap(&u->record.steps.v[i].step, &other.steps.v[k].step))
				r = refuse_later(&u->record.head, later, &u->record.steps.v[i].step, err);
	return r;
}

/* an undo that is done and the change it took back cancel each other; what is open or stuck is in the way, too */
static int check_later(const struct undo *u, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(u->env->journal, false, &list, err);

	for (size_t i = 0; i < list.n && r == 0; i++) {
		const struct pt_change_row *later = &list.v[i];
		bool stands = later->state == PT_CHANGE_OPEN || later->state == PT_CHANGE_STUCK ||
			      (later->state == PT_CHANGE_DONE && !later->undoes);

		if (later->id > u->record.head.id && stands)
			r = check_one_later(u, later, err);
	}
	return r;
}

static const char *or_none(const char *name)
{
	return name ? name : "none";
}

static bool same(const char *a, const char *b)
{
	return pt_streq(or_none(a), or_none(b));
}

/* for the reason, and by the name, that the check of a step gave */
static int cannot(const struct undo *u, const struct pt_error *why, struct pt_error *err)
{
	(void)pt_refuse(err, why->refusal[0] ? why->refusal : "identity", "change %lld cannot be undone: %s",
			u->record.head.id, why->msg);
	pt_hint(err, "%s", why->hint);
	return -EPERM;
}

/* what is as it was before the change needs no undoing: said, and passed over */
static int already(struct pt_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int already(struct pt_plan *plan, const char *format, ...)
{
	pt_autofree char *fact = NULL;
	va_list ap;

	va_start(ap, format);
	fact = pt_strfv(format, ap);
	va_end(ap);
	(void)pt_findings_add(&plan->findings, PT_NOTE, "as-before", NULL, NULL, "%s", fact);
	return 0;
}

static int invert_driver(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan,
			 struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	const char *expected = s->reprobe ? row->seen : s->driver_after;
	struct pt_bind want = pt_step_bind_before(s);
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;
	struct pt_error why = { 0 };
	struct pt_step inverse;
	bool undecided;
	int r = pt_bind_check(u->env->host, &want, &why);

	if (r == -ESTALE || r == -ENODEV)
		return cannot(u, &why, err);
	if (r == 0)
		r = pt_bind_look(u->env->host, s->bdf, &driver, &override, &why);
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	if (same(driver, s->driver_before) && same(override, s->override_before))
		return already(plan, "%s has its old driver again, %s", pt_bdf_str(s->bdf).s, or_none(driver));
	undecided = !driver && pt_streq(override, PT_DRIVER_UNDECIDED) && s->driver_after &&
		    pt_driver_is_vfio(s->driver_after);
	if (undecided)
		(void)pt_findings_add(
			&plan->findings, PT_WARN, "undecided", NULL, "`passthru repair --probe` tells them apart first",
			"%s has no driver since this boot could not tell it from others of its kind: it is "
			"given back by its address alone",
			pt_bdf_str(s->bdf).s);
	/* a reboot may have put back the one and kept the other: both are ours to put back */
	else if ((!same(driver, expected) && !same(driver, s->driver_before)) ||
		 (!same(override, s->override_after) && !same(override, s->override_before))) {
		(void)pt_refuse(
			err, "driver-changed",
			"change %lld cannot be undone: %s was left with driver %s and driver_override %s, and has "
			"%s and %s now",
			u->record.head.id, pt_bdf_str(s->bdf).s, or_none(expected), or_none(s->override_after),
			or_none(driver), or_none(override));
		pt_hint(err, "somebody else has bound it since: put that back first, or bind it by hand");
		return -EPERM;
	}
	/* which of several it is nobody can tell then, and that is said above */
	r = undecided ? 0 : pt_undo_check_twin(u->env, &u->record, s->bdf, err);
	if (r == 0)
		r = pt_undo_check_unused(u->env, &u->record, s, driver, err);
	if (r < 0)
		return r;
	pt_step_invert(s, &inverse);
	pt_strset(&inverse.driver_before, driver);
	pt_strset(&inverse.override_before, override);
	pt_array_push(&plan->steps, inverse);
	return 0;
}

static int invert_define(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan,
			 struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	const char *left = row->seen ? row->seen : s->xml_after;
	pt_autofree char *now = NULL;
	pt_autofree char *diff = NULL;
	struct pt_error why = { 0 };
	struct pt_step inverse;
	int r = u->env->vm->get_xml(u->env->vm->ctx, s->vm_uuid, &now, &why);

	if (r == -ENOENT)
		return pt_refuse(err, "vm-gone", "change %lld cannot be undone: the VM %s (%s) is gone",
				 u->record.head.id, s->vm, s->vm_uuid);
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	if (pt_definitions_same(now, s->xml_before))
		return already(plan, "%s has its old definition again", s->vm);
	if (!pt_definitions_same(now, left)) {
		diff = pt_domxml_diff(left, now);
		(void)pt_refuse(
			err, "definition-changed",
			"change %lld cannot be undone: the definition of %s was edited since (- as it was left, + "
			"now):\n%.1500s",
			u->record.head.id, s->vm, diff ? diff : "?");
		pt_hint(err,
			"take that edit back with `virsh edit %s`, then undo; the original is backup/%lld-%s.xml "
			"beside the journal",
			pt_shell(s->vm).s, u->record.head.id, s->vm);
		return -EPERM;
	}
	pt_step_invert(s, &inverse);
	pt_strset(&inverse.xml_before, now);
	pt_array_push(&plan->steps, inverse);
	return 0;
}

static int invert_rest(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_run) probe = { .env = u->env };
	struct pt_step inverse;
	struct pt_error why = { 0 };
	int r;

	pt_step_invert(&row->step, &inverse);
	r = pt_step_check(&probe, &inverse, &why);
	/* with what the check found out: a reservation's text */
	pt_array_push(&plan->steps, inverse);
	if (r == -ESTALE)
		return cannot(u, &why, err);
	if (r < 0 && err)
		*err = why;
	return r;
}

static int invert_autostart(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan,
			    struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	struct pt_step inverse;
	bool now = false;
	int r = u->env->vm->autostart(u->env->vm->ctx, s->vm_uuid, -1, &now, err);

	if (r < 0)
		return r;
	if (now != s->flag)
		return already(plan, "autostart of %s is %s again", s->vm, now ? "on" : "off");
	pt_step_invert(s, &inverse);
	pt_array_push(&plan->steps, inverse);
	return 0;
}

/* after a reboot they may be as before by themselves: then there is nothing to take back */
static int invert_sriov(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_run) probe = { .env = u->env };
	const struct pt_step *s = &row->step;

	if (pt_step_check_sriov(&probe, s, NULL) == 0)
		return already(plan,
			       s->kind == PT_STEP_SRIOV ? "the virtual functions of %s are as before again"
							: "of %s is kept what was kept before again",
			       pt_bdf_str(s->bdf).s);
	return invert_rest(u, row, plan, err);
}

/* who needs a PF's interface beside those whom the change gave a VF: they are shut down first; the caller frees */
static char *who_needs(const struct undo *u, struct pt_bdf pf)
{
	const struct pt_host_ops *host = u->env->host;
	PT_AUTO(pt_sriov_state) vfs = PT_SRIOV_STATE_UNSAID;
	char *who = u->env->uses ? u->env->uses(u->env->ctx, pf) : NULL;

	/* VFs that cannot be seen are looked for again before the step is made */
	if (!who)
		(void)pt_sriov_look(host, pf, &vfs, NULL);
	for (size_t i = 0; i < vfs.v.n && !who; i++) {
		const struct pt_vf_state *vf = &vfs.v.v[i];
		pt_autofree char *holder = NULL;

		if (vf->has_address && !pt_record_moves(&u->record, vf->bdf))
			holder = host->holders(host->ctx, vf->bdf);
		if (holder)
			who = pt_strf("its VF %u (%s) is in use: %s", vf->index, pt_bdf_str(vf->bdf).s, holder);
	}
	return who;
}

/* what somebody made of it since is left: it is the host's interface as much as the VFs' */
static int invert_link(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan)
{
	PT_AUTO(pt_run) probe = { .env = u->env };
	const struct pt_step *s = &row->step;
	pt_autofree char *who = NULL;
	struct pt_step inverse;

	if (pt_step_check_link(&probe, s, NULL) == 0)
		return already(plan, "the network interface of %s is as before again", pt_bdf_str(s->bdf).s);
	pt_step_invert(s, &inverse);
	if (pt_step_check_link(&probe, &inverse, NULL) < 0) {
		pt_step_done(&inverse);
		return already(plan, "the network interface of %s is left as it is: it was changed since",
			       pt_bdf_str(s->bdf).s);
	}
	who = who_needs(u, s->bdf);
	if (who) {
		pt_step_done(&inverse);
		return already(plan, "the network interface of %s is left as it is: %s", pt_bdf_str(s->bdf).s, who);
	}
	pt_array_push(&plan->steps, inverse);
	return 0;
}

static int refuse_paused(const struct undo *u, const struct pt_step *s, struct pt_error *err)
{
	int r = pt_refuse(err, "vm-paused", "change %lld cannot be undone: %s is paused, and its guest hears nothing",
			  u->record.head.id, s->vm);

	pt_hint(err, "`virsh resume %s`, or shut it down: then it gets or loses %s with its definition",
		pt_shell(s->vm).s, pt_bdf_str(s->bdf).s);
	return r;
}

/* the address may have become another device's since */
static int check_meant(const struct undo *u, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind want = pt_step_bind_before(s);
	struct pt_error why = { 0 };
	int r = pt_bind_check(u->env->host, &want, &why);

	if (r == -ESTALE || r == -ENODEV)
		return cannot(u, &why, err);
	if (r < 0 && err)
		*err = why;
	return r;
}

/* while the VM runs, if it runs: one that is off gets or loses the device with its definition */
static int invert_plug(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_run) probe = { .env = u->env };
	const struct pt_step *s = &row->step;
	struct pt_error why = { 0 };
	struct pt_step inverse;
	enum pt_domain_state state = PT_DOMAIN_SHUTOFF;
	int has = u->env->vm->state(u->env->vm->ctx, s->vm_uuid, &state, &why);
	int r;

	if (has == 0)
		has = pt_step_vm_has(&probe, s, &why);
	if (has == -ESHUTDOWN)
		return 0;
	if (has < 0 && err)
		*err = why;
	if (has < 0)
		return has;
	if (has == (s->kind == PT_STEP_VM_UNPLUG))
		return already(plan, has ? "%s runs with %s again" : "%s runs without %s again", s->vm,
			       pt_bdf_str(s->bdf).s);
	if (state == PT_DOMAIN_PAUSED)
		return refuse_paused(u, s, err);
	pt_step_invert(s, &inverse);
	/* whose guest was asked, and when: that is the next change's own */
	pt_strset(&inverse.state_before, NULL);
	pt_strset(&inverse.state_after, NULL);
	pt_array_push(&plan->steps, inverse);
	if (inverse.kind != PT_STEP_VM_PLUG)
		return 0;
	r = check_meant(u, s, err);
	return r < 0 ? r : pt_undo_check_twin(u->env, &u->record, s->bdf, err);
}

/* it is another host's VM now, and what that host gave it is not ours to take */
static int refuse_moved(const struct undo *u, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_migrate_to) to = { 0 };
	int r = pt_refuse(err, "vm-migrated", "change %lld cannot be undone: %s was moved to another host",
			  u->record.head.id, s->vm);

	if (pt_migrate_to_parse(s->state_after ? s->state_after : "", &to, NULL) == 0)
		pt_hint(err, "it is at %s: `passthru migrate %s --to` this host, given there, brings it back", to.uri,
			s->vm);
	return r;
}

static int invert(const struct undo *u, const struct pt_step_row *row, struct pt_plan *plan, struct pt_error *err)
{
	switch (row->step.kind) {
	case PT_STEP_VM_STOP:
	case PT_STEP_VM_START:
		return 0; /* by what runs now: add_power() */
	case PT_STEP_RESET:
		return 0; /* what was in it is gone */
	case PT_STEP_RESERVE:
	case PT_STEP_UNRESERVE:
		return row->step.flag ? 0 : invert_rest(u, row, plan, err);
	case PT_STEP_DRIVER:
		return invert_driver(u, row, plan, err);
	case PT_STEP_VM_DEFINE:
		return invert_define(u, row, plan, err);
	case PT_STEP_SRIOV:
	case PT_STEP_SRIOV_KEEP:
		return invert_sriov(u, row, plan, err);
	case PT_STEP_LINK:
		return invert_link(u, row, plan);
	case PT_STEP_VM_AUTOSTART:
		return invert_autostart(u, row, plan, err);
	case PT_STEP_VM_MIGRATE:
		return refuse_moved(u, &row->step, err);
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_UNPLUG:
		return invert_plug(u, row, plan, err);
	default:
		return invert_rest(u, row, plan, err);
	}
}

/* did it run before the change?  1, 0; -1: the change neither stopped nor started it */
static int ran_before(const struct pt_change_record *record, const char *uuid)
{
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		if (s->kind == PT_STEP_VM_STOP && pt_streq(s->vm_uuid, uuid))
			return 1;
		if (s->kind == PT_STEP_VM_START && pt_streq(s->vm_uuid, uuid))
			return 0;
	}
	return -1;
}

/* what was done to it while it ran, or is about its next start alone, is taken back while it runs */
static bool runs_on(const struct pt_change_record *record, const char *uuid)
{
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		if ((pt_step_is_plug(s->kind) || (s->kind == PT_STEP_VM_DEFINE && s->flag)) &&
		    pt_streq(s->vm_uuid, uuid))
			return true;
	}
	return false;
}

static void power_step(struct pt_plan *plan, enum pt_step_kind kind, const struct pt_step *like)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->vm = pt_strdup_opt(like->vm);
	s->vm_uuid = pt_strdup_opt(like->vm_uuid);
}

/*
 * A VM that runs now is shut down before anything under it is changed.  Afterwards it runs if it ran before the change;
 * where the change had not touched that, if it runs now.
 */
static int add_power(struct undo *u, const struct pt_plan *middle, struct pt_plan *before, struct pt_plan *after,
		     struct pt_error *err)
{
	for (size_t i = 0; i < u->record.steps.n; i++) {
		const struct pt_step *s = &u->record.steps.v[i].step;
		enum pt_domain_state state;
		bool runs;
		int ran;
		int r;

		if (!s->vm_uuid || s->kind == PT_STEP_VM_AUTOSTART || s->kind == PT_STEP_RESERVE ||
		    s->kind == PT_STEP_UNRESERVE || runs_on(&u->record, s->vm_uuid) || pt_strv_has(&u->vms, s->vm_uuid))
			continue;
		r = u->env->vm->state(u->env->vm->ctx, s->vm_uuid, &state, err);
		if (r < 0)
			return r;
		pt_strv_add(&u->vms, s->vm_uuid);
		runs = state != PT_DOMAIN_SHUTOFF;
		ran = ran_before(&u->record, s->vm_uuid);
		if (runs && middle->steps.n == 0)
			continue;
		if (runs)
			power_step(before, PT_STEP_VM_STOP, s);
		if (ran == 1 || (ran < 0 && runs))
			power_step(after, PT_STEP_VM_START, s);
	}
	return 0;
}

static void move_steps(struct pt_plan *to, struct pt_plan *from)
{
	for (size_t i = 0; i < from->steps.n; i++)
		pt_array_push(&to->steps, from->steps.v[i]);
	from->steps.n = 0;
}

static int make_plan(struct undo *u, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_plan) middle = { 0 };
	PT_AUTO(pt_plan) last = { 0 };
	int r = 0;

	for (size_t i = u->record.steps.n; i-- > 0 && r == 0;)
		r = invert(u, &u->record.steps.v[i], &middle, err);
	if (r == 0)
		r = add_power(u, &middle, plan, &last, err);
	if (r < 0)
		return r;
	move_steps(plan, &middle);
	move_steps(plan, &last);
	plan->findings = middle.findings;
	middle.findings = (struct pt_findings){ 0 };
	plan->verb = pt_strdup("undo");
	plan->summary = pt_strf("undo change %lld: %s", u->record.head.id, u->record.head.summary);
	plan->undoes = u->record.head.id;
	return 0;
}

int pt_change_undo_plan(const struct pt_change_env *env, long long id, struct pt_plan *ret_plan, struct pt_error *err)
{
	struct undo u = { .env = env };
	PT_AUTO(pt_plan) plan = { 0 };
	int r = id ? 0 : newest(env, &id, err);

	if (r == 0)
		r = pt_journal_get(env->journal, id, &u.record, err);
	if (r == 0)
		r = check_state(env, &u.record.head, err);
	if (r == 0)
		r = check_later(&u, err);
	if (r == 0)
		r = make_plan(&u, &plan, err);
	pt_change_record_done(&u.record);
	pt_strv_done(&u.vms);
	if (r < 0)
		return r;
	*ret_plan = plan;
	plan = (struct pt_plan){ 0 };
	return 0;
}
