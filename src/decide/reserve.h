/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May these devices belong to guests from now on, across reboots; and may the host have them back?  Pure, and by the
 * same rules as attach and detach.
 */
#ifndef PT_DECIDE_RESERVE_H
#define PT_DECIDE_RESERVE_H

#include "base/error.h"
#include "model/domain.h"
#include "model/host.h"
#include "model/plan.h"

/**
 * struct pt_reserve_request - what the user asked for; borrows everything
 * @devices: the functions named
 * @forced: names of refusals to pass over (--force-NAME), NULL-terminated, or NULL
 * @reset: release: reset the devices before a driver of the host has them
 */
struct pt_reserve_request {
	const struct pt_bdf *devices;
	size_t n_devices;
	const char *const *forced;
	bool reset;
};

struct pt_vm_claim;

/**
 * pt_decide_reserve() - the plan that reserves devices and binds them for guests
 * @host: as in struct pt_attach_facts, with what is reserved already
 * @vms: every VM of this host; what is theirs may be reserved, since that is what it is for
 * @claims: disks of this host that VMs use by their path
 *
 * Return: 0, also when there is nothing to do; -EPERM with the first refusal; PT_ERROR_USAGE for a bridge.
 */
int pt_decide_reserve(const struct pt_host *host, const struct pt_domains *vms, const struct pt_vm_claim *claims,
		      size_t n_claims, const struct pt_reserve_request *request, struct pt_plan *ret_plan,
		      struct pt_error *err);

/**
 * pt_decide_release() - the plan that gives reserved devices back to the host's own drivers
 *
 * A device that is gone, or has another one in its place, loses its reservation only.  Return: as above;
 * PT_ERROR_USAGE for what is not reserved.
 */
int pt_decide_release(const struct pt_host *host, const struct pt_domains *vms,
		      const struct pt_reserve_request *request, struct pt_plan *ret_plan, struct pt_error *err);

#endif
