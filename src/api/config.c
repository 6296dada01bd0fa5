/* SPDX-License-Identifier: Apache-2.0 */
/* [api] of the configuration. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/cleanup.h"

static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "socket", offsetof(struct pt_api_config, socket) },
	{ "listen", offsetof(struct pt_api_config, listen) },
	{ "cert_file", offsetof(struct pt_api_config, cert_file) },
	{ "key_file", offsetof(struct pt_api_config, key_file) },
	{ "ca_file", offsetof(struct pt_api_config, ca_file) },
};

static const struct {
	const char *key;
	unsigned long min;
	unsigned long max;
	size_t at;
} numbers[] = {
	{ "connections", 8, 65536, offsetof(struct pt_api_config, connections) },
	{ "per_peer", 1, 65536, offsetof(struct pt_api_config, per_peer) },
	{ "rate", 1, 10000000, offsetof(struct pt_api_config, rate) },
	{ "head_ms", 100, 600000, offsetof(struct pt_api_config, head_ms) },
	{ "body_ms", 100, 600000, offsetof(struct pt_api_config, body_ms) },
	{ "idle_ms", 100, 3600000, offsetof(struct pt_api_config, idle_ms) },
};

static int bad(const struct pt_ini_entry *e, const char *file, const char *allowed, struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s:%u: [api] %s = %.80s: expected %s", file, e->line, e->key, e->value, allowed);
}

static enum pt_role role_of(const char *text)
{
	for (int i = PT_ROLE_VIEW; i < PT_ROLES; i++)
		if (strcmp(text, pt_role_str((enum pt_role)i)) == 0)
			return (enum pt_role)i;
	return PT_ROLE_NONE;
}

/* "role NAME = claim": of certificates; NAME may hold blanks */
static int read_cert(const struct pt_ini_entry *e, const char *file, struct pt_api_config *c, struct pt_error *err)
{
	const char *name = e->key + strlen("role ") + strspn(e->key + strlen("role "), " \t");
	enum pt_role role = role_of(e->value);
	struct pt_cert_role *one;

	if (role == PT_ROLE_NONE || !*name)
		return bad(e, file, "`role NAME = view`, claim or admin", err);
	one = pt_array_add(&c->certs);
	one->name = pt_strdup(name);
	one->role = role;
	return 0;
}

static void read_grants(const struct pt_ini_entry *e, struct pt_strv *l)
{
	pt_autofree char *text = pt_strdup(e->value);
	char *save = NULL;

	for (char *one = strtok_r(text, ", \t\n", &save); one; one = strtok_r(NULL, ", \t\n", &save))
		pt_strv_add(l, one);
}

static int read_number(const struct pt_ini_entry *e, size_t i, const char *file, struct pt_api_config *c,
		       struct pt_error *err)
{
	pt_autofree char *allowed = pt_strf("%lu to %lu", numbers[i].min, numbers[i].max);
	char *end;
	unsigned long value = strtoul(e->value, &end, 10);

	if (*e->value < '0' || *e->value > '9' || *end || value < numbers[i].min || value > numbers[i].max)
		return bad(e, file, allowed, err);
	*(unsigned *)(void *)((char *)c + numbers[i].at) = (unsigned)value;
	return 0;
}

static int read_entry(const struct pt_ini_entry *e, const char *file, struct pt_api_config *c, struct pt_error *err)
{
	if (pt_startswith(e->key, "role "))
		return read_cert(e, file, c, err);
	if (role_of(e->key) != PT_ROLE_NONE) {
		read_grants(e, &c->grants[role_of(e->key)]);
		return 0;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(e->key, numbers[i].key) == 0)
			return read_number(e, i, file, c, err);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcmp(e->key, texts[i].key) != 0)
			continue;
		pt_strset((char **)(void *)((char *)c + texts[i].at), e->value);
		return 0;
	}
	return pt_usage(
		err, -EINVAL,
		"%s:%u: [api] has no '%s'; it has socket, view, claim, admin, listen, cert_file, key_file, ca_file, "
		"`role NAME`, connections, per_peer, rate, head_ms, body_ms and idle_ms",
		file, e->line, e->key);
}

int pt_api_config_read(const struct pt_ini *ini, const char *file, struct pt_api_config *config, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < ini->n && r == 0; i++)
		if (strcmp(ini->v[i].section, "api") == 0)
			r = read_entry(&ini->v[i], file, config, err);
	return r;
}

void pt_api_config_done(struct pt_api_config *c)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(*(char **)(void *)((char *)c + texts[i].at));
	for (int i = 0; i < PT_ROLES; i++)
		pt_strv_done(&c->grants[i]);
	for (size_t i = 0; i < c->certs.n; i++)
		free(c->certs.v[i].name);
	free(c->certs.v);
	*c = (struct pt_api_config){ 0 };
}
