/* SPDX-License-Identifier: Apache-2.0 */
#include "change/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "domxml/domxml.h"
#include "model/sriov-state.h"

void pt_run_done(struct pt_run *run)
{
	pt_change_record_done(&run->record);
	pt_strv_done(&run->lost);
	pt_strv_done(&run->running);
	pt_strv_done(&run->given);
	free(run->forward);
	pt_strv_done(&run->fallen);
}

int pt_run_lock(struct pt_run *run, unsigned wait_ms, struct pt_error *err)
{
	const struct pt_change_env *env = run->env;
	struct pt_lock_wait wait = { wait_ms, env->ctx, env->waiting, env->interrupted };

	if (!env->lock)
		return 0;
	/* to get it back in the middle of a change is no choice: what was made must be finished or taken back under it
	 */
	if (wait_ms == PT_LOCK_FOREVER)
		wait.interrupted = NULL;
	return PT_WATCHED(env->watch, PT_WATCH_OTHERS, pt_lock_take(env->lock, run->what, &wait, err));
}

void pt_run_unlock(struct pt_run *run)
{
	if (run->env->lock)
		pt_lock_drop(run->env->lock);
}

void pt_run_pause(const struct pt_run *run, enum pt_watch_kind whom)
{
	unsigned ms = run->env->poll_ms ? run->env->poll_ms : 200;
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	/* a signal ends the pause early: the caller looks at the clock and at its reason to go on */
	(void)PT_WATCHED(run->env->watch, whom, nanosleep(&ts, NULL));
}

struct pt_bind pt_step_bind_before(const struct pt_step *s)
{
	return (struct pt_bind){
		.bdf = s->bdf,
		.driver = s->driver_before,
		.override = s->override_before,
		.vendor = s->vendor,
		.device = s->device,
		.subvendor = s->subvendor,
		.subdevice = s->subdevice,
		.timeout_ms = s->timeout_ms,
	};
}

struct pt_reservation pt_step_reservation(const struct pt_run *run, const struct pt_step *s)
{
	return (struct pt_reservation){
		.bdf = s->bdf,
		.vendor = s->vendor,
		.device = s->device,
		.subvendor = s->subvendor,
		.subdevice = s->subdevice,
		.driver = s->driver_after ? s->driver_after : "vfio-pci",
		.vm = s->vm,
		.change = run->record.head.id,
		.vm_uuid = s->vm_uuid,
		.identity = s->identity,
	};
}

static bool same_device(const struct pt_step *a, const struct pt_step *b)
{
	return pt_bdf_eq(a->bdf, b->bdf) && a->vendor == b->vendor && a->device == b->device &&
	       a->subvendor == b->subvendor && a->subdevice == b->subdevice;
}

bool pt_run_hands_over(const struct pt_run *run, const struct pt_step *s)
{
	bool earlier = true;

	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *o = &run->record.steps.v[i].step;

		if (o == s)
			earlier = false;
		else if (same_device(o, s) &&
			 ((s->kind == PT_STEP_RESERVE && earlier && o->kind == PT_STEP_UNRESERVE) ||
			  (s->kind == PT_STEP_UNRESERVE && !earlier && o->kind == PT_STEP_RESERVE)))
			return !(s->kind == PT_STEP_UNRESERVE ? s : o)->flag;
	}
	return false;
}

static bool is_device_step(const struct pt_step *s)
{
	return pt_step_is_device(s->kind);
}

/* is a step about this function, or, as one about a PF's virtual functions, about the VF that it is? */
static bool is_about(const struct pt_step *s, struct pt_bdf bdf)
{
	return is_device_step(s) && (pt_bdf_eq(s->bdf, bdf) || pt_sriov_text_names(s->state_before, bdf) ||
				     pt_sriov_text_names(s->state_after, bdf));
}

static bool edit_is_about(const struct pt_step *edit, const struct pt_step *s)
{
	if (pt_step_is_plug(edit->kind) && is_about(s, edit->bdf))
		return true;
	for (size_t i = 0; i < edit->edit.add_hostdevs.n; i++)
		if (is_about(s, edit->edit.add_hostdevs.v[i].bdf))
			return true;
	for (size_t i = 0; i < edit->edit.remove_hostdevs.n; i++)
		if (is_about(s, edit->edit.remove_hostdevs.v[i]))
			return true;
	return false;
}

/* a definition's edit names devices too: what goes into one VM may not be bound for another meanwhile */
bool pt_edit_names(const struct pt_step *s, struct pt_bdf bdf)
{
	if (pt_step_is_plug(s->kind) && pt_bdf_eq(s->bdf, bdf))
		return true;
	for (size_t i = 0; i < s->edit.add_hostdevs.n; i++)
		if (pt_bdf_eq(s->edit.add_hostdevs.v[i].bdf, bdf))
			return true;
	for (size_t i = 0; i < s->edit.remove_hostdevs.n; i++)
		if (pt_bdf_eq(s->edit.remove_hostdevs.v[i], bdf))
			return true;
	for (size_t i = 0; i < s->edit.move_hostdevs.n; i++)
		if (pt_bdf_eq(s->edit.move_hostdevs.v[i].from, bdf) || pt_bdf_eq(s->edit.move_hostdevs.v[i].to, bdf))
			return true;
	return false;
}

static bool edits_devices(enum pt_step_kind kind)
{
	return kind == PT_STEP_VM_DEFINE || pt_step_is_plug(kind);
}

bool pt_record_moves(const struct pt_change_record *record, struct pt_bdf bdf)
{
	for (size_t i = 0; i < record->steps.n; i++)
		if (edits_devices(record->steps.v[i].step.kind) && pt_edit_names(&record->steps.v[i].step, bdf))
			return true;
	return false;
}

const char *pt_run_still_has(const struct pt_run *run, struct pt_bdf bdf)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *s = &run->record.steps.v[i].step;

		if (edits_devices(s->kind) && pt_edit_names(s, bdf) && pt_strv_has(&run->running, s->vm_uuid))
			return s->vm;
	}
	return NULL;
}

static bool edits_overlap(const struct pt_step *a, const struct pt_step *b)
{
	if (pt_step_is_plug(a->kind) && pt_edit_names(b, a->bdf))
		return true;
	for (size_t i = 0; i < a->edit.add_hostdevs.n; i++)
		if (pt_edit_names(b, a->edit.add_hostdevs.v[i].bdf))
			return true;
	for (size_t i = 0; i < a->edit.remove_hostdevs.n; i++)
		if (pt_edit_names(b, a->edit.remove_hostdevs.v[i]))
			return true;
	for (size_t i = 0; i < a->edit.move_hostdevs.n; i++)
		if (pt_edit_names(b, a->edit.move_hostdevs.v[i].from) ||
		    pt_edit_names(b, a->edit.move_hostdevs.v[i].to))
			return true;
	return false;
}

bool pt_steps_overlap(const struct pt_step *a, const struct pt_step *b)
{
	if (a->vm_uuid && b->vm_uuid && pt_streq(a->vm_uuid, b->vm_uuid))
		return true;
	if (is_device_step(a) && is_device_step(b))
		return is_about(a, b->bdf) || is_about(b, a->bdf);
	return edit_is_about(a, b) || edit_is_about(b, a) || edits_overlap(a, b);
}

bool pt_definitions_same(const char *a, const char *b)
{
	return pt_streq(a, b) || (a && b && pt_domxml_same(a, b) == 1);
}

static bool disks_alike(const struct pt_domain *a, const struct pt_domain *b)
{
	if (a->disks.n != b->disks.n)
		return false;
	for (size_t i = 0; i < a->disks.n; i++) {
		const struct pt_domain_disk *d = &a->disks.v[i];
		bool found = false;

		for (size_t k = 0; k < b->disks.n && !found; k++)
			found = pt_streq(d->target, b->disks.v[k].target) && d->type == b->disks.v[k].type &&
				(pt_streq(d->source, b->disks.v[k].source) || (!d->source && !b->disks.v[k].source));
		if (!found)
			return false;
	}
	return true;
}

/* libvirt writes a MAC in small letters, and makes one up where none is named */
static bool same_mac(const char *a, const char *b)
{
	return !a || !b || strcasecmp(a, b) == 0;
}

static bool hostdevs_alike(const struct pt_domain *a, const struct pt_domain *b)
{
	if (a->hostdevs.n != b->hostdevs.n)
		return false;
	for (size_t i = 0; i < a->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &a->hostdevs.v[i];
		bool found = false;

		for (size_t k = 0; k < b->hostdevs.n && !found; k++)
			found = h->kind == b->hostdevs.v[k].kind && pt_bdf_eq(h->bdf, b->hostdevs.v[k].bdf) &&
				h->managed == b->hostdevs.v[k].managed && same_mac(h->mac, b->hostdevs.v[k].mac);
		if (!found)
			return false;
	}
	return true;
}

bool pt_definitions_alike(const char *a, const char *b)
{
	PT_AUTO(pt_domain) da = { 0 };
	PT_AUTO(pt_domain) db = { 0 };

	if (pt_domxml_read(a, &da, NULL) < 0 || pt_domxml_read(b, &db, NULL) < 0)
		return false;
	return pt_streq(da.name, db.name) && da.memory_kib == db.memory_kib && disks_alike(&da, &db) &&
	       hostdevs_alike(&da, &db);
}

static int refuse_busy(const struct pt_change_env *env, const struct pt_change_row *row, const struct pt_step *step,
		       struct pt_error *err)
{
	pt_autofree char *object =
		is_device_step(step) ? pt_strdup(pt_bdf_str(step->bdf).s) : pt_strf("the VM %s", step->vm);
	int r;

	if (row->state == PT_CHANGE_OPEN && pt_owner_alive(env->proc_fd, &row->owner)) {
		r = pt_refuse(err, "change-open", "%s is being changed right now by change %lld (%s), process %d",
			      object, row->id, row->summary, row->owner.pid);
		pt_hint(err, "wait for it to end; `passthru history %lld` shows how far it is", row->id);
		return r;
	}
	r = pt_refuse(err, "change-unsettled", "%s is in the hands of change %lld (%s), which %s", object, row->id,
		      row->summary,
		      row->state == PT_CHANGE_OPEN ? "was cut off" : "could not be taken back completely");
	pt_hint(err, "run `passthru recover` first");
	return r;
}

int pt_change_as_of(struct pt_journal *journal, long long *ret_id, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	long long id = 1;
	int r = pt_journal_list(journal, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = list.n; i-- > 0;)
		if (i + 1 == list.n)
			id = list.v[i].state == PT_CHANGE_OPEN ? list.v[i].id : list.v[i].id + 1;
		else if (list.v[i].state == PT_CHANGE_OPEN)
			id = list.v[i].id;
	*ret_id = id;
	return 0;
}

/* it ended, one way or the other, after the plan's look began: what was seen may have been its middle */
static int refuse_stale(const struct pt_change_row *row, const struct pt_step *step, struct pt_error *err)
{
	pt_autofree char *object =
		is_device_step(step) ? pt_strdup(pt_bdf_str(step->bdf).s) : pt_strf("the VM %s", step->vm);
	int r = pt_say(err, -ESTALE,
		       "change %lld (%s) was made meanwhile, and %s is in it too: the plan no longer fits", row->id,
		       row->summary, object);

	pt_refused_by(err, "change-meanwhile", false);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return r;
}

int pt_run_busy(const struct pt_change_env *env, const struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(env->journal, false, &list, err);

	for (size_t i = 0; i < list.n && r == 0; i++) {
		PT_AUTO(pt_change_record) other = { 0 };
		bool open = list.v[i].state == PT_CHANGE_OPEN || list.v[i].state == PT_CHANGE_STUCK;

		if (!open && (!env->as_of || list.v[i].id < env->as_of))
			continue;
		r = pt_journal_get(env->journal, list.v[i].id, &other, err);
		for (size_t k = 0; k < other.steps.n && r == 0; k++)
			for (size_t n = 0; n < plan->steps.n && r == 0; n++)
				if (pt_steps_overlap(&other.steps.v[k].step, &plan->steps.v[n]))
					r = open ? refuse_busy(env, &list.v[i], &plan->steps.v[n], err)
						 : refuse_stale(&list.v[i], &plan->steps.v[n], err);
	}
	return r;
}
