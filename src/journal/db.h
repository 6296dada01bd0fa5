/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the journal uses it: one statement a call, errors that name the file.  Private to journal/. */
#ifndef PT_JOURNAL_DB_H
#define PT_JOURNAL_DB_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/watch.h"

/**
 * struct pt_journal
 * @path: of the file, for messages
 * @dir_fd: its directory
 * @watch: see pt_journal_watch()
 * @version: of the tables: PT_DB_VERSION, or an older one in a captured host's, which nobody may migrate
 */
struct pt_journal {
	sqlite3 *db;
	char *path;
	int dir_fd;
	struct pt_watch *watch;
	long long version;
};

/* "doing what" failed: SQLite's reason and an errno that fits; returns it */
int pt_db_fail(const struct pt_journal *j, int code, const char *doing, struct pt_error *err);

/**
 * pt_db_prepare() - one statement with its values
 * @types: one letter a value: i (long long), s (text, NULL is NULL)
 *
 * Return: the statement, for pt_db_step() and sqlite3_finalize(); NULL with @err filled in.
 */
sqlite3_stmt *pt_db_prepare(const struct pt_journal *j, const char *doing, struct pt_error *err, const char *sql,
			    const char *types, ...);

/** pt_db_run() - the same for a statement without rows; 0 or a negative errno */
int pt_db_run(const struct pt_journal *j, const char *doing, struct pt_error *err, const char *sql, const char *types,
	      ...);

/** pt_db_number() - the first column of the first row; 0 when there is no row */
int pt_db_number(const struct pt_journal *j, const char *doing, const char *sql, long long *ret_value,
		 struct pt_error *err);

/* BEGIN IMMEDIATE; and its end: COMMIT when @r is 0, else ROLLBACK; returns @r or what COMMIT says */
int pt_db_begin(const struct pt_journal *j, const char *doing, struct pt_error *err);
int pt_db_end(const struct pt_journal *j, int r, const char *doing, struct pt_error *err);

/** pt_db_schema() - make or, with @write, migrate the tables; -EPROTONOSUPPORT when they are newer than ours */
int pt_db_schema(struct pt_journal *j, bool write, struct pt_error *err);

/** pt_db_check() - is it ours, and whole?  -EBADMSG; @deep: look at every page */
int pt_db_check(const struct pt_journal *j, int deep, struct pt_error *err);

#endif
