/* SPDX-License-Identifier: Apache-2.0 */
/* What a store does behind store.h, which has checked keys and sizes.  Private to store/. */
#ifndef PT_STORE_BACKEND_H
#define PT_STORE_BACKEND_H

#include "store/store.h"
#include "store/users.h"

/* each as the function of store.h with its name */
struct pt_store_ops {
	void (*close)(struct pt_store *store);
	int (*get)(struct pt_store *store, const char *key, struct pt_record *record, struct pt_error *err);
	int (*list)(struct pt_store *store, const char *prefix, struct pt_records *records, struct pt_error *err);
	int (*commit)(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
		      struct pt_error *err);
	int (*lease)(struct pt_store *store, unsigned ttl_s, long long *lease, struct pt_error *err);
	int (*keep)(struct pt_store *store, long long lease, struct pt_error *err);
	int (*end)(struct pt_store *store, long long lease, struct pt_error *err);
	int (*watch)(struct pt_store *store, struct pt_store_watch **watch, struct pt_error *err);
	int (*watch_next)(struct pt_store_watch *watch, int timeout_ms, struct pt_changes *changes,
			  struct pt_error *err);
	void (*watch_close)(struct pt_store_watch *watch);
	/* NULL: it has no users */
	int (*user_put)(struct pt_store *store, const struct pt_store_user *user, struct pt_error *err);
	int (*user_drop)(struct pt_store *store, const char *name, const char *role, bool own_role,
			 struct pt_error *err);
	int (*users_on)(struct pt_store *store, struct pt_error *err);
};

/* the first member of each backend's own struct */
struct pt_store {
	const struct pt_store_ops *ops;
	char *name;
};

/**
 * struct pt_store_watch - the first member of each backend's own struct
 * @since: everything up to this revision was told; 0: nothing yet
 * @trouble: see pt_store_watch_trouble()
 */
struct pt_store_watch {
	struct pt_store *store;
	char *prefix;
	long long since;
	char *trouble;
};

int pt_store_sqlite_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err);
int pt_store_etcd_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err);

/* pt_prefix_end() - the first key after all that begin with @prefix; the caller frees */
char *pt_prefix_end(const char *prefix);

#endif
