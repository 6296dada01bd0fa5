/* SPDX-License-Identifier: Apache-2.0 */
/* One change under way: what apply, recover and the steps share.  Private to change/. */
#ifndef PT_CHANGE_RUN_H
#define PT_CHANGE_RUN_H

#include <stdbool.h>

#include "base/watch.h"
#include "change/change.h"
#include "host/bind.h"
#include "host/reserve.h"
#include "journal/journal.h"

#define PT_STOP_MS 120000u

/* in a change's message, before what could not be put back */
#define PT_RUN_LOST "; not taken back: "
/* and before why a recover went forward */
#define PT_RUN_FINISHED "; finished by recover: "

/**
 * struct pt_run
 * @record: the change as the journal has it; states are kept up to date here too
 * @what: for the lock: who is told what we do
 * @recovering: the change was cut off, so a start or shutdown of it may still be under way in libvirt
 * @rebooted: and the host was started anew since
 * @trying: it is taken back in any case: pt_change_try(); @made: and it was made, and looked at
 * @waits: steps of VMs are left for later (@env->host_only)
 * @lost: what could not be put back, one line each
 * @device_lost: a device is among it: no VM is started then
 * @running: UUIDs of VMs that could not be stopped: nothing is done to devices that they have
 * @journal_lost: something could not be noted while unwinding
 * @give_up: what cannot be taken back since its device or its VM is gone is given up: giveup.c
 * @given: those, one line each
 * @forward: why pt_run_settle() finished the change; NULL: it did not
 * @not_there: somebody answers for it that the VM that was to move does not run on the other host
 * @device_given: a device is among them: no VM is started then
 * @no_request: the step that failed asked its guest for nothing that could still come
 * @fallen: UUIDs of VMs whose QEMU ended of getting or losing a device: started when all else is back
 */
struct pt_run {
	const struct pt_change_env *env;
	struct pt_change_record record;
	const char *what;
	bool recovering;
	bool rebooted;
	bool trying;
	bool made;
	bool waits;
	struct pt_strv lost;
	bool device_lost;
	struct pt_strv running;
	bool journal_lost;
	bool give_up;
	struct pt_strv given;
	char *forward;
	bool not_there;
	bool device_given;
	bool no_request;
	struct pt_strv fallen;
};

void pt_run_done(struct pt_run *run);

/* the lock, if there is one; waiting without end is right for getting it back in the middle of a change */
int pt_run_lock(struct pt_run *run, unsigned wait_ms, struct pt_error *err);
void pt_run_unlock(struct pt_run *run);

/* @whom: who is waited for */
void pt_run_pause(const struct pt_run *run, enum pt_watch_kind whom);

/** pt_step_check() - is the world as the plan saw it?  0, -ESTALE and others with what is and what was expected.
 * Completes the step with what only now can be known (the text of a reservation that will be removed) */
int pt_step_check(const struct pt_run *run, struct pt_step *step, struct pt_error *err);

/** pt_step_make() - make it and see that it is so; @ret_seen: see struct pt_step_row */
int pt_step_make(struct pt_run *run, struct pt_step *step, char **ret_seen, struct pt_error *err);

/** pt_step_unmake() - make it be as before, from wherever it is now; nothing when it is so already */
int pt_step_unmake(struct pt_run *run, struct pt_step_row *row, struct pt_error *err);

/* steps-sriov.c: the same three for SRIOV and SRIOV_KEEP */
int pt_step_check_sriov(const struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_make_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_unmake_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err);
/* made to its end, from wherever it is: forward.c */
int pt_step_finish_sriov(struct pt_run *run, const struct pt_step *s, struct pt_error *err);

/**
 * pt_step_who_has() - who has this VF, in words; the caller frees
 * @anybody: also who has it without this change's doing
 *
 * Return: NULL when nobody has it, so that what it is set to may be taken back.
 */
char *pt_step_who_has(const struct pt_run *run, struct pt_bdf vf, bool anybody);

/* steps-link.c: for LINK */
int pt_step_check_link(const struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_make_link(struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_unmake_link(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err);

/* steps-reset.c: for RESET, which nothing takes back */
int pt_step_check_reset(const struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_make_reset(struct pt_run *run, const struct pt_step *s, struct pt_error *err);

/* steps-plug.c: for VM_PLUG and VM_UNPLUG */
int pt_step_check_plug(const struct pt_run *run, struct pt_step *s, struct pt_error *err);
int pt_step_make_plug(struct pt_run *run, const struct pt_step *s, struct pt_error *err);
/* 0 or one of these */
/* the VM has the device, as before; but its guest was asked to let go of it, and may still do so */
#define PT_UNMADE_ASKED 1
/* QEMU ended of it: the VM is to be started when all else is back */
#define PT_UNMADE_FALLEN 2
int pt_step_unmake_plug(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err);

/*
 * steps-migrate.c: for VM_MIGRATE.  Nothing takes it back: what is not finished is broken off, and where the VM is by
 * then decides whether the change was made.
 */
int pt_step_check_migrate(const struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_make_migrate(struct pt_run *run, const struct pt_step *s, struct pt_error *err);
int pt_step_unmake_migrate(struct pt_run *run, const struct pt_step *s, struct pt_error *err);

/**
 * pt_run_settle_migrate() - of a change that was cut off: break the migration off, and see where the VM is
 *
 * Return: 1 it is there: the step is noted as done; 0 it is here, or no migration had begun; a negative errno when that
 * cannot be told.  With @run->give_up what the other host does not tell is taken as pt_step_unreachable() says.
 */
int pt_run_settle_migrate(struct pt_run *run, struct pt_error *err);

/** pt_step_unreachable() - what is taken for true when a move is given up whose other host does not answer; NULL: it
 * need not be, or cannot; the caller frees */
char *pt_step_unreachable(const struct pt_run *run, const struct pt_step_row *row);

/**
 * pt_step_await() - a plug that was cut off may still be libvirt's to make: give it the time, the lock free meanwhile
 *
 * Return: 0; a negative errno when that cannot be told: the step stays as it is in the journal.
 */
int pt_step_await(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err);

/** pt_step_watch() - see that the VM of the step stays up for a while; @what: what to say of one that does not */
int pt_step_watch(struct pt_run *run, const struct pt_step *s, const char *what, bool may_stop, struct pt_error *err);

/** pt_step_start_again() - start the VM of the step; -ENODEV when a device is not back */
int pt_step_start_again(struct pt_run *run, const struct pt_step *s, struct pt_error *err);

/** pt_step_finish_start() - see that the VM of the step runs: a start that was cut off may be libvirt's to make yet */
int pt_step_finish_start(struct pt_run *run, const struct pt_step_row *row, struct pt_error *err);

/**
 * pt_step_check_held() - does the host use what a driver of its own has, and is not to have?  For as long as
 * @env->grace_ms, since udev opens each new disk for a moment
 * @wanted: the driver that is to have it, which is then in nobody's way; may be NULL
 *
 * Return: 0; -EBUSY, with who.
 */
int pt_step_check_held(const struct pt_run *run, const struct pt_step *s, const char *wanted, struct pt_error *err);

/** pt_step_vm_has() - does the running VM have the function?  1, 0; -ESHUTDOWN when it does not run */
int pt_step_vm_has(const struct pt_run *run, const struct pt_step *s, struct pt_error *err);

/** pt_step_unanswered() - was its guest asked for something that it may still do?  Of a change that has failed */
bool pt_step_unanswered(const struct pt_step_row *row);

/**
 * pt_run_late() - give back what the guest let go of after change @id had failed: 1 when there was such
 * @lost: what could not be given back is added
 */
int pt_run_late(struct pt_run *run, long long id, struct pt_buf *lost, struct pt_error *err);

/** pt_run_check_rest() - check every step from @from on whose object no earlier of them changes */
int pt_run_check_rest(struct pt_run *run, size_t from, struct pt_error *err);

/**
 * pt_run_unwind() - take back every step that was begun, last first, and end the change in the journal
 * @cause: why, in words for the history
 *
 * Return: 0 when everything is as it was; -EINTR when @run->lost is not empty or the journal could not be written.
 */
int pt_run_unwind(struct pt_run *run, const char *cause);

/** pt_run_tell(), pt_run_note() - of step @i, to @env->progress; to the journal, which comes second while recovering */
void pt_run_tell(const struct pt_run *run, size_t i, enum pt_progress_state state);
void pt_run_note(struct pt_run *run, size_t i, enum pt_step_state state, const char *text);

/** pt_run_give_up() - with @run->give_up: note that step @i, which @failed, has lost its device or VM for good */
bool pt_run_give_up(struct pt_run *run, size_t i, int failed, const char *what, const struct pt_error *why);

/**
 * pt_run_goes_forward() - forward.c: is the change one that gives devices back to this host, which has one by now and
 * is not to lose it again?
 *
 * Return: the reason, in words; the caller frees; NULL: it is taken back.
 */
char *pt_run_goes_forward(const struct pt_run *run);

/**
 * pt_run_finish() - make every step that is not, from wherever the world is, and end the change in the journal
 * @why: pt_run_goes_forward()
 *
 * Return: as pt_run_unwind().
 */
int pt_run_finish(struct pt_run *run, const char *why);

/** pt_run_must_finish() - has going forward to make this step?  A VM that does not start then is no reason to fail */
bool pt_run_must_finish(const struct pt_run *run, const struct pt_step_row *row);

/* does libvirt make it? */
bool pt_run_is_vm_step(const struct pt_step *step);

/** pt_run_must_unwind() - does taking the change back have anything to do with this step? */
bool pt_run_must_unwind(const struct pt_run *run, const struct pt_step_row *row);

/** pt_run_reserves() - has the change a step, with @begun one that was begun, that reserves the function or ends that?
 */
bool pt_run_reserves(const struct pt_run *run, struct pt_bdf bdf, bool begun);

/**
 * pt_run_hands_over() - is the record that step @s gives up, or writes, replaced by another of the same device?  Then
 * the one step leaves it, and the other replaces it: a boot in between would give the device to the host.
 */
bool pt_run_hands_over(const struct pt_run *run, const struct pt_step *s);

/* VMs of settled changes, by UUID; @names are parallel; @elsewhere: those that run on another host now */
struct pt_held {
	struct pt_strv uuids;
	struct pt_strv names;
	struct pt_strv elsewhere;
};

/** pt_run_hold() - wake.c: note whom the change, which is settled, had held back at this boot */
void pt_run_hold(const struct pt_run *run, struct pt_held *held);

/**
 * pt_run_wake() - start those of them that are off and start by themselves
 *
 * Not one that another change still has in its hands.  What does not start is told by @env->warn: the change is
 * settled.
 */
int pt_run_wake(const struct pt_change_env *env, const struct pt_held *held, struct pt_error *err);

void pt_held_done(struct pt_held *held);

/** pt_run_has_vms() - does libvirt make any of its steps? */
bool pt_run_has_vms(const struct pt_change_record *record);

/** pt_run_all_made() - is every step done, so that only the end was not noted? */
bool pt_run_all_made(const struct pt_change_record *record);

/**
 * pt_run_settle() - recover one change, under the lock
 * @lost: what could not be put back is added
 *
 * Return: 1 settled; 0 not ours to settle; -EINTR not settled; another negative errno.
 */
int pt_run_settle(struct pt_run *run, long long id, struct pt_buf *lost, struct pt_error *err);

/** pt_run_cause() - what a change's @message said before a recover added to it; @none: where it has none; the caller
 * frees */
char *pt_run_cause(const char *message, const char *none);

/** pt_run_not_settled() - the message for @lost; returns -EINTR with PT_ERROR_INTERRUPTED */
int pt_run_not_settled(const struct pt_buf *lost, struct pt_error *err);

/** pt_step_gone() - is what the step must be taken back on there no more?  Then @err says what is there instead */
bool pt_step_gone(const struct pt_run *run, const struct pt_step *step, struct pt_error *err);

/**
 * pt_undo_check_twin(), pt_undo_check_unused() - undo-ask.c: what is at the address must be certain to be the device of
 * @record; who on this host has come to use what a guest gets again, @now with a driver of the host
 *
 * Return: 0; -EPERM (PT_ERROR_REFUSED).
 */
int pt_undo_check_twin(const struct pt_change_env *env, const struct pt_change_record *record, struct pt_bdf bdf,
		       struct pt_error *err);
int pt_undo_check_unused(const struct pt_change_env *env, const struct pt_change_record *record,
			 const struct pt_step *step, const char *now, struct pt_error *err);

/** pt_run_busy() - refuse what another change that is not over has in its hands */
int pt_run_busy(const struct pt_change_env *env, const struct pt_plan *plan, struct pt_error *err);

/** pt_record_moves() - does the change put the device into a VM's definition, or take it out? */
bool pt_record_moves(const struct pt_change_record *record, struct pt_bdf bdf);

/** pt_run_still_has() - the name of a VM that could not be stopped and that this change gives or leaves the device */
const char *pt_run_still_has(const struct pt_run *run, struct pt_bdf bdf);

/* helpers of several files */
bool pt_edit_names(const struct pt_step *step, struct pt_bdf bdf);
bool pt_steps_overlap(const struct pt_step *a, const struct pt_step *b);
struct pt_bind pt_step_bind_before(const struct pt_step *step);
struct pt_reservation pt_step_reservation(const struct pt_run *run, const struct pt_step *step);
bool pt_definitions_same(const char *a, const char *b);
/* the same disks, controllers and host devices: what libvirt adds to a definition when it keeps it does not count */
bool pt_definitions_alike(const char *a, const char *b);

#endif
