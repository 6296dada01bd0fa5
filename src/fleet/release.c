/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a claim: at once where no agent has it, else marked, given back by its host's agent, and then removed. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "fleet/quota.h"
#include "fleet/race.h"
#include "shape/claim.h"

enum { SAW_HELD, SAW_CLAIM, SAW_ACK, SAW_QUOTA, SAWS };

/* of this file: there is no such claim.  No errno: what a store answers is never mistaken for it */
#define NOT_THERE 3

/**
 * struct leaving - a claim that is to end
 * @named: the revision that its asker has seen, which is the only one that may end; 0: whatever it is
 * @unknown: sendings that nobody answered for
 * @acked: the revision of its agent's word, and what that is
 */
struct leaving {
	struct pt_claim claim;
	long long named;
	unsigned unknown;
	long long revision;
	struct pt_ack ack;
	long long acked;
};

static void leaving_done(struct leaving *l)
{
	pt_claim_done(&l->claim);
	pt_ack_done(&l->ack);
}

/* has an agent done something to the devices for this claim, or is it about to? */
static bool agent_has_it(const struct leaving *l)
{
	return l->acked && l->ack.state != PT_ACK_RELEASED && l->ack.state != PT_ACK_FAILED;
}

/* what the agent said meanwhile, if it did */
static int hear(struct leaving *l, const struct pt_record *record, struct pt_error *err)
{
	PT_AUTO(pt_ack) ack = { 0 };
	int r = record->value ? pt_ack_read(record->value, record->key, &ack, err) : 0;

	if (r < 0)
		return r;
	pt_ack_done(&l->ack);
	l->ack = pt_take(ack);
	l->acked = record->value ? record->revision : 0;
	return 0;
}

/*
 * One transaction: the claim, its agent's word and its holds go; or, where an agent has it, the claim is marked, and
 * held/HOST written as it is, since that is the record that an agent watches.
 * 1 gone, PT_RELEASE_MARKED; 0 look again
 */
static int step(struct pt_store *store, struct leaving *l, struct pt_error *err)
{
	const struct pt_claim *c = &l->claim;
	pt_autofree char *held_key = pt_strf("held/%s", c->host);
	pt_autofree char *claim_key = pt_strf("claims/%s", c->id);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", c->host, c->id);
	pt_autofree char *held_text = NULL;
	pt_autofree char *claim_text = NULL;
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_records) now = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	bool mark = agent_has_it(l);
	struct pt_saw saw[SAWS] = { [SAW_CLAIM] = { claim_key, l->revision }, [SAW_ACK] = { ack_key, l->acked } };
	struct pt_write writes[SAWS] = { { .key = claim_key }, { .key = held_key }, { .key = ack_key } };
	struct pt_txn txn = { saw, SAW_QUOTA, writes, mark || !l->acked ? 2 : 3 };
	pt_autofree char *used_key = NULL;
	pt_autofree char *used_text = NULL;
	int r = pt_store_get(store, held_key, &held, err);

	if (r == 1)
		r = pt_holds_read(held.value, held_key, &holds, err);
	if (r < 0)
		return r;
	if (mark && c->releasing)
		return PT_RELEASE_MARKED;
	if (mark) {
		l->claim.releasing = true;
		claim_text = pt_record_text(pt_claim_json(c));
		l->claim.releasing = false;
	} else {
		(void)pt_holds_drop(&holds, c->id);
	}
	held_text = pt_record_text(pt_holds_json(&holds));
	saw[SAW_HELD] = (struct pt_saw){ held_key, held.revision };
	writes[0].value = claim_text;
	writes[1].value = held_text;
	/* what nobody gives back here is found by the next claim of the project that would go over its limit */
	r = c->project && !mark ? pt_quota_without(store, c, &used_key, &saw[SAW_QUOTA].revision, &used_text, err) : 0;
	if (r == 1) {
		saw[txn.n_saw++].key = used_key;
		writes[txn.n_writes++] = (struct pt_write){ used_key, used_text, 0 };
	}
	r = r < 0 && r != -EBADMSG && r != -EACCES ? r : pt_store_commit(store, &txn, NULL, &now, err);
	if (r == 0 && now.n > SAW_ACK && now.v[SAW_ACK].revision != l->acked)
		return hear(l, &now.v[SAW_ACK], err);
	return r == 1 && mark ? PT_RELEASE_MARKED : r;
}

/* as step(); the agent's word that was heard is kept for the next time */
static int release_once(struct pt_store *store, const char *id, struct leaving *l, struct pt_error *err)
{
	PT_AUTO(pt_claim) c = { 0 };
	int r = pt_fleet_get(store, id, &c, &l->revision, err);

	if (r == 0)
		/* seen before in this call: a sending that nobody answered for, or that libcurl repeated, has ended it
		 */
		return l->claim.id[0] ? 1 : NOT_THERE;
	if (r < 0)
		return r;
	/* what step() compares is then what was named.  Marked since a sending that nobody answered for: as was asked
	 */
	if (l->named && l->named != l->revision && !(l->unknown && c.releasing))
		return pt_say(err, -ESTALE, "%s has changed since it was seen: it is still claimed", id);
	/* kept for the answer: once it is gone nothing tells what it was */
	pt_claim_done(&l->claim);
	l->claim = pt_take(c);
	return step(store, l, err);
}

int pt_fleet_release_seen(struct pt_store *store, const char *id, long long seen, struct pt_claim *ret_claim,
			  struct pt_error *err)
{
	PT_AUTO(leaving) l = { .named = seen };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		r = release_once(store, id, &l, err);
		if (r == -ETIMEDOUT || (l.unknown && r == -EHOSTUNREACH))
			r = ++l.unknown < PT_RACE_QUESTIONS ? 0 : r;
		if (r == 0)
			pt_race_pause(l.unknown ? 100 : i);
	}
	if (r == NOT_THERE)
		return 0;
	if (r > 0)
		*ret_claim = pt_take(l.claim);
	/* the last question was not answered, and the one before it may have been obeyed */
	if (l.unknown && r == -EHOSTUNREACH)
		return pt_say(err, -ETIMEDOUT, "nobody knows whether %s was released: %s does not answer any more", id,
			      pt_store_name(store));
	return r ? r : pt_say(err, -EBUSY, "others were faster %d times: %s is still claimed", PT_RACES, id);
}

int pt_fleet_release(struct pt_store *store, const char *id, struct pt_claim *ret_claim, struct pt_error *err)
{
	return pt_fleet_release_seen(store, id, 0, ret_claim, err);
}

#define UNBORN_S 3600u

int pt_fleet_release_unborn(struct pt_store *store, const char *id, struct pt_error *err)
{
	pt_autofree char *claim_key = pt_strf("claims/%s", id);
	pt_autofree char *ended_key = pt_strf("ended/%s", id);
	const struct pt_saw saw = { claim_key, 0 };
	struct pt_write write = { ended_key, "{}", 0 };
	const struct pt_txn txn = { &saw, 1, &write, 1 };
	int r = pt_race_check_id(id, err);

	r = r < 0 ? r : pt_store_lease(store, UNBORN_S, &write.lease, err);
	if (r < 0)
		return r;
	/* it is written for good, whatever an earlier sending of it has done: asked again until somebody answers */
	r = -ETIMEDOUT;
	for (unsigned i = 0; i < PT_RACE_QUESTIONS && r == -ETIMEDOUT; i++) {
		PT_AUTO(pt_records) now = { 0 };

		if (i)
			pt_race_pause(100);
		r = pt_store_commit(store, &txn, NULL, &now, err);
	}
	if (r == -EACCES)
		pt_hint(err, "`passthru fleet add-user`, said again, gives the rights that this version uses");
	return r;
}

/* 1 it is over, 0 not yet */
static int heard_the_end(const struct pt_changes *changes, const char *key, struct pt_ack *ret, struct pt_error *err)
{
	const struct pt_record *record = NULL;
	PT_AUTO(pt_ack) ack = { 0 };
	int r;

	for (size_t i = 0; i < changes->records.n; i++)
		if (strcmp(changes->records.v[i].key, key) == 0)
			record = &changes->records.v[i];
	/* somebody else has ended it meanwhile */
	if (!record ? changes->whole : !record->value)
		return 1;
	if (!record)
		return 0;
	r = pt_ack_read(record->value, key, &ack, err);
	if (r < 0)
		return r;
	pt_ack_done(ret);
	*ret = pt_take(ack);
	return ret->state == PT_ACK_RELEASED || ret->state == PT_ACK_FAILED;
}

int pt_fleet_release_wait(struct pt_store *store, const struct pt_claim *claim, unsigned timeout_ms,
			  struct pt_ack *ret_ack, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("acks/%s/%s", claim->host, claim->id);
	long long until = pt_watch_now_ms() + timeout_ms;
	struct pt_store_watch *watch = NULL;
	PT_AUTO(pt_claim) gone = { 0 };
	int r = pt_store_watch(store, key, 0, &watch, err);

	while (r == 0) {
		long long left = until - pt_watch_now_ms();
		PT_AUTO(pt_changes) changes = { 0 };

		if (left <= 0)
			break;
		r = pt_store_watch_next(watch, (int)left, &changes, err);
		if (r == 1)
			r = heard_the_end(&changes, key, ret_ack, err);
	}
	pt_store_watch_close(watch);
	if (r != 1)
		return r;
	r = pt_fleet_release(store, claim->id, &gone, err);
	return r < 0 ? r : r != PT_RELEASE_MARKED;
}
