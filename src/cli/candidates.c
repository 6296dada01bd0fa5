/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/candidates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/placeable.h"
#include "shape/hostfacts.h"
#include "vm/cpu.h"
#include "vm/far.h"

/* a host with a thousand functions writes some 2 MiB */
#define FACTS_MAX ((size_t)64 << 20)

static void set_silent(struct pt_migrate_host *h, const struct pt_error *why)
{
	h->unasked = false;
	h->cpu = (struct pt_cpu_host){ .family = -1, .number = -1, .stepping = -1 };
	h->why_not = pt_strdup(why->msg);
	h->why_fix = *why->hint ? pt_strdup(why->hint) : NULL;
}

/* a host of which there is nothing to tell but why */
static void add_silent(const char *where, const struct pt_error *why, struct pt_migrate_hosts *l)
{
	struct pt_migrate_host h = { 0 };

	h.name = pt_strdup(where);
	h.where = pt_strdup(where);
	set_silent(&h, why);
	pt_array_push(l, h);
}

/* named twice it is still one host */
static bool is_listed(const struct pt_migrate_hosts *l, const char *where)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].where, where))
			return true;
	return false;
}

/* it is asked by pt_candidates_ask() */
static void add_uri(const char *uri, struct pt_migrate_hosts *l)
{
	struct pt_migrate_host h = { .unasked = true };

	if (is_listed(l, uri))
		return;
	h.name = pt_strdup(uri);
	h.where = pt_strdup(uri);
	pt_array_push(l, h);
}

static int offer(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	return pt_vm_hypervisor(there, said, err);
}

static void host_free(void *said)
{
	pt_migrate_host_done(said);
	free(said);
}

static struct pt_far *begin(struct pt_cli *cli, const char *uri)
{
	struct pt_migrate_host *h = pt_alloc(sizeof(*h));
	const struct pt_far_talk talk = { .uri = uri, .said = h, .talk = offer, .done = host_free };

	*h = (struct pt_migrate_host){ 0 };
	return pt_far_begin(&cli->root, &talk);
}

static void end(struct pt_far *far, unsigned limit_ms, struct pt_migrate_host *h)
{
	struct pt_error why = { 0 };
	void *said = NULL;
	struct pt_migrate_host *answer;

	if (pt_far_end(far, limit_ms, &said, &why) >= 0) {
		answer = said;
		pt_migrate_host_done(h);
		*h = *answer;
		free(answer);
		return;
	}
	pt_hint(&why, "`virsh -c '%s' version` tries the same", h->where);
	set_silent(h, &why);
}

/* so many at a time: each may have a program of its own (ssh) */
#define AT_ONCE 64

static void ask_some(struct pt_cli *cli, struct pt_migrate_host **v, size_t n)
{
	struct pt_far *talks[AT_ONCE];
	long long until = pt_watch_now_ms() + PT_FAR_MS;

	for (size_t i = 0; i < n; i++)
		talks[i] = begin(cli, v[i]->where);
	for (size_t i = 0; i < n; i++) {
		long long left = until - pt_watch_now_ms();

		end(talks[i], left > 0 ? (unsigned)left : 0, v[i]);
	}
}

void pt_candidates_ask(struct pt_cli *cli, struct pt_migrate_hosts *l)
{
	enum pt_watch_kind before = pt_watch_turn(&cli->watch, PT_WATCH_LIBVIRT);
	struct pt_migrate_host *v[AT_ONCE];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].unasked)
			v[n++] = &l->v[i];
		if (n == AT_ONCE || (n && i + 1 == l->n)) {
			ask_some(cli, v, n);
			n = 0;
		}
	}
	(void)pt_watch_turn(&cli->watch, before);
}

/* what is asked of is at the beginning of what `passthru facts --json` writes, before a long list of devices */
#define BEGINNING ((size_t)64 << 10)

/* the beginning of a file, where that is plain; 1 when the host is in the list */
static int scan_file(int dir_fd, const char *name, const char *where, struct pt_migrate_hosts *l)
{
	pt_autoclose int fd = pt_file_open(dir_fd, name, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	pt_autofree char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return 0;
	text = malloc(BEGINNING);
	n = text ? read(fd, text, BEGINNING) : -1;
	return n > 0 ? pt_host_facts_scan(text, (size_t)n, where, l) : 0;
}

static int read_file(int dir_fd, const char *name, const char *where, struct pt_migrate_host *ret_host,
		     struct pt_error *err)
{
	pt_autofree char *text = NULL;
	json_error_t place;
	size_t size = 0;
	json_t *o;
	int r = pt_file_read(dir_fd, name, FACTS_MAX, &text, &size);

	if (r < 0)
		return pt_say(err, r, "%s: %s", where, strerror(-r));
	o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &place);
	if (!o)
		return pt_say(err, -EBADMSG, "%s: this is no JSON: %s (line %d)", where, place.text, place.line);
	r = pt_host_facts_read(o, where, ret_host, err);
	json_decref(o);
	return r;
}

static void add_file(int dir_fd, const char *name, const char *where, struct pt_migrate_hosts *l)
{
	struct pt_migrate_host h = { 0 };
	struct pt_error why = { 0 };

	if (scan_file(dir_fd, name, where, l) > 0)
		return;
	if (read_file(dir_fd, name, where, &h, &why) >= 0) {
		pt_array_push(l, h);
		return;
	}
	pt_hint(&why, "`passthru facts --json > FILE`, on that host");
	add_silent(where, &why, l);
}

static int add_folder(int fd, const char *path, struct pt_migrate_hosts *l, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	size_t before = l->n;
	bool any = false;
	int r = pt_file_list(fd, ".", &names);

	if (r < 0)
		return pt_usage(err, r, "%s: %s", path, strerror(-r));
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *where = pt_strf("%s/%s", path, names.v[i]);

		if (!pt_endswith(names.v[i], ".json"))
			continue;
		any = true;
		if (before == 0 || !is_listed(l, where))
			add_file(fd, names.v[i], where, l);
	}
	if (!any) {
		r = pt_usage(err, -ENOENT, "%s: no file in it ends in .json", path);
		pt_hint(err, "`passthru facts --json > %s/HOST.json`, on each host", path);
	}
	return r;
}

/* the directory of @path and the name in it, so that nothing but that file is opened */
static int open_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	pt_autofree char *dir = !slash ? pt_strdup(".") : pt_strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_name = slash ? slash + 1 : path;
	return fd < 0 ? -errno : fd;
}

/* the host that a URI names, without user and port */
static bool names(const char *uri, const char *word)
{
	const char *at = strstr(uri, "://");
	pt_autofree char *host = at ? pt_strdup(at + 3) : NULL;
	char *name = host;

	if (!host)
		return false;
	host[strcspn(host, "/?")] = '\0';
	if (strchr(host, '@'))
		name = strrchr(host, '@') + 1;
	if (*name != '[')
		name[strcspn(name, ":")] = '\0';
	if (strcasecmp(name, word) == 0)
		return true;
	/* and by its first label: b for b.example.org */
	return !strchr(word, '.') && strncasecmp(name, word, strlen(word)) == 0 && name[strlen(word)] == '.';
}

/* a line's end in it would be another word of the step that stores it (model/migrate.h) */
static int check_uri(const char *uri, struct pt_error *err)
{
	for (const char *p = uri; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return pt_usage(err, -EINVAL, "a URI has no spaces and no control characters: '%s'", uri);
	return 0;
}

int pt_candidates_uri(struct pt_cli *cli, const char *word, char **ret_uri, struct pt_error *err)
{
	PT_AUTO(pt_strv) configured = { 0 };
	const char *found = NULL;
	int r = strstr(word, "://") ? check_uri(word, err) : pt_placeable_candidates(cli, &configured, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < configured.n; i++) {
		if (!names(configured.v[i], word))
			continue;
		if (found && strcmp(found, configured.v[i]) != 0)
			return pt_usage(err, -EINVAL, "'%s' may be %s or %s, both of [migrate] host", word, found,
					configured.v[i]);
		found = configured.v[i];
	}
	if (!configured.n && strstr(word, "://"))
		found = word;
	if (!found)
		return 0;
	*ret_uri = pt_strdup(found);
	return 1;
}

int pt_candidates_add_target(struct pt_cli *cli, const char *uri, struct pt_migrate_hosts *l, struct pt_error *err)
{
	size_t before = l->n;

	if (strstr(uri, "://"))
		add_uri(uri, l);
	pt_candidates_ask(cli, l);
	if (before || l->n != 1 || !pt_streq(l->v[0].where, uri))
		return pt_say(err, -EINVAL, "%s is not the one host that was looked at", uri);
	return 0;
}

int pt_candidates_add(struct pt_cli *cli, const char *word, struct pt_migrate_hosts *l, struct pt_error *err)
{
	pt_autoclose int folder = -EBADF;
	pt_autoclose int parent = -EBADF;
	pt_autofree char *uri = NULL;
	const char *name = NULL;
	int r;

	if (strstr(word, "://")) {
		r = check_uri(word, err);
		if (r == 0)
			add_uri(word, l);
		return r;
	}
	folder = open(word, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0)
		return add_folder(folder, word, l, err);
	parent = open_parent(word, &name);
	if (parent >= 0 && *name && pt_file_exists(parent, name) == 1) {
		if (is_listed(l, word))
			return 0;
		add_file(parent, name, word, l);
		return 0;
	}
	r = pt_candidates_uri(cli, word, &uri, err);
	if (r == 1)
		add_uri(uri, l);
	if (r != 0)
		return r < 0 ? r : 0;
	r = pt_usage(err, -ENOENT,
		     "'%s' is no host: neither a URI of libvirt, nor a file, nor the host of a URI of [migrate] host",
		     word);
	pt_hint(err,
		"a host is qemu+ssh://root@HOST/system, a file that `passthru facts --json` wrote there, or a folder "
		"of such files");
	return r;
}
