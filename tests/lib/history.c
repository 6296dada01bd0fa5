/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define NEVER LLONG_MAX

/* a claim with its release, if there was one */
struct hold {
	const struct history_op *claim;
	const struct history_op *release;
};

struct holds {
	PT_ARRAY(struct hold) all;
};

static int by_id(const void *a, const void *b)
{
	const struct history_op *x = a;
	const struct history_op *y = b;
	int c = strcmp(x->id, y->id);

	return c ? c : (int)x->kind - (int)y->kind;
}

static int by_end_of_claim(const void *a, const void *b)
{
	const struct hold *x = a;
	const struct hold *y = b;

	return x->claim->end < y->claim->end ? -1 : x->claim->end > y->claim->end;
}

/* every release has its claim, and found it */
static char *pair(const struct history_op *ops, size_t n, struct holds *h)
{
	for (size_t i = 0; i < n; i++) {
		const struct history_op *o = &ops[i];
		const struct history_op *next = i + 1 < n && strcmp(ops[i + 1].id, o->id) == 0 ? &ops[i + 1] : NULL;

		if (o->kind == HISTORY_CLAIM && !o->done) {
			if (next)
				return pt_strf("%s was refused and is used again", o->id);
			continue;
		}
		if (o->kind == HISTORY_RELEASE)
			return pt_strf("%s was released more than once, or never claimed", o->id);
		if (next && next->kind == HISTORY_CLAIM)
			return pt_strf("%s was claimed twice", o->id);
		if (next && !next->done)
			return pt_strf("%s was acknowledged, and is lost: there is nothing to release", o->id);
		if ((unsigned)__builtin_popcount(o->devices) != o->wanted)
			return pt_strf("%s has %d devices, where %u were wanted", o->id, __builtin_popcount(o->devices),
				       o->wanted);
		pt_array_push(&h->all, ((struct hold){ o, next }));
		i += next != NULL;
	}
	return NULL;
}

/*
 * A release begins after its claim has ended.  So of two that hold the same device the one whose claim ended first
 * came first: each in that order takes it as early as it can, and must be able to before its claim ends.
 */
static char *check_device(const struct holds *h, unsigned host, unsigned device)
{
	const struct hold *before = NULL;
	long long free_at = LLONG_MIN;

	for (size_t i = 0; i < h->all.n; i++) {
		const struct hold *one = &h->all.v[i];
		long long at;

		if (one->claim->host != host || !(one->claim->devices & 1U << device))
			continue;
		at = free_at > one->claim->start ? free_at : one->claim->start;
		if (at > one->claim->end)
			return pt_strf("device %u of host %u has two owners: %s still had it when %s got it", device,
				       host, before->claim->id, one->claim->id);
		free_at = !one->release ? NEVER : at > one->release->start ? at : one->release->start;
		before = one;
	}
	return NULL;
}

/* may somebody have held it at some moment from @start to @end? */
static bool may_be_held(const struct holds *h, unsigned host, unsigned device, long long start, long long end)
{
	for (size_t i = 0; i < h->all.n; i++) {
		const struct hold *one = &h->all.v[i];

		if (one->claim->host == host && (one->claim->devices & 1U << device) && one->claim->start <= end &&
		    (!one->release || one->release->end >= start))
			return true;
	}
	return false;
}

/* a "no" while some host had room all the time */
static char *check_no(const struct holds *h, const struct history_op *o, unsigned hosts, unsigned devices)
{
	for (unsigned host = 0; host < hosts; host++) {
		unsigned room = 0;

		for (unsigned d = 0; d < devices; d++)
			room += !may_be_held(h, host, d, o->start, o->end);
		if (room >= o->wanted)
			return pt_strf("%s wanted %u and was refused, while host %u had %u free all the time", o->id,
				       o->wanted, host, room);
	}
	return NULL;
}

char *history_check(struct history_op *ops, size_t n, unsigned hosts, unsigned devices)
{
	struct holds h = { 0 };
	char *wrong;

	qsort(ops, n, sizeof(*ops), by_id);
	wrong = pair(ops, n, &h);
	if (!wrong && h.all.n)
		qsort(h.all.v, h.all.n, sizeof(*h.all.v), by_end_of_claim);
	for (unsigned host = 0; host < hosts && !wrong; host++)
		for (unsigned d = 0; d < devices && !wrong; d++)
			wrong = check_device(&h, host, d);
	for (size_t i = 0; i < n && !wrong; i++)
		if (ops[i].kind == HISTORY_CLAIM && !ops[i].done && !ops[i].limited && ops[i].wanted)
			wrong = check_no(&h, &ops[i], hosts, devices);
	free(h.all.v);
	return wrong;
}

/* what is surely had from @at on, or surely no more */
struct step {
	long long at;
	int devices;
};

static int by_time(const void *a, const void *b)
{
	const struct step *x = a;
	const struct step *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->devices - y->devices;
}

static char *check_most(const struct holds *h, unsigned limit)
{
	PT_ARRAY(struct step) steps = { 0 };
	char *wrong = NULL;
	int had = 0;

	for (size_t i = 0; i < h->all.n; i++) {
		const struct hold *one = &h->all.v[i];

		if (!one->claim->project)
			continue;
		pt_array_push(&steps, ((struct step){ one->claim->end, (int)one->claim->wanted }));
		/* a release may have worked at once */
		if (one->release)
			pt_array_push(&steps, ((struct step){ one->release->start, -(int)one->claim->wanted }));
	}
	if (steps.n)
		qsort(steps.v, steps.n, sizeof(*steps.v), by_time);
	for (size_t i = 0; i < steps.n && !wrong; i++) {
		had += steps.v[i].devices;
		if (had > (int)limit)
			wrong = pt_strf("the project has %d devices, and may have %u", had, limit);
	}
	free(steps.v);
	return wrong;
}

/* may it have had so much, at some moment of that call? */
static char *check_limited(const struct holds *h, const struct history_op *o, unsigned limit)
{
	unsigned may_have = 0;

	for (size_t i = 0; i < h->all.n; i++) {
		const struct hold *one = &h->all.v[i];

		if (one->claim->project && one->claim->start <= o->end &&
		    (!one->release || one->release->end >= o->start))
			may_have += one->claim->wanted;
	}
	if (may_have + o->wanted > limit)
		return NULL;
	return pt_strf("%s wanted %u and was refused by the limit of %u, of which %u were used at most", o->id,
		       o->wanted, limit, may_have);
}

char *history_check_limit(struct history_op *ops, size_t n, unsigned limit)
{
	struct holds h = { 0 };
	char *wrong;

	qsort(ops, n, sizeof(*ops), by_id);
	wrong = pair(ops, n, &h);
	if (!wrong)
		wrong = check_most(&h, limit);
	for (size_t i = 0; i < n && !wrong; i++)
		if (ops[i].limited)
			wrong = check_limited(&h, &ops[i], limit);
	free(h.all.v);
	return wrong;
}
