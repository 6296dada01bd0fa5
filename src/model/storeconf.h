/* SPDX-License-Identifier: Apache-2.0 */
/* [store] of the configuration: which store, and how to reach it.  Plain data. */
#ifndef PT_MODEL_STORECONF_H
#define PT_MODEL_STORECONF_H

#include "base/alloc.h"

enum pt_store_backend {
	PT_STORE_SQLITE = 0,
	PT_STORE_ETCD,
};

/**
 * struct pt_store_config - owns its strings
 * @directory: SQLite: where store.db is; NULL for this program's own
 * @endpoints: etcd: "https://a:2379"
 * @prefix: etcd: in front of every key; NULL for "/passthru/"
 * @cluster: etcd: the cluster's id, as a number in decimal; another one is refused; NULL: whichever answers
 * @ca_file, @cert_file, @key_file: etcd: PEM; without @ca_file what the system trusts
 * @user, @password: etcd's; both or none
 * @timeout_ms: etcd: of one request to one member; 0 for 5000
 */
struct pt_store_config {
	enum pt_store_backend backend;
	char *directory;
	struct pt_strv endpoints;
	char *prefix;
	char *cluster;
	char *ca_file;
	char *cert_file;
	char *key_file;
	char *user;
	char *password;
	unsigned timeout_ms;
};

void pt_store_config_copy(struct pt_store_config *to, const struct pt_store_config *from);
void pt_store_config_done(struct pt_store_config *config);

#endif
