/* SPDX-License-Identifier: Apache-2.0 */
/* What a fleet's store holds: hosts with what they offer, who holds which of their devices, and claims.  Plain data. */
#ifndef PT_MODEL_CLAIM_H
#define PT_MODEL_CLAIM_H

#include <stdbool.h>

#include "base/alloc.h"
#include "model/inventory.h"
#include "model/pciconfig.h"

/* "c-" and twenty hexadecimal digits: longer than any interface's name, and like no address, VM's UUID or serial */
#define PT_CLAIM_ID_LENGTH 22

/** pt_claim_id_valid() - does a text have the form of a claim's id? */
bool pt_claim_id_valid(const char *text);

/* a device of the claim, and the alias that it was asked for as; NULL when without */
struct pt_claim_device {
	struct pt_bdf bdf;
	char *alias;
};

/**
 * struct pt_claim - owns its members
 * @holder: a VM's name or any other; @asked: "a1:2,a2:1"; @since: seconds since 1970, of the claimer's clock
 */
struct pt_claim {
	char id[PT_CLAIM_ID_LENGTH + 1];
	char *asked;
	char *holder;
	char *host;
	long long since;
	PT_ARRAY(struct pt_claim_device) devices;
};

/**
 * struct pt_host_record - what a host publishes of itself; owns its members
 * @config: its own device_spec, and nothing else: what it offers is its own to say
 */
struct pt_host_record {
	struct pt_inv_host host;
	struct pt_pci_config config;
};

/* who holds a device: one entry a claimed device; @id is a claim's */
struct pt_hold {
	struct pt_bdf bdf;
	char id[PT_CLAIM_ID_LENGTH + 1];
};

struct pt_holds {
	struct pt_hold *v;
	size_t n;
	size_t cap;
};

/** pt_holds_find() - who holds a device, or NULL */
const char *pt_holds_find(const struct pt_holds *list, struct pt_bdf bdf);
/** pt_holds_drop() - all that a claim holds; how many they were */
size_t pt_holds_drop(struct pt_holds *list, const char *id);

void pt_holds_done(struct pt_holds *list);
void pt_claim_done(struct pt_claim *claim);
void pt_host_record_done(struct pt_host_record *record);

#endif
