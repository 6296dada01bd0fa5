/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a crash, a power cut or a stuck device left: finished where every step was made, or where what is given to this
 * host is the host's by now (forward.c); else taken back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "change/lock.h"
#include "change/run.h"

#define TAKEN_BACK "cut off; taken back by recover"

bool pt_run_all_made(const struct pt_change_record *record)
{
	for (size_t i = 0; i < record->steps.n; i++)
		if (record->steps.v[i].state != PT_STEP_DONE)
			return false;
	return true;
}

bool pt_run_has_vms(const struct pt_change_record *record)
{
	for (size_t i = 0; i < record->steps.n; i++)
		if (pt_run_is_vm_step(&record->steps.v[i].step))
			return true;
	return false;
}

/* what could not be put back, or finished, is asked anew */
char *pt_run_cause(const char *message, const char *none)
{
	const char *end = message ? strstr(message, PT_RUN_LOST) : NULL;
	const char *finished = message ? strstr(message, PT_RUN_FINISHED) : NULL;

	if (!message)
		return pt_strdup(none);
	if (finished && (!end || finished < end))
		end = finished;
	return end ? pt_strndup(message, (size_t)(end - message)) : pt_strdup(message);
}

/* nothing is taken back while it may run elsewhere */
static int end_unknown(struct pt_run *run, long long id, const char *why)
{
	pt_autofree char *cause = pt_run_cause(run->record.head.message, TAKEN_BACK);
	pt_autofree char *message = pt_strf("%s" PT_RUN_LOST "%s", cause, why);

	/* where that cannot be noted, the next one finds it open */
	(void)pt_journal_finish(run->env->journal, id, PT_CHANGE_STUCK, message, NULL);
	return -EINTR;
}

int pt_run_settle(struct pt_run *run, long long id, struct pt_buf *lost, struct pt_error *err)
{
	const struct pt_change_env *env = run->env;
	struct pt_change_row *head = &run->record.head;
	struct pt_owner self = { 0 };
	pt_autofree char *cause = NULL;
	pt_autofree char *what = NULL;
	struct pt_error where = { 0 };
	int r = pt_journal_get(env->journal, id, &run->record, err);

	if (r < 0)
		return r;
	/* it may have ended, or have been taken over, while the lock was free */
	if (head->state != PT_CHANGE_OPEN && head->state != PT_CHANGE_STUCK)
		return 0;
	if (head->state == PT_CHANGE_OPEN && pt_owner_alive(env->proc_fd, &head->owner))
		return 0;
	if (env->no_vms && pt_run_has_vms(&run->record))
		return 0;
	r = pt_owner_self(env->proc_fd, &self, err);
	run->rebooted = r == 0 && strcmp(head->begun_boot, self.boot) != 0;
	if (r == 0)
		r = pt_journal_own(env->journal, id, &self, err);
	if (r < 0)
		return r;
	if (!env->host_only && pt_run_settle_migrate(run, &where) < 0) {
		pt_buf_addf(lost, "\nchange %lld (%s): %s", id, head->summary, where.msg);
		return end_unknown(run, id, where.msg);
	}
	if (pt_run_all_made(&run->record)) {
		pt_autofree char *given = run->given.n ? pt_strv_join(&run->given, "; ") : NULL;

		r = pt_journal_finish(env->journal, id, PT_CHANGE_DONE, given, err);
		return r < 0 ? r : 1;
	}
	run->forward = pt_run_goes_forward(run);
	cause = pt_run_cause(head->message, TAKEN_BACK);
	if ((run->forward ? pt_run_finish(run, run->forward) : pt_run_unwind(run, cause)) == 0)
		return run->waits ? 0 : 1;
	what = pt_strv_join(&run->lost, "\n");
	pt_buf_addf(lost, "\nchange %lld (%s): %s", id, head->summary,
		    what[0] ? what : "put back, but that could not be noted");
	return -EINTR;
}

static int recover_one(const struct pt_change_env *env, long long id, struct pt_held *held, struct pt_buf *lost,
		       struct pt_error *err)
{
	PT_AUTO(pt_run) run = { .env = env, .what = "recover", .recovering = true };
	int r = pt_run_settle(&run, id, lost, err);

	if (r == 1)
		pt_run_hold(&run, held);
	return r == -EINTR ? 0 : r;
}

int pt_change_unanswered(const struct pt_change_env *env, struct pt_change_ids *ret_ids, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_owner self = { 0 };
	int r = pt_journal_list(env->journal, false, &list, err);

	*ret_ids = (struct pt_change_ids){ 0 };
	if (r == 0)
		r = pt_owner_self(env->proc_fd, &self, err);
	/* the guest of an earlier boot is gone, with whatever it was asked */
	for (size_t i = list.n; i-- > 0 && r == 0;) {
		PT_AUTO(pt_change_record) record = { 0 };
		bool stands = false;

		if (list.v[i].state != PT_CHANGE_FAILED || strcmp(list.v[i].begun_boot, self.boot) != 0)
			continue;
		r = pt_journal_get(env->journal, list.v[i].id, &record, err);
		for (size_t k = 0; k < record.steps.n; k++)
			stands = stands || pt_step_unanswered(&record.steps.v[k]);
		if (stands)
			pt_array_push(&ret_ids->v, list.v[i].id);
	}
	return r;
}

static int settle_late(const struct pt_change_env *env, unsigned *n, struct pt_buf *lost, struct pt_error *err)
{
	struct pt_change_ids ids = { 0 };
	int r = env->host_only || env->no_vms ? 0 : pt_change_unanswered(env, &ids, err);

	for (size_t i = 0; i < ids.v.n && r >= 0; i++) {
		PT_AUTO(pt_run) run = { .env = env, .what = "recover", .recovering = true };

		r = pt_run_late(&run, ids.v.v[i], lost, err);
		*n += r == 1;
	}
	free(ids.v.v);
	return r < 0 ? r : 0;
}

int pt_run_not_settled(const struct pt_buf *lost, struct pt_error *err)
{
	int r = pt_say(err, -EINTR, "not everything could be put back:%s", lost->s);

	if (err)
		err->kind = PT_ERROR_INTERRUPTED;
	pt_hint(err,
		"remove what stands in the way, then run `passthru recover` again; of a device, or another host, that "
		"is gone for good, `passthru recover --give-up CHANGE`");
	return r;
}

static int recover_each(const struct pt_change_env *env, unsigned *n, struct pt_buf *lost, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	PT_AUTO(pt_held) held = { 0 };
	int r = pt_journal_list(env->journal, true, &list, err);

	/* last one first, as undoing goes */
	for (size_t i = list.n; i-- > 0 && r >= 0;) {
		r = recover_one(env, list.v[i].id, &held, lost, err);
		*n += r == 1;
	}
	if (r >= 0)
		r = pt_run_wake(env, &held, err);
	return r < 0 ? r : settle_late(env, n, lost, err);
}

int pt_change_recover(const struct pt_change_env *env, unsigned *ret_n, struct pt_error *err)
{
	struct pt_change_env hurried = *env;
	PT_AUTO(pt_run) lock = { .env = &hurried, .what = "recover" };
	PT_AUTO(pt_buf) lost = { 0 };
	unsigned n = 0;
	int r = pt_run_lock(&lock, env->wait_ms, err);

	/* the boot waits for its unit: drivers that were all bound look for their disks at the same time */
	if (env->host_only)
		hurried.back_until = pt_watch_now_ms() + env->back_ms;
	if (r == 0)
		r = recover_each(&hurried, &n, &lost, err);
	pt_run_unlock(&lock);
	if (r < 0)
		return r;
	*ret_n = n;
	if (!lost.n)
		return 0;
	return pt_run_not_settled(&lost, err);
}
