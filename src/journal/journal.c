/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the journal; what is written into it is records.c. */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "journal/db.h"

#define FILE_NAME "journal.db"

/* one row may hold two definitions and their JSON escapes; more than this is no journal of ours */
#define ROW_MAX (64 << 20)

static int not_ours(struct pt_error *err, const char *path, const char *what)
{
	int r = pt_say(err, -EPERM, "%s %s: what is in it cannot be trusted", path, what);

	pt_hint(err, "see who did that; it must belong to the user that runs passthru and be closed to others");
	return r;
}

static int open_dir(const char *dir, enum pt_journal_mode mode, int *ret_fd, struct pt_error *err)
{
	pt_autoclose int fd = -EBADF;
	struct stat st;
	int r;

	if (mode == PT_JOURNAL_WRITE) {
		r = pt_file_mkdir_p(dir, 0700);
		if (r < 0)
			return pt_fail(err, r, "cannot make the journal's directory %s", dir);
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open the journal's directory %s", dir);
	if (fstat(fd, &st) < 0)
		return pt_fail(err, -errno, "cannot look at the journal's directory %s", dir);
	if (mode != PT_JOURNAL_FROZEN) {
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
static int look_at_file(const struct pt_journal *j, enum pt_journal_mode mode, struct pt_error *err)
{
	struct stat st;

	if (fstatat(j->dir_fd, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : pt_fail(err, -errno, "cannot look at the journal %s", j->path);
	if (!S_ISREG(st.st_mode))
		return not_ours(err, j->path, "is no regular file");
	if (mode != PT_JOURNAL_FROZEN && st.st_uid != geteuid())
		return not_ours(err, j->path, "belongs to somebody else");
	if (mode != PT_JOURNAL_FROZEN && (st.st_mode & 077))
		return not_ours(err, j->path, "is open to others");
	return 1;
}

/* no SQLite file is empty: a crash while it was made leaves none (see make_new()), so this one lost what it had */
static int refuse_empty(const struct pt_journal *j, struct pt_error *err)
{
	struct stat st;

	if (fstatat(j->dir_fd, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size > 0)
		return 0;
	(void)pt_say(err, -EBADMSG, "the journal %s is damaged: it is empty", j->path);
	pt_hint(err, "it was left as it is; restore it from a backup, or remove it to begin anew");
	return -EBADMSG;
}

/* a write-ahead log that is still there: somebody has it open now, or the last one died */
static int was_cut_off(const struct pt_journal *j)
{
	struct stat st;

	return fstatat(j->dir_fd, FILE_NAME "-wal", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
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

static int connect_db(struct pt_journal *j, const char *path, enum pt_journal_mode mode, struct pt_error *err)
{
	bool frozen = mode == PT_JOURNAL_FROZEN;
	pt_autofree char *uri = uri_of(path, frozen ? "?immutable=1" : "");
	int flags = (frozen ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
	int code = sqlite3_open_v2(uri, &j->db, flags, NULL);

	if (code != SQLITE_OK)
		return pt_db_fail(j, code, "open what is", err);
	(void)sqlite3_limit(j->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
	(void)sqlite3_busy_timeout(j->db, 10000);
	/* hostile files: no SQL of theirs (triggers, views) may call anything */
	(void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (frozen)
		return 0;
	return pt_db_run(j, "set up", err, "PRAGMA synchronous = FULL", "");
}

/* made aside and put in place as one, so that there is never half a journal */
static int make_new(const struct pt_journal *j, struct pt_error *err)
{
	pt_autofree char *name = pt_strf("%s.%d.new", FILE_NAME, (int)getpid());
	pt_autofree char *path = pt_strf("%.*s%s", (int)(strlen(j->path) - strlen(FILE_NAME)), j->path, name);
	struct pt_journal made = { .path = j->path, .dir_fd = j->dir_fd };
	pt_autoclose int fd = -EBADF;
	int r;

	(void)unlinkat(j->dir_fd, name, 0); /* of a dead process with our number */
	fd = openat(j->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot make the journal %s", j->path);
	r = connect_db(&made, path, PT_JOURNAL_WRITE, err);
	if (r == 0)
		r = pt_db_run(&made, "set up", err, "PRAGMA journal_mode = WAL", "");
	if (r == 0)
		r = pt_db_schema(&made, true, err);
	if (sqlite3_close(made.db) != SQLITE_OK && r == 0)
		r = pt_say(err, -EIO, "cannot make the journal %s", j->path);
	if (r == 0 && fsync(fd) < 0)
		r = pt_fail(err, -errno, "cannot make the journal %s", j->path);
	/* when another process was faster, its journal is as good */
	if (r == 0 && renameat2(j->dir_fd, name, j->dir_fd, FILE_NAME, RENAME_NOREPLACE) < 0 && errno != EEXIST)
		r = pt_fail(err, -errno, "cannot make the journal %s", j->path);
	(void)unlinkat(j->dir_fd, name, 0);
	if (r == 0 && fsync(j->dir_fd) < 0)
		r = pt_fail(err, -errno, "cannot make the journal %s", j->path);
	return r;
}

static int open_file(struct pt_journal *j, enum pt_journal_mode mode, struct pt_error *err)
{
	int there = look_at_file(j, mode, err);
	int deep;
	int r;

	if (there < 0)
		return there;
	if (!there && mode != PT_JOURNAL_WRITE)
		return pt_fail(err, -ENOENT, "cannot open the journal %s", j->path);
	r = there ? refuse_empty(j, err) : make_new(j, err);
	if (r < 0)
		return r;
	deep = was_cut_off(j);
	r = connect_db(j, j->path, mode, err);
	if (r == 0)
		r = pt_db_check(j, deep, err);
	if (r == 0 && mode != PT_JOURNAL_FROZEN)
		r = pt_db_run(j, "set up", err, "PRAGMA journal_mode = WAL", "");
	if (r == 0)
		r = pt_db_schema(j, mode != PT_JOURNAL_FROZEN, err);
	return r;
}

int pt_journal_open(const char *dir, enum pt_journal_mode mode, struct pt_journal **ret_journal, struct pt_error *err)
{
	struct pt_journal *j;
	int fd = -EBADF;
	int r = open_dir(dir, mode, &fd, err);

	if (r < 0)
		return r;
	j = pt_alloc(sizeof(*j));
	j->dir_fd = fd;
	j->path = pt_strf("%s/%s", dir, FILE_NAME);
	r = open_file(j, mode, err);
	if (r < 0) {
		pt_journal_close(j);
		return r;
	}
	*ret_journal = j;
	return 0;
}

void pt_journal_watch(struct pt_journal *j, struct pt_watch *watch)
{
	j->watch = watch;
}

void pt_journal_close(struct pt_journal *j)
{
	if (!j)
		return;
	/* every entry was on disk when it was made: closing has nothing left to lose */
	(void)sqlite3_close(j->db);
	pt_closep(&j->dir_fd);
	free(j->path);
	free(j);
}
