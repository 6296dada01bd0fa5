/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of a host that is lost, placed again on others.  Whoever calls this knows that the old host is off: a VM that
 * still runs there would otherwise run twice.  Nothing here can find that out.
 */
#ifndef PT_FLEET_EVACUATE_H
#define PT_FLEET_EVACUATE_H

#include <jansson.h>

#include "fleet/fleet.h"

/** pt_fleet_lost() - has a host an agent that is not heard of?  1, 0; -EBADMSG when its record is not understood */
int pt_fleet_lost(struct pt_store *store, const char *host, struct pt_error *err);

enum pt_moved_fate {
	PT_MOVED_STAYS = 0, /* no other host fits, or something is wrong with it: @why */
	PT_MOVED_PLACED,
	PT_MOVED_ENDED, /* it was to end, and has */
};

/**
 * struct pt_moved - what became of a claim; owns its members
 * @claim: as it is now
 */
struct pt_moved {
	struct pt_claim claim;
	enum pt_moved_fate fate;
	char *why;
};

struct pt_moved_list {
	struct pt_moved *v;
	size_t n;
	size_t cap;
};

void pt_moved_list_done(struct pt_moved_list *list);

/* pt_moved_list_json() - [{"claim", "fate", "why"}] */
json_t *pt_moved_list_json(const struct pt_moved_list *list);
/* "placed", "stays", "ended" */
const char *pt_moved_fate_str(enum pt_moved_fate fate);

/**
 * pt_fleet_evacuate_check() - may it be?  0; a refusal ("alive", "fenced"), or -ENOENT
 * @fenced: somebody says that the host is off
 */
int pt_fleet_evacuate_check(struct pt_fleet *fleet, const char *host, bool fenced, struct pt_error *err);

/**
 * pt_fleet_evacuate() - place every claim of @host on other hosts
 * @fleet: a view, which is brought up to date by this
 * @ret_list: one a claim, also when a later one failed
 *
 * A claim keeps its id.  Each is one transaction, which compares that the old host's agent is still not heard of, and
 * what is held on both.  Return: 0; -EBUSY the agent of @host is heard of (again); -ENOENT there is no such host.
 */
int pt_fleet_evacuate(struct pt_fleet *fleet, const char *host, struct pt_moved_list *ret_list, struct pt_error *err);

#endif
