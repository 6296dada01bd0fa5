/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what in a store that has users: etcd's own, with a role each.  An administrator's; nobody else's client.
 */
#ifndef PT_STORE_USERS_H
#define PT_STORE_USERS_H

#include "store/store.h"

/* @key: one record, or with '/' at its end all whose keys begin so; @write: and read; else only read */
struct pt_store_right {
	const char *key;
	bool write;
};

/**
 * struct pt_store_user - all borrowed
 * @name: of the user; @role: that it has
 * @rights: beside reading everything
 * @shared: others have the role, too: it is only added to
 */
struct pt_store_user {
	const char *name;
	const char *role;
	const char *password;
	const struct pt_store_right *rights;
	size_t n_rights;
	bool shared;
};

/**
 * pt_store_user_put() - a user with exactly these rights; one that is there with this role gets the password
 *
 * Asking again after a failure goes on.  Return: 0; -EOPNOTSUPP a store without users; -EEXIST there is such a user, of
 * another kind; -EACCES this one may not; else as pt_store_get().
 */
int pt_store_user_put(struct pt_store *store, const struct pt_store_user *user, struct pt_error *err);

/**
 * pt_store_user_drop() - no such user any more; @own_role: nor the role
 *
 * Return: 1, 0 there was none; -EEXIST it has not that role; else as above.
 */
int pt_store_user_drop(struct pt_store *store, const char *name, const char *role, bool own_role, struct pt_error *err);

/** pt_store_users_on() - are users asked who they are?  1, 0; -EOPNOTSUPP */
int pt_store_users_on(struct pt_store *store, struct pt_error *err);

#endif
