/* SPDX-License-Identifier: Apache-2.0 */
/* Users and roles of etcd (https://etcd.io/docs/v3.4/op-guide/authentication/), by the gateway. */
#include <errno.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "store/etcd.h"

static struct pt_etcd_store *of(struct pt_store *store)
{
	return (struct pt_etcd_store *)store;
}

/* @body is taken; @well: a refusal with these words is none, and 1 is returned for it; may be NULL */
static int say(struct pt_etcd_store *s, const char *path, json_t *body, const char *well, json_t **ret_answer,
	       struct pt_error *err)
{
	struct pt_error why = { 0 };
	json_t *answer = NULL;
	int r = pt_etcd_call(&s->etcd, path, body, true, &answer, &why);

	/* what writes goes out where a question that reads was answered: pt_etcd_call() */
	for (unsigned i = 0; i < PT_ETCD_PROOFS && r == -ENOTCONN; i++) {
		r = pt_etcd_probe(s, "facts/", &why);
		r = r < 0 ? r : pt_etcd_call(&s->etcd, path, body, true, &answer, &why);
	}
	json_decref(body);
	if (r == 0 && ret_answer)
		*ret_answer = json_incref(answer);
	json_decref(answer);
	if (r < 0 && well && strstr(why.msg, well))
		return 1;
	if (r < 0 && err)
		*err = why;
	return r;
}

static json_t *coded(const struct pt_etcd_store *s, const char *key)
{
	pt_autofree char *full = pt_strf("%s%s", s->prefix, key);
	pt_autofree char *text = pt_base64_encode(full, strlen(full));

	return json_string(text);
}

static int grant(struct pt_etcd_store *s, const char *role, const char *key, bool write, struct pt_error *err)
{
	bool prefix = !*key || pt_endswith(key, "/");
	json_t *perm = prefix ? pt_etcd_range(s, key) : json_pack("{s:o}", "key", coded(s, key));

	(void)json_object_set_new(perm, "permType", json_string(write ? "READWRITE" : "READ"));
	return say(s, "/v3/auth/role/grant", json_pack("{s:s, s:o}", "name", role, "perm", perm), NULL, NULL, err);
}

/* one user's own is made anew, so that it holds nothing that somebody once added to it */
static int make_role(struct pt_etcd_store *s, const struct pt_store_user *u, struct pt_error *err)
{
	int r = u->shared ? 0
			  : say(s, "/v3/auth/role/delete", json_pack("{s:s}", "role", u->role), "not found", NULL, err);

	r = r < 0 ? r : say(s, "/v3/auth/role/add", json_pack("{s:s}", "name", u->role), "already exists", NULL, err);
	r = r < 0 ? r : grant(s, u->role, "", false, err);
	for (size_t i = 0; i < u->n_rights && r >= 0; i++)
		r = grant(s, u->role, u->rights[i].key, u->rights[i].write, err);
	return r < 0 ? r : 0;
}

static bool has(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (pt_streq(json_string_value(json_array_get(list, i)), word))
			return true;
	return false;
}

/* 1 it is there and has no role, or this one alone; 0 there is none; -EEXIST */
static int look(struct pt_etcd_store *s, const char *name, const char *role, struct pt_error *err)
{
	json_t *answer = NULL;
	const json_t *roles;
	int r = say(s, "/v3/auth/user/get", json_pack("{s:s}", "name", name), "not found", &answer, err);

	if (r != 0)
		return r < 0 ? r : 0;
	roles = json_object_get(answer, "roles");
	r = json_array_size(roles) == 0 || (json_array_size(roles) == 1 && has(roles, role));
	json_decref(answer);
	if (r)
		return 1;
	r = pt_usage(err, -EEXIST, "%s has a user '%s' already, who is not of this kind", s->store.name, name);
	pt_hint(err, "etcdctl user get %s shows what it is", name);
	return r;
}

int pt_etcd_user_put(struct pt_store *store, const struct pt_store_user *u, struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	int there = look(s, u->name, u->role, err);
	int r = there < 0 ? there : make_role(s, u, err);

	if (r < 0)
		return r;
	r = say(s, there ? "/v3/auth/user/changepw" : "/v3/auth/user/add",
		json_pack("{s:s, s:s}", "name", u->name, "password", u->password), NULL, NULL, err);
	r = r < 0 ? r
		  : say(s, "/v3/auth/user/grant", json_pack("{s:s, s:s}", "user", u->name, "role", u->role), NULL, NULL,
			err);
	return r < 0 ? r : 0;
}

int pt_etcd_user_drop(struct pt_store *store, const char *name, const char *role, bool own_role, struct pt_error *err)
{
	struct pt_etcd_store *s = of(store);
	int there = look(s, name, role, err);
	int r = there;

	if (there == 1)
		r = say(s, "/v3/auth/user/delete", json_pack("{s:s}", "name", name), "not found", NULL, err);
	if (r >= 0 && own_role)
		r = say(s, "/v3/auth/role/delete", json_pack("{s:s}", "role", role), "not found", NULL, err);
	return r < 0 ? r : there;
}

/* 3.4 has no question for it: somebody whom nobody knows is not even looked at where users are off */
int pt_etcd_users_on(struct pt_store *store, struct pt_error *err)
{
	int r = say(of(store), "/v3/auth/authenticate", json_pack("{s:s, s:s}", "name", "-", "password", "-"),
		    "authentication is not enabled", NULL, err);

	if (r == -EINVAL || r == -EACCES || r == 0)
		return 1;
	return r == 1 ? 0 : r;
}
