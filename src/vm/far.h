/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A talk with another host's libvirt.  Its host may lose its power at any moment, and TCP is patient: a quarter of an
 * hour, or for ever.  So each talk, the connection included, has a thread of its own and a limit; one that is late is
 * not waited for, and ends by itself when the kernel gives up.
 */
#ifndef PT_VM_FAR_H
#define PT_VM_FAR_H

#include "vm/libvirt.h"

/* a host that is well answers within a second, one under load within ten */
#define PT_FAR_MS 60000

/**
 * struct pt_far_talk - what is asked
 * @uri: of that host; borrowed until pt_far_begin() returns
 * @said: what is asked with, and what it answers; on the heap; whoever is left with it frees it with @done
 * @talk: runs in the other thread, and may use nothing but @there and @said; errors as usual
 * @poll, @poll_ctx: as for pt_vm_set_poll(); NULL: it is not broken off
 */
struct pt_far_talk {
	const char *uri;
	void *said;
	int (*talk)(struct pt_vm_conn *there, void *said, struct pt_error *err);
	void (*done)(void *said);
	int (*poll)(void *ctx);
	void *poll_ctx;
};

struct pt_far;

/** pt_far_begin() - returns at once; @talk->said is its own from now on, whatever comes of it */
struct pt_far *pt_far_begin(const struct pt_root *root, const struct pt_far_talk *talk);

/**
 * pt_far_end() - wait for it
 * @limit_ms: as long as this at most
 * @ret_said: the caller's again when the talk was successful, to free it with @done
 *
 * Return: what @talk returned; -ETIMEDOUT when it is late, -EINTR when it was broken off; what pt_vm_open() returned
 * when there was no connection.
 */
int pt_far_end(struct pt_far *far, unsigned limit_ms, void **ret_said, struct pt_error *err);

/** pt_far() - both */
int pt_far(const struct pt_root *root, const struct pt_far_talk *talk, unsigned limit_ms, void **ret_said,
	   struct pt_error *err);

/**
 * pt_far_long() - the same for what may rightly take long (memory is pinned): when @limit_ms are over the host is asked
 * whether it is there, and given as much again while it is, but not more than @most_ms in all
 */
int pt_far_long(const struct pt_root *root, const struct pt_far_talk *talk, unsigned limit_ms, unsigned most_ms,
		void **ret_said, struct pt_error *err);

#endif
