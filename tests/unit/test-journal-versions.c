/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals as earlier versions left them (tests/data/journal/): an attach that was made, its undo, and an attach that
 * was killed after its sixth write, with SQLite's log beside the file as the death left it.  For a new version of the
 * tables a folder is added here; none is ever changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "stage.h"

#define NEWEST 2

static void copy(const char *from, const char *to)
{
	char buffer[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0)
		fail_msg("there is no %s", from);
	assert_true(out >= 0);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)n), n);
	assert_int_equal(n, 0);
	(void)close(in);
	(void)close(out);
}

/* @log: with what SQLite had not yet moved into the file */
static void lay_out(const struct stage *w, int version, bool log)
{
	static const char *const names[] = { "journal.db", "journal.db-wal" };
	pt_autofree char *dir = pt_strf("%s/state", w->dir);

	assert_int_equal(mkdir(dir, 0700), 0);
	for (int i = 0; i < (log ? 2 : 1); i++) {
		pt_autofree char *from = pt_strf("%s/journal/version-%d/%s", getenv("PT_TEST_DATA"), version, names[i]);
		pt_autofree char *to = pt_strf("%s/%s", dir, names[i]);

		copy(from, to);
	}
}

static void every_version_is_read_and_what_was_cut_off_in_it_recovered(void **state)
{
	(void)state;
	for (int version = 1; version <= NEWEST; version++) {
		struct stage *w = stage_new();
		struct pt_change_list list = { 0 };
		struct pt_error err = { 0 };
		char *before = stage_text(w);
		unsigned settled = 0;
		char *now;

		lay_out(w, version, true);
		stage_open(w);
		assert_int_equal(pt_journal_list(w->env.journal, false, &list, &err), 0);
		assert_int_equal(list.n, 3);
		assert_int_equal(list.v[0].state, PT_CHANGE_UNDONE);
		assert_int_equal(list.v[1].undoes, list.v[0].id);
		assert_int_equal(list.v[2].state, PT_CHANGE_OPEN);
		assert_string_equal(list.v[2].begun_boot, list.v[2].owner.boot);
		pt_change_list_done(&list);
		if (pt_change_recover(&w->env, &settled, &err) < 0)
			fail_msg("version %d: %s", version, err.msg);
		assert_int_equal(settled, 1);
		assert_int_equal(stage_state_of(w, 3), PT_CHANGE_FAILED);
		now = stage_text(w);
		assert_string_equal(now, before);
		/* and it goes on from there */
		assert_int_equal(stage_attached(w), 4);
		free(now);
		free(before);
		stage_free(w);
	}
}

/* of a captured host nothing may be written, so an old one is read as it is */
static void an_old_one_of_a_captured_host_is_read_without_a_write(void **state)
{
	(void)state;
	for (int version = 1; version <= NEWEST; version++) {
		struct stage *w = stage_new();
		pt_autofree char *dir = pt_strf("%s/state", w->dir);
		pt_autofree char *file = pt_strf("%s/journal.db", dir);
		struct pt_change_list list = { 0 };
		struct pt_journal *j = NULL;
		struct pt_error err = { 0 };
		struct stat before;
		struct stat after;

		lay_out(w, version, false);
		assert_int_equal(stat(file, &before), 0);
		if (pt_journal_open(dir, PT_JOURNAL_FROZEN, &j, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(pt_journal_list(j, false, &list, &err), 0);
		assert_in_range(list.n, 2, 3);
		pt_change_list_done(&list);
		pt_journal_close(j);
		assert_int_equal(stat(file, &after), 0);
		assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
		assert_int_equal(after.st_size, before.st_size);
		stage_free(w);
	}
}

static long long version_of(const char *file)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	long long version;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	version = sqlite3_column_int64(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return version;
}

/* who adds a version adds what the one before had left */
static void what_this_version_writes_is_among_them(void **state)
{
	struct stage *w = stage_new();
	pt_autofree char *file = pt_strf("%s/state/journal.db", w->dir);

	(void)state;
	stage_open(w);
	stage_close(w);
	assert_int_equal(version_of(file), NEWEST);
	stage_free(w);
}

static char *bytes(const char *path, size_t *ret_size)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *data = NULL;

	if (pt_file_read(fd, path + 1, PT_FILE_MAX, &data, ret_size) < 0)
		fail_msg("cannot read %s", path);
	(void)close(fd);
	return data;
}

static void spoil(const char *path, off_t at, const void *with, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, with, size, at), size);
	(void)close(fd);
}

static const enum pt_journal_mode modes[] = { PT_JOURNAL_WRITE, PT_JOURNAL_READ, PT_JOURNAL_FROZEN };

/* however it is opened: the answer, by its name, and not one byte of the file or of its log is another */
static void assert_refused_and_left(const struct stage *w, int code, const char *name, bool log)
{
	pt_autofree char *dir = pt_strf("%s/state", w->dir);
	pt_autofree char *file = pt_strf("%s/journal.db", dir);
	pt_autofree char *wal = pt_strf("%s-wal", file);

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		size_t sizes[4] = { 0 };
		pt_autofree char *before = bytes(file, &sizes[0]);
		pt_autofree char *log_before = log ? bytes(wal, &sizes[1]) : NULL;
		pt_autofree char *after = NULL;
		pt_autofree char *log_after = NULL;
		struct pt_journal *j = NULL;
		struct pt_error err = { 0 };
		int r = pt_journal_open(dir, modes[i], &j, &err);

		if (r != code)
			fail_msg("mode %zu: %d instead of %d: %s", i, r, code, err.msg);
		assert_string_equal(err.refusal, name);
		assert_false(err.forceable);
		assert_string_not_equal(err.hint, "");
		after = bytes(file, &sizes[2]);
		assert_int_equal(sizes[2], sizes[0]);
		assert_memory_equal(after, before, sizes[0]);
		if (!log)
			continue;
		log_after = bytes(wal, &sizes[3]);
		assert_int_equal(sizes[3], sizes[1]);
		assert_memory_equal(log_after, log_before, sizes[1]);
	}
}

/* SQLite's file format, 1.3: the user version is at 60, big-endian */
static void one_of_a_newer_program_is_refused_and_left_as_it_is(void **state)
{
	static const unsigned char newer[] = { 0, 0, 0, NEWEST + 1 };
	struct stage *w = stage_new();
	pt_autofree char *file = pt_strf("%s/state/journal.db", w->dir);

	(void)state;
	lay_out(w, NEWEST, false);
	spoil(file, 60, newer, sizeof(newer));
	assert_refused_and_left(w, -EPROTONOSUPPORT, "newer-version", false);
	stage_free(w);
}

/* that program was killed: what it had noted last is in the log alone */
static void the_log_of_a_newer_program_is_left_to_it(void **state)
{
	pt_autofree char *newer = pt_strf("PRAGMA user_version = %d", NEWEST + 1);
	struct stage *w = stage_new();
	pt_autofree char *dir = pt_strf("%s/state", w->dir);
	pt_autofree char *file = pt_strf("%s/journal.db", dir);
	struct pt_journal *j = NULL;
	struct pt_error err = { 0 };
	sqlite3 *db = NULL;

	(void)state;
	lay_out(w, NEWEST, false);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, newer, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	for (int i = 0; i < 2; i++) {
		pt_autofree char *wal = pt_strf("%s-wal", file);
		size_t sizes[4] = { 0 };
		pt_autofree char *before = bytes(file, &sizes[0]);
		pt_autofree char *log_before = bytes(wal, &sizes[1]);
		pt_autofree char *after = NULL;
		pt_autofree char *log_after = NULL;

		assert_int_equal(pt_journal_open(dir, modes[i], &j, &err), -EPROTONOSUPPORT);
		after = bytes(file, &sizes[2]);
		log_after = bytes(wal, &sizes[3]);
		assert_int_equal(sizes[2], sizes[0]);
		assert_int_equal(sizes[3], sizes[1]);
		assert_memory_equal(after, before, sizes[0]);
		assert_memory_equal(log_after, log_before, sizes[1]);
	}
	stage_free(w);
}

/* SQLite would take it for none, and remove it with the entries in it */
static void a_log_that_does_not_begin_as_one_is_damage(void **state)
{
	struct stage *w = stage_new();
	pt_autofree char *wal = pt_strf("%s/state/journal.db-wal", w->dir);
	size_t size = 0;
	pt_autofree char *good = NULL;

	(void)state;
	lay_out(w, NEWEST, true);
	good = bytes(wal, &size);
	for (off_t at = 0; at < 32; at += 5) {
		char other = (char)(good[at] ^ 0x40);

		spoil(wal, at, &other, 1);
		assert_refused_and_left(w, -EBADMSG, "damaged", true);
		spoil(wal, at, &good[at], 1);
	}
	stage_open(w);
	stage_free(w);
}

static void a_damaged_one_is_refused_and_left_as_it_is(void **state)
{
	static const char garbage[100] = "this was a header";

	(void)state;
	for (int log = 0; log < 2; log++) {
		struct stage *w = stage_new();
		pt_autofree char *file = pt_strf("%s/state/journal.db", w->dir);
		pt_autofree char *wal = pt_strf("%s-wal", file);

		lay_out(w, NEWEST, log);
		spoil(file, 0, garbage, sizeof(garbage));
		/* a whole log has the first page, too, and would mend the file */
		if (log)
			spoil(wal, 0, garbage, sizeof(garbage));
		assert_refused_and_left(w, -EBADMSG, "damaged", log);
		stage_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_is_read_and_what_was_cut_off_in_it_recovered),
		cmocka_unit_test(an_old_one_of_a_captured_host_is_read_without_a_write),
		cmocka_unit_test(what_this_version_writes_is_among_them),
		cmocka_unit_test(one_of_a_newer_program_is_refused_and_left_as_it_is),
		cmocka_unit_test(the_log_of_a_newer_program_is_left_to_it),
		cmocka_unit_test(a_damaged_one_is_refused_and_left_as_it_is),
		cmocka_unit_test(a_log_that_does_not_begin_as_one_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
