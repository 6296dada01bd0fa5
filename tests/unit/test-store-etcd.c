/* SPDX-License-Identifier: Apache-2.0 */
/* What can go wrong with a cluster: members that die or stop, another cluster, a full one, one that asks who we are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "etcd.h"
#include "fakesys.h"
#include "store/store.h"

#define NEWS_MS 20000
#define SOON_MS 60000

struct fixture {
	struct etcd *etcd;
	struct pt_store_config config;
	struct pt_store *store;
	struct pt_error err;
};

static void reopen(struct fixture *f)
{
	pt_store_close(f->store);
	f->store = NULL;
	if (pt_store_open(&f->config, &f->store, &f->err) < 0)
		fail_msg("%s", f->err.msg);
}

static int with(void **state, unsigned members, long quota, bool tls)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->etcd = etcd_start(members, quota, tls);
	etcd_config(f->etcd, &f->config);
	reopen(f);
	*state = f;
	return 0;
}

static int one_member(void **state)
{
	return with(state, 1, 0, false);
}

static int three_members(void **state)
{
	return with(state, 3, 0, false);
}

static int small_quota(void **state)
{
	return with(state, 1, 8 << 20, false);
}

static int with_tls(void **state)
{
	return with(state, 1, 0, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_store_close(f->store);
	pt_store_config_done(&f->config);
	etcd_stop(f->etcd);
	free(f);
	return 0;
}

static int put(struct fixture *f, const char *key, const char *value)
{
	struct pt_write write = { key, value, 0 };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	return pt_store_commit(f->store, &txn, NULL, NULL, &f->err);
}

static int get(struct fixture *f, const char *key)
{
	PT_AUTO(pt_record) record = { 0 };

	return pt_store_get(f->store, key, &record, &f->err);
}

/* 1 at last: while members elect, a write is unknown or refused */
static void put_at_last(struct fixture *f, const char *key, const char *value)
{
	long long until = pt_watch_now_ms() + SOON_MS;

	while (put(f, key, value) != 1) {
		if (pt_watch_now_ms() > until)
			fail_msg("%s", f->err.msg);
		(void)usleep(50000);
	}
}

static void a_dead_member_is_passed_over(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "a", "1"), 1);
	etcd_kill(f->etcd, 0);
	/* the first write finds out on its own connection: it was never sent, or nobody knows */
	put_at_last(f, "a", "2");
	assert_int_equal(get(f, "a"), 1);
	etcd_run(f->etcd, 0);
	etcd_await(f->etcd);
	etcd_kill(f->etcd, 1);
	put_at_last(f, "a", "3");
	assert_int_equal(get(f, "a"), 1);
}

static void without_a_majority_nobody_answers_and_each_is_named(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ms = 300;
	reopen(f);
	assert_int_equal(put(f, "a", "1"), 1);
	etcd_kill(f->etcd, 1);
	etcd_kill(f->etcd, 2);
	assert_int_equal(get(f, "a"), -EHOSTUNREACH);
	for (unsigned i = 0; i < 3; i++) {
		pt_autofree char *port = pt_strf(":%d", f->etcd->client_port[i]);

		assert_non_null(strstr(f->err.msg, port));
	}
	/* what writes goes out after somebody has answered on that connection: nothing was sent, so nothing is unknown
	 */
	assert_int_equal(put(f, "a", "2"), -EHOSTUNREACH);
	assert_non_null(strstr(f->err.hint, "nothing was changed"));
	etcd_run(f->etcd, 1);
	etcd_run(f->etcd, 2);
	etcd_await(f->etcd);
	put_at_last(f, "a", "3");
}

static void a_write_that_a_stopped_member_took_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct pt_saw saw = { "a", 0 };
	struct pt_write write = { "a", "1", 0 };
	struct pt_txn txn = { &saw, 1, &write, 1 };
	PT_AUTO(pt_records) now = { 0 };

	f->config.timeout_ms = 1000;
	reopen(f);
	/* a connection is there already: the member has it in its hands */
	assert_int_equal(get(f, "a"), 0);
	etcd_pause(f->etcd, 0);
	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), -ETIMEDOUT);
	assert_non_null(strstr(f->err.hint, "look before asking again"));
	/* reading goes to another one */
	assert_int_equal(get(f, "b"), 0);
	put_at_last(f, "b", "1");
	etcd_resume(f->etcd, 0);
	/* written now, or never: but not twice */
	if (pt_store_commit(f->store, &txn, NULL, &now, &f->err) == 0)
		assert_string_equal(now.v[0].value, "1");
	assert_int_equal(get(f, "a"), 1);
}

static void another_cluster_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pt_store_watch *w = NULL;
	PT_AUTO(pt_changes) c = { 0 };

	assert_int_equal(put(f, "a", "1"), 1);
	assert_int_equal(pt_store_watch(f->store, "a", 0, &w, &f->err), 0);
	assert_int_equal(pt_store_watch_next(w, NEWS_MS, &c, &f->err), 1);
	pt_changes_done(&c);
	etcd_begin_anew(f->etcd);
	while (pt_store_watch_next(w, 100, &c, &f->err) == 0)
		;
	assert_int_equal(f->err.code, -EREMCHG);
	assert_int_equal(get(f, "a"), -EREMCHG);
	assert_non_null(strstr(f->err.msg, "another cluster"));
	pt_store_watch_close(w);
	/* a new start may go on with it, unless the configuration names the old one */
	reopen(f);
	assert_int_equal(get(f, "a"), 0);
	f->config.cluster = pt_strdup("1234");
	reopen(f);
	assert_int_equal(put(f, "a", "1"), -EREMCHG);
	assert_non_null(strstr(f->err.msg, "1234"));
}

/* the same cluster with less in it: its data was put back */
static void a_restored_backup_is_noticed(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *data = pt_strf("%s/m0", f->etcd->dir);

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(put(f, "a", "1"), 1);
	etcd_kill(f->etcd, 0);
	fakesys_rmtree(data);
	etcd_run(f->etcd, 0);
	etcd_await(f->etcd);
	assert_int_equal(get(f, "a"), -EREMCHG);
	assert_non_null(strstr(f->err.msg, "restored from a backup"));
}

static void a_full_quota_is_said_and_reading_goes_on(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *large = pt_alloc((1 << 20) + 1);
	int r = 1;

	memset(large, 'x', 1 << 20);
	assert_int_equal(put(f, "a", "1"), 1);
	for (unsigned i = 0; i < 20 && r == 1; i++)
		r = put(f, "b", large);
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(f->err.hint, "defrag"));
	assert_int_equal(put(f, "a", "2"), -ENOSPC);
	assert_int_equal(get(f, "a"), 1);
}

static void what_is_no_etcd_is_said(void **state)
{
	struct fixture *f = *state;

	/* the port on which members talk to each other: HTTP, but no gateway */
	free(f->config.endpoints.v[0]);
	f->config.endpoints.v[0] = pt_strf("http://127.0.0.1:%d/", f->etcd->peer_port[0]);
	reopen(f);
	assert_int_equal(get(f, "a"), -EBADMSG);
	assert_non_null(strstr(f->err.hint, "client URL"));
	free(f->config.endpoints.v[0]);
	f->config.endpoints.v[0] = pt_strdup("ftp://127.0.0.1");
	assert_int_equal(pt_store_open(&f->config, &f->store, &f->err), -EINVAL);
	f->config.endpoints.n = 0;
	assert_int_equal(pt_store_open(&f->config, &f->store, &f->err), -EINVAL);
	f->config.endpoints.n = 1;
}

static void a_watch_goes_on_at_another_member(void **state)
{
	struct fixture *f = *state;
	struct pt_store_watch *w = NULL;
	struct pt_store *writer = NULL;
	int next = 0;

	f->config.timeout_ms = 500;
	reopen(f);
	writer = f->store;
	f->store = NULL;
	reopen(f);
	assert_int_equal(pt_store_watch(f->store, "n/", 0, &w, &f->err), 0);
	/* killed, then stopped: each time the one that streams, wherever the watch has gone by then */
	for (int i = 0; i < 30; i++) {
		PT_AUTO(pt_changes) c = { 0 };
		pt_autofree char *key = pt_strf("n/%02d", i);
		struct pt_store *reader = f->store;
		long long until = pt_watch_now_ms() + SOON_MS;

		if (i == 10)
			etcd_kill(f->etcd, 0);
		if (i == 15) {
			etcd_run(f->etcd, 0);
			etcd_await(f->etcd);
		}
		if (i == 20)
			etcd_pause(f->etcd, 1);
		f->store = writer;
		put_at_last(f, key, "1");
		f->store = reader;
		while (next <= i && pt_watch_now_ms() < until) {
			int r = pt_store_watch_next(w, 1000, &c, &f->err);

			if (r < 0)
				fail_msg("%s", f->err.msg);
			/* a write that was unknown may come twice; none is left out */
			for (size_t k = 0; r == 1 && k < c.records.n; k++) {
				int seen = atoi(c.records.v[k].key + 2);

				assert_true(seen <= next);
				next = seen + 1;
			}
			pt_changes_done(&c);
		}
		assert_int_equal(next, i + 1);
	}
	etcd_resume(f->etcd, 1);
	pt_store_watch_close(w);
	pt_store_close(writer);
}

enum { BEHIND = 400 };

/* of each another length, over many of what a connection brings at once */
static char *long_value(int i)
{
	size_t n = 1 + (size_t)i * 7919 % 60000;
	char *value = pt_alloc(n + 1);

	memset(value, 'a' + i % 26, n);
	return value;
}

static void who_did_not_listen_hears_all_in_order(void **state)
{
	struct fixture *f = *state;
	long long until = pt_watch_now_ms() + 4 * (long long)SOON_MS;
	struct pt_store_watch *w = NULL;
	PT_AUTO(pt_changes) nothing = { 0 };
	int next = 0;

	assert_int_equal(pt_store_watch(f->store, "n/", 0, &w, &f->err), 0);
	assert_int_equal(pt_store_watch_next(w, NEWS_MS, &nothing, &f->err), 1);
	/* the stream is open, and nobody reads it */
	assert_int_equal(pt_store_watch_next(w, 0, &nothing, &f->err), 0);
	for (int i = 0; i < BEHIND; i++) {
		pt_autofree char *key = pt_strf("n/%03d", i);
		pt_autofree char *value = long_value(i);

		assert_int_equal(put(f, key, value), 1);
	}
	while (next < BEHIND && pt_watch_now_ms() < until) {
		PT_AUTO(pt_changes) c = { 0 };
		int r = pt_store_watch_next(w, 1000, &c, &f->err);

		if (r < 0)
			fail_msg("%s", f->err.msg);
		assert_false(r == 1 && c.whole);
		for (size_t k = 0; r == 1 && k < c.records.n; k++, next++) {
			pt_autofree char *value = long_value(next);

			assert_int_equal(atoi(c.records.v[k].key + 2), next);
			assert_string_equal(c.records.v[k].value, value);
		}
	}
	assert_int_equal(next, BEHIND);
	pt_store_watch_close(w);
}

static void set_user(struct fixture *f, const char *user, const char *password)
{
	pt_strset(&f->config.user, user);
	pt_strset(&f->config.password, password);
	reopen(f);
}

/* users are etcd's own; the certificate only protects the way */
static void enable_users(struct fixture *f)
{
	static const char *const lines[] = {
		"user add root:secret",
		"user grant-role root root",
		"role add host-a",
		"role grant-permission host-a --prefix=true readwrite /passthru/hosts/a",
		"role grant-permission host-a --prefix=true read /passthru/claims/",
		"user add a:pass-a",
		"user grant-role a host-a",
		"auth enable",
	};

	assert_int_equal(etcd_ctl(f->etcd, "role add root"), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(etcd_ctl(f->etcd, lines[i]), 0);
}

static void a_user_may_what_its_role_says(void **state)
{
	struct fixture *f = *state;
	struct pt_store_watch *w = NULL;
	PT_AUTO(pt_changes) c = { 0 };

	enable_users(f);
	set_user(f, NULL, NULL);
	assert_int_equal(get(f, "hosts/a"), -EACCES);
	set_user(f, "a", "wrong");
	assert_int_equal(get(f, "hosts/a"), -EACCES);
	assert_non_null(strstr(f->err.msg, "'a'"));
	assert_null(strstr(f->err.msg, "wrong"));
	set_user(f, "a", "pass-a");
	assert_int_equal(put(f, "hosts/a", "1"), 1);
	assert_int_equal(put(f, "hosts/b", "1"), -EACCES);
	assert_int_equal(put(f, "claims/1", "1"), -EACCES);
	assert_int_equal(get(f, "claims/1"), 0);
	assert_int_equal(get(f, "hosts/b"), -EACCES);
	assert_int_equal(pt_store_watch(f->store, "hosts/b", 1, &w, &f->err), 0);
	assert_int_equal(pt_store_watch_next(w, NEWS_MS, &c, &f->err), -EACCES);
	pt_store_watch_close(w);
	/* a token is known to the member until it starts again: a new one is asked for, and nobody notices */
	assert_int_equal(pt_store_watch(f->store, "hosts/a", 0, &w, &f->err), 0);
	assert_int_equal(pt_store_watch_next(w, NEWS_MS, &c, &f->err), 1);
	pt_changes_done(&c);
	etcd_kill(f->etcd, 0);
	etcd_run(f->etcd, 0);
	etcd_await(f->etcd);
	assert_int_equal(put(f, "hosts/a", "2"), 1);
	assert_int_equal(pt_store_watch_next(w, NEWS_MS, &c, &f->err), 1);
	assert_string_equal(c.records.v[0].value, "2");
	pt_store_watch_close(w);
}

static void a_client_without_certificate_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "a", "1"), 1);
	pt_strset(&f->config.cert_file, NULL);
	assert_int_equal(pt_store_open(&f->config, &f->store, &f->err), -EINVAL);
	pt_strset(&f->config.key_file, NULL);
	pt_store_close(f->store);
	assert_int_equal(pt_store_open(&f->config, &f->store, &f->err), 0);
	assert_true(get(f, "a") < 0);
	/* and a server that the authority does not vouch for is not spoken to */
	pt_strset(&f->config.ca_file, "/etc/ssl/certs/ca-certificates.crt");
	reopen(f);
	assert_int_equal(put(f, "a", "1"), -EHOSTUNREACH);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(a_dead_member_is_passed_over, three_members, teardown),
		cmocka_unit_test_setup_teardown(without_a_majority_nobody_answers_and_each_is_named, three_members,
						teardown),
		cmocka_unit_test_setup_teardown(a_write_that_a_stopped_member_took_is_unknown, three_members, teardown),
		cmocka_unit_test_setup_teardown(another_cluster_is_refused, one_member, teardown),
		cmocka_unit_test_setup_teardown(a_restored_backup_is_noticed, one_member, teardown),
		cmocka_unit_test_setup_teardown(a_full_quota_is_said_and_reading_goes_on, small_quota, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_etcd_is_said, one_member, teardown),
		cmocka_unit_test_setup_teardown(a_watch_goes_on_at_another_member, three_members, teardown),
		cmocka_unit_test_setup_teardown(who_did_not_listen_hears_all_in_order, one_member, teardown),
		cmocka_unit_test_setup_teardown(a_user_may_what_its_role_says, with_tls, teardown),
		cmocka_unit_test_setup_teardown(a_client_without_certificate_is_told, with_tls, teardown),
	};

	return etcd_installed() ? cmocka_run_group_tests(all, NULL, NULL) : 77;
}
