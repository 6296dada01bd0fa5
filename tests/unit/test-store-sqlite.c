/* SPDX-License-Identifier: Apache-2.0 */
/* The store of one host: its file is kept with the journal's care, and its leases know boots. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "fakesys.h"
#include "store/store.h"

struct fixture {
	char dir[64];
	char file[96];
	struct pt_store_config config;
	struct pt_error err;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	(void)strcpy(f->dir, "/tmp/store.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->config.directory = pt_strf("%s/state", f->dir);
	(void)snprintf(f->file, sizeof(f->file), "%s/state/store.db", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_store_config_done(&f->config);
	fakesys_rmtree(f->dir);
	free(f);
	return 0;
}

static struct pt_store *opened(struct fixture *f)
{
	struct pt_store *store = NULL;

	if (pt_store_open(&f->config, &store, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	return store;
}

static void put(struct fixture *f, struct pt_store *store, const char *key, const char *value, long long lease)
{
	struct pt_write write = { key, value, lease };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	if (pt_store_commit(store, &txn, NULL, NULL, &f->err) != 1)
		fail_msg("%s", f->err.msg);
}

static void filled(struct fixture *f)
{
	struct pt_store *store = opened(f);

	for (unsigned i = 0; i < 200; i++) {
		pt_autofree char *key = pt_strf("hosts/%u", i);

		put(f, store, key, "a value that fills pages of the file with something to be damaged", 0);
	}
	pt_store_close(store);
}

static void sql(struct fixture *f, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* not opened, with a reason that names the file, which stays as it is */
static void refused(struct fixture *f, int code, const char *part)
{
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;
	struct pt_store *store = NULL;
	pt_autoclose int fd = -EBADF;
	size_t size_before = 0;
	size_t size_after = 0;

	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(pt_file_read(fd, f->file + 1, PT_FILE_MAX, &before, &size_before), 0);
	assert_int_equal(pt_store_open(&f->config, &store, &f->err), code);
	assert_int_equal(pt_file_read(fd, f->file + 1, PT_FILE_MAX, &after, &size_after), 0);
	assert_null(store);
	assert_non_null(strstr(f->err.msg, f->file));
	assert_non_null(strstr(f->err.msg, part));
	assert_int_equal(size_before, size_after);
	assert_memory_equal(before, after, size_before);
}

static void a_newer_one_is_refused(void **state)
{
	struct fixture *f = *state;

	filled(f);
	sql(f, "PRAGMA user_version = 99");
	refused(f, -EPROTONOSUPPORT, "made by a newer passthru");
}

static void a_damaged_one_is_reported_and_left(void **state)
{
	struct fixture *f = *state;
	int fd;

	filled(f);
	fd = open(f->file, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "this is no database", 19, 0), 19);
	assert_int_equal(close(fd), 0);
	refused(f, -EBADMSG, "damaged");
	assert_int_equal(truncate(f->file, 0), 0);
	refused(f, -EBADMSG, "empty");
}

static void the_journal_is_not_taken_for_it(void **state)
{
	struct fixture *f = *state;

	filled(f);
	sql(f, "PRAGMA application_id = 1347703893");
	refused(f, -EBADMSG, "no store of passthru");
}

static void one_that_others_may_write_is_not_trusted(void **state)
{
	struct fixture *f = *state;

	filled(f);
	assert_int_equal(chmod(f->file, 0666), 0);
	refused(f, -EPERM, "open to others");
}

static void a_lease_does_not_outlive_its_boot(void **state)
{
	struct fixture *f = *state;
	struct pt_store *store = opened(f);
	PT_AUTO(pt_record) record = { 0 };
	long long lease = 0;

	assert_int_equal(pt_store_lease(store, 100000, &lease, &f->err), 0);
	put(f, store, "alive/a", "1", lease);
	pt_store_close(store);
	sql(f, "UPDATE lease SET boot = 'another'");
	store = opened(f);
	assert_int_equal(pt_store_get(store, "alive/a", &record, &f->err), 0);
	assert_int_equal(pt_store_keep(store, lease, &f->err), 0);
	pt_store_close(store);
}

/* killed at any moment: what was acknowledged is there, in one piece */
static void what_was_acknowledged_outlives_its_writer(void **state)
{
	struct fixture *f = *state;
	PT_AUTO(pt_record) a = { 0 };
	PT_AUTO(pt_record) b = { 0 };
	struct pt_store *store = opened(f);
	char last[16] = "";
	int said[2];
	pid_t pid;

	pt_store_close(store);
	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		store = opened(f);
		for (unsigned i = 1;; i++) {
			pt_autofree char *text = pt_strf("%08u", i);
			struct pt_write writes[2] = { { "a", text, 0 }, { "b", text, 0 } };
			struct pt_txn txn = { .writes = writes, .n_writes = 2 };

			if (pt_store_commit(store, &txn, NULL, NULL, &f->err) != 1 || write(said[1], text, 8) != 8)
				_exit(1);
		}
	}
	assert_int_equal(close(said[1]), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(read(said[0], last, 8), 8);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while (read(said[0], last, 8) == 8)
		;
	assert_int_equal(close(said[0]), 0);
	store = opened(f);
	assert_int_equal(pt_store_get(store, "a", &a, &f->err), 1);
	assert_int_equal(pt_store_get(store, "b", &b, &f->err), 1);
	assert_string_equal(a.value, b.value);
	/* the last one may have been written and not yet told */
	assert_true(atoi(a.value) == atoi(last) || atoi(a.value) == atoi(last) + 1);
	pt_store_close(store);
}

/* as from a disk that takes no more: what the next look finds is not known here */
static void a_commit_that_the_disk_did_not_take_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct pt_store *store = opened(f);
	pt_autofree char *large = pt_alloc((1 << 19) + 1);
	struct pt_write write = { "a", large, 0 };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };
	struct rlimit before;
	struct rlimit low;
	int r;

	memset(large, 'x', 1 << 19);
	put(f, store, "a", "1", 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = 100000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	r = pt_store_commit(store, &txn, NULL, NULL, &f->err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	if (r != -ETIMEDOUT)
		fail_msg("%d: %s", r, f->err.msg);
	assert_non_null(strstr(f->err.msg, "nobody knows"));
	put(f, store, "a", "2", 0);
	pt_store_close(store);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(a_newer_one_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_one_is_reported_and_left, setup, teardown),
		cmocka_unit_test_setup_teardown(the_journal_is_not_taken_for_it, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_others_may_write_is_not_trusted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lease_does_not_outlive_its_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_acknowledged_outlives_its_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_commit_that_the_disk_did_not_take_is_unknown, setup, teardown),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
