/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted, in every mount namespace that can be seen.  Mount points are never touched: one on a network
 * filesystem whose server is gone would hang.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

/* a host with thousands of containers has a long one */
#define MOUNTINFO_MAX ((size_t)64 << 20)
/* mount points named in one sentence */
#define POINTS_SHOWN 3

/* proc(5), mountinfo: blank, tab, newline and backslash are written as \ooo */
char *pt_mount_unescape(const char *s, size_t n)
{
	char *text = pt_alloc(n + 1);
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && n - i > 3 && s[i + 1] >= '0' && s[i + 1] <= '3' && s[i + 2] >= '0' &&
		    s[i + 2] <= '7' && s[i + 3] >= '0' && s[i + 3] <= '7' &&
		    (s[i + 1] != '0' || s[i + 2] != '0' || s[i + 3] != '0')) {
			text[to++] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
			i += 3;
		} else {
			text[to++] = s[i];
		}
	}
	return text;
}

/* the field that begins at *p, without its end; *p moves behind it; false at the end of the line */
static bool next_field(const char **p, const char **ret_field, size_t *ret_n)
{
	if (!*p)
		return false;
	*ret_field = *p;
	*ret_n = strcspn(*p, " \n");
	*p = (*p)[*ret_n] == ' ' ? *p + *ret_n + 1 : NULL;
	return true;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue", proc(5) */
bool pt_mountinfo_parse(const char *line, struct pt_mount *ret_mount)
{
	enum { ID, PARENT, NUMBER, ROOT, POINT, OPTIONS, FIELDS };
	const char *field[FIELDS];
	size_t n[FIELDS];
	const char *f;
	size_t length;
	struct pt_mount m = { 0 };
	int end = 0;

	for (int i = 0; i < FIELDS; i++)
		if (!next_field(&line, &field[i], &n[i]))
			return false;
	if (sscanf(field[NUMBER], "%9u:%9u%n", &m.major, &m.minor, &end) != 2 || (size_t)end != n[NUMBER])
		return false;
	do
		if (!next_field(&line, &f, &length))
			return false;
	while (length != 1 || *f != '-');
	if (!next_field(&line, &f, &length))
		return false;
	m.type = pt_mount_unescape(f, length);
	/* the source may be empty, and so may be what follows */
	m.source = next_field(&line, &f, &length) ? pt_mount_unescape(f, length) : pt_strdup("");
	m.options = next_field(&line, &f, &length) ? pt_mount_unescape(f, length) : pt_strdup("");
	m.point = pt_mount_unescape(field[POINT], n[POINT]);
	*ret_mount = m;
	return true;
}

void pt_mount_done(struct pt_mount *m)
{
	free(m->point);
	free(m->type);
	free(m->source);
	free(m->options);
}

const struct pt_mount *pt_mount_of_file(const struct pt_mounts *mounts, const char *path)
{
	const struct pt_mount *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < mounts->n; i++) {
		const struct pt_mount *m = &mounts->v[i];
		size_t n = strlen(m->point);

		if (m->pid || !pt_startswith(path, m->point) || (n > 1 && path[n] != '/'))
			continue;
		/* of two on the same place the later one is on top */
		if (n >= longest) {
			best = m;
			longest = n;
		}
	}
	return best;
}

static bool has_own_number(const struct pt_mount *m)
{
	return m->major != 0;
}

/* Does a source list name the block device?  bcachefs names all its members: "/dev/sda:/dev/sdb". */
static bool source_names(const struct pt_look *look, const struct pt_mount *m, const char *name)
{
	const char *p = m->source;

	while (*p) {
		size_t n = pt_streq(m->type, "bcachefs") ? strcspn(p, ":") : strlen(p);
		pt_autofree char *one = pt_strndup(p, n);
		const struct pt_block *b = pt_look_path(look, one);

		if (b && pt_streq(b->name, name))
			return true;
		p += n;
		p += *p == ':';
	}
	return false;
}

/* an external log or realtime device has no mount of its own: xfs(5) logdev=, rtdev=; ext4(5) journal_path= */
static bool options_name(const struct pt_look *look, const struct pt_mount *m, const char *name)
{
	static const char *const keys[] = { "logdev=", "rtdev=", "journal_path=" };

	for (const char *p = m->options; p; p = strchr(p, ',')) {
		p += *p == ',';
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			pt_autofree char *path = NULL;
			const struct pt_block *b;

			if (!pt_startswith(p, keys[k]))
				continue;
			path = pt_strndup(p + strlen(keys[k]), strcspn(p + strlen(keys[k]), ","));
			b = pt_look_path(look, path);
			if (b && pt_streq(b->name, name))
				return true;
		}
	}
	return false;
}

/*
 * By device number; where the filesystem has an anonymous one (btrfs, bcachefs, overlay), or the block device is not
 * the one it says, by name.
 */
static bool mount_is_of(const struct pt_look *look, const struct pt_mount *m, const struct pt_block *b)
{
	if (has_own_number(m) && m->major == b->major && m->minor == b->minor)
		return true;
	if (!has_own_number(m) && source_names(look, m, b->name))
		return true;
	return options_name(look, m, b->name);
}

/* of another namespace only what concerns a disk that is asked about is kept: there may be thousands */
static bool concerns(const struct pt_look *look, const struct pt_mount *m)
{
	const struct pt_block *b;

	if (!has_own_number(m))
		return pt_startswith(m->source, "/dev/") || strstr(m->options, "addr=");
	b = pt_blocks_by_number(&look->host->blocks, m->major, m->minor);
	return (b && pt_look_has_block(look, b->name)) || strstr(m->options, "dev=/dev/");
}

static int read_mountinfo(struct pt_look *look, const char *who, int pid)
{
	pt_autofree char *path = pt_strf("%s/mountinfo", who);
	pt_autofree char *text = NULL;
	int r = pt_file_read(look->root->proc_fd, path, MOUNTINFO_MAX, &text, NULL);

	if (r < 0)
		return r;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		struct pt_mount m;

		line += *line == '\n';
		if (!pt_mountinfo_parse(line, &m))
			continue;
		m.pid = pid;
		if (pid && !concerns(look, &m))
			pt_mount_done(&m);
		else
			pt_array_push(&look->mounts, m);
	}
	return 0;
}

/*
 * A filesystem can be mounted in a container or in a service's own namespace only.  The first process is read in any
 * case: what we see ourselves ends at our own root directory.
 */
static void read_other_namespaces(struct pt_look *look)
{
	PT_AUTO(pt_strv) pids = { 0 };
	PT_AUTO(pt_strv) seen = { 0 };
	pt_autofree char *own = NULL;
	size_t unseen = 0;

	if (pt_file_link(look->root->proc_fd, "self/ns/mnt", &own) == 0)
		pt_strv_add(&seen, own);
	pt_look_pids(look, &pids);
	for (size_t i = 0; i < pids.n; i++) {
		pt_autofree char *path = pt_strf("%s/ns/mnt", pids.v[i]);
		pt_autofree char *namespace = NULL;
		int r = pt_file_link(look->root->proc_fd, path, &namespace);

		if (r == -EACCES || r == -EPERM)
			unseen++;
		if (r < 0 || (pt_strv_has(&seen, namespace) && !pt_streq(pids.v[i], "1")))
			continue;
		/* the process may be gone by now, and its namespace with it, or live on in another process */
		if (read_mountinfo(look, pids.v[i], (int)strtol(pids.v[i], NULL, 10)) == 0)
			pt_strv_add(&seen, namespace);
	}
	if (unseen && pt_look_any_block(look))
		pt_look_blind(look, "the mount namespaces of %zu process%s were not seen (/proc/PID/ns/mnt): %s",
			      unseen, unseen == 1 ? "" : "es", pt_look_denied());
}

/* "mounted on /, /boot and 3 more" */
static char *points_text(const struct pt_strv *points)
{
	struct pt_buf text = { 0 };

	pt_buf_add(&text, "mounted on ");
	for (size_t i = 0; i < points->n && i < POINTS_SHOWN; i++)
		pt_buf_addf(&text, "%s%.300s", i ? ", " : "", points->v[i]);
	if (points->n > POINTS_SHOWN)
		pt_buf_addf(&text, " and %zu more", points->n - POINTS_SHOWN);
	return pt_buf_take(&text);
}

static void judge_block(struct pt_look *look, const struct pt_block *b)
{
	PT_AUTO(pt_strv) points = { 0 };
	pt_autofree char *text = NULL;
	pt_autofree char *where = NULL;
	pt_autofree char *comm = NULL;
	const struct pt_mount *other = NULL;

	for (size_t i = 0; i < look->mounts.n; i++) {
		const struct pt_mount *m = &look->mounts.v[i];

		if (!mount_is_of(look, m, b))
			continue;
		if (m->pid && !other)
			other = m;
		if (!m->pid && !pt_strv_has(&points, m->point))
			pt_strv_add(&points, m->point);
	}
	if (points.n) {
		text = points_text(&points);
		pt_look_block_use(look, b->name,
				  &(struct pt_look_how){ .kind = PT_USE_MOUNT, .where = "/proc/self/mountinfo" }, "%s",
				  text);
	} else if (other) {
		comm = pt_look_comm(look, other->pid);
		where = pt_strf("/proc/%d/mountinfo", other->pid);
		pt_look_block_use(
			look, b->name,
			&(struct pt_look_how){ .kind = PT_USE_MOUNT, .where = where, .pid = other->pid, .comm = comm },
			"mounted on %.300s in the mount namespace of %s (pid %d)", other->point, comm, other->pid);
	}
}

int pt_look_mounts(struct pt_look *look, struct pt_error *err)
{
	int r = look->root->proc_fd < 0 ? -ENOENT : read_mountinfo(look, "self", 0);

	/* what is mounted is the first thing to know before a disk is taken: no guess without it */
	if (r < 0 && !look->root->captured) {
		r = pt_fail(err, r, "cannot read what is mounted on this host (/proc/self/mountinfo)");
		pt_hint(err, "mount /proc, or run this outside of the sandbox it runs in");
		return r;
	}
	if (r < 0) {
		pt_look_blind(look, "the capture says nothing of what is mounted (proc/self/mountinfo)");
		return 0;
	}
	read_other_namespaces(look);
	for (size_t i = 0; i < look->host->blocks.n; i++)
		if (pt_look_has_block(look, look->host->blocks.v[i].name))
			judge_block(look, &look->host->blocks.v[i]);
	return 0;
}
