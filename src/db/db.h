/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SQLite file of ours: opened with care, made as one, migrated, never overwritten when it is damaged or newer; one
 * statement a call, errors that name the file.  Knows no table.
 */
#ifndef PT_DB_DB_H
#define PT_DB_DB_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/watch.h"

/**
 * struct pt_db_kind - what a file of ours is
 * @noun: "journal", for messages
 * @file: its name in the directory
 * @begun_anew: what is lost and kept when a person moves a damaged one away
 * @application_id: https://www.sqlite.org/pragma.html#pragma_application_id
 * @migrations: element N brings version N to N + 1.  Append only; a released element never changes.
 */
struct pt_db_kind {
	const char *noun;
	const char *file;
	const char *begun_anew;
	int application_id;
	const char *const *migrations;
	long long version;
};

enum pt_db_mode {
	PT_DB_READ,   /* -ENOENT when there is none; nothing is made */
	PT_DB_WRITE,  /* made when there is none */
	PT_DB_FROZEN, /* of a captured host: nothing may be written, not even SQLite's own files */
};

/**
 * struct pt_db
 * @path: of the file, for messages
 * @dir_fd: its directory
 * @watch: turned to PT_WATCH_DISK while something is on its way to the disk; may be NULL
 * @version: of the tables: the kind's, or an older one in a captured host's, which nobody may migrate
 */
struct pt_db {
	const struct pt_db_kind *kind;
	sqlite3 *sqlite;
	char *path;
	int dir_fd;
	struct pt_watch *watch;
	long long version;
};

/**
 * pt_db_open()
 * @dir: absolute; must be this user's own and closed to others, or is made so (0700)
 *
 * Return: 0; -ENOENT (unless PT_DB_WRITE); -EPROTONOSUPPORT when a newer passthru wrote it; -EBADMSG when it is
 * damaged: it is left as it is; -EPERM when others could have written it; -EACCES.
 */
int pt_db_open(const struct pt_db_kind *kind, const char *dir, enum pt_db_mode mode, struct pt_db **ret_db,
	       struct pt_error *err);

/* NULL is allowed */
void pt_db_close(struct pt_db *db);

/** pt_db_damaged() - the message for a file that is not what it should be; -EBADMSG */
int pt_db_damaged(const struct pt_db *db, const char *reason, struct pt_error *err);

/* "doing what" failed: SQLite's reason and an errno that fits; returns it */
int pt_db_fail(const struct pt_db *db, int code, const char *doing, struct pt_error *err);

/**
 * pt_db_prepare() - one statement with its values
 * @types: one letter a value: i (long long), s (text, NULL is NULL)
 *
 * Return: the statement, for pt_db_step() and sqlite3_finalize(); NULL with @err filled in.
 */
sqlite3_stmt *pt_db_prepare(const struct pt_db *db, const char *doing, struct pt_error *err, const char *sql,
			    const char *types, ...);

/** pt_db_run() - the same for a statement without rows; 0 or a negative errno */
int pt_db_run(const struct pt_db *db, const char *doing, struct pt_error *err, const char *sql, const char *types, ...);

/** pt_db_number() - the first column of the first row; 0 when there is no row */
int pt_db_number(const struct pt_db *db, const char *doing, const char *sql, long long *ret_value,
		 struct pt_error *err);

/* BEGIN IMMEDIATE; and its end: COMMIT when @r is 0, else ROLLBACK; returns @r or what COMMIT says */
int pt_db_begin(const struct pt_db *db, const char *doing, struct pt_error *err);
int pt_db_end(const struct pt_db *db, int r, const char *doing, struct pt_error *err);

/** pt_db_schema() - make or, with @write, migrate the tables; -EPROTONOSUPPORT when they are newer than ours */
int pt_db_schema(struct pt_db *db, bool write, struct pt_error *err);

/** pt_db_check() - is it ours, and whole?  -EBADMSG; @deep: look at every page */
int pt_db_check(const struct pt_db *db, int deep, struct pt_error *err);

#endif
