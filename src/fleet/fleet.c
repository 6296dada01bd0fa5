/* SPDX-License-Identifier: Apache-2.0 */
/* The view of a fleet, and the records of its hosts. */
#include "fleet/fleet.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fleet/queue.h"
#include "shape/claim.h"

/* how often a host's own record is tried against others who write it */
#define ATTEMPTS 8

static void host_done(struct pt_fleet_host *h)
{
	free(h->name);
	pt_inv_host_done(&h->host);
	pt_holds_done(&h->holds);
	free(h->wrong);
}

void pt_fleet_done(struct pt_fleet *f)
{
	for (size_t i = 0; i < f->hosts.n; i++)
		host_done(&f->hosts.v[i]);
	free(f->hosts.v);
	for (size_t i = 0; i < f->rules.n; i++) {
		free(f->rules.v[i].device_spec);
		pt_rules_done(&f->rules.v[i].rules);
		pt_index_done(&f->rules.v[i].index);
		free(f->rules.v[i].members.v);
	}
	free(f->rules.v);
	for (size_t i = 0; i < f->waiting.n; i++)
		pt_waiting_done(&f->waiting.v[i]);
	free(f->waiting.v);
	pt_rules_done(&f->names);
	*f = (struct pt_fleet){ 0 };
}

void pt_fleet_answers_done(struct pt_fleet_answers *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_host_answer_done(&l->v[i]);
	free(l->v);
	free(l->quota);
	*l = (struct pt_fleet_answers){ 0 };
}

static int by_name(const void *name, const void *host)
{
	return strcmp(name, ((const struct pt_fleet_host *)host)->name);
}

struct pt_fleet_host *pt_fleet_find_host(struct pt_fleet *f, const char *name)
{
	return f->hosts.n ? bsearch(name, f->hosts.v, f->hosts.n, sizeof(*f->hosts.v), by_name) : NULL;
}

/* the host's own device_spec with the claimer's aliases; an index into f->rules */
static int rules_of(struct pt_fleet *f, const struct pt_host_record *record, size_t *ret, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	json_t *json = pt_host_record_json(record);
	struct pt_pci_config config = { .device_spec = record->config.device_spec, .alias = f->aliases->alias };
	struct pt_fleet_rules *made;
	struct pt_rules rules = { 0 };
	int r;

	text = pt_record_text(json_incref(json_object_get(json, "device_spec")));
	json_decref(json);
	for (size_t i = 0; i < f->rules.n; i++) {
		if (strcmp(f->rules.v[i].device_spec, text) != 0)
			continue;
		*ret = i;
		return 0;
	}
	r = pt_rules_compile(&config, &rules, NULL, err);
	if (r < 0)
		return r;
	*ret = f->rules.n;
	made = pt_array_add(&f->rules);
	made->device_spec = pt_take_ptr(text);
	made->rules = rules;
	return 0;
}

/* who holds a device by a claim is its owner; one that the host itself names stays */
static void mark(struct pt_fleet_host *h)
{
	for (size_t i = 0; i < h->holds.n; i++) {
		int64_t at = pt_inv_host_find(&h->host, h->holds.v[i].bdf);

		if (at >= 0 && !h->host.v[at].owner)
			h->host.v[at].owner = pt_strdup(h->holds.v[i].id);
	}
}

static void unmark(struct pt_fleet_host *h)
{
	for (size_t i = 0; i < h->holds.n; i++) {
		int64_t at = pt_inv_host_find(&h->host, h->holds.v[i].bdf);

		if (at >= 0 && pt_streq(h->host.v[at].owner, h->holds.v[i].id))
			free(pt_take_ptr(h->host.v[at].owner));
	}
}

void pt_fleet_take_held(struct pt_fleet_host *h, const struct pt_record *record)
{
	struct pt_error why = { 0 };

	unmark(h);
	h->stale = true;
	pt_holds_done(&h->holds);
	h->held = record->revision;
	if (record->value && pt_holds_read(record->value, record->key, &h->holds, &why) < 0)
		pt_strset(&h->wrong, why.msg);
	mark(h);
}

void pt_fleet_take_facts(struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_record *record)
{
	PT_AUTO(pt_host_record) read = { 0 };
	struct pt_error why = { 0 };
	int r = 0;

	pt_inv_host_done(&h->host);
	h->host = (struct pt_inv_host){ 0 };
	pt_strset(&h->wrong, NULL);
	h->stale = true;
	h->facts = record->revision;
	h->agent = false;
	if (!record->value) {
		pt_strset(&h->wrong, "it has published nothing");
	} else {
		r = pt_host_record_read(record->value, record->key, &read, &why);
		if (r == 0 && !pt_streq(read.host.name, h->name))
			r = pt_say(&why, -EBADMSG, "%s: it is the record of another host", record->key);
		if (r == 0)
			r = rules_of(f, &read, &h->rules, &why);
		if (r < 0)
			pt_strset(&h->wrong, why.msg);
		else
			h->host = pt_take(read.host);
		h->agent = r == 0 && read.agent;
	}
	/* answers name the host by it, whatever is wrong */
	if (!h->host.name)
		h->host.name = pt_strdup(h->name);
	mark(h);
}

void pt_fleet_take_alive(struct pt_fleet_host *h, const struct pt_record *record)
{
	h->alive = record->value != NULL;
}

bool pt_fleet_is_lost(const struct pt_fleet_host *h)
{
	return h->agent && !h->alive;
}

/* @records: of keys that end in the host's name, after @prefix */
static void take_all(struct pt_fleet *f, const struct pt_records *records, const char *prefix,
		     void (*take)(struct pt_fleet_host *h, const struct pt_record *record))
{
	for (size_t i = 0; i < records->n; i++) {
		struct pt_fleet_host *h = pt_fleet_find_host(f, records->v[i].key + strlen(prefix));

		if (h)
			take(h, &records->v[i]);
	}
}

int pt_fleet_load(struct pt_store *store, const struct pt_pci_config *aliases, struct pt_fleet *ret_fleet,
		  struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { .store = store, .aliases = aliases };
	struct pt_pci_config names = { .alias = aliases->alias };
	PT_AUTO(pt_records) facts = { 0 };
	PT_AUTO(pt_records) held = { 0 };
	PT_AUTO(pt_records) alive = { 0 };
	int r = pt_rules_compile(&names, &f.names, NULL, err);

	r = r < 0 ? r : pt_store_list(store, "facts/", &facts, err);
	/* later than the facts: what differs is found when it is written */
	r = r < 0 ? r : pt_store_list(store, "held/", &held, err);
	r = r < 0 ? r : pt_store_list(store, "alive/", &alive, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < facts.n; i++) {
		struct pt_fleet_host *h = pt_array_add(&f.hosts);

		h->at = -1;
		h->name = pt_strdup(facts.v[i].key + strlen("facts/"));
		pt_fleet_take_facts(&f, h, &facts.v[i]);
	}
	take_all(&f, &held, "held/", pt_fleet_take_held);
	take_all(&f, &alive, "alive/", pt_fleet_take_alive);
	f.revision = facts.revision;
	/* last: who waits now came before what is asked on this view */
	r = pt_queue_load(&f, err);
	if (r < 0)
		return r;
	*ret_fleet = pt_take(f);
	return 0;
}

int pt_fleet_check_name(const char *name, struct pt_error *err)
{
	if (name && *name && strlen(name) <= 253 &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(name))
		return 0;
	return pt_usage(err, -EINVAL, "'%.80s' is no name for a host in a fleet: letters, digits, '.', '-' and '_'",
			name ? name : "");
}

int pt_fleet_publish(struct pt_store *store, const struct pt_host_record *record, struct pt_error *err)
{
	pt_autofree char *text = pt_record_text(pt_host_record_json(record));
	pt_autofree char *key = pt_strf("facts/%s", record->host.name ? record->host.name : "");
	int r = pt_fleet_check_name(record->host.name, err);

	for (unsigned i = 0; r == 0 && i < ATTEMPTS; i++) {
		PT_AUTO(pt_record) now = { 0 };
		struct pt_saw saw = { .key = key };
		struct pt_write write = { .key = key, .value = text };
		const struct pt_txn txn = { &saw, 1, &write, 1 };

		r = pt_store_get(store, key, &now, err);
		if (r < 0)
			return r;
		if (now.value && strcmp(now.value, text) == 0)
			return i > 0;
		saw.revision = now.revision;
		r = pt_store_commit(store, &txn, NULL, NULL, err);
		/* written or not, the record itself tells */
		if (r == -ETIMEDOUT && i + 1 < ATTEMPTS)
			r = 0;
	}
	return r ? r
		 : pt_say(err, -EBUSY, "%s is written by somebody else all the time: are there two such hosts?", key);
}

int pt_fleet_withdraw(struct pt_store *store, const char *name, struct pt_error *err)
{
	pt_autofree char *facts = pt_strf("facts/%s", name);
	pt_autofree char *held = pt_strf("held/%s", name);
	PT_AUTO(pt_record) was = { 0 };
	PT_AUTO(pt_record) now = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	int r = pt_fleet_check_name(name, err);

	r = r < 0 ? r : pt_store_get(store, facts, &was, err);
	r = r < 0 ? r : pt_store_get(store, held, &now, err);
	if (r < 0 || (!was.value && !now.value))
		return r;
	if (now.value && pt_holds_read(now.value, held, &holds, err) < 0)
		return -EBADMSG;
	if (holds.n) {
		r = pt_say(err, -EBUSY, "%s of %s's devices are claimed, the first by %s",
			   holds.n == 1 ? "one" : "some", name, holds.v[0].id);
		pt_hint(err, "passthru claims --host %s lists them; release them first", name);
		return r;
	}
	{
		const struct pt_saw saw[] = { { facts, was.revision }, { held, now.revision } };
		const struct pt_write writes[] = { { facts, NULL, 0 }, { held, NULL, 0 } };
		const struct pt_txn txn = { saw, 2, writes, 2 };

		r = pt_store_commit(store, &txn, NULL, NULL, err);
	}
	return r ? r : pt_say(err, -EBUSY, "%s was changed meanwhile: try again", name);
}
