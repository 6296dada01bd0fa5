/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of step does, and what takes it back.  Taking back starts from wherever the world is. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "change/run.h"
#include "decide/group.h"
#include "domxml/domxml.h"

static bool interrupted(const struct pt_run *run)
{
	return run->env->interrupted && run->env->interrupted(run->env->ctx) != 0;
}

static int is_off(const struct pt_run *run, const char *uuid, struct pt_error *err)
{
	enum pt_domain_state state;
	int r = run->env->vm->state(run->env->vm->ctx, uuid, &state, err);

	return r < 0 ? r : state == PT_DOMAIN_SHUTOFF;
}

/* the guest's own way first; then, only if the user says so, power off.  The lock is free meanwhile. */
static int stop_vm(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_change_env *env = run->env;
	unsigned preset_ms = env->stop_ms ? env->stop_ms : PT_STOP_MS;
	unsigned timeout_ms = s->kind == PT_STEP_VM_STOP && s->timeout_ms ? s->timeout_ms : preset_ms;
	struct pt_error locking = { 0 };
	int r;

	pt_run_unlock(run);
	r = env->vm->stop(env->vm->ctx, s->vm_uuid, timeout_ms, false, err);
	if (r == -ETIMEDOUT && env->force_stop && env->force_stop(env->ctx, s) == 1)
		r = env->vm->stop(env->vm->ctx, s->vm_uuid, timeout_ms, true, err);
	else if (r == -ETIMEDOUT) {
		pt_refused_by(err, "stop", true);
		pt_hint(err, "shut %s down inside the guest, or allow to force it off with --force-stop", s->vm);
	}
	if (pt_run_lock(run, PT_LOCK_FOREVER, &locking) < 0 && r == 0) {
		r = locking.code;
		if (err)
			*err = locking;
	}
	return r == -EINTR ? -ECANCELED : r;
}

static int make_stop(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	int r = stop_vm(run, s, err);

	if (r < 0)
		return r;
	r = is_off(run, s->vm_uuid, err);
	if (r == 0)
		return pt_say(err, -EIO, "%s was shut down and runs again", s->vm);
	return r < 0 ? r : 0;
}

/* a definition is soon accepted; whether QEMU lives with it shows in the first seconds */
int pt_step_watch(struct pt_run *run, const struct pt_step *s, const char *what, bool may_stop, struct pt_error *err)
{
	const struct pt_vm_ops *ops = run->env->vm;
	long long end = pt_watch_now_ms() + run->env->settle_ms;

	for (;;) {
		struct pt_error cause = { 0 };
		int r = ops->alive(ops->ctx, s->vm_uuid, &cause);

		if (r < 0 && err)
			*err = cause;
		if (r < 0)
			return r;
		if (r == 0) {
			(void)pt_say(err, -EIO, "%s %s: %s", s->vm, what,
				     cause.msg[0] ? cause.msg : "libvirt tells no reason");
			return -EIO;
		}
		if (pt_watch_now_ms() >= end)
			return 0;
		if (may_stop && interrupted(run))
			return pt_say(err, -ECANCELED, "interrupted while it was seen whether %s stays up", s->vm);
		pt_run_pause(run, PT_WATCH_LIBVIRT);
	}
}

static int start_vm(struct pt_run *run, const struct pt_step *s, bool may_stop, struct pt_error *err)
{
	int r = run->env->vm->start(run->env->vm->ctx, s->vm_uuid, err);

	return r < 0 ? r : pt_step_watch(run, s, "was started and did not stay up", may_stop, err);
}

int pt_step_start_again(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	if (run->device_lost || run->device_given)
		return pt_say(err, -ENODEV, "it is left shut off, since a device that it needs could not be put back");
	return start_vm(run, s, false, err);
}

static int make_define(struct pt_run *run, const struct pt_step *s, char **ret_seen, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *seen = NULL;
	int r = vm->define(vm->ctx, s->vm_uuid, s->xml_after, err);

	if (r == 0)
		r = vm->get_xml(vm->ctx, s->vm_uuid, &seen, err);
	if (r < 0)
		return r;
	if (!pt_definitions_same(seen, s->xml_after) && !pt_definitions_alike(seen, s->xml_after))
		return pt_say(err, -EIO, "libvirt took the new definition of %s but keeps another one", s->vm);
	*ret_seen = pt_take_ptr(seen);
	return 0;
}

static int set_autostart(struct pt_run *run, const struct pt_step *s, bool value, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	bool now = false;
	int r = vm->autostart(vm->ctx, s->vm_uuid, -1, &now, err);

	if (r == 0 && now != value)
		r = vm->autostart(vm->ctx, s->vm_uuid, value, &now, err);
	if (r == 0)
		r = vm->autostart(vm->ctx, s->vm_uuid, -1, &now, err);
	if (r == 0 && now != value)
		r = pt_say(err, -EIO, "autostart of %s stays %s", s->vm, now ? "on" : "off");
	return r;
}

/* @driver now holds the function of @s: wait for what is behind it, where the host can see that at all */
static void wait_for_disks(struct pt_run *run, const struct pt_step *s, const char *driver, bool may_stop)
{
	const struct pt_change_env *env = run->env;
	long long end = pt_watch_now_ms() + env->back_ms;

	if (!env->back || !s->carried || !driver || pt_driver_is_vfio(driver))
		return;
	if (env->back_until && env->back_until < end)
		end = env->back_until;
	while (PT_WATCHED(env->watch, PT_WATCH_KERNEL, env->back(env->ctx, s)) == 0 && pt_watch_now_ms() < end &&
	       !(may_stop && interrupted(run)))
		pt_run_pause(run, PT_WATCH_KERNEL);
}

static bool starts_a_vm(const struct pt_run *run)
{
	for (size_t i = 0; i < run->record.steps.n; i++)
		if (run->record.steps.v[i].step.kind == PT_STEP_VM_START)
			return true;
	return false;
}

/* a group may have members that libvirt takes from the host's drivers itself, when it starts the VM: not viable yet */
static bool libvirt_binds_some(const struct pt_run *run)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *s = &run->record.steps.v[i].step;
		PT_AUTO(pt_domain) vm = { 0 };

		if (s->kind != PT_STEP_VM_DEFINE || !s->xml_after || pt_domxml_read(s->xml_after, &vm, NULL) < 0)
			continue;
		for (size_t k = 0; k < vm.hostdevs.n; k++)
			if (vm.hostdevs.v[k].managed)
				return true;
	}
	return false;
}

/*
 * With the last function bound and no VM on it yet, the kernel is asked once about each group that goes to guests: what
 * the plan computed from drivers may have changed since.  A group that somebody has open is viable, or he could not
 * have it; that is in the way only of a VM that is to be started with it: one that runs may have it open itself.  Where
 * libvirt binds a part of it, nothing is asked.
 */
static int ask_groups(const struct pt_run *run, const struct pt_step *last, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	size_t n = run->record.steps.n;
	int r = 0;

	if (libvirt_binds_some(run))
		return 0;
	for (size_t i = n; i-- > 0 && &run->record.steps.v[i].step != last;)
		if (run->record.steps.v[i].step.kind == PT_STEP_DRIVER)
			return 0;
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct pt_step *s = &run->record.steps.v[i].step;
		struct pt_error why = { 0 };

		if (s->kind != PT_STEP_DRIVER || !s->driver_after || !pt_driver_is_vfio(s->driver_after))
			continue;
		r = host->viable(host->ctx, s->bdf, &why);
		if (r == -ENOENT || (r == -EBUSY && !starts_a_vm(run)) ||
		    (r == -EOPNOTSUPP && !pt_run_has_vms(&run->record)))
			r = 0;
		if (r < 0 && err)
			*err = why;
	}
	return r < 0 ? r : 0;
}

/*
 * What the host found behind a card that its driver got by a detach, or only for a look, may be in use now: LVM, md or
 * multipath activate by themselves what they know.  It is not taken from under them.  udev opens each new disk for a
 * moment.
 */
int pt_step_check_held(const struct pt_run *run, const struct pt_step *s, const char *wanted, struct pt_error *err)
{
	const struct pt_change_env *env = run->env;
	long long end = pt_watch_now_ms() + env->grace_ms;
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;
	int r = pt_bind_look(env->host, s->bdf, &driver, &override, NULL);

	if (!env->held || r < 0 || !pt_driver_is_hosts(driver) || pt_streq(driver, wanted))
		return 0;
	for (;;) {
		pt_autofree char *who = PT_WATCHED(env->watch, PT_WATCH_KERNEL, env->held(env->ctx, s->bdf));

		if (!who)
			return 0;
		if (pt_watch_now_ms() < end) {
			pt_run_pause(run, PT_WATCH_KERNEL);
			continue;
		}
		r = pt_say(err, -EBUSY, "%s stays with %s: %s", pt_bdf_str(s->bdf).s, driver, who);
		pt_refused_by(err, "in-use", false);
		pt_hint(err, "end that use first");
		return r;
	}
}

static int make_driver(struct pt_run *run, const struct pt_step *s, char **ret_seen, struct pt_error *err)
{
	struct pt_bind want = pt_step_bind_before(s);
	char *override = NULL;
	int r;

	want.driver = s->driver_after;
	want.override = s->override_after;
	want.reprobe = s->reprobe;
	/* an attach decided upon the users that its plan saw, and upon which of them to pass over; an undo has neither
	 */
	r = run->record.head.undoes && !s->reprobe ? pt_step_check_held(run, s, s->driver_after, err) : 0;
	if (r < 0)
		return r;
	r = pt_bind_driver(run->env->host, &want, err);
	if (r < 0)
		return r;
	wait_for_disks(run, s, s->driver_after, true);
	if (!s->reprobe)
		return ask_groups(run, s, err);
	r = pt_bind_look(run->env->host, s->bdf, ret_seen, &override, err);
	free(override);
	return r;
}

/* of a step that writes it, or of one that gave it up and is taken back: the record that replaces it is then still
 * there */
static int put_record(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	struct pt_reservation reservation = pt_step_reservation(run, s);

	if (s->flag)
		return 0;
	if (pt_run_hands_over(run, s))
		return pt_reserve_replace(host, &reservation, s->reservation, err);
	return pt_reserve_write(host, &reservation, s->reservation, err);
}

static int remove_record(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_reservation reservation = pt_step_reservation(run, s);
	int r = s->flag || pt_run_hands_over(run, s) ? 0 : pt_reserve_remove(run->env->host, &reservation, err);

	return r < 0 ? r : 0;
}

int pt_step_make(struct pt_run *run, struct pt_step *s, char **ret_seen, struct pt_error *err)
{

	switch (s->kind) {
	case PT_STEP_VM_STOP:
		return make_stop(run, s, err);
	case PT_STEP_VM_START:
		return start_vm(run, s, true, err);
	case PT_STEP_VM_DEFINE:
		return make_define(run, s, ret_seen, err);
	case PT_STEP_VM_AUTOSTART:
		return set_autostart(run, s, s->flag, err);
	case PT_STEP_DRIVER:
		return make_driver(run, s, ret_seen, err);
	case PT_STEP_RESERVE:
		return put_record(run, s, err);
	case PT_STEP_UNRESERVE:
		return remove_record(run, s, err);
	case PT_STEP_SRIOV:
	case PT_STEP_SRIOV_KEEP:
		return pt_step_make_sriov(run, s, err);
	case PT_STEP_LINK:
		return pt_step_make_link(run, s, err);
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_UNPLUG:
		return pt_step_make_plug(run, s, err);
	case PT_STEP_VM_MIGRATE:
		return pt_step_make_migrate(run, s, err);
	case PT_STEP_RESET:
		return pt_step_make_reset(run, s, err);
	case PT_STEP_KINDS:
		break;
	}
	return -EINVAL;
}

/* A start or a shutdown that was asked for goes on without us: give it the time to come true.  1 when it did. */
static int wait_for(struct pt_run *run, const char *uuid, bool off, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + run->env->grace_ms;
	int r;

	for (;;) {
		r = is_off(run, uuid, err);
		if (r < 0 || (r == 1) == off)
			return r < 0 ? r : 1;
		if (pt_watch_now_ms() >= end)
			return 0;
		pt_run_pause(run, PT_WATCH_LIBVIRT);
	}
}

/* after another boot: what starts by itself should run; nothing else does */
static int starts_by_itself(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	bool autostart = false;
	int r = vm->autostart(vm->ctx, s->vm_uuid, -1, &autostart, err);

	return r < 0 ? r : autostart;
}

static int unmake_stop(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	int r = is_off(run, s->vm_uuid, err);

	/* the guest was asked and may still go down: a VM that stops a minute after "everything is as it was" is not */
	if (r == 0 && row->state != PT_STEP_DONE && !run->rebooted) {
		pt_run_unlock(run);
		r = wait_for(run, s->vm_uuid, true, err);
		if (pt_run_lock(run, PT_LOCK_FOREVER, NULL) < 0)
			return pt_say(err, -EIO, "cannot get the lock back");
	}
	if (r == 1 && run->rebooted)
		r = starts_by_itself(run, s, err);
	if (r <= 0)
		return r;
	return pt_step_start_again(run, s, err);
}

int pt_step_finish_start(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	int r = is_off(run, s->vm_uuid, err);

	if (r == 1 && row->state != PT_STEP_PLANNED)
		r = wait_for(run, s->vm_uuid, false, err) == 1 ? 0 : 1;
	return r <= 0 ? r : start_vm(run, s, false, err);
}

static int unmake_start(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	int r = is_off(run, s->vm_uuid, err);

	if (r == 1 && run->recovering && !run->rebooted && row->state != PT_STEP_DONE)
		r = wait_for(run, s->vm_uuid, false, err) == 1 ? 0 : 1;
	if (r != 0)
		return r < 0 ? r : 0;
	return stop_vm(run, s, err);
}

/*
 * When the change was cut off while libvirt took the definition, what it made of it is not in the journal.  What has
 * the devices of our new definition is taken for that, and kept as a file before it is replaced; anything else is
 * somebody's own edit, and stays.
 */
static int unmake_define(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err)
{
	const struct pt_step *s = &row->step;
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *now = NULL;
	pt_autofree char *kept = NULL;
	int r = vm->get_xml(vm->ctx, s->vm_uuid, &now, err);

	if (r < 0 || pt_definitions_same(now, s->xml_before))
		return r;
	if (!pt_definitions_same(now, s->xml_after) && !pt_definitions_same(now, row->seen)) {
		if (row->seen || !pt_definitions_alike(now, s->xml_after)) {
			r = pt_say(err, -ESTALE, "the definition of %s was edited meanwhile and is left as it is",
				   s->vm);
			pt_refused_by(err, "definition-changed", false);
			pt_hint(err, "the original is in backup/ beside the journal; `virsh define` takes it");
			return r;
		}
		r = pt_journal_backup(run->env->journal, run->record.head.id, s->vm, ".found", now, &kept, err);
		if (r < 0)
			return r;
	}
	r = vm->define(vm->ctx, s->vm_uuid, s->xml_before, err);
	free(now);
	now = NULL;
	if (r == 0)
		r = vm->get_xml(vm->ctx, s->vm_uuid, &now, err);
	if (r == 0 && !pt_definitions_same(now, s->xml_before))
		r = pt_say(err, -EIO, "libvirt took the old definition of %s but keeps another one", s->vm);
	return r;
}

/* was it kept off the host's drivers before the change?  The file tells where the journal does not yet */
static bool was_reserved(const struct pt_run *run, struct pt_bdf bdf)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];
		bool gives_up = row->step.kind == PT_STEP_UNRESERVE;
		pt_autofree char *text = NULL;

		if ((!gives_up && row->step.kind != PT_STEP_RESERVE) || !pt_bdf_eq(row->step.bdf, bdf))
			continue;
		if (row->state == PT_STEP_PLANNED)
			return pt_reserve_read(run->env->host, bdf, &text, NULL) == 0;
		return row->step.flag != gives_up;
	}
	return false;
}

/*
 * After another boot: what was not reserved before the change, and is not now, has the driver that a boot gives it, be
 * it another one than it had, with the override that chose it.  @chosen, @override: for @want to borrow.
 */
static void want_what_the_boot_chose(const struct pt_run *run, const struct pt_step *s, struct pt_bind *want,
				     char **chosen, char **override)
{
	if (!run->rebooted || was_reserved(run, s->bdf) ||
	    pt_bind_look(run->env->host, s->bdf, chosen, override, NULL) < 0 || !pt_driver_is_hosts(*chosen) ||
	    pt_streq(*chosen, s->driver_before))
		return;
	want->driver = *chosen;
	want->override = *override && !pt_driver_is_hosts(*override) ? NULL : *override;
}

static int unmake_driver(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	bool lent = s->reprobe && !pt_run_reserves(run, s->bdf, false);
	struct pt_bind want = pt_step_bind_before(s);
	const char *vm = pt_run_still_has(run, s->bdf);
	pt_autofree char *chosen = NULL;
	pt_autofree char *override = NULL;
	int r;

	if (vm) {
		r = pt_say(err, -EBUSY, "%s runs and may have %s: its driver is left as it is", vm,
			   pt_bdf_str(s->bdf).s);
		pt_refused_by(err, "in-use", false);
		return r;
	}
	/* the next boot has chosen its driver by what is reserved, and that the change did not touch */
	if (lent && run->rebooted)
		return 0;
	want_what_the_boot_chose(run, s, &want, &chosen, &override);
	r = pt_step_check_held(run, s, want.driver, err);
	if (r < 0)
		return r;
	r = pt_bind_driver(run->env->host, &want, err);
	/* pulled while the power was off: neither driver nor override outlived that, there is nothing to put back */
	if (r == -ENODEV && run->rebooted)
		return 0;
	if (r < 0)
		return r;
	wait_for_disks(run, s, s->driver_before, false);
	return 0;
}

int pt_step_unmake(struct pt_run *run, struct pt_step_row *row, struct pt_error *err)
{
	struct pt_step *s = &row->step;

	switch (s->kind) {
	case PT_STEP_VM_STOP:
		return unmake_stop(run, row, err);
	case PT_STEP_VM_START:
		return unmake_start(run, row, err);
	case PT_STEP_VM_DEFINE:
		return unmake_define(run, row, err);
	case PT_STEP_VM_AUTOSTART:
		return set_autostart(run, s, !s->flag, err);
	case PT_STEP_DRIVER:
		return unmake_driver(run, s, err);
	case PT_STEP_RESERVE:
		return remove_record(run, s, err);
	case PT_STEP_UNRESERVE:
		return put_record(run, s, err);
	case PT_STEP_SRIOV:
	case PT_STEP_SRIOV_KEEP:
		return pt_step_unmake_sriov(run, s, err);
	case PT_STEP_LINK:
		return pt_step_unmake_link(run, row, err);
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_UNPLUG:
		return pt_step_unmake_plug(run, row, err);
	case PT_STEP_VM_MIGRATE:
		return pt_step_unmake_migrate(run, s, err);
	case PT_STEP_RESET:
		return 0;
	case PT_STEP_KINDS:
		break;
	}
	return -EINVAL;
}
