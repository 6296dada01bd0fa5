/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/agent.h"

#include <errno.h>

#include "base/cleanup.h"
#include "fleet/race.h"
#include "shape/claim.h"

static long long revision_of(const struct pt_record *record)
{
	return record->value ? record->revision : 0;
}

/* one that is not understood, or does not say which boot, is nobody's: it is written over */
static int refuse_other(const struct pt_record *record, const char *host, const char *boot, struct pt_error *err)
{
	PT_AUTO(pt_alive) is = { 0 };

	if (!record->value || !boot || pt_alive_read(record->value, record->key, &is, NULL) < 0 || !is.boot ||
	    strcmp(is.boot, boot) == 0)
		return 0;
	(void)pt_say(err, -EBUSY,
		     "%s is the name of another machine whose agent is heard of (boot %s), or of this one before its "
		     "last boot: then this passes within the lease",
		     host, is.boot);
	pt_hint(err,
		"two machines of one name would take each other's claims: give one another name, passthrud --name");
	return -EBUSY;
}

static int write_alive(struct pt_store *store, const char *host, const char *text, const struct pt_record *seen,
		       struct pt_alive_lease *l, struct pt_error *err)
{
	const struct pt_saw saw = { seen->key, revision_of(seen) };
	const struct pt_write write = { seen->key, text, l->lease };
	const struct pt_txn txn = { &saw, 1, &write, 1 };
	long long revision = 0;
	int r = pt_store_commit(store, &txn, &revision, NULL, err);

	if (r == 0)
		return pt_say(err, -ESTALE, "alive/%s was written by another one meanwhile", host);
	if (r == 1)
		l->revision = revision;
	return r < 0 ? r : 0;
}

int pt_fleet_alive_keep(struct pt_store *store, const char *host, const struct pt_alive *alive, unsigned ttl_s,
			struct pt_alive_lease *l, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("alive/%s", host);
	pt_autofree char *text = pt_record_text(pt_alive_json(alive));
	PT_AUTO(pt_record) seen = { 0 };
	int r = l->lease ? pt_store_keep(store, l->lease, err) : 0;

	/* it ended while this host was away: begun anew */
	if (r == 0)
		l->lease = 0;
	if (r >= 0)
		r = pt_store_get(store, key, &seen, err);
	if (r < 0)
		return r;
	r = refuse_other(&seen, host, alive->boot, err);
	if (r == 0 && l->lease && seen.value && seen.revision == l->revision && strcmp(seen.value, text) == 0)
		return 0;
	if (r == 0 && !l->lease)
		r = pt_store_lease(store, ttl_s, &l->lease, err);
	if (r == 0)
		r = write_alive(store, host, text, &seen, l, err);
	if (r < 0 && l->lease) {
		/* one that cannot be ended now ends by itself, with what was written with it */
		(void)pt_store_end(store, l->lease, NULL);
		l->lease = 0;
	}
	return r;
}

int pt_fleet_alive_other(struct pt_store *store, const char *host, const char *boot, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("alive/%s", host);
	PT_AUTO(pt_record) seen = { 0 };
	int r = boot ? pt_store_get(store, key, &seen, err) : 0;

	return r < 0 ? r : refuse_other(&seen, host, boot, err);
}

int pt_fleet_alive(struct pt_store *store, const char *host, struct pt_alive *ret, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("alive/%s", host);
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(store, key, &record, err);

	if (r == 1 && ret)
		r = pt_alive_read(record.value, key, ret, err);
	return r < 0 ? r : record.value != NULL;
}

int pt_fleet_ack(struct pt_store *store, const char *host, const char *id, struct pt_ack *ret, long long *ret_revision,
		 struct pt_error *err)
{
	pt_autofree char *key = pt_strf("acks/%s/%s", host, id);
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(store, key, &record, err);

	if (r == 1)
		r = pt_ack_read(record.value, key, ret, err);
	if (r < 0)
		return r;
	if (ret_revision)
		*ret_revision = record.revision;
	return record.value != NULL;
}

static int stale(const char *host, const char *id, struct pt_error *err)
{
	return pt_say(err, -ESTALE, "what acks/%s or claims/ says of %s is not what was read: it is looked at again",
		      host, id);
}

static int say(struct pt_store *store, const char *host, const struct pt_ack *ack, const struct pt_txn *txn,
	       long long *acked, struct pt_error *err)
{
	long long revision = 0;
	int r = pt_store_commit(store, txn, &revision, NULL, err);

	if (r == 1)
		*acked = revision;
	return r == 0 ? stale(host, ack->id, err) : r;
}

int pt_fleet_ack_take(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
		      long long *acked, struct pt_error *err)
{
	pt_autofree char *claim_key = pt_strf("claims/%s", ack->id);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *text = pt_record_text(pt_ack_json(ack));
	const struct pt_saw saw[] = { { claim_key, claim }, { ack_key, *acked } };
	const struct pt_write write = { ack_key, text, 0 };
	const struct pt_txn txn = { saw, 2, &write, 1 };

	return say(store, host, ack, &txn, acked, err);
}

/* the same but for the time */
static bool says_so(const struct pt_record *record, const struct pt_ack *ack)
{
	PT_AUTO(pt_ack) is = { 0 };

	if (!record->value || pt_ack_read(record->value, record->key, &is, NULL) < 0)
		return false;
	return is.state == ack->state && is.proved == ack->proved && is.change == ack->change &&
	       strcmp(is.reason ? is.reason : "", ack->reason ? ack->reason : "") == 0 &&
	       strcmp(is.vm ? is.vm : "", ack->vm ? ack->vm : "") == 0;
}

int pt_fleet_ack_put(struct pt_store *store, const char *host, const struct pt_ack *ack, long long *acked,
		     struct pt_error *err)
{
	pt_autofree char *key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *text = pt_record_text(pt_ack_json(ack));
	const struct pt_saw saw = { key, *acked };
	const struct pt_write write = { key, text, 0 };
	const struct pt_txn txn = { &saw, 1, &write, 1 };
	PT_AUTO(pt_record) now = { 0 };
	int r = pt_store_get(store, key, &now, err);

	if (r < 0)
		return r;
	if (revision_of(&now) != *acked)
		return stale(host, ack->id, err);
	if (says_so(&now, ack))
		return 0;
	return say(store, host, ack, &txn, acked, err);
}

int pt_fleet_ack_drop(struct pt_store *store, const char *host, const char *id, long long claim, long long acked,
		      struct pt_error *err)
{
	pt_autofree char *claim_key = pt_strf("claims/%s", id);
	pt_autofree char *key = pt_strf("acks/%s/%s", host, id);
	const struct pt_saw saw[] = { { claim_key, claim }, { key, acked } };
	const struct pt_write write = { key, NULL, 0 };
	const struct pt_txn txn = { saw, 2, &write, 1 };
	int r = pt_store_commit(store, &txn, NULL, NULL, err);

	return r == 0 ? stale(host, id, err) : r;
}

enum { SAW_HELD, SAW_CLAIM, SAW_ACK, SAWS };

static int give_back(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
		     long long acked, struct pt_error *err)
{
	pt_autofree char *held_key = pt_strf("held/%s", host);
	pt_autofree char *claim_key = pt_strf("claims/%s", ack->id);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *ack_text = pt_record_text(pt_ack_json(ack));
	pt_autofree char *held_text = NULL;
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_records) now = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	struct pt_saw saw[SAWS] = { [SAW_CLAIM] = { claim_key, claim }, [SAW_ACK] = { ack_key, acked } };
	struct pt_write writes[] = { { .key = ack_key, .value = ack_text }, { .key = held_key } };
	const struct pt_txn txn = { saw, SAWS, writes, 2 };
	int r = pt_store_get(store, held_key, &held, err);

	if (r == 1)
		r = pt_holds_read(held.value, held_key, &holds, err);
	if (r < 0)
		return r;
	(void)pt_holds_drop(&holds, ack->id);
	saw[SAW_HELD] = (struct pt_saw){ held_key, held.revision };
	held_text = pt_record_text(pt_holds_json(&holds));
	writes[1].value = held_text;
	r = pt_store_commit(store, &txn, NULL, &now, err);
	if (r == 0 && now.n == SAWS &&
	    (revision_of(&now.v[SAW_CLAIM]) != claim || revision_of(&now.v[SAW_ACK]) != acked))
		return stale(host, ack->id, err);
	return r;
}

int pt_fleet_ack_released(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
			  long long acked, struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		r = give_back(store, host, ack, claim, acked, err);
		if (r == 0)
			pt_race_pause(i);
	}
	return r ? r : pt_say(err, -EBUSY, "others were faster %d times: %s is still held", PT_RACES, ack->id);
}
