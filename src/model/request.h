/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM asks for, and the answer for one host: data of placement, without its rules (decide/place.h). */
#ifndef PT_MODEL_REQUEST_H
#define PT_MODEL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/bdf.h"
#include "model/value.h"

enum pt_numa_policy {
	PT_NUMA_UNSET = 0,
	PT_NUMA_REQUIRED,
	PT_NUMA_LEGACY,
	PT_NUMA_PREFERRED,
	PT_NUMA_SOCKET,
};

const char *pt_numa_policy_str(enum pt_numa_policy policy); /* "required", ...; "legacy" when unset */
int pt_numa_policy_parse(const char *text);		    /* the enum, or -EINVAL */

/**
 * struct pt_ask - some devices of one kind; owns its members
 * @specs: alternatives: a device must match one of these objects
 * @count: larger ones than PT_COUNT_MAX were cut to it
 * @policy: PT_NUMA_UNSET means legacy
 * @alias: NULL when the request did not come from an alias (a network port)
 * @network: of the host that gives it, on whose cables it must be; NULL: wherever it is.  @alias is "network=NAME" then
 * @rp_uuids: chosen resource providers, one a device; empty when none were chosen
 */
struct pt_ask {
	struct pt_value *specs;
	size_t n_specs;
	uint32_t count;
	enum pt_numa_policy policy;
	char *alias;
	char *network;
	struct pt_strv rp_uuids;
};

/* in place of an alias: a virtual function in the host's network of that name */
#define PT_ASK_NETWORK "network="

#define PT_COUNT_MAX ((uint32_t)1 << 30)

/* host cells chosen for the guest on one host */
struct pt_chosen_cells {
	char *host;
	int *ids;
	size_t n;
};

/* a guest cell that wants a host cell of its own */
struct pt_guest_cell {
	int cpus;
	int64_t memory_mib;
};

/**
 * struct pt_request - a VM's wishes; owns its members
 * @alias: "a1:2,a2:1" as a flavor has it, or NULL when @asks were given
 * @asks: filled in from @alias by pt_pci_alias_expand()
 * @policy: of the flavor or image; wins over an alias's own
 * @cells: sorted by host; a host that is not in it: those of @everywhere
 * @everywhere: without a host's name; none: a guest without NUMA cells
 * @isolate: group_policy=isolate: every device from another resource provider
 */
struct pt_request {
	char *alias;
	PT_ARRAY(struct pt_ask) asks;
	enum pt_numa_policy policy;
	PT_ARRAY(struct pt_chosen_cells) cells;
	struct pt_chosen_cells everywhere;
	PT_ARRAY(struct pt_guest_cell) guest_cells;
	bool isolate;
};

/* one device given; @request counts from 0 */
struct pt_given {
	size_t request;
	struct pt_bdf bdf;
};

/**
 * struct pt_host_answer - yes with the devices, or no with the reason; owns its members
 * @cells: host cells, when they were chosen here
 * @remote: devices on another NUMA node than the guest's (policy preferred)
 * @idle: devices that device_spec offers and nobody has, whatever was asked for
 * @bounded: the search was cut off; a "no" then means "not found"
 * @stage: why not: "spec", "in-use", "pf", "vdpa", "remote-managed", "placement", "numa", "cells", "together", "config"
 * @would_prefer: numa_policy=preferred would have fitted
 */
struct pt_host_answer {
	const char *host; /* borrowed */
	bool fits;
	PT_ARRAY(struct pt_given) given;
	PT_ARRAY(int) cells;
	unsigned remote;
	uint32_t idle;
	bool bounded;
	const char *stage;
	size_t request;
	char *alias;
	uint32_t asked;
	uint32_t found;
	char *message;
	bool would_prefer;
};

/**
 * pt_request_numa() - where the guest is, in few words: "required:0,1", "0" (required, too), "socket"
 *
 * A policy wins over that of an alias; cells alone mean that the devices must be there.
 * Return: 0, or -EINVAL with a message.
 */
int pt_request_numa(struct pt_request *r, const char *text, struct pt_error *err);

/** pt_request_cells() - cells chosen on @host, or NULL */
const struct pt_chosen_cells *pt_request_cells(const struct pt_request *r, const char *host);
void pt_request_sort(struct pt_request *r);

void pt_ask_done(struct pt_ask *a);
void pt_request_done(struct pt_request *r);
void pt_host_answer_done(struct pt_host_answer *a);

#endif
