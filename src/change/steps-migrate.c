/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM moves to another host.  libvirt's daemon of this host does it by itself, whether we live or not; so what is left
 * of one that was cut off is not taken back but settled: broken off, and then the VM is either there, and the change
 * was made, or here, and all else of it is taken back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "change/run.h"
#include "domxml/domxml.h"

static int read_to(const struct pt_step *s, struct pt_migrate_to *ret_to, struct pt_error *err)
{
	return pt_migrate_to_parse(s->state_after ? s->state_after : "", ret_to, err);
}

int pt_step_check_migrate(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	enum pt_domain_state state;
	int r = vm->state(vm->ctx, s->vm_uuid, &state, err);

	if (r < 0 || state == PT_DOMAIN_RUNNING)
		return r;
	r = pt_say(err, -ESTALE, "%s %s; the plan expected that it runs", s->vm,
		   state == PT_DOMAIN_PAUSED ? "is paused" : "does not run");
	pt_hint(err, "give the command again when it runs");
	return r;
}

/* the lock is free meanwhile: it takes as long as the guest's memory takes to copy */
static int lock_again(struct pt_run *run, int r, struct pt_error *err)
{
	struct pt_error locking = { 0 };

	if (pt_run_lock(run, PT_LOCK_FOREVER, &locking) >= 0 || r < 0)
		return r;
	if (err)
		*err = locking;
	return locking.code;
}

static void warn(const struct pt_run *run, const struct pt_step *s, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(const struct pt_run *run, const struct pt_step *s, const char *format, ...)
{
	pt_autofree char *what = NULL;
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	what = pt_strfv(format, ap);
	va_end(ap);
	text = pt_strf("%s %s", s->vm, what);
	if (run->env->warn)
		run->env->warn(run->env->ctx, text);
}

/* 1: it runs there, and nothing of it is left here */
static int settle(struct pt_run *run, const struct pt_step *s, const struct pt_migrate_to *to, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *doubt = NULL;
	int r;

	pt_run_unlock(run);
	r = vm->settle(vm->ctx, s->vm_uuid, to, &doubt, err);
	if (r == 0 && doubt)
		warn(run, s, "runs here; %s", doubt);
	/* what is left of it here would run, too, sooner or later */
	if (r == 1) {
		int left = vm->leave(vm->ctx, s->vm_uuid, to, err);

		r = left < 0 ? left : 1;
	}
	return lock_again(run, r, err);
}

static int give(const struct pt_run *run, const struct pt_step *s, const struct pt_migrate_to *to, struct pt_bdf bdf,
		struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *element = NULL;
	int r = s->xml_after ? pt_domxml_hostdev(s->xml_after, bdf, &element, err)
			     : pt_say(err, -EINVAL, "the plan has no element for it");

	return r < 0 ? r : vm->arrive(vm->ctx, s->vm_uuid, to, element, err);
}

/* it has moved, and that is not taken back for what it could not have there; nor is the lock held for that host */
static int arrive(struct pt_run *run, const struct pt_step *s, const struct pt_migrate_to *to, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	struct pt_error last = { 0 };

	pt_run_unlock(run);
	for (size_t i = 0; i < to->devices.n; i++) {
		struct pt_error why = { 0 };

		if (give(run, s, to, to->devices.v[i], &why) < 0)
			warn(run, s, "runs at %s, but without %s of that host: %s", to->uri,
			     pt_bdf_str(to->devices.v[i]).s, why.msg);
	}
	if (vm->arrive(vm->ctx, s->vm_uuid, to, NULL, &last) < 0)
		warn(run, s, "runs at %s, but does not start by itself there: %s", to->uri, last.msg);
	return lock_again(run, 0, err);
}

int pt_step_make_migrate(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	PT_AUTO(pt_migrate_to) to = { 0 };
	struct pt_error where = { 0 };
	int r = read_to(s, &to, err);
	int there;

	if (r < 0)
		return r;
	pt_run_unlock(run);
	r = vm->migrate(vm->ctx, s->vm_uuid, &to, s->timeout_ms, err);
	r = lock_again(run, r, err);
	/* neither a yes nor a no is believed: both sides are asked */
	there = settle(run, s, &to, &where);
	if (there == 1)
		return arrive(run, s, &to, err);
	if (r < 0)
		return r == -EINTR ? -ECANCELED : r;
	if (there == 0)
		return pt_say(err, -EIO, "libvirt moved %s to %s, and it still runs here", s->vm, to.uri);
	if (err)
		*err = where;
	return there;
}

/* QEMU ended of it, and it runs nowhere: it ran, so it is to run.  What its guest or somebody shut down stays off */
static int start_fallen(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	struct pt_error cause = { 0 };

	int r;

	if (run->rebooted || vm->alive(vm->ctx, s->vm_uuid, &cause) != 0)
		return 0;
	if (cause.code != -ECANCELED) {
		r = pt_step_start_again(run, s, err);
		/* not quite as it was: what its guest had not written is lost */
		if (r >= 0)
			warn(run, s, "had ended, and has been started again: its guest boots anew (%s)", cause.msg);
		return r;
	}
	warn(run, s, "is shut off: its guest or somebody did that meanwhile, and it is left so");
	return 0;
}

int pt_step_unmake_migrate(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_migrate_to) to = { 0 };
	int r = read_to(s, &to, err);

	if (r == 0 && !run->not_there)
		r = settle(run, s, &to, err);
	if (r == 1) {
		r = pt_say(err, -EBUSY, "%s has come to %s after all", s->vm, to.uri);
		pt_hint(err, "`passthru recover` notes that");
		return r;
	}
	return r < 0 ? r : start_fallen(run, s, err);
}

static size_t the_step(const struct pt_run *run)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if (row->step.kind == PT_STEP_VM_MIGRATE && row->state != PT_STEP_PLANNED &&
		    row->state != PT_STEP_DONE && row->state != PT_STEP_UNDONE)
			return i;
	}
	return SIZE_MAX;
}

static int step_done(struct pt_run *run, size_t i, struct pt_error *err)
{
	int r = pt_journal_step_done(run->env->journal, run->record.head.id, i, NULL, err);

	if (r < 0)
		return r;
	run->record.steps.v[i].state = PT_STEP_DONE;
	return 1;
}

/*
 * What becomes of it when somebody answers for that host: one that has gone from here has moved, for all that can be
 * said; one that is shut off here is here.  @ret_state: PT_DOMAIN_OTHER: gone
 */
static char *given_up(const struct pt_run *run, const struct pt_step *s, const struct pt_migrate_to *to, int why,
		      enum pt_domain_state *ret_state)
{
	const struct pt_vm_ops *vm = run->env->vm;
	int r = vm->state(vm->ctx, s->vm_uuid, ret_state, NULL);

	if (r == -ENOENT) {
		*ret_state = PT_DOMAIN_OTHER;
		return pt_strf("%s is not defined here any more, so it is taken to have moved to %s; what it was to be "
			       "given there is not",
			       s->vm, to->uri);
	}
	if (r == 0 && why == -EHOSTUNREACH && *ret_state == PT_DOMAIN_SHUTOFF)
		return pt_strf("%s is taken to be here alone: %s does not answer", s->vm, to->uri);
	return NULL;
}

char *pt_step_unreachable(const struct pt_run *run, const struct pt_step_row *row)
{
	const struct pt_vm_ops *vm = run->env->vm;
	PT_AUTO(pt_migrate_to) to = { 0 };
	pt_autofree char *doubt = NULL;
	pt_autofree char *taken = NULL;
	enum pt_domain_state state;
	int r;

	/* one that runs may still be on its way, and is not broken off by who only looks */
	if (row->step.kind != PT_STEP_VM_MIGRATE || row->state == PT_STEP_DONE ||
	    (vm->state(vm->ctx, row->step.vm_uuid, &state, NULL) == 0 && state == PT_DOMAIN_RUNNING) ||
	    read_to(&row->step, &to, NULL) < 0)
		return NULL;
	r = vm->settle(vm->ctx, row->step.vm_uuid, &to, &doubt, NULL);
	taken = r < 0 ? given_up(run, &row->step, &to, r, &state) : NULL;
	if (!taken || state != PT_DOMAIN_SHUTOFF)
		return pt_take_ptr(taken);
	return pt_strf("%s.  Only if that host is certain to be off, or two guests will write to its disks", taken);
}

static int give_up(struct pt_run *run, size_t i, const struct pt_migrate_to *to, int why, struct pt_error *err)
{
	enum pt_domain_state state = PT_DOMAIN_OTHER;
	char *text = given_up(run, &run->record.steps.v[i].step, to, why, &state);

	if (!text)
		return why;
	pt_strv_take(&run->given, text);
	run->not_there = state == PT_DOMAIN_SHUTOFF;
	return run->not_there ? 0 : step_done(run, i, err);
}

int pt_run_settle_migrate(struct pt_run *run, struct pt_error *err)
{
	PT_AUTO(pt_migrate_to) to = { 0 };
	size_t i = the_step(run);
	struct pt_step_row *row;
	int r;

	if (i == SIZE_MAX)
		return 0;
	row = &run->record.steps.v[i];
	r = read_to(&row->step, &to, err);
	if (r == 0)
		r = settle(run, &row->step, &to, err);
	if (r < 0 && run->give_up)
		return give_up(run, i, &to, r, err);
	if (r == 1)
		r = arrive(run, &row->step, &to, err) < 0 ? -EIO : 1;
	return r <= 0 ? r : step_done(run, i, err);
}
