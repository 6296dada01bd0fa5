/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that are reserved, or that a VM was given, have moved: what must be rewritten?  Pure: where each is was
 * judged by decide/whereabouts.h; here it becomes a plan, or a refusal.
 */
#ifndef PT_DECIDE_REPAIR_H
#define PT_DECIDE_REPAIR_H

#include "decide/whereabouts.h"
#include "model/domain.h"
#include "model/host.h"
#include "model/plan.h"

/**
 * struct pt_repair_request - borrows everything
 * @vm: only what this VM has; NULL: everything
 * @forced: names of refusals to pass over
 */
struct pt_repair_request {
	const struct pt_domain *vm;
	const char *const *forced;
};

/**
 * pt_decide_repair() - reservations and definitions are made to follow the devices
 * @host: devices with details of those that are meant, uses, @reserved
 * @present: the cards, as pt_whereabouts_find() saw them; their identities go into the new reservations
 * @where: parallel to @host->reserved
 * @vms: every VM
 *
 * Refuses, and changes nothing at all, where one of them is not found or several fit, and where a VM runs that has the
 * old address.  Starts nothing.  Return: 0, also when there is nothing to do; -EPERM.
 */
int pt_decide_repair(const struct pt_host *host, const struct pt_identities *present,
		     const struct pt_whereabouts_list *where, const struct pt_domains *vms,
		     const struct pt_repair_request *request, struct pt_plan *ret_plan, struct pt_error *err);

/** pt_repair_concerns() - is the reservation about what the request asks for? */
bool pt_repair_concerns(const struct pt_keep *k, const struct pt_repair_request *request);

#endif
