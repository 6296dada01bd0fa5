/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that comes and goes, and the virtio interface that stands in for it while it is away: which one, and with
 * which MAC.  Pure.  A guest pairs the two by their MAC (net_failover in Linux).
 */
#ifndef PT_DECIDE_FAILOVER_H
#define PT_DECIDE_FAILOVER_H

#include "base/error.h"
#include "model/domain.h"

/**
 * struct pt_failover - owns its strings
 * @type, @source: a new interface, on this "bridge" or "network"; NULL: one that the VM has
 * @mac: of the one that it has; for a new one the caller sets it: that of the device
 * @alias: by which the pair is named; pt_failover_name() for a new one
 * @paired: it stands in already: nothing of it is to be changed
 * @where: "bridge br0", for telling
 */
struct pt_failover {
	char *type;
	char *source;
	uint8_t mac[6];
	char alias[PT_ALIAS_MAX];
	bool paired;
	char *where;
};

/**
 * pt_failover_pick()
 * @on: "bridge:NAME" or "network:NAME" for a new interface, the MAC of one that the VM has, or NULL: the only virtio
 *      interface that fits
 *
 * Return: 0; -EPERM (PT_ERROR_REFUSED) with what there is; PT_ERROR_USAGE where @on is none of these.
 */
int pt_failover_pick(const struct pt_domain *vm, const char *on, struct pt_failover *ret, struct pt_error *err);

/** pt_failover_name() - @mac, and the alias that an interface with it gets */
void pt_failover_name(struct pt_failover *f, const uint8_t mac[6]);

void pt_failover_done(struct pt_failover *f);

#endif
