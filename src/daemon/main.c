/* SPDX-License-Identifier: Apache-2.0 */
/* passthrud: the agent of a host in a fleet.  Options, configuration, one of it on a host; then serve.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/vms.h"
#include "api/api.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/placeable.h"
#include "daemon/options.h"
#include "daemon/serve.h"
#include "fleet/fleet.h"

#define LOCK "passthrud.lock"

/* one on a host: two would undo each other's work.  The lock goes with the process, however that ends */
static int lock(const char *dir, int *ret_fd, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("%s/%s", dir, LOCK);
	pt_autoclose int fd = -EBADF;
	int r = pt_file_mkdir_p(dir, 0700);

	if (r < 0)
		return pt_fail(err, r, "cannot make %s", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return pt_fail(err, -errno, "cannot lock %s", path);
		return pt_say(err, -EBUSY, "another passthrud runs on this host: it has %s", path);
	}
	*ret_fd = pt_take_fd(fd);
	return 0;
}

static int find_self(const struct pt_root *root, char **ret, struct pt_error *err)
{
	int r = pt_file_link(root->proc_fd, "self/exe", ret);

	if (r == 0 && strchr(*ret, '/'))
		return 0;
	return pt_fail(err, r < 0 ? r : -EINVAL, "cannot see where this program is");
}

/* the passthru that was built and installed with this: the one beside it */
static int beside(const char *self, char **ret, struct pt_error *err)
{
	*ret = pt_strf("%.*s/passthru", (int)(strrchr(self, '/') - self), self);
	if (access(*ret, X_OK) == 0)
		return 0;
	return pt_fail(err, -errno, "cannot run %s, which makes the changes", *ret);
}

static int take_api(void *config, const struct pt_ini *ini, const char *name, struct pt_error *err)
{
	return pt_api_config_read(ini, name, config, err);
}

static int read_config(const struct pt_daemon_options *o, const struct pt_root *root, struct pt_store_config *store,
		       struct pt_pci_config *pci, struct pt_api_config *api, struct pt_error *err)
{
	const struct pt_cli cli = { .root = *root };
	PT_AUTO(pt_strv) hints = { 0 };
	int r = pt_placeable_store(&cli, o->config, o->n_config, store, err);

	r = r < 0 ? r : pt_placeable_config(&cli, o->config, o->n_config, pci, &hints, err);
	r = r < 0 ? r : pt_placeable_each(&cli, o->config, o->n_config, take_api, api, err);
	if (r == 0 && !api->socket)
		api->socket = pt_strf("%s/passthrud.sock", o->run_dir);
	for (size_t i = 0; i < hints.n && r == 0; i++)
		(void)fprintf(stderr, "passthrud: %s\n", hints.v[i]);
	return r;
}

static int name_host(const struct pt_daemon_options *o, char **ret, struct pt_error *err)
{
	char own[256] = "";

	if (!o->name && gethostname(own, sizeof(own) - 1) < 0)
		return pt_fail(err, -errno, "cannot ask this host for its name");
	*ret = pt_strdup(o->name ? o->name : own);
	return pt_fleet_check_name(*ret, err);
}

/* made, or found to be damaged, before two threads open it; an etcd is not asked: it may come later */
static int try_store(const struct pt_store_config *config, struct pt_error *err)
{
	struct pt_store *store = NULL;
	int r = pt_store_open(config, &store, err);

	pt_store_close(store);
	return r;
}

/* nothing of this host: no root, and no lock */
static int simulate(const struct pt_daemon_options *o, struct pt_error *err)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_store_config) store = { 0 };
	PT_AUTO(pt_pci_config) pci = { 0 };
	PT_AUTO(pt_api_config) api = { 0 };
	int r = pt_root_live(&root, err);

	r = r < 0 ? r : read_config(o, &root, &store, &pci, &api, err);
	return r < 0 ? r : pt_serve_simulated(o, &store, err);
}

static int run(const struct pt_daemon_options *o, struct pt_error *err)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_store_config) store = { 0 };
	PT_AUTO(pt_pci_config) pci = { 0 };
	PT_AUTO(pt_api_config) api = { 0 };
	PT_AUTO(pt_networks) networks = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	pt_autofree char *passthru = pt_strdup_opt(o->passthru);
	pt_autofree char *host = NULL;
	pt_autofree char *self = NULL;
	pt_autoclose int locked = -EBADF;
	int r = o->look_only || geteuid() == 0
			? 0
			: pt_usage(err, -EPERM,
				   "this needs root: it binds devices (--look-only publishes, and does not)");

	r = r < 0 ? r : pt_root_live(&root, err);
	r = r < 0 ? r : read_config(o, &root, &store, &pci, &api, err);
	r = r < 0 ? r : pt_placeable_networks(&(struct pt_cli){ .root = root }, o->config, o->n_config, &networks, err);
	/* a device_spec that does not work is told now, not in the journal */
	if (r == 0) {
		const struct pt_pci_config own = { .device_spec = pci.device_spec };

		r = pt_rules_compile(&own, &rules, NULL, err);
	}
	r = r < 0 ? r : name_host(o, &host, err);
	r = r < 0 ? r : find_self(&root, &self, err);
	if (r == 0 && !passthru)
		r = beside(self, &passthru, err);
	r = r < 0 ? r : lock(o->run_dir, &locked, err);
	r = r < 0 ? r : try_store(&store, err);
	if (r < 0)
		return r;
	return pt_serve_run(&(struct pt_serve){ o, &root, &store, &pci, &networks, &api, host, passthru, self }, err);
}

/* the part of an agent that may hang with libvirt */
static int list_vms(const struct pt_daemon_options *o, struct pt_error *err)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	pt_autofree char *text = NULL;
	int r = pt_root_live(&root, err);

	r = r < 0 ? r : pt_vms_ask(&root, o->uri, &text, err);
	return r < 0 ? r : puts(text) < 0 || fflush(stdout) != 0 ? pt_fail(err, -EIO, "cannot write") : 0;
}

int main(int argc, char **argv)
{
	struct pt_daemon_options o;
	struct pt_error err = { 0 };
	int r = pt_daemon_options_read(argc, argv, &o, &err);

	if (r == 0 && (o.help || o.version)) {
		(void)fputs(o.help ? pt_daemon_help : "passthrud " PT_VERSION "\n", stdout);
		return PT_EXIT_DONE;
	}
	if (r == 0)
		r = o.list_vms ? list_vms(&o, &err) : o.simulate ? simulate(&o, &err) : run(&o, &err);
	if (r >= 0)
		return PT_EXIT_DONE;
	(void)fprintf(stderr, "passthrud: %s\n", err.msg);
	if (err.hint[0])
		(void)fprintf(stderr, "           %s\n", err.hint);
	return err.kind == PT_ERROR_USAGE ? PT_EXIT_USAGE : PT_EXIT_FAILED;
}
