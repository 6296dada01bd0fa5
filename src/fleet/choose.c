/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/choose.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* as placement's weigher counts: more than this is the same */
#define IDLE_MAX 99

/* a host that may do; @weight: less is better */
struct candidate {
	size_t host;
	uint32_t weight;
};

struct candidates {
	PT_ARRAY(struct candidate) l;
	bool whole; /* what the index cannot answer: every host must be asked */
};

static void candidates_done(struct candidates *c)
{
	free(c->l.v);
}

static bool barred(const struct pt_fleet_host *h)
{
	return h->wrong || pt_fleet_is_lost(h);
}

void pt_fleet_ask_host(const struct pt_fleet *f, const struct pt_claim_ask *ask, const struct pt_fleet_host *h,
		       struct pt_host_answer *ret)
{
	if (!barred(h)) {
		pt_place_host(&f->rules.v[h->rules].rules, ask->request, &h->host, ask->how, ret);
		return;
	}
	ret->host = h->name;
	ret->stage = "config";
	ret->message = h->wrong ? pt_strf("%s: %s", h->name, h->wrong)
				: pt_strf("host %s is lost: its agent is not heard of", h->name);
}

/* nothing of it is found there any more; its place stays */
static void leave(struct pt_fleet *f, struct pt_fleet_host *h)
{
	static const struct pt_inv_host nothing;

	if (h->at >= 0)
		(void)pt_index_replace(&f->rules.v[h->in].index, (uint32_t)h->at, &nothing, NULL);
	h->at = -1;
}

static void enter(struct pt_fleet *f, size_t number)
{
	struct pt_fleet_host *h = &f->hosts.v[number];
	struct pt_fleet_rules *rules = &f->rules.v[h->rules];

	if (h->at >= 0 && pt_index_replace(&rules->index, (uint32_t)h->at, &h->host, NULL) < 0) {
		leave(f, h);
		h->apart = true;
		return;
	}
	if (h->at >= 0)
		return;
	h->at = pt_index_add(&rules->index, &h->host, NULL);
	h->in = h->rules;
	h->apart = h->at < 0;
	if (h->at >= 0)
		pt_array_push(&rules->members, (uint32_t)number);
}

/* the indexes as the view is now */
static void refresh(struct pt_fleet *f)
{
	for (size_t i = 0; i < f->rules.n; i++) {
		/* the rules may have moved */
		if (!f->rules.v[i].index.rules)
			pt_index_init(&f->rules.v[i].index, &f->rules.v[i].rules);
		f->rules.v[i].index.rules = &f->rules.v[i].rules;
	}
	for (size_t i = 0; i < f->hosts.n; i++) {
		struct pt_fleet_host *h = &f->hosts.v[i];

		if (!h->stale)
			continue;
		if (h->wrong || h->in != h->rules)
			leave(f, h);
		if (!h->wrong)
			enter(f, i);
		h->stale = false;
	}
}

/* the host cells of the guest, a mask for each host of an index; NULL: it has none */
static uint64_t *cells_of(const struct pt_fleet *f, const struct pt_fleet_rules *rules,
			  const struct pt_request *request)
{
	uint64_t *cells;

	if (!request->everywhere.n && !request->cells.n)
		return NULL;
	cells = pt_alloc((rules->members.n + 1) * sizeof(*cells));
	for (size_t i = 0; i < rules->members.n; i++) {
		const struct pt_chosen_cells *c = pt_request_cells(request, f->hosts.v[rules->members.v[i]].name);

		cells[i] = c ? pt_index_cells(&rules->index, (uint32_t)i, c->ids, c->n) : 0;
	}
	return cells;
}

static uint32_t idle_of(const struct pt_index *x, size_t host)
{
	const struct pt_index_host *h = &x->hosts.v[host];
	uint32_t idle = 0;

	for (size_t i = 0; i < h->n_offered; i++)
		idle += x->pools.v[h->first_pool + i].free;
	return idle < IDLE_MAX ? idle : IDLE_MAX;
}

static void scan(const struct pt_fleet *f, const struct pt_fleet_rules *rules, const struct pt_claim_ask *ask,
		 struct candidates *c)
{
	pt_autofree uint8_t *verdict = pt_alloc(rules->members.n + 1);
	pt_autofree uint64_t *cells = cells_of(f, rules, ask->request);

	if (pt_index_scan(&rules->index, ask->request, cells, verdict) < 0) {
		c->whole = true;
		return;
	}
	for (size_t i = 0; i < rules->members.n; i++) {
		size_t host = rules->members.v[i];
		const struct pt_fleet_host *h = &f->hosts.v[host];
		uint32_t idle;

		/* a host that has gone to other rules has left its place */
		if (!verdict[i] || h->at != (int64_t)i || &f->rules.v[h->in] != rules || barred(h))
			continue;
		idle = idle_of(&rules->index, i);
		pt_array_push(&c->l, ((struct candidate){ host, ask->how.spread ? IDLE_MAX - idle : idle }));
	}
}

static void gather(struct pt_fleet *f, const struct pt_claim_ask *ask, struct candidates *c)
{
	refresh(f);
	for (size_t i = 0; i < f->rules.n && !c->whole; i++)
		if (f->rules.v[i].members.n)
			scan(f, &f->rules.v[i], ask, c);
	if (c->whole)
		c->l.n = 0;
	/* those that the index does not hold come first: nothing is known of them yet */
	for (size_t i = 0; i < f->hosts.n; i++)
		if ((c->whole || f->hosts.v[i].apart) && !barred(&f->hosts.v[i]))
			pt_array_push(&c->l, ((struct candidate){ i, 0 }));
}

static int by_weight(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

/* the best one first; mostly it is all that is wanted, so the rest is sorted only when it is asked for */
static void sort_from(struct candidates *c, size_t from)
{
	size_t best = from;

	if (from == 1 && c->l.n > 2)
		qsort(c->l.v + 1, c->l.n - 1, sizeof(*c->l.v), by_weight);
	if (from)
		return;
	for (size_t i = 1; i < c->l.n; i++)
		if (by_weight(&c->l.v[i], &c->l.v[best]) < 0)
			best = i;
	if (best) {
		struct candidate t = c->l.v[0];

		c->l.v[0] = c->l.v[best];
		c->l.v[best] = t;
	}
}

static struct pt_fleet_host *prefer(struct pt_fleet_host *chosen, struct pt_fleet_host *h,
				    const struct pt_claim_ask *ask, struct pt_host_answer *a,
				    struct pt_host_answer *best)
{
	if (!a->fits || (chosen && pt_place_prefer(a, best, ask->how) >= 0)) {
		pt_host_answer_done(a);
		return chosen;
	}
	pt_host_answer_done(best);
	*best = *a;
	return h;
}

struct pt_fleet_host *pt_fleet_choose(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_host_answer *ret)
{
	PT_CLEANUP(candidates_done) struct candidates c = { .whole = false };
	struct pt_host_answer best = { 0 };
	struct pt_fleet_host *chosen = NULL;

	if (ask->host) {
		struct pt_fleet_host *h = pt_fleet_find_host(f, ask->host);

		if (h)
			pt_array_push(&c.l, ((struct candidate){ (size_t)(h - f->hosts.v), 0 }));
	} else {
		gather(f, ask, &c);
	}
	for (size_t i = 0; i < c.l.n; i++) {
		struct pt_host_answer a = { 0 };
		struct pt_fleet_host *h;
		bool last;

		sort_from(&c, i);
		h = &f->hosts.v[c.l.v[i].host];
		pt_fleet_ask_host(f, ask, h, &a);
		/* none behind it is better: they come in the order of preference, but for devices that are far away */
		last = a.fits && !a.remote && !c.whole && !h->apart;
		chosen = prefer(chosen, h, ask, &a, &best);
		if (last)
			break;
	}
	if (chosen)
		*ret = best;
	return chosen;
}

/* would it fit if no claim held anything there? */
static bool fits_without_claims(const struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_fleet_host *h)
{
	pt_autofree char **owners = pt_alloc((h->host.n + 1) * sizeof(*owners));
	PT_AUTO(pt_host_answer) a = { 0 };

	for (size_t i = 0; i < h->host.n; i++) {
		char *owner = h->host.v[i].owner;

		if (owner && pt_claim_id_valid(owner))
			owners[i] = pt_take_ptr(h->host.v[i].owner);
	}
	pt_fleet_ask_host(f, ask, h, &a);
	for (size_t i = 0; i < h->host.n; i++)
		if (owners[i])
			h->host.v[i].owner = owners[i];
	return a.fits;
}

/* how much each host lacks, as the weight; what the index does not know counts as far away */
static void gather_missing(struct pt_fleet *f, const struct pt_claim_ask *ask, struct candidates *c)
{
	refresh(f);
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct pt_fleet_rules *rules = &f->rules.v[i];
		pt_autofree uint32_t *missing = pt_alloc((rules->members.n + 1) * sizeof(*missing));
		pt_autofree uint64_t *cells = cells_of(f, rules, ask->request);
		int r = pt_index_missing(&rules->index, ask->request, cells, missing);

		for (size_t k = 0; k < rules->members.n; k++) {
			const struct pt_fleet_host *h = &f->hosts.v[rules->members.v[k]];

			if (h->at == (int64_t)k && h->in == i && !barred(h) && (r < 0 || missing[k] < UINT32_MAX))
				pt_array_push(&c->l,
					      ((struct candidate){ rules->members.v[k], r < 0 ? 1 : missing[k] }));
		}
	}
	for (size_t i = 0; i < f->hosts.n; i++)
		if (f->hosts.v[i].apart && !barred(&f->hosts.v[i]))
			pt_array_push(&c->l, ((struct candidate){ i, UINT32_MAX }));
}

struct pt_fleet_host *pt_fleet_nearest(struct pt_fleet *f, const struct pt_claim_ask *ask)
{
	PT_CLEANUP(candidates_done) struct candidates c = { .whole = false };

	if (ask->host) {
		struct pt_fleet_host *h = pt_fleet_find_host(f, ask->host);

		return h && !barred(h) && fits_without_claims(f, ask, h) ? h : NULL;
	}
	gather_missing(f, ask, &c);
	for (size_t i = 0; i < c.l.n; i++) {
		sort_from(&c, i);
		if (fits_without_claims(f, ask, &f->hosts.v[c.l.v[i].host]))
			return &f->hosts.v[c.l.v[i].host];
	}
	return NULL;
}
