/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pass over the index.  One demand: a sum over the host's pools.  Several that no PF stands between: every set of
 * demands must find enough in the pools that serve any of them (Hall's condition, which for pools that may be divided
 * at will is enough).  PFs whose VFs are wanted too, and isolate: the search of solve.c, on the host's eight-byte
 * records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/demand.h"
#include "decide/index.h"

/* 2^n sets are looked at for n demands */
#define HALL_MAX 5

struct scan {
	const struct pt_index *x;
	const struct pt_request *request;
	struct pt_demands demands;
	uint64_t *serves; /* of each kind: the demands that it may serve */
	enum pt_numa_policy policy[PT_DEMANDS_MAX];
	bool exact; /* PFs against VFs, or isolate: ask the search */
	struct pt_item *items;
	size_t cap;
};

static void scan_done(struct scan *s)
{
	pt_demands_done(&s->demands);
	free(s->serves);
	free(s->items);
}

/* keys of a spec that differ between devices of one kind */
static bool is_held(const struct pt_request *r)
{
	static const char *const not_held[] = { "address", "numa_node", "parent_ifname" };

	if (r->guest_cells.n)
		return false;
	for (size_t i = 0; i < r->asks.n; i++) {
		if (r->asks.v[i].network || (r->asks.v[i].alias && r->asks.v[i].rp_uuids.n))
			return false;
		for (size_t s = 0; s < r->asks.v[i].n_specs; s++)
			for (size_t k = 0; k < sizeof(not_held) / sizeof(*not_held); k++)
				if (pt_value_get(&r->asks.v[i].specs[s], not_held[k]))
					return false;
	}
	return true;
}

/* the rules about one device of the kind, alone on a host */
static uint64_t kind_serves(const struct scan *s, const struct pt_kind *k)
{
	struct pt_inv_device d = {
		.vendor = k->vendor, .product = k->product, .type = k->type, .numa_node = PT_NOT_GIVEN
	};
	const struct pt_inv_host host = { .v = &d, .n = 1 };
	struct pt_family family = { .pf = k->type == PT_DEV_PF ? 0 : -1 };
	int32_t spec = k->spec;
	uint32_t zero = 0;
	const struct pt_view view = { s->x->rules, &host, &spec, &d.numa_node, &zero, &family, 1 };
	uint64_t serves = 0;

	for (size_t i = 0; spec >= 0 && i < s->demands.n; i++)
		if (pt_view_stage(&view, 0, &s->request->asks.v[s->demands.v[i].ask]) == PT_STAGE_OK)
			serves |= (uint64_t)1 << i;
	return serves;
}

static void make_kinds(struct scan *s)
{
	uint64_t whole = 0;
	uint64_t parts = 0;

	s->serves = pt_alloc((s->x->kinds.n + 1) * sizeof(*s->serves));
	for (size_t i = 0; i < s->x->kinds.n; i++) {
		s->serves[i] = kind_serves(s, &s->x->kinds.v[i]);
		if (s->x->kinds.v[i].type == PT_DEV_PF)
			whole |= s->serves[i];
		if (s->x->kinds.v[i].type == PT_DEV_VF || s->x->kinds.v[i].type == PT_DEV_VDPA)
			parts |= s->serves[i];
	}
	s->exact = s->request->isolate || (whole && parts) || s->demands.n > HALL_MAX;
	for (size_t i = 0; i < s->demands.n; i++)
		s->policy[i] = s->request->asks.v[s->demands.v[i].ask].policy;
}

/* the nodes whose devices may serve, as a mask with PT_NODE_UNKNOWN for those that nobody knows */
static uint64_t nodes(const struct pt_topology *t, enum pt_numa_policy policy, uint64_t cells)
{
	uint64_t mask = cells;

	if (!cells || policy == PT_NUMA_PREFERRED)
		return UINT64_MAX;
	if (policy == PT_NUMA_REQUIRED)
		return cells;
	if (policy != PT_NUMA_SOCKET)
		return cells | (uint64_t)1 << PT_NODE_UNKNOWN;
	for (uint64_t left = cells; left; left &= left - 1)
		mask |= t->peers[__builtin_ctzll(left)];
	return mask;
}

static bool scan_one(const struct scan *s, const struct pt_index_host *h, uint64_t cells)
{
	const struct pt_pool *p = &s->x->pools.v[h->first_pool];
	uint64_t near = nodes(&s->x->topologies.v[h->topology], s->policy[0], cells);
	uint64_t found = 0;

	for (size_t i = 0; i < h->n_offered; i++)
		found += (uint64_t)p[i].free & -(s->serves[p[i].kind] & near >> p[i].node & 1);
	return found >= s->demands.v[0].count;
}

static bool scan_some(const struct scan *s, const struct pt_index_host *h, uint64_t cells)
{
	const struct pt_pool *p = &s->x->pools.v[h->first_pool];
	size_t n = s->demands.n;
	uint64_t near[HALL_MAX];
	uint64_t has[1 << HALL_MAX] = { 0 };

	for (size_t d = 0; d < n; d++)
		near[d] = nodes(&s->x->topologies.v[h->topology], s->policy[d], cells);
	for (size_t i = 0; i < h->n_offered; i++) {
		uint64_t mask = 0;

		for (size_t d = 0; d < n; d++)
			mask |= (s->serves[p[i].kind] >> d & near[d] >> p[i].node & 1) << d;
		has[mask] += p[i].free;
	}
	for (uint64_t set = 1; set < (uint64_t)1 << n; set++) {
		uint64_t want = 0;
		uint64_t there = 0;

		for (size_t d = 0; d < n; d++)
			want += set >> d & 1 ? s->demands.v[d].count : 0;
		for (uint64_t mask = 1; mask < (uint64_t)1 << n; mask++)
			there += mask & set ? has[mask] : 0;
		if (there < want)
			return false;
	}
	return true;
}

static bool is_free(const struct pt_index *x, const struct pt_index_host *h, size_t i)
{
	const struct pt_index_device *all = &x->devices.v[h->first_device];
	const struct pt_pool *pools = &x->pools.v[h->first_pool];

	uint16_t pf = pt_index_pf(&all[i]);

	if (pt_index_is_owned(&all[i]) || (pf != PT_INDEX_NONE && pt_index_is_owned(&all[pf])))
		return false;
	if (pools[all[i].pool].type != PT_DEV_PF)
		return true;
	for (size_t k = 0; k < h->n_pools; k++)
		if (pools[k].parent == i && pools[k].unowned < pools[k].total)
			return false;
	return true;
}

static bool scan_exact(struct scan *s, const struct pt_index_host *h, uint64_t cells)
{
	const struct pt_index_device *all = &s->x->devices.v[h->first_device];
	struct pt_problem p = { .n_families = h->n_devices, .n_demands = s->demands.n, .isolate = s->request->isolate };
	PT_AUTO(pt_solution) solution = { 0 };
	uint64_t near[PT_DEMANDS_MAX];

	s->items = pt_array_grow(s->items, &s->cap, h->n_devices + 1U, sizeof(*s->items));
	p.items = s->items;
	for (size_t d = 0; d < s->demands.n; d++) {
		p.demands[d] = s->demands.v[d].count;
		near[d] = nodes(&s->x->topologies.v[h->topology], s->policy[d], cells);
	}
	for (size_t i = 0; i < h->n_devices; i++) {
		const struct pt_pool *pool = &s->x->pools.v[h->first_pool + (all[i].pool & ~PT_INDEX_OWNED)];
		struct pt_item it = { .device = (uint32_t)i, .pf = pool->type == PT_DEV_PF };

		it.family = all[i].parent == PT_INDEX_NONE ? (uint32_t)i : all[i].parent & ~PT_INDEX_SIBLING;
		for (size_t d = 0; d < s->demands.n; d++)
			it.can |= (s->serves[pool->kind] >> d & near[d] >> pool->node & 1) << d;
		it.local = it.can;
		if (it.can && is_free(s->x, h, i))
			p.items[p.n_items++] = it;
	}
	pt_solve(&p, &solution);
	return solution.found;
}

static bool scan_host(struct scan *s, const struct pt_index_host *h, uint64_t cells)
{
	if (s->demands.n == 0)
		return true;
	if (s->exact)
		return scan_exact(s, h, cells);
	return s->demands.n == 1 ? scan_one(s, h, cells) : scan_some(s, h, cells);
}

int64_t pt_index_scan(const struct pt_index *index, const struct pt_request *request, const uint64_t *cells,
		      uint8_t *verdict)
{
	PT_CLEANUP(scan_done) struct scan s = { .x = index, .request = request };
	int64_t fit = 0;
	int r;

	if (!is_held(request))
		return -EOPNOTSUPP;
	r = pt_demands_make(request, &s.demands);
	if (r < 0)
		return r;
	make_kinds(&s);
	for (size_t i = 0; i < index->hosts.n; i++) {
		verdict[i] = scan_host(&s, &index->hosts.v[i], cells ? cells[i] : 0);
		fit += verdict[i];
	}
	return fit;
}

static uint32_t missing_on(const struct scan *s, const struct pt_index_host *h, uint64_t cells)
{
	const struct pt_pool *p = &s->x->pools.v[h->first_pool];
	uint64_t missing = 0;

	for (size_t d = 0; d < s->demands.n; d++) {
		uint64_t near = nodes(&s->x->topologies.v[h->topology], s->policy[d], cells);
		uint64_t free = 0;
		uint64_t all = 0;

		for (size_t i = 0; i < h->n_offered; i++) {
			if (!(s->serves[p[i].kind] >> d & near >> p[i].node & 1))
				continue;
			free += p[i].free;
			all += p[i].total;
		}
		if (all < s->demands.v[d].count)
			return UINT32_MAX;
		missing += free < s->demands.v[d].count ? s->demands.v[d].count - free : 0;
	}
	return missing < UINT32_MAX ? (uint32_t)missing : UINT32_MAX - 1;
}

int pt_index_missing(const struct pt_index *index, const struct pt_request *request, const uint64_t *cells,
		     uint32_t *missing)
{
	PT_CLEANUP(scan_done) struct scan s = { .x = index, .request = request };
	int r = is_held(request) ? pt_demands_make(request, &s.demands) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	make_kinds(&s);
	for (size_t i = 0; i < index->hosts.n; i++)
		missing[i] = missing_on(&s, &index->hosts.v[i], cells ? cells[i] : 0);
	return 0;
}
