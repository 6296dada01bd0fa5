/* SPDX-License-Identifier: Apache-2.0 */
/* Which host of the view a request gets: by the index where that can tell, by asking hosts where it cannot. */
#ifndef PT_FLEET_CHOOSE_H
#define PT_FLEET_CHOOSE_H

#include "fleet/fleet.h"

/** pt_fleet_ask_host() - one host's answer; there is always one */
void pt_fleet_ask_host(const struct pt_fleet *fleet, const struct pt_claim_ask *ask, const struct pt_fleet_host *host,
		       struct pt_host_answer *ret_answer);

/** pt_fleet_choose() - the host to take, with its answer; NULL: none fits, and @ret_answer is untouched */
struct pt_fleet_host *pt_fleet_choose(struct pt_fleet *fleet, const struct pt_claim_ask *ask,
				      struct pt_host_answer *ret_answer);

/**
 * pt_fleet_nearest() - the host where the least must be given back until the request fits
 *
 * It would fit there if no claim held anything; of several the one that lacks fewest devices, then the first by name.
 * Return: NULL when no giving back helps anywhere.
 */
struct pt_fleet_host *pt_fleet_nearest(struct pt_fleet *fleet, const struct pt_claim_ask *ask);

#endif
