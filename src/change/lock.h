/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change at a time on a host.  Held while steps are made, not while a guest is waited for: what waits is kept apart
 * by the journal (change/busy.h).  A dead process cannot hold it, and no child of ours does.
 */
#ifndef PT_CHANGE_LOCK_H
#define PT_CHANGE_LOCK_H

#include "base/error.h"

#define PT_LOCK_DIR	"/run/passthru"
#define PT_LOCK_WAIT_MS 60000u
#define PT_LOCK_FOREVER (~0u)

struct pt_lock;

/** pt_lock_open() - @dir is made (0700) when it is missing */
int pt_lock_open(const char *dir, struct pt_lock **ret_lock, struct pt_error *err);

/* drops it too; NULL is allowed */
void pt_lock_close(struct pt_lock *lock);

/**
 * struct pt_lock_wait - how to wait; borrowed
 * @ms: PT_LOCK_FOREVER has no end
 * @waiting: told once, when somebody else has it, who; may be NULL
 * @interrupted: asked while waiting; non-zero gives up; may be NULL
 */
struct pt_lock_wait {
	unsigned ms;
	void *ctx;
	void (*waiting)(void *ctx, const char *holder);
	int (*interrupted)(void *ctx);
};

/**
 * pt_lock_take() - take it, waiting for another holder
 * @what: what for, in words that the next one in the queue is told: "attach 0000:01:00.0 to cvm"
 *
 * Return: 0, also when it is held already; -ETIMEDOUT with the holder named; -ECANCELED.
 */
int pt_lock_take(struct pt_lock *lock, const char *what, const struct pt_lock_wait *wait, struct pt_error *err);

/* nothing happens when it is not held */
void pt_lock_drop(struct pt_lock *lock);

#endif
