/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up hosts of a fleet, so that anyone can see ten thousand on a laptop: published, with devices that come and go,
 * and claims on them acknowledged.  What a host has follows from the seed and its number, so nothing of it is kept in
 * memory but what has changed.  Touches no host.
 */
#ifndef PT_AGENT_SIMULATE_H
#define PT_AGENT_SIMULATE_H

#include <stdint.h>

#include "base/error.h"
#include "model/claim.h"
#include "model/storeconf.h"

/* most functions of one */
#define PT_SIMULATED_DEVICES 64

/**
 * pt_simulated_host() - what host number @index of the fleet @seed has
 * @away: bits of functions that are gone at the moment, by their number
 * @ret_host: yours; named sim-SEED-00001 and on
 */
void pt_simulated_host(unsigned seed, unsigned index, uint64_t away, struct pt_inv_host *ret_host);

/** pt_simulated_spec() - what each of them offers */
void pt_simulated_spec(struct pt_pci_config *ret_config);

/** pt_simulated_count() - how many functions it has when none is gone */
unsigned pt_simulated_count(unsigned seed, unsigned index);

/** pt_simulated_number() - of a function; -1 when it never has it */
int pt_simulated_number(unsigned seed, unsigned index, struct pt_bdf bdf);

/** pt_simulated_moves() - bits of those functions that may come and go: cards of their own, without VFs */
uint64_t pt_simulated_moves(unsigned seed, unsigned index);

/**
 * struct pt_simulate - borrowed
 * @events: so many devices come or go a second
 * @over: asked several times a second: non-zero ends it; @wait_ms: how long it may wait for that
 * @status: told in words how it is
 */
struct pt_simulate {
	const struct pt_store_config *store;
	unsigned hosts;
	unsigned seed;
	unsigned events;
	unsigned lease_s;
	void *ctx;
	int (*over)(void *ctx, unsigned wait_ms);
	void (*status)(void *ctx, const char *text);
};

/** pt_simulate_run() - until @over; 0, or a negative errno */
int pt_simulate_run(const struct pt_simulate *s, struct pt_error *err);

#endif
