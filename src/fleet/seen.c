/* SPDX-License-Identifier: Apache-2.0 */
/* Claims as they are told: each with its agent's word and whether its host is lost, and what is left of those gone. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/evacuate.h"
#include "fleet/leftover.h"
#include "shape/claim.h"

void pt_claims_seen_done(struct pt_claims_seen *s)
{
	free(s->acks.v);
	free(s->lost.v);
	pt_claims_list_done(&s->claims);
	pt_words_done(&s->words);
	pt_leftovers_done(&s->left);
}

static int read_named(struct pt_store *store, const struct pt_claims_asked *a, struct pt_claims_list *l,
		      struct pt_error *err)
{
	for (size_t i = 0; i < a->n_ids; i++) {
		PT_AUTO(pt_claim) c = { 0 };
		bool twice = false;
		int r;

		for (size_t k = 0; k < i; k++)
			twice = twice || pt_streq(a->ids[k], a->ids[i]);
		r = twice ? 0 : pt_fleet_get(store, a->ids[i], &c, NULL, err);
		if (r < 0)
			return r;
		if (r == 1)
			pt_array_push(l, pt_take(c));
	}
	return 0;
}

/* every name has led to something */
static int check_named(struct pt_store *store, const struct pt_claims_asked *a, const struct pt_claims_seen *s,
		       struct pt_error *err)
{
	for (size_t i = 0; a->each && i < a->n_ids; i++) {
		bool there = false;

		for (size_t k = 0; k < s->claims.n; k++)
			there = there || pt_streq(s->claims.v[k].id, a->ids[i]);
		for (size_t k = 0; k < s->left.n; k++)
			there = there || pt_streq(s->left.v[k].id, a->ids[i]);
		if (!there)
			return pt_usage(err, -ENOENT, "there is no claim %s in %s", a->ids[i], pt_store_name(store));
	}
	return 0;
}

static void keep_wanted(const struct pt_claims_asked *a, struct pt_claims_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if ((a->holder && !pt_streq(a->holder, l->v[i].holder)) ||
		    (a->host && !pt_streq(a->host, l->v[i].host))) {
			pt_claim_done(&l->v[i]);
			continue;
		}
		if (kept != i)
			l->v[kept] = pt_take(l->v[i]);
		kept++;
	}
	l->n = kept;
}

/* of whom they were is not known; the rest may be asked for */
static void keep_wanted_left(const struct pt_claims_asked *a, struct pt_leftovers *l)
{
	PT_AUTO(pt_leftovers) kept = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if (!a->holder && (!a->host || pt_streq(a->host, l->v[i].host)))
			pt_array_push(&kept, pt_take(l->v[i]));
	pt_leftovers_done(l);
	*l = pt_take(kept);
}

/* 1, 0; each host is asked about once: claims of the same one, before this, have the answer */
static int is_lost(struct pt_store *store, const struct pt_claims_seen *s, size_t at, struct pt_error *err)
{
	const char *host = s->claims.v[at].host;
	int r;

	for (size_t i = 0; i < at; i++)
		if (pt_streq(s->claims.v[i].host, host))
			return s->lost.v[i];
	r = pt_fleet_lost(store, host, err);
	/* a record that is not understood says nothing of its host */
	return r == -EBADMSG ? 0 : r;
}

static int hear(struct pt_store *store, struct pt_claims_seen *s, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < s->claims.n && r >= 0; i++) {
		pt_array_push(&s->acks, pt_words_find(&s->words, s->claims.v[i].host, s->claims.v[i].id));
		r = is_lost(store, s, i, err);
		pt_array_push(&s->lost, r == 1);
	}
	return r < 0 ? r : 0;
}

/* the words first: a claim that comes later has none yet, and one that goes meanwhile is looked for again */
int pt_claims_look(struct pt_store *store, const struct pt_claims_asked *a, struct pt_claims_seen *ret_seen,
		   struct pt_error *err)
{
	PT_AUTO(pt_claims_seen) s = { 0 };
	int r = pt_fleet_words(store, &s.words, err);

	if (r == 0)
		r = a->n_ids ? read_named(store, a, &s.claims, err) : pt_fleet_claims(store, &s.claims, err);
	r = r < 0 ? r : pt_fleet_leftovers(store, &s.claims, &s.words, a->ids, a->n_ids, &s.left, err);
	r = r < 0 ? r : check_named(store, a, &s, err);
	if (r < 0)
		return r;
	keep_wanted(a, &s.claims);
	keep_wanted_left(a, &s.left);
	if (a->sweep)
		(void)pt_fleet_sweep(store, &s.claims, &s.words);
	r = hear(store, &s, err);
	if (r < 0)
		return r;
	*ret_seen = pt_take(s);
	return 0;
}

json_t *pt_claims_seen_json(const struct pt_claims_seen *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->claims.n; i++) {
		json_t *o = pt_claim_json(&s->claims.v[i]);

		if (s->lost.v[i])
			(void)json_object_set_new(o, "lost", json_true());
		if (s->acks.v[i])
			(void)json_object_set_new(o, "ack", pt_ack_json(s->acks.v[i]));
		(void)json_array_append_new(list, o);
	}
	return json_pack("{s:o, s:o}", "claims", list, "orphans", pt_leftovers_json(&s->left));
}
