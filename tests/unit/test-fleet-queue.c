/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait, limits of projects, and hosts that are left, on both stores. */
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

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"
#include "fleet/agent.h"
#include "fleet/evacuate.h"
#include "fleet/queue.h"
#include "fleet/quota.h"
#include "shape/claim.h"
#include "store/backend.h"
#include "storestage.h"

static struct storestage *begin(void **state, unsigned hosts)
{
	struct storestage *f = storestage_begin(state);

	claiming_publish(f->store, hosts, 4);
	return f;
}

static void put(struct storestage *f, const char *key, const char *value)
{
	struct pt_write write = { key, value, 0 };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), 1);
}

/* as pt_fleet_claim() on a new view; @ret_id may be NULL */
static int ask(struct storestage *f, const char *what, const char *host, const char *project, char *ret_id,
	       size_t *ahead)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) made = { 0 };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	PT_AUTO(pt_request) request = { .alias = pt_strdup(what) };
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_claim_ask a = { .id = id, .holder = "vm", .host = host, .project = project, .request = &request };
	int r;

	if (pt_claim_id_make(id, &f->err) < 0 || pt_fleet_load(f->store, &f->pci, &fleet, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	r = pt_fleet_claim(&fleet, &a, &made, &answers, &f->err);
	if (r < 0)
		fail_msg("%s: %s", what, f->err.msg);
	if (ahead)
		*ahead = answers.ahead;
	if (ret_id && r == 1)
		memcpy(ret_id, id, sizeof(id));
	if (r == 1 && host)
		assert_string_equal(made.host, host);
	return r;
}

static void release(struct storestage *f, const char *id)
{
	PT_AUTO(pt_claim) gone = { 0 };

	assert_int_equal(pt_fleet_release(f->store, id, &gone, &f->err), 1);
}

/* a record in the queue as a client that waits has it, without the client */
static void line_up(struct storestage *f, const char *what, const char *host, const char *project)
{
	pt_autofree char *key = pt_strf("queue/c-%020u", ++f->n);
	PT_AUTO(pt_waiting) w = { .asked = pt_strdup(what), .holder = pt_strdup("early") };
	PT_AUTO(pt_rules) rules = { .report_in_placement = false };
	pt_autofree char *text = NULL;

	(void)snprintf(w.id, sizeof(w.id), "%s", key + strlen("queue/"));
	w.host = pt_strdup_opt(host);
	w.project = pt_strdup_opt(project);
	w.request.alias = pt_strdup(what);
	assert_int_equal(pt_rules_compile(&f->pci, &rules, NULL, &f->err), 0);
	assert_int_equal(pt_pci_alias_expand(&rules.aliases, &w.request, &f->err), 0);
	text = pt_record_text(pt_waiting_json(&w));
	put(f, key, text);
}

static void nobody_overtakes_where_both_would_fit(void **state)
{
	struct storestage *f = begin(state, 1);
	size_t ahead = 0;

	line_up(f, "gpu:3", NULL, NULL);
	assert_int_equal(ask(f, "gpu:2", NULL, NULL, NULL, &ahead), 0);
	assert_int_equal(ahead, 1);
	/* beside it there is room for one */
	assert_int_equal(ask(f, "gpu:1", NULL, NULL, NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", NULL, NULL, NULL, &ahead), 0);
	/* when it has gone the rest is anybody's */
	put(f, "queue/c-00000000000000000001", NULL);
	assert_int_equal(ask(f, "gpu:3", NULL, NULL, NULL, NULL), 1);
	claiming_check(f->store, &f->pci);
}

static void one_host_is_kept_for_who_lacks_something_and_the_others_are_free(void **state)
{
	struct storestage *f = begin(state, 3);

	assert_int_equal(ask(f, "gpu:2", "host-000", NULL, NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", "host-001", NULL, NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:3", "host-002", NULL, NULL, NULL), 1);
	line_up(f, "gpu:4", NULL, NULL);
	/* host-001 lacks one, so its three are kept */
	assert_int_equal(ask(f, "gpu:1", "host-001", NULL, NULL, NULL), 0);
	assert_int_equal(ask(f, "gpu:3", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(ask(f, "gpu:2", "host-000", NULL, NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", "host-002", NULL, NULL, NULL), 1);
	claiming_check(f->store, &f->pci);
}

static void who_cannot_be_served_stands_in_nobodys_way(void **state)
{
	struct storestage *f = begin(state, 2);

	line_up(f, "gpu:5", NULL, NULL);
	line_up(f, "gpu:4", "host-001", NULL);
	line_up(f, "gpu:4", "nosuch", NULL);
	put(f, "queue/c-99999999999999999999", "{\"asked\": 3}");
	put(f, "queue/nonsense", "[");
	/* its project may have nothing */
	assert_int_equal(pt_quota_set(f->store, "poor", "gpu", 0, &f->err), 0);
	line_up(f, "gpu:4", NULL, "poor");
	assert_int_equal(ask(f, "gpu:4", NULL, NULL, NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:4", "host-001", NULL, NULL, NULL), 0);
}

/* how often a record below quota/ is asked for */
static const struct pt_store_ops *real;
static unsigned asked;

static int counting_get(struct pt_store *store, const char *key, struct pt_record *record, struct pt_error *err)
{
	asked += strncmp(key, "quota/", strlen("quota/")) == 0;
	return real->get(store, key, record, err);
}

static void a_limit_is_asked_for_once_however_many_wait_for_it(void **state)
{
	struct storestage *f = begin(state, 1);
	struct pt_store_ops ops;

	assert_int_equal(pt_quota_set(f->store, "red", "gpu", 8, &f->err), 0);
	assert_int_equal(ask(f, "gpu:1", NULL, "red", NULL, NULL), 1);
	for (unsigned i = 0; i < 20; i++)
		line_up(f, "gpu:4", NULL, "red");
	real = f->store->ops;
	ops = *real;
	ops.get = counting_get;
	f->store->ops = &ops;
	asked = 0;
	assert_int_equal(ask(f, "gpu:4", NULL, NULL, NULL, NULL), 0);
	f->store->ops = real;
	/* two records, in two looks: on the view, and once more before "no" is said */
	assert_int_equal(asked, 4);
}

/* what a watch tells leads to the same order as a list does */
static void the_queue_is_kept_by_what_is_heard_of_it(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_records) now = { 0 };
	PT_AUTO(pt_records) heard = { 0 };

	line_up(f, "gpu:1", NULL, NULL);
	line_up(f, "gpu:2", NULL, NULL);
	assert_int_equal(pt_fleet_load(f->store, &f->pci, &fleet, &f->err), 0);
	line_up(f, "gpu:3", NULL, NULL);
	/* the first one is written anew, and is the last by that */
	f->n = 0;
	line_up(f, "gpu:4", NULL, NULL);
	put(f, "queue/c-00000000000000000002", NULL);
	assert_int_equal(pt_store_list(f->store, "queue/", &now, &f->err), 0);
	pt_queue_take(&fleet, &now);
	*(struct pt_record *)pt_array_add(&heard) =
		(struct pt_record){ .key = pt_strdup("queue/c-00000000000000000002"), .revision = now.revision };
	pt_queue_take(&fleet, &heard);
	assert_int_equal(fleet.waiting.n, 2);
	assert_string_equal(fleet.waiting.v[0].asked, "gpu:3");
	assert_string_equal(fleet.waiting.v[1].asked, "gpu:4");
}

static pid_t wait_in_child(struct storestage *f, const char *what, long long timeout_ms)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	f->store = NULL;
	if (pt_store_open(&f->config, &f->store, &f->err) < 0)
		_exit(10);
	{
		struct pt_fleet fleet = { 0 };
		struct pt_claim made = { 0 };
		struct pt_fleet_answers answers = { 0 };
		struct pt_request request = { .alias = pt_strdup(what) };
		const struct pt_queue_wait wait = { .timeout_ms = timeout_ms, .ttl_s = 1 };
		char id[PT_CLAIM_ID_LENGTH + 1];
		struct pt_claim_ask a = { .id = id, .holder = "waiter", .request = &request };
		int r;

		if (pt_claim_id_make(id, &f->err) < 0 || pt_fleet_load(f->store, &f->pci, &fleet, &f->err) < 0)
			_exit(11);
		r = pt_queue_claim(&fleet, &a, &wait, &made, &answers, &f->err);
		if (r < 0)
			(void)fprintf(stderr, "%s\n", f->err.msg);
		_exit(r < 0 ? 12 : r);
	}
}

static int status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t in_queue(struct storestage *f)
{
	PT_AUTO(pt_records) l = { 0 };

	assert_int_equal(pt_store_list(f->store, "queue/", &l, &f->err), 0);
	return l.n;
}

static void await_queue(struct storestage *f, size_t n)
{
	long long until = pt_watch_now_ms() + 20000;

	while (in_queue(f) != n) {
		if (pt_watch_now_ms() > until)
			fail_msg("%zu wait, not %zu", in_queue(f), n);
		(void)usleep(20000);
	}
}

static void what_is_given_back_goes_to_who_waits_first(void **state)
{
	struct storestage *f = begin(state, 1);
	char id[PT_CLAIM_ID_LENGTH + 1];
	char other[PT_CLAIM_ID_LENGTH + 1];
	pid_t first;
	pid_t second;

	assert_int_equal(ask(f, "gpu:2", NULL, NULL, id, NULL), 1);
	assert_int_equal(ask(f, "gpu:2", NULL, NULL, other, NULL), 1);
	first = wait_in_child(f, "gpu:2", 20000);
	await_queue(f, 1);
	second = wait_in_child(f, "gpu:1", 20000);
	await_queue(f, 2);
	release(f, id);
	assert_int_equal(status_of(first), 1);
	await_queue(f, 1);
	release(f, other);
	assert_int_equal(status_of(second), 1);
	assert_int_equal(in_queue(f), 0);
	claiming_check(f->store, &f->pci);
}

static void a_dead_waiter_is_out_of_the_way_after_its_lease(void **state)
{
	struct storestage *f = begin(state, 1);
	char id[PT_CLAIM_ID_LENGTH + 1];
	pid_t dead;
	pid_t live;

	assert_int_equal(ask(f, "gpu:4", NULL, NULL, id, NULL), 1);
	dead = wait_in_child(f, "gpu:4", -1);
	await_queue(f, 1);
	live = wait_in_child(f, "gpu:3", 20000);
	await_queue(f, 2);
	assert_int_equal(kill(dead, SIGKILL), 0);
	assert_int_equal(status_of(dead), 128 + SIGKILL);
	release(f, id);
	assert_int_equal(status_of(live), 1);
	assert_int_equal(in_queue(f), 0);
}

static void a_time_that_is_over_leaves_nothing_behind(void **state)
{
	struct storestage *f = begin(state, 1);

	assert_int_equal(ask(f, "gpu:4", NULL, NULL, NULL, NULL), 1);
	assert_int_equal(status_of(wait_in_child(f, "gpu:1", 500)), 0);
	assert_int_equal(in_queue(f), 0);
}

static void a_limit_holds_whoever_claims_at_once(void **state)
{
	struct storestage *f = begin(state, 3);
	struct pt_claims_list l = { 0 };
	pid_t pids[4];

	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 5, &f->err), 0);
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (pt_store_open(&f->config, &f->store, &f->err) < 0)
			_exit(1);
		for (unsigned k = 0; k < 6; k++) {
			char id[PT_CLAIM_ID_LENGTH + 1];

			if (ask(f, "gpu:2", NULL, "p", id, NULL) == 1 && k % 2)
				release(f, id);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(status_of(pids[i]), 0);
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(l.n, 2);
	pt_claims_list_done(&l);
	assert_int_equal(ask(f, "gpu:2", NULL, "p", NULL, NULL), 0);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 0);
	/* others have none */
	assert_int_equal(ask(f, "gpu:2", NULL, "q", NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:2", NULL, NULL, NULL, NULL), 1);
	claiming_check(f->store, &f->pci);
}

static void a_new_limit_counts_what_there_was_before(void **state)
{
	struct storestage *f = begin(state, 2);
	char id[PT_CLAIM_ID_LENGTH + 1];

	assert_int_equal(ask(f, "gpu:3", NULL, "p", id, NULL), 1);
	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 2, &f->err), 0);
	/* below what it has: nothing is taken away, nothing more is given */
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 0);
	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 4, &f->err), 0);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 0);
	release(f, id);
	assert_int_equal(ask(f, "gpu:3", NULL, "p", NULL, NULL), 1);
	assert_int_equal(pt_quota_set(f->store, "p", "gpu", -1, &f->err), 0);
	assert_int_equal(ask(f, "gpu:3", NULL, "p", NULL, NULL), 1);
	claiming_check(f->store, &f->pci);
}

static void a_claim_that_ended_untold_counts_no_more(void **state)
{
	struct storestage *f = begin(state, 1);
	char id[PT_CLAIM_ID_LENGTH + 1];
	pt_autofree char *key = NULL;

	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 2, &f->err), 0);
	assert_int_equal(ask(f, "gpu:2", NULL, "p", id, NULL), 1);
	/* somebody who knows nothing of limits ends it */
	key = pt_strf("claims/%s", id);
	put(f, key, NULL);
	put(f, "held/host-000", "{}");
	assert_int_equal(ask(f, "gpu:2", NULL, "p", NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 0);
}

static void who_waits_for_a_limit_gets_its_turn(void **state)
{
	struct storestage *f = begin(state, 1);
	struct pt_fleet fleet = { 0 };
	struct pt_claim made = { 0 };
	struct pt_fleet_answers answers = { 0 };
	struct pt_request request = { .alias = pt_strdup("gpu:1") };
	const struct pt_queue_wait wait = { .timeout_ms = 20000, .ttl_s = 1 };
	struct pt_claim_ask a = { .id = "c-0123456789abcdef0123", .holder = "w", .project = "p", .request = &request };
	char id[PT_CLAIM_ID_LENGTH + 1];
	pid_t pid;

	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 1, &f->err), 0);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", id, NULL), 1);
	pid = fork();
	if (!pid) {
		if (pt_store_open(&f->config, &f->store, &f->err) < 0)
			_exit(1);
		await_queue(f, 1);
		release(f, id);
		_exit(0);
	}
	assert_int_equal(pt_fleet_load(f->store, &f->pci, &fleet, &f->err), 0);
	assert_int_equal(pt_queue_claim(&fleet, &a, &wait, &made, &answers, &f->err), 1);
	assert_string_equal(made.project, "p");
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(in_queue(f), 0);
	pt_claim_done(&made);
	pt_fleet_answers_done(&answers);
	pt_request_done(&request);
	pt_fleet_done(&fleet);
}

static void a_project_or_a_limit_that_makes_no_sense_is_refused(void **state)
{
	struct storestage *f = begin(state, 1);

	assert_int_equal(pt_quota_set(f->store, "p/q", "gpu", 1, &f->err), -EINVAL);
	assert_int_equal(pt_quota_set(f->store, "", "gpu", 1, &f->err), -EINVAL);
	assert_int_equal(pt_quota_set(f->store, "p", "gpu", PT_QUOTA_MAX + 1, &f->err), -ERANGE);
	put(f, "quota/limit/p", "{\"limits\": {\"gpu\": -1}}");
	{
		PT_AUTO(pt_quota) q = { 0 };

		assert_int_equal(pt_quota_read(f->store, "p", &q, &f->err), -EBADMSG);
	}
	/* and is written anew, with what there is counted */
	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 1, &f->err), 0);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 1);
	assert_int_equal(ask(f, "gpu:1", NULL, "p", NULL, NULL), 0);
}

static void evacuate(struct storestage *f, const char *host, int status, struct pt_moved_list *ret)
{
	PT_AUTO(pt_fleet) fleet = { 0 };

	assert_int_equal(pt_fleet_load(f->store, &f->pci, &fleet, &f->err), 0);
	assert_int_equal(pt_fleet_evacuate(&fleet, host, ret, &f->err), status);
}

static void claims_of_a_host_that_is_off_keep_their_ids_and_get_other_devices(void **state)
{
	struct storestage *f = begin(state, 3);
	PT_AUTO(pt_moved_list) l = { 0 };
	struct pt_claims_list claims = { 0 };
	char id[2][PT_CLAIM_ID_LENGTH + 1];

	assert_int_equal(pt_quota_set(f->store, "p", "gpu", 2, &f->err), 0);
	assert_int_equal(ask(f, "gpu:2", "host-000", "p", id[0], NULL), 1);
	assert_int_equal(ask(f, "gpu:1", "host-000", NULL, id[1], NULL), 1);
	assert_int_equal(ask(f, "gpu:3", "host-001", NULL, NULL, NULL), 1);
	/* whoever waits did not have it before */
	line_up(f, "gpu:3", NULL, NULL);
	evacuate(f, "host-000", 0, &l);
	assert_int_equal(l.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(l.v[i].fate, PT_MOVED_PLACED);
		assert_string_not_equal(l.v[i].claim.host, "host-000");
	}
	assert_int_equal(pt_fleet_claims(f->store, &claims, &f->err), 0);
	assert_int_equal(claims.n, 3);
	pt_claims_list_done(&claims);
	claiming_check(f->store, &f->pci);
	/* the limit counts it as before, and once it ends no more */
	assert_int_equal(ask(f, "gpu:1", "host-000", "p", NULL, NULL), 0);
	release(f, id[0]);
	release(f, id[1]);
	put(f, "queue/c-00000000000000000001", NULL);
	assert_int_equal(ask(f, "gpu:2", NULL, "p", NULL, NULL), 1);
	claiming_check(f->store, &f->pci);
}

static void a_host_that_is_heard_of_keeps_what_it_has(void **state)
{
	struct storestage *f = begin(state, 2);
	PT_AUTO(pt_moved_list) l = { 0 };
	PT_AUTO(pt_fleet) old = { 0 };

	assert_int_equal(ask(f, "gpu:2", "host-000", NULL, NULL, NULL), 1);
	/* the view is from before it came back: the transaction finds out */
	assert_int_equal(pt_fleet_load(f->store, &f->pci, &old, &f->err), 0);
	put(f, "alive/host-000", "{}");
	assert_int_equal(pt_fleet_evacuate(&old, "host-000", &l, &f->err), -EBUSY);
	assert_non_null(strstr(f->err.msg, "heard of again"));
	pt_moved_list_done(&l);
	evacuate(f, "host-000", -EBUSY, &l);
	assert_int_equal(l.n, 0);
	claiming_check(f->store, &f->pci);
}

static void what_was_to_be_released_ends_with_its_host(void **state)
{
	struct storestage *f = begin(state, 2);
	PT_AUTO(pt_moved_list) l = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_ack ack = { .state = PT_ACK_BOUND };
	char id[PT_CLAIM_ID_LENGTH + 1];
	long long acked = 0;

	assert_int_equal(ask(f, "gpu:2", "host-000", NULL, id, NULL), 1);
	memcpy(ack.id, id, sizeof(id));
	assert_int_equal(pt_fleet_ack_put(f->store, "host-000", &ack, &acked, &f->err), 1);
	assert_int_equal(pt_fleet_release(f->store, id, &c, &f->err), PT_RELEASE_MARKED);
	evacuate(f, "host-000", 0, &l);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].fate, PT_MOVED_ENDED);
	assert_int_equal(pt_fleet_get(f->store, id, &c, NULL, &f->err), 0);
	claiming_check(f->store, &f->pci);
}

#define BOTH(test)                                                                                                     \
	{ #test ", SQLite", test, storestage_sqlite, storestage_end, NULL },                                           \
	{                                                                                                              \
#test ", etcd", test, storestage_on_etcd, storestage_end, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest all[] = {
		BOTH(a_limit_is_asked_for_once_however_many_wait_for_it),
		BOTH(the_queue_is_kept_by_what_is_heard_of_it),
		BOTH(nobody_overtakes_where_both_would_fit),
		BOTH(one_host_is_kept_for_who_lacks_something_and_the_others_are_free),
		BOTH(who_cannot_be_served_stands_in_nobodys_way),
		BOTH(what_is_given_back_goes_to_who_waits_first),
		BOTH(a_dead_waiter_is_out_of_the_way_after_its_lease),
		BOTH(a_time_that_is_over_leaves_nothing_behind),
		BOTH(a_limit_holds_whoever_claims_at_once),
		BOTH(a_new_limit_counts_what_there_was_before),
		BOTH(a_claim_that_ended_untold_counts_no_more),
		BOTH(who_waits_for_a_limit_gets_its_turn),
		BOTH(claims_of_a_host_that_is_off_keep_their_ids_and_get_other_devices),
		BOTH(a_host_that_is_heard_of_keeps_what_it_has),
		BOTH(what_was_to_be_released_ends_with_its_host),
		BOTH(a_project_or_a_limit_that_makes_no_sense_is_refused),
	};
	int failed = cmocka_run_group_tests(all, storestage_start_etcd, storestage_stop_etcd);

	/* half of it was not run: said by name */
	return failed || etcd_installed() ? failed : 77;
}
