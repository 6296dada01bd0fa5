/* SPDX-License-Identifier: Apache-2.0 */
#include "change/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "change/run.h"

void pt_run_tell(const struct pt_run *run, size_t i, enum pt_progress_state state)
{
	if (run->env->progress)
		run->env->progress(run->env->ctx, i, run->record.steps.n, &run->record.steps.v[i].step, state);
}

/* While unwinding the journal comes second: what was made must be taken back even where that cannot be noted.  What
 * the journal then shows as begun is found unchanged by `recover`, which does no harm. */
void pt_run_note(struct pt_run *run, size_t i, enum pt_step_state state, const char *text)
{
	run->record.steps.v[i].state = state;
	if (pt_journal_step(run->env->journal, run->record.head.id, i, state, text, NULL) < 0)
		run->journal_lost = true;
}

/* what is gone for good is no reason to stay stuck, when the user says so; nor is a VM that is left off without it */
bool pt_run_give_up(struct pt_run *run, size_t i, int failed, const char *what, const struct pt_error *why)
{
	const struct pt_step *s = &run->record.steps.v[i].step;
	bool left_off = s->kind == PT_STEP_VM_STOP && failed == -ENODEV && !run->device_lost;
	pt_autofree char *text = NULL;

	if (!run->give_up || (!left_off && !pt_step_gone(run, s, NULL)))
		return false;
	text = pt_strf("given up: %s", why->msg);
	pt_run_note(run, i, PT_STEP_FAILED, text);
	run->device_given = run->device_given || pt_step_is_device(s->kind);
	pt_strv_addf(&run->given, "given up: %s: %s", what, why->msg);
	return true;
}

static void note_unmade(struct pt_run *run, size_t i, int how)
{
	if (how == PT_UNMADE_FALLEN) {
		/* begun, until the VM runs again: start_fallen() */
		run->record.steps.v[i].state = PT_STEP_UNDOING;
		pt_strv_add(&run->fallen, run->record.steps.v[i].step.vm_uuid);
		return;
	}
	/* a request that its guest did not answer stands: see pt_run_late() */
	pt_run_note(run, i, how ? PT_STEP_STUCK : PT_STEP_UNDONE, how ? "the guest may still let go of it" : NULL);
}

static void unwind_step(struct pt_run *run, size_t i)
{
	struct pt_step_row *row = &run->record.steps.v[i];
	enum pt_step_state was = row->state;
	pt_autofree char *what = pt_step_describe(&row->step);
	struct pt_error err = { 0 };
	int awaited;
	int r;

	pt_run_tell(run, i, PT_PROGRESS_UNDO_BEGIN);
	awaited = pt_step_await(run, row, &err);
	r = awaited;
	if (r == 0) {
		pt_run_note(run, i, PT_STEP_UNDOING, NULL);
		/* what was known of it decides how it is taken back */
		row->state = was;
		r = pt_step_unmake(run, row, &err);
	}
	if (r >= 0) {
		note_unmade(run, i, r);
		pt_run_tell(run, i, PT_PROGRESS_UNDONE);
		return;
	}
	pt_run_tell(run, i, PT_PROGRESS_UNDO_FAILED);
	if (pt_run_give_up(run, i, r, what, &err))
		return;
	if (awaited < 0)
		pt_run_note(run, i, was, err.msg);
	else
		pt_run_note(run, i, r == -ETIMEDOUT || r == -EBUSY ? PT_STEP_STUCK : PT_STEP_FAILED, err.msg);
	run->device_lost = run->device_lost || row->step.kind == PT_STEP_DRIVER;
	if (row->step.kind == PT_STEP_VM_START || row->step.kind == PT_STEP_VM_PLUG)
		pt_strv_add(&run->running, row->step.vm_uuid);
	pt_strv_addf(&run->lost, "not taken back: %s: %s", what, err.msg[0] ? err.msg : strerror(-r));
}

bool pt_run_is_vm_step(const struct pt_step *s)
{
	return s->kind == PT_STEP_VM_STOP || s->kind == PT_STEP_VM_START || s->kind == PT_STEP_VM_DEFINE ||
	       s->kind == PT_STEP_VM_AUTOSTART || s->kind == PT_STEP_VM_MIGRATE || pt_step_is_plug(s->kind);
}

bool pt_run_reserves(const struct pt_run *run, struct pt_bdf bdf, bool begun)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if ((row->step.kind == PT_STEP_RESERVE || row->step.kind == PT_STEP_UNRESERVE) &&
		    !(begun && row->state == PT_STEP_PLANNED) && pt_bdf_eq(row->step.bdf, bdf))
			return true;
	}
	return false;
}

bool pt_run_must_unwind(const struct pt_run *run, const struct pt_step_row *row)
{
	if (row->state != PT_STEP_PLANNED && row->state != PT_STEP_UNDONE)
		return true;
	/* a boot with the reservation in place, or without, chose the driver: the journal cannot know */
	return run->rebooted && row->step.kind == PT_STEP_DRIVER && pt_run_reserves(run, row->step.bdf, true);
}

/* they ran before: last of all, so that they find everything as it was */
static void start_fallen(struct pt_run *run)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];
		struct pt_error err = { 0 };

		if (!pt_step_is_plug(row->step.kind) || row->state != PT_STEP_UNDOING ||
		    !pt_strv_has(&run->fallen, row->step.vm_uuid))
			continue;
		if (pt_step_start_again(run, &row->step, &err) >= 0) {
			pt_run_note(run, i, PT_STEP_UNDONE, "the VM had ended, and was started again");
			continue;
		}
		pt_run_note(run, i, PT_STEP_FAILED, err.msg);
		pt_strv_addf(&run->lost, "not started again: %s, which ran before: %s", row->step.vm, err.msg);
	}
}

static int end_unwinding(struct pt_run *run, const char *cause)
{
	pt_autofree char *lost = pt_strv_join(&run->lost, "; ");
	pt_autofree char *given = pt_strv_join(&run->given, "; ");
	pt_autofree char *message =
		pt_strf("%s%s%s%s%s", cause, given[0] ? "; " : "", given, lost[0] ? "; " : "", lost);
	bool undone = run->trying && run->made;
	enum pt_change_state end = run->lost.n ? PT_CHANGE_STUCK : undone ? PT_CHANGE_UNDONE : PT_CHANGE_FAILED;

	if (pt_journal_finish(run->env->journal, run->record.head.id, end, message, NULL) < 0)
		run->journal_lost = true;
	return run->lost.n || run->journal_lost ? -EINTR : 0;
}

int pt_run_unwind(struct pt_run *run, const char *cause)
{
	for (size_t i = run->record.steps.n; i-- > 0;) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if (!pt_run_must_unwind(run, row))
			continue;
		/* which drivers and records are right depends on where the VM is, and that is libvirt's to say */
		if (run->env->host_only && row->step.kind == PT_STEP_VM_MIGRATE) {
			run->waits = true;
			return 0;
		}
		if (run->env->host_only && pt_run_is_vm_step(&row->step))
			run->waits = true;
		else
			unwind_step(run, i);
		/* while it may run elsewhere nothing here is given to it, and it is not started */
		if (row->step.kind == PT_STEP_VM_MIGRATE && row->state != PT_STEP_UNDONE)
			return end_unwinding(run, cause);
	}
	start_fallen(run);
	/* it stays open, in the hands of whoever recovers the rest */
	if (run->waits)
		return run->lost.n || run->journal_lost ? -EINTR : 0;
	return end_unwinding(run, cause);
}

/* the cause in one line on top; then what is now */
static int conclude(struct pt_run *run, int cause, int unwound, struct pt_error *err)
{
	struct pt_error why = *err;
	pt_autofree char *lost = pt_strv_join(&run->lost, "\n");

	if (unwound == 0) {
		(void)snprintf(err->msg, sizeof(err->msg), "%.1900s\neverything is as it was%s", why.msg,
			       run->fallen.n ? "; the VM was started again" : "");
		return cause;
	}
	if (!lost[0])
		pt_strset(&lost, "everything was put back, but that could not be noted in the journal");
	(void)snprintf(err->msg, sizeof(err->msg), "%.900s\n%.1100s", why.msg, lost);
	err->code = -EINTR;
	err->kind = PT_ERROR_INTERRUPTED;
	pt_hint(err, "%s%s`passthru history %lld` shows how far it came; then run `passthru recover`", why.hint,
		why.hint[0] ? "; " : "", run->record.head.id);
	return -EINTR;
}

/* a VM that moves is defined on the other host alone, on whose disk that may not be yet */
static int keep_moving(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *xml = NULL;
	int r = vm->get_xml(vm->ctx, s->vm_uuid, &xml, err);

	return r < 0 ? r : pt_journal_backup(run->env->journal, run->record.head.id, s->vm, "", xml, NULL, err);
}

/* the originals as plain files, for the day when there is no passthru to ask */
static int keep_originals(struct pt_run *run, struct pt_error *err)
{
	bool defined = false;

	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *s = &run->record.steps.v[i].step;
		int r;

		/* of one that loses a device first there is one by then, which it is put back to */
		if (s->kind == PT_STEP_VM_MIGRATE && !defined) {
			r = keep_moving(run, s, err);
			if (r < 0)
				return r;
		}
		if (s->kind != PT_STEP_VM_DEFINE)
			continue;
		defined = true;
		r = pt_journal_backup(run->env->journal, run->record.head.id, s->vm, "", s->xml_before, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_step(struct pt_run *run, size_t i, struct pt_error *err)
{
	struct pt_step_row *row = &run->record.steps.v[i];
	long long id = run->record.head.id;
	int r;

	if (run->env->interrupted && run->env->interrupted(run->env->ctx) != 0)
		return pt_say(err, -ECANCELED, "interrupted");
	r = pt_step_check(run, &row->step, err);
	if (r == 0)
		r = pt_journal_step_start(run->env->journal, id, i, &row->step, err);
	if (r < 0)
		return r;
	row->state = PT_STEP_STARTED;
	pt_run_tell(run, i, PT_PROGRESS_BEGIN);
	r = pt_step_make(run, &row->step, &row->seen, err);
	/* what is only tried is never noted as done: whoever recovers it takes it back */
	if (r == 0 && !run->trying)
		r = pt_journal_step_done(run->env->journal, id, i, row->seen, err);
	if (r < 0) {
		/* for the history; the failure itself is told by the caller */
		(void)pt_journal_step(run->env->journal, id, i, PT_STEP_STARTED, err->msg, NULL);
		pt_run_tell(run, i, PT_PROGRESS_FAILED);
		return r;
	}
	row->state = PT_STEP_DONE;
	pt_run_tell(run, i, PT_PROGRESS_DONE);
	/* the lock was free while the guest shut down */
	return row->step.kind == PT_STEP_VM_STOP || row->step.kind == PT_STEP_VM_UNPLUG
		       ? pt_run_check_rest(run, i + 1, err)
		       : 0;
}

static int make_each(struct pt_run *run, struct pt_error *err)
{
	int r = keep_originals(run, err);

	for (size_t i = 0; i < run->record.steps.n && r == 0; i++)
		r = make_step(run, i, err);
	return r;
}

static int take_back(struct pt_run *run, int r, struct pt_error *err)
{
	pt_autofree char *cause = pt_strdup(err->msg);

	return conclude(run, r, pt_run_unwind(run, cause), err);
}

static int make_steps(struct pt_run *run, struct pt_error *err)
{
	struct pt_error noting = { 0 };
	int r = make_each(run, err);

	if (r < 0)
		return take_back(run, r, err);
	r = pt_journal_finish(run->env->journal, run->record.head.id, PT_CHANGE_DONE, NULL, &noting);
	if (r == 0)
		return 0;
	*err = noting;
	(void)pt_wrap(err, -EINTR, "every step was made, but that could not be noted");
	err->kind = PT_ERROR_INTERRUPTED;
	pt_hint(err, "when the journal can be written again, run `passthru recover`");
	return -EINTR;
}

static int check_complete(const struct pt_plan *plan, struct pt_error *err)
{
	const struct pt_finding *no = pt_plan_refusal(plan);

	if (no) {
		(void)pt_refuse(err, no->name, "%s", no->fact);
		pt_refused_by(err, no->name, no->forceable);
		return -EPERM;
	}
	for (size_t i = 0; i < plan->steps.n; i++)
		if (pt_step_is_plug(plan->steps.v[i].kind) && !plan->steps.v[i].element)
			return pt_say(err, -EINVAL, "the plan was not prepared: step %zu has no element", i + 1);
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].kind == PT_STEP_VM_DEFINE &&
		    (!plan->steps.v[i].xml_before || !plan->steps.v[i].xml_after))
			return pt_say(err, -EINVAL, "the plan was not prepared: step %zu has no definitions", i + 1);
	return 0;
}

/* under the lock: what the plan saw, nobody else's hands on it, and then the first line in the journal */
static int begin(struct pt_run *run, const struct pt_plan *plan, struct pt_error *err)
{
	struct pt_owner self = { 0 };
	long long id = 0;
	int r = pt_run_busy(run->env, plan, err);

	for (size_t i = 0; i < plan->steps.n && r == 0; i++)
		pt_step_copy(&plan->steps.v[i], &pt_array_add(&run->record.steps)->step);
	if (r == 0)
		r = pt_run_check_rest(run, 0, err);
	if (r == 0)
		r = pt_owner_self(run->env->proc_fd, &self, err);
	if (r == 0)
		r = pt_journal_begin(run->env->journal, plan, &self, &id, err);
	if (r == 0)
		run->record.head.id = id;
	run->record.head.undoes = plan->undoes;
	return r;
}

/* whatever was seen, and whether a signal came meanwhile: nothing stays made */
static int try_steps(struct pt_run *run, const struct pt_change_try *it, struct pt_error *err)
{
	struct pt_error locking = { 0 };
	int r = make_each(run, err);

	if (r < 0)
		return take_back(run, r, err);
	pt_run_unlock(run);
	r = it->look(it->ctx, err);
	run->made = r == 0;
	if (pt_run_lock(run, PT_LOCK_FOREVER, &locking) < 0 && r == 0) {
		r = locking.code;
		*err = locking;
	}
	if (r < 0)
		return take_back(run, r, err);
	r = pt_run_unwind(run, "looked, and taken back");
	if (r == 0)
		return 0;
	(void)pt_say(err, r, "what was to be looked at is seen, but not all is back as it was");
	return conclude(run, r, r, err);
}

static int apply(const struct pt_change_env *env, struct pt_plan *plan, const struct pt_change_try *it,
		 long long *ret_id, struct pt_error *err)
{
	PT_AUTO(pt_run) run = { .env = env, .what = plan->summary ? plan->summary : "a change", .trying = it != NULL };
	struct pt_error unwanted = { 0 };
	int r;

	/* what the steps say is needed for the journal, wanted or not */
	if (!err)
		err = &unwanted;
	r = check_complete(plan, err);
	if (r == 0)
		r = pt_run_lock(&run, env->wait_ms, err);
	if (r == 0)
		r = begin(&run, plan, err);
	if (r == 0) {
		*ret_id = run.record.head.id;
		r = it ? try_steps(&run, it, err) : make_steps(&run, err);
	}
	pt_run_unlock(&run);
	return r;
}

int pt_change_apply(const struct pt_change_env *env, struct pt_plan *plan, long long *ret_id, struct pt_error *err)
{
	return apply(env, plan, NULL, ret_id, err);
}

int pt_change_try(const struct pt_change_env *env, struct pt_plan *plan, const struct pt_change_try *it,
		  struct pt_error *err)
{
	long long id = 0;

	return apply(env, plan, it, &id, err);
}
