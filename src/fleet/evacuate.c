/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/evacuate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/whynot.h"
#include "fleet/choose.h"
#include "fleet/quota.h"
#include "fleet/race.h"
#include "shape/claim.h"
#include "shape/device.h"

void pt_moved_list_done(struct pt_moved_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		pt_claim_done(&l->v[i].claim);
		free(l->v[i].why);
	}
	free(l->v);
	*l = (struct pt_moved_list){ 0 };
}

static const char *const fates[] = {
	[PT_MOVED_STAYS] = "stays",
	[PT_MOVED_PLACED] = "placed",
	[PT_MOVED_ENDED] = "ended",
};

const char *pt_moved_fate_str(enum pt_moved_fate fate)
{
	return fates[fate];
}

json_t *pt_moved_list_json(const struct pt_moved_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(list,
					    json_pack("{s:o, s:s, s:o}", "claim", pt_claim_json(&l->v[i].claim), "fate",
						      fates[l->v[i].fate], "why", pt_json_text(l->v[i].why)));
	return list;
}

int pt_fleet_evacuate_check(struct pt_fleet *f, const char *host, bool fenced, struct pt_error *err)
{
	const struct pt_fleet_host *h = pt_fleet_find_host(f, host);
	int r;

	if (!h) {
		r = pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", host, pt_store_name(f->store));
		pt_hint(err, "`passthru fleet hosts` lists them");
		return r;
	}
	if (h->alive) {
		r = pt_refuse(err, "alive", "host %s is alive: its agent is heard of", host);
		pt_hint(err, "release its claims one by one, or switch the host off first");
		return r;
	}
	if (fenced)
		return 0;
	r = pt_refuse(err, "fenced",
		      "host %s is not heard of, but may be running, with its VMs: then each would run twice", host);
	pt_hint(err, "see to it that it is off (its power, at its management controller), and say so: --fenced");
	return r;
}

int pt_fleet_lost(struct pt_store *store, const char *host, struct pt_error *err)
{
	pt_autofree char *alive_key = pt_strf("alive/%s", host);
	pt_autofree char *facts_key = pt_strf("facts/%s", host);
	PT_AUTO(pt_record) alive = { 0 };
	PT_AUTO(pt_record) facts = { 0 };
	PT_AUTO(pt_host_record) record = { 0 };
	int r = pt_store_get(store, alive_key, &alive, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = pt_store_get(store, facts_key, &facts, err);
	if (r == 1)
		r = pt_host_record_read(facts.value, facts_key, &record, err);
	return r < 0 ? r : record.agent;
}

/* one claim on its way: where it was, and what was seen of it */
struct move {
	struct pt_fleet *f;
	const char *from;
	const char *id;
	struct pt_claim claim;
	long long revision;
	struct pt_record held;
	struct pt_holds holds; /* of the old host, without it */
};

static void move_done(struct move *m)
{
	pt_claim_done(&m->claim);
	pt_record_done(&m->held);
	pt_holds_done(&m->holds);
}

/* 1; 0 it is gone, or is no longer there */
static int look(struct move *m, struct pt_error *err)
{
	pt_autofree char *held_key = pt_strf("held/%s", m->from);
	int r = pt_fleet_get(m->f->store, m->id, &m->claim, &m->revision, err);

	if (r != 1 || !pt_streq(m->claim.host, m->from))
		return r < 0 ? r : 0;
	r = pt_store_get(m->f->store, held_key, &m->held, err);
	if (r == 1)
		r = pt_holds_read(m->held.value, held_key, &m->holds, err);
	if (r < 0)
		return r;
	(void)pt_holds_drop(&m->holds, m->id);
	return 1;
}

static int heard_again(const struct move *m, struct pt_error *err)
{
	return pt_say(err, -EBUSY,
		      "host %s is heard of again: it is not off, and nothing more of it is placed elsewhere", m->from);
}

static int commit(struct move *m, const struct pt_txn *txn, struct pt_error *err)
{
	PT_AUTO(pt_records) now = { 0 };
	int r = pt_store_commit(m->f->store, txn, NULL, &now, err);

	/* the first that is compared is always its alive/HOST */
	return r == 0 && now.n && now.v[0].value ? heard_again(m, err) : r;
}

/* it was to be given back by an agent that is no more: with its host off it is given back */
static int end_it(struct move *m, struct pt_error *err)
{
	pt_autofree char *alive = pt_strf("alive/%s", m->from);
	pt_autofree char *held = pt_strf("held/%s", m->from);
	pt_autofree char *claim = pt_strf("claims/%s", m->id);
	pt_autofree char *text = pt_record_text(pt_holds_json(&m->holds));
	pt_autofree char *used_key = NULL;
	pt_autofree char *used_text = NULL;
	struct pt_saw saw[4] = { { alive, 0 }, { held, m->held.revision }, { claim, m->revision } };
	struct pt_write writes[3] = { { held, text, 0 }, { claim, NULL, 0 } };
	struct pt_txn txn = { saw, 3, writes, 2 };
	int r = 0;

	if (m->claim.project)
		r = pt_quota_without(m->f->store, &m->claim, &used_key, &saw[3].revision, &used_text, err);
	if (r < 0)
		return r;
	if (r == 1) {
		saw[txn.n_saw++].key = used_key;
		writes[txn.n_writes++] = (struct pt_write){ used_key, used_text, 0 };
	}
	return commit(m, &txn, err);
}

/* the claim on its new host: same id, same asker, other devices */
static struct pt_claim replaced(const struct move *m, const struct pt_request *request, const struct pt_host_answer *a)
{
	struct pt_claim c = { .asked = pt_strdup(m->claim.asked),
			      .holder = pt_strdup(m->claim.holder),
			      .host = pt_strdup(a->host),
			      .project = pt_strdup_opt(m->claim.project),
			      .numa = pt_strdup_opt(m->claim.numa),
			      .since = m->claim.since };

	memcpy(c.id, m->claim.id, sizeof(c.id));
	for (size_t i = 0; i < a->given.n; i++) {
		struct pt_claim_device *d = pt_array_add(&c.devices);

		d->bdf = a->given.v[i].bdf;
		d->alias = pt_strdup_opt(request->asks.v[a->given.v[i].request].alias);
	}
	return c;
}

static void add_holds(struct pt_holds *to, const struct pt_holds *from, const struct pt_claim *c)
{
	for (size_t i = 0; i < from->n; i++)
		pt_array_push(to, from->v[i]);
	for (size_t i = 0; i < c->devices.n; i++) {
		struct pt_hold *h = pt_array_add(to);

		h->bdf = c->devices.v[i].bdf;
		memcpy(h->id, c->id, sizeof(h->id));
	}
}

/* 1 placed, 0 look again */
static int put_on(struct move *m, struct pt_fleet_host *h, const struct pt_claim *c, struct pt_error *err)
{
	PT_AUTO(pt_holds) holds = { 0 };
	pt_autofree char *alive = pt_strf("alive/%s", m->from);
	pt_autofree char *old_held = pt_strf("held/%s", m->from);
	pt_autofree char *new_held = pt_strf("held/%s", h->name);
	pt_autofree char *new_facts = pt_strf("facts/%s", h->name);
	pt_autofree char *claim = pt_strf("claims/%s", m->id);
	pt_autofree char *old_text = pt_record_text(pt_holds_json(&m->holds));
	pt_autofree char *claim_text = pt_record_text(pt_claim_json(c));
	pt_autofree char *new_text = NULL;
	struct pt_saw saw[] = { { alive, 0 },
				{ old_held, m->held.revision },
				{ claim, m->revision },
				{ new_held, h->held },
				{ new_facts, h->facts } };
	struct pt_write writes[] = { { old_held, old_text, 0 }, { new_held, NULL, 0 }, { claim, claim_text, 0 } };
	const struct pt_txn txn = { saw, 5, writes, 3 };

	add_holds(&holds, &h->holds, c);
	new_text = pt_record_text(pt_holds_json(&holds));
	writes[1].value = new_text;
	return commit(m, &txn, err);
}

/* the view as it is now, and nothing to be had of the host that is left */
static int refresh(struct move *m, struct pt_error *err)
{
	PT_AUTO(pt_fleet) fresh = { 0 };
	struct pt_fleet_host *h;
	int r = pt_fleet_load(m->f->store, m->f->aliases, &fresh, err);

	if (r < 0)
		return r;
	h = pt_fleet_find_host(&fresh, m->from);
	if (h && !h->wrong)
		h->wrong = pt_strdup("its claims are placed elsewhere");
	pt_fleet_done(m->f);
	*m->f = pt_take(fresh);
	return 0;
}

static char *why_not(struct pt_fleet *f, const struct pt_claim_ask *ask)
{
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	PT_AUTO(pt_strv) lines = { 0 };

	if (pt_fleet_why(f, ask, &answers, NULL) < 0)
		return pt_strdup("its request is not understood");
	pt_whynot_summary(answers.v, answers.n, &lines);
	return pt_strv_join(&lines, "; ");
}

/* 1 placed or ended; 0 look again; 2 it stays */
static int once(struct move *m, struct pt_moved *ret, struct pt_error *err)
{
	PT_AUTO(pt_request) request = { .alias = pt_strdup(m->claim.asked) };
	PT_AUTO(pt_host_answer) answer = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	const struct pt_claim_ask ask = { .request = &request };
	struct pt_error why = { 0 };
	struct pt_fleet_host *h;
	int r;

	if (m->claim.releasing) {
		ret->fate = PT_MOVED_ENDED;
		return end_it(m, err);
	}
	r = m->claim.numa ? pt_request_numa(&request, m->claim.numa, &why) : 0;
	r = r < 0 ? r : pt_pci_alias_expand(&m->f->names.aliases, &request, &why);
	r = r < 0 ? r : pt_request_check(&request, &why);
	if (r < 0) {
		pt_strset(&ret->why, why.msg);
		return 2;
	}
	h = pt_fleet_choose(m->f, &ask, &answer);
	if (!h) {
		free(ret->why);
		ret->why = why_not(m->f, &ask);
		return 2;
	}
	c = replaced(m, &request, &answer);
	pt_claim_identify(&c, &h->host);
	r = put_on(m, h, &c, err);
	if (r == 1) {
		pt_claim_done(&m->claim);
		m->claim = pt_take(c);
		ret->fate = PT_MOVED_PLACED;
	}
	return r;
}

/*
 * A transaction of which nobody knows whether it was written can be written later only as long as what it compared is
 * so: the next attempt compares and changes the same records.
 */
static int move_one(struct pt_fleet *f, const char *from, const char *id, struct pt_moved *ret, struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		PT_CLEANUP(move_done) struct move m = { .f = f, .from = from, .id = id };

		r = look(&m, err);
		if (r == 0) {
			/* somebody has ended it, or an attempt that nobody answered for has placed it */
			ret->fate = m.claim.id[0] ? PT_MOVED_PLACED : PT_MOVED_ENDED;
			r = 1;
		} else if (r == 1) {
			r = refresh(&m, err);
			r = r < 0 ? r : once(&m, ret, err);
		}
		if (r == -ETIMEDOUT && i < PT_RACE_QUESTIONS)
			r = 0;
		if (r != 0)
			ret->claim = pt_take(m.claim);
		else
			pt_race_pause(i);
	}
	if (r == 0)
		return pt_say(err, -EBUSY, "others were faster %d times: %s stays on %s", PT_RACES, id, from);
	return r < 0 ? r : 0;
}

int pt_fleet_evacuate(struct pt_fleet *f, const char *host, struct pt_moved_list *ret_list, struct pt_error *err)
{
	const struct pt_fleet_host *h = pt_fleet_find_host(f, host);
	const struct move m = { .from = host };
	struct pt_claims_list l = { 0 };
	int r;

	if (!h)
		return pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", host, pt_store_name(f->store));
	if (h->alive)
		return heard_again(&m, err);
	r = pt_fleet_claims(f->store, &l, err);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		struct pt_moved one = { 0 };

		if (!pt_streq(l.v[i].host, host))
			continue;
		r = move_one(f, host, l.v[i].id, &one, err);
		if (one.claim.id[0] == '\0') {
			pt_claim_done(&one.claim);
			one.claim = pt_take(l.v[i]);
		}
		pt_array_push(ret_list, one);
	}
	pt_claims_list_done(&l);
	return r;
}
