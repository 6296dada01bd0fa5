/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* what SQLite's shared index (-shm) needs to begin with, twice */
#define ROOM 65536u

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return -EIO;
	}
}

int pt_db_damaged(const struct pt_db *d, const char *reason, struct pt_error *err)
{
	int r = pt_say(err, -EBADMSG, "the %s %s is damaged: %s", d->kind->noun, d->path, reason);

	pt_refused_by(err, "damaged", false);
	pt_hint(err,
		"it was left as it is, and nothing was changed; restore it from a backup, or move it (with its "
		"-wal) away: %s",
		d->kind->begun_anew);
	return r;
}

/* SQLite calls a full or read-only file system an I/O error, or a file that it cannot open, where its -shm is concerned
 */
static int look_at_filesystem(const struct pt_db *d, int r)
{
	struct statvfs fs;

	if ((r != -EIO && r != -EACCES && r != -EROFS) || fstatvfs(d->dir_fd, &fs) < 0)
		return r;
	if (fs.f_flag & ST_RDONLY)
		return -EROFS;
	return (unsigned long long)fs.f_bavail * fs.f_frsize < ROOM ? -ENOSPC : r;
}

int pt_db_fail(const struct pt_db *d, int code, const char *doing, struct pt_error *err)
{
	int r = look_at_filesystem(d, errno_of(code));
	const char *why = sqlite3_errmsg(d->sqlite);

	if (r == -EBADMSG)
		return pt_db_damaged(d, why, err);
	if (r == -ENOSPC)
		why = "its file system is full";
	if (r == -EROFS)
		why = "it is read-only";
	(void)pt_say(err, r, "cannot %s in the %s %s: %s", doing, d->kind->noun, d->path, why);
	if (r == -ENOSPC)
		pt_hint(err, "make room on that file system: nothing is changed that cannot be noted");
	if (r == -EROFS)
		pt_hint(err,
			"where its file system is mounted read-only, the kernel's log may say why; nothing is changed "
			"that cannot be noted");
	return r;
}

static int bind(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	int code = SQLITE_OK;

	for (int i = 0; types[i] && code == SQLITE_OK; i++) {
		if (types[i] == 'i')
			code = sqlite3_bind_int64(stmt, i + 1, va_arg(ap, long long));
		else
			code = sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
	}
	return code;
}

static sqlite3_stmt *prepare(const struct pt_db *d, const char *doing, struct pt_error *err, const char *sql,
			     const char *types, va_list ap)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(d->sqlite, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = bind(stmt, types, ap);
	if (code == SQLITE_OK)
		return stmt;
	(void)pt_db_fail(d, code, doing, err);
	(void)sqlite3_finalize(stmt);
	return NULL;
}

sqlite3_stmt *pt_db_prepare(const struct pt_db *d, const char *doing, struct pt_error *err, const char *sql,
			    const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = prepare(d, doing, err, sql, types, ap);
	va_end(ap);
	return stmt;
}

int pt_db_run(const struct pt_db *d, const char *doing, struct pt_error *err, const char *sql, const char *types, ...)
{
	struct pt_error why = { 0 };
	sqlite3_stmt *stmt;
	va_list ap;
	int code;
	int r;

	va_start(ap, types);
	stmt = prepare(d, doing, &why, sql, types, ap);
	va_end(ap);
	if (!stmt) {
		if (err)
			*err = why;
		return why.code;
	}
	do
		code = PT_WATCHED(d->watch, PT_WATCH_DISK, sqlite3_step(stmt));
	while (code == SQLITE_ROW);
	r = code == SQLITE_DONE ? 0 : pt_db_fail(d, code, doing, err);
	(void)sqlite3_finalize(stmt);
	return r;
}

int pt_db_number(const struct pt_db *d, const char *doing, const char *sql, long long *ret_value, struct pt_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(d->sqlite, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	else if (code == SQLITE_DONE)
		*ret_value = 0;
	(void)sqlite3_finalize(stmt);
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return 0;
	return pt_db_fail(d, code, doing, err);
}

int pt_db_begin(const struct pt_db *d, const char *doing, struct pt_error *err)
{
	return pt_db_run(d, doing, err, "BEGIN IMMEDIATE", "");
}

int pt_db_end(const struct pt_db *d, int r, const char *doing, struct pt_error *err)
{
	if (r == 0)
		r = pt_db_run(d, doing, err, "COMMIT", "");
	/* after a failed COMMIT SQLite may or may not have rolled back already; the first failure is the one to tell */
	if (r < 0 && !sqlite3_get_autocommit(d->sqlite))
		(void)sqlite3_exec(d->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int migrate(const struct pt_db *d, struct pt_error *err)
{
	pt_autofree char *mark = pt_strf("PRAGMA application_id = %d; PRAGMA user_version = %lld;",
					 d->kind->application_id, d->kind->version);
	long long version = 0;
	int r = pt_db_begin(d, "make tables", err);

	if (r < 0)
		return r;
	/* again, now that nobody else can migrate at the same time */
	r = pt_db_number(d, "read the version", "PRAGMA user_version", &version, err);
	for (long long v = version; r == 0 && v < d->kind->version; v++) {
		int code = sqlite3_exec(d->sqlite, d->kind->migrations[v], NULL, NULL, NULL);

		if (code != SQLITE_OK)
			r = pt_db_fail(d, code, "make tables", err);
	}
	if (r == 0) {
		int code = sqlite3_exec(d->sqlite, mark, NULL, NULL, NULL);

		if (code != SQLITE_OK)
			r = pt_db_fail(d, code, "note the version", err);
	}
	return pt_db_end(d, r, "make tables", err);
}

int pt_db_schema(struct pt_db *d, bool write, struct pt_error *err)
{
	long long version = 0;
	int r = pt_db_number(d, "read the version", "PRAGMA user_version", &version, err);

	if (r < 0)
		return r;
	if (version > d->kind->version || version < 0) {
		r = pt_say(err, -EPROTONOSUPPORT,
			   "the %s %s is of version %lld, made by a newer passthru; this one knows up to %lld",
			   d->kind->noun, d->path, version, d->kind->version);
		pt_refused_by(err, "newer-version", false);
		pt_hint(err, "use that newer passthru; nothing was changed");
		return r;
	}
	d->version = version;
	if (version == d->kind->version || !write)
		return 0;
	r = migrate(d, err);
	if (r == 0)
		d->version = d->kind->version;
	return r;
}

int pt_db_check(const struct pt_db *d, int deep, struct pt_error *err)
{
	pt_autofree char *found = NULL;
	long long id = 0;
	sqlite3_stmt *stmt;
	int r = pt_db_number(d, "read", "PRAGMA application_id", &id, err);
	int code;

	if (r < 0)
		return r;
	if (id != d->kind->application_id) {
		pt_autofree char *other = pt_strf("it is no %s of passthru", d->kind->noun);

		return pt_db_damaged(d, other, err);
	}
	if (!deep)
		return 0;
	stmt = pt_db_prepare(d, "check", err, "PRAGMA quick_check(1)", "");
	if (!stmt)
		return err ? err->code : -EBADMSG;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		found = pt_strdup_opt((const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	if (code != SQLITE_ROW)
		return pt_db_fail(d, code, "check", err);
	if (!pt_streq(found, "ok"))
		return pt_db_damaged(d, found ? found : "its check says nothing", err);
	return 0;
}
