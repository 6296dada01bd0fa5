/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/numa.h"

/* the same alias in the same words asks for the same */
static bool same_ask(const struct pt_ask *a, const struct pt_ask *b)
{
	if (!pt_streq(a->alias, b->alias) || !pt_streq(a->network, b->network) || a->policy != b->policy ||
	    a->n_specs != b->n_specs)
		return false;
	for (size_t i = 0; i < a->n_specs; i++)
		if (!pt_value_same(&a->specs[i], &b->specs[i]))
			return false;
	/* a network port's request has no use for providers */
	if (a->alias && a->rp_uuids.n != b->rp_uuids.n)
		return false;
	for (size_t i = 0; a->alias && i < a->rp_uuids.n; i++)
		if (!pt_streq(a->rp_uuids.v[i], b->rp_uuids.v[i]))
			return false;
	return true;
}

static int add_part(const struct pt_request *request, struct pt_demands *d, size_t ask, const char *rp, uint32_t count)
{
	struct pt_part part = { .ask = ask, .count = count };
	size_t i = 0;

	for (; i < d->n; i++) {
		if (rp ? d->v[i].ask == ask && pt_streq(d->v[i].rp, rp)
		       : !d->v[i].rp && same_ask(&request->asks.v[d->v[i].ask], &request->asks.v[ask]))
			break;
	}
	if (i == PT_DEMANDS_MAX)
		return -E2BIG;
	if (i == d->n)
		d->v[d->n++] = (struct pt_demand){ .ask = ask, .rp = rp };
	d->v[i].count = d->v[i].count + count > PT_COUNT_MAX ? PT_COUNT_MAX : d->v[i].count + count;
	part.demand = i;
	pt_array_push(&d->parts, part);
	return 0;
}

int pt_demands_make(const struct pt_request *request, struct pt_demands *ret_demands)
{
	PT_AUTO(pt_demands) d = { .n = 0 };
	int r = 0;

	for (size_t i = 0; i < request->asks.n && r == 0; i++) {
		const struct pt_ask *a = &request->asks.v[i];

		if (!a->count)
			continue;
		if (!a->alias || !a->rp_uuids.n)
			r = add_part(request, &d, i, NULL, a->count);
		for (size_t u = 0; a->alias && u < a->rp_uuids.n && r == 0; u++)
			r = add_part(request, &d, i, a->rp_uuids.v[u], 1);
		/* more devices than providers: the others are of any of those listed */
		if (r == 0 && a->alias && a->rp_uuids.n && a->count > a->rp_uuids.n)
			r = add_part(request, &d, i, NULL, a->count - (uint32_t)a->rp_uuids.n);
	}
	if (r < 0)
		return r;
	*ret_demands = d;
	d.parts.v = NULL;
	return 0;
}

void pt_demands_done(struct pt_demands *d)
{
	free(d->parts.v);
}

static uint64_t base_of(const struct pt_view *view, const struct pt_request *request, const struct pt_demands *demands,
			size_t device)
{
	uint64_t base = 0;

	if (view->spec[device] < 0 || !pt_view_is_free(view, device))
		return 0;
	for (size_t d = 0; d < demands->n; d++) {
		const char *rp = demands->v[d].rp;

		if (rp && !pt_streq(view->host->v[device].rp_uuid, rp))
			continue;
		if (pt_view_stage(view, device, &request->asks.v[demands->v[d].ask]) == PT_STAGE_OK)
			base |= (uint64_t)1 << d;
	}
	return base;
}

/* @rank: how many VFs of the same PF come before this one */
struct ranked {
	uint32_t device;
	uint32_t rank;
	uint32_t free_vfs;
	bool broken; /* the PF cannot be given whole any more */
	bool spread;
};

/*
 * Packing takes VFs first where the PF is given in parts already, then from the PF with the fewest left, so that PFs
 * stay whole; spreading takes one from each PF in turn, from the fullest first.  Ties go by address.
 */
static int by_preference(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	if (x->spread && x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->broken != y->broken)
		return x->broken != x->spread ? -1 : 1;
	if (x->free_vfs != y->free_vfs)
		return (x->free_vfs < y->free_vfs) != x->spread ? -1 : 1;
	return x->device == y->device ? 0 : x->device < y->device ? -1 : 1;
}

static void order(struct pt_field *f, bool spread)
{
	const struct pt_view *v = f->view;
	pt_autofree struct ranked *l = pt_alloc((v->host->n + 1) * sizeof(*l));
	pt_autofree uint32_t *seen = pt_alloc((v->n_families + 1) * sizeof(*seen));

	for (size_t i = 0; i < v->host->n; i++) {
		const struct pt_family *family = &v->families[v->family[i]];

		if (!f->base[i])
			continue;
		l[f->n++] = (struct ranked){ .device = (uint32_t)i,
					     .rank = seen[v->family[i]]++,
					     .free_vfs = family->free_vfs,
					     .broken = family->owned_vfs > 0,
					     .spread = spread };
	}
	if (f->n)
		qsort(l, f->n, sizeof(*l), by_preference);
	f->order = pt_alloc((f->n + 1) * sizeof(*f->order));
	for (size_t i = 0; i < f->n; i++)
		f->order[i] = l[i].device;
}

void pt_field_make(const struct pt_view *view, const struct pt_request *request, const struct pt_demands *demands,
		   bool spread, struct pt_field *ret_field)
{
	struct pt_field f = { .view = view, .request = request, .demands = demands };

	f.base = pt_alloc((view->host->n + 1) * sizeof(*f.base));
	for (size_t i = 0; i < view->host->n; i++)
		f.base[i] = base_of(view, request, demands, i);
	order(&f, spread);
	*ret_field = f;
}

void pt_field_done(struct pt_field *f)
{
	free(f->base);
	free(f->order);
}

/* demands with each policy, so that a device asks at most five times how far it is */
static void by_policy(const struct pt_field *f, uint64_t masks[5])
{
	memset(masks, 0, 5 * sizeof(*masks));
	for (size_t d = 0; d < f->demands->n; d++)
		masks[f->request->asks.v[f->demands->v[d].ask].policy] |= (uint64_t)1 << d;
}

void pt_field_problem(const struct pt_field *f, const int *ids, size_t n_ids, struct pt_item *items,
		      struct pt_problem *ret_problem)
{
	struct pt_problem p = { .items = items, .n_families = f->view->n_families, .isolate = f->request->isolate };
	uint64_t masks[5];

	by_policy(f, masks);
	for (size_t i = 0; i < f->n; i++) {
		uint32_t device = f->order[i];
		struct pt_item it = { .device = device, .family = f->view->family[device] };

		it.pf = f->view->host->v[device].type == PT_DEV_PF;
		for (int policy = 0; policy < 5; policy++) {
			uint64_t can = f->base[device] & masks[policy];
			enum pt_distance distance = can ? pt_numa_distance(f->view->host, (enum pt_numa_policy)policy,
									   ids, n_ids, f->view->node[device])
							: PT_TOO_FAR;

			it.can |= distance == PT_TOO_FAR ? 0 : can;
			it.local |= distance == PT_LOCAL ? can : 0;
			it.near |= distance == PT_NEAR ? can : 0;
		}
		if (it.can)
			items[p.n_items++] = it;
	}
	p.n_demands = f->demands->n;
	for (size_t d = 0; d < p.n_demands; d++)
		p.demands[d] = f->demands->v[d].count;
	*ret_problem = p;
}
