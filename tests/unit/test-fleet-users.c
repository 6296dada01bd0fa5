/* SPDX-License-Identifier: Apache-2.0 */
/* Who may write what in a fleet's etcd that asks its users who they are: passthru fleet add-host, add-user. */
#include <errno.h>
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
#include "etcd.h"
#include "program.h"
#include "store/store.h"
#include "tree.h"

struct desk {
	struct tree *tree;
	struct etcd *etcd;
	struct program p;
};

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));

	*state = d;
	d->tree = tree_new();
	if (etcd_installed())
		d->etcd = etcd_start(1, 0, false);
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	etcd_stop(d->etcd);
	program_done(&d->p);
	tree_free(d->tree);
	free(d);
	return 0;
}

/* conf-USER in the tree; its password is in the file USER there */
static void configure(struct desk *d, const char *user)
{
	pt_autofree char *name = pt_strf("conf-%s", user);
	pt_autofree char *conf =
		pt_strf("[store]\nbackend = etcd\nendpoints = http://127.0.0.1:%d\nuser = %s\npassword_file = %s/%s\n",
			d->etcd->client_port[0], user, d->tree->path, user);

	tree_file(d->tree, name, conf);
}

static void run(struct desk *d, int status, const char *what, const char *conf)
{
	pt_autofree char *line = pt_strf("passthru fleet %s --config %s/conf-%s", what, d->tree->path, conf);

	program_done(&d->p);
	program_run(&d->p, line, NULL);
	if (d->p.status != status)
		fail_msg("%s: status %d, not %d\n%s%s", line, d->p.status, status, d->p.out, d->p.err);
}

static void turn_users_on(struct desk *d)
{
	pt_autofree char *path = pt_strf("%s/root", d->tree->path);

	assert_int_equal(etcd_ctl(d->etcd, "role add root"), 0);
	assert_int_equal(etcd_ctl(d->etcd, "user add root:secret"), 0);
	assert_int_equal(etcd_ctl(d->etcd, "user grant-role root root"), 0);
	assert_int_equal(etcd_ctl(d->etcd, "auth enable"), 0);
	tree_file(d->tree, "root", "secret\n");
	assert_int_equal(chmod(path, 0600), 0);
	configure(d, "root");
}

static void add(struct desk *d, const char *verb, const char *user)
{
	pt_autofree char *path = pt_strf("%s/%s", d->tree->path, user);
	pt_autofree char *what = pt_strf("%s %s --password-file %s", verb, user, path);
	pt_autofree char *path_line = NULL;
	pt_autofree char *user_line = NULL;
	struct stat st;

	run(d, 0, what, "root");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* what it prints is a configuration: where the administrator's is, who, and the password's place */
	assert_non_null(strstr(d->p.out, "[store]\nbackend = etcd\nendpoints = http://127.0.0.1:"));
	path_line = pt_strf("\npassword_file = %s\n", path);
	user_line = pt_strf("\nuser = %s\n", user);
	assert_non_null(strstr(d->p.out, path_line));
	assert_non_null(strstr(d->p.out, user_line));
	configure(d, user);
}

/* what a user's write of one record comes to; also reading it, which everybody may */
static int put(struct desk *d, const char *user, const char *key)
{
	pt_autofree char *path = pt_strf("%s/%s", d->tree->path, user);
	PT_AUTO(pt_store_config) config = { 0 };
	PT_AUTO(pt_record) record = { 0 };
	const struct pt_write write = { key, "{}", 0 };
	const struct pt_txn txn = { .writes = &write, .n_writes = 1 };
	struct pt_store *store = NULL;
	struct pt_error err = { 0 };
	char password[128] = "";
	FILE *f = fopen(path, "re");
	int r;

	assert_non_null(f);
	assert_non_null(fgets(password, sizeof(password), f));
	(void)fclose(f);
	etcd_config(d->etcd, &config);
	config.user = pt_strdup(user);
	config.password = pt_strndup(password, strcspn(password, "\n"));
	assert_int_equal(pt_store_open(&config, &store, &err), 0);
	r = pt_store_commit(store, &txn, NULL, NULL, &err);
	assert_true(pt_store_get(store, key, &record, &err) >= 0);
	pt_store_close(store);
	return r;
}

static void a_host_writes_its_own_records_and_no_others(void **state)
{
	static const char *const own[] = { "facts/h1", "held/h1", "alive/h1", "acks/h1/c-00000000000000000000" };
	static const char *const others[] = { "facts/h2",
					      "held/h2",
					      "alive/h2",
					      "facts/h10",
					      "facts/h1/x",
					      "acks/h2/c-00000000000000000000",
					      "acks/h10/c-00000000000000000000",
					      "claims/c-00000000000000000000",
					      "queue/c-00000000000000000000",
					      "ended/c-00000000000000000000",
					      "quota/limit/red",
					      "quota/used/red" };
	struct desk *d = *state;

	if (!d->etcd)
		skip();
	turn_users_on(d);
	add(d, "add-host", "h1");
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		assert_int_equal(put(d, "h1", own[i]), 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (put(d, "h1", others[i]) != -EACCES)
			fail_msg("h1 wrote %s", others[i]);
	/* a right that somebody added goes when it is added anew */
	assert_int_equal(etcd_ctl(d->etcd, "--user root:secret role grant-permission passthru-host-h1 readwrite "
					   "/passthru/facts/h2"),
			 0);
	assert_int_equal(put(d, "h1", "facts/h2"), 1);
	run(d, 0, "add-host h1", "root");
	assert_non_null(strstr(d->p.out, "# password, shown this once"));
	{
		const char *password = strrchr(d->p.out, ' ') + 1;

		tree_remove(d->tree, "h1");
		tree_file(d->tree, "h1", password);
	}
	assert_int_equal(put(d, "h1", "facts/h2"), -EACCES);
	assert_int_equal(put(d, "h1", "facts/h1"), 1);
}

static void a_claimer_claims_and_a_viewer_looks(void **state)
{
	static const char *const claimer[] = { "claims/c-00000000000000000000",	 "held/h1",
					       "queue/c-00000000000000000000",	 "quota/used/red",
					       "acks/h1/c-00000000000000000000", "ended/c-00000000000000000000" };
	struct desk *d = *state;

	if (!d->etcd)
		skip();
	turn_users_on(d);
	add(d, "add-user", "alice");
	/* a second one takes nothing from the first */
	add(d, "add-user", "bob");
	add(d, "add-user --view", "carol");
	for (size_t i = 0; i < sizeof(claimer) / sizeof(*claimer); i++) {
		assert_int_equal(put(d, "alice", claimer[i]), 1);
		assert_int_equal(put(d, "bob", claimer[i]), 1);
		assert_int_equal(put(d, "carol", claimer[i]), -EACCES);
	}
	assert_int_equal(put(d, "alice", "quota/limit/red"), -EACCES);
	assert_int_equal(put(d, "alice", "facts/h1"), -EACCES);
	assert_int_equal(put(d, "alice", "alive/h1"), -EACCES);
	run(d, 1, "add-host h9", "alice");
	assert_non_null(strstr(d->p.err, "refuses this to user 'alice'"));
	run(d, 2, "add-host alice", "root");
	assert_non_null(strstr(d->p.err, "not of this kind"));
	run(d, 2, "add-host root", "root");
	run(d, 2, "add-user a/b", "root");
	run(d, 0, "remove-user alice", "root");
	run(d, 2, "remove-user alice", "root");
	run(d, 1, "hosts", "alice");
	assert_int_equal(put(d, "bob", "held/h1"), 1);
}

static void a_host_that_is_removed_may_nothing_any_more(void **state)
{
	struct desk *d = *state;

	if (!d->etcd)
		skip();
	turn_users_on(d);
	add(d, "add-host", "h1");
	run(d, 0, "hosts", "h1");
	run(d, 0, "remove-host h1", "root");
	run(d, 1, "hosts", "h1");
	run(d, 2, "remove-host h1", "root");
}

static void a_store_of_one_host_has_no_users(void **state)
{
	struct desk *d = *state;
	pt_autofree char *conf = pt_strf("[store]\ndirectory = %s/state\n", d->tree->path);

	tree_file(d->tree, "conf-own", conf);
	run(d, 2, "add-host h1", "own");
	assert_non_null(strstr(d->p.err, "it has no users"));
	run(d, 2, "add-user alice", "own");
	run(d, 2, "remove-host h1", "own");
	run(d, 2, "remove-user alice", "own");
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(a_host_writes_its_own_records_and_no_others, begin, end),
		cmocka_unit_test_setup_teardown(a_claimer_claims_and_a_viewer_looks, begin, end),
		cmocka_unit_test_setup_teardown(a_host_that_is_removed_may_nothing_any_more, begin, end),
		cmocka_unit_test_setup_teardown(a_store_of_one_host_has_no_users, begin, end),
	};
	int failed = cmocka_run_group_tests(all, NULL, NULL);

	return failed || etcd_installed() ? failed : 77;
}
