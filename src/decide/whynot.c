/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of a no: which part of the request, at which stage, how many were asked and how many there are. */
#include "decide/whynot.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/demand.h"
#include "decide/numa.h"

/* how many devices get past each stage for one ask; the last is those that NUMA lets pass */
struct funnel {
	uint32_t left[PT_STAGE_NUMA + 1];
	uint32_t usable_free; /* match and are free */
	uint32_t unknown_node;
};

static void fill_funnel(const struct pt_field *f, const struct pt_ask *ask, const int *ids, size_t n_ids,
			struct funnel *out)
{
	const struct pt_inv_host *host = f->view->host;

	*out = (struct funnel){ 0 };
	for (size_t i = 0; i < host->n; i++) {
		enum pt_stage stage = pt_view_stage(f->view, i, ask);

		for (int s = 0; s < (int)stage; s++)
			out->left[s]++;
		if (stage > PT_STAGE_SPEC && pt_view_is_free(f->view, i))
			out->usable_free++;
		if (stage < PT_STAGE_OK)
			continue;
		if (pt_numa_distance(host, ask->policy, ids, n_ids, f->view->node[i]) != PT_TOO_FAR)
			out->left[PT_STAGE_NUMA]++;
		else if (f->view->node[i] == PT_NOT_GIVEN)
			out->unknown_node++;
	}
}

static char *name_of(const struct pt_ask *ask, size_t i)
{
	return ask->network ? pt_strf("network %s", ask->network)
	       : ask->alias ? pt_strf("alias %s", ask->alias)
			    : pt_strf("request %zu", i);
}

static char *cells_text(const int *ids, size_t n)
{
	struct pt_buf b = { 0 };

	for (size_t i = 0; i < n; i++)
		pt_buf_addf(&b, "%s%d", i ? ", " : "", ids[i]);
	return pt_buf_take(&b);
}

static char *numa_text(const struct pt_ask *ask, const struct funnel *u, const int *ids, size_t n_ids)
{
	pt_autofree char *cells = cells_text(ids, n_ids);
	uint32_t elsewhere = u->left[PT_STAGE_IN_USE] - u->left[PT_STAGE_NUMA] - u->unknown_node;
	struct pt_buf b = { 0 };

	pt_buf_addf(&b, "%u near enough to the guest's host cell%s %s with numa_policy=%s", u->left[PT_STAGE_NUMA],
		    n_ids == 1 ? "" : "s", cells, pt_numa_policy_str(ask->policy));
	if (elsewhere)
		pt_buf_addf(&b, ", %u on other cells", elsewhere);
	if (u->unknown_node)
		pt_buf_addf(&b, ", %u on a cell that is not known", u->unknown_node);
	return pt_buf_take(&b);
}

/* none of its devices is on it */
static char *no_network(const struct pt_inv_host *host, const struct pt_ask *ask)
{
	const struct pt_inv_network *n = pt_inv_host_network(host, ask->network);

	if (!n)
		return pt_strf("its configuration has no [network %s]", ask->network);
	return pt_strf("no virtual function that device_spec offers is on %s",
		       n->physical_network ? n->physical_network : "a network card");
}

static char *stage_text(enum pt_stage stage, const struct pt_inv_host *host, const struct pt_ask *ask,
			const struct funnel *u, const int *ids, size_t n_ids)
{
	switch (stage) {
	case PT_STAGE_SPEC:
		if (ask->network && !u->left[PT_STAGE_SPEC])
			return no_network(host, ask);
		return u->left[PT_STAGE_SPEC]
			       ? pt_strf("%u match, %u of them free", u->left[PT_STAGE_SPEC], u->usable_free)
			       : pt_strdup("no device that device_spec offers matches");
	case PT_STAGE_PF:
		return pt_strf("%u are left without the PFs, which device_type=type-PF asks for", u->left[stage]);
	case PT_STAGE_VDPA:
		return pt_strf("%u are left without the vdpa devices", u->left[stage]);
	case PT_STAGE_REMOTE_MANAGED:
		return pt_strf("%u are left without those that are remote_managed", u->left[stage]);
	case PT_STAGE_PLACEMENT:
		return pt_strf("%u are in the resource providers asked for, or have their class and traits",
			       u->left[stage]);
	case PT_STAGE_IN_USE:
		return pt_strf("%u match, %u of them free", u->left[PT_STAGE_PLACEMENT], u->left[stage]);
	case PT_STAGE_NUMA:
		break;
	}
	return numa_text(ask, u, ids, n_ids);
}

/* 1 when an ask fails by itself */
static int alone(const struct pt_field *f, size_t i, const int *ids, size_t n_ids, struct pt_host_answer *a)
{
	const struct pt_ask *ask = &f->request->asks.v[i];
	struct funnel u;
	int stage = PT_STAGE_SPEC;

	if (!ask->count)
		return 0;
	fill_funnel(f, ask, ids, n_ids, &u);
	while (stage <= PT_STAGE_NUMA && u.left[stage] >= ask->count)
		stage++;
	if (stage > PT_STAGE_NUMA)
		return 0;
	a->stage = pt_stage_str((enum pt_stage)stage);
	a->request = i;
	a->asked = ask->count;
	a->found = stage == PT_STAGE_SPEC ? u.usable_free : u.left[stage];
	pt_strset(&a->alias, ask->alias);
	{
		pt_autofree char *name = name_of(ask, i);
		pt_autofree char *what = stage_text((enum pt_stage)stage, f->view->host, ask, &u, ids, n_ids);

		a->message = pt_strf("%s asks for %u; host %s: %s", name, ask->count, a->host, what);
	}
	return 1;
}

/* can the asks before @i have all they want, and ask @i have @count */
static bool solves(const struct pt_field *f, struct pt_problem *p, size_t i, uint32_t count, bool *bounded)
{
	PT_AUTO(pt_solution) s = { 0 };

	for (size_t d = 0; d < p->n_demands; d++)
		p->demands[d] = 0;
	for (size_t k = 0; k < f->demands->parts.n; k++) {
		const struct pt_part *part = &f->demands->parts.v[k];
		uint32_t n = part->ask < i ? part->count : 0;

		if (part->ask == i) {
			n = part->count < count ? part->count : count;
			count -= n;
		}
		p->demands[part->demand] += n;
	}
	pt_solve(p, &s);
	*bounded = *bounded || s.bounded;
	return s.found;
}

/* the first ask that does not find room beside those before it */
static size_t first_failing(const struct pt_field *f, struct pt_problem *p, bool *bounded)
{
	size_t low = 0;
	size_t high = f->request->asks.n - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (solves(f, p, middle, UINT32_MAX, bounded))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void together(const struct pt_field *f, const int *ids, size_t n_ids, struct pt_host_answer *a)
{
	pt_autofree struct pt_item *items = pt_alloc((f->n + 1) * sizeof(*items));
	pt_autofree char *name = NULL;
	const struct pt_ask *ask;
	uint64_t steps = PT_STEPS_HOST / 4;
	struct pt_problem p;
	uint32_t low = 0;
	uint32_t high;
	size_t i;

	pt_field_problem(f, ids, n_ids, items, &p);
	p.steps = &steps;
	i = first_failing(f, &p, &a->bounded);
	ask = &f->request->asks.v[i];
	high = ask->count < f->n ? ask->count : (uint32_t)f->n;
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (solves(f, &p, i, middle, &a->bounded))
			low = middle;
		else
			high = middle - 1;
	}
	a->stage = "together";
	a->request = i;
	a->asked = ask->count;
	a->found = low;
	pt_strset(&a->alias, ask->alias);
	name = name_of(ask, i);
	a->message =
		pt_strf("%s asks for %u; host %s: %u are left beside the rest of the request%s%s", name, ask->count,
			a->host, low,
			f->request->isolate ? ", one device of each resource provider"
					    : " (a PF is given whole or by its VFs, not both)",
			a->bounded ? "; the search was cut off, so this is what was found, not what there is" : "");
}

/* would it fit if no NUMA policy stood in the way */
static bool fits_anywhere(const struct pt_field *f)
{
	pt_autofree struct pt_item *items = pt_alloc((f->n + 1) * sizeof(*items));
	PT_AUTO(pt_solution) s = { 0 };
	struct pt_problem p;

	pt_field_problem(f, NULL, 0, items, &p);
	pt_solve(&p, &s);
	return s.found;
}

void pt_whynot(const struct pt_field *f, const int *ids, size_t n_ids, struct pt_host_answer *answer)
{
	size_t i = 0;

	while (i < f->request->asks.n && !alone(f, i, ids, n_ids, answer))
		i++;
	if (i == f->request->asks.n)
		together(f, ids, n_ids, answer);
	answer->would_prefer = n_ids > 0 && fits_anywhere(f);
}

/* hosts that say no for the same reason */
struct heap {
	const struct pt_host_answer *first;
	size_t hosts;
};

static bool same_reason(const struct pt_host_answer *a, const struct pt_host_answer *b)
{
	return a->request == b->request && a->found == b->found && pt_streq(a->stage, b->stage);
}

static const char *stage_words(const char *stage)
{
	if (pt_streq(stage, "numa"))
		return " near enough to the guest's NUMA cells";
	if (pt_streq(stage, "together"))
		return " beside the rest of the request";
	if (pt_streq(stage, "in-use"))
		return ": the others are in use";
	return "";
}

static void say_heap(const struct heap *h, struct pt_strv *lines)
{
	const struct pt_host_answer *a = h->first;
	const char *hosts = h->hosts == 1 ? "host" : "hosts";
	const char *alias = a->alias ? a->alias : "device";

	if (pt_streq(a->stage, "config") || pt_streq(a->stage, "cells")) {
		pt_strv_addf(lines, "%zu %s: %s", h->hosts, hosts, a->message);
		return;
	}
	if (a->found == 0)
		pt_strv_addf(lines, "%zu %s %s no free %s%s", h->hosts, hosts, h->hosts == 1 ? "has" : "have", alias,
			     stage_words(a->stage));
	else
		pt_strv_addf(lines, "%zu %s %s %u of the %u %s asked for%s", h->hosts, hosts,
			     h->hosts == 1 ? "has" : "have", a->found, a->asked, alias, stage_words(a->stage));
}

static int most_hosts(const void *a, const void *b)
{
	const struct heap *x = a;
	const struct heap *y = b;

	return x->hosts == y->hosts ? 0 : x->hosts > y->hosts ? -1 : 1;
}

void pt_whynot_summary(const struct pt_host_answer *answers, size_t n, struct pt_strv *lines)
{
	PT_ARRAY(struct heap) heaps = { 0 };
	size_t would_prefer = 0;
	size_t fit = 0;

	for (size_t i = 0; i < n; i++) {
		size_t h = 0;

		fit += answers[i].fits;
		if (answers[i].fits)
			continue;
		would_prefer += answers[i].would_prefer;
		while (h < heaps.n && !same_reason(heaps.v[h].first, &answers[i]))
			h++;
		if (h == heaps.n)
			pt_array_add(&heaps)->first = &answers[i];
		heaps.v[h].hosts++;
	}
	pt_strv_addf(lines, "%zu of %zu host%s fit%s", fit, n, n == 1 ? "" : "s", n == 1 && fit == 1 ? "s" : "");
	if (heaps.n > 1)
		qsort(heaps.v, heaps.n, sizeof(*heaps.v), most_hosts);
	for (size_t h = 0; h < heaps.n; h++)
		say_heap(&heaps.v[h], lines);
	if (would_prefer)
		pt_strv_addf(lines, "%zu more would fit with numa_policy=preferred", would_prefer);
	free(heaps.v);
}
