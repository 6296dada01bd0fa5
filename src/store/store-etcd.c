/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a fleet: etcd, with its own revisions, transactions and leases; every read is linearizable. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "store/etcd.h"

#define PREFIX "/passthru/"
/* records of one answer while listing: a fleet's facts are more than one answer may be */
#define PAGE "200"
/* how often a list is begun anew when the cluster compacts away the revision that it reads */
#define LISTS 3

static struct pt_etcd_store *of(struct pt_store *store)
{
	return (struct pt_etcd_store *)store;
}

static json_t *encode(const char *text)
{
	pt_autofree char *coded = pt_base64_encode(text, strlen(text));

	return json_string(coded);
}

static json_t *encode_key(const struct pt_etcd_store *s, const char *key)
{
	pt_autofree char *full = pt_strf("%s%s", s->prefix, key);

	return encode(full);
}

static json_t *number(long long value)
{
	pt_autofree char *text = pt_strf("%lld", value);

	return json_string(text);
}

json_t *pt_etcd_range(const struct pt_etcd_store *s, const char *prefix)
{
	pt_autofree char *first = pt_strf("%s%s", s->prefix, prefix);
	pt_autofree char *stop = pt_prefix_end(first);

	return json_pack("{s:o, s:o}", "key", encode(first), "range_end", encode(stop));
}

/* decoded text; NULL when it is no text */
static char *decode(const json_t *text)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	const char *coded = json_string_value(text);

	/* the gateway leaves out what is empty */
	if (!text)
		return pt_strdup("");
	if (!coded || !pt_base64_append(&b, coded) || (b.n && strlen(b.s) != b.n))
		return NULL;
	return pt_buf_take(&b);
}

int pt_etcd_read_kv(const struct pt_etcd_store *s, const json_t *kv, struct pt_record *ret, struct pt_error *err)
{
	pt_autofree char *key = decode(json_object_get(kv, "key"));
	pt_autofree char *value = decode(json_object_get(kv, "value"));

	if (!key || !value || !pt_startswith(key, s->prefix))
		return pt_say(err, -EBADMSG, "%s: a record below %s is no text: it was not written by passthru",
			      s->store.name, s->prefix);
	ret->key = pt_strdup(key + strlen(s->prefix));
	ret->value = pt_take_ptr(value);
	ret->revision = pt_etcd_number(kv, "mod_revision");
	return 0;
}

/* a cluster that was restored from a backup keeps its id and loses its last transactions */
static int check_revision(struct pt_etcd_store *s, const json_t *answer, long long *ret_revision, struct pt_error *err)
{
	long long revision = pt_etcd_number(json_object_get(answer, "header"), "revision");

	if (revision < s->seen) {
		int r = pt_say(err, -EREMCHG,
			       "%s is at revision %lld, where %lld was seen: it was restored from a backup",
			       s->store.name, revision, s->seen);

		pt_hint(err, "what was written since that backup is lost; start again to go on with what there is");
		return r;
	}
	s->seen = revision;
	if (ret_revision)
		*ret_revision = revision;
	return 0;
}

static int kv(struct pt_etcd_store *s, const char *path, json_t *body, bool changes, json_t **ret_answer,
	      long long *ret_revision, struct pt_error *err)
{
	json_t *answer = NULL;
	int r = pt_etcd_call(&s->etcd, path, body, changes, &answer, err);

	json_decref(body);
	if (r == 0) {
		struct pt_error why = { 0 };

		r = check_revision(s, answer, ret_revision, &why);
		if (r < 0 && changes)
			r = pt_etcd_unknown(&s->etcd, why.msg, err);
		else if (r < 0 && err)
			*err = why;
	}
	if (r < 0) {
		json_decref(answer);
		return r;
	}
	pt_etcd_prove(&s->etcd);
	*ret_answer = answer;
	return 0;
}

static int read_kvs(const struct pt_etcd_store *s, const json_t *answer, struct pt_records *l, struct pt_error *err)
{
	const json_t *kvs = json_object_get(answer, "kvs");
	int r = 0;

	for (size_t i = 0; i < json_array_size(kvs) && r == 0; i++)
		r = pt_etcd_read_kv(s, json_array_get(kvs, i), pt_array_add(l), err);
	return r;
}

static int etcd_get(struct pt_store *store, const char *key, struct pt_record *ret, struct pt_error *err)
{
	PT_AUTO(pt_records) l = { 0 };
	struct pt_etcd_store *s = of(store);
	json_t *answer = NULL;
	int r = kv(s, "/v3/kv/range", json_pack("{s:o}", "key", encode_key(s, key)), false, &answer, NULL, err);

	if (r == 0)
		r = read_kvs(s, answer, &l, err);
	json_decref(answer);
	if (r < 0)
		return r;
	*ret = l.n ? pt_take(l.v[0]) : (struct pt_record){ .key = pt_strdup(key) };
	return l.n > 0;
}

int pt_etcd_probe(struct pt_etcd_store *s, const char *prefix, struct pt_error *err)
{
	json_t *body = pt_etcd_range(s, prefix);
	json_t *answer = NULL;
	int r;

	(void)json_object_set_new(body, "limit", json_string("1"));
	(void)json_object_set_new(body, "keys_only", json_true());
	r = kv(s, "/v3/kv/range", body, false, &answer, NULL, err);
	json_decref(answer);
	return r;
}

/* 1: there is more behind the last one */
static int list_page(struct pt_etcd_store *s, const char *prefix, struct pt_records *l, struct pt_error *err)
{
	json_t *body = pt_etcd_range(s, prefix);
	json_t *answer = NULL;
	long long revision = 0;
	int r;

	(void)json_object_set_new(body, "limit", json_string(PAGE));
	if (l->n) {
		/* the key after the last one is that one and a NUL: base64 of it is built by hand */
		pt_autofree char *full = pt_strf("%s%s", s->prefix, l->v[l->n - 1].key);
		pt_autofree char *next = pt_base64_encode(full, strlen(full) + 1);

		(void)json_object_set_new(body, "key", json_string(next));
		(void)json_object_set_new(body, "revision", number(l->revision));
	}
	r = kv(s, "/v3/kv/range", body, false, &answer, &revision, err);
	if (r == 0 && !l->n)
		l->revision = revision;
	if (r == 0)
		r = read_kvs(s, answer, l, err);
	if (r == 0)
		r = json_is_true(json_object_get(answer, "more"));
	json_decref(answer);
	return r;
}

int pt_etcd_list(struct pt_etcd_store *s, const char *prefix, struct pt_records *ret, struct pt_error *err)
{
	int r = -ESTALE;

	for (unsigned i = 0; i < LISTS && r == -ESTALE; i++) {
		PT_AUTO(pt_records) l = { 0 };

		do
			r = list_page(s, prefix, &l, err);
		while (r > 0);
		if (r == 0)
			*ret = pt_take(l);
	}
	return r;
}

static int etcd_list(struct pt_store *store, const char *prefix, struct pt_records *ret, struct pt_error *err)
{
	return pt_etcd_list(of(store), prefix, ret, err);
}

static json_t *write_op(const struct pt_etcd_store *s, const struct pt_write *w)
{
	json_t *op;

	if (!w->value)
		return json_pack("{s:{s:o}}", "request_delete_range", "key", encode_key(s, w->key));
	op = json_pack("{s:o, s:o}", "key", encode_key(s, w->key), "value", encode(w->value));
	if (w->lease)
		(void)json_object_set_new(op, "lease", number(w->lease));
	return json_pack("{s:o}", "request_put", op);
}

static json_t *txn_body(const struct pt_etcd_store *s, const struct pt_txn *txn)
{
	json_t *compare = json_array();
	json_t *success = json_array();

	for (size_t i = 0; i < txn->n_saw; i++)
		(void)json_array_append_new(
			compare, json_pack("{s:o, s:s, s:s, s:o}", "key", encode_key(s, txn->saw[i].key), "target",
					   "MOD", "result", "EQUAL", "mod_revision", number(txn->saw[i].revision)));
	for (size_t i = 0; i < txn->n_writes; i++)
		(void)json_array_append_new(success, write_op(s, &txn->writes[i]));
	return json_pack("{s:o, s:o}", "compare", compare, "success", success);
}

static int take_ranges(const struct pt_etcd_store *s, const json_t *answer, const struct pt_txn *txn,
		       struct pt_records *now, struct pt_error *err)
{
	const json_t *responses = json_object_get(answer, "responses");
	int r = 0;

	if (json_array_size(responses) != txn->n_saw)
		return pt_say(err, -EBADMSG, "%s answers a transaction with %zu parts, where %zu were asked for",
			      s->store.name, json_array_size(responses), txn->n_saw);
	for (size_t i = 0; i < txn->n_saw && r == 0; i++) {
		size_t before = now->n;

		r = read_kvs(s, json_object_get(json_array_get(responses, i), "response_range"), now, err);
		if (r == 0 && now->n == before)
			pt_array_add(now)->key = pt_strdup(txn->saw[i].key);
	}
	return r;
}

/*
 * The records that were compared, all of one revision.  A question of its own, for those who lost: as a part of the
 * transaction everybody who wins would pay for it.
 */
static int read_now(struct pt_etcd_store *s, const struct pt_txn *txn, struct pt_records *now, struct pt_error *err)
{
	json_t *ranges = json_array();
	json_t *answer = NULL;
	int r;

	for (size_t i = 0; i < txn->n_saw; i++)
		(void)json_array_append_new(
			ranges, json_pack("{s:{s:o}}", "request_range", "key", encode_key(s, txn->saw[i].key)));
	r = kv(s, "/v3/kv/txn", json_pack("{s:o}", "success", ranges), false, &answer, &now->revision, err);
	if (r == 0)
		r = take_ranges(s, answer, txn, now, err);
	json_decref(answer);
	return r;
}

/*
 * Once, and only where a question that reads was answered by the cluster that we know, not put back since: an answer
 * to the write itself would tell when it is too late.  That costs one question on each new connection.
 */
static int write_once(struct pt_etcd_store *s, const struct pt_txn *txn, long long *revision, json_t **ret_answer,
		      struct pt_error *err)
{
	const char *key = txn->n_saw ? txn->saw[0].key : txn->writes[0].key;
	int r = -ENOTCONN;

	for (unsigned i = 0; i < PT_ETCD_PROOFS && r == -ENOTCONN; i++) {
		PT_AUTO(pt_record) record = { 0 };

		r = kv(s, "/v3/kv/txn", txn_body(s, txn), true, ret_answer, revision, err);
		if (r != -ENOTCONN)
			break;
		r = etcd_get(&s->store, key, &record, err);
		r = r < 0 ? r : -ENOTCONN;
	}
	return r == -ENOTCONN
		       ? pt_say(err, -EHOSTUNREACH, "%s: connections end before anything can be sent", s->store.name)
		       : r;
}

static int etcd_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
		       struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	struct pt_error why = { 0 };
	json_t *answer = NULL;
	int r = write_once(s, txn, revision, &answer, err);

	if (r == -ENOENT && err)
		err->code = -ENOKEY;
	if (r < 0)
		return r == -ENOENT ? -ENOKEY : r;
	r = json_is_true(json_object_get(answer, "succeeded"));
	json_decref(answer);
	if (r == 0)
		r = read_now(s, txn, now, &why);
	/* something on the way may have sent it twice: then what is not as it was seen is its own work */
	return r < 0 ? pt_etcd_unknown(&s->etcd, why.msg, err) : r;
}

static int etcd_lease(struct pt_store *store, unsigned ttl_s, long long *lease, struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	json_t *body = json_pack("{s:o}", "TTL", number(ttl_s));
	json_t *answer = NULL;
	/* one that was granted and not heard of ends by itself: asking again does no harm */
	int r = pt_etcd_call(&s->etcd, "/v3/lease/grant", body, false, &answer, err);

	json_decref(body);
	if (r == 0)
		*lease = pt_etcd_number(answer, "ID");
	json_decref(answer);
	return r;
}

static int etcd_keep(struct pt_store *store, long long lease, struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	json_t *body = json_pack("{s:o}", "ID", number(lease));
	json_t *answer = NULL;
	int r = pt_etcd_call(&s->etcd, "/v3/lease/keepalive", body, false, &answer, err);

	json_decref(body);
	/* no time left is how etcd says that there is no such lease */
	if (r == 0)
		r = pt_etcd_number(json_object_get(answer, "result"), "TTL") > 0;
	json_decref(answer);
	return r == -ENOENT ? 0 : r;
}

static int etcd_end(struct pt_store *store, long long lease, struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	json_t *body = json_pack("{s:o}", "ID", number(lease));
	json_t *answer = NULL;
	int r = pt_etcd_call(&s->etcd, "/v3/lease/revoke", body, false, &answer, err);

	json_decref(body);
	json_decref(answer);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static void etcd_close(struct pt_store *store)
{
	struct pt_etcd_store *s = of(store);

	pt_etcd_done(&s->etcd);
	free(s->prefix);
	free(s->store.name);
	free(s);
}

static const struct pt_store_ops etcd_ops = {
	.close = etcd_close,
	.get = etcd_get,
	.list = etcd_list,
	.commit = etcd_commit,
	.lease = etcd_lease,
	.keep = etcd_keep,
	.end = etcd_end,
	.watch = pt_etcd_watch_open,
	.watch_next = pt_etcd_watch_next,
	.watch_close = pt_etcd_watch_close,
	.user_put = pt_etcd_user_put,
	.user_drop = pt_etcd_user_drop,
	.users_on = pt_etcd_users_on,
};

int pt_store_etcd_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err)
{
	const char *prefix = config->prefix ? config->prefix : PREFIX;
	struct pt_etcd_store *s;
	int r;

	if (!*prefix || !pt_endswith(prefix, "/"))
		return pt_usage(err, -EINVAL, "[store] prefix = %s: it must end in '/'", prefix);
	s = pt_alloc(sizeof(*s));
	s->store.ops = &etcd_ops;
	s->prefix = pt_strdup(prefix);
	r = pt_etcd_init(&s->etcd, config, err);
	if (r < 0) {
		etcd_close(&s->store);
		return r;
	}
	s->store.name = pt_strdup(s->etcd.name);
	*ret_store = &s->store;
	return 0;
}
