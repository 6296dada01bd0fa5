/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM of a change that the power cut off does not start at boot: the hook refuses it until the change is settled, and
 * libvirt's autostart asks once.  So what starts by itself is started here, when nothing holds it back any more.  Never
 * one that has moved: it runs elsewhere, whatever libvirt still has of it here.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "change/run.h"

static void hold(const struct pt_step *s, struct pt_held *held)
{
	if (!s->vm_uuid || pt_strv_has(&held->uuids, s->vm_uuid))
		return;
	pt_strv_add(&held->uuids, s->vm_uuid);
	pt_strv_add(&held->names, s->vm ? s->vm : s->vm_uuid);
}

void pt_run_hold(const struct pt_run *run, struct pt_held *held)
{
	bool may_wake = run->rebooted && !run->device_lost && !run->device_given;

	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];

		if (row->step.kind == PT_STEP_VM_MIGRATE && row->state == PT_STEP_DONE)
			pt_strv_add(&held->elsewhere, row->step.vm_uuid);
		if (may_wake)
			hold(&row->step, held);
	}
}

void pt_held_done(struct pt_held *held)
{
	pt_strv_done(&held->uuids);
	pt_strv_done(&held->names);
	pt_strv_done(&held->elsewhere);
}

/* those of changes that are not settled even now */
static int find_refused(const struct pt_change_env *env, struct pt_strv *refused, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(env->journal, true, &list, err);

	for (size_t i = 0; i < list.n && r == 0; i++) {
		PT_AUTO(pt_change_record) record = { 0 };

		r = pt_journal_get(env->journal, list.v[i].id, &record, err);
		for (size_t k = 0; k < record.steps.n; k++)
			if (record.steps.v[k].step.vm_uuid)
				pt_strv_add(refused, record.steps.v[k].step.vm_uuid);
	}
	return r;
}

/* 1: it is off and should not be */
static int is_missing(const struct pt_vm_ops *vm, const char *uuid, struct pt_error *err)
{
	enum pt_domain_state state;
	bool autostart = false;
	int r = vm->state(vm->ctx, uuid, &state, err);

	if (r == 0 && state == PT_DOMAIN_SHUTOFF)
		r = vm->autostart(vm->ctx, uuid, -1, &autostart, err);
	return r < 0 ? r : autostart;
}

static void wake(const struct pt_change_env *env, const char *uuid, const char *name)
{
	struct pt_error err = { 0 };
	pt_autofree char *text = NULL;
	int r = is_missing(env->vm, uuid, &err);

	if (r == 1)
		r = env->vm->start(env->vm->ctx, uuid, &err);
	/* undefined since, or libvirt has come to it in the meantime */
	if (r >= 0 || r == -ENOENT || is_missing(env->vm, uuid, NULL) == 0)
		return;
	text = pt_strf(
		"%s starts by itself at boot, was held back by a change that is settled now, and does not start: %s",
		name, err.msg);
	if (env->warn)
		env->warn(env->ctx, text);
}

int pt_run_wake(const struct pt_change_env *env, const struct pt_held *held, struct pt_error *err)
{
	PT_AUTO(pt_strv) refused = { 0 };
	int r = held->uuids.n ? find_refused(env, &refused, err) : 0;

	if (env->host_only || env->no_vms || r < 0)
		return r;
	for (size_t i = 0; i < held->uuids.n; i++)
		if (!pt_strv_has(&refused, held->uuids.v[i]) && !pt_strv_has(&held->elsewhere, held->uuids.v[i]))
			wake(env, held->uuids.v[i], held->names.v[i]);
	return 0;
}
