/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind struct pt_model.  Private to model*.c. */
#ifndef PT_API_MODEL_PARTS_H
#define PT_API_MODEL_PARTS_H

#include <pthread.h>

#include "api/model.h"
#include "decide/index.h"

#define PT_EVENTS_MAX 8192
/* as placement's weigher counts: more than this is the same (decide/place.c) */
#define PT_IDLE_MAX 99

/**
 * struct pt_seat - a host's place in the index; as many as hosts, in their order
 * @name: borrowed from the host
 * @placed: it has that number there; @there: with what it offers; else it stands empty
 * @odd: not in the index, since that does not hold its like
 */
struct pt_seat {
	const char *name;
	size_t group;
	uint32_t number;
	bool placed;
	bool there;
	bool odd;
};

/* hosts with the same rules; by their number in the index: @members, and how much of each is idle, close together */
struct pt_group {
	struct pt_index index;
	PT_ARRAY(struct pt_seat *) members;
	PT_ARRAY(uint8_t) idle;
};

/* @frame: as it is sent */
struct pt_event {
	long long revision;
	char *frame;
};

/**
 * struct pt_model
 * @name: of the store
 * @lock: of the fleet, seats and groups; @mutex: of what follows it
 * @first: number of the oldest event that is kept; @next: of the next one; event i is ring[i % PT_EVENTS_MAX]
 * @floor: events after this revision are all there
 */
struct pt_model {
	const struct pt_store_config *config;
	const struct pt_pci_config *pci;
	char *name;
	void (*wake)(void *arg);
	void *arg;
	pthread_t thread;
	bool runs;
	long long nudged;
	pthread_rwlock_t lock;
	struct pt_fleet fleet;
	PT_ARRAY(struct pt_seat *) seats;
	PT_ARRAY(struct pt_group) groups;
	size_t n_odd;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stop;
	bool ready;
	char *trouble;
	long long revision;
	struct pt_event ring[PT_EVENTS_MAX];
	unsigned long long first;
	unsigned long long next;
	long long floor;
};

/* what a batch of changes means, for the streams */
void pt_model_take_events(struct pt_model *m, const struct pt_changes *changes);
void pt_model_drop_events(struct pt_model *m);

#endif
