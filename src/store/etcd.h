/* SPDX-License-Identifier: Apache-2.0 */
/* What store-etcd.c and etcd-watch.c share.  Private to store/. */
#ifndef PT_STORE_ETCD_H
#define PT_STORE_ETCD_H

#include "store/backend.h"
#include "store/etcd-http.h"

/* how often a connection is looked for that a write can go out on */
#define PT_ETCD_PROOFS 4

/**
 * struct pt_etcd_store
 * @prefix: in front of every key
 * @seen: the highest revision that an answer to get, list or commit had: a lower one is another past
 */
struct pt_etcd_store {
	struct pt_store store;
	struct pt_etcd etcd;
	char *prefix;
	long long seen;
};

/* "key" and "range_end" of all keys that begin with @prefix, as the gateway wants them */
json_t *pt_etcd_range(const struct pt_etcd_store *s, const char *prefix);
/* a mvccpb.KeyValue: a record; -EBADMSG when it is none of ours */
int pt_etcd_read_kv(const struct pt_etcd_store *s, const json_t *kv, struct pt_record *ret_record,
		    struct pt_error *err);
int pt_etcd_list(struct pt_etcd_store *s, const char *prefix, struct pt_records *ret_records, struct pt_error *err);
/* is it there, and the one it was?  Asks for what whoever watches @prefix may read; as pt_store_get() */
int pt_etcd_probe(struct pt_etcd_store *s, const char *prefix, struct pt_error *err);

int pt_etcd_watch_open(struct pt_store *store, struct pt_store_watch **watch, struct pt_error *err);
int pt_etcd_watch_next(struct pt_store_watch *watch, int timeout_ms, struct pt_changes *changes, struct pt_error *err);
void pt_etcd_watch_close(struct pt_store_watch *watch);

/* etcd-users.c */
int pt_etcd_user_put(struct pt_store *store, const struct pt_store_user *user, struct pt_error *err);
int pt_etcd_user_drop(struct pt_store *store, const char *name, const char *role, bool own_role, struct pt_error *err);
int pt_etcd_users_on(struct pt_store *store, struct pt_error *err);

#endif
