/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Successive cheapest paths: each round finds, from all demands not yet served at once, the cheapest way to a bucket
 * with something left, over edges that may take devices away from another demand which then finds its own.  With costs
 * this keeps the flow the cheapest of its size, so the last one is the cheapest of all that serve everybody.
 */
#include "decide/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define FAR INT64_MAX

struct search {
	const struct pt_bucket *buckets;
	size_t n_buckets;
	size_t n_demands;
	uint32_t *flow;
	uint32_t *left; /* of each demand */
	uint32_t *free; /* of each bucket */
	int64_t *dist;	/* of demands, then buckets */
	uint32_t *from;
	uint32_t *queue;
	bool *queued;
	size_t head;
	size_t length;
	uint64_t *budget;
};

static int64_t cost(const struct pt_bucket *b, size_t demand)
{
	uint64_t bit = (uint64_t)1 << demand;

	if (b->local & bit)
		return 0;
	return b->near & bit ? 1 : (int64_t)PT_COST_REMOTE;
}

static void push(struct search *s, size_t node)
{
	size_t n = s->n_demands + s->n_buckets;

	assert(node < n);
	if (s->queued[node])
		return;
	s->queued[node] = true;
	s->queue[(s->head + s->length++) % n] = (uint32_t)node;
}

static size_t pop(struct search *s)
{
	size_t node = s->queue[s->head];

	s->head = (s->head + 1) % (s->n_demands + s->n_buckets);
	s->length--;
	s->queued[node] = false;
	return node;
}

static void relax(struct search *s, size_t from, size_t to, int64_t dist)
{
	if (dist >= s->dist[to])
		return;
	s->dist[to] = dist;
	s->from[to] = (uint32_t)from;
	push(s, to);
}

static void visit(struct search *s, size_t node)
{
	if (node < s->n_demands) {
		for (size_t b = 0; b < s->n_buckets; b++)
			if (s->buckets[b].can >> node & 1)
				relax(s, node, s->n_demands + b, s->dist[node] + cost(&s->buckets[b], node));
	} else {
		size_t b = node - s->n_demands;

		for (size_t d = 0; d < s->n_demands; d++)
			if (s->flow[d * s->n_buckets + b])
				relax(s, node, d, s->dist[node] - cost(&s->buckets[b], d));
	}
}

/* the cheapest bucket with something left that can be reached; -ENOENT when none can, -ETIME */
static int64_t find_path(struct search *s)
{
	size_t n = s->n_demands + s->n_buckets;
	int64_t best = -ENOENT;

	for (size_t i = 0; i < n; i++)
		s->dist[i] = FAR;
	for (size_t d = 0; d < s->n_demands; d++) {
		if (s->left[d]) {
			s->dist[d] = 0;
			s->from[d] = UINT32_MAX;
			push(s, d);
		}
	}
	while (s->length) {
		size_t node = pop(s);
		size_t work = node < s->n_demands ? s->n_buckets : s->n_demands;

		if (*s->budget < work)
			return -ETIME;
		*s->budget -= work;
		visit(s, node);
	}
	for (size_t b = 0; b < s->n_buckets; b++) {
		int64_t dist = s->dist[s->n_demands + b];

		if (s->free[b] && dist < FAR && (best < 0 || dist < s->dist[s->n_demands + (size_t)best]))
			best = (int64_t)b;
	}
	return best;
}

/* walk the path backwards: first what it can carry, then carry it */
static void augment(struct search *s, size_t bucket)
{
	uint32_t amount = s->free[bucket];
	size_t b = bucket;
	size_t d = s->from[s->n_demands + b];

	while (s->from[d] != UINT32_MAX) {
		uint32_t back = s->flow[d * s->n_buckets + (s->from[d] - s->n_demands)];

		amount = back < amount ? back : amount;
		d = s->from[s->from[d]];
	}
	amount = s->left[d] < amount ? s->left[d] : amount;
	s->free[bucket] -= amount;
	s->left[d] -= amount;
	for (d = s->from[s->n_demands + b];; d = s->from[s->n_demands + b]) {
		s->flow[d * s->n_buckets + b] += amount;
		if (s->from[d] == UINT32_MAX)
			return;
		b = s->from[d] - s->n_demands;
		s->flow[d * s->n_buckets + b] -= amount;
	}
}

static int run(struct search *s)
{
	for (;;) {
		int64_t bucket;
		size_t d = 0;

		while (d < s->n_demands && !s->left[d])
			d++;
		if (d == s->n_demands)
			return 1;
		bucket = find_path(s);
		if (bucket < 0)
			return bucket == -ETIME ? -ETIME : 0;
		augment(s, (size_t)bucket);
	}
}

int pt_flow(const struct pt_bucket *buckets, size_t n_buckets, const uint32_t *demands, size_t n_demands,
	    uint32_t *flow, uint64_t *ret_cost, uint64_t *budget)
{
	size_t n = n_buckets + n_demands + 1;
	pt_autofree uint32_t *left = pt_alloc(n * sizeof(*left));
	pt_autofree uint32_t *free_of = pt_alloc(n * sizeof(*free_of));
	pt_autofree int64_t *dist = pt_alloc(n * sizeof(*dist));
	pt_autofree uint32_t *from = pt_alloc(n * sizeof(*from));
	pt_autofree uint32_t *queue = pt_alloc(n * sizeof(*queue));
	pt_autofree bool *queued = pt_alloc(n * sizeof(*queued));
	struct search s = {
		buckets, n_buckets, n_demands, flow, left, free_of, dist, from, queue, queued, 0, 0, budget
	};
	uint64_t total = 0;
	int r;

	memset(flow, 0, n_demands * n_buckets * sizeof(*flow));
	memcpy(left, demands, n_demands * sizeof(*left));
	for (size_t b = 0; b < n_buckets; b++)
		free_of[b] = buckets[b].cap;
	r = run(&s);
	for (size_t d = 0; r == 1 && d < n_demands; d++)
		for (size_t b = 0; b < n_buckets; b++)
			total += flow[d * n_buckets + b] * (uint64_t)cost(&buckets[b], d);
	if (r == 1)
		*ret_cost = total;
	return r;
}
