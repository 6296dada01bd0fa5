/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up hosts: the same for the same seed, such as the engine of placement takes, and claims on them acknowledged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/simulate.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"
#include "decide/pools.h"
#include "fakesys.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "shape/claim.h"

#define HOSTS 100

static char *text_of(unsigned seed, unsigned index, uint64_t away)
{
	struct pt_host_record record = { 0 };
	char *text;

	pt_simulated_host(seed, index, away, &record.host);
	text = pt_record_text(pt_host_record_json(&record));
	pt_inv_host_done(&record.host);
	return text;
}

static void a_seed_says_what_every_host_has(void **state)
{
	unsigned different = 0;

	(void)state;
	for (unsigned i = 0; i < HOSTS; i++) {
		pt_autofree char *one = text_of(7, i, 0);
		pt_autofree char *same = text_of(7, i, 0);
		pt_autofree char *other = text_of(8, i, 0);

		assert_string_equal(one, same);
		different += strcmp(strchr(one, '['), strchr(other, '[')) != 0;
		assert_true(strlen(one) < PT_STORE_VALUE_MAX / 32);
	}
	assert_true(different > HOSTS / 4);
}

static void every_host_offers_something_by_its_own_device_spec(void **state)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	struct pt_error err = { 0 };
	unsigned vfs = 0;
	unsigned gpus = 0;

	(void)state;
	pt_simulated_spec(&config);
	if (pt_rules_compile(&config, &rules, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	for (unsigned i = 0; i < HOSTS; i++) {
		PT_AUTO(pt_inv_host) host = { 0 };
		PT_AUTO(pt_view) view = { 0 };
		size_t offered = 0;

		pt_simulated_host(1, i, 0, &host);
		assert_true(host.n <= PT_SIMULATED_DEVICES);
		assert_int_equal(host.n, pt_simulated_count(1, i));
		if (pt_view_make(&rules, &host, &view, &err) < 0)
			fail_msg("%s: %s", host.name, err.msg);
		for (size_t k = 0; k < host.n; k++) {
			offered += view.spec[k] >= 0;
			vfs += host.v[k].type == PT_DEV_VF;
			gpus += host.v[k].vendor == 0x10de;
			assert_true(pt_simulated_number(1, i, host.v[k].bdf) >= 0);
		}
		assert_true(offered > 0);
	}
	assert_true(vfs > HOSTS && gpus > HOSTS);
}

static void what_is_away_is_not_there_and_nothing_else(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOSTS; i++) {
		uint64_t moves = pt_simulated_moves(3, i);
		PT_AUTO(pt_inv_host) whole = { 0 };
		PT_AUTO(pt_inv_host) without = { 0 };

		assert_true(moves != 0);
		pt_simulated_host(3, i, 0, &whole);
		pt_simulated_host(3, i, moves & -moves, &without);
		assert_int_equal(without.n, whole.n - 1);
		for (size_t k = 0; k < whole.n; k++) {
			bool there = pt_inv_host_find(&without, whole.v[k].bdf) >= 0;
			bool away = (moves & -moves) >> pt_simulated_number(3, i, whole.v[k].bdf) & 1;

			assert_true(there != away);
		}
	}
}

/* a client beside the simulation, one step each time that it is asked whether it is over */
struct client {
	char dir[64];
	struct pt_store_config config;
	struct pt_store *store;
	struct pt_pci_config pci;
	unsigned step;
	char id[PT_CLAIM_ID_LENGTH + 1];
	long long until;
	bool late;
	struct pt_error err;
};

static bool all_are_there(struct client *c)
{
	PT_AUTO(pt_records) alive = { 0 };

	return pt_store_list(c->store, "alive/sim-5-", &alive, &c->err) == 0 && alive.n == HOSTS;
}

static int claim_it(struct client *c)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) claim = { 0 };

	if (pt_fleet_load(c->store, &c->pci, &fleet, &c->err) < 0 ||
	    claiming_claim(&fleet, "gpu:1", "vm1", &claim, &c->err) != 1)
		return -EIO;
	(void)strcpy(c->id, claim.id);
	return 0;
}

static bool says(struct client *c, enum pt_ack_state state)
{
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };

	return pt_fleet_get(c->store, c->id, &claim, NULL, &c->err) == 1 &&
	       pt_fleet_ack(c->store, claim.host, c->id, &ack, NULL, &c->err) == 1 && ack.state == state;
}

static int release_it(struct client *c)
{
	PT_AUTO(pt_claim) claim = { 0 };

	return pt_fleet_release(c->store, c->id, &claim, &c->err);
}

static int over(void *ctx, unsigned wait_ms)
{
	struct client *c = ctx;

	(void)wait_ms;
	c->late = pt_watch_now_ms() > c->until;
	if (c->late || c->step == 4)
		return 1;
	if (c->step == 0 && all_are_there(c))
		c->step += claim_it(c) == 0;
	else if (c->step == 1 && says(c, PT_ACK_BOUND))
		c->step += release_it(c) == PT_RELEASE_MARKED;
	else if (c->step == 2 && says(c, PT_ACK_RELEASED))
		c->step += release_it(c) == 1;
	else if (c->step == 3)
		c->step++;
	return 0;
}

static void status(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static void claims_are_acknowledged_while_devices_come_and_go(void **state)
{
	struct client c = { .until = pt_watch_now_ms() + 20000 };
	struct pt_simulate s = { .store = &c.config,
				 .hosts = HOSTS,
				 .seed = 5,
				 .events = 200,
				 .lease_s = 5,
				 .ctx = &c,
				 .over = over,
				 .status = status };
	PT_AUTO(pt_records) alive = { 0 };

	(void)state;
	claiming_config(&c.pci);
	(void)strcpy(c.dir, "/tmp/simulate.XXXXXX");
	assert_non_null(mkdtemp(c.dir));
	c.config.directory = pt_strf("%s/state", c.dir);
	if (pt_store_open(&c.config, &c.store, &c.err) < 0)
		fail_msg("%s", c.err.msg);
	if (pt_simulate_run(&s, &c.err) < 0)
		fail_msg("%s", c.err.msg);
	if (c.late)
		fail_msg("step %u was not reached: %s", c.step + 1, c.err.msg);
	claiming_check(c.store, &c.pci);
	/* its leases ended with it */
	assert_int_equal(pt_store_list(c.store, "alive/", &alive, &c.err), 0);
	assert_int_equal(alive.n, 0);
	pt_store_close(c.store);
	pt_pci_config_done(&c.pci);
	pt_store_config_done(&c.config);
	fakesys_rmtree(c.dir);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(a_seed_says_what_every_host_has),
		cmocka_unit_test(every_host_offers_something_by_its_own_device_spec),
		cmocka_unit_test(what_is_away_is_not_there_and_nothing_else),
		cmocka_unit_test(claims_are_acknowledged_while_devices_come_and_go),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
