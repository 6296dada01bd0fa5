/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's devices as OpenStack Placement is told of them: resource providers, their inventories and traits, and what
 * allocations should say.  Computes; talks to no service.
 */
#ifndef PT_DECIDE_PROVIDERS_H
#define PT_DECIDE_PROVIDERS_H

#include "decide/pools.h"
#include "model/provider.h"

/** pt_providers_check() - 0, or -EINVAL with a message when report_in_placement refuses this configuration on this host
 */
int pt_providers_check(const struct pt_view *view, struct pt_error *err);

/**
 * pt_providers_make() - what Placement should have, given what it has
 * @now: what it has; NULL for nothing
 * @ret: yours
 *
 * Return: 0, or -EINVAL with a message where Nova's compute service would refuse to start.
 */
int pt_providers_make(const struct pt_view *view, const struct pt_placement *now, struct pt_providers *ret,
		      struct pt_error *err);

#endif
