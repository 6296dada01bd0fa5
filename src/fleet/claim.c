/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: decided on the view, written in one transaction that compares what the decision saw. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "fleet/choose.h"
#include "fleet/fleet.h"
#include "fleet/queue.h"
#include "fleet/quota.h"
#include "fleet/race.h"
#include "shape/claim.h"

enum { SAW_HELD, SAW_CLAIM, SAW_FACTS, SAW_ENDED, SAW_MORE };
/* its place in the queue, the limit and what counts against it: each only where there is one */
#define SAW_MAX (SAW_MORE + 3)

void pt_claims_list_done(struct pt_claims_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_claim_done(&l->v[i]);
	free(l->v);
	pt_strv_done(&l->wrong);
	*l = (struct pt_claims_list){ 0 };
}

int pt_claim_id_make(char ret_id[PT_CLAIM_ID_LENGTH + 1], struct pt_error *err)
{
	unsigned char bytes[(PT_CLAIM_ID_LENGTH - 2) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return pt_fail(err, -errno, "cannot get random bytes for a claim's id");
	(void)snprintf(ret_id, 3, "c-");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret_id + 2 + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static void fill(struct pt_claim *c, const struct pt_claim_ask *ask, const struct pt_host_answer *a)
{
	(void)snprintf(c->id, sizeof(c->id), "%s", ask->id);
	c->asked = pt_strdup(ask->request->alias);
	c->holder = pt_strdup(ask->holder);
	c->host = pt_strdup(a->host);
	c->numa = pt_strdup_opt(ask->numa);
	c->project = pt_strdup_opt(ask->project);
	c->since = (long long)time(NULL);
	for (size_t i = 0; i < a->given.n; i++) {
		struct pt_claim_device *d = pt_array_add(&c->devices);

		d->bdf = a->given.v[i].bdf;
		d->alias = pt_strdup_opt(ask->request->asks.v[a->given.v[i].request].alias);
	}
}

/* what is held once the claim is made */
static void hold(struct pt_holds *holds, const struct pt_fleet_host *h, const struct pt_claim *c)
{
	for (size_t i = 0; i < h->holds.n; i++)
		pt_array_push(holds, h->holds.v[i]);
	for (size_t i = 0; i < c->devices.n; i++) {
		struct pt_hold *one = pt_array_add(holds);

		one->bdf = c->devices.v[i].bdf;
		(void)snprintf(one->id, sizeof(one->id), "%s", c->id);
	}
}

/* the record of the id: 1 when it is this very claim, made before; -EEXIST when another's */
static int own(const struct pt_claim_ask *ask, const struct pt_record *record, struct pt_claim *ret,
	       struct pt_error *err)
{
	PT_AUTO(pt_claim) c = { 0 };
	int r = pt_claim_read(record->value, record->key, &c, err);

	if (r < 0)
		return r;
	if (!pt_streq(c.holder, ask->holder) || !pt_streq(c.asked, ask->request->alias) ||
	    (ask->host && !pt_streq(c.host, ask->host)))
		return pt_usage(err, -EEXIST, "%s is another claim: of %s for %s on %s", ask->id, c.asked, c.holder,
				c.host);
	*ret = pt_take(c);
	return 1;
}

/* what is there instead of what was seen: taken into the view.  1: the claim itself, made by an earlier sending */
static int look_again(struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_claim_ask *ask,
		      const struct pt_records *now, struct pt_claim *ret, struct pt_error *err)
{
	if (now->v[SAW_CLAIM].value)
		return own(ask, &now->v[SAW_CLAIM], ret, err);
	if (now->n > SAW_ENDED && now->v[SAW_ENDED].value)
		return pt_usage(err, -EEXIST, "%s was released before it was there: it is no claim, and will be none",
				ask->id);
	if (now->n > SAW_FACTS && now->v[SAW_FACTS].revision != h->facts)
		pt_fleet_take_facts(f, h, &now->v[SAW_FACTS]);
	if (now->v[SAW_HELD].revision != h->held)
		pt_fleet_take_held(h, &now->v[SAW_HELD]);
	return 0;
}

/*
 * Nobody answered for the claim's transaction: it may still be written, as long as held/HOST is as it was.  So that
 * record is written as it is, which ends that, and tells at the same time whether the claim is there.
 * 1: it is; 0: it is not, and never will be
 */
static int settle(struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_claim_ask *ask, const char *held,
		  const char *claim, struct pt_claim *ret, struct pt_error *err)
{
	pt_autofree char *same = pt_record_text(pt_holds_json(&h->holds));
	const struct pt_saw saw[] = { [SAW_HELD] = { held, h->held }, [SAW_CLAIM] = { claim, 0 } };
	const struct pt_write write = { held, same, 0 };
	const struct pt_txn txn = { saw, 2, &write, 1 };
	int r = -ETIMEDOUT;

	for (unsigned i = 0; i < PT_RACE_QUESTIONS && (r == -ETIMEDOUT || r == -EHOSTUNREACH); i++) {
		PT_AUTO(pt_records) now = { 0 };
		long long revision = 0;

		if (i)
			pt_race_pause(100);
		r = pt_store_commit(f->store, &txn, &revision, &now, err);
		if (r == 1) {
			h->held = revision;
			return 0;
		}
		if (r == 0)
			return look_again(f, h, ask, &now, ret, err);
	}
	(void)pt_say(err, -ETIMEDOUT, "nobody knows whether %s was claimed: %s took the request and does not answer",
		     ask->id, pt_store_name(f->store));
	pt_hint(err,
		"when it answers again: `passthru claims %s` tells, the same command with --id %s goes on, `passthru "
		"release %s` ends it",
		ask->id, ask->id, ask->id);
	return -ETIMEDOUT;
}

/**
 * struct deal - the transaction of a claim, and what it is made of
 * @texts: of its keys and values, by whoever made them
 */
struct deal {
	struct pt_saw saw[SAW_MAX];
	struct pt_write writes[4];
	struct pt_txn txn;
	struct pt_strv texts;
};

static void deal_done(struct deal *d)
{
	pt_strv_done(&d->texts);
}

static const char *keep(struct deal *d, char *text)
{
	pt_strv_take(&d->texts, text);
	return text;
}

static void compare(struct deal *d, const char *key, long long revision)
{
	d->saw[d->txn.n_saw++] = (struct pt_saw){ key, revision };
}

static void put(struct deal *d, const char *key, const char *value)
{
	d->writes[d->txn.n_writes++] = (struct pt_write){ key, value, 0 };
}

static void make_deal(struct deal *d, const struct pt_fleet_host *h, const struct pt_claim_ask *ask,
		      const struct pt_quota *quota, const struct pt_claim *claim)
{
	PT_AUTO(pt_holds) holds = { 0 };
	const char *held_key = keep(d, pt_strf("held/%s", h->name));
	const char *claim_key = keep(d, pt_strf("claims/%s", ask->id));
	const char *queue_key = keep(d, pt_strf("queue/%s", ask->id));

	d->txn.saw = d->saw;
	d->txn.writes = d->writes;
	hold(&holds, h, claim);
	compare(d, held_key, h->held);
	compare(d, claim_key, 0);
	compare(d, keep(d, pt_strf("facts/%s", h->name)), h->facts);
	compare(d, keep(d, pt_strf("ended/%s", ask->id)), 0);
	put(d, held_key, keep(d, pt_record_text(pt_holds_json(&holds))));
	put(d, claim_key, keep(d, pt_record_text(pt_claim_json(claim))));
	if (ask->queued) {
		compare(d, queue_key, ask->queued);
		put(d, queue_key, NULL);
	}
	/* a project without limits compares that it has none, which nobody ever writes: nothing is shared */
	if (ask->project)
		compare(d, quota->limit_key, quota->limit);
	if (ask->project && quota->limit) {
		compare(d, quota->used_key, quota->used);
		put(d, quota->used_key, keep(d, pt_quota_with(quota, claim)));
	}
}

/* 1 claimed; 0 decide again; -ESTALE its place in the queue has gone */
static int attempt(struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_claim_ask *ask,
		   const struct pt_quota *quota, const struct pt_host_answer *answer, struct pt_claim *ret,
		   struct pt_error *err)
{
	PT_CLEANUP(deal_done) struct deal d = { 0 };
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_records) now = { 0 };
	PT_AUTO(pt_record) held = { 0 };
	int r;

	fill(&claim, ask, answer);
	pt_claim_identify(&claim, &h->host);
	make_deal(&d, h, ask, quota, &claim);
	r = pt_store_commit(f->store, &d.txn, &held.revision, &now, err);
	if (r == -ETIMEDOUT)
		return settle(f, h, ask, d.saw[SAW_HELD].key, d.saw[SAW_CLAIM].key, ret, err);
	if (r == 0) {
		r = look_again(f, h, ask, &now, ret, err);
		if (r == 0 && ask->queued && now.n > SAW_MORE && !now.v[SAW_MORE].value)
			r = pt_say(err, -ESTALE, "%s is no longer in the queue: its lease has ended", ask->id);
		return r;
	}
	/* from the first sending on its maker knows the id, whatever came of it */
	if (r < 0)
		return err ? pt_wrap(err, r, "claim %s", ask->id) : r;
	pt_strset(&held.key, d.writes[0].key);
	pt_strset(&held.value, d.writes[0].value);
	pt_fleet_take_held(h, &held);
	*ret = pt_take(claim);
	return 1;
}

/* a "no" on an old view is none: once more on what the store has now */
static int refresh(struct pt_fleet *f, struct pt_error *err)
{
	PT_AUTO(pt_fleet) fresh = { 0 };
	int r = pt_fleet_load(f->store, f->aliases, &fresh, err);

	if (r < 0)
		return r;
	pt_fleet_done(f);
	*f = pt_take(fresh);
	return 0;
}

/* it may be ours from before, and what it took be what is missing now */
static int made_before(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_claim *ret, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("claims/%s", ask->id);
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(f->store, key, &record, err);

	return r == 1 ? own(ask, &record, ret, err) : r;
}

/* its host makes one change of each claim, and a VM has one address in a network */
static int check_networks(const struct pt_request *r, struct pt_error *err)
{
	for (size_t i = 0; i < r->asks.n; i++)
		if (r->asks.v[i].network && (r->asks.n > 1 || r->asks.v[i].count != 1))
			return pt_usage(err, -EINVAL,
					"'%.300s': a virtual function in a network is claimed by itself, one a claim",
					r->alias ? r->alias : r->asks.v[i].alias);
	return 0;
}

static int expand(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_error *err)
{
	int r = ask->request->asks.n ? 0 : pt_pci_alias_expand(&f->names.aliases, ask->request, err);

	r = r < 0 ? r : check_networks(ask->request, err);
	return r < 0 ? r : pt_request_check(ask->request, err);
}

int pt_fleet_why(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_fleet_answers *ret, struct pt_error *err)
{
	PT_AUTO(pt_fleet_answers) l = { 0 };
	int r = expand(f, ask, err);
	int fit = 0;

	for (size_t i = 0; r == 0 && i < f->hosts.n; i++) {
		struct pt_host_answer *a;

		if (ask->host && strcmp(ask->host, f->hosts.v[i].name) != 0)
			continue;
		a = pt_array_add(&l);
		pt_fleet_ask_host(f, ask, &f->hosts.v[i], a);
		fit += a->fits;
	}
	if (r < 0)
		return r;
	*ret = pt_take(l);
	return fit;
}

/* does a limit stand in the way?  1, with the words for it in @answers */
static int ask_quota(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_quota *quota,
		     struct pt_fleet_answers *answers, struct pt_error *err)
{
	int r = pt_quota_read(f->store, ask->project, quota, err);

	if (r < 0 || pt_quota_allows(quota, ask->request, ask->id, NULL))
		return r;
	r = pt_quota_sweep(f->store, quota, err);
	if (r < 0)
		return r;
	return !pt_quota_allows(quota, ask->request, ask->id, &answers->quota);
}

/* 1 claimed; 0 decide again; 2 no, as far as this view goes */
static int try_once(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_claim *ret,
		    struct pt_fleet_answers *answers, struct pt_error *err)
{
	PT_AUTO(pt_quota) quota = { 0 };
	PT_AUTO(pt_host_answer) best = { 0 };
	struct pt_kept kept = { 0 };
	struct pt_fleet_host *h;
	int r = ask->project ? ask_quota(f, ask, &quota, answers, err) : 0;

	if (r != 0)
		return r < 0 ? r : 2;
	r = pt_queue_keep(f, ask->queued, ask->id, &kept, err);
	h = r < 0 ? NULL : pt_fleet_choose(f, ask, &best);
	answers->ahead = kept.ahead;
	pt_queue_forget(&kept);
	if (r < 0)
		return r;
	return h ? attempt(f, h, ask, &quota, &best, ret, err) : 2;
}

/* each host's own reason; some host may fit: then it is the queue that is in the way */
static void say_no(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_fleet_answers *answers)
{
	bool fits = false;

	for (size_t i = 0; i < f->hosts.n && !answers->quota; i++) {
		struct pt_host_answer *a;

		if (ask->host && strcmp(ask->host, f->hosts.v[i].name) != 0)
			continue;
		a = pt_array_add(answers);
		pt_fleet_ask_host(f, ask, &f->hosts.v[i], a);
		fits = fits || a->fits;
	}
	if (!fits)
		answers->ahead = 0;
}

int pt_fleet_claim(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_claim *ret_claim,
		   struct pt_fleet_answers *ret_answers, struct pt_error *err)
{
	bool fresh = false;
	int r = pt_race_check_id(ask->id, err);

	r = r < 0 || !ask->project ? r : pt_quota_check_name(ask->project, err);
	r = r < 0 ? r : expand(f, ask, err);
	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		PT_AUTO(pt_fleet_answers) answers = { 0 };

		r = try_once(f, ask, ret_claim, &answers, err);
		if (r == 0)
			pt_race_pause(i);
		if (r != 2) {
			fresh = false;
			continue;
		}
		if (fresh) {
			r = made_before(f, ask, ret_claim, err);
			if (r == 0) {
				say_no(f, ask, &answers);
				*ret_answers = pt_take(answers);
			}
			return r;
		}
		r = refresh(f, err);
		fresh = true;
	}
	return r ? r : pt_say(err, -EBUSY, "others were faster %d times: nothing was claimed", PT_RACES);
}

int pt_fleet_try(struct pt_fleet *f, const struct pt_claim_ask *ask, struct pt_claim *ret_claim, size_t *ret_ahead,
		 struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		PT_AUTO(pt_fleet_answers) answers = { 0 };

		r = try_once(f, ask, ret_claim, &answers, err);
		*ret_ahead = answers.ahead;
		if (r == 0)
			pt_race_pause(i);
	}
	return r == 2 ? 0 : r;
}

int pt_fleet_get(struct pt_store *store, const char *id, struct pt_claim *ret_claim, long long *ret_revision,
		 struct pt_error *err)
{
	pt_autofree char *key = pt_strf("claims/%s", id);
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_race_check_id(id, err);

	if (r < 0)
		return r;
	r = pt_store_get(store, key, &record, err);
	if (r == 1)
		r = pt_claim_read(record.value, key, ret_claim, err);
	if (r < 0)
		return r;
	if (ret_revision)
		*ret_revision = record.revision;
	return record.value != NULL;
}

int pt_fleet_claims(struct pt_store *store, struct pt_claims_list *ret_list, struct pt_error *err)
{
	PT_AUTO(pt_claims_list) l = { 0 };
	PT_AUTO(pt_records) records = { 0 };
	int r = pt_store_list(store, "claims/", &records, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < records.n; i++) {
		struct pt_error why = { 0 };
		PT_AUTO(pt_claim) c = { 0 };

		if (pt_claim_read(records.v[i].value, records.v[i].key, &c, &why) < 0)
			pt_strv_add(&l.wrong, why.msg);
		else
			pt_array_push(&l, pt_take(c));
	}
	*ret_list = pt_take(l);
	return 0;
}
