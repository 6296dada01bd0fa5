/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that is there for the store: keeps alive/HOST, and hears when held/HOST changes, which every claim and
 * every release on this host writes.  It touches no host, so nothing on it can keep the lease from being kept.
 */
#ifndef PT_AGENT_KEEPER_H
#define PT_AGENT_KEEPER_H

#include "base/error.h"
#include "model/claim.h"
#include "model/storeconf.h"

/**
 * struct pt_keeper_config - borrowed, for the keeper's life
 * @lease_s: how long others take this host for alive after the last word
 * @heard: claims have changed, or the store is back; called by the thread
 * @trouble: why the store cannot be reached, NULL: it can; called by the thread when that changes
 * @deaf: why this host takes nothing new though its agent is heard of, NULL: it does; the keeper frees; may be NULL
 */
struct pt_keeper_config {
	const char *host;
	const struct pt_store_config *store;
	struct pt_alive alive;
	unsigned lease_s;
	void *ctx;
	void (*heard)(void *ctx);
	void (*trouble)(void *ctx, const char *why);
	char *(*deaf)(void *ctx);
};

struct pt_keeper;

int pt_keeper_start(const struct pt_keeper_config *config, struct pt_keeper **ret_keeper, struct pt_error *err);

/** pt_keeper_silent_ms() - since when its thread has not gone round */
long long pt_keeper_silent_ms(struct pt_keeper *keeper);

/** pt_keeper_stop() - ends the lease, so that the host is gone at once, and the thread; NULL is allowed */
void pt_keeper_stop(struct pt_keeper *keeper);

#endif
