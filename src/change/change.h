/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: a plan becomes journaled steps, each with its undo.  The only code that changes the host or a VM.  It
 * does not decide and does not talk to the user except through the callbacks in the context.
 */
#ifndef PT_CHANGE_CHANGE_H
#define PT_CHANGE_CHANGE_H

#include <stdbool.h>

#include "base/error.h"
#include "model/plan.h"
#include "vm/ops.h"

struct pt_journal;
struct pt_host_ops;
struct pt_lock;
struct pt_watch;

enum pt_progress_state {
	PT_PROGRESS_BEGIN,
	PT_PROGRESS_DONE,
	PT_PROGRESS_FAILED,
	PT_PROGRESS_UNDO_BEGIN,
	PT_PROGRESS_UNDONE,
	PT_PROGRESS_UNDO_FAILED,
};

/**
 * struct pt_change_env - what the engine works with; borrowed
 * @lock: change/lock.h; held while steps are made, free while a guest is waited for; NULL: nobody else is there
 * @wait_ms: how long to wait for the lock
 * @proc_fd: procfs, to tell whether the owner of an open change still lives
 * @progress: told before and after each step; may be NULL
 * @force_stop: asked when a guest ignored its shutdown request: 1 force it off, 0 give up and unwind; NULL gives up
 * @interrupted: asked between steps and while waiting: non-zero unwinds; may be NULL
 * @waiting: told once when somebody else has the lock, with who; may be NULL
 * @warn: told what a step could not have and does without, in a sentence; may be NULL
 * @back: asked again and again after a function went back to a driver of the host: are the disks that it had (a step's
 *        @carried) there again, with their names?  1 yes, 0 not yet, a negative errno when that cannot be told; may be
 *        NULL.  Drivers look for disks after their probe has returned, and a VM that has them needs them at its start
 * @uses: who on this host, beside guests, uses a function, in words; the caller frees; NULL: nobody; may be NULL itself
 * @held: who on this host would lose something if a driver of the host let go of a function, in words; as @uses
 * @stranger: why a function is not certain to be the device that a record is about, in words; @record: its text, or
 * NULL: the one that is kept for that address; the caller frees; NULL: it is that device, or nothing is recorded; may
 * be NULL itself
 * @back_ms: how long to wait for that; disks that stay away are no failure of the step
 * @back_until: the same as a time (pt_watch_now_ms()) by which all waiting for disks ends; 0: none
 * @settle_ms: how long a started VM must stay up to count as started
 * @grace_ms: how long a shutdown or a start that was cut off may still come true by itself
 * @poll_ms: pause between two looks while waiting; 0: 200
 * @stop_ms: how long a guest may take to shut down where the step does not say; 0: 120000
 * @host_only: recover the host's part: libvirt is not asked (@vm may fail), and a change with steps of VMs stays open
 * @no_vms: recover only changes that have no step of a VM: libvirt cannot be asked (@vm fails), and who knows what runs
 * @as_of: pt_change_as_of() from before the look that the plan was made from: a change since then that touches the same
 *         VM or device makes the plan stale; 0: not asked
 * @watch: turned while somebody is waited for; calls through @host and @vm are the caller's to watch (change/timed.h);
 *         may be NULL
 */
struct pt_change_env {
	struct pt_journal *journal;
	const struct pt_host_ops *host;
	const struct pt_vm_ops *vm;
	void *ctx;
	void (*progress)(void *ctx, size_t index, size_t total, const struct pt_step *step,
			 enum pt_progress_state state);
	int (*force_stop)(void *ctx, const struct pt_step *step);
	int (*interrupted)(void *ctx);
	void (*waiting)(void *ctx, const char *holder);
	void (*warn)(void *ctx, const char *text);
	int (*back)(void *ctx, const struct pt_step *step);
	char *(*uses)(void *ctx, struct pt_bdf bdf);
	char *(*held)(void *ctx, struct pt_bdf bdf);
	char *(*stranger)(void *ctx, struct pt_bdf bdf, const char *record);
	unsigned back_ms;
	long long back_until;
	struct pt_lock *lock;
	unsigned wait_ms;
	int proc_fd;
	unsigned settle_ms;
	unsigned grace_ms;
	unsigned poll_ms;
	unsigned stop_ms;
	bool host_only;
	bool no_vms;
	long long as_of;
	struct pt_watch *watch;
};

/**
 * pt_change_prepare() - read each VM's definition and turn the plan's edits into XML before and after
 *
 * Touches nothing; `--dry-run` stops after this.  -ESTALE when a VM is not what the plan saw.
 */
int pt_change_prepare(const struct pt_vm_ops *vm, struct pt_plan *plan, struct pt_error *err);

/**
 * pt_change_apply() - make a prepared plan true, or leave everything as it was
 * @ret_id: the change's number in the history
 *
 * Every step is in the journal, on disk, before it is made and after.  When a step fails, those made are undone in
 * reverse; @err then names the cause first, and what could not be undone after it.
 *
 * Return: 0; a negative errno: everything is as it was (PT_ERROR_FAILED); -EINTR with PT_ERROR_INTERRUPTED when
 * something could not be put back: `passthru recover`.
 */
int pt_change_apply(const struct pt_change_env *env, struct pt_plan *plan, long long *ret_id, struct pt_error *err);

/**
 * struct pt_change_try - what a change is made for that does not stay
 * @look: called with every step made and the lock free; 0 or a negative errno.  It ends early, with an errno, when
 *        @interrupted of the environment says so
 */
struct pt_change_try {
	int (*look)(void *ctx, struct pt_error *err);
	void *ctx;
};

/**
 * pt_change_try() - make a prepared plan true, look, and leave everything as it was
 *
 * One change, which is open until all is back: a signal ends the look and not the way back, and after a crash or a
 * power cut `recover` takes it back, how far it ever was.  In the history it is undone; nothing of it stands.
 *
 * Return: as pt_change_apply(); what @look returned, when everything is as it was.
 */
int pt_change_try(const struct pt_change_env *env, struct pt_plan *plan, const struct pt_change_try *it,
		  struct pt_error *err);

/** pt_change_as_of() - the first change that may still do something after this call: an open one, or the next */
int pt_change_as_of(struct pt_journal *journal, long long *ret_id, struct pt_error *err);

/**
 * pt_change_undo_plan() - the plan that takes back change @id (0: the newest that can be)
 *
 * Refuses (PT_ERROR_REFUSED) where the world has moved on since: a definition edited, a driver changed, a later change
 * on the same device or VM that is not undone; says how.
 */
int pt_change_undo_plan(const struct pt_change_env *env, long long id, struct pt_plan *ret_plan, struct pt_error *err);

/**
 * pt_change_recover() - finish or unwind what a crash cut off; idempotent
 * @ret_n: how many changes it settled
 *
 * After another boot a VM that the change had shut down is started only if it starts by itself: no other VM that ran
 * before the power went runs now either.  And the reservation's rule may have bound what the change had not yet, or no
 * longer: every function with a reservation of the change is put back, whatever the journal says of its driver.
 */
int pt_change_recover(const struct pt_change_env *env, unsigned *ret_n, struct pt_error *err);

/* numbers of changes, the newest first; the caller frees @v.v */
struct pt_change_ids {
	PT_ARRAY(long long) v;
};

/**
 * pt_change_unanswered() - the changes of this boot that failed since a guest did not let go of a device, which it was
 * asked and may still do: recover looks whether it has, and gives it back then
 */
int pt_change_unanswered(const struct pt_change_env *env, struct pt_change_ids *ret_ids, struct pt_error *err);

/**
 * struct pt_given_up - what giving a change up comes to; owns its strings
 * @lines: one a step that can never be taken back, or made, with what is there instead; and a VM that is left shut off
 * since a device is gone
 * @forward: NULL: all else of the change is taken back; else it is finished, for this reason: a driver of this host has
 * a device that it was to get, or the VM is taken to have moved
 */
struct pt_given_up {
	struct pt_strv lines;
	char *forward;
};

void pt_given_up_done(struct pt_given_up *given);

/**
 * pt_change_gone() - what of change @id can never be taken back, since its device or its VM is gone, and which way all
 * else of it would go
 * @ret_given: its lines are never empty
 *
 * Touches nothing.  Refuses (PT_ERROR_REFUSED) a change that is under way, and one of which nothing is gone; -ENOENT
 * and -EINVAL (PT_ERROR_USAGE) when there is no such change or it is settled; -ENOTCONN when it has steps of VMs and
 * libvirt cannot be asked (@no_vms).
 */
int pt_change_gone(const struct pt_change_env *env, long long id, struct pt_given_up *ret_given, struct pt_error *err);

/**
 * pt_change_give_up() - recover change @id, and give up what pt_change_gone() tells
 * @told: what that told whoever answered; NULL: nobody was asked
 * @ret_given: what was given up
 *
 * A device or a VM that is there is never given up: what cannot be taken back of those leaves the change stuck
 * (-EINTR).  -ESTALE, and nothing was done, when it would go the other way by now than @told.
 */
int pt_change_give_up(const struct pt_change_env *env, long long id, const struct pt_given_up *told,
		      struct pt_given_up *ret_given, struct pt_error *err);

#endif
