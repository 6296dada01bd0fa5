/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host's agent writes into the store: that it is there, and its word about each claim.  It writes its own host's
 * records (facts, held, alive, acks) and no claim.  Touches no host: agent/ does.
 */
#ifndef PT_FLEET_AGENT_H
#define PT_FLEET_AGENT_H

#include "model/claim.h"
#include "store/store.h"

/* what alive/HOST hangs on; zeroed: nothing yet */
struct pt_alive_lease {
	long long lease;
	long long revision;
};

/**
 * pt_fleet_alive_keep() - that this host is there: the lease begun or kept, and alive/HOST as @alive with it
 *
 * The record is looked at each time: one that has gone, or hangs on another lease, is written anew over what is there.
 * One of another boot is another machine of the same name, or this one before it was booted: then it goes by itself.
 *
 * Return: 0; -EBUSY another one is heard of: @l is ended; -ESTALE somebody wrote meanwhile: again; else as
 * pt_store_commit().
 */
int pt_fleet_alive_keep(struct pt_store *store, const char *host, const struct pt_alive *alive, unsigned ttl_s,
			struct pt_alive_lease *l, struct pt_error *err);

/** pt_fleet_alive_other() - is another machine heard of by this name?  0 no, -EBUSY; @boot: this one's, NULL: not known
 */
int pt_fleet_alive_other(struct pt_store *store, const char *host, const char *boot, struct pt_error *err);

/** pt_fleet_alive() - does a host's agent run?  1, 0; @ret_alive may be NULL */
int pt_fleet_alive(struct pt_store *store, const char *host, struct pt_alive *ret_alive, struct pt_error *err);

/** pt_fleet_ack() - what the agent of @host says of a claim: 1, 0 nothing; @ret_revision may be NULL */
int pt_fleet_ack(struct pt_store *store, const char *host, const char *id, struct pt_ack *ret_ack,
		 long long *ret_revision, struct pt_error *err);

/*
 * An ack is written only over the one that was read (and over the claim, where that matters): so a write whose outcome
 * nobody knows cannot land any more once a later one is there, and an agent's old word never undoes its new one.
 *
 * @acked: revision of acks/HOST/ID as it was read, 0 when there was none; what it is now when something was written
 * @claim: revision of claims/ID as it was read, 0 when there was none
 *
 * Return of all: 1 written; -ESTALE it is not as it was read: look again, and touch nothing; -ETIMEDOUT nobody knows:
 * touch nothing.
 */

/**
 * pt_fleet_ack_take() - say that the devices of a claim are about to be touched, before they are
 *
 * Written even if it says so already.  1: no release ends the claim without the agent from now on, and nothing that
 * this agent said before lands any more.
 */
int pt_fleet_ack_take(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
		      long long *acked, struct pt_error *err);

/** pt_fleet_ack_put() - say how it is; 0 it said so already (but for the time) */
int pt_fleet_ack_put(struct pt_store *store, const char *host, const struct pt_ack *ack, long long *acked,
		     struct pt_error *err);

/** pt_fleet_ack_drop() - there is nothing more to say of a claim that is gone */
int pt_fleet_ack_drop(struct pt_store *store, const char *host, const char *id, long long claim, long long acked,
		      struct pt_error *err);

/**
 * pt_fleet_ack_released() - the host has the devices back: nobody holds them any more, and the agent says "released"
 *
 * One transaction; races with claims on the same host are taken up again.
 */
int pt_fleet_ack_released(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
			  long long acked, struct pt_error *err);

#endif
