/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without PFs this is one flow.  A PF that could be given whole, and whose VFs could be given too, is a choice;
 * families that look alike are one group, of which only the number given whole matters.  The search goes over these
 * numbers, with the flow in which nothing is excluded yet as its bound: it says no early, and its cost is never too
 * high.  First group by group, with as few whole PFs as can be; where this takes long, by the groups of which that flow
 * uses the PFs and the VFs at once.
 */
#include "decide/solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* what one host may cost: some hundred milliseconds */
#define STEPS_MAX   ((uint64_t)200000000)
#define FLOWS_MAX   20000
#define FLOWS_FIRST 60

struct family {
	int64_t pf;    /* index into items, -1 when it cannot be given whole */
	uint32_t *vfs; /* bucket of each VF, sorted */
	uint32_t n_vfs;
	uint32_t number;
	bool whole; /* chosen: given as the PF */
};

struct group {
	size_t first; /* into conflicts */
	size_t n;
	size_t whole;
	size_t best;
	size_t low; /* branching: how many may be whole */
	size_t high;
};

struct solver {
	const struct pt_problem *p;
	struct pt_item *items;
	size_t n_items;
	uint32_t *bucket_of;
	struct pt_bucket *buckets;
	size_t n_buckets;
	uint32_t *base; /* devices of each bucket that are nobody's choice */
	struct family *families;
	struct family **conflicts;
	size_t n_conflicts;
	struct group *groups;
	size_t n_groups;
	uint32_t *flow;
	uint32_t *best_flow;
	uint64_t best_cost;
	uint64_t limit;
	uint64_t steps; /* left of it */
	size_t flows;
	size_t flows_max;
	size_t whole_max;
	bool found;
	bool bounded;
};

static int by_masks(const void *a, const void *b, void *items)
{
	const struct pt_item *x = (const struct pt_item *)items + *(const uint32_t *)a;
	const struct pt_item *y = (const struct pt_item *)items + *(const uint32_t *)b;

	if (x->can != y->can)
		return x->can < y->can ? -1 : 1;
	if (x->local != y->local)
		return x->local < y->local ? -1 : 1;
	return x->near == y->near ? 0 : x->near < y->near ? -1 : 1;
}

static void make_buckets(struct solver *s)
{
	pt_autofree uint32_t *order = pt_alloc((s->n_items + 1) * sizeof(*order));

	for (size_t i = 0; i < s->n_items; i++)
		order[i] = (uint32_t)i;
	if (s->n_items)
		qsort_r(order, s->n_items, sizeof(*order), by_masks, s->items);
	for (size_t i = 0; i < s->n_items; i++) {
		const struct pt_item *it = &s->items[order[i]];

		if (i == 0 || by_masks(&order[i - 1], &order[i], s->items) != 0)
			s->buckets[s->n_buckets++] = (struct pt_bucket){ it->can, it->local, it->near, 0 };
		s->bucket_of[order[i]] = (uint32_t)(s->n_buckets - 1);
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x == y ? 0 : x < y ? -1 : 1;
}

/* families alike in what they offer compare equal, and then go by number */
static int by_offer(const struct family *x, const struct family *y, const uint32_t *bucket_of)
{
	int c = by_number(&bucket_of[x->pf], &bucket_of[y->pf]);

	if (!c)
		c = by_number(&x->n_vfs, &y->n_vfs);
	return c ? c : memcmp(x->vfs, y->vfs, x->n_vfs * sizeof(*x->vfs));
}

static int by_offer_then_number(const void *a, const void *b, void *bucket_of)
{
	const struct family *x = *(struct family *const *)a;
	const struct family *y = *(struct family *const *)b;
	int c = by_offer(x, y, bucket_of);

	return c ? c : by_number(&x->number, &y->number);
}

static void make_families(struct solver *s, uint32_t *vfs)
{
	size_t n = s->p->n_families;

	for (size_t f = 0; f < n; f++)
		s->families[f] = (struct family){ .pf = -1, .number = (uint32_t)f };
	for (size_t i = 0; i < s->n_items; i++) {
		if (s->items[i].pf)
			s->families[s->items[i].family].pf = (int64_t)i;
		else
			s->families[s->items[i].family].n_vfs++;
	}
	for (size_t f = 0; f < n; f++) {
		s->families[f].vfs = vfs;
		vfs += s->families[f].n_vfs;
		s->families[f].n_vfs = 0;
	}
	for (size_t i = 0; i < s->n_items; i++) {
		struct family *f = &s->families[s->items[i].family];

		if (!s->items[i].pf)
			f->vfs[f->n_vfs++] = s->bucket_of[i];
	}
	for (size_t f = 0; f < n; f++) {
		if (s->families[f].n_vfs > 1)
			qsort(s->families[f].vfs, s->families[f].n_vfs, sizeof(*vfs), by_number);
		if (s->families[f].pf >= 0 && s->families[f].n_vfs)
			s->conflicts[s->n_conflicts++] = &s->families[f];
	}
}

static void make_groups(struct solver *s)
{
	if (s->n_conflicts > 1)
		qsort_r(s->conflicts, s->n_conflicts, sizeof(struct family *), by_offer_then_number, s->bucket_of);
	for (size_t i = 0; i < s->n_conflicts; i++) {
		if (i == 0 || by_offer(s->conflicts[i - 1], s->conflicts[i], s->bucket_of) != 0)
			s->groups[s->n_groups++] = (struct group){ .first = i };
		s->groups[s->n_groups - 1].n++;
	}
}

/* devices that no choice takes away */
static void count_base(struct solver *s)
{
	for (size_t i = 0; i < s->n_items; i++) {
		const struct family *f = &s->families[s->items[i].family];

		if (f->pf < 0 || !f->n_vfs)
			s->base[s->bucket_of[i]]++;
	}
}

/* how many devices each bucket has when groups before @decided are decided and the others still offer everything */
static void fill(struct solver *s, size_t decided)
{
	for (size_t b = 0; b < s->n_buckets; b++)
		s->buckets[b].cap = s->base[b];
	for (size_t g = 0; g < s->n_groups; g++) {
		const struct group *group = &s->groups[g];
		const struct family *f = s->conflicts[group->first];
		size_t whole = g < decided ? group->whole : group->n;
		size_t split = g < decided ? group->n - group->whole : group->n;

		s->buckets[s->bucket_of[f->pf]].cap += (uint32_t)whole;
		for (size_t v = 0; v < f->n_vfs; v++)
			s->buckets[f->vfs[v]].cap += (uint32_t)split;
	}
}

static void keep_best(struct solver *s, uint64_t cost)
{
	s->found = true;
	s->best_cost = cost;
	memcpy(s->best_flow, s->flow, s->n_buckets * s->p->n_demands * sizeof(*s->flow));
	for (size_t g = 0; g < s->n_groups; g++)
		s->groups[g].best = s->groups[g].whole;
}

/* the first group first; each level tries the smallest number of whole PFs first, so that PFs stay divisible */
static void decide(struct solver *s, size_t g)
{
	uint64_t cost;
	int r;

	if (s->bounded || ++s->flows > s->flows_max) {
		s->bounded = true;
		return;
	}
	fill(s, g);
	r = pt_flow(s->buckets, s->n_buckets, s->p->demands, s->p->n_demands, s->flow, &cost, &s->steps);
	if (r == -ETIME)
		s->bounded = true;
	/* only the number of remote devices is worth a further search; nearness is settled within one flow */
	if (r != 1 || (s->found && cost / PT_COST_REMOTE >= s->best_cost / PT_COST_REMOTE))
		return;
	if (g == s->n_groups) {
		keep_best(s, cost);
		return;
	}
	for (size_t k = 0; k <= s->groups[g].n && k <= s->whole_max && !s->bounded; k++) {
		s->groups[g].whole = k;
		decide(s, g + 1);
		if (s->found && s->best_cost < PT_COST_REMOTE)
			break;
	}
}

/* what the flow takes of a bucket */
static uint32_t used_of(const struct solver *s, size_t b)
{
	uint32_t used = 0;

	for (size_t d = 0; d < s->p->n_demands; d++)
		used += s->flow[d * s->n_buckets + b];
	return used;
}

static void fill_between(struct solver *s)
{
	for (size_t b = 0; b < s->n_buckets; b++)
		s->buckets[b].cap = s->base[b];
	for (size_t g = 0; g < s->n_groups; g++) {
		const struct group *group = &s->groups[g];
		const struct family *f = s->conflicts[group->first];

		s->buckets[s->bucket_of[f->pf]].cap += (uint32_t)group->high;
		for (size_t v = 0; v < f->n_vfs; v++)
			s->buckets[f->vfs[v]].cap += (uint32_t)(group->n - group->low);
	}
}

/* VFs of a group that the flow takes from, in all or only from buckets that are short of them */
static size_t pressure(const struct solver *s, const struct group *group, const uint32_t *used, bool only_short)
{
	const struct family *f = s->conflicts[group->first];
	size_t n = 0;

	for (size_t v = 0; v < f->n_vfs; v++)
		n += used[f->vfs[v]] > (only_short ? s->buckets[f->vfs[v]].cap : 0);
	return n;
}

/* as many whole PFs as the flow takes, from the groups whose VFs it needs least */
static void settle(struct solver *s, const uint32_t *used)
{
	for (size_t g = 0; g < s->n_groups; g++)
		s->groups[g].whole = s->groups[g].low;
	for (size_t g = 0; g < s->n_groups; g++) {
		uint32_t b = s->bucket_of[s->conflicts[s->groups[g].first]->pf];
		size_t have = s->base[b];

		for (size_t o = 0; o < s->n_groups; o++)
			have += s->bucket_of[s->conflicts[s->groups[o].first]->pf] == b ? s->groups[o].whole : 0;
		while (have < used[b]) {
			struct group *best = NULL;

			for (size_t o = 0; o < s->n_groups; o++) {
				struct group *other = &s->groups[o];

				if (s->bucket_of[s->conflicts[other->first]->pf] == b && other->whole < other->high &&
				    (!best || pressure(s, other, used, false) < pressure(s, best, used, false)))
					best = other;
			}
			if (!best)
				return;
			best->whole++;
			have++;
		}
	}
}

/* the group that stands most in its own way: taken whole while its VFs are short */
static struct group *to_branch(const struct solver *s, const uint32_t *used)
{
	struct group *best = NULL;
	size_t most = 0;

	for (size_t g = 0; g < s->n_groups; g++) {
		struct group *group = &s->groups[g];
		size_t n = group->low < group->high ? 1 : 0;

		if (n && group->whole)
			n += 1 + pressure(s, group, used, true) * 2;
		if (n > most) {
			most = n;
			best = group;
		}
	}
	return best;
}

static bool flows(struct solver *s, uint64_t *ret_cost)
{
	int r;

	if (s->bounded || ++s->flows > s->flows_max) {
		s->bounded = true;
		return false;
	}
	r = pt_flow(s->buckets, s->n_buckets, s->p->demands, s->p->n_demands, s->flow, ret_cost, &s->steps);
	s->bounded = r == -ETIME;
	return r == 1 && (!s->found || *ret_cost / PT_COST_REMOTE < s->best_cost / PT_COST_REMOTE);
}

/* each call either ends, or halves what one group may do; so it is never deeper than groups and their sizes allow */
static void branch(struct solver *s)
{
	pt_autofree uint32_t *used = pt_alloc((s->n_buckets + 1) * sizeof(*used));
	struct group *g;
	uint64_t exact;
	uint64_t bound;
	bool up; /* first where the flow points */
	size_t low;
	size_t high;
	size_t at;

	fill_between(s);
	if (!flows(s, &bound))
		return;
	for (size_t b = 0; b < s->n_buckets; b++)
		used[b] = used_of(s, b);
	settle(s, used);
	fill(s, s->n_groups);
	g = to_branch(s, used);
	if (flows(s, &exact)) {
		keep_best(s, exact);
		if (exact / PT_COST_REMOTE == bound / PT_COST_REMOTE)
			return;
	}
	if (!g || s->bounded)
		return;
	low = g->low;
	high = g->high;
	up = g->whole > low;
	at = up ? g->whole : low + 1;
	for (int side = 0; side < 2; side++) {
		bool upper = (side == 0) == up;

		g->low = upper ? at : low;
		g->high = upper ? high : at - 1;
		branch(s);
		g->low = low;
		g->high = high;
	}
}

static void decide_all(struct solver *s)
{
	s->flows_max = FLOWS_FIRST;
	decide(s, 0);
	if (!s->bounded || !s->steps || s->n_groups == 0)
		return;
	s->bounded = false;
	s->flows = 0;
	s->flows_max = FLOWS_MAX;
	for (size_t g = 0; g < s->n_groups; g++) {
		s->groups[g].low = 0;
		s->groups[g].high = s->groups[g].n < s->whole_max ? s->groups[g].n : s->whole_max;
	}
	branch(s);
}

/* of a group the last families are given whole, so that VFs come from the first */
static void mark_whole(struct solver *s)
{
	for (size_t g = 0; g < s->n_groups; g++)
		for (size_t i = 0; i < s->groups[g].best; i++)
			s->conflicts[s->groups[g].first + s->groups[g].n - 1 - i]->whole = true;
}

static bool is_offered(const struct solver *s, size_t i)
{
	const struct family *f = &s->families[s->items[i].family];

	if (f->pf < 0 || !f->n_vfs)
		return true;
	return s->items[i].pf == f->whole;
}

static void hand_out(struct solver *s, int8_t *given)
{
	mark_whole(s);
	for (size_t i = 0; i < s->n_items; i++) {
		size_t b = s->bucket_of[i];

		if (!is_offered(s, i))
			continue;
		for (size_t d = 0; d < s->p->n_demands; d++) {
			if (s->best_flow[d * s->n_buckets + b]) {
				s->best_flow[d * s->n_buckets + b]--;
				given[i] = (int8_t)d;
				break;
			}
		}
	}
}

/* the most whole PFs that demands could use */
static size_t whole_max(const struct solver *s)
{
	uint64_t can = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n_items; i++)
		can |= s->items[i].pf ? s->items[i].can : 0;
	for (size_t d = 0; d < s->p->n_demands; d++)
		n += can >> d & 1 ? s->p->demands[d] : 0;
	return n;
}

static void search(struct solver *s, int8_t *given)
{
	size_t cells = (s->n_items + 1) * (s->p->n_demands + 1);
	pt_autofree uint32_t *bucket_of = pt_alloc((s->n_items + 1) * sizeof(*bucket_of));
	pt_autofree struct pt_bucket *buckets = pt_alloc((s->n_items + 1) * sizeof(*buckets));
	pt_autofree uint32_t *base = pt_alloc((s->n_items + 1) * sizeof(*base));
	pt_autofree uint32_t *vfs = pt_alloc((s->n_items + 1) * sizeof(*vfs));
	pt_autofree struct family *families = pt_alloc((s->p->n_families + 1) * sizeof(*families));
	pt_autofree struct family **conflicts = pt_alloc((s->p->n_families + 1) * sizeof(struct family *));
	pt_autofree struct group *groups = pt_alloc((s->p->n_families + 1) * sizeof(*groups));
	pt_autofree uint32_t *flow = pt_alloc(cells * sizeof(*flow));
	pt_autofree uint32_t *best_flow = pt_alloc(cells * sizeof(*best_flow));

	s->bucket_of = bucket_of;
	s->buckets = buckets;
	s->base = base;
	s->families = families;
	s->conflicts = conflicts;
	s->groups = groups;
	s->flow = flow;
	s->best_flow = best_flow;
	make_buckets(s);
	make_families(s, vfs);
	make_groups(s);
	count_base(s);
	s->whole_max = whole_max(s);
	decide_all(s);
	if (s->found)
		hand_out(s, given);
}

/* isolate: a family is one device to the search; which of its devices is decided by the demand it got */
static size_t merge_families(const struct pt_problem *p, struct pt_item *merged)
{
	pt_autofree uint32_t *at = pt_alloc((p->n_families + 1) * sizeof(*at));
	size_t n = 0;

	for (size_t i = 0; i < p->n_items; i++) {
		const struct pt_item *it = &p->items[i];
		struct pt_item *m;

		if (!at[it->family]) {
			merged[n] = (struct pt_item){ .family = it->family };
			at[it->family] = (uint32_t)++n;
		}
		m = &merged[at[it->family] - 1];
		m->can |= it->can;
		m->local |= it->can & it->local;
		m->near |= it->can & it->near;
	}
	return n;
}

static unsigned distance(const struct pt_item *it, unsigned demand)
{
	return it->local >> demand & 1 ? 0 : it->near >> demand & 1 ? 1 : 2;
}

static void unmerge(const struct pt_problem *p, const struct pt_item *merged, const int8_t *of, size_t n, int8_t *given)
{
	pt_autofree int64_t *best = pt_alloc((p->n_families + 1) * sizeof(*best));
	pt_autofree int8_t *demand = pt_alloc(p->n_families + 1);

	for (size_t f = 0; f < p->n_families; f++) {
		best[f] = -1;
		demand[f] = -1;
	}
	for (size_t m = 0; m < n; m++)
		demand[merged[m].family] = of[m];
	for (size_t i = 0; i < p->n_items; i++) {
		const struct pt_item *it = &p->items[i];
		int8_t d = demand[it->family];
		int64_t *b = &best[it->family];

		if (d < 0 || !(it->can >> d & 1))
			continue;
		if (*b < 0 || distance(it, (unsigned)d) < distance(&p->items[*b], (unsigned)d))
			*b = (int64_t)i;
	}
	for (size_t f = 0; f < p->n_families; f++)
		if (best[f] >= 0)
			given[best[f]] = demand[f];
}

/* laying a problem out is work, too */
static void set_limit(struct solver *s)
{
	uint64_t work = (uint64_t)(s->p->n_items + s->p->n_families) * 16;

	s->limit = s->p->steps && *s->p->steps < STEPS_MAX ? *s->p->steps : STEPS_MAX;
	s->steps = s->limit > work ? s->limit - work : 0;
}

void pt_solve(const struct pt_problem *problem, struct pt_solution *ret_solution)
{
	pt_autofree struct pt_item *items = pt_alloc((problem->n_items + 1) * sizeof(*items));
	pt_autofree int8_t *given = pt_alloc(problem->n_items + 1);
	pt_autofree int8_t *of = pt_alloc(problem->n_items + 1);
	struct solver s = { .p = problem, .items = items, .n_items = problem->n_items };

	set_limit(&s);
	memset(given, -1, problem->n_items + 1);
	memset(of, -1, problem->n_items + 1);
	if (problem->isolate) {
		s.n_items = merge_families(problem, items);
		search(&s, of);
		if (s.found)
			unmerge(problem, items, of, s.n_items, given);
	} else {
		memcpy(items, problem->items, problem->n_items * sizeof(*items));
		search(&s, given);
	}
	if (problem->steps)
		*problem->steps -= s.limit - s.steps;
	*ret_solution = (struct pt_solution){ .found = s.found, .bounded = s.bounded, .cost = s.best_cost };
	ret_solution->given = pt_take_ptr(given);
}

void pt_solution_done(struct pt_solution *s)
{
	free(s->given);
	*s = (struct pt_solution){ 0 };
}
