/* SPDX-License-Identifier: Apache-2.0 */
/* What every store does, whichever it is: the same tests over SQLite and over a real etcd. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "store/store.h"
#include "storestage.h"

/* etcd's shortest lease is half of its election's time-out, in whole seconds; the rest is a busy machine's */
#define LEASE_S	 2
#define LEASE_MS 20000
#define NEWS_MS	 20000

static int commit(struct storestage *f, const char *key, long long saw, const char *value, long long lease,
		  struct pt_records *now)
{
	struct pt_saw one = { key, saw };
	struct pt_write write = { key, value, lease };
	struct pt_txn txn = { .saw = &one, .n_saw = saw >= 0, .writes = &write, .n_writes = 1 };

	return pt_store_commit(f->store, &txn, NULL, now, &f->err);
}

static void put(struct storestage *f, const char *key, const char *value)
{
	if (commit(f, key, -1, value, 0, NULL) != 1)
		fail_msg("%s: %s", key, f->err.msg);
}

static long long revision_of(struct storestage *f, const char *key)
{
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(f->store, key, &record, &f->err);

	if (r < 0)
		fail_msg("%s", f->err.msg);
	return record.revision;
}

static void assert_value(struct storestage *f, const char *key, const char *value)
{
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(f->store, key, &record, &f->err);

	if (r < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(r, value != NULL);
	assert_string_equal(record.key, key);
	if (value)
		assert_string_equal(record.value, value);
	else
		assert_null(record.value);
	assert_true(value ? record.revision > 0 : record.revision == 0);
}

static void what_was_written_is_read_back(void **state)
{
	struct storestage *f = storestage_begin(state);

	assert_value(f, "hosts/a", NULL);
	put(f, "hosts/a", "{\"name\": \"r\303\244ck\"}");
	assert_value(f, "hosts/a", "{\"name\": \"r\303\244ck\"}");
	put(f, "hosts/a", "");
	assert_value(f, "hosts/a", "");
	put(f, "hosts/a", NULL);
	assert_value(f, "hosts/a", NULL);
	put(f, "hosts/never-there", NULL);
}

static void it_is_there_after_another_open(void **state)
{
	struct storestage *f = storestage_begin(state);
	long long before;

	put(f, "hosts/a", "1");
	before = revision_of(f, "hosts/a");
	pt_store_close(f->store);
	f->store = storestage_open(f);
	assert_value(f, "hosts/a", "1");
	assert_int_equal(revision_of(f, "hosts/a"), before);
}

static void a_list_is_sorted_and_of_its_prefix(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_records) l = { 0 };

	/* more than etcd is asked for at once */
	for (unsigned i = 0; i < 5; i++) {
		PT_ARRAY(char *) keys = { 0 };
		struct pt_write writes[90];
		struct pt_txn txn = { .writes = writes, .n_writes = 90 };

		for (unsigned k = 0; k < 90; k++) {
			pt_array_push(&keys, pt_strf("hosts/%03u", (i * 90 + k) * 7 % 450));
			writes[k] = (struct pt_write){ keys.v[k], "x", 0 };
		}
		assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), 1);
		for (unsigned k = 0; k < 90; k++)
			free(keys.v[k]);
		free(keys.v);
	}
	put(f, "hosts", "not below");
	put(f, "hosts0", "not below");
	put(f, "hosts/007", NULL);
	assert_int_equal(pt_store_list(f->store, "hosts/", &l, &f->err), 0);
	assert_int_equal(l.n, 449);
	for (size_t i = 1; i < l.n; i++)
		assert_true(strcmp(l.v[i - 1].key, l.v[i].key) < 0);
	assert_null(pt_records_find(&l, "hosts/007"));
	assert_non_null(pt_records_find(&l, "hosts/449"));
	assert_true(l.revision >= revision_of(f, "hosts/006"));
}

static void a_commit_that_saw_the_past_writes_nothing(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_records) now = { 0 };
	struct pt_saw saw[3] = { { "a", 0 }, { "b", 0 }, { "c", 0 } };
	struct pt_write writes[2] = { { "b", "mine", 0 }, { "c", "mine", 0 } };
	struct pt_txn txn = { saw, 3, writes, 2 };
	long long before;

	put(f, "a", "1");
	before = revision_of(f, "a");
	put(f, "b", "theirs");
	saw[0].revision = before;
	assert_int_equal(pt_store_commit(f->store, &txn, NULL, &now, &f->err), 0);
	assert_value(f, "b", "theirs");
	assert_value(f, "c", NULL);
	/* and it hears how things are, in the order of what it saw */
	assert_int_equal(now.n, 3);
	assert_string_equal(now.v[0].value, "1");
	assert_int_equal(now.v[0].revision, before);
	assert_string_equal(now.v[1].value, "theirs");
	assert_string_equal(now.v[2].key, "c");
	assert_null(now.v[2].value);
	assert_int_equal(now.v[2].revision, 0);
	saw[1].revision = now.v[1].revision;
	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), 1);
	assert_value(f, "c", "mine");
}

static void a_record_removed_and_made_anew_is_another(void **state)
{
	struct storestage *f = storestage_begin(state);
	long long before;

	put(f, "a", "1");
	before = revision_of(f, "a");
	put(f, "a", NULL);
	assert_int_equal(commit(f, "a", before, "2", 0, NULL), 0);
	assert_int_equal(commit(f, "a", 0, "1", 0, NULL), 1);
	assert_int_equal(commit(f, "a", before, "2", 0, NULL), 0);
	assert_value(f, "a", "1");
}

static void one_transaction_has_one_revision(void **state)
{
	struct storestage *f = storestage_begin(state);
	struct pt_write writes[2] = { { "a", "1", 0 }, { "b", "2", 0 } };
	struct pt_txn txn = { .writes = writes, .n_writes = 2 };
	long long first = 0;
	long long second = 0;

	assert_int_equal(pt_store_commit(f->store, &txn, &first, NULL, &f->err), 1);
	assert_int_equal(revision_of(f, "a"), first);
	assert_int_equal(revision_of(f, "b"), first);
	assert_int_equal(pt_store_commit(f->store, &txn, &second, NULL, &f->err), 1);
	assert_true(second > first);
}

/* each adds 1 to one record, many times: none is lost */
static void of_those_who_write_at_once_one_wins(void **state)
{
	struct storestage *f = storestage_begin(state);
	pid_t pids[4];

	put(f, "n", "0");
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		f->store = storestage_open(f);
		for (unsigned done = 0; done < 25;) {
			PT_AUTO(pt_record) record = { 0 };
			pt_autofree char *next = NULL;
			int r = pt_store_get(f->store, "n", &record, &f->err);

			if (r != 1)
				_exit(1);
			next = pt_strf("%d", atoi(record.value) + 1);
			r = commit(f, "n", record.revision, next, 0, NULL);
			if (r < 0)
				_exit(2);
			done += r == 1;
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 4; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_value(f, "n", "100");
}

static void what_no_store_takes_is_refused_by_name(void **state)
{
	struct storestage *f = storestage_begin(state);
	pt_autofree char *large = pt_alloc(PT_STORE_VALUE_MAX + 2);
	struct pt_write twice[2] = { { "a", "1", 0 }, { "a", "2", 0 } };
	struct pt_txn txn = { .writes = twice, .n_writes = 2 };
	PT_AUTO(pt_record) record = { 0 };

	memset(large, 'x', PT_STORE_VALUE_MAX + 1);
	assert_int_equal(commit(f, "a", -1, large, 0, NULL), -E2BIG);
	large[PT_STORE_VALUE_MAX] = '\0';
	assert_int_equal(commit(f, "a", -1, large, 0, NULL), 1);
	assert_value(f, "a", large);
	assert_int_equal(commit(f, "a b", -1, "1", 0, NULL), -EINVAL);
	assert_non_null(strstr(f->err.msg, "'a b'"));
	assert_int_equal(commit(f, "", -1, "1", 0, NULL), -EINVAL);
	assert_int_equal(pt_store_get(f->store, "a\n", &record, &f->err), -EINVAL);
	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), -EINVAL);
	txn.n_writes = 0;
	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), -E2BIG);
}

static void await_gone(struct storestage *f, const char *key)
{
	long long until = pt_watch_now_ms() + LEASE_MS;

	while (revision_of(f, key)) {
		assert_true(pt_watch_now_ms() < until);
		(void)usleep(50000);
	}
}

static void a_lease_that_is_not_kept_takes_its_records_along(void **state)
{
	struct storestage *f = storestage_begin(state);
	long long lease = 0;
	long long other = 0;

	assert_int_equal(pt_store_lease(f->store, LEASE_S, &lease, &f->err), 0);
	assert_int_equal(pt_store_lease(f->store, 1000, &other, &f->err), 0);
	assert_int_equal(commit(f, "alive/a", -1, "1", lease, NULL), 1);
	assert_int_equal(commit(f, "alive/b", -1, "1", other, NULL), 1);
	/* written again without it: no longer the lease's */
	assert_int_equal(commit(f, "alive/c", -1, "1", lease, NULL), 1);
	put(f, "alive/c", "2");
	await_gone(f, "alive/a");
	assert_value(f, "alive/b", "1");
	assert_value(f, "alive/c", "2");
	assert_int_equal(pt_store_keep(f->store, lease, &f->err), 0);
	assert_int_equal(commit(f, "alive/a", -1, "1", lease, NULL), -ENOKEY);
	assert_value(f, "alive/a", NULL);
	assert_int_equal(pt_store_end(f->store, other, &f->err), 1);
	assert_value(f, "alive/b", NULL);
	assert_int_equal(pt_store_end(f->store, other, &f->err), 0);
}

static void a_lease_that_is_kept_stays(void **state)
{
	struct storestage *f = storestage_begin(state);
	long long until = pt_watch_now_ms() + (LEASE_S + 1) * 1000;
	long long lease = 0;

	assert_int_equal(pt_store_lease(f->store, LEASE_S, &lease, &f->err), 0);
	assert_int_equal(commit(f, "alive/a", -1, "1", lease, NULL), 1);
	while (pt_watch_now_ms() < until) {
		assert_int_equal(pt_store_keep(f->store, lease, &f->err), 1);
		(void)usleep(200000);
	}
	assert_value(f, "alive/a", "1");
}

static struct pt_store_watch *watching(struct storestage *f, const char *prefix, long long since)
{
	struct pt_store_watch *w = NULL;

	if (pt_store_watch(f->store, prefix, since, &w, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	return w;
}

static void news(struct storestage *f, struct pt_store_watch *w, struct pt_changes *c)
{
	pt_changes_done(c);
	if (pt_store_watch_next(w, NEWS_MS, c, &f->err) != 1)
		fail_msg("no news: %s; %s", f->err.msg, pt_store_watch_trouble(w) ? pt_store_watch_trouble(w) : "");
}

static void a_watch_begins_with_everything_and_goes_on(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_changes) c = { 0 };
	struct pt_store_watch *w = watching(f, "hosts/", 0);

	put(f, "other", "1");
	put(f, "hosts/a", "1");
	news(f, w, &c);
	assert_true(c.whole);
	assert_null(c.missed);
	assert_int_equal(c.records.n, 1);
	assert_string_equal(c.records.v[0].key, "hosts/a");
	put(f, "other", "2");
	put(f, "hosts/b", "2");
	news(f, w, &c);
	assert_false(c.whole);
	assert_int_equal(c.records.n, 1);
	assert_string_equal(c.records.v[0].key, "hosts/b");
	assert_int_equal(c.records.v[0].revision, revision_of(f, "hosts/b"));
	put(f, "hosts/a", NULL);
	news(f, w, &c);
	assert_int_equal(c.records.n, 1);
	assert_string_equal(c.records.v[0].key, "hosts/a");
	assert_null(c.records.v[0].value);
	assert_true(c.records.v[0].revision > 0);
	pt_changes_done(&c);
	assert_int_equal(pt_store_watch_next(w, 300, &c, &f->err), 0);
	pt_store_watch_close(w);
}

static void no_prefix_at_all_is_everything(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_records) l = { 0 };
	PT_AUTO(pt_changes) c = { 0 };
	struct pt_store_watch *w;

	put(f, "zzz/a", "1");
	put(f, "-a", "1");
	w = watching(f, "", 0);
	assert_int_equal(pt_store_list(f->store, "", &l, &f->err), 0);
	assert_int_equal(l.n, 2);
	news(f, w, &c);
	assert_int_equal(c.records.n, 2);
	put(f, "_b", "1");
	news(f, w, &c);
	assert_int_equal(c.records.n, 1);
	assert_string_equal(c.records.v[0].key, "_b");
	pt_store_watch_close(w);
}

static void a_watch_of_nothing_says_so_once(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_changes) c = { 0 };
	struct pt_store_watch *w = watching(f, "none/", 0);

	news(f, w, &c);
	assert_true(c.whole);
	assert_int_equal(c.records.n, 0);
	assert_int_equal(pt_store_watch_next(w, 200, &c, &f->err), 0);
	put(f, "none/a", "1");
	news(f, w, &c);
	assert_false(c.whole);
	assert_int_equal(c.records.n, 1);
	pt_store_watch_close(w);
}

static void a_watch_resumes_where_another_one_was(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_changes) c = { 0 };
	PT_AUTO(pt_records) l = { 0 };
	struct pt_store_watch *w;
	size_t n = 0;

	put(f, "hosts/a", "1");
	put(f, "hosts/b", "1");
	assert_int_equal(pt_store_list(f->store, "hosts/", &l, &f->err), 0);
	put(f, "hosts/b", NULL);
	put(f, "hosts/c", "1");
	w = watching(f, "hosts/", l.revision);
	while (n < 2) {
		news(f, w, &c);
		assert_false(c.whole);
		for (size_t i = 0; i < c.records.n; i++)
			assert_string_equal(c.records.v[i].key, n++ ? "hosts/c" : "hosts/b");
	}
	pt_store_watch_close(w);
}

static void the_end_of_a_lease_is_news(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_changes) c = { 0 };
	struct pt_store_watch *w;
	long long lease = 0;

	assert_int_equal(pt_store_lease(f->store, LEASE_S, &lease, &f->err), 0);
	assert_int_equal(commit(f, "alive/a", -1, "1", lease, NULL), 1);
	w = watching(f, "alive/", 0);
	news(f, w, &c);
	assert_int_equal(c.records.n, 1);
	news(f, w, &c);
	assert_int_equal(c.records.n, 1);
	assert_null(c.records.v[0].value);
	pt_store_watch_close(w);
}

/* what was removed is no longer known to anybody after that */
static void compact(struct storestage *f)
{
	if (!*f->dir) {
		pt_autofree char *line = pt_strf("compact %lld", revision_of(f, "z"));

		assert_int_equal(etcd_ctl(storestage_etcd, line), 0);
		return;
	}
	{
		pt_autofree char *file = pt_strf("%s/store.db", f->config.directory);
		sqlite3 *db = NULL;

		/* as if 9,000 transactions had gone by: the next ones sweep */
		assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
		assert_int_equal(
			sqlite3_exec(db, "UPDATE record SET revision = 9200 WHERE key = 'z'", NULL, NULL, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
	}
	for (unsigned i = 0; i < 20; i++)
		put(f, "z", "1");
}

static void a_watch_that_was_away_too_long_lists_anew(void **state)
{
	struct storestage *f = storestage_begin(state);
	PT_AUTO(pt_changes) c = { 0 };
	struct pt_store_watch *w;
	long long since;

	put(f, "hosts/a", "1");
	put(f, "hosts/b", "1");
	since = revision_of(f, "hosts/b");
	put(f, "hosts/a", NULL);
	put(f, "z", "1");
	compact(f);
	w = watching(f, "hosts/", since);
	news(f, w, &c);
	assert_true(c.whole);
	assert_non_null(c.missed);
	assert_int_equal(c.records.n, 1);
	assert_string_equal(c.records.v[0].key, "hosts/b");
	/* and goes on */
	put(f, "hosts/c", "1");
	news(f, w, &c);
	assert_false(c.whole);
	assert_string_equal(c.records.v[0].key, "hosts/c");
	pt_store_watch_close(w);
}

#define BOTH(test)                                                                                                     \
	{ #test ", SQLite", test, storestage_sqlite, storestage_end, NULL },                                           \
	{                                                                                                              \
#test ", etcd", test, storestage_on_etcd, storestage_end, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest all[] = {
		BOTH(what_was_written_is_read_back),
		BOTH(it_is_there_after_another_open),
		BOTH(a_list_is_sorted_and_of_its_prefix),
		BOTH(a_commit_that_saw_the_past_writes_nothing),
		BOTH(a_record_removed_and_made_anew_is_another),
		BOTH(one_transaction_has_one_revision),
		BOTH(of_those_who_write_at_once_one_wins),
		BOTH(what_no_store_takes_is_refused_by_name),
		BOTH(a_lease_that_is_not_kept_takes_its_records_along),
		BOTH(a_lease_that_is_kept_stays),
		BOTH(a_watch_begins_with_everything_and_goes_on),
		BOTH(no_prefix_at_all_is_everything),
		BOTH(a_watch_of_nothing_says_so_once),
		BOTH(a_watch_resumes_where_another_one_was),
		BOTH(the_end_of_a_lease_is_news),
		BOTH(a_watch_that_was_away_too_long_lists_anew),
	};

	int failed = cmocka_run_group_tests(all, storestage_start_etcd, storestage_stop_etcd);

	/* half of it was not run: said by name */
	return failed || etcd_installed() ? failed : 77;
}
