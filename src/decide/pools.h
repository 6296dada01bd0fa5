/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's devices under a configuration: which may be given at all, with which properties, and which are free.  What
 * Nova calls a pool is here the set of devices with the same properties; nothing depends on the order of pools.
 */
#ifndef PT_DECIDE_POOLS_H
#define PT_DECIDE_POOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/alias.h"
#include "decide/spec.h"
#include "model/inventory.h"
#include "model/request.h"

/* a configuration, judged */
struct pt_rules {
	struct pt_specs specs;
	struct pt_pci_aliases aliases;
	bool report_in_placement;
	bool pci_in_placement;
};

/**
 * pt_rules_compile() - judge a configuration
 * @ret_alias_wrong: on failure: whether an alias is wrong rather than a device_spec; may be NULL
 */
int pt_rules_compile(const struct pt_pci_config *config, struct pt_rules *ret_rules, bool *ret_alias_wrong,
		     struct pt_error *err);
void pt_rules_done(struct pt_rules *rules);

/* a PF with its VFs, or a device alone */
struct pt_family {
	struct pt_bdf bdf;
	int64_t pf; /* index of the PF among the host's devices, -1 when it is not among them */
	unsigned owned_vfs;
	unsigned free_vfs;
	bool pf_owned;
};

/**
 * struct pt_view - owns @spec, @node, @family, @families
 * @spec: of each device the index of its device_spec, -1 when none matches
 * @node: of each device its NUMA node, as pt_spec_node()
 * @family: of each device its index in @families
 */
struct pt_view {
	const struct pt_rules *rules;
	const struct pt_inv_host *host;
	int32_t *spec;
	int *node;
	uint32_t *family;
	struct pt_family *families;
	size_t n_families;
};

/** pt_view_make() - -EINVAL, -ETIME with a message when the configuration does not work on this host */
int pt_view_make(const struct pt_rules *rules, const struct pt_inv_host *host, struct pt_view *ret_view,
		 struct pt_error *err);
void pt_view_done(struct pt_view *view);

/* where a device drops out for a request, in this order; PT_STAGE_OK: only NUMA may still be in the way */
enum pt_stage {
	PT_STAGE_SPEC,
	PT_STAGE_PF,
	PT_STAGE_VDPA,
	PT_STAGE_REMOTE_MANAGED,
	PT_STAGE_PLACEMENT,
	PT_STAGE_IN_USE,
	PT_STAGE_NUMA,
	PT_STAGE_OK = PT_STAGE_NUMA,
};

const char *pt_stage_str(enum pt_stage stage);

/** pt_view_is_free() - not owned, and neither its PF nor (of a PF) one of its VFs is */
bool pt_view_is_free(const struct pt_view *view, size_t device);

/** pt_view_stage() - how far device number @device gets for @ask */
enum pt_stage pt_view_stage(const struct pt_view *view, size_t device, const struct pt_ask *ask);

/**
 * pt_view_in_network() - can device number @device be put into the network of that name, as its host has it?
 *
 * A virtual function of a network card that a device_spec offers, on the network's cables by that device_spec's tag.
 */
bool pt_view_in_network(const struct pt_view *view, size_t device, const char *network);

/** pt_view_serves() - is the device's property @key what @want says; for one that is in the configuration */
bool pt_view_serves(const struct pt_view *view, size_t device, const char *key, const struct pt_value *want);

#endif
