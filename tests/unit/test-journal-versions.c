/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals as earlier versions left them (tests/data/journal/): an attach that was made, its undo, and an attach that
 * was killed after its sixth write, with SQLite's log beside the file as the death left it.  For a new version of the
 * tables a folder is added here; none is ever changed.
 */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_is_read_and_what_was_cut_off_in_it_recovered),
		cmocka_unit_test(an_old_one_of_a_captured_host_is_read_without_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
