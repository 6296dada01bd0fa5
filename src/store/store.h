/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a host, or a fleet, keeps what everybody must agree on: records with a revision each, changed by transactions
 * that compare what their maker saw.  SQLite on one host, etcd for many; callers cannot tell.  Decides nothing, and
 * knows no record's meaning: fleet/ does.
 *
 * A revision counts the store's transactions.  A record that was not there has revision 0.
 */
#ifndef PT_STORE_STORE_H
#define PT_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/storeconf.h"

/* most of one value: etcd takes requests of 1.5 MiB, and a record travels in base64 */
#define PT_STORE_VALUE_MAX ((size_t)1 << 20)
#define PT_STORE_KEY_MAX   512
/* most comparisons and writes of one transaction; etcd's own limit is 128 */
#define PT_STORE_TXN_MAX 100

/**
 * struct pt_record - owns its strings
 * @value: text, JSON as far as this project writes it; NULL: there is no such record (any more)
 * @revision: of the transaction that wrote it; 0 when there is none; among changes, of the one that removed it
 */
struct pt_record {
	char *key;
	char *value;
	long long revision;
};

/* @revision: of the store when this was read; what a watch goes on from */
struct pt_records {
	struct pt_record *v;
	size_t n;
	size_t cap;
	long long revision;
};

void pt_record_done(struct pt_record *record);
void pt_records_done(struct pt_records *list);
/* pt_records_find() - by key; NULL when it is not in the list; of a list that is sorted by key */
const struct pt_record *pt_records_find(const struct pt_records *list, const char *key);

/* what a decision saw: 0 when there was no such record */
struct pt_saw {
	const char *key;
	long long revision;
};

/* @value: NULL removes the record; @lease: 0, or the record goes when that lease ends */
struct pt_write {
	const char *key;
	const char *value;
	long long lease;
};

/* all is borrowed */
struct pt_txn {
	const struct pt_saw *saw;
	size_t n_saw;
	const struct pt_write *writes;
	size_t n_writes;
};

struct pt_store;

/** pt_store_open() - @config is copied; -EINVAL for what makes no sense, else as pt_db_open(); etcd is not asked yet */
int pt_store_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err);
void pt_store_close(struct pt_store *store); /* NULL is allowed */

/* pt_store_name() - "/var/lib/passthru/store.db", "etcd at https://a:2379": for messages */
const char *pt_store_name(const struct pt_store *store);

/**
 * pt_store_get() - one record
 *
 * Return: 1, or 0 when there is none (@ret_record then has its key and no value); as all that read:
 * -EHOSTUNREACH when no member answers, -EACCES when this user may not, -EREMCHG when this is another cluster than
 * before (or than configured), -EBADMSG when what comes back is not understood.
 */
int pt_store_get(struct pt_store *store, const char *key, struct pt_record *ret_record, struct pt_error *err);

/** pt_store_list() - the records whose key begins with @prefix ("": all), sorted by key, as they were at one revision
 */
int pt_store_list(struct pt_store *store, const char *prefix, struct pt_records *ret_records, struct pt_error *err);

/**
 * pt_store_commit() - write if everything is as it was seen
 * @ret_revision: of what was written, when it was; NULL when not wanted
 * @ret_now: when it was not: the records of @saw, in that order, as they are now; NULL when not wanted
 *
 * Return: 1 written and on disk; 0 something is not as it was seen, and nothing was written.  What is between, a proxy,
 * may send a request twice: 0 can also mean that the first sending was written; who must know looks for an id of its
 * own in @now.
 * -ETIMEDOUT: unknown.  It may be written, now or later, until one of the @saw records changes.
 * -ENOSPC the store is full, -E2BIG a value or the whole is too large, -ENOKEY a lease has ended: nothing was written;
 * else as pt_store_get(), and nothing was written.
 */
int pt_store_commit(struct pt_store *store, const struct pt_txn *txn, long long *ret_revision,
		    struct pt_records *ret_now, struct pt_error *err);

/** pt_store_lease() - a lease of @ttl_s seconds, from now on; records written with it go when it ends */
int pt_store_lease(struct pt_store *store, unsigned ttl_s, long long *ret_lease, struct pt_error *err);
/** pt_store_keep() - begin its time anew; 1, or 0 when it has ended already */
int pt_store_keep(struct pt_store *store, long long lease, struct pt_error *err);
/** pt_store_end() - end it now, with its records; 1, or 0 when it has ended already */
int pt_store_end(struct pt_store *store, long long lease, struct pt_error *err);

struct pt_store_watch;

/**
 * struct pt_changes - what has changed; owns its records
 * @whole: these are all records that there are, after a watch began at 0 or had missed something: forget all others
 * @missed: why, when it had missed something; NULL at the beginning
 */
struct pt_changes {
	struct pt_records records;
	bool whole;
	char *missed;
};

void pt_changes_done(struct pt_changes *changes);

/**
 * pt_store_watch() - hear of changes below @prefix ("": of all)
 * @since: what was seen already, a revision; 0: begin with everything that there is
 *
 * What comes is where a record went, the last value it had: those between may be left out.
 */
int pt_store_watch(struct pt_store *store, const char *prefix, long long since, struct pt_store_watch **ret_watch,
		   struct pt_error *err);

/**
 * pt_store_watch_next() - wait for changes
 *
 * Reconnects, to other members too, and goes on where it was; lists anew what it missed.  Return: 1, 0 when
 * @timeout_ms has passed (also while no member answers: pt_store_watch_trouble() tells), or as pt_store_get() where
 * trying again does not help.
 */
int pt_store_watch_next(struct pt_store_watch *watch, int timeout_ms, struct pt_changes *ret_changes,
			struct pt_error *err);

/* pt_store_watch_trouble() - why it hears nothing at the moment, or NULL */
const char *pt_store_watch_trouble(const struct pt_store_watch *watch);

void pt_store_watch_close(struct pt_store_watch *watch); /* NULL is allowed; before the store's */

#endif
