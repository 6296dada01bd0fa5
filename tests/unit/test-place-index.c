/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/index.h"
#include "decide/place.h"
#include "shape/value.h"

#define HOSTS 400

static uint32_t next(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static void make_rules(struct pt_rules *rules)
{
	struct pt_pci_config config = { 0 };
	struct pt_value spec;

	assert_int_equal(pt_value_parse("{\"vendor_id\": \"8086\"}", &spec, NULL), 0);
	pt_conf_entries_take(&config.device_spec, spec, pt_strdup("1"));
	assert_int_equal(pt_rules_compile(&config, rules, NULL, NULL), 0);
	pt_pci_config_done(&config);
}

static void add(struct pt_inv_host *h, uint64_t *seed, int bus, int slot, enum pt_dev_type type)
{
	struct pt_inv_device *d = pt_inv_host_add(h);

	d->bdf = (struct pt_bdf){ 0, (uint8_t)bus, (uint8_t)slot, 0 };
	d->vendor = next(seed, 9) ? 0x8086 : 0x10de;
	d->product = (uint16_t)(1 + next(seed, 2));
	d->type = type;
	d->numa_node = (int)next(seed, 4) - 1;
	d->has_parent = type == PT_DEV_VF;
	d->parent = (struct pt_bdf){ 0, (uint8_t)bus, 0, 0 };
}

static void make_host(struct pt_inv_host *h, uint64_t *seed)
{
	struct pt_bdf twice;

	h->name = pt_strdup("h");
	h->n_cells = 3;
	h->cells = pt_alloc(3 * sizeof(*h->cells));
	for (int i = 0; i < 3; i++)
		h->cells[i] = (struct pt_inv_cell){ i, next(seed, 9) ? i / 2 : PT_NOT_GIVEN, 1, 1 };
	for (int bus = 1; bus <= 3; bus++) {
		if (next(seed, 4))
			add(h, seed, bus, 0, bus == 3 ? PT_DEV_PCI : PT_DEV_PF);
		for (int slot = 1; bus < 3 && slot <= (int)next(seed, 4); slot++)
			add(h, seed, bus, slot, PT_DEV_VF);
	}
	assert_int_equal(pt_inv_host_finish(h, &twice), 0);
}

static void make_request(struct pt_request *r, uint64_t *seed)
{
	static const char *const wants[] = { "{}", "{\"product_id\": \"0001\"}", "{\"dev_type\": \"type-PF\"}",
					     "{\"dev_type\": \"type-VF\"}" };

	for (uint32_t n = 1 + next(seed, 3); n > 0; n--) {
		struct pt_ask *a = pt_array_add(&r->asks);

		a->count = 1 + next(seed, 2);
		a->policy = (enum pt_numa_policy)next(seed, 5);
		a->specs = pt_alloc(sizeof(*a->specs));
		a->n_specs = 1;
		assert_int_equal(pt_value_parse(wants[next(seed, 4)], a->specs, NULL), 0);
	}
	r->isolate = next(seed, 7) == 0;
}

/* a fleet as facts, and as the index of it */
struct fleet {
	struct pt_rules rules;
	struct pt_index index;
	struct pt_inv_host hosts[HOSTS];
	uint64_t seed;
};

static int begin(void **state)
{
	struct fleet *f = pt_alloc(sizeof(*f));

	f->seed = 7;
	make_rules(&f->rules);
	pt_index_init(&f->index, &f->rules);
	for (size_t i = 0; i < HOSTS; i++) {
		make_host(&f->hosts[i], &f->seed);
		assert_int_equal(pt_index_add(&f->index, &f->hosts[i], NULL), (int64_t)i);
	}
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fleet *f = *state;

	for (size_t i = 0; i < HOSTS; i++)
		pt_inv_host_done(&f->hosts[i]);
	pt_index_done(&f->index);
	pt_rules_done(&f->rules);
	free(f);
	return 0;
}

/* every host of the index says what placing on the facts says */
static void compare(struct fleet *f)
{
	PT_AUTO(pt_request) r = { .isolate = false };
	uint64_t cells[HOSTS];
	uint8_t verdict[HOSTS];
	int ids[3];
	size_t n = 0;

	make_request(&r, &f->seed);
	for (int i = 0; i < 3; i++)
		if (next(&f->seed, 2))
			ids[n++] = i;
	for (uint32_t i = 0; i < HOSTS; i++)
		cells[i] = pt_index_cells(&f->index, i, ids, n);
	if (n) {
		struct pt_chosen_cells *c = pt_array_add(&r.cells);

		c->host = pt_strdup("h");
		c->ids = pt_alloc(sizeof(ids));
		memcpy(c->ids, ids, sizeof(ids));
		c->n = n;
	}
	assert_true(pt_index_scan(&f->index, &r, cells, verdict) >= 0);
	for (size_t i = 0; i < HOSTS; i++) {
		PT_AUTO(pt_host_answer) a = { 0 };

		pt_place_host(&f->rules, &r, &f->hosts[i], (struct pt_place_options){ 0 }, &a);
		assert_int_equal(verdict[i], a.fits);
	}
}

static void the_index_says_what_placing_says(void **state)
{
	for (int i = 0; i < 60; i++)
		compare(*state);
}

/* claims and releases, in the index and in the facts */
static void change(struct fleet *f)
{
	uint32_t host = next(&f->seed, HOSTS);
	struct pt_inv_host *h = &f->hosts[host];
	struct pt_inv_device *d;
	bool busy;
	int r;

	if (!h->n)
		return;
	d = &h->v[next(&f->seed, (uint32_t)h->n)];
	if (d->owner) {
		assert_int_equal(pt_index_release(&f->index, host, d->bdf), 0);
		assert_int_equal(pt_index_release(&f->index, host, d->bdf), -EALREADY);
		pt_strset(&d->owner, NULL);
		return;
	}
	busy = false;
	for (size_t i = 0; i < h->n; i++)
		busy = busy || (h->v[i].owner && h->v[i].bdf.bus == d->bdf.bus &&
				(h->v[i].type == PT_DEV_PF) != (d->type == PT_DEV_PF));
	r = pt_index_claim(&f->index, host, d->bdf);
	assert_int_equal(r, busy ? -EBUSY : 0);
	if (r == 0) {
		pt_strset(&d->owner, "vm");
		assert_int_equal(pt_index_claim(&f->index, host, d->bdf), -EBUSY);
	}
}

static void it_stays_right_through_claims_and_releases(void **state)
{
	for (int i = 0; i < 30; i++) {
		for (int k = 0; k < 300; k++)
			change(*state);
		compare(*state);
	}
}

/* a report of the whole host, of which only owners are new */
static void it_stays_right_through_reports(void **state)
{
	struct fleet *f = *state;

	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 100; k++) {
			uint32_t host = next(&f->seed, HOSTS);
			struct pt_inv_host *h = &f->hosts[host];

			for (size_t d = 0; d < h->n; d++)
				pt_strset(&h->v[d].owner, next(&f->seed, 4) ? NULL : "vm");
			assert_int_equal(pt_index_replace(&f->index, host, h, NULL), 0);
		}
		compare(f);
	}
}

static void it_stays_right_when_hosts_change_their_hardware(void **state)
{
	struct fleet *f = *state;

	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 40; k++) {
			uint32_t host = next(&f->seed, HOSTS);

			pt_inv_host_done(&f->hosts[host]);
			make_host(&f->hosts[host], &f->seed);
			assert_int_equal(pt_index_replace(&f->index, host, &f->hosts[host], NULL), 0);
		}
		compare(f);
	}
}

/* cards, and VFs, come and go for as long as a daemon runs */
static void what_comes_and_goes_costs_no_more_memory(void **state)
{
	struct fleet *f = *state;
	size_t devices = 0;
	size_t pools = 0;

	for (int i = 0; i < 1000; i++) {
		PT_AUTO(pt_inv_host) less = { .name = pt_strdup("h") };

		/* at first as many as ever */
		if (i == 0) {
			for (int k = 0; k < 40; k++)
				add(&f->hosts[0], &f->seed, 0x80 + k, 0, PT_DEV_PCI);
			assert_int_equal(pt_inv_host_finish(&f->hosts[0], &(struct pt_bdf){ 0 }), 0);
		}
		for (size_t k = 0; k < (size_t)i % 5; k++)
			add(&less, &f->seed, 1 + (int)k, 0, PT_DEV_PCI);
		assert_int_equal(pt_inv_host_finish(&less, &(struct pt_bdf){ 0 }), 0);
		assert_int_equal(pt_index_replace(&f->index, 0, &f->hosts[0], NULL), 0);
		if (i == 0) {
			devices = f->index.devices.n;
			pools = f->index.pools.n;
		}
		assert_int_equal(f->index.devices.n, devices);
		assert_int_equal(f->index.pools.n, pools);
		assert_int_equal(pt_index_replace(&f->index, 0, &less, NULL), 0);
	}
	assert_int_equal(pt_index_replace(&f->index, 0, &f->hosts[0], NULL), 0);
	compare(f);
}

static void a_device_that_is_not_there_is_said(void **state)
{
	struct fleet *f = *state;

	assert_int_equal(pt_index_claim(&f->index, 0, (struct pt_bdf){ 0, 0xee, 0, 0 }), -ENODEV);
	assert_int_equal(pt_index_claim(&f->index, 0, (struct pt_bdf){ 0x10000, 1, 0, 0 }), -ENODEV);
	assert_int_equal(pt_index_release(&f->index, HOSTS, (struct pt_bdf){ 0, 1, 0, 0 }), -ENODEV);
}

static void what_it_does_not_hold_it_does_not_answer(void **state)
{
	struct fleet *f = *state;
	PT_AUTO(pt_request) r = { .isolate = false };
	uint8_t verdict[HOSTS];

	make_request(&r, &f->seed);
	pt_array_add(&r.guest_cells)->cpus = 1;
	assert_int_equal(pt_index_scan(&f->index, &r, NULL, verdict), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_index_says_what_placing_says, begin, end),
		cmocka_unit_test_setup_teardown(it_stays_right_through_claims_and_releases, begin, end),
		cmocka_unit_test_setup_teardown(it_stays_right_through_reports, begin, end),
		cmocka_unit_test_setup_teardown(it_stays_right_when_hosts_change_their_hardware, begin, end),
		cmocka_unit_test_setup_teardown(what_comes_and_goes_costs_no_more_memory, begin, end),
		cmocka_unit_test_setup_teardown(a_device_that_is_not_there_is_said, begin, end),
		cmocka_unit_test_setup_teardown(what_it_does_not_hold_it_does_not_answer, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
