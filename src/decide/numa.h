/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NUMA policies, and host cells for a guest's cells.  A policy by its documented meaning, device by device; whether
 * there are enough devices is solve.h's matter.
 */
#ifndef PT_DECIDE_NUMA_H
#define PT_DECIDE_NUMA_H

#include <stdbool.h>
#include <stddef.h>

#include "model/inventory.h"
#include "model/request.h"

enum pt_distance {
	PT_LOCAL,  /* on a node of the guest, or the guest has no nodes */
	PT_NEAR,   /* on the same socket, or nobody knows where */
	PT_REMOTE, /* elsewhere, and the policy lets it pass */
	PT_TOO_FAR,
};

/** pt_numa_distance() - @ids: host cells of the guest, @n of them; none: no policy applies */
enum pt_distance pt_numa_distance(const struct pt_inv_host *host, enum pt_numa_policy policy, const int *ids, size_t n,
				  int numa_node);

/* how many ways to lay a guest on host cells are tried */
#define PT_NUMA_WAYS 5000

/**
 * struct pt_numa_ways - the sets of host cells on which a guest fits, one after another; owns nothing
 * @order: host cells to choose from, best first, by index into host->cells
 * @pick: indices into @order, rising: the current set
 */
struct pt_numa_ways {
	const struct pt_inv_host *host;
	const struct pt_guest_cell *guest;
	size_t n_guest;
	size_t order[64];
	size_t n_order;
	size_t pick[64];
	size_t tried;
	bool bounded;
};

/**
 * pt_numa_ways_begin() - start going through the sets
 * @devices: for each host cell how many wanted devices are on it: cells with more come first, as Nova has it
 */
void pt_numa_ways_begin(struct pt_numa_ways *ways, const struct pt_inv_host *host, const struct pt_guest_cell *guest,
			size_t n_guest, const unsigned *devices);

/**
 * pt_numa_ways_next() - the next set on which every guest cell has a host cell of its own with CPUs and memory enough
 * @ids: room for @n_guest cell ids
 *
 * Return: 1, or 0 when there is no further one (or @bounded: too many were tried).
 */
int pt_numa_ways_next(struct pt_numa_ways *ways, int *ids);

#endif
