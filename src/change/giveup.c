/* SPDX-License-Identifier: Apache-2.0 */
/* A change whose device was pulled, whose VM was undefined, or whose other host is gone, while it was open: nobody can
 * take that part back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "change/run.h"

/* after another boot neither driver nor override is left of a card that was pulled: unmaking that is no failure */
static bool device_gone(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind want = pt_step_bind_before(s);
	int r = pt_bind_check(run->env->host, &want, err);

	if (r == -ENODEV)
		return s->kind != PT_STEP_DRIVER || !run->rebooted;
	return r == -ESTALE;
}

static bool vm_gone(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	enum pt_domain_state state;

	return run->env->vm->state(run->env->vm->ctx, s->vm_uuid, &state, err) == -ENOENT;
}

bool pt_step_gone(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	switch (s->kind) {
	case PT_STEP_DRIVER:
	case PT_STEP_SRIOV:
		return device_gone(run, s, err);
	case PT_STEP_LINK:
		/* after another boot it is left as that boot made it, whatever is there */
		return !run->rebooted && device_gone(run, s, err);
	case PT_STEP_VM_STOP:
	case PT_STEP_VM_START:
	case PT_STEP_VM_DEFINE:
	case PT_STEP_VM_AUTOSTART:
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_MIGRATE:
		return vm_gone(run, s, err);
	case PT_STEP_VM_UNPLUG:
		return vm_gone(run, s, err) || (!run->rebooted && device_gone(run, s, err));
	default:
		return false; /* files of this host: there is nothing that could be pulled */
	}
}

static int check_unsettled(const struct pt_change_env *env, const struct pt_change_row *head, struct pt_error *err)
{
	int r;

	if (head->state != PT_CHANGE_OPEN && head->state != PT_CHANGE_STUCK)
		return pt_usage(err, -EINVAL, "change %lld (%s) is settled: it is %s", head->id, head->summary,
				pt_change_state_str(head->state));
	if (head->state == PT_CHANGE_STUCK || !pt_owner_alive(env->proc_fd, &head->owner))
		return 0;
	r = pt_refuse(err, "change-open", "change %lld (%s) is being made right now by process %d", head->id,
		      head->summary, head->owner.pid);
	pt_hint(err, "wait for it to end; `passthru history %lld` shows how far it is", head->id);
	return r;
}

void pt_given_up_done(struct pt_given_up *given)
{
	pt_strv_done(&given->lines);
	free(given->forward);
}

/* all of it is made, when this move counts as made */
static bool is_last(const struct pt_run *run, const struct pt_step_row *row)
{
	for (size_t i = 0; i < run->record.steps.n; i++)
		if (&run->record.steps.v[i] != row && run->record.steps.v[i].state != PT_STEP_DONE)
			return false;
	return true;
}

/* a move whose other host does not answer: what is taken for true */
static void find_unreachable(const struct pt_run *run, struct pt_given_up *given)
{
	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step_row *row = &run->record.steps.v[i];
		pt_autofree char *what = pt_step_describe(&row->step);
		pt_autofree char *there = pt_step_unreachable(run, row);

		if (!there)
			continue;
		pt_strv_addf(&given->lines, "%s: %s", what, there);
		if (vm_gone(run, &row->step, NULL) && is_last(run, row))
			given->forward = pt_strf("%s is taken to have moved", row->step.vm);
	}
}

static void find_gone(struct pt_run *run, struct pt_given_up *given)
{
	/* what was made to its end is finished, not taken back */
	if (pt_run_all_made(&run->record))
		return;
	given->forward = pt_run_goes_forward(run);
	if (!given->forward)
		find_unreachable(run, given);
	for (size_t i = run->record.steps.n; i-- > 0;) {
		const struct pt_step_row *row = &run->record.steps.v[i];
		pt_autofree char *what = pt_step_describe(&row->step);
		struct pt_error why = { 0 };

		if (row->step.kind == PT_STEP_VM_MIGRATE && given->lines.n)
			continue;
		if ((given->forward ? pt_run_must_finish(run, row) : pt_run_must_unwind(run, row)) &&
		    pt_step_gone(run, &row->step, &why))
			pt_strv_addf(&given->lines, "%s: %s", what, why.msg);
	}
}

static int look(struct pt_run *run, long long id, struct pt_given_up *given, struct pt_error *err)
{
	struct pt_owner self = { 0 };
	int r = pt_journal_get(run->env->journal, id, &run->record, err);

	if (r == 0)
		r = check_unsettled(run->env, &run->record.head, err);
	/* what of its VMs is there, and what runs, nobody can tell */
	if (r == 0 && run->env->no_vms && pt_run_has_vms(&run->record))
		r = pt_say(err, -ENOTCONN,
			   "change %lld (%s) is about VMs, too, and libvirt cannot be asked: it is left as it is", id,
			   run->record.head.summary);
	if (r == 0)
		r = pt_owner_self(run->env->proc_fd, &self, err);
	if (r < 0)
		return r;
	run->rebooted = strcmp(run->record.head.begun_boot, self.boot) != 0;
	find_gone(run, given);
	if (given->lines.n)
		return 0;
	r = pt_refuse(err, "nothing-gone",
		      "nothing of change %lld (%s) has to be given up: what it must be %s on is there", id,
		      run->record.head.summary, given->forward ? "finished" : "taken back");
	pt_hint(err, "`passthru recover` settles it, or says what stands in the way");
	return r;
}

int pt_change_gone(const struct pt_change_env *env, long long id, struct pt_given_up *ret_given, struct pt_error *err)
{
	PT_AUTO(pt_run) run = { .env = env };
	PT_AUTO(pt_given_up) given = { 0 };
	int r = look(&run, id, &given, err);

	if (r < 0)
		return r;
	*ret_given = given;
	given = (struct pt_given_up){ 0 };
	return 0;
}

/* the card may be back, somebody may have recovered the change, or the host have come to use a device of it */
static int ask_again(const struct pt_change_env *env, long long id, const struct pt_given_up *told,
		     struct pt_given_up *now, struct pt_error *err)
{
	int r = pt_change_gone(env, id, now, err);

	if (r < 0 || !told || !told->forward == !now->forward)
		return r;
	r = pt_say(err, -ESTALE, "change %lld would not be %s, as was asked, but %s%s%s", id,
		   now->forward ? "taken back" : "finished", now->forward ? "finished" : "taken back",
		   now->forward ? ": " : "", now->forward ? now->forward : "");
	pt_hint(err, "nothing was done; give the command again");
	return r;
}

int pt_change_give_up(const struct pt_change_env *env, long long id, const struct pt_given_up *told,
		      struct pt_given_up *ret_given, struct pt_error *err)
{
	PT_AUTO(pt_run) run = { .env = env, .what = "recover", .recovering = true, .give_up = true };
	PT_AUTO(pt_given_up) now = { 0 };
	PT_AUTO(pt_held) held = { 0 };
	PT_AUTO(pt_buf) lost = { 0 };
	int r = pt_run_lock(&run, env->wait_ms, err);

	if (r == 0)
		r = ask_again(env, id, told, &now, err);
	if (r == 0)
		r = pt_run_settle(&run, id, &lost, err);
	if (r == 1) {
		int woken;

		pt_run_hold(&run, &held);
		woken = pt_run_wake(env, &held, err);
		r = woken < 0 ? woken : r;
	}
	pt_run_unlock(&run);
	if (r == -EINTR && lost.n)
		return pt_run_not_settled(&lost, err);
	if (r == 0)
		return pt_say(err, -EAGAIN, "change %lld was not settled: it is left as it is", id);
	if (r < 0)
		return r;
	ret_given->lines = run.given;
	run.given = (struct pt_strv){ 0 };
	/* what was done, should the host have come to use it, or not to, since the question a moment ago */
	if (run.forward || !pt_run_all_made(&run.record))
		ret_given->forward = pt_take_ptr(run.forward);
	else
		ret_given->forward = pt_take_ptr(now.forward);
	return 0;
}
