/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/storeconf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

/* texts that are taken as they are */
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "directory", offsetof(struct pt_store_config, directory) },
	{ "prefix", offsetof(struct pt_store_config, prefix) },
	{ "cluster", offsetof(struct pt_store_config, cluster) },
	{ "ca_file", offsetof(struct pt_store_config, ca_file) },
	{ "cert_file", offsetof(struct pt_store_config, cert_file) },
	{ "key_file", offsetof(struct pt_store_config, key_file) },
	{ "user", offsetof(struct pt_store_config, user) },
};

static int bad(const struct pt_ini_entry *e, const char *file, const char *allowed, struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s:%u: [store] %s = %.80s: expected %s", file, e->line, e->key, e->value,
			allowed);
}

static int read_backend(const struct pt_ini_entry *e, const char *file, struct pt_store_config *c, struct pt_error *err)
{
	if (pt_streq(e->value, "etcd"))
		c->backend = PT_STORE_ETCD;
	else if (pt_streq(e->value, "sqlite"))
		c->backend = PT_STORE_SQLITE;
	else
		return bad(e, file, "sqlite or etcd", err);
	return 0;
}

static void read_endpoints(const struct pt_ini_entry *e, struct pt_store_config *c)
{
	pt_autofree char *text = pt_strdup(e->value);
	char *save = NULL;

	for (char *one = strtok_r(text, ", \t\n", &save); one; one = strtok_r(NULL, ", \t\n", &save))
		pt_strv_add(&c->endpoints, one);
}

static int read_timeout(const struct pt_ini_entry *e, const char *file, struct pt_store_config *c, struct pt_error *err)
{
	char *end;
	unsigned long ms = strtoul(e->value, &end, 10);

	if (*e->value < '0' || *e->value > '9' || *end || ms < 100 || ms > 600000)
		return bad(e, file, "100 to 600000 milliseconds", err);
	c->timeout_ms = (unsigned)ms;
	return 0;
}

static int read_entry(const struct pt_ini_entry *e, const char *file, struct pt_store_config *c, char **password_file,
		      struct pt_error *err)
{
	if (strcmp(e->key, "backend") == 0)
		return read_backend(e, file, c, err);
	if (strcmp(e->key, "timeout_ms") == 0)
		return read_timeout(e, file, c, err);
	if (strcmp(e->key, "endpoints") == 0) {
		read_endpoints(e, c);
		return 0;
	}
	if (strcmp(e->key, "password_file") == 0) {
		pt_strset(password_file, e->value);
		return 0;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcmp(e->key, texts[i].key) != 0)
			continue;
		if (!*e->value)
			return bad(e, file, "something", err);
		pt_strset((char **)((char *)c + texts[i].at), e->value);
		return 0;
	}
	return pt_usage(err, -EINVAL,
			"%s:%u: [store] has no '%s'; it has backend, directory, endpoints, prefix, cluster, ca_file, "
			"cert_file, key_file, user, password_file and timeout_ms",
			file, e->line, e->key);
}

int pt_storeconf_read(const struct pt_ini *ini, const char *file, struct pt_store_config *config,
		      char **ret_password_file, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < ini->n && r == 0; i++)
		if (strcmp(ini->v[i].section, "store") == 0)
			r = read_entry(&ini->v[i], file, config, ret_password_file, err);
	return r;
}
