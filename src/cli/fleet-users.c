/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet add-host, remove-host, add-user, remove-user: who may write what in the fleet's etcd. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/fleeting.h"
#include "cli/print.h"
#include "store/users.h"

#define CLAIMERS "passthru-claim"
#define VIEWERS	 "passthru-view"
/* of random bytes; twice as many characters */
#define PASSWORD_BYTES 24

static int make_password(char ret[2 * PASSWORD_BYTES + 1], struct pt_error *err)
{
	unsigned char bytes[PASSWORD_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return pt_fail(err, -errno, "cannot get random bytes for a password");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

/* a user's name is a host's name, or like one; "root" is etcd's own */
static int check_name(const char *name, struct pt_error *err)
{
	if (strcmp(name, "root") == 0)
		return pt_usage(err, -EINVAL, "'root' is the administrator of etcd itself");
	if (*name && strlen(name) <= 253 &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(name))
		return 0;
	return pt_usage(err, -EINVAL, "'%.80s' is no name for a host or a user: letters, digits, '.', '-' and '_'",
			name);
}

/* before anybody is given it: a password that is nowhere is no use; never into a file that is there already */
static int open_file(const char *path, struct pt_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? pt_fail(err, -errno, "cannot make %s", path) : fd;

	if (r == -EEXIST)
		pt_hint(err, "a password that is there is not written over: name another file, or remove that one");
	return r;
}

static int write_file(int fd, const char *path, const char *password, struct pt_error *err)
{
	pt_autofree char *line = pt_strf("%s\n", password);
	ssize_t n = write(fd, line, strlen(line));
	int r = n == (ssize_t)strlen(line) && fsync(fd) == 0 ? 0 : pt_fail(err, -EIO, "cannot write %s", path);

	explicit_bzero(line, strlen(line));
	return r;
}

/* of this command's own [store] what is so for the new user, too */
static void tell_where(struct pt_cli *cli, const struct pt_store_config *c)
{
	pt_autofree char *endpoints = pt_strv_join(&c->endpoints, ", ");

	(void)fprintf(cli->out, "[store]\nbackend = etcd\nendpoints = %s\n", endpoints);
	if (c->prefix)
		(void)fprintf(cli->out, "prefix = %s\n", c->prefix);
	if (c->cluster)
		(void)fprintf(cli->out, "cluster = %s\n", c->cluster);
	if (c->ca_file)
		(void)fprintf(cli->out, "ca_file = %s\n", c->ca_file);
}

static int tell(struct pt_cli *cli, const struct pt_store_config *where, const struct pt_store_user *u,
		const char *file, bool on, struct pt_error *err)
{
	pt_autofree char *path = NULL;

	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:s, s:s, s:s?, s:s?, s:b}", "user", u->name, "role", u->role,
					       "password", file ? NULL : u->password, "password_file", file, "users_on",
					       on),
				     err);
	tell_where(cli, where);
	(void)fprintf(cli->out, "user = %s\n", u->name);
	path = file ? realpath(file, NULL) : NULL;
	if (file)
		(void)fprintf(
			cli->out,
			"# where it is on this machine; taken elsewhere it keeps its mode, 0600\npassword_file = %s\n",
			path ? path : file);
	else
		(void)fprintf(cli->out,
			      "password_file = /etc/passthru/etcd-password\n# password, shown this once; into that "
			      "file, mode 0600: %s\n",
			      u->password);
	if (!on)
		(void)fprintf(
			cli->diag,
			"passthru: this etcd asks nobody who they are: everybody may do everything, until root has "
			"a password there and\n"
			"          `etcdctl auth enable` was said\n");
	return PT_EXIT_DONE;
}

/* the file is made first, and goes again when nothing came of it */
static int add(struct pt_cli *cli, struct pt_storing *s, struct pt_store_user *u, struct pt_error *err)
{
	const char *file = pt_cli_value(cli, "password-file");
	char password[2 * PASSWORD_BYTES + 1];
	pt_autoclose int fd = -EBADF;
	int on = 0;
	int r = check_name(u->name, err);

	r = r < 0 ? r : pt_store_users_on(s->store, err);
	on = r;
	r = r < 0 ? r : make_password(password, err);
	if (r == 0 && file)
		r = fd = open_file(file, err);
	if (r < 0)
		return r;
	u->password = password;
	r = file ? write_file(fd, file, password, err) : 0;
	r = r < 0 ? r : pt_store_user_put(s->store, u, err);
	if (r < 0 && file && r != -ETIMEDOUT)
		(void)unlink(file);
	r = r < 0 ? r : tell(cli, &s->where, u, file, on == 1, err);
	explicit_bzero(password, sizeof(password));
	return r;
}

int pt_fleeting_add_host(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *host = cli->operands[1];
	pt_autofree char *role = pt_strf("passthru-host-%s", host);
	pt_autofree char *facts = pt_strf("facts/%s", host);
	pt_autofree char *held = pt_strf("held/%s", host);
	pt_autofree char *alive = pt_strf("alive/%s", host);
	pt_autofree char *acks = pt_strf("acks/%s/", host);
	const struct pt_store_right rights[] = { { facts, true }, { held, true }, { alive, true }, { acks, true } };
	struct pt_store_user u = { .name = host, .role = role, .rights = rights, .n_rights = 4 };

	return add(cli, s, &u, err);
}

int pt_fleeting_add_user(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	static const struct pt_store_right rights[] = { { "claims/", true },	 { "held/", true },
							{ "queue/", true },	 { "acks/", true },
							{ "quota/used/", true }, { "ended/", true } };
	struct pt_store_user u = {
		.name = cli->operands[1],
		.role = CLAIMERS,
		.rights = rights,
		.n_rights = sizeof(rights) / sizeof(*rights),
		.shared = true,
	};

	if (pt_cli_flag(cli, "view")) {
		u.role = VIEWERS;
		u.n_rights = 0;
	}
	return add(cli, s, &u, err);
}

static int dropped(struct pt_cli *cli, int r, const char *name, struct pt_error *err)
{
	if (r < 0)
		return r;
	if (r == 0)
		return pt_usage(err, -ENOENT, "there is no user '%.80s'", name);
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:s}", "removed", name), err);
	(void)fprintf(cli->out, "%s may not ask this fleet any more\n", name);
	return PT_EXIT_DONE;
}

/* what it has published goes first, which is refused while claims are on it */
int pt_fleeting_remove_host(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *host = cli->operands[1];
	pt_autofree char *role = pt_strf("passthru-host-%s", host);
	int gone = 0;
	int r = check_name(host, err);

	r = r < 0 ? r : pt_store_users_on(s->store, err);
	gone = r < 0 ? r : pt_fleet_withdraw(s->store, host, 0, err);
	r = gone < 0 ? gone : pt_store_user_drop(s->store, host, role, true, err);
	return dropped(cli, r == 0 ? gone : r, host, err);
}

int pt_fleeting_remove_user(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *name = cli->operands[1];
	int r = check_name(name, err);

	r = r < 0 ? r : pt_store_user_drop(s->store, name, pt_cli_flag(cli, "view") ? VIEWERS : CLAIMERS, false, err);
	return dropped(cli, r, name, err);
}
