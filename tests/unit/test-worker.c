/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that goes round, with hands that hang: it says so, and others are told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "agent/keeper.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "fleet/agent.h"
#include "fleet/devices.h"
#include "fleet/fleet.h"
#include "shape/claim.h"
#include "storestage.h"

#define PATIENCE_MS 10000

struct host {
	struct storestage *s;
	struct pt_agent agent;
	struct pt_agent_hands hands;
	struct pt_worker_config config;
	struct pt_keeper_config keeping;
	struct pt_worker *worker;
	struct pt_keeper *keeper;
	atomic_bool libvirt_hangs;
	atomic_bool host_hangs;
	atomic_uint looks;
};

static void sleep_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

static int facts(void *ctx, struct pt_inv_host *ret, struct pt_error *err)
{
	struct host *h = ctx;
	struct pt_inv_host host = { 0 };
	struct pt_inv_device *d = pt_inv_host_add(&host);
	struct pt_bdf twice;

	(void)err;
	(void)atomic_fetch_add(&h->looks, 1);
	while (atomic_load(&h->host_hangs))
		sleep_ms(20);
	d->bdf.bus = 0x41;
	d->vendor = 0x10de;
	d->product = 0x2330;
	assert_int_equal(pt_inv_host_finish(&host, &twice), 0);
	*ret = host;
	return 0;
}

static int vms(void *ctx, struct pt_domains *ret, struct pt_error *err)
{
	struct host *h = ctx;

	*ret = (struct pt_domains){ 0 };
	return atomic_load(&h->libvirt_hangs) ? pt_say(err, -ETIMEDOUT, "libvirt does not answer") : 0;
}

static int nothing_to_recover(void *ctx, struct pt_error *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static void ignore_status(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static void ignore_trouble(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
}

static void heard(void *ctx)
{
	struct host *h = ctx;

	pt_worker_wake(h->worker, PT_AGENT_CLAIMS);
}

static char *deaf(void *ctx)
{
	struct host *h = ctx;

	return pt_worker_trouble(h->worker);
}

static struct host *begin(void **state)
{
	struct host *h = pt_alloc(sizeof(*h));

	h->s = storestage_begin(state);
	h->hands = (struct pt_agent_hands){ .ctx = h, .facts = facts, .vms = vms, .recover = nothing_to_recover };
	h->agent = (struct pt_agent){ .host = "h1", .config = &h->s->pci, .hands = &h->hands };
	h->config = (struct pt_worker_config){ &h->agent, &h->s->config, 1, 1, h, ignore_status };
	h->keeping = (struct pt_keeper_config){ .host = "h1",
						.store = &h->s->config,
						.alive = { .since = 1 },
						.lease_s = 3,
						.ctx = h,
						.heard = heard,
						.trouble = ignore_trouble,
						.deaf = deaf };
	assert_int_equal(pt_worker_start(&h->config, &h->worker, &h->s->err), 0);
	assert_int_equal(pt_keeper_start(&h->keeping, &h->keeper, &h->s->err), 0);
	return h;
}

static void end(struct host *h)
{
	pt_worker_stop(h->worker);
	pt_keeper_stop(h->keeper);
	pt_worker_free(h->worker);
	pt_agent_done(&h->agent);
	free(h);
}

/* what others see of it: 1 it gives, 0 it does not */
static int gives(struct host *h)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_slots) slots = { 0 };
	const struct pt_fleet_host *host;

	assert_int_equal(pt_fleet_load(h->s->store, &h->s->pci, &fleet, &h->s->err), 0);
	host = pt_fleet_find_host(&fleet, "h1");
	if (!host)
		return 0;
	pt_fleet_slots(&fleet, host, &slots);
	return slots.n == 1 && slots.v[0].state == PT_SLOT_FREE;
}

static void await(struct host *h, int wanted)
{
	for (unsigned i = 0; i < PATIENCE_MS / 50 && gives(h) != wanted; i++)
		sleep_ms(50);
	assert_int_equal(gives(h), wanted);
}

static void says(struct host *h, const char *text)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_alive) alive = { 0 };

	assert_int_equal(pt_fleet_alive(h->s->store, "h1", &alive, &h->s->err), 1);
	assert_non_null(alive.deaf);
	if (!strstr(alive.deaf, text))
		fail_msg("%s", alive.deaf);
	assert_int_equal(pt_fleet_load(h->s->store, &h->s->pci, &fleet, &h->s->err), 0);
	assert_int_equal(claiming_claim(&fleet, "gpu:1", "vm1", &c, &h->s->err), 0);
}

static void a_host_whose_libvirt_hangs_is_given_nothing(void **state)
{
	struct host *h = begin(state);

	await(h, 1);
	atomic_store(&h->libvirt_hangs, true);
	await(h, 0);
	says(h, "libvirt cannot be asked there");
	atomic_store(&h->libvirt_hangs, false);
	await(h, 1);
	end(h);
}

static void a_host_whose_agent_hangs_is_given_nothing(void **state)
{
	struct host *h = begin(state);

	await(h, 1);
	atomic_store(&h->host_hangs, true);
	await(h, 0);
	assert_true(pt_worker_silent_ms(h->worker) >= 1000);
	says(h, "its agent hangs");
	atomic_store(&h->host_hangs, false);
	end(h);
}

/* it sleeps most of the time: that is no silence */
static void an_agent_that_has_nothing_to_do_is_not_deaf(void **state)
{
	struct host *h = begin(state);
	unsigned before;

	await(h, 1);
	before = atomic_load(&h->looks);
	sleep_ms(1500);
	assert_true(atomic_load(&h->looks) - before <= 3);
	assert_null(pt_worker_trouble(h->worker));
	assert_int_equal(gives(h), 1);
	end(h);
}

static void a_lease_that_was_lost_is_taken_anew(void **state)
{
	struct host *h = begin(state);
	const struct pt_write gone = { "alive/h1", NULL, 0 };
	const struct pt_txn txn = { NULL, 0, &gone, 1 };

	await(h, 1);
	assert_int_equal(pt_store_commit(h->s->store, &txn, NULL, NULL, &h->s->err), 1);
	assert_int_equal(gives(h), 0);
	await(h, 1);
	pt_keeper_stop(pt_take_ptr(h->keeper));
	/* its end is heard of at once: nothing more is given there */
	assert_int_equal(pt_fleet_alive(h->s->store, "h1", NULL, &h->s->err), 0);
	assert_int_equal(gives(h), 0);
	end(h);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, storestage_sqlite, storestage_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(a_host_whose_libvirt_hangs_is_given_nothing),
		ONE(a_host_whose_agent_hangs_is_given_nothing),
		ONE(an_agent_that_has_nothing_to_do_is_not_deaf),
		ONE(a_lease_that_was_lost_is_taken_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
