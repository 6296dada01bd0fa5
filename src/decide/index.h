/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet for questions that many hosts must answer at once: who has room for this request.  Hosts and pools are flat
 * arrays, updated in place; an answer is one pass over the pools (32 bytes each, some four a host), however many
 * devices there are. Says yes or no; which devices, and why not, is pt_place_host()'s, for the few hosts that matter
 * then.
 */
#ifndef PT_DECIDE_INDEX_H
#define PT_DECIDE_INDEX_H

#include "decide/pools.h"
#include "model/request.h"

#define PT_NODE_UNKNOWN 63

/**
 * struct pt_pool - devices of a host that are alike: same class, same node; VFs also: same PF
 * @kind: index of the class; the class of what no device_spec offers has spec -1
 * @node: index into the host's topology, PT_NODE_UNKNOWN
 * @parent: of VFs: the PF's number among the host's devices, else UINT16_MAX
 * @free: that may be given; @unowned: that have no owner (VFs of a PF that is owned are unowned, and not free)
 */
struct pt_pool {
	uint16_t kind;
	uint8_t node;
	uint8_t type;
	uint16_t parent;
	uint16_t pad;
	uint32_t free;
	uint32_t unowned;
	uint32_t total;
	uint32_t host;
	uint32_t spare[2];
};

_Static_assert(sizeof(struct pt_pool) == 32, "two pools a cache line");

#define PT_INDEX_NONE	 UINT16_MAX
#define PT_INDEX_OWNED	 0x8000
#define PT_INDEX_SIBLING 0x8000

/**
 * struct pt_index_device - eight bytes a device
 * @address: domain, bus, slot, function
 * @pool: the highest bit: owned
 * @parent: number of its PF on the host; or PT_INDEX_SIBLING and the number of the first VF of the same PF, when the PF
 * itself is not among the facts; or PT_INDEX_NONE
 */
struct pt_index_device {
	uint32_t address;
	uint16_t pool;
	uint16_t parent;
};

static inline bool pt_index_is_owned(const struct pt_index_device *d)
{
	return d->pool & PT_INDEX_OWNED;
}

/* the number of its PF, when that is there and owned or not; PT_INDEX_NONE */
static inline uint16_t pt_index_pf(const struct pt_index_device *d)
{
	return d->parent & PT_INDEX_SIBLING ? PT_INDEX_NONE : d->parent;
}

/*
 * @n_offered: of its pools, those first that a device_spec offers: only they are scanned
 * @room_pools, @room_devices: so many places are its own, from the first: what it had once may come back
 */
struct pt_index_host {
	uint32_t first_pool;
	uint32_t first_device;
	uint16_t n_offered;
	uint16_t n_pools;
	uint16_t n_devices;
	uint16_t topology;
	uint16_t room_pools;
	uint16_t room_devices;
};

/* NUMA cells, then nodes that only devices name; hosts with the same ones share it */
struct pt_topology {
	int ids[PT_NODE_UNKNOWN];
	uint64_t peers[PT_NODE_UNKNOWN]; /* nodes of the same socket; only cells have any */
	unsigned n;
};

/* what devices of a pool are: enough to ask the rules about them */
struct pt_kind {
	int32_t spec;
	uint16_t vendor;
	uint16_t product;
	enum pt_dev_type type;
};

struct pt_index {
	const struct pt_rules *rules; /* borrowed */
	PT_ARRAY(struct pt_index_host) hosts;
	PT_ARRAY(struct pt_pool) pools;
	PT_ARRAY(struct pt_index_device) devices;
	PT_ARRAY(struct pt_topology) topologies;
	PT_ARRAY(struct pt_kind) kinds;
};

void pt_index_init(struct pt_index *index, const struct pt_rules *rules);

/**
 * pt_index_add() - take a host in
 *
 * Return: its number; -EINVAL, -ETIME as pt_view_make(); -E2BIG when it has more than 32,000 devices or 63 nodes.
 */
int64_t pt_index_add(struct pt_index *index, const struct pt_inv_host *host, struct pt_error *err);

/**
 * pt_index_replace() - new facts of a host; where only owners changed, nothing else is looked at again
 *
 * Return: 0, or as pt_index_add(); on failure the host is as it was.
 */
int pt_index_replace(struct pt_index *index, uint32_t host, const struct pt_inv_host *facts, struct pt_error *err);

/** pt_index_claim() - a device is given: -EBUSY when it, its PF, or a VF of it is owned; -ENODEV when there is none */
int pt_index_claim(struct pt_index *index, uint32_t host, struct pt_bdf bdf);

/** pt_index_release() - a device is free again: -EALREADY when it has no owner; -ENODEV */
int pt_index_release(struct pt_index *index, uint32_t host, struct pt_bdf bdf);

/** pt_index_cells() - host cell ids as the mask that a scan takes; cells that the host does not have are left out */
uint64_t pt_index_cells(const struct pt_index *index, uint32_t host, const int *ids, size_t n);

/**
 * pt_index_scan() - which hosts have room
 * @cells: a mask a host, 0 for a guest without cells there; NULL: no host has any
 * @verdict: one a host: 1 fits, 0 does not
 *
 * Return: how many fit; -EOPNOTSUPP for a request that asks for what the index does not hold (an interface's name, a
 * resource provider, guest cells to be seated): ask pt_place_host() host by host then.
 */
int64_t pt_index_scan(const struct pt_index *index, const struct pt_request *request, const uint64_t *cells,
		      uint8_t *verdict);

/**
 * pt_index_missing() - how many more free devices each host needs for a request
 * @missing: one a host; UINT32_MAX: it would not do if all it offers were free. Counted demand by demand: a host may
 * lack more than that
 *
 * Return: 0, or as pt_index_scan().
 */
int pt_index_missing(const struct pt_index *index, const struct pt_request *request, const uint64_t *cells,
		     uint32_t *missing);

void pt_index_done(struct pt_index *index);

#endif
