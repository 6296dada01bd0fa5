/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "store/backend.h"

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/-"

void pt_record_done(struct pt_record *r)
{
	free(r->key);
	free(r->value);
	*r = (struct pt_record){ 0 };
}

void pt_records_done(struct pt_records *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_record_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_records){ 0 };
}

static int by_key(const void *key, const void *record)
{
	return strcmp(key, ((const struct pt_record *)record)->key);
}

const struct pt_record *pt_records_find(const struct pt_records *l, const char *key)
{
	return l->n ? bsearch(key, l->v, l->n, sizeof(*l->v), by_key) : NULL;
}

void pt_changes_done(struct pt_changes *c)
{
	pt_records_done(&c->records);
	free(c->missed);
	*c = (struct pt_changes){ 0 };
}

char *pt_prefix_end(const char *prefix)
{
	/* keys and prefixes are of KEY_CHARS: behind all of them, and the last byte is never the highest */
	char *end = pt_strdup(*prefix ? prefix : "~");

	if (*prefix)
		end[strlen(end) - 1]++;
	return end;
}

int pt_store_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err)
{
	return config->backend == PT_STORE_ETCD ? pt_store_etcd_open(config, ret_store, err)
						: pt_store_sqlite_open(config, ret_store, err);
}

void pt_store_close(struct pt_store *store)
{
	if (store)
		store->ops->close(store);
}

const char *pt_store_name(const struct pt_store *store)
{
	return store->name;
}

static int check_key(const char *key, const char *what, struct pt_error *err)
{
	size_t n = strlen(key);

	if (n == 0 || n > PT_STORE_KEY_MAX)
		return pt_usage(err, -EINVAL, "a %s of the store has 1 to %d bytes, not %zu", what, PT_STORE_KEY_MAX,
				n);
	if (strspn(key, KEY_CHARS) != n)
		return pt_usage(err, -EINVAL, "the %s '%s' of the store: only A-Z a-z 0-9 . _ : @ / - are allowed",
				what, key);
	return 0;
}

int pt_store_get(struct pt_store *store, const char *key, struct pt_record *ret_record, struct pt_error *err)
{
	int r = check_key(key, "key", err);

	return r < 0 ? r : store->ops->get(store, key, ret_record, err);
}

int pt_store_list(struct pt_store *store, const char *prefix, struct pt_records *ret_records, struct pt_error *err)
{
	/* none is that of all */
	int r = *prefix ? check_key(prefix, "prefix", err) : 0;

	return r < 0 ? r : store->ops->list(store, prefix, ret_records, err);
}

static int check_txn(const struct pt_txn *txn, struct pt_error *err)
{
	int r = 0;

	if (txn->n_writes == 0 || txn->n_writes > PT_STORE_TXN_MAX || txn->n_saw > PT_STORE_TXN_MAX)
		return pt_usage(err, -E2BIG, "a transaction with %zu writes and %zu comparisons: 1 to %d are allowed",
				txn->n_writes, txn->n_saw, PT_STORE_TXN_MAX);
	for (size_t i = 0; i < txn->n_saw && r == 0; i++)
		r = check_key(txn->saw[i].key, "key", err);
	for (size_t i = 0; i < txn->n_writes && r == 0; i++) {
		const struct pt_write *w = &txn->writes[i];

		r = check_key(w->key, "key", err);
		if (r == 0 && w->value && strlen(w->value) > PT_STORE_VALUE_MAX)
			r = pt_say(err, -E2BIG, "%s is too large for the store: %zu bytes, %zu are allowed", w->key,
				   strlen(w->value), PT_STORE_VALUE_MAX);
		/* etcd refuses such a transaction, SQLite would take the last */
		for (size_t k = 0; k < i && r == 0; k++)
			if (strcmp(txn->writes[k].key, w->key) == 0)
				r = pt_usage(err, -EINVAL, "a transaction that writes %s twice", w->key);
	}
	return r;
}

int pt_store_commit(struct pt_store *store, const struct pt_txn *txn, long long *ret_revision,
		    struct pt_records *ret_now, struct pt_error *err)
{
	struct pt_records now = { 0 };
	long long revision = 0;
	int r = check_txn(txn, err);

	if (r == 0)
		r = store->ops->commit(store, txn, &revision, &now, err);
	if (r == 1 && ret_revision)
		*ret_revision = revision;
	if (r == 0 && ret_now)
		*ret_now = pt_take(now);
	pt_records_done(&now);
	return r;
}

int pt_store_lease(struct pt_store *store, unsigned ttl_s, long long *ret_lease, struct pt_error *err)
{
	if (ttl_s == 0 || ttl_s > 1000000)
		return pt_usage(err, -EINVAL, "a lease of %u seconds: 1 to 1000000 are allowed", ttl_s);
	return store->ops->lease(store, ttl_s, ret_lease, err);
}

int pt_store_keep(struct pt_store *store, long long lease, struct pt_error *err)
{
	return store->ops->keep(store, lease, err);
}

int pt_store_end(struct pt_store *store, long long lease, struct pt_error *err)
{
	return store->ops->end(store, lease, err);
}

int pt_store_watch(struct pt_store *store, const char *prefix, long long since, struct pt_store_watch **ret_watch,
		   struct pt_error *err)
{
	struct pt_store_watch *w = NULL;
	/* none is that of all */
	int r = *prefix ? check_key(prefix, "prefix", err) : 0;

	if (r == 0)
		r = store->ops->watch(store, &w, err);
	if (r < 0)
		return r;
	assert(w);
	w->store = store;
	w->prefix = pt_strdup(prefix);
	w->since = since;
	*ret_watch = w;
	return 0;
}

int pt_store_watch_next(struct pt_store_watch *w, int timeout_ms, struct pt_changes *ret_changes, struct pt_error *err)
{
	PT_AUTO(pt_changes) changes = { 0 };
	int r = w->store->ops->watch_next(w, timeout_ms, &changes, err);

	if (r == 1)
		*ret_changes = pt_take(changes);
	return r;
}

const char *pt_store_watch_trouble(const struct pt_store_watch *w)
{
	return w->trouble;
}

void pt_store_watch_close(struct pt_store_watch *w)
{
	const struct pt_store_ops *ops;

	if (!w)
		return;
	ops = w->store->ops;
	free(w->prefix);
	free(w->trouble);
	ops->watch_close(w);
}

static int no_users(const struct pt_store *store, struct pt_error *err)
{
	int r = pt_usage(err, -EOPNOTSUPP, "%s is one host's own: it has no users", store->name);

	pt_hint(err, "[store] backend = etcd is for a fleet; who may read this file may use it");
	return r;
}

int pt_store_user_put(struct pt_store *store, const struct pt_store_user *user, struct pt_error *err)
{
	return store->ops->user_put ? store->ops->user_put(store, user, err) : no_users(store, err);
}

int pt_store_user_drop(struct pt_store *store, const char *name, const char *role, bool own_role, struct pt_error *err)
{
	return store->ops->user_drop ? store->ops->user_drop(store, name, role, own_role, err) : no_users(store, err);
}

int pt_store_users_on(struct pt_store *store, struct pt_error *err)
{
	return store->ops->users_on ? store->ops->users_on(store, err) : no_users(store, err);
}
