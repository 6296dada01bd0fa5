/* SPDX-License-Identifier: Apache-2.0 */
/* A thread in which an agent goes round: when it is woken, when it is time, and again when the store was away. */
#ifndef PT_AGENT_WORKER_H
#define PT_AGENT_WORKER_H

#include "agent/agent.h"
#include "model/storeconf.h"

/**
 * struct pt_worker_config - borrowed, for the worker's life
 * @agent: all but its store, which the thread opens for itself; the thread's until pt_worker_stop()
 * @look_s: how often everything is looked at
 * @deaf_s: after so long in which nothing new could be taken others are told why
 * @status: told in words how it is, when that has changed; called by the thread
 */
struct pt_worker_config {
	struct pt_agent *agent;
	const struct pt_store_config *store;
	unsigned look_s;
	unsigned deaf_s;
	void *ctx;
	void (*status)(void *ctx, const char *text);
};

struct pt_worker;

int pt_worker_start(const struct pt_worker_config *config, struct pt_worker **ret_worker, struct pt_error *err);

/** pt_worker_wake() - there is something to look at: PT_AGENT_…; from any thread */
void pt_worker_wake(struct pt_worker *worker, unsigned what);

/** pt_worker_rounds() - how many ended well; from any thread */
unsigned pt_worker_rounds(struct pt_worker *worker);

/** pt_worker_silent_ms() - since when it hangs in something, 0 when it does not; from any thread */
long long pt_worker_silent_ms(struct pt_worker *worker);

/**
 * pt_worker_trouble() - why nothing new has been taken for @deaf_s: libvirt does not answer, a change is stuck, it
 * hangs; NULL: nothing is in the way; the caller frees; from any thread
 */
char *pt_worker_trouble(struct pt_worker *worker);

/** pt_worker_stop() - what is under way takes itself back, and is waited for; other threads may go on asking it */
void pt_worker_stop(struct pt_worker *worker);
/** pt_worker_free() - when nobody asks it any more; NULL is allowed, of both */
void pt_worker_free(struct pt_worker *worker);

#endif
