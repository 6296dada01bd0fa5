/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/leftover.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/race.h"
#include "shape/claim.h"

void pt_words_done(struct pt_words *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].host);
		pt_ack_done(&l->v[i].ack);
	}
	free(l->v);
	*l = (struct pt_words){ 0 };
}

int pt_fleet_words(struct pt_store *store, struct pt_words *ret, struct pt_error *err)
{
	PT_AUTO(pt_words) l = { 0 };
	PT_AUTO(pt_records) records = { 0 };
	int r = pt_store_list(store, "acks/", &records, err);

	for (size_t i = 0; i < records.n; i++) {
		const char *host = records.v[i].key + strlen("acks/");
		const char *id = strrchr(host, '/');
		struct pt_ack ack = { 0 };
		struct pt_word *w;

		if (!id || pt_ack_read(records.v[i].value, records.v[i].key, &ack, NULL) < 0)
			continue;
		if (strcmp(ack.id, id + 1) != 0) {
			pt_ack_done(&ack);
			continue;
		}
		w = pt_array_add(&l);
		w->host = pt_strndup(host, (size_t)(id - host));
		w->ack = ack;
	}
	if (r < 0)
		return r;
	*ret = pt_take(l);
	return 0;
}

const struct pt_ack *pt_words_find(const struct pt_words *l, const char *host, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].ack.id, id) == 0 && strcmp(l->v[i].host, host) == 0)
			return &l->v[i].ack;
	return NULL;
}

size_t pt_fleet_sweep(struct pt_store *store, struct pt_claims_list *l, const struct pt_words *words)
{
	size_t kept = 0;
	size_t ended;

	for (size_t i = 0; i < l->n; i++) {
		const struct pt_ack *ack = pt_words_find(words, l->v[i].host, l->v[i].id);
		PT_AUTO(pt_claim) gone = { 0 };

		/* it compares both again: one that says something else by now is not ended */
		if (l->v[i].releasing && ack && ack->state == PT_ACK_RELEASED &&
		    pt_fleet_release(store, l->v[i].id, &gone, NULL) == 1) {
			pt_claim_done(&l->v[i]);
			continue;
		}
		if (kept != i)
			l->v[kept] = pt_take(l->v[i]);
		kept++;
	}
	ended = l->n - kept;
	l->n = kept;
	return ended;
}

void pt_leftovers_done(struct pt_leftovers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].host);
		pt_ack_done(&l->v[i].ack);
		pt_holds_done(&l->v[i].holds);
	}
	free(l->v);
	*l = (struct pt_leftovers){ 0 };
}

/* one that was placed elsewhere since is none of this host's */
static bool is_claim(const struct pt_claims_list *l, const char *host, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, id) == 0 && pt_streq(l->v[i].host, host))
			return true;
	return false;
}

static struct pt_leftover *find(struct pt_leftovers *l, const char *host, const char *id)
{
	struct pt_leftover *new;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, id) == 0 && strcmp(l->v[i].host, host) == 0)
			return &l->v[i];
	new = pt_array_add(l);
	(void)snprintf(new->id, sizeof(new->id), "%s", id);
	new->host = pt_strdup(host);
	return new;
}

static void add_holds(struct pt_leftovers *l, const struct pt_claims_list *claims, const struct pt_record *record)
{
	const char *host = record->key + strlen("held/");
	PT_AUTO(pt_holds) holds = { 0 };

	if (pt_holds_read(record->value, record->key, &holds, NULL) < 0)
		return;
	for (size_t i = 0; i < holds.n; i++)
		if (!is_claim(claims, host, holds.v[i].id))
			pt_array_push(&find(l, host, holds.v[i].id)->holds, holds.v[i]);
}

/*
 * The lists were read one after the other: claims come and go between them.  One that is not there now, while what is
 * said or held for it still is, does not come any more.
 */
static int look_again(struct pt_store *store, struct pt_leftover *l, struct pt_error *err)
{
	pt_autofree char *held_key = pt_strf("held/%s", l->host);
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	size_t kept = 0;
	int r = pt_fleet_get(store, l->id, &claim, NULL, err);

	/* one that is not understood is there */
	if (r == -EBADMSG || (r == 1 && pt_streq(claim.host, l->host)))
		return 0;
	if (r >= 0)
		r = pt_fleet_ack(store, l->host, l->id, &ack, NULL, err);
	if (r < 0)
		return r;
	l->said = r == 1;
	pt_ack_done(&l->ack);
	l->ack = pt_take(ack);
	r = pt_store_get(store, held_key, &held, err);
	if (r < 0)
		return r;
	if (r == 1)
		(void)pt_holds_read(held.value, held_key, &holds, NULL);
	for (size_t i = 0; i < l->holds.n; i++)
		if (pt_streq(pt_holds_find(&holds, l->holds.v[i].bdf), l->id))
			l->holds.v[kept++] = l->holds.v[i];
	l->holds.n = kept;
	return l->said || l->holds.n;
}

static bool is_wanted(const char *const *ids, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return n == 0;
}

int pt_fleet_leftovers(struct pt_store *store, const struct pt_claims_list *claims, const struct pt_words *words,
		       const char *const *ids, size_t n, struct pt_leftovers *ret, struct pt_error *err)
{
	PT_AUTO(pt_leftovers) l = { 0 };
	PT_AUTO(pt_leftovers) left = { 0 };
	PT_AUTO(pt_records) held = { 0 };
	int r = pt_store_list(store, "held/", &held, err);

	for (size_t i = 0; r == 0 && i < held.n; i++)
		add_holds(&l, claims, &held.v[i]);
	/* what is given back, or was never touched, its agent drops itself */
	for (size_t i = 0; r == 0 && i < words->n; i++)
		if (!is_claim(claims, words->v[i].host, words->v[i].ack.id) &&
		    words->v[i].ack.state != PT_ACK_RELEASED && words->v[i].ack.state != PT_ACK_FAILED)
			(void)find(&l, words->v[i].host, words->v[i].ack.id);
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		if (!is_wanted(ids, n, l.v[i].id))
			continue;
		r = look_again(store, &l.v[i], err);
		if (r == 1)
			pt_array_push(&left, pt_take(l.v[i]));
	}
	if (r < 0)
		return r;
	*ret = pt_take(left);
	return 0;
}

json_t *pt_leftovers_json(const struct pt_leftovers *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		json_t *devices = json_array();
		json_t *o = json_pack("{s:s, s:s, s:o}", "id", l->v[i].id, "host", l->v[i].host, "held", devices);

		for (size_t k = 0; k < l->v[i].holds.n; k++)
			(void)json_array_append_new(devices, json_string(pt_bdf_str(l->v[i].holds.v[k].bdf).s));
		if (l->v[i].said)
			(void)json_object_set_new(o, "ack", pt_ack_json(&l->v[i].ack));
		(void)json_array_append_new(list, o);
	}
	return list;
}

/* of one host; @claim: the revision of the claim, which is another host's by now, or 0.  1, 0 look again */
static int forget_on(struct pt_store *store, const char *host, const char *id, long long claim, struct pt_error *err)
{
	pt_autofree char *claim_key = pt_strf("claims/%s", id);
	pt_autofree char *held_key = pt_strf("held/%s", host);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", host, id);
	pt_autofree char *text = NULL;
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_record) ack = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	struct pt_write writes[2] = { { .key = ack_key } };
	size_t n = 1;
	int r = pt_store_get(store, ack_key, &ack, err);

	r = r < 0 ? r : pt_store_get(store, held_key, &held, err);
	if (r == 1)
		r = pt_holds_read(held.value, held_key, &holds, err);
	if (r < 0)
		return r;
	if (pt_holds_drop(&holds, id)) {
		text = pt_record_text(pt_holds_json(&holds));
		writes[n++] = (struct pt_write){ held_key, text, 0 };
	}
	{
		const struct pt_saw saw[] = { { claim_key, claim },
					      { ack_key, ack.revision },
					      { held_key, held.revision } };
		const struct pt_txn txn = { saw, 3, writes, n };

		return pt_store_commit(store, &txn, NULL, NULL, err);
	}
}

int pt_fleet_forget(struct pt_store *store, const char *id, struct pt_error *err)
{
	PT_AUTO(pt_claims_list) none = { 0 };
	PT_AUTO(pt_words) words = { 0 };
	PT_AUTO(pt_leftovers) l = { 0 };
	PT_AUTO(pt_claim) claim = { 0 };
	const char *ids[] = { id };
	long long revision = 0;
	int there = pt_fleet_get(store, id, &claim, &revision, err);
	int r = there < 0 ? there : pt_fleet_words(store, &words, err);

	r = r < 0 ? r : pt_fleet_leftovers(store, &none, &words, ids, 1, &l, err);
	for (size_t i = 0; i < l.n && r >= 0; i++) {
		r = 0;
		for (unsigned k = 0; k < PT_RACES && r == 0; k++) {
			if (k)
				pt_race_pause(k);
			r = forget_on(store, l.v[i].host, id, revision, err);
		}
		if (r == 0)
			r = pt_say(err, -EBUSY, "%s and held/%s change all the time: try again", id, l.v[i].host);
	}
	if (r >= 0 && !l.n && there) {
		r = pt_say(err, -EBUSY, "%s is a claim, of %s on %s: it is not forgotten but released", id,
			   claim.holder, claim.host);
		pt_hint(err, "passthru release %s", id);
	}
	return r < 0 ? r : l.n > 0;
}
