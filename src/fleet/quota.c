/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/quota.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "fleet/race.h"
#include "shape/claim.h"

void pt_quota_done(struct pt_quota *q)
{
	free(q->project);
	free(q->limit_key);
	free(q->used_key);
	json_decref(q->limits);
	json_decref(q->claims);
	*q = (struct pt_quota){ 0 };
}

int pt_quota_check_name(const char *name, struct pt_error *err)
{
	if (*name && strlen(name) <= 100 &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(name))
		return 0;
	return pt_usage(err, -EINVAL, "'%.80s' is no name for a project: letters, digits, '.', '-' and '_'", name);
}

int pt_quota_check_alias(const struct pt_pci_config *names, const char *alias, struct pt_error *err)
{
	PT_AUTO(pt_rules) rules = { .report_in_placement = false };
	const struct pt_pci_config only = { .alias = names->alias };
	PT_AUTO(pt_request) request = { .alias = pt_strf("%s:1", alias) };
	int r;

	if (!*alias || strpbrk(alias, ",:"))
		return pt_usage(err, -EINVAL, "'%.80s' is no name of an alias", alias);
	r = pt_rules_compile(&only, &rules, NULL, err);
	return r < 0 ? r : pt_pci_alias_expand(&rules.aliases, &request, err);
}

/* an object of names and numbers */
static bool is_counts(json_t *o)
{
	const char *name;
	json_t *n;

	if (!json_is_object(o))
		return false;
	json_object_foreach(o, name, n)
	{
		if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > PT_COUNT_MAX)
			return false;
	}
	return true;
}

static int read_limit(struct pt_store *store, struct pt_quota *q, struct pt_error *err)
{
	PT_AUTO(pt_record) record = { 0 };
	json_t *o;
	int r = pt_store_get(store, q->limit_key, &record, err);

	if (r != 1)
		return r;
	o = json_loads(record.value, JSON_REJECT_DUPLICATES, NULL);
	q->limits = json_incref(json_object_get(o, "limits"));
	q->limit = record.revision;
	json_decref(o);
	if (is_counts(q->limits))
		return 1;
	return pt_say(err, -EBADMSG, "%s is not understood: `passthru fleet limit` writes it anew", q->limit_key);
}

static int read_used(struct pt_store *store, struct pt_quota *q, struct pt_error *err)
{
	PT_AUTO(pt_record) record = { 0 };
	const char *id;
	json_t *counts;
	int r = pt_store_get(store, q->used_key, &record, err);

	if (r < 0)
		return r;
	q->used = record.revision;
	q->claims = record.value ? json_loads(record.value, JSON_REJECT_DUPLICATES, NULL) : json_object();
	if (!json_is_object(q->claims))
		return pt_say(err, -EBADMSG, "%s is not understood", q->used_key);
	json_object_foreach(q->claims, id, counts)
	{
		if (!pt_claim_id_valid(id) || !is_counts(counts))
			return pt_say(err, -EBADMSG, "%s is not understood", q->used_key);
	}
	return 0;
}

/* what a claim counts for, by alias */
static json_t *counts_of(const struct pt_claim *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->devices.n; i++) {
		const char *alias = c->devices.v[i].alias;

		if (alias)
			(void)json_object_set_new(o, alias,
						  json_integer(json_integer_value(json_object_get(o, alias)) + 1));
	}
	return o;
}

/*
 * The limit is new, and nothing is counted: claims from before it do not count yet.  Until there is a record of what is
 * used nobody claims for this project, and what was claimed before the limit was written is all there: so a list of the
 * claims is complete.
 */
static int count(struct pt_store *store, struct pt_quota *q, struct pt_error *err)
{
	const struct pt_saw saw[] = { { q->limit_key, q->limit }, { q->used_key, 0 } };
	struct pt_write write = { .key = q->used_key };
	const struct pt_txn txn = { saw, 2, &write, 1 };
	struct pt_claims_list l = { 0 };
	pt_autofree char *used = NULL;
	int r = pt_fleet_claims(store, &l, err);

	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (pt_streq(l.v[i].project, q->project))
			(void)json_object_set_new(q->claims, l.v[i].id, counts_of(&l.v[i]));
	pt_claims_list_done(&l);
	if (r < 0)
		return r;
	used = pt_record_text(json_incref(q->claims));
	write.value = used;
	r = pt_store_commit(store, &txn, NULL, NULL, err);
	/* written, by this one or by another: it is read anew */
	return r == -ETIMEDOUT || r == 1 ? 0 : r;
}

/* 1 read, 0 it is counted now: read anew */
static int read_once(struct pt_store *store, const char *project, struct pt_quota *q, struct pt_error *err)
{
	int r;

	q->project = pt_strdup(project);
	q->limit_key = pt_strf("quota/limit/%s", project);
	q->used_key = pt_strf("quota/used/%s", project);
	r = read_limit(store, q, err);
	if (r != 1)
		return r < 0 ? r : 1;
	r = read_used(store, q, err);
	if (r < 0 || q->used)
		return r < 0 ? r : 1;
	return count(store, q, err);
}

int pt_quota_read(struct pt_store *store, const char *project, struct pt_quota *ret, struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		PT_AUTO(pt_quota) q = { 0 };

		r = read_once(store, project, &q, err);
		if (r == 1)
			*ret = pt_take(q);
		if (r == 0)
			pt_race_pause(i);
	}
	if (r == 0)
		return pt_say(err, -EBUSY, "the limits of project %s change all the time", project);
	return r < 0 ? r : 0;
}

unsigned pt_quota_count(const struct pt_quota *q, const char *alias)
{
	unsigned n = 0;
	const char *id;
	json_t *counts;

	json_object_foreach(q->claims, id, counts) n += (unsigned)json_integer_value(json_object_get(counts, alias));
	return n;
}

bool pt_quota_allows(const struct pt_quota *q, const struct pt_request *request, const char *id, char **ret_why)
{
	const char *alias;
	json_t *limit;

	json_object_foreach(q->limits, alias, limit)
	{
		uint64_t wanted = 0;
		uint64_t has;

		for (size_t i = 0; i < request->asks.n; i++)
			wanted += pt_streq(request->asks.v[i].alias, alias) ? request->asks.v[i].count : 0;
		/* its own earlier sending is the same claim */
		has = pt_quota_count(q, alias) -
		      (uint64_t)json_integer_value(json_object_get(json_object_get(q->claims, id), alias));
		if (!wanted || has + wanted <= (uint64_t)json_integer_value(limit))
			continue;
		if (ret_why)
			*ret_why = pt_strf("project %s may have %lld %s: it has %llu, and %llu more are asked for",
					   q->project, (long long)json_integer_value(limit), alias,
					   (unsigned long long)has, (unsigned long long)wanted);
		return false;
	}
	return true;
}

/* 1 the claim is gone, or was given back and is ended here: whoever released it did not live to do it; 0 */
static int is_over(struct pt_store *store, const char *id, struct pt_error *err)
{
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_claim) gone = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	int r = pt_fleet_get(store, id, &c, NULL, err);

	if (r <= 0)
		return r < 0 ? r : 1;
	if (!c.releasing)
		return 0;
	r = pt_fleet_ack(store, c.host, id, &ack, NULL, err);
	if (r < 0 || ack.state != PT_ACK_RELEASED || r == 0)
		return r < 0 ? r : 0;
	r = pt_fleet_release(store, id, &gone, err);
	/* who may not end it counts it still */
	return r == 1 || r == 0;
}

int pt_quota_sweep(struct pt_store *store, struct pt_quota *q, struct pt_error *err)
{
	PT_AUTO(pt_strv) gone = { 0 };
	const char *id;
	json_t *counts;

	json_object_foreach(q->claims, id, counts)
	{
		int r = is_over(store, id, err);

		if (r < 0)
			return r;
		if (r == 1)
			pt_strv_add(&gone, id);
	}
	/* it was in the same transaction as its claim, which has ended since: it cannot come back by itself */
	for (size_t i = 0; i < gone.n; i++)
		(void)json_object_del(q->claims, gone.v[i]);
	return (int)gone.n;
}

char *pt_quota_with(const struct pt_quota *q, const struct pt_claim *c)
{
	json_t *claims = json_copy(q->claims);

	(void)json_object_set_new(claims, c->id, counts_of(c));
	return pt_record_text(claims);
}

int pt_quota_without(struct pt_store *store, const struct pt_claim *c, char **ret_key, long long *ret_revision,
		     char **ret_text, struct pt_error *err)
{
	PT_AUTO(pt_quota) q = { .used_key = pt_strf("quota/used/%s", c->project) };
	int r = pt_quota_check_name(c->project, err);

	r = r < 0 ? r : read_used(store, &q, err);
	if (r < 0 || !json_object_get(q.claims, c->id))
		return r;
	(void)json_object_del(q.claims, c->id);
	*ret_key = pt_take_ptr(q.used_key);
	*ret_revision = q.used;
	*ret_text = pt_record_text(json_incref(q.claims));
	return 1;
}

/* 1 written, 0 look again */
static int set_once(struct pt_store *store, const char *project, const char *alias, long n, struct pt_error *err)
{
	PT_AUTO(pt_quota) q = { .limit_key = pt_strf("quota/limit/%s", project) };
	pt_autofree char *used_key = pt_strf("quota/used/%s", project);
	pt_autofree char *text = NULL;
	struct pt_saw saw = { .key = q.limit_key };
	struct pt_write writes[] = { { .key = q.limit_key }, { .key = used_key } };
	struct pt_txn txn = { &saw, 1, writes, 1 };
	int r = read_limit(store, &q, err);

	/* one that nobody understands is written anew */
	if (r < 0 && r != -EBADMSG)
		return r;
	if (r != 1 || !is_counts(q.limits)) {
		json_decref(q.limits);
		q.limits = json_object();
	}
	saw.revision = q.limit;
	if (n < 0)
		(void)json_object_del(q.limits, alias);
	else
		(void)json_object_set_new(q.limits, alias, json_integer(n));
	/* the last one: what is counted is no longer kept */
	if (!json_object_size(q.limits)) {
		if (!q.limit)
			return 1;
		txn.n_writes = 2;
	} else {
		text = pt_record_text(json_pack("{s:O}", "limits", q.limits));
		writes[0].value = text;
	}
	return pt_store_commit(store, &txn, NULL, NULL, err);
}

int pt_quota_set(struct pt_store *store, const char *project, const char *alias, long n, struct pt_error *err)
{
	int r = pt_quota_check_name(project, err);

	if (r < 0)
		return r;
	if (n > PT_QUOTA_MAX)
		return pt_usage(err, -ERANGE, "a limit is 0 to %d", PT_QUOTA_MAX);
	for (unsigned i = 0; r == 0 && i < PT_RACES; i++) {
		r = set_once(store, project, alias, n, err);
		/* saying it twice does no harm */
		if (r == -ETIMEDOUT && i + 1 < PT_RACE_QUESTIONS)
			r = 0;
		if (r == 0)
			pt_race_pause(i);
	}
	return r == 1 ? 0 : r < 0 ? r : pt_say(err, -EBUSY, "the limits of project %s change all the time", project);
}

void pt_quotas_done(struct pt_quotas *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_quota_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_quotas){ 0 };
}

int pt_quota_list(struct pt_store *store, struct pt_quotas *ret, struct pt_error *err)
{
	PT_AUTO(pt_quotas) l = { 0 };
	PT_AUTO(pt_records) records = { 0 };
	int r = pt_store_list(store, "quota/limit/", &records, err);

	for (size_t i = 0; r >= 0 && i < records.n; i++) {
		struct pt_quota *q = pt_array_add(&l);

		r = pt_quota_read(store, records.v[i].key + strlen("quota/limit/"), q, err);
		/* what ended without this being told is forgotten before it is shown */
		if (r == 0)
			r = pt_quota_sweep(store, q, err);
	}
	if (r < 0)
		return r;
	*ret = pt_take(l);
	return 0;
}
