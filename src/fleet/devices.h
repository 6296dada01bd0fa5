/* SPDX-License-Identifier: Apache-2.0 */
/* Each device of a host of the fleet: may it be claimed, and if not, why not.  Judges by the view; reads nothing. */
#ifndef PT_FLEET_DEVICES_H
#define PT_FLEET_DEVICES_H

#include "fleet/fleet.h"

enum pt_slot_state {
	PT_SLOT_FREE,
	PT_SLOT_CLAIMED,
	PT_SLOT_USED,	     /* the host itself says that somebody has it */
	PT_SLOT_BLOCKED,     /* its PF, or a VF of it, is given */
	PT_SLOT_NOT_OFFERED, /* no device_spec of its host matches it */
	PT_SLOT_UNAVAILABLE, /* its host gives nothing at all */
	PT_SLOT_STATES
};

const char *pt_slot_state_str(enum pt_slot_state state); /* "free", "not-offered", … */

/**
 * struct pt_slot - owns @why
 * @claim: whose id holds it, or NULL
 * @why: what is in the way, or NULL when it is free or claimed
 */
struct pt_slot {
	const struct pt_inv_device *device;
	enum pt_slot_state state;
	const char *claim;
	char *why;
};

struct pt_slots {
	struct pt_slot *v;
	size_t n;
	size_t cap;
};

/** pt_fleet_slots() - all devices of a host, by address; they borrow from the view */
void pt_fleet_slots(const struct pt_fleet *fleet, const struct pt_fleet_host *host, struct pt_slots *ret_slots);
void pt_slots_done(struct pt_slots *slots);

#endif
