/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that gives a device back to this host, and was cut off when the host had it already, is finished: LVM, md
 * and multipath activate by themselves what they know, and what the host uses is not taken from under it.  Every other
 * change is taken back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "change/run.h"
#include "decide/group.h"

static bool gives(const struct pt_step *s)
{
	return s->driver_before && pt_driver_is_vfio(s->driver_before) &&
	       (s->reprobe || !s->driver_after || !pt_driver_is_vfio(s->driver_after));
}

/* one that also gives a guest something is not finished without its guest */
static bool only_gives(const struct pt_change_record *record)
{
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		if (s->kind == PT_STEP_VM_MIGRATE || s->kind == PT_STEP_VM_PLUG ||
		    (s->kind == PT_STEP_DRIVER && !gives(s)))
			return false;
	}
	return true;
}

/* the driver of the host that has it; the caller frees */
static char *hosts_driver(const struct pt_run *run, const struct pt_step *s)
{
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;

	if (pt_bind_look(run->env->host, s->bdf, &driver, &override, NULL) < 0 || !pt_driver_is_hosts(driver))
		return NULL;
	return pt_take_ptr(driver);
}

/*
 * What a boot gave to the host is the host's, whether anything is seen to use it yet or not: its disks are still being
 * found, and who will have them then nobody knows.  In the boot of the change it has been the host's for as long as its
 * process lived, and goes back unless it is in use.
 */
static char *why_forward(const struct pt_run *run, const struct pt_step_row *row)
{
	const struct pt_step *s = &row->step;
	struct pt_bind card = pt_step_bind_before(s);
	pt_autofree char *driver = NULL;
	struct pt_error used = { 0 };

	if (s->kind != PT_STEP_DRIVER || !pt_run_must_unwind(run, row) || !pt_run_reserves(run, s->bdf, false))
		return NULL;
	/* a stranger that has come to the address is no reason */
	if (pt_bind_check(run->env->host, &card, NULL) < 0)
		return NULL;
	driver = hosts_driver(run, s);
	if (!driver)
		return NULL;
	if (run->rebooted)
		return pt_strf("%s is with %s since this boot", pt_bdf_str(s->bdf).s, driver);
	return pt_step_check_held(run, s, NULL, &used) == -EBUSY ? pt_strdup(used.msg) : NULL;
}

char *pt_run_goes_forward(const struct pt_run *run)
{
	char *why = NULL;

	for (size_t i = 0; i < run->record.steps.n && !why && only_gives(&run->record); i++)
		why = why_forward(run, &run->record.steps.v[i]);
	return why;
}

static int finish_driver(struct pt_run *run, struct pt_step *s, char **ret_seen, struct pt_error *err)
{
	pt_autofree char *driver = hosts_driver(run, s);
	struct pt_bind want = pt_step_bind_before(s);
	int r;

	if (!driver) {
		r = pt_step_make(run, s, ret_seen, err);
		/* pulled while the power was off: there is nothing to give */
		return r == -ENODEV && run->rebooted ? 0 : r;
	}
	/* whichever it is, it stays; an override of ours may be left of a binding that was cut off */
	want.driver = driver;
	want.override = s->override_after;
	r = pt_bind_driver(run->env->host, &want, err);
	if (r >= 0)
		*ret_seen = pt_take_ptr(driver);
	return r < 0 ? r : 0;
}

static int finish_define(struct pt_run *run, struct pt_step_row *row, char **ret_seen, struct pt_error *err)
{
	struct pt_step *s = &row->step;
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *now = NULL;
	int r = vm->get_xml(vm->ctx, s->vm_uuid, &now, err);

	if (r < 0)
		return r;
	/* as when it is taken back: what libvirt made of ours may not have been noted */
	if (pt_definitions_same(now, s->xml_after) || pt_definitions_same(now, row->seen) ||
	    (!pt_definitions_same(now, s->xml_before) && pt_definitions_alike(now, s->xml_after))) {
		*ret_seen = pt_take_ptr(now);
		return 0;
	}
	r = pt_step_check(run, s, err);
	if (r == -ESTALE)
		pt_hint(err,
			"`virsh edit %s` takes the device out of it, or the one before is in backup/ beside the "
			"journal; then run `passthru recover`",
			pt_shell(s->vm).s);
	return r < 0 ? r : pt_step_make(run, s, ret_seen, err);
}

/* the record that goes to another VM: what a cut left of ours is written anew */
static int finish_reserve(struct pt_run *run, struct pt_step_row *row, char **ret_seen, struct pt_error *err)
{
	int r = pt_step_unmake(run, row, err);

	return r < 0 ? r : pt_step_make(run, &row->step, ret_seen, err);
}

static int finish_unplug(struct pt_run *run, struct pt_step *s, char **ret_seen, struct pt_error *err)
{
	int has = pt_step_vm_has(run, s, err);

	if (has == -ESHUTDOWN || has == 0)
		return 0;
	return has < 0 ? has : pt_step_make(run, s, ret_seen, err);
}

static int finish(struct pt_run *run, struct pt_step_row *row, char **ret_seen, struct pt_error *err)
{
	struct pt_step *s = &row->step;

	switch (s->kind) {
	case PT_STEP_VM_UNPLUG:
		return finish_unplug(run, s, ret_seen, err);
	case PT_STEP_VM_DEFINE:
		return finish_define(run, row, ret_seen, err);
	case PT_STEP_DRIVER:
		return finish_driver(run, s, ret_seen, err);
	case PT_STEP_RESERVE:
		return finish_reserve(run, row, ret_seen, err);
	case PT_STEP_SRIOV:
	case PT_STEP_SRIOV_KEEP:
		return pt_step_finish_sriov(run, s, err);
	default:
		return pt_step_make(run, s, ret_seen, err);
	}
}

/* the text of a record goes into the journal before it is removed: an undo writes it back */
static int complete(struct pt_run *run, size_t i, struct pt_error *err)
{
	struct pt_step_row *row = &run->record.steps.v[i];
	enum pt_step_kind kind = row->step.kind;
	int r = row->state == PT_STEP_PLANNED && (kind == PT_STEP_UNRESERVE || kind == PT_STEP_RESERVE)
			? pt_step_check(run, &row->step, err)
			: 0;

	return r < 0 ? r : pt_journal_step_start(run->env->journal, run->record.head.id, i, &row->step, err);
}

static void finish_step(struct pt_run *run, size_t i)
{
	struct pt_step_row *row = &run->record.steps.v[i];
	pt_autofree char *what = pt_step_describe(&row->step);
	char *seen = NULL;
	struct pt_error err = { 0 };
	int r;

	pt_run_tell(run, i, PT_PROGRESS_BEGIN);
	r = complete(run, i, &err);
	if (r == 0)
		r = finish(run, row, &seen, &err);
	if (r == 0)
		r = pt_journal_step_done(run->env->journal, run->record.head.id, i, seen, &err);
	free(seen);
	if (r == 0) {
		row->state = PT_STEP_DONE;
		pt_run_tell(run, i, PT_PROGRESS_DONE);
		return;
	}
	pt_run_tell(run, i, PT_PROGRESS_FAILED);
	if (pt_run_give_up(run, i, r, what, &err))
		return;
	pt_run_note(run, i, r == -ETIMEDOUT || r == -EBUSY ? PT_STEP_STUCK : PT_STEP_FAILED, err.msg);
	pt_strv_addf(&run->lost, "not finished: %s: %s", what, err.msg[0] ? err.msg : strerror(-r));
}

/* that the VM does not come up without the device is no reason to take that from the host: told, and left so */
static void finish_start(struct pt_run *run, size_t i)
{
	const struct pt_step_row *row = &run->record.steps.v[i];
	pt_autofree char *text = NULL;
	struct pt_error why = { 0 };

	if (run->lost.n) {
		pt_strv_addf(&run->lost, "not started: %s, which waits for that", row->step.vm);
		return;
	}
	pt_run_tell(run, i, PT_PROGRESS_BEGIN);
	/* begun in the journal: our own hook lets it start by that */
	if (complete(run, i, &why) == 0 && pt_step_finish_start(run, row, &why) >= 0) {
		pt_run_note(run, i, PT_STEP_DONE, NULL);
		pt_run_tell(run, i, PT_PROGRESS_DONE);
		return;
	}
	pt_run_note(run, i, PT_STEP_FAILED, why.msg);
	pt_run_tell(run, i, PT_PROGRESS_FAILED);
	text = pt_strf("%s does not start without the device that this host has now: %s", row->step.vm, why.msg);
	if (run->env->warn)
		run->env->warn(run->env->ctx, text);
}

static bool is_with_host(const struct pt_run *run, const struct pt_step *s)
{
	pt_autofree char *driver = hosts_driver(run, s);

	return driver != NULL;
}

/*
 * A guest that was shut down has the device no more, whatever it does now, and what the host has is not reset under it.
 * After another boot a VM starts only if it starts by itself (wake.c), what was in the device has gone with the power,
 * and an interface is left as that boot made it.
 */
static bool is_needless(const struct pt_run *run, const struct pt_step_row *row)
{
	switch (row->step.kind) {
	case PT_STEP_VM_STOP:
		return true;
	case PT_STEP_RESET:
		return run->rebooted || is_with_host(run, &row->step);
	case PT_STEP_VM_START:
	case PT_STEP_LINK:
		return run->rebooted;
	default:
		return false;
	}
}

bool pt_run_must_finish(const struct pt_run *run, const struct pt_step_row *row)
{
	return row->state != PT_STEP_DONE && !is_needless(run, row) && row->step.kind != PT_STEP_VM_START;
}

static int end_finishing(struct pt_run *run, const char *why)
{
	pt_autofree char *cause = pt_run_cause(run->record.head.message, "cut off");
	pt_autofree char *lost = pt_strv_join(&run->lost, "; ");
	pt_autofree char *given = pt_strv_join(&run->given, "; ");
	pt_autofree char *message = pt_strf("%s" PT_RUN_FINISHED "%s%s%s%s%s", cause, why, given[0] ? "; " : "", given,
					    lost[0] ? "; " : "", lost);

	if (pt_journal_finish(run->env->journal, run->record.head.id, run->lost.n ? PT_CHANGE_STUCK : PT_CHANGE_DONE,
			      message, NULL) < 0)
		run->journal_lost = true;
	return run->lost.n || run->journal_lost ? -EINTR : 0;
}

int pt_run_finish(struct pt_run *run, const char *why)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if (row->state == PT_STEP_DONE || is_needless(run, row))
			continue;
		if (run->env->host_only && pt_run_is_vm_step(&row->step)) {
			run->waits = true;
			continue;
		}
		if (row->step.kind == PT_STEP_VM_START) {
			finish_start(run, i);
			continue;
		}
		finish_step(run, i);
		/* what a guest, or a definition, did not let go of is not made ready for the host */
		if (run->lost.n && pt_run_is_vm_step(&row->step))
			break;
	}
	/* it stays open, in the hands of whoever recovers the rest */
	if (run->waits)
		return run->lost.n || run->journal_lost ? -EINTR : 0;
	return end_finishing(run, why);
}
