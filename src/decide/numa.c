/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/numa.h"

#include <stdint.h>
#include <string.h>

static bool has(const int *ids, size_t n, int id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* a host that does not tell the socket of every cell has none that could be compared */
static bool same_socket(const struct pt_inv_host *host, const int *ids, size_t n, int node)
{
	int socket = PT_NOT_GIVEN;
	bool found = false;

	for (size_t i = 0; i < host->n_cells; i++) {
		if (host->cells[i].socket == PT_NOT_GIVEN)
			return false;
		if (host->cells[i].id == node)
			socket = host->cells[i].socket;
	}
	for (size_t i = 0; i < host->n_cells && socket != PT_NOT_GIVEN; i++)
		found = found || (host->cells[i].socket == socket && has(ids, n, host->cells[i].id));
	return found;
}

enum pt_distance pt_numa_distance(const struct pt_inv_host *host, enum pt_numa_policy policy, const int *ids, size_t n,
				  int numa_node)
{
	bool known = numa_node != PT_NOT_GIVEN;

	if (n == 0 || (known && has(ids, n, numa_node)))
		return PT_LOCAL;
	switch (policy) {
	case PT_NUMA_REQUIRED:
		return PT_TOO_FAR;
	case PT_NUMA_SOCKET:
		return known && same_socket(host, ids, n, numa_node) ? PT_NEAR : PT_TOO_FAR;
	case PT_NUMA_PREFERRED:
		return known ? PT_REMOTE : PT_NEAR;
	case PT_NUMA_UNSET:
	case PT_NUMA_LEGACY:
		break;
	}
	return known ? PT_TOO_FAR : PT_NEAR;
}

/* Nova's order: most wanted devices, then most free memory, then most free CPUs, then as they came */
static bool before(const struct pt_inv_host *host, const unsigned *devices, size_t a, size_t b)
{
	if (devices[a] != devices[b])
		return devices[a] > devices[b];
	if (host->cells[a].memory_mib != host->cells[b].memory_mib)
		return host->cells[a].memory_mib > host->cells[b].memory_mib;
	if (host->cells[a].cpus != host->cells[b].cpus)
		return host->cells[a].cpus > host->cells[b].cpus;
	return a < b;
}

void pt_numa_ways_begin(struct pt_numa_ways *ways, const struct pt_inv_host *host, const struct pt_guest_cell *guest,
			size_t n_guest, const unsigned *devices)
{
	*ways = (struct pt_numa_ways){ .host = host, .guest = guest, .n_guest = n_guest };
	ways->n_order = host->n_cells < 64 ? host->n_cells : 64;
	ways->bounded = host->n_cells > 64;
	for (size_t i = 0; i < ways->n_order; i++) {
		size_t at = i;

		for (; at > 0 && before(host, devices, i, ways->order[at - 1]); at--)
			ways->order[at] = ways->order[at - 1];
		ways->order[at] = i;
	}
}

static bool holds(const struct pt_inv_cell *c, const struct pt_guest_cell *g)
{
	return (c->cpus == PT_NOT_GIVEN || c->cpus >= g->cpus) &&
	       (c->memory_mib == PT_NOT_GIVEN || c->memory_mib >= g->memory_mib);
}

/* Kuhn's matching: guest cell @g gets a host cell, if need be by moving another guest cell; depth is at most 64 */
static bool seat(const struct pt_numa_ways *w, size_t g, int *seated, uint64_t *visited)
{
	for (size_t i = 0; i < w->n_guest; i++) {
		if (*visited >> i & 1 || !holds(&w->host->cells[w->order[w->pick[i]]], &w->guest[g]))
			continue;
		*visited |= (uint64_t)1 << i;
		if (seated[i] < 0 || seat(w, (size_t)seated[i], seated, visited)) {
			seated[i] = (int)g;
			return true;
		}
	}
	return false;
}

static bool fits(const struct pt_numa_ways *w)
{
	int seated[64];

	memset(seated, -1, sizeof(seated));
	for (size_t g = 0; g < w->n_guest; g++) {
		uint64_t visited = 0;

		if (!seat(w, g, seated, &visited))
			return false;
	}
	return true;
}

/* the next combination in order; the first call makes the first one */
static bool advance(struct pt_numa_ways *w)
{
	size_t k = w->n_guest;
	size_t i = k;

	if (k == 0 || k > w->n_order)
		return false;
	if (w->tried == 0) {
		for (size_t j = 0; j < k; j++)
			w->pick[j] = j;
		return true;
	}
	while (i > 0 && w->pick[i - 1] == w->n_order - k + i - 1)
		i--;
	if (i == 0)
		return false;
	w->pick[i - 1]++;
	for (size_t j = i; j < k; j++)
		w->pick[j] = w->pick[j - 1] + 1;
	return true;
}

int pt_numa_ways_next(struct pt_numa_ways *w, int *ids)
{
	while (advance(w)) {
		if (++w->tried > PT_NUMA_WAYS) {
			w->bounded = true;
			return 0;
		}
		if (!fits(w))
			continue;
		for (size_t i = 0; i < w->n_guest; i++)
			ids[i] = w->host->cells[w->order[w->pick[i]]].id;
		return 1;
	}
	return 0;
}
