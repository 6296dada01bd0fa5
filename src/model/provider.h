/* SPDX-License-Identifier: Apache-2.0 */
/* Resource providers and allocations of Placement, as data. */
#ifndef PT_MODEL_PROVIDER_H
#define PT_MODEL_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/* @consumer has @amount of a provider */
struct pt_allocation {
	char *consumer;
	uint32_t amount;
};

enum pt_provider_fate {
	PT_PROVIDER_KEEP = 0,
	PT_PROVIDER_NEW,
	PT_PROVIDER_REMOVE,
};

/**
 * struct pt_provider - owns its members
 * @total: also max_unit
 * @reserved: of one-time-use devices that were given away
 * @devices: addresses behind it
 * @allocations: what healing wants them to be (of @now in pt_placement: what they are)
 */
struct pt_provider {
	char *name;
	char *resource_class;
	uint32_t total;
	uint32_t reserved;
	struct pt_strv traits;
	struct pt_strv devices;
	PT_ARRAY(struct pt_allocation) allocations;
	enum pt_provider_fate fate;
};

/* one amount that healing changes */
struct pt_healed {
	char *consumer;
	char *provider;
	char *resource_class;
	uint32_t was;
	uint32_t amount;
};

/* @notes: what an operator should know, one sentence each */
struct pt_providers {
	struct pt_provider *v;
	size_t n;
	size_t cap;
	PT_ARRAY(struct pt_healed) healed;
	struct pt_strv notes;
};

/**
 * struct pt_placement - what Placement has of one host now
 * @consumers: that have any allocation record at all
 * @moving: consumers that healing leaves alone: a resize to the same host
 */
struct pt_placement {
	struct pt_providers providers;
	struct pt_strv consumers;
	struct pt_strv moving;
};

struct pt_provider *pt_providers_find(const struct pt_providers *l, const char *name);
/** pt_provider_amount() - what @consumer has of it, 0 when nothing */
uint32_t pt_provider_amount(const struct pt_provider *p, const char *consumer);
void pt_provider_allocate(struct pt_provider *p, const char *consumer, uint32_t amount);

void pt_providers_done(struct pt_providers *l);
void pt_placement_done(struct pt_placement *p);

#endif
