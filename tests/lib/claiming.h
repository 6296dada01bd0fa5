/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up fleet in a store, and a check that nobody there has what another has.  For tests only. */
#ifndef PT_TESTS_CLAIMING_H
#define PT_TESTS_CLAIMING_H

#include "fleet/fleet.h"

/** claiming_config() - an alias "gpu", and a device_spec that offers all of them */
void claiming_config(struct pt_pci_config *ret_config);

/** claiming_publish() - hosts host-000 and on, with @devices GPUs each */
void claiming_publish(struct pt_store *store, unsigned hosts, unsigned devices);

/** claiming_claim() - @asked ("gpu:2") anywhere; as pt_fleet_claim(), the reasons of a no being left out */
int claiming_claim(struct pt_fleet *fleet, const char *asked, const char *holder, struct pt_claim *ret_claim,
		   struct pt_error *err);

/** claiming_check() - each device of each claim is held by it and no other, and nothing else is held */
void claiming_check(struct pt_store *store, const struct pt_pci_config *config);

#endif
