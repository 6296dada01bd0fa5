/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two steps about a device that a running VM gets or loses.  Its definition is another step's: these change what
 * runs now.  What a guest was asked for cannot be unasked; so a request that it did not answer leaves a step that
 * `recover` looks at again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "change/lock.h"
#include "change/run.h"
#include "domxml/domxml.h"

/* a guest takes a second; one whose driver first has to end what is under way takes longer */
#define UNPLUG_MS 60000u

int pt_step_vm_has(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	PT_AUTO(pt_domain) live = { 0 };
	pt_autofree char *xml = NULL;
	int r = vm->live_xml(vm->ctx, s->vm_uuid, &xml, err);

	if (r == 0)
		r = pt_domxml_read(xml, &live, err);
	return r < 0 ? r : pt_domain_hostdev_by_bdf(&live, s->bdf) != NULL;
}

/* rule: no device is given to a VM that is not the very one that was meant */
static int check_meant(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind want = pt_step_bind_before(s);

	return pt_bind_check(run->env->host, &want, err);
}

static int not_running(const struct pt_step *s, enum pt_domain_state state, struct pt_error *err)
{
	bool paused = state == PT_DOMAIN_PAUSED;
	int r = pt_say(err, -ESTALE, "%s %s; the plan expected that it runs", s->vm,
		       paused ? "is paused" : "does not run");

	pt_refused_by(err, paused ? "vm-paused" : "vm-state-changed", false);
	if (paused)
		pt_hint(err, "`virsh resume %s`, then give the command again: a paused guest hears nothing",
			pt_shell(s->vm).s);
	else
		pt_hint(err,
			"give the command again: an undo needs no guest then, attach and detach go without --live");
	return r;
}

static int check_running(const struct pt_run *run, struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *which = NULL;
	enum pt_domain_state state;
	int r = vm->state(vm->ctx, s->vm_uuid, &state, err);

	if (r < 0)
		return r;
	if (state != PT_DOMAIN_RUNNING)
		return not_running(s, state, err);
	if (s->kind == PT_STEP_VM_PLUG)
		return check_meant(run, s, err);
	r = vm->which_run(vm->ctx, s->vm_uuid, &which, err);
	if (r == 0)
		pt_strset(&s->state_before, which);
	return r;
}

int pt_step_check_plug(const struct pt_run *run, struct pt_step *s, struct pt_error *err)
{
	struct pt_error why = { 0 };
	bool want = s->kind == PT_STEP_VM_UNPLUG;
	int r = check_running(run, s, err);

	if (r < 0)
		return r;
	r = pt_step_vm_has(run, s, &why);
	if (r < 0 && err)
		*err = why;
	if (r < 0 || (r == 1) == want)
		return r < 0 ? r : 0;
	r = pt_say(err, -ESTALE, want ? "%s runs without %s; the plan expected it with it" : "%s runs with %s already",
		   s->vm, pt_bdf_str(s->bdf).s);
	pt_refused_by(err, "vm-devices-changed", false);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return r;
}

/* did QEMU end, though nobody had shut it down?  Then @err says so, and of what */
static bool has_died(const struct pt_run *run, const struct pt_step *s, const char *of, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	struct pt_error cause = { 0 };

	if (vm->alive(vm->ctx, s->vm_uuid, &cause) != 0 || cause.code == -ECANCELED)
		return false;
	(void)pt_say(err, -EIO, "%s did not survive %s %s: %s", s->vm, of, pt_bdf_str(s->bdf).s,
		     cause.msg[0] ? cause.msg : "libvirt tells no reason");
	return true;
}

static int plug(struct pt_run *run, const struct pt_step *s, bool may_stop, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *what = pt_strf("did not survive getting %s", pt_bdf_str(s->bdf).s);
	int r = check_meant(run, s, err);

	if (r < 0)
		return r;
	r = vm->plug(vm->ctx, s->vm_uuid, s->element, err);
	if (r < 0)
		return has_died(run, s, "getting", err) ? -EIO : r;
	r = pt_step_watch(run, s, what, may_stop, err);
	if (r == 0)
		r = pt_step_vm_has(run, s, err);
	else
		return r;
	if (r == 0)
		return pt_say(err, -EIO, "libvirt gave %s to %s, and it does not run with it", pt_bdf_str(s->bdf).s,
			      s->vm);
	return r < 0 ? r : 0;
}

/* the lock is free while the guest is waited for */
static int unplug(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	struct pt_error locking = { 0 };
	int r;

	pt_run_unlock(run);
	r = vm->unplug(vm->ctx, s->vm_uuid, s->bdf, s->timeout_ms ? s->timeout_ms : UNPLUG_MS, err);
	if (pt_run_lock(run, PT_LOCK_FOREVER, &locking) < 0 && r == 0) {
		r = locking.code;
		if (err)
			*err = locking;
	}
	if (r == 0) {
		r = pt_step_vm_has(run, s, err);
		if (r == 1)
			return pt_say(err, -EIO, "%s was taken from %s, which still runs with it", pt_bdf_str(s->bdf).s,
				      s->vm);
		if (r == -ESHUTDOWN)
			r = has_died(run, s, "losing", err) ? -EIO : 0;
	}
	return r == -EINTR ? -ECANCELED : r;
}

int pt_step_make_plug(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	pt_autofree char *hint = NULL;
	int r = s->kind == PT_STEP_VM_PLUG ? plug(run, s, true, err) : unplug(run, s, err);
	bool stands = r == -ETIMEDOUT || r == -ECANCELED;

	if (s->kind == PT_STEP_VM_PLUG || r == 0)
		return r;
	run->no_request = !stands;
	if (!stands || !err)
		return r;
	hint = pt_strdup(err->hint);
	pt_hint(err,
		"%s%sit may still let go: then `passthru recover` gives it back to the guest, and `passthru detach` "
		"takes it for good",
		hint, *hint ? "; " : "");
	return r;
}

/*
 * libvirt goes on with what it was asked for when the one who asked is dead, and to pin hundreds of GiB takes minutes.
 * While it is at work on the VM it is waited for; and @grace_ms after that, since between two of its steps it says that
 * it is not.
 */
static int wait_for(struct pt_run *run, const struct pt_step *s, unsigned grace_ms, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	long long end = pt_watch_now_ms() + grace_ms;

	for (;;) {
		/* first: what it ended with just now is seen by the other */
		bool busy = vm->busy(vm->ctx, s->vm_uuid, NULL) == 1;
		int r = pt_step_vm_has(run, s, err);

		if (r != 0)
			return r;
		if (run->env->interrupted && run->env->interrupted(run->env->ctx) != 0)
			return pt_say(err, -ECANCELED, "interrupted while libvirt may still be giving %s to %s",
				      pt_bdf_str(s->bdf).s, s->vm);
		if (busy)
			end = pt_watch_now_ms() + grace_ms;
		else if (pt_watch_now_ms() >= end)
			return 0;
		pt_run_pause(run, PT_WATCH_LIBVIRT);
	}
}

int pt_step_await(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	int r;

	if (row->step.kind != PT_STEP_VM_PLUG || row->state != PT_STEP_STARTED || !run->recovering || run->rebooted)
		return 0;
	pt_run_unlock(run);
	r = wait_for(run, &row->step, run->env->grace_ms, err);
	if (pt_run_lock(run, PT_LOCK_FOREVER, NULL) < 0)
		return pt_say(err, -EIO, "cannot get the lock back");
	return r < 0 && r != -ESHUTDOWN ? r : 0;
}

static int look(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	return run->recovering && !run->rebooted ? wait_for(run, s, 0, err) : pt_step_vm_has(run, s, err);
}

/*
 * It is off, and ran before.  What QEMU ended of is this change's affair: it is started again.  Shut down by its guest
 * or by somebody it stays off, and so does one that ran on until the change was left stuck.
 */
static int fallen(struct pt_run *run, const struct pt_step_row *row)
{
	if (run->rebooted || row->state == PT_STEP_STUCK || !has_died(run, &row->step, "", NULL))
		return 0;
	return PT_UNMADE_FALLEN;
}

static int unmake_plug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	int r = look(run, s, err);

	if (r <= 0)
		return r == -ESHUTDOWN ? fallen(run, row) : r;
	r = unplug(run, s, err);
	if (r == -EIO && pt_step_vm_has(run, s, NULL) == -ESHUTDOWN)
		return fallen(run, row);
	if (r < 0)
		pt_hint(err, "see in the guest what uses it, or shut %s down; then run `passthru recover`", s->vm);
	return r;
}

/* a request ends with the QEMU that it was made to */
static bool is_another_run(const struct pt_run *run, const struct pt_step *s)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *now = NULL;

	return s->state_before && vm->which_run(vm->ctx, s->vm_uuid, &now, NULL) == 0 &&
	       strcmp(now, s->state_before) != 0;
}

/* it was answered, was refused, or never reached the guest */
static bool is_over(const struct pt_run *run, const struct pt_step_row *row)
{
	return run->rebooted || row->state == PT_STEP_DONE || (row->state == PT_STEP_STARTED && run->no_request) ||
	       is_another_run(run, &row->step);
}

static int unmake_unplug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	int r = look(run, s, err);

	if (r == -ESHUTDOWN)
		return fallen(run, row);
	if (r < 0)
		return r;
	if (r == 1)
		return is_over(run, row) ? 0 : PT_UNMADE_ASKED;
	r = plug(run, s, false, err);
	if (r == -EIO && pt_step_vm_has(run, s, NULL) == -ESHUTDOWN)
		return fallen(run, row);
	return r;
}

int pt_step_unmake_plug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	return row->step.kind == PT_STEP_VM_PLUG ? unmake_plug(run, row, err) : unmake_unplug(run, row, err);
}

static int definition_has(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	PT_AUTO(pt_domain) d = { 0 };
	pt_autofree char *xml = NULL;
	int r = vm->get_xml(vm->ctx, s->vm_uuid, &xml, err);

	if (r == 0)
		r = pt_domxml_read(xml, &d, err);
	return r < 0 ? r : pt_domain_hostdev_by_bdf(&d, s->bdf) != NULL;
}

/* noted before: what is found plugged in after that is answered, whatever else happened */
static int give_late(struct pt_run *run, size_t i, struct pt_error *err)
{
	const struct pt_change_env *env = run->env;
	long long id = run->record.head.id;
	int r = pt_journal_step(env->journal, id, i, PT_STEP_UNDOING, NULL, err);

	if (r < 0)
		return r;
	r = plug(run, &run->record.steps.v[i].step, false, err);
	if (r < 0)
		/* as it was: it is asked for again.  Not noted it is, too */
		(void)pt_journal_step(env->journal, id, i, PT_STEP_STUCK, err ? err->msg : NULL, NULL);
	return r;
}

/* it is over when the VM was shut off, or lost the device for good; then nothing is to be done any more */
static int answer_late(struct pt_run *run, size_t i, struct pt_error *err)
{
	const struct pt_step_row *row = &run->record.steps.v[i];
	bool begun = row->state == PT_STEP_UNDOING;
	int r = begun ? wait_for(run, &row->step, 0, err) : pt_step_vm_has(run, &row->step, err);
	bool given = false;

	if (r < 0 && r != -ESHUTDOWN && r != -ENOENT)
		return r;
	if (r == 1 && !begun && !is_over(run, row))
		return 0;
	if (r == 0 && !is_another_run(run, &row->step)) {
		r = definition_has(run, &row->step, err);
		given = r == 1;
		if (r == 1)
			r = give_late(run, i, err);
		if (r < 0)
			return r;
	}
	r = pt_journal_step(run->env->journal, run->record.head.id, i, PT_STEP_UNDONE, NULL, err);
	return r < 0 ? r : given;
}

bool pt_step_unanswered(const struct pt_step_row *row)
{
	return row->step.kind == PT_STEP_VM_UNPLUG && (row->state == PT_STEP_STUCK || row->state == PT_STEP_UNDOING);
}

int pt_run_late(struct pt_run *run, long long id, struct pt_buf *lost, struct pt_error *err)
{
	bool any = false;
	int r = pt_journal_get(run->env->journal, id, &run->record, err);

	for (size_t i = 0; r >= 0 && i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];
		PT_AUTO(pt_plan) touched = { 0 };
		struct pt_error why = { 0 };
		int given;

		if (!pt_step_unanswered(row))
			continue;
		pt_step_copy(&row->step, pt_array_add(&touched.steps));
		/* somebody else is at it: what comes of that is his */
		if (pt_run_busy(run->env, &touched, NULL) < 0)
			continue;
		given = answer_late(run, i, &why);
		any = any || given == 1;
		if (given < 0)
			pt_buf_addf(
				lost,
				"\nchange %lld (%s): %s, which its guest let go of after that had failed, cannot be "
				"given back to %s: %s (`passthru detach` takes it out of the definition for good)",
				id, run->record.head.summary, pt_bdf_str(row->step.bdf).s, row->step.vm, why.msg);
	}
	return r < 0 ? r : any;
}
