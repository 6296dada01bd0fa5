/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two steps about a device that a running VM gets or loses.  Its definition is another step's: these change what
 * runs now.  What a guest was asked for cannot be unasked; so a request that it did not answer leaves a step that
 * `recover` looks at again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
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

int pt_step_check_plug(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_error why = { 0 };
	enum pt_domain_state state;
	bool want = s->kind == PT_STEP_VM_UNPLUG;
	int r = run->env->vm->state(run->env->vm->ctx, s->vm_uuid, &state, err);

	if (r < 0)
		return r;
	if (state != PT_DOMAIN_RUNNING) {
		r = pt_say(err, -ESTALE, "%s does not run; the plan expected that it does", s->vm);
		pt_hint(err, "without --live the change is made to a VM that is off");
		return r;
	}
	r = pt_step_vm_has(run, s, &why);
	if (r < 0 && err)
		*err = why;
	if (r < 0 || (r == 1) == want)
		return r < 0 ? r : 0;
	r = pt_say(err, -ESTALE, want ? "%s runs without %s; the plan expected it with it" : "%s runs with %s already",
		   s->vm, pt_bdf_str(s->bdf).s);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return r;
}

static int plug(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	struct pt_error cause = { 0 };
	int r = vm->plug(vm->ctx, s->vm_uuid, s->element, err);

	if (r < 0)
		return r;
	r = vm->alive(vm->ctx, s->vm_uuid, &cause);
	if (r == 0)
		return pt_say(err, -EIO, "%s did not survive getting %s: %s", s->vm, pt_bdf_str(s->bdf).s,
			      cause.msg[0] ? cause.msg : "libvirt tells no reason");
	if (r < 0 && err)
		*err = cause;
	if (r > 0)
		r = pt_step_vm_has(run, s, err);
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
		r = r == -ENOTCONN ? 0 : r;
	}
	return r == -EINTR ? -ECANCELED : r;
}

int pt_step_make_plug(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	pt_autofree char *hint = NULL;
	int r = s->kind == PT_STEP_VM_PLUG ? plug(run, s, err) : unplug(run, s, err);

	if (s->kind == PT_STEP_VM_PLUG || (r != -ETIMEDOUT && r != -ECANCELED) || !err)
		return r;
	hint = pt_strdup(err->hint);
	pt_hint(err,
		"%s%sit may still let go: then `passthru recover` gives it back to the guest, and `passthru detach` "
		"takes it for good",
		hint, *hint ? "; " : "");
	return r;
}

/* libvirt goes on with what it was asked for when the one who asked is dead: give it the time to come true */
static int wait_for(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + run->env->grace_ms;

	for (;;) {
		int r = pt_step_vm_has(run, s, err);

		if (r != 0 || pt_watch_now_ms() >= end)
			return r;
		pt_run_pause(run, PT_WATCH_LIBVIRT);
	}
}

static int unmake_plug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	bool under_way = run->recovering && !run->rebooted && row->state != PT_STEP_DONE;
	int r = under_way ? wait_for(run, s, err) : pt_step_vm_has(run, s, err);

	if (r <= 0)
		return r == -ENOTCONN ? 0 : r;
	r = unplug(run, s, err);
	if (r < 0)
		pt_hint(err, "see in the guest what uses it, or shut %s down; then run `passthru recover`", s->vm);
	return r;
}

/* 1: it has it, and was asked to let go of it: it may yet do so */
static int unmake_unplug(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	int r = pt_step_vm_has(run, s, err);

	if (r != 0)
		return r == -ENOTCONN ? 0 : r;
	return plug(run, s, err);
}

int pt_step_unmake_plug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	return row->step.kind == PT_STEP_VM_PLUG ? unmake_plug(run, row, err) : unmake_unplug(run, &row->step, err);
}

static bool definition_has(const struct pt_run *run, const struct pt_step *s)
{
	const struct pt_vm_ops *vm = run->env->vm;
	PT_AUTO(pt_domain) d = { 0 };
	pt_autofree char *xml = NULL;

	return vm->get_xml(vm->ctx, s->vm_uuid, &xml, NULL) == 0 && pt_domxml_read(xml, &d, NULL) == 0 &&
	       pt_domain_hostdev_by_bdf(&d, s->bdf);
}

/* it is over when the VM was shut off, or lost the device for good; then nothing is to be done any more */
static int answer_late(struct pt_run *run, size_t i, struct pt_error *err)
{
	struct pt_step_row *row = &run->record.steps.v[i];
	int r = pt_step_vm_has(run, &row->step, err);
	bool plugged = false;

	if (r == 1 || (r < 0 && r != -ENOTCONN && r != -ENOENT))
		return r == 1 ? 0 : r;
	if (r == 0 && definition_has(run, &row->step)) {
		r = plug(run, &row->step, err);
		plugged = r == 0;
		if (r < 0)
			return r;
	}
	r = pt_journal_step(run->env->journal, run->record.head.id, i, PT_STEP_UNDONE, NULL, err);
	return r < 0 ? r : plugged;
}

int pt_run_late(struct pt_run *run, long long id, struct pt_error *err)
{
	PT_AUTO(pt_plan) touched = { 0 };
	bool any = false;
	int r = pt_journal_get(run->env->journal, id, &run->record, err);

	for (size_t i = 0; r >= 0 && i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if (row->step.kind != PT_STEP_VM_UNPLUG || row->state != PT_STEP_STUCK)
			continue;
		pt_step_copy(&row->step, pt_array_add(&touched.steps));
		/* somebody else is at it: what comes of that is his */
		if (pt_run_busy(run->env, &touched, NULL) < 0)
			continue;
		r = answer_late(run, i, err);
		any = any || r == 1;
	}
	return r < 0 ? r : any;
}
