/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/agent.h"

#include <errno.h>

#include "base/cleanup.h"
#include "fleet/race.h"
#include "shape/claim.h"

int pt_fleet_alive_begin(struct pt_store *store, const char *host, const struct pt_alive *alive, unsigned ttl_s,
			 long long *ret_lease, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("alive/%s", host);
	pt_autofree char *text = pt_record_text(pt_alive_json(alive));
	struct pt_write write = { .key = key, .value = text };
	const struct pt_txn txn = { NULL, 0, &write, 1 };
	int r = pt_store_lease(store, ttl_s, &write.lease, err);

	if (r < 0)
		return r;
	r = pt_store_commit(store, &txn, NULL, NULL, err);
	if (r < 0) {
		/* a lease that nobody keeps ends by itself */
		(void)pt_store_end(store, write.lease, NULL);
		return r;
	}
	*ret_lease = write.lease;
	return 0;
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

int pt_fleet_ack_take(struct pt_store *store, const char *host, const struct pt_ack *ack, long long claim,
		      long long acked, struct pt_error *err)
{
	pt_autofree char *claim_key = pt_strf("claims/%s", ack->id);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *text = pt_record_text(pt_ack_json(ack));
	const struct pt_saw saw[] = { { claim_key, claim }, { ack_key, acked } };
	const struct pt_write write = { ack_key, text, 0 };
	const struct pt_txn txn = { saw, 2, &write, 1 };

	return pt_store_commit(store, &txn, NULL, NULL, err);
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

int pt_fleet_ack_put(struct pt_store *store, const char *host, const struct pt_ack *ack, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *text = pt_record_text(pt_ack_json(ack));
	const struct pt_write write = { key, text, 0 };
	const struct pt_txn txn = { NULL, 0, &write, 1 };
	PT_AUTO(pt_record) now = { 0 };
	int r = pt_store_get(store, key, &now, err);

	if (r < 0 || says_so(&now, ack))
		return r < 0 ? r : 0;
	return pt_store_commit(store, &txn, NULL, NULL, err);
}

int pt_fleet_ack_drop(struct pt_store *store, const char *host, const char *id, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("acks/%s/%s", host, id);
	const struct pt_write write = { key, NULL, 0 };
	const struct pt_txn txn = { NULL, 0, &write, 1 };

	return pt_store_commit(store, &txn, NULL, NULL, err);
}

static int give_back(struct pt_store *store, const char *host, const struct pt_ack *ack, struct pt_error *err)
{
	pt_autofree char *held_key = pt_strf("held/%s", host);
	pt_autofree char *ack_key = pt_strf("acks/%s/%s", host, ack->id);
	pt_autofree char *ack_text = pt_record_text(pt_ack_json(ack));
	pt_autofree char *held_text = NULL;
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	struct pt_saw saw = { held_key, 0 };
	struct pt_write writes[] = { { .key = ack_key, .value = ack_text }, { .key = held_key } };
	const struct pt_txn txn = { &saw, 1, writes, 2 };
	int r = pt_store_get(store, held_key, &held, err);

	if (r == 1)
		r = pt_holds_read(held.value, held_key, &holds, err);
	if (r < 0)
		return r;
	(void)pt_holds_drop(&holds, ack->id);
	saw.revision = held.revision;
	held_text = pt_record_text(pt_holds_json(&holds));
	writes[1].value = held_text;
	return pt_store_commit(store, &txn, NULL, NULL, err);
}

int pt_fleet_ack_released(struct pt_store *store, const char *host, const struct pt_ack *ack, struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		r = give_back(store, host, ack, err);
		if (r == 0)
			pt_race_pause(i);
	}
	return r ? r : pt_say(err, -EBUSY, "others were faster %d times: %s is still held", PT_RACES, ack->id);
}
