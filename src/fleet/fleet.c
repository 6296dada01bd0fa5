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
	free(h->wrong_facts);
	free(h->wrong_held);
	free(h->wrong_alive);
	free(h->note);
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

/* one record that is well again does not make the other one so */
static void set_wrong(struct pt_fleet_host *h)
{
	pt_strset(&h->wrong, h->wrong_facts ? h->wrong_facts : h->wrong_held ? h->wrong_held : h->wrong_alive);
}

void pt_fleet_take_held(struct pt_fleet_host *h, const struct pt_record *record)
{
	struct pt_error why = { 0 };

	unmark(h);
	h->stale = true;
	pt_holds_done(&h->holds);
	h->held = record->revision;
	pt_strset(&h->wrong_held, NULL);
	if (record->value && pt_holds_read(record->value, record->key, &h->holds, &why) < 0)
		pt_strset(&h->wrong_held, why.msg);
	set_wrong(h);
	mark(h);
}

void pt_fleet_take_facts(struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_record *record)
{
	PT_AUTO(pt_host_record) read = { 0 };
	struct pt_error why = { 0 };
	int r = 0;

	pt_inv_host_done(&h->host);
	h->host = (struct pt_inv_host){ 0 };
	pt_strset(&h->wrong_facts, NULL);
	pt_strset(&h->note, NULL);
	h->stale = true;
	h->facts = record->revision;
	h->agent = false;
	if (!record->value) {
		pt_strset(&h->wrong_facts, "it has published nothing");
	} else {
		r = pt_host_record_read(record->value, record->key, &read, &why);
		if (r == 0 && !pt_streq(read.host.name, h->name))
			r = pt_say(&why, -EBADMSG, "%s: it is the record of another host", record->key);
		if (r == 0)
			r = rules_of(f, &read, &h->rules, &why);
		if (r < 0)
			pt_strset(&h->wrong_facts, why.msg);
		else
			h->host = pt_take(read.host);
		pt_strset(&h->note, read.note);
		h->agent = r == 0 && read.agent;
	}
	set_wrong(h);
	/* answers name the host by it, whatever is wrong */
	if (!h->host.name)
		h->host.name = pt_strdup(h->name);
	mark(h);
}

void pt_fleet_take_alive(struct pt_fleet_host *h, const struct pt_record *record)
{
	PT_AUTO(pt_alive) is = { 0 };

	h->alive = record->value != NULL;
	h->stale = true;
	pt_strset(&h->wrong_alive, NULL);
	/* one that is not understood says that somebody is there, and no more */
	if (record->value && pt_alive_read(record->value, record->key, &is, NULL) == 0 && is.deaf)
		h->wrong_alive = pt_strf("it takes nothing new: %s", is.deaf);
	set_wrong(h);
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

/* by hand where an agent publishes: it would take away what the agent knows, and that the host is lost */
static int check_agent(const struct pt_host_record *record, const struct pt_record *now, const struct pt_record *alive,
		       struct pt_error *err)
{
	PT_AUTO(pt_host_record) is = { 0 };
	bool agent = alive->value;
	int r;

	if (record->agent)
		return 0;
	if (!agent && now->value && pt_host_record_read(now->value, now->key, &is, NULL) == 0)
		agent = is.agent;
	if (!agent)
		return 0;
	r = pt_refuse(err, "published-by-agent",
		      "%s is published by its agent%s: what is written by hand would say less of it", record->host.name,
		      alive->value ? ", which runs" : ", which does not run now");
	pt_hint(err, "if passthrud is no longer to run there: stop it, and `passthru fleet withdraw %s` first",
		record->host.name);
	return r;
}

/* 1 written, 0 look again, 2 it said so already */
static int publish_once(struct pt_store *store, const struct pt_host_record *record, const char *key, const char *text,
			struct pt_error *err)
{
	pt_autofree char *alive_key = pt_strf("alive/%s", record->host.name);
	PT_AUTO(pt_record) now = { 0 };
	PT_AUTO(pt_record) alive = { 0 };
	struct pt_saw saw[2] = { { .key = key }, { .key = alive_key } };
	const struct pt_write write = { .key = key, .value = text };
	const struct pt_txn txn = { saw, record->agent ? 1 : 2, &write, 1 };
	int r = pt_store_get(store, key, &now, err);

	if (r >= 0 && !record->agent)
		r = pt_store_get(store, alive_key, &alive, err);
	r = r < 0 ? r : check_agent(record, &now, &alive, err);
	if (r < 0)
		return r;
	if (now.value && strcmp(now.value, text) == 0)
		return 2;
	saw[0].revision = now.revision;
	return pt_store_commit(store, &txn, NULL, NULL, err);
}

int pt_fleet_publish(struct pt_store *store, const struct pt_host_record *record, struct pt_error *err)
{
	pt_autofree char *text = pt_record_text(pt_host_record_json(record));
	pt_autofree char *key = pt_strf("facts/%s", record->host.name ? record->host.name : "");
	int r = pt_fleet_check_name(record->host.name, err);

	for (unsigned i = 0; r == 0 && i < ATTEMPTS; i++) {
		r = publish_once(store, record, key, text, err);
		if (r == 2)
			return i > 0;
		/* written or not, the record itself tells */
		if (r == -ETIMEDOUT && i + 1 < ATTEMPTS)
			r = 0;
	}
	return r ? r
		 : pt_say(err, -EBUSY, "%s is written by somebody else all the time: are there two such hosts?", key);
}

/* what its agent said of claims that are gone; a transaction has room for so many */
static int drop_words(struct pt_store *store, const char *name, const struct pt_saw *alive, struct pt_error *err)
{
	pt_autofree char *prefix = pt_strf("acks/%s/", name);
	PT_AUTO(pt_records) said = { 0 };
	int r = pt_store_list(store, prefix, &said, err);

	for (size_t i = 0; r >= 0 && i < said.n; i += PT_STORE_TXN_MAX) {
		struct pt_write writes[PT_STORE_TXN_MAX] = { 0 };
		struct pt_txn txn = { alive, 1, writes, 0 };

		while (txn.n_writes < PT_STORE_TXN_MAX && i + txn.n_writes < said.n) {
			writes[txn.n_writes].key = said.v[i + txn.n_writes].key;
			txn.n_writes++;
		}
		r = pt_store_commit(store, &txn, NULL, NULL, err);
	}
	return r < 0 ? r : 0;
}

int pt_fleet_withdraw(struct pt_store *store, const char *name, long long seen, struct pt_error *err)
{
	pt_autofree char *facts = pt_strf("facts/%s", name);
	pt_autofree char *held = pt_strf("held/%s", name);
	pt_autofree char *alive = pt_strf("alive/%s", name);
	const struct pt_saw dead = { alive, 0 };
	PT_AUTO(pt_record) was = { 0 };
	PT_AUTO(pt_record) now = { 0 };
	PT_AUTO(pt_record) lives = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	int r = pt_fleet_check_name(name, err);

	r = r < 0 ? r : pt_store_get(store, facts, &was, err);
	r = r < 0 ? r : pt_store_get(store, held, &now, err);
	r = r < 0 ? r : pt_store_get(store, alive, &lives, err);
	if (r < 0 || (!was.value && !now.value))
		return r < 0 ? r : 0;
	/* what the transaction below compares is then what was named */
	if (seen && was.revision != seen)
		return pt_say(err, -ESTALE, "the record of %s has changed since it was seen", name);
	if (now.value && pt_holds_read(now.value, held, &holds, err) < 0)
		return -EBADMSG;
	if (lives.value) {
		r = pt_say(err, -EBUSY, "the agent of %s runs, and would publish it again", name);
		pt_hint(err, "stop passthrud there first");
		return r;
	}
	if (holds.n) {
		r = pt_say(err, -EBUSY, "%s of %s's devices are claimed, the first by %s",
			   holds.n == 1 ? "one" : "some", name, holds.v[0].id);
		pt_hint(err, "passthru claims --host %s lists them; release them first", name);
		return r;
	}
	{
		const struct pt_saw saw[] = { { facts, was.revision }, { held, now.revision }, dead };
		const struct pt_write writes[] = { { facts, NULL, 0 }, { held, NULL, 0 } };
		const struct pt_txn txn = { saw, 3, writes, 2 };

		r = pt_store_commit(store, &txn, NULL, NULL, err);
	}
	if (r == 0)
		return pt_say(err, -EBUSY, "%s was changed meanwhile: try again", name);
	r = r < 0 ? r : drop_words(store, name, &dead, err);
	return r < 0 ? r : 1;
}

int pt_fleet_count(const struct pt_fleet *f, const struct pt_fleet_host *h, struct pt_fleet_counts *ret,
		   struct pt_error *err)
{
	PT_AUTO(pt_view) view = { 0 };
	struct pt_fleet_counts n = { 0 };
	int r = pt_view_make(&f->rules.v[h->rules].rules, &h->host, &view, err);

	for (size_t i = 0; i < h->host.n && r >= 0; i++) {
		n.offered += view.spec[i] >= 0;
		n.free += view.spec[i] >= 0 && pt_view_is_free(&view, i) && !pt_fleet_is_lost(h);
	}
	*ret = n;
	return r < 0 ? r : 0;
}

const char *pt_fleet_agent_str(const struct pt_fleet_host *h)
{
	return !h->agent ? NULL : h->alive ? "alive" : "lost";
}
