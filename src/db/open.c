/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database, and making it when there is none. */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

/* one row may hold two definitions and their JSON escapes; more than is nothing of ours */
#define ROW_MAX (64 << 20)

static int not_ours(struct pt_error *err, const char *path, const char *what)
{
	int r = pt_say(err, -EPERM, "%s %s: what is in it cannot be trusted", path, what);

	pt_refused_by(err, "not-trusted", false);
	pt_hint(err, "see who did that; it must belong to the user that runs passthru and be closed to others");
	return r;
}

static int open_dir(const struct pt_db_kind *kind, const char *dir, enum pt_db_mode mode, int *ret_fd,
		    struct pt_error *err)
{
	pt_autoclose int fd = -EBADF;
	struct stat st;
	int r;

	if (mode == PT_DB_WRITE) {
		r = pt_file_mkdir_p(dir, 0700);
		if (r < 0)
			return pt_fail(err, r, "cannot make the directory %s of the %s", dir, kind->noun);
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open the directory %s of the %s", dir, kind->noun);
	if (fstat(fd, &st) < 0)
		return pt_fail(err, -errno, "cannot look at the directory %s of the %s", dir, kind->noun);
	if (mode != PT_DB_FROZEN) {
		if (st.st_uid != geteuid())
			return not_ours(err, dir, "belongs to somebody else");
		if (st.st_mode & 022)
			return not_ours(err, dir, "can be written by others");
		if ((st.st_mode & 077) && fchmod(fd, 0700) < 0)
			return pt_fail(err, -errno, "cannot close %s to others", dir);
	}
	*ret_fd = pt_take_fd(fd);
	return 0;
}

/* 1 when it is there, 0 when not */
static int look_at_file(const struct pt_db *d, enum pt_db_mode mode, struct pt_error *err)
{
	struct stat st;

	if (fstatat(d->dir_fd, d->kind->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : pt_fail(err, -errno, "cannot look at the %s %s", d->kind->noun, d->path);
	if (!S_ISREG(st.st_mode))
		return not_ours(err, d->path, "is no regular file");
	if (mode != PT_DB_FROZEN && st.st_uid != geteuid())
		return not_ours(err, d->path, "belongs to somebody else");
	if (mode != PT_DB_FROZEN && (st.st_mode & 077))
		return not_ours(err, d->path, "is open to others");
	return 1;
}

/* no SQLite file is empty: a crash while it was made leaves none (see make_new()), so this one lost what it had */
static int refuse_empty(const struct pt_db *d, struct pt_error *err)
{
	struct stat st;

	if (fstatat(d->dir_fd, d->kind->file, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size > 0)
		return 0;
	(void)pt_say(err, -EBADMSG, "the %s %s is damaged: it is empty", d->kind->noun, d->path);
	pt_refused_by(err, "damaged", false);
	pt_hint(err, "it was left as it is; restore it from a backup, or remove it to begin anew");
	return -EBADMSG;
}

/* a write-ahead log that is still there: somebody has it open now, or the last one died */
static bool has_log(const struct pt_db *d, const char *name)
{
	pt_autofree char *wal = pt_strf("%s-wal", name);
	struct stat st;

	return fstatat(d->dir_fd, wal, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}

/* https://www.sqlite.org/fileformat2.html#the_write_ahead_log, the header: a magic number, and a checksum at its end */
static bool is_log_header(const unsigned char *header)
{
	uint32_t sum[2] = { 0, 0 };
	uint32_t word[8];

	for (int i = 0; i < 8; i++)
		word[i] = (uint32_t)header[4 * i] << 24 | (uint32_t)header[4 * i + 1] << 16 |
			  (uint32_t)header[4 * i + 2] << 8 | header[4 * i + 3];
	if ((word[0] & ~1u) != 0x377f0682)
		return false;
	for (int i = 0; i < 6; i += 2) {
		bool big = word[0] & 1;

		sum[0] += (big ? word[i] : __builtin_bswap32(word[i])) + sum[1];
		sum[1] += (big ? word[i + 1] : __builtin_bswap32(word[i + 1])) + sum[0];
	}
	return sum[0] == word[6] && sum[1] == word[7];
}

/*
 * SQLite takes a log whose header is wrong for none, and removes it with all that it has.  A header that is all zero
 * was never on the disk, so nothing after it was.
 */
static int check_log(const struct pt_db *d, struct pt_error *err)
{
	static const unsigned char zero[32];
	pt_autofree char *wal = pt_strf("%s-wal", d->kind->file);

	/* somebody who has it open may be writing just these bytes */
	for (int tries = 0; tries < 5; tries++) {
		pt_autoclose int fd = openat(d->dir_fd, wal, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		unsigned char header[sizeof(zero)];

		if (fd < 0 || pread(fd, header, sizeof(header), 0) < (ssize_t)sizeof(header) ||
		    memcmp(header, zero, sizeof(header)) == 0 || is_log_header(header))
			return 0;
		(void)usleep(10000);
	}
	return pt_db_damaged(d, "its write-ahead log does not begin as one", err);
}

static char *uri_of(const char *path, const char *query)
{
	struct pt_buf b = { 0 };

	pt_buf_add(&b, "file:");
	for (const char *c = path; *c; c++) {
		if (strchr("%?#", *c))
			pt_buf_addf(&b, "%%%02x", (unsigned char)*c);
		else
			pt_buf_addn(&b, c, 1);
	}
	pt_buf_add(&b, query);
	return pt_buf_take(&b);
}

static int connect_db(struct pt_db *d, const char *path, enum pt_db_mode mode, struct pt_error *err)
{
	bool frozen = mode == PT_DB_FROZEN;
	pt_autofree char *uri = uri_of(path, frozen ? "?immutable=1" : "");
	int flags = (frozen ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
	int code = sqlite3_open_v2(uri, &d->sqlite, flags, NULL);

	if (code != SQLITE_OK)
		return pt_db_fail(d, code, "open what is", err);
	/* SQLite is content with reading where it cannot write */
	if (mode == PT_DB_WRITE && sqlite3_db_readonly(d->sqlite, "main") == 1)
		return pt_db_fail(d, SQLITE_READONLY, "write", err);
	(void)sqlite3_limit(d->sqlite, SQLITE_LIMIT_LENGTH, ROW_MAX);
	(void)sqlite3_busy_timeout(d->sqlite, 10000);
	/* hostile files: no SQL of theirs (triggers, views) may call anything */
	(void)sqlite3_db_config(d->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(d->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* closing would write the log into the file and remove it: not before it is known to be ours to do so */
	(void)sqlite3_db_config(d->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (frozen)
		return 0;
	return pt_db_run(d, "set up", err, "PRAGMA synchronous = FULL", "");
}

static void remove_new(const struct pt_db *d, const char *name)
{
	static const char *const parts[] = { "", "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		pt_autofree char *part = pt_strf("%s%s", name, parts[i]);

		(void)unlinkat(d->dir_fd, part, 0);
	}
}

/*
 * Made aside and put in place as one, so that there is never half of one.  The tables go into the file itself, by
 * SQLite's older way: a write-ahead log that a full disk keeps from being moved into it, which closing does not tell,
 * would stay behind under the old name.
 */
static int make_new(const struct pt_db *d, struct pt_error *err)
{
	pt_autofree char *name = pt_strf("%s.%d.new", d->kind->file, (int)getpid());
	pt_autofree char *path = pt_strf("%.*s%s", (int)(strlen(d->path) - strlen(d->kind->file)), d->path, name);
	struct pt_db made = { .kind = d->kind, .path = d->path, .dir_fd = d->dir_fd };
	pt_autoclose int fd = -EBADF;
	int r;

	remove_new(d, name); /* of a dead process with our number */
	fd = openat(d->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot make the %s %s", d->kind->noun, d->path);
	r = connect_db(&made, path, PT_DB_WRITE, err);
	if (r == 0)
		r = pt_db_schema(&made, true, err);
	if (r == 0)
		r = pt_db_run(&made, "set up", err, "PRAGMA journal_mode = WAL", "");
	(void)sqlite3_db_config(made.sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if ((sqlite3_close(made.sqlite) != SQLITE_OK || has_log(d, name)) && r == 0)
		r = pt_say(err, -EIO, "cannot make the %s %s", d->kind->noun, d->path);
	if (r == 0 && fsync(fd) < 0)
		r = pt_fail(err, -errno, "cannot make the %s %s", d->kind->noun, d->path);
	/* when another process was faster, its file is as good */
	if (r == 0 && renameat2(d->dir_fd, name, d->dir_fd, d->kind->file, RENAME_NOREPLACE) < 0 && errno != EEXIST)
		r = pt_fail(err, -errno, "cannot make the %s %s", d->kind->noun, d->path);
	remove_new(d, name);
	if (r == 0 && fsync(d->dir_fd) < 0)
		r = pt_fail(err, -errno, "cannot make the %s %s", d->kind->noun, d->path);
	return r;
}

static int set_up(struct pt_db *d, enum pt_db_mode mode, struct pt_error *err)
{
	int deep = has_log(d, d->kind->file);
	int r = check_log(d, err);

	if (r == 0)
		r = connect_db(d, d->path, mode, err);
	if (r == 0)
		r = pt_db_check(d, deep, err);
	if (r == 0 && mode != PT_DB_FROZEN)
		r = pt_db_run(d, "set up", err, "PRAGMA journal_mode = WAL", "");
	if (r == 0)
		r = pt_db_schema(d, mode != PT_DB_FROZEN, err);
	if (r == 0)
		(void)sqlite3_db_config(d->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return r;
}

/*
 * Reading needs a file of SQLite's own beside it, for which a full file system has no room.  Where there is no log, all
 * is in the file itself, and nobody can write to it now: it is read as a captured one.  Otherwise libvirt's hook would
 * start no VM with a device of the host for as long as the disk is full.
 */
static bool is_readable_alone(const struct pt_db *d, enum pt_db_mode mode, int r)
{
	return mode == PT_DB_READ && (r == -ENOSPC || r == -EROFS) && !has_log(d, d->kind->file);
}

static int open_file(struct pt_db *d, enum pt_db_mode mode, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int there = look_at_file(d, mode, err);
	int r;

	if (there < 0)
		return there;
	if (!there && mode != PT_DB_WRITE)
		return pt_fail(err, -ENOENT, "cannot open the %s %s", d->kind->noun, d->path);
	r = there ? refuse_empty(d, err) : make_new(d, err);
	if (r < 0)
		return r;
	r = set_up(d, mode, &why);
	if (is_readable_alone(d, mode, r)) {
		(void)sqlite3_close(d->sqlite);
		d->sqlite = NULL;
		why = (struct pt_error){ 0 };
		r = set_up(d, PT_DB_FROZEN, &why);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

int pt_db_open(const struct pt_db_kind *kind, const char *dir, enum pt_db_mode mode, struct pt_db **ret_db,
	       struct pt_error *err)
{
	struct pt_db *d;
	int fd = -EBADF;
	int r = open_dir(kind, dir, mode, &fd, err);

	if (r < 0)
		return r;
	d = pt_alloc(sizeof(*d));
	d->kind = kind;
	d->dir_fd = fd;
	d->path = pt_strf("%s/%s", dir, kind->file);
	r = open_file(d, mode, err);
	if (r < 0) {
		pt_db_close(d);
		return r;
	}
	*ret_db = d;
	return 0;
}

void pt_db_close(struct pt_db *d)
{
	if (!d)
		return;
	/* every entry was on disk when it was made: closing has nothing left to lose */
	(void)sqlite3_close(d->sqlite);
	pt_closep(&d->dir_fd);
	free(d->path);
	free(d);
}
