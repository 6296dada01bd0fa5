/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/placeable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/inventory.h"
#include "shape/networks.h"
#include "shape/novaconf.h"
#include "shape/place.h"
#include "shape/storeconf.h"

#define CONFIG	  "etc/passthru/passthru.conf"
#define CONFIG_D  "etc/passthru/conf.d"
#define FACTS_MAX ((size_t)1 << 30)

/* a file that the user names is opened as the user would; "-" is standard input */
static int read_named(const char *name, size_t max, char **ret_text, struct pt_error *err)
{
	PT_AUTO(pt_buf) text = { 0 };
	pt_autofclose FILE *f = strcmp(name, "-") == 0 ? fdopen(dup(STDIN_FILENO), "re") : fopen(name, "re");
	char part[65536];
	size_t n;

	if (!f)
		return pt_fail(err, -errno, "cannot open %s", name);
	while ((n = fread(part, 1, sizeof(part), f)) > 0) {
		pt_buf_addn(&text, part, n);
		if (text.n > max)
			return pt_usage(err, -EFBIG, "%s is larger than %zu bytes", name, max);
	}
	if (ferror(f))
		return pt_fail(err, -EIO, "cannot read %s", name);
	if (text.n && strlen(text.s) != text.n)
		return pt_usage(err, -EINVAL, "%s holds a NUL byte: this is no text", name);
	*ret_text = pt_buf_take(&text);
	return 0;
}

/* where what is read goes: what is NULL is not asked for */
struct wanted {
	struct pt_pci_config *config;
	struct pt_strv *hints;
	struct pt_networks *networks;
	struct pt_store_config *store;
	char **password_file;
	struct pt_strv *candidates;
	int (*take)(void *arg, const struct pt_ini *ini, const char *name, struct pt_error *err);
	void *arg;
};

/* one a line; a path that depends on where the command is run is none */
static int add_candidates(const struct pt_ini_entry *e, const char *name, struct pt_strv *l, struct pt_error *err)
{
	pt_autofree char *value = pt_strdup(e->value);
	char *save = NULL;

	if (!pt_streq(e->key, "host"))
		return pt_usage(err, -EINVAL, "%s:%u: [migrate] has no '%.60s'; allowed is host", name, e->line,
				e->key);
	for (char *line = strtok_r(value, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		pt_autofree char *word = pt_text_trim(pt_strdup(line));

		if (!*word)
			continue;
		if (*word != '/' && !strstr(word, "://"))
			return pt_usage(err, -EINVAL,
					"%s:%u: [migrate] host = %.80s: expected a URI of libvirt, or an absolute path",
					name, e->line, word);
		pt_strv_add(l, word);
	}
	return 0;
}

static int add_config(const char *text, const char *name, const struct wanted *w, struct pt_error *err)
{
	PT_AUTO(pt_ini) ini = { 0 };
	int r = pt_ini_parse(text, name, &ini, err);

	if (r == 0 && w->config)
		r = pt_novaconf_read(&ini, name, w->config, w->hints, err);
	if (r == 0 && w->networks)
		r = pt_networks_read(&ini, name, w->networks, err);
	if (r == 0 && w->store)
		r = pt_storeconf_read(&ini, name, w->store, w->password_file, err);
	if (r == 0 && w->take)
		r = w->take(w->arg, &ini, name, err);
	for (size_t i = 0; i < ini.n && r == 0 && w->candidates; i++)
		if (pt_streq(ini.v[i].section, "migrate"))
			r = add_candidates(&ini.v[i], name, w->candidates, err);
	return r;
}

/* who may write it decides who gets devices: root alone; a capture has no owners worth checking */
static int check_owner(const struct pt_cli *cli, const char *path, const char *name, struct pt_error *err)
{
	pt_autoclose int fd = pt_file_open(cli->root.root_fd, path, O_PATH);
	struct stat st;
	int r;

	if (fd < 0 || cli->root.captured || fstat(fd, &st) < 0 ||
	    (st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH))))
		return 0;
	r = pt_usage(err, -EPERM,
		     "%s belongs to user %u with mode %04o: a configuration must be root's, and only root's to "
		     "write",
		     name, st.st_uid, st.st_mode & 07777);
	pt_hint(err, "chown root %s && chmod go-w %s", name, name);
	return r;
}

/* a file of this host's own configuration; absent is empty */
static int add_own(const struct pt_cli *cli, const char *path, const struct wanted *w, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	pt_autofree char *name = pt_strf("/%s", path);
	int r = pt_file_read(cli->root.root_fd, path, PT_INI_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return pt_fail(err, r, "cannot read %s", name);
	r = check_owner(cli, path, name, err);
	return r < 0 ? r : add_config(text, name, w, err);
}

static int add_own_all(const struct pt_cli *cli, const struct wanted *w, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = add_own(cli, CONFIG, w, err);

	if (r == 0 && pt_file_list(cli->root.root_fd, CONFIG_D, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.n && r == 0; i++) {
		pt_autofree char *path = pt_strf("%s/%s", CONFIG_D, names.v[i]);

		if (pt_endswith(names.v[i], ".conf"))
			r = add_own(cli, path, w, err);
	}
	return r;
}

static int read_config(const struct pt_cli *cli, const char *const *files, size_t n, const struct wanted *w,
		       struct pt_error *err)
{
	int r = n ? 0 : add_own_all(cli, w, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		pt_autofree char *text = NULL;

		r = read_named(files[i], PT_INI_MAX, &text, err);
		r = r < 0 ? r : add_config(text, files[i], w, err);
	}
	return r;
}

int pt_placeable_config(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_pci_config *ret_config,
			struct pt_strv *hints, struct pt_error *err)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	const struct wanted w = { .config = &config, .hints = hints };
	int r = read_config(cli, files, n, &w, err);

	if (r < 0)
		return r;
	*ret_config = config;
	config = (struct pt_pci_config){ 0 };
	return 0;
}

int pt_placeable_each(const struct pt_cli *cli, const char *const *files, size_t n,
		      int (*take)(void *arg, const struct pt_ini *ini, const char *name, struct pt_error *err),
		      void *arg, struct pt_error *err)
{
	const struct wanted w = { .take = take, .arg = arg };

	return read_config(cli, files, n, &w, err);
}

int pt_placeable_candidates(const struct pt_cli *cli, struct pt_strv *ret_words, struct pt_error *err)
{
	PT_AUTO(pt_strv) words = { 0 };
	const struct wanted w = { .candidates = &words };
	int r = add_own_all(cli, &w, err);

	if (r < 0)
		return r;
	*ret_words = pt_take(words);
	return 0;
}

/* a secret in a file that others may read is none */
static int read_password(const char *name, char **ret_password, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	struct stat st;
	int r;

	if (stat(name, &st) < 0)
		return pt_fail(err, -errno, "cannot look at [store] password_file %s", name);
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		r = pt_usage(err, -EPERM, "[store] password_file %s has mode %04o: others may read the password", name,
			     st.st_mode & 07777);
		pt_hint(err, "chmod 0600 %s", name);
		return r;
	}
	r = read_named(name, 4096, &text, err);
	if (r < 0)
		return r;
	*ret_password = pt_strndup(text, strcspn(text, "\r\n"));
	explicit_bzero(text, strlen(text));
	return 0;
}

int pt_placeable_store(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_store_config *ret_store,
		       struct pt_error *err)
{
	PT_AUTO(pt_store_config) store = { 0 };
	pt_autofree char *password_file = NULL;
	const struct wanted w = { .store = &store, .password_file = &password_file };
	int r = read_config(cli, files, n, &w, err);

	if (r == 0 && password_file)
		r = read_password(password_file, &store.password, err);
	if (r < 0)
		return r;
	*ret_store = pt_take(store);
	return 0;
}

int pt_placeable_networks(const struct pt_cli *cli, const char *const *files, size_t n,
			  struct pt_networks *ret_networks, struct pt_error *err)
{
	PT_AUTO(pt_networks) networks = { 0 };
	const struct wanted w = { .networks = &networks };
	int r = read_config(cli, files, n, &w, err);

	if (r == 0)
		r = pt_networks_check(&networks, err);
	if (r < 0)
		return r;
	*ret_networks = networks;
	networks = (struct pt_networks){ 0 };
	return 0;
}

int pt_placeable_check(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_error *err)
{
	PT_AUTO(pt_networks) networks = { 0 };
	PT_AUTO(pt_store_config) store = { 0 };
	PT_AUTO(pt_strv) candidates = { 0 };
	pt_autofree char *password_file = NULL;
	const struct wanted w = {
		.networks = &networks, .store = &store, .password_file = &password_file, .candidates = &candidates
	};
	int r = read_config(cli, files, n, &w, err);

	return r < 0 ? r : pt_networks_check(&networks, err);
}

void pt_placements_done(struct pt_placements *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_placement_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_placements){ 0 };
}

/* "placement" of each host is taken out, so that the same facts serve every command */
static int read_placements(json_t *hosts, struct pt_placements *l, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(hosts); i++) {
		pt_autofree char *where = pt_strf("hosts[%zu].placement", i);
		json_t *host = json_array_get(hosts, i);

		r = pt_place_read_placement(json_object_get(host, "placement"), where, pt_array_add(l), err);
		(void)json_object_del(host, "placement");
	}
	return r;
}

static int read_facts(const char *name, struct pt_inv_hosts *hosts, struct pt_placements *l, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	json_error_t where;
	json_t *list;
	json_t *json;
	int r = read_named(name, FACTS_MAX, &text, err);

	if (r < 0)
		return r;
	json = json_loads(text, 0, &where);
	if (!json)
		return pt_usage(err, -EINVAL, "%s:%d:%d: no JSON: %s", name, where.line, where.column, where.text);
	list = json_is_object(json) ? json_object_get(json, "hosts") : json;
	r = read_placements(list, l, err);
	r = r < 0 ? r : pt_place_read_hosts(list, hosts, err);
	json_decref(json);
	return r < 0 ? pt_wrap(err, r, "%s", name) : 0;
}

int pt_placeable_hosts(const struct pt_cli *cli, struct pt_inv_hosts *ret_hosts, struct pt_placements *ret_placements,
		       struct pt_error *err)
{
	const char *facts = pt_cli_value(cli, "facts");
	PT_AUTO(pt_placements) placements = { 0 };
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	int r = facts ? read_facts(facts, &hosts, &placements, err)
		      : pt_inventory_read(&cli->root, pt_array_add(&hosts), err);

	if (r < 0)
		return r;
	if (!facts)
		(void)pt_array_add(&placements);
	*ret_hosts = hosts;
	hosts = (struct pt_inv_hosts){ 0 };
	if (ret_placements) {
		*ret_placements = placements;
		placements = (struct pt_placements){ 0 };
	}
	return 0;
}
