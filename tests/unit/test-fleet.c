/* SPDX-License-Identifier: Apache-2.0 */
/* Claims on both stores: races, outcomes that nobody knows, records that others wrote. */
#include <errno.h>
#include <setjmp.h>
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
#include "claiming.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "fleet/leftover.h"
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

static void load(struct storestage *f, struct pt_fleet *fleet)
{
	if (pt_fleet_load(f->store, &f->pci, fleet, &f->err) < 0)
		fail_msg("%s", f->err.msg);
}

static void two_with_the_same_view_get_different_devices(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) one = { 0 };
	PT_AUTO(pt_fleet) other = { 0 };
	PT_AUTO(pt_claim) a = { 0 };
	PT_AUTO(pt_claim) b = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	load(f, &one);
	load(f, &other);
	assert_int_equal(claiming_claim(&one, "gpu:2", "vm1", &a, &f->err), 1);
	assert_int_equal(claiming_claim(&other, "gpu:2", "vm2", &b, &f->err), 1);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 2; k++)
			assert_false(pt_bdf_eq(a.devices.v[i].bdf, b.devices.v[k].bdf));
	assert_int_equal(claiming_claim(&one, "gpu:1", "vm3", &c, &f->err), 0);
	assert_int_equal(pt_fleet_release(f->store, b.id, &c, &f->err), 1);
	pt_claim_done(&c);
	/* the view says "no" still; what the store has is asked before that is the answer */
	assert_int_equal(claiming_claim(&one, "gpu:1", "vm3", &c, &f->err), 1);
	claiming_check(f->store, &f->pci);
}

static void many_at_once_lose_nothing(void **state)
{
	struct storestage *f = begin(state, 2);
	pid_t pids[4];
	struct pt_claims_list l = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		f->store = NULL;
		if (pt_store_open(&f->config, &f->store, &f->err) < 0)
			_exit(1);
		{
			PT_AUTO(pt_fleet) fleet = { 0 };

			if (pt_fleet_load(f->store, &f->pci, &fleet, &f->err) < 0)
				_exit(2);
			/* 8 devices: each client gets its two, whoever is faster, and gives one back in between */
			for (unsigned k = 0; k < 5; k++) {
				struct pt_claim kept = { 0 };
				struct pt_claim given = { 0 };

				if (claiming_claim(&fleet, "gpu:1", "kept", &kept, &f->err) != 1)
					_exit(3);
				if (k < 3 && pt_fleet_release(f->store, kept.id, &given, &f->err) != 1)
					_exit(4);
				pt_claim_done(&kept);
				pt_claim_done(&given);
			}
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 4; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(l.n, 8);
	pt_claims_list_done(&l);
	claiming_check(f->store, &f->pci);
}

/* a store that does what it is asked, and says that nobody knows; or does not, and says so, too */
static const struct pt_store_ops *real;
static int lie; /* 1: written and unknown; 2: not written and unknown; 3: never an answer; 4: full */

static int lying_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
			struct pt_error *err)
{
	int how = lie;

	if (how == 0)
		return real->commit(store, txn, revision, now, err);
	if (how < 3)
		lie = 0;
	if (how == 4)
		return pt_say(err, -ENOSPC, "it is full");
	if (how != 2 && real->commit(store, txn, revision, now, err) < 0)
		return err->code;
	pt_records_done(now);
	return pt_say(err, -ETIMEDOUT, "nobody knows");
}

static void begin_lying(struct storestage *f, struct pt_store_ops *ops, int how)
{
	real = f->store->ops;
	*ops = *real;
	ops->commit = lying_commit;
	f->store->ops = ops;
	lie = how;
}

static void an_unknown_claim_that_was_written_is_found(void **state)
{
	struct storestage *f = begin(state, 2);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_claims_list l = { 0 };
	struct pt_store_ops ops;

	load(f, &fleet);
	begin_lying(f, &ops, 1);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 1);
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].id, c.id);
	pt_claims_list_done(&l);
	/* and the view goes on from there */
	pt_claim_done(&c);
	assert_int_equal(claiming_claim(&fleet, "gpu:4", "vm2", &c, &f->err), 1);
	claiming_check(f->store, &f->pci);
	f->store->ops = real;
}

static void an_unknown_claim_that_was_not_written_never_will_be(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_record) before = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_claims_list l = { 0 };
	struct pt_store_ops ops;
	struct pt_saw saw = { .key = "held/host-000" };
	struct pt_write write = { "late", "1", 0 };
	struct pt_txn late = { &saw, 1, &write, 1 };

	load(f, &fleet);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 1);
	pt_claim_done(&c);
	assert_int_equal(pt_store_get(f->store, "held/host-000", &before, &f->err), 1);
	begin_lying(f, &ops, 2);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm2", &c, &f->err), 1);
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(l.n, 2);
	pt_claims_list_done(&l);
	/* what compared the record as it was then comes too late */
	saw.revision = before.revision;
	assert_int_equal(pt_store_commit(f->store, &late, NULL, NULL, &f->err), 0);
	claiming_check(f->store, &f->pci);
	f->store->ops = real;
}

static void when_nobody_answers_the_id_is_told(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_store_ops ops;

	load(f, &fleet);
	begin_lying(f, &ops, 3);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), -ETIMEDOUT);
	assert_non_null(strstr(f->err.hint, "--id c-"));
	f->store->ops = real;
	claiming_check(f->store, &f->pci);
}

static void once_it_was_sent_every_failure_names_the_id(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_store_ops ops;

	load(f, &fleet);
	begin_lying(f, &ops, 4);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), -ENOSPC);
	assert_non_null(strstr(f->err.msg, "claim c-"));
	assert_non_null(strstr(f->err.msg, "it is full"));
	f->store->ops = real;
}

static void an_unknown_release_is_asked_again(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct pt_store_ops ops;

	load(f, &fleet);
	for (int how = 1; how <= 2; how++) {
		PT_AUTO(pt_claim) c = { 0 };
		PT_AUTO(pt_claim) released = { 0 };

		assert_int_equal(claiming_claim(&fleet, "gpu:4", "vm1", &c, &f->err), 1);
		begin_lying(f, &ops, how);
		assert_int_equal(pt_fleet_release(f->store, c.id, &released, &f->err), 1);
		f->store->ops = real;
		assert_string_equal(released.holder, "vm1");
		pt_claim_done(&released);
		assert_int_equal(pt_fleet_release(f->store, c.id, &released, &f->err), 0);
	}
	claiming_check(f->store, &f->pci);
}

/* a sending that is on its way while its id is released: kept back, and let go afterwards */
static struct pt_saw held_back_saw[8];
static struct pt_write held_back_writes[8];
static struct pt_txn held_back;
static struct pt_strv held_back_texts;

static const char *keep_text(const char *text)
{
	if (!text)
		return NULL;
	pt_strv_add(&held_back_texts, text);
	return held_back_texts.v[held_back_texts.n - 1];
}

static int hold_back(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
		     struct pt_error *err)
{
	(void)store;
	(void)revision;
	(void)now;
	assert_true(txn->n_saw <= 8 && txn->n_writes <= 8);
	held_back = (struct pt_txn){ held_back_saw, txn->n_saw, held_back_writes, txn->n_writes };
	for (size_t i = 0; i < txn->n_saw; i++)
		held_back_saw[i] = (struct pt_saw){ keep_text(txn->saw[i].key), txn->saw[i].revision };
	for (size_t i = 0; i < txn->n_writes; i++)
		held_back_writes[i] = (struct pt_write){ keep_text(txn->writes[i].key), keep_text(txn->writes[i].value),
							 txn->writes[i].lease };
	/* its client is killed here: all further that it would do is left out */
	return pt_say(err, -EIO, "killed");
}

static void what_was_released_before_it_was_there_never_is(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_request request = { .alias = pt_strdup("gpu:1") };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	const char *id = "c-0123456789abcdef0123";
	const struct pt_claim_ask ask = { .id = id, .holder = "vm1", .request = &request };
	struct pt_store_ops ops;

	for (int fenced = 0; fenced < 2; fenced++) {
		load(f, &fleet);
		begin_lying(f, &ops, 0);
		ops.commit = hold_back;
		assert_int_equal(pt_fleet_claim(&fleet, &ask, &c, &answers, &f->err), -EIO);
		f->store->ops = real;
		/* whoever looks is told what there is now, and no more */
		assert_int_equal(pt_fleet_get(f->store, id, &c, NULL, &f->err), 0);
		assert_int_equal(pt_fleet_release(f->store, id, &c, &f->err), 0);
		if (fenced)
			assert_int_equal(pt_fleet_release_unborn(f->store, id, &f->err), 1);
		assert_int_equal(pt_store_commit(f->store, &held_back, NULL, NULL, &f->err), !fenced);
		pt_strv_done(&held_back_texts);
		if (!fenced) {
			/* it has landed: a release finds it */
			assert_int_equal(pt_fleet_release_unborn(f->store, id, &f->err), 0);
			assert_int_equal(pt_fleet_release(f->store, id, &c, &f->err), 1);
			pt_claim_done(&c);
		}
		pt_fleet_done(&fleet);
	}
	assert_int_equal(pt_fleet_get(f->store, id, &c, NULL, &f->err), 0);
	/* nor is it by its client, which goes on with the id */
	load(f, &fleet);
	assert_int_equal(pt_fleet_claim(&fleet, &ask, &c, &answers, &f->err), -EEXIST);
	assert_non_null(strstr(f->err.msg, "released before it was there"));
	assert_int_equal(claiming_claim(&fleet, "gpu:4", "vm1", &c, &f->err), 1);
	claiming_check(f->store, &f->pci);
	pt_request_done(&request);
}

static const char *rewritten; /* a record that somebody else writes first, as it is */

static int late_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
		       struct pt_error *err)
{
	if (rewritten) {
		PT_AUTO(pt_record) was = { 0 };

		assert_int_equal(real->get(store, rewritten, &was, err), 1);
		{
			const struct pt_write write = { rewritten, was.value, 0 };
			const struct pt_txn same = { .writes = &write, .n_writes = 1 };
			long long ignored;

			rewritten = NULL;
			assert_int_equal(real->commit(store, &same, &ignored, now, err), 1);
		}
	}
	return real->commit(store, txn, revision, now, err);
}

static void say(struct storestage *f, const char *host, const char *id, enum pt_ack_state state);

/* the revision is compared where it is decided: between a look and the write there is always somebody else */
static void only_the_claim_that_was_seen_is_released(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_claim) now = { 0 };
	PT_AUTO(pt_claim) gone = { 0 };
	pt_autofree char *key = NULL;
	struct pt_store_ops ops;
	long long seen = 0;

	load(f, &fleet);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 1);
	key = pt_strf("claims/%s", c.id);
	assert_int_equal(pt_fleet_get(f->store, c.id, &now, &seen, &f->err), 1);
	assert_int_equal(pt_fleet_release_seen(f->store, c.id, seen - 1, &gone, &f->err), -ESTALE);
	begin_lying(f, &ops, 0);
	ops.commit = late_commit;
	rewritten = key;
	assert_int_equal(pt_fleet_release_seen(f->store, c.id, seen, &gone, &f->err), -ESTALE);
	assert_non_null(strstr(f->err.msg, "still claimed"));
	/* who named none takes it as it is */
	rewritten = key;
	assert_int_equal(pt_fleet_release_seen(f->store, c.id, 0, &gone, &f->err), 1);
	f->store->ops = real;
	claiming_check(f->store, &f->pci);
}

/* nobody answered for its mark, and with that mark it is another record: that was its own work */
static void an_unknown_mark_of_the_claim_that_was_seen_is_found(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_claim) now = { 0 };
	PT_AUTO(pt_claim) gone = { 0 };
	struct pt_store_ops ops;
	long long seen = 0;

	load(f, &fleet);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 1);
	say(f, "host-000", c.id, PT_ACK_BOUND);
	assert_int_equal(pt_fleet_get(f->store, c.id, &now, &seen, &f->err), 1);
	begin_lying(f, &ops, 1);
	assert_int_equal(pt_fleet_release_seen(f->store, c.id, seen, &gone, &f->err), PT_RELEASE_MARKED);
	f->store->ops = real;
}

static void only_the_record_that_was_seen_is_withdrawn(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_record) facts = { 0 };
	struct pt_store_ops ops;

	assert_int_equal(pt_store_get(f->store, "facts/host-000", &facts, &f->err), 1);
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", facts.revision - 1, &f->err), -ESTALE);
	begin_lying(f, &ops, 0);
	ops.commit = late_commit;
	rewritten = "facts/host-000";
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", facts.revision, &f->err), -EBUSY);
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", facts.revision, &f->err), -ESTALE);
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", 0, &f->err), 1);
	f->store->ops = real;
}

static void put(struct storestage *f, const char *key, const char *value)
{
	struct pt_write write = { key, value, 0 };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	assert_int_equal(pt_store_commit(f->store, &txn, NULL, NULL, &f->err), 1);
}

static void a_record_that_is_not_understood_takes_out_its_host_alone(void **state)
{
	static const char *const wrong[] = {
		"", "[]", "{\"host\": 1}", "{\"host\": {\"name\": \"host-001\"}}",
		"{\"host\": {\"name\": \"host-000\"}, \"device_spec\": [{\"address\": \"zz\"}]}"
	};
	struct storestage *f = begin(state, 2);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		PT_AUTO(pt_fleet) fleet = { 0 };
		PT_AUTO(pt_claim) c = { 0 };
		PT_AUTO(pt_claim) released = { 0 };

		put(f, "facts/host-000", wrong[i]);
		load(f, &fleet);
		if (!fleet.hosts.v[0].wrong)
			fail_msg("taken for a host: %s", wrong[i]);
		assert_int_equal(claiming_claim(&fleet, "gpu:4", "vm1", &c, &f->err), 1);
		assert_string_equal(c.host, "host-001");
		assert_int_equal(pt_fleet_release(f->store, c.id, &released, &f->err), 1);
	}
	put(f, "held/host-001", "{\"0000:01:00.0\": \"somebody\"}");
	{
		PT_AUTO(pt_fleet) fleet = { 0 };
		PT_AUTO(pt_claim) c = { 0 };

		load(f, &fleet);
		assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 0);
	}
	put(f, "claims/c-00000000000000000000", "{}");
	{
		PT_AUTO(pt_claims_list) l = { 0 };
		PT_AUTO(pt_fleet) fleet = { 0 };
		PT_AUTO(pt_claim) c = { 0 };

		put(f, "held/host-001", "{}");
		put(f, "facts/host-000", "");
		load(f, &fleet);
		assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &f->err), 1);
		/* the others are there all the same */
		assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
		assert_int_equal(l.n, 1);
		assert_int_equal(l.wrong.n, 1);
		assert_non_null(strstr(l.wrong.v[0], "claims/c-00000000000000000000"));
	}
}

/* a host with two VFs of a NIC, of which one is on physnet1 */
#define VFS(name, networks)                                                                                            \
	"{\"agent\": false, \"device_spec\": [{\"address\": \"0000:41:10.0\", \"physical_network\": \"physnet1\"}, "   \
	"{\"vendor_id\": \"8086\"}], \"networks\": {" networks "}, \"host\": {\"name\": \"" name "\", \"devices\": ["  \
	"{\"address\": \"0000:41:10.0\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\", \"type\": \"type-VF\", "   \
	"\"parent\": \"0000:41:00.0\"}, "                                                                              \
	"{\"address\": \"0000:41:10.2\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\", \"type\": \"type-VF\", "   \
	"\"parent\": \"0000:41:00.0\"}]}}"

static void a_network_is_claimed_where_the_host_has_it(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_claim) any = { 0 };
	PT_AUTO(pt_claim) none = { 0 };
	PT_AUTO(pt_request) request = { .alias = pt_strdup("network=blue:1") };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	const struct pt_claim_ask ask = { .request = &request };

	put(f, "facts/no-net", VFS("no-net", ""));
	put(f, "facts/physnet1", VFS("physnet1", "\"blue\": \"physnet1\", \"any\": null"));
	put(f, "facts/physnet2", VFS("physnet2", "\"blue\": \"physnet2\""));
	load(f, &fleet);
	assert_int_equal(claiming_claim(&fleet, "network=blue:1", "vm1", &c, &f->err), 1);
	assert_string_equal(c.host, "physnet1");
	assert_string_equal(pt_claim_network(&c), "blue");
	assert_string_equal(pt_bdf_str(c.devices.v[0].bdf).s, "0000:41:10.0");
	/* on any card; a name that nobody's configuration has; what is left is on other cables */
	assert_int_equal(claiming_claim(&fleet, "network=any:1", "vm1", &any, &f->err), 1);
	assert_string_equal(pt_bdf_str(any.devices.v[0].bdf).s, "0000:41:10.2");
	assert_int_equal(claiming_claim(&fleet, "network=red:1", "vm1", &none, &f->err), 0);
	assert_int_equal(pt_fleet_why(&fleet, &ask, &answers, &f->err), 0);
	for (size_t i = 0; i < answers.n; i++) {
		const char *host = answers.v[i].host;
		const char *why = strcmp(host, "physnet1") == 0 ? "1 match, 0 of them free"
				  : strcmp(host, "physnet2") == 0
					  ? "no virtual function that device_spec offers is on physnet2"
					  : "its configuration has no [network blue]";

		if (!strstr(answers.v[i].message, why))
			fail_msg("%s: %s", host, answers.v[i].message);
	}
	/* by itself, and one a claim */
	assert_true(claiming_claim(&fleet, "network=any:2", "vm1", &none, &f->err) < 0);
	assert_true(claiming_claim(&fleet, "gpu:1,network=any:1", "vm1", &none, &f->err) < 0);
	assert_non_null(strstr(f->err.msg, "one a claim"));
	claiming_check(f->store, &f->pci);
}

static void facts_that_changed_since_are_looked_at_again(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	load(f, &fleet);
	claiming_publish(f->store, 1, 2);
	assert_int_equal(claiming_claim(&fleet, "gpu:4", "vm1", &c, &f->err), 0);
	assert_int_equal(claiming_claim(&fleet, "gpu:2", "vm1", &c, &f->err), 1);
	claiming_check(f->store, &f->pci);
}

/* @state's word for a claim on @host, as its agent has it */
static void say(struct storestage *f, const char *host, const char *id, enum pt_ack_state state)
{
	PT_AUTO(pt_ack) ack = { .state = state, .when = 1 };
	pt_autofree char *key = pt_strf("acks/%s/%s", host, id);
	pt_autofree char *text = NULL;

	(void)snprintf(ack.id, sizeof(ack.id), "%s", id);
	text = pt_record_text(pt_ack_json(&ack));
	put(f, key, text);
}

/* one record that is well again does not make the other one so, nor does it stay wrong for ever */
static void facts_do_not_heal_what_is_held(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_record) facts = { 0 };
	const struct pt_record bad = { .key = (char *)(uintptr_t) "held/host-000",
				       .value = (char *)(uintptr_t) "[]",
				       .revision = 100 };
	const struct pt_record good = { .key = (char *)(uintptr_t) "held/host-000",
					.value = (char *)(uintptr_t) "{}",
					.revision = 101 };
	struct pt_fleet_host *h;

	load(f, &fleet);
	h = &fleet.hosts.v[0];
	assert_null(h->wrong);
	pt_fleet_take_held(h, &bad);
	assert_non_null(h->wrong);
	assert_int_equal(pt_store_get(f->store, "facts/host-000", &facts, &f->err), 1);
	pt_fleet_take_facts(&fleet, h, &facts);
	assert_non_null(h->wrong);
	pt_fleet_take_held(h, &good);
	assert_null(h->wrong);
}

static void a_host_whose_agent_runs_is_neither_withdrawn_nor_published_by_hand(void **state)
{
	struct storestage *f = begin(state, 1);
	struct pt_host_record record = { .host = { .name = (char *)(uintptr_t) "host-000" }, .agent = true };
	struct pt_write alive = { "alive/host-000", "{}", 0 };
	const struct pt_txn lives = { .writes = &alive, .n_writes = 1 };

	/* one that no agent has ever published is anybody's to write */
	assert_int_equal(pt_fleet_publish(f->store, &record, &f->err), 1);
	record.agent = false;
	assert_int_equal(pt_fleet_publish(f->store, &record, &f->err), -EPERM);
	assert_non_null(strstr(f->err.msg, "does not run now"));
	assert_int_equal(pt_store_lease(f->store, 100, &alive.lease, &f->err), 0);
	assert_int_equal(pt_store_commit(f->store, &lives, NULL, NULL, &f->err), 1);
	assert_int_equal(pt_fleet_publish(f->store, &record, &f->err), -EPERM);
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", 0, &f->err), -EBUSY);
	assert_non_null(strstr(f->err.msg, "runs"));
	for (unsigned i = 0; i < 120; i++) {
		pt_autofree char *id = pt_strf("c-%020u", i);

		say(f, "host-000", id, PT_ACK_RELEASED);
	}
	say(f, "host-0000", "c-00000000000000000000", PT_ACK_RELEASED);
	assert_int_equal(pt_store_end(f->store, alive.lease, &f->err), 1);
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", 0, &f->err), 1);
	{
		PT_AUTO(pt_records) left = { 0 };

		assert_int_equal(pt_store_list(f->store, "acks/", &left, &f->err), 0);
		assert_int_equal(left.n, 1);
	}
	assert_int_equal(pt_fleet_withdraw(f->store, "host-000", 0, &f->err), 0);
	assert_int_equal(pt_fleet_publish(f->store, &record, &f->err), 1);
}

static void released_and_given_back_it_is_ended_in_passing(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_words) words = { 0 };
	PT_AUTO(pt_claims_list) l = { 0 };
	PT_AUTO(pt_claims_list) after = { 0 };
	struct pt_claim c[3] = { 0 };
	PT_AUTO(pt_claim) gone = { 0 };

	load(f, &fleet);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c[i], &f->err), 1);
		say(f, "host-000", c[i].id, PT_ACK_BOUND);
	}
	/* nobody waits: one is given back, one not yet; the third is nobody's to end */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pt_fleet_release(f->store, c[i].id, &gone, &f->err), PT_RELEASE_MARKED);
		pt_claim_done(&gone);
	}
	say(f, "host-000", c[0].id, PT_ACK_RELEASED);
	say(f, "host-000", c[2].id, PT_ACK_RELEASED);
	assert_int_equal(pt_fleet_words(f->store, &words, &f->err), 0);
	assert_int_equal(words.n, 3);
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(pt_fleet_sweep(f->store, &l, &words), 1);
	assert_int_equal(l.n, 2);
	assert_int_equal(pt_fleet_claims(f->store, &after, &f->err), 0);
	assert_int_equal(after.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_not_equal(after.v[i].id, c[0].id);
	for (unsigned i = 0; i < 3; i++)
		pt_claim_done(&c[i]);
}

static void what_is_left_of_a_claim_that_is_gone_is_shown_and_can_be_forgotten(void **state)
{
	static const char orphan[] = "c-00000000000000000001";
	static const char held[] = "c-00000000000000000002";
	struct storestage *f = begin(state, 2);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_words) words = { 0 };
	PT_AUTO(pt_claims_list) l = { 0 };
	PT_AUTO(pt_leftovers) left = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	say(f, "host-000", orphan, PT_ACK_ORPHAN);
	say(f, "host-000", "c-00000000000000000003", PT_ACK_RELEASED);
	put(f, "held/host-001", "{\"0000:01:00.0\": \"c-00000000000000000002\"}");
	load(f, &fleet);
	assert_int_equal(claiming_claim(&fleet, "gpu:3", "vm1", &c, &f->err), 1);
	say(f, c.host, c.id, PT_ACK_ATTACHED);
	/* the claim was placed elsewhere: what the host before it says is left over */
	say(f, pt_streq(c.host, "host-000") ? "host-001" : "host-000", c.id, PT_ACK_ORPHAN);
	assert_int_equal(pt_fleet_words(f->store, &words, &f->err), 0);
	assert_int_equal(pt_fleet_claims(f->store, &l, &f->err), 0);
	assert_int_equal(pt_fleet_leftovers(f->store, &l, &words, NULL, 0, &left, &f->err), 0);
	assert_int_equal(left.n, 3);
	for (size_t i = 0; i < left.n; i++) {
		assert_int_equal(left.v[i].said, strcmp(left.v[i].id, held) != 0);
		assert_int_equal(left.v[i].holds.n, strcmp(left.v[i].id, held) == 0);
	}
	pt_leftovers_done(&left);
	assert_int_equal(pt_fleet_forget(f->store, orphan, &f->err), 1);
	assert_int_equal(pt_fleet_forget(f->store, held, &f->err), 1);
	assert_int_equal(pt_fleet_forget(f->store, held, &f->err), 0);
	assert_int_equal(pt_fleet_forget(f->store, c.id, &f->err), 1);
	/* now there is but the claim, with its own host's word */
	assert_int_equal(pt_fleet_forget(f->store, c.id, &f->err), -EBUSY);
	pt_words_done(&words);
	assert_int_equal(pt_fleet_words(f->store, &words, &f->err), 0);
	assert_non_null(pt_words_find(&words, c.host, c.id));
	assert_int_equal(pt_fleet_leftovers(f->store, &l, &words, NULL, 0, &left, &f->err), 0);
	assert_int_equal(left.n, 0);
	claiming_check(f->store, &f->pci);
}

/* nobody ended it, and it counts until somebody would be refused for it */
static void a_limit_does_not_count_what_was_given_back(void **state)
{
	struct storestage *f = begin(state, 1);
	PT_AUTO(pt_fleet) fleet = { 0 };

	assert_int_equal(pt_quota_set(f->store, "red", "gpu", 1, &f->err), 0);
	load(f, &fleet);
	for (unsigned i = 0; i < 2; i++) {
		PT_AUTO(pt_request) request = { .alias = pt_strdup("gpu:1") };
		PT_AUTO(pt_fleet_answers) answers = { 0 };
		PT_AUTO(pt_claim) c = { 0 };
		PT_AUTO(pt_claim) gone = { 0 };
		char id[PT_CLAIM_ID_LENGTH + 1];
		struct pt_claim_ask ask = { .id = id, .holder = "vm", .project = "red", .request = &request };

		assert_int_equal(pt_claim_id_make(id, &f->err), 0);
		assert_int_equal(pt_fleet_claim(&fleet, &ask, &c, &answers, &f->err), 1);
		say(f, "host-000", id, PT_ACK_BOUND);
		assert_int_equal(pt_fleet_release(f->store, id, &gone, &f->err), PT_RELEASE_MARKED);
		say(f, "host-000", id, PT_ACK_RELEASED);
	}
}

#define BOTH(test)                                                                                                     \
	{ #test ", SQLite", test, storestage_sqlite, storestage_end, NULL },                                           \
	{                                                                                                              \
#test ", etcd", test, storestage_on_etcd, storestage_end, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest all[] = {
		BOTH(two_with_the_same_view_get_different_devices),
		BOTH(many_at_once_lose_nothing),
		BOTH(an_unknown_claim_that_was_written_is_found),
		BOTH(an_unknown_claim_that_was_not_written_never_will_be),
		BOTH(when_nobody_answers_the_id_is_told),
		BOTH(once_it_was_sent_every_failure_names_the_id),
		BOTH(an_unknown_release_is_asked_again),
		BOTH(only_the_claim_that_was_seen_is_released),
		BOTH(an_unknown_mark_of_the_claim_that_was_seen_is_found),
		BOTH(only_the_record_that_was_seen_is_withdrawn),
		BOTH(a_record_that_is_not_understood_takes_out_its_host_alone),
		BOTH(a_network_is_claimed_where_the_host_has_it),
		BOTH(what_was_released_before_it_was_there_never_is),
		BOTH(facts_that_changed_since_are_looked_at_again),
		BOTH(facts_do_not_heal_what_is_held),
		BOTH(a_host_whose_agent_runs_is_neither_withdrawn_nor_published_by_hand),
		BOTH(released_and_given_back_it_is_ended_in_passing),
		BOTH(what_is_left_of_a_claim_that_is_gone_is_shown_and_can_be_forgotten),
		BOTH(a_limit_does_not_count_what_was_given_back),
	};
	int failed = cmocka_run_group_tests(all, storestage_start_etcd, storestage_stop_etcd);

	/* half of it was not run: said by name */
	return failed || etcd_installed() ? failed : 77;
}
