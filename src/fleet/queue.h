/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait, in the order in which they came: queue/ID, by a lease of the client that waits.  What each claim
 * leaves to those that came before it is decided here, on the view.
 *
 * An earlier request that fits now keeps the devices that it will take.  One that does not keeps what is free, and of
 * use for it, on one host: where it lacks least.  Everything else may be taken by whoever comes.
 */
#ifndef PT_FLEET_QUEUE_H
#define PT_FLEET_QUEUE_H

#include "fleet/fleet.h"

/**
 * struct pt_kept - devices of the view that are kept for earlier requests for a moment; owns its array
 * @ahead: how many requests they are
 */
struct pt_kept {
	PT_ARRAY(struct pt_inv_device *) devices;
	PT_ARRAY(struct pt_fleet_host *) hosts;
	size_t ahead;
};

/** pt_queue_load() - who waits, as the store has it now; a record that is not understood stops nobody */
int pt_queue_load(struct pt_fleet *fleet, struct pt_error *err);

/** pt_queue_take() - what a watch of queue/ tells, taken into the view */
void pt_queue_take(struct pt_fleet *fleet, const struct pt_records *records);

/**
 * pt_queue_keep() - mark what belongs to those that came before
 * @before: revision of one's own record; 0: all that wait came before
 *
 * Until pt_queue_forget() the view must not take in anything.
 */
int pt_queue_keep(struct pt_fleet *fleet, long long before, const char *id, struct pt_kept *ret_kept,
		  struct pt_error *err);
void pt_queue_forget(struct pt_kept *kept);

/**
 * struct pt_queue_wait - how long, and who may end it
 * @timeout_ms: -1 for ever
 * @ttl_s: how long a waiter that is no more stays in the way; 0 for ten seconds
 * @stop: asked some times a second: true ends it
 * @tell: how many wait before this one, whenever that changed; may be NULL
 */
struct pt_queue_wait {
	long long timeout_ms;
	unsigned ttl_s;
	bool (*stop)(void *user);
	void (*tell)(void *user, size_t ahead);
	void *user;
};

/**
 * pt_queue_claim() - as pt_fleet_claim(), and wait in the queue when it does not fit now
 *
 * Return: 1 claimed, 0 not within the time, -EINTR when @stop said so; else as pt_fleet_claim().  In each case nothing
 * of it stays in the queue, or goes with its lease after some seconds.
 */
int pt_queue_claim(struct pt_fleet *fleet, const struct pt_claim_ask *ask, const struct pt_queue_wait *wait,
		   struct pt_claim *ret_claim, struct pt_fleet_answers *ret_answers, struct pt_error *err);

#endif
