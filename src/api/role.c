/* SPDX-License-Identifier: Apache-2.0 */
/* Who may what: users and groups of this host, names in certificates. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/conn.h"
#include "base/cleanup.h"

#define GROUPS_MAX 1024

struct who {
	char *name; /* NULL: no such user here */
	gid_t groups[GROUPS_MAX];
	int n;
};

/* by this host's own database of users, which may be a directory's: looked up once a connection */
static void look_up(uid_t uid, gid_t gid, struct who *w)
{
	struct passwd pw;
	struct passwd *found = NULL;
	char buf[16384];

	w->groups[0] = gid;
	w->n = 1;
	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) != 0 || !found)
		return;
	w->name = pt_strdup(pw.pw_name);
	w->n = GROUPS_MAX;
	if (getgrouplist(pw.pw_name, gid, w->groups, &w->n) < 0)
		w->n = w->n > 0 && w->n < GROUPS_MAX ? w->n : GROUPS_MAX;
}

static bool in_group(const struct who *w, const char *name)
{
	struct group gr;
	struct group *found = NULL;
	char buf[65536];

	if (getgrnam_r(name, &gr, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	for (int i = 0; i < w->n; i++)
		if (w->groups[i] == gr.gr_gid)
			return true;
	return false;
}

static bool is_meant(const struct who *w, const char *word)
{
	return *word == '@' ? in_group(w, word + 1) : pt_streq(w->name, word);
}

enum pt_role pt_role_of_uid(const struct pt_api_config *config, uid_t uid, gid_t gid)
{
	enum pt_role role = PT_ROLE_NONE;
	struct who w = { 0 };

	/* who could trace this process anyway */
	if (uid == 0 || uid == geteuid())
		return PT_ROLE_ADMIN;
	if (uid == (uid_t)-1)
		return PT_ROLE_NONE;
	look_up(uid, gid, &w);
	for (int i = PT_ROLE_VIEW; i < PT_ROLES; i++)
		for (size_t k = 0; k < config->grants[i].n; k++)
			if (is_meant(&w, config->grants[i].v[k]))
				role = (enum pt_role)i;
	free(w.name);
	return role;
}

enum pt_role pt_role_of_name(const struct pt_api_config *config, const char *name, size_t size)
{
	enum pt_role role = PT_ROLE_NONE;

	for (size_t i = 0; i < config->certs.n; i++) {
		const struct pt_cert_role *c = &config->certs.v[i];

		/* the sizes are compared: a name that goes on behind a NUL is another one */
		if (strlen(c->name) == size && memcmp(c->name, name, size) == 0 && c->role > role)
			role = c->role;
	}
	return role;
}
