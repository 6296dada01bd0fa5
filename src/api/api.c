/* SPDX-License-Identifier: Apache-2.0 */
/* Start and end of it all. */
#include "api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "base/file.h"

#define PEM_MAX ((size_t)1 << 20)

static int read_pem(const char *key, const char *name, bool secret, char **ret, struct pt_error *err)
{
	struct stat st;
	int r;

	if (secret && stat(name, &st) == 0 && (st.st_mode & S_IRWXO)) {
		r = pt_usage(err, -EPERM, "[api] %s = %s has mode %04o: everybody may use the key", key, name,
			     st.st_mode & 07777);
		pt_hint(err, "chmod o= %s", name);
		return r;
	}
	{
		pt_autoclose int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
		char part[4096];
		ssize_t n = -1;

		while (fd >= 0 && b.n < PEM_MAX && (n = read(fd, part, sizeof(part))) > 0)
			pt_buf_addn(&b, part, (size_t)n);
		if (fd < 0 || n != 0)
			return pt_fail(err, fd < 0 || n < 0 ? -errno : -EFBIG, "cannot read [api] %s = %s", key, name);
		*ret = pt_buf_take(&b);
	}
	return 0;
}

static int open_tls(struct pt_api *api, struct pt_error *err)
{
	const struct pt_api_config *c = api->setup.config;
	/* no version before 1.2, and no key exchange whose secrets come out later */
	static char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA";
	pt_autofree char *key = NULL;
	pt_autofree char *cert = NULL;
	pt_autofree char *trust = NULL;
	int r = pt_tls_check(c, err);
	int fd;

	r = r < 0 ? r : read_pem("key_file", c->key_file, true, &key, err);
	r = r < 0 ? r : read_pem("cert_file", c->cert_file, false, &cert, err);
	r = r < 0 ? r : read_pem("ca_file", c->ca_file, false, &trust, err);
	if (r < 0)
		return r;
	fd = pt_listen_tcp(c->listen, &api->port, err);
	if (fd < 0)
		return fd;
	{
		const struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_KEY, 0, key },
						      { MHD_OPTION_HTTPS_MEM_CERT, 0, cert },
						      { MHD_OPTION_HTTPS_MEM_TRUST, 0, trust },
						      { MHD_OPTION_HTTPS_PRIORITIES, 0, priority },
						      { MHD_OPTION_END, 0, NULL } };

		r = pt_door_open(&api->tls, api, fd, tls, err);
	}
	if (r < 0)
		(void)close(fd);
	return r;
}

static int open_unix(struct pt_api *api, struct pt_error *err)
{
	const struct pt_api_config *c = api->setup.config;
	const char *path = c->socket ? c->socket : PT_API_SOCKET;
	bool open_to_all = false;
	int fd;
	int r;

	if (!*path)
		return 0;
	for (int i = PT_ROLE_VIEW; i < PT_ROLES; i++)
		open_to_all = open_to_all || c->grants[i].n;
	fd = pt_listen_unix(path, open_to_all, err);
	if (fd < 0)
		return fd;
	api->socket = pt_strdup(path);
	r = pt_door_open(&api->plain, api, fd, NULL, err);
	if (r < 0)
		(void)close(fd);
	return r;
}

/* descriptors for as many connections as are allowed, as far as we may */
static void raise_limit(const struct pt_api_config *c)
{
	rlim_t need = 2 * (rlim_t)pt_limit(c->connections, PT_CONN_MAX) + 512;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= need)
		return;
	l.rlim_cur = l.rlim_max < need ? l.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

int pt_api_start(const struct pt_api_setup *setup, struct pt_api **ret_api, struct pt_error *err)
{
	struct pt_api *api = pt_alloc(sizeof(*api));
	int r;

	/* its first use makes it, and would be in several threads */
	json_object_seed(0);
	raise_limit(setup->config);
	api->setup = *setup;
	pt_stats_init(&api->stats);
	(void)pthread_mutex_init(&api->mutex, NULL);
	r = pt_conns_start(&api->conns, setup->config, &api->stats, err);
	r = r < 0 ? r : pt_model_start(setup->store, setup->pci, pt_streams_wake, api, &api->model, err);
	r = r < 0 ? r : pt_crew_start(&api->workers, api, PT_WORKERS, err);
	r = r < 0 ? r : pt_crew_start(&api->runners, api, PT_RUNNERS, err);
	r = r < 0 ? r : open_unix(api, err);
	if (r == 0 && setup->config->listen)
		r = open_tls(api, err);
	if (r < 0) {
		pt_api_stop(api);
		return r;
	}
	*ret_api = api;
	return 0;
}

void pt_api_stop(struct pt_api *api)
{
	if (!api)
		return;
	atomic_store(&api->stop, true);
	/* in this order: no connection may sleep when its daemon ends */
	pt_crew_stop(&api->workers);
	pt_crew_stop(&api->runners);
	pt_streams_wake(api);
	if (api->plain.daemon)
		MHD_stop_daemon(api->plain.daemon);
	if (api->tls.daemon)
		MHD_stop_daemon(api->tls.daemon);
	pt_model_stop(api->model);
	pt_conns_stop(&api->conns);
	pt_stats_done(&api->stats);
	(void)pthread_mutex_destroy(&api->mutex);
	if (api->socket)
		(void)unlink(api->socket);
	free(api->socket);
	free(api);
}

unsigned pt_api_port(const struct pt_api *api)
{
	return api->port;
}

char *pt_api_trouble(struct pt_api *api)
{
	return pt_model_trouble(api->model);
}
