/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search against an enumeration that is slow and plainly right: a hundred thousand small hosts, made at random.
 * What fits must be the same, an answer must obey every rule, and with preferred no assignment has fewer remote
 * devices. PT_RANDOM_HOSTS and PT_RANDOM_SEED change the number and the start.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/place.h"
#include "shape/value.h"

static uint32_t next(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static const char *const configs[] = {
	"[{}]",
	"[{\"product_id\": \"0001\"}, {\"product_id\": \"0002\", \"net\": \"a\"}]",
	"[{\"address\": \"*:*:00.*\"}, {\"vendor_id\": \"8086\", \"net\": \"b\"}]",
	("[{\"address\": \"0000:01:00.0\", \"net\": \"a\"}, {\"product_id\": \"0003\", \"remote_managed\": \"true\"}, "
	 "{}]"),
};

#define CONFIGS (sizeof(configs) / sizeof(*configs))

static const char *const wants[] = {
	"{}",
	"{\"product_id\": \"0001\"}",
	"{\"product_id\": \"0002\"}",
	"{\"dev_type\": \"type-PF\"}",
	"{\"dev_type\": \"type-VF\"}",
	"{\"dev_type\": \"type-PCI\"}",
	"{\"dev_type\": \"vdpa\"}",
	"{\"net\": \"a\"}",
	"{\"net\": \"B\", \"dev_type\": \"type-VF\"}",
	"{\"remote_managed\": \"true\"}",
	"{\"product_id\": \"0001\", \"dev_type\": \"type-PF\"}",
	"{\"product_id\": \"0001\", \"dev_type\": \"type-VF\"}",
};

#define WANTS (sizeof(wants) / sizeof(*wants))

static void make_rules(const char *text, struct pt_rules *rules)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	struct pt_value list;

	assert_int_equal(pt_value_parse(text, &list, NULL), 0);
	for (size_t i = 0; i < list.n; i++)
		pt_conf_entries_take(&config.device_spec, pt_value_copy(&list.items[i]), pt_strf("%zu", i));
	pt_value_done(&list);
	assert_int_equal(pt_rules_compile(&config, rules, NULL, NULL), 0);
}

static void add_device(struct pt_inv_host *h, uint64_t *seed, int bus, int slot, enum pt_dev_type type)
{
	struct pt_inv_device *d = pt_inv_host_add(h);

	d->bdf = (struct pt_bdf){ 0, (uint8_t)bus, (uint8_t)slot, 0 };
	d->vendor = 0x8086;
	d->product = (uint16_t)(1 + next(seed, 3));
	d->type = type;
	d->numa_node = (int)next(seed, 4) - 1;
	if (type == PT_DEV_VF || type == PT_DEV_VDPA) {
		d->has_parent = true;
		d->parent = (struct pt_bdf){ 0, (uint8_t)bus, 0, 0 };
	}
	if (next(seed, 14) == 0)
		d->owner = pt_strdup("vm");
	if (next(seed, 2))
		d->card_serial = pt_strdup("S");
	d->rp_uuid = pt_strf("rp%d", bus);
}

static void make_host(struct pt_inv_host *h, uint64_t *seed)
{
	int families = 2 + (int)next(seed, 2);
	struct pt_bdf twice;

	h->name = pt_strdup("h");
	h->n_cells = 1 + next(seed, 3);
	h->cells = pt_alloc(h->n_cells * sizeof(*h->cells));
	for (size_t i = 0; i < h->n_cells; i++) {
		h->cells[i].id = (int)i;
		h->cells[i].socket = next(seed, 10) ? (int)i / 2 : PT_NOT_GIVEN;
		h->cells[i].cpus = (int)next(seed, 4);
		h->cells[i].memory_mib = next(seed, 4) ? (int64_t)next(seed, 4) : PT_NOT_GIVEN;
	}
	for (int bus = 1; bus <= families; bus++) {
		uint32_t vfs = 1 + next(seed, 3);

		if (next(seed, 5) == 0)
			vfs = 0;
		if (next(seed, 5))
			add_device(h, seed, bus, 0, vfs || next(seed, 2) ? PT_DEV_PF : PT_DEV_PCI);
		for (uint32_t v = 0; v < vfs; v++)
			add_device(h, seed, bus, 1 + (int)v, next(seed, 6) ? PT_DEV_VF : PT_DEV_VDPA);
	}
	assert_int_equal(pt_inv_host_finish(h, &twice), 0);
}

static void make_request(struct pt_request *r, uint64_t *seed, size_t n_cells)
{
	uint32_t asks = 1 + next(seed, next(seed, 2) ? 3 : 2);
	bool all_preferred = next(seed, 3) == 0;

	for (uint32_t i = 0; i < asks; i++) {
		struct pt_ask *a = pt_array_add(&r->asks);

		a->count = 1 + next(seed, 2);
		a->n_specs = 1 + next(seed, 2);
		a->specs = pt_alloc(a->n_specs * sizeof(*a->specs));
		for (size_t s = 0; s < a->n_specs; s++)
			assert_int_equal(pt_value_parse(wants[next(seed, 3) ? next(seed, WANTS) : 3 * next(seed, 2)],
							&a->specs[s], NULL),
					 0);
		a->policy = all_preferred ? PT_NUMA_PREFERRED : (enum pt_numa_policy)next(seed, 5);
		if (next(seed, 3) == 0)
			a->alias = pt_strdup("a");
		for (uint32_t u = 0; next(seed, 8) == 0 && a->rp_uuids.n == 0 && u < a->count; u++)
			for (uint32_t k = 0; k < a->count; k++)
				pt_strv_addf(&a->rp_uuids, "rp%u", 1 + next(seed, 3));
	}
	r->isolate = next(seed, 6) == 0;
	if (next(seed, 3)) {
		struct pt_chosen_cells *c = pt_array_add(&r->cells);

		c->host = pt_strdup("h");
		c->ids = pt_alloc(4 * sizeof(*c->ids));
		for (size_t i = 0; i < n_cells; i++)
			if (next(seed, 2))
				c->ids[c->n++] = (int)i;
	} else if (next(seed, 2)) {
		for (uint32_t g = 1 + next(seed, 2); g > 0; g--)
			pt_array_add(&r->guest_cells)->cpus = (int)next(seed, 3);
	}
}

/* The rules, written down once more, as directly as can be. */
struct enumeration {
	const struct pt_rules *rules;
	const struct pt_inv_host *h;
	const struct pt_request *r;
	const struct pt_bound *bound;
	int ids[8];
	size_t n_ids;
	int of[16]; /* of each device: the ask it serves, or -1 */
	uint32_t left[4];
	int best; /* remote devices, -1 when nothing fits */
	bool may[16][4];
};

static bool text_is(const struct pt_value *want, const char *have)
{
	return have && want->text && pt_text_same_nocase(want->text, have);
}

static bool spec_allows(const struct pt_spec *s, const struct pt_inv_device *d, const struct pt_value *want)
{
	static const char *const types[] = { "type-PCI", "type-PF", "type-VF", "vdpa" };
	pt_autofree char *product = pt_strf("%04x", d->product);
	const struct pt_value *net = pt_value_get(&s->tags, "net");
	const struct pt_value *v;

	v = pt_value_get(want, "product_id");
	if (v && !text_is(v, product))
		return false;
	v = pt_value_get(want, "dev_type");
	if (v && !text_is(v, types[d->type]))
		return false;
	v = pt_value_get(want, "net");
	if (v && !text_is(v, net ? net->text : NULL))
		return false;
	v = pt_value_get(want, "remote_managed");
	return !v || s->remote_managed;
}

static bool asks_for(const struct pt_ask *a, const char *key, const char *value)
{
	for (size_t i = 0; i < a->n_specs; i++)
		if (pt_value_get(&a->specs[i], key) && text_is(pt_value_get(&a->specs[i], key), value))
			return true;
	return false;
}

static bool on_guest(const struct enumeration *e, int node)
{
	for (size_t i = 0; i < e->n_ids; i++)
		if (e->ids[i] == node)
			return true;
	return false;
}

static bool numa_allows(const struct enumeration *e, enum pt_numa_policy policy, int node)
{
	bool known = node >= 0;

	if (!e->n_ids || policy == PT_NUMA_PREFERRED || on_guest(e, node))
		return true;
	if (policy == PT_NUMA_UNSET || policy == PT_NUMA_LEGACY)
		return !known;
	if (policy == PT_NUMA_REQUIRED || !known || node >= (int)e->h->n_cells)
		return false;
	for (size_t i = 0; i < e->h->n_cells; i++)
		if (e->h->cells[i].socket < 0)
			return false;
	for (size_t i = 0; i < e->n_ids; i++)
		if (e->h->cells[e->ids[i]].socket == e->h->cells[node].socket)
			return true;
	return false;
}

static bool allows(const struct enumeration *e, size_t i, const struct pt_ask *a)
{
	const struct pt_inv_device *d = &e->h->v[i];
	const struct pt_spec *s = NULL;
	size_t at;

	for (size_t k = 0; k < e->rules->specs.n && !s; k++)
		if (pt_spec_match(&e->rules->specs.v[k], &e->bound[k], d, NULL) == 1)
			s = &e->rules->specs.v[k];
	if (!s || d->owner)
		return false;
	for (at = 0; at < a->n_specs && !spec_allows(s, d, &a->specs[at]); at++)
		;
	if (at == a->n_specs || (d->type == PT_DEV_PF && !asks_for(a, "dev_type", "type-PF")) ||
	    (d->type == PT_DEV_VDPA && !asks_for(a, "dev_type", "vdpa")) ||
	    (s->remote_managed && !asks_for(a, "remote_managed", "true")))
		return false;
	if (a->alias && a->rp_uuids.n && !pt_strv_has(&a->rp_uuids, d->rp_uuid))
		return false;
	for (size_t o = 0; o < e->h->n; o++)
		if (o != i && e->h->v[o].owner && e->h->v[o].bdf.bus == d->bdf.bus &&
		    (e->h->v[o].type == PT_DEV_PF) != (d->type == PT_DEV_PF) &&
		    (e->h->v[o].has_parent || d->has_parent))
			return false;
	return numa_allows(e, a->policy, d->numa_node);
}

/* of a complete assignment: PF or VFs, isolate, providers; and how many are remote */
static bool holds(const struct enumeration *e, int *ret_remote)
{
	int remote = 0;

	for (size_t i = 0; i < e->h->n; i++) {
		if (e->of[i] < 0)
			continue;
		remote += e->n_ids && e->h->v[i].numa_node >= 0 && !on_guest(e, e->h->v[i].numa_node) &&
			  e->r->asks.v[e->of[i]].policy == PT_NUMA_PREFERRED;
		for (size_t j = 0; j < i; j++) {
			bool same = e->h->v[i].bdf.bus == e->h->v[j].bdf.bus;

			if (e->of[j] >= 0 && same &&
			    (e->r->isolate || (e->h->v[i].type == PT_DEV_PF) != (e->h->v[j].type == PT_DEV_PF)))
				return false;
		}
	}
	for (size_t k = 0; k < e->r->asks.n; k++) {
		const struct pt_ask *a = &e->r->asks.v[k];

		for (size_t u = 0; a->alias && u < a->rp_uuids.n; u++) {
			int want = 0;
			int got = 0;

			for (size_t w = 0; w < a->rp_uuids.n; w++)
				want += strcmp(a->rp_uuids.v[w], a->rp_uuids.v[u]) == 0;
			for (size_t i = 0; i < e->h->n; i++)
				got += e->of[i] == (int)k && strcmp(e->h->v[i].rp_uuid, a->rp_uuids.v[u]) == 0;
			if (want != got)
				return false;
		}
	}
	*ret_remote = remote;
	return true;
}

static void enumerate(struct enumeration *e, size_t i)
{
	if (i == e->h->n) {
		int remote;

		for (size_t k = 0; k < e->r->asks.n; k++)
			if (e->left[k])
				return;
		if (holds(e, &remote) && (e->best < 0 || remote < e->best))
			e->best = remote;
		return;
	}
	e->of[i] = -1;
	enumerate(e, i + 1);
	for (size_t k = 0; k < e->r->asks.n; k++) {
		if (!e->left[k] || !e->may[i][k])
			continue;
		e->left[k]--;
		e->of[i] = (int)k;
		enumerate(e, i + 1);
		e->left[k]++;
	}
	e->of[i] = -1;
}

static void enumerate_on(struct enumeration *e)
{
	for (size_t k = 0; k < e->r->asks.n; k++) {
		e->left[k] = e->r->asks.v[k].count;
		for (size_t i = 0; i < e->h->n; i++)
			e->may[i][k] = allows(e, i, &e->r->asks.v[k]);
	}
	enumerate(e, 0);
}

static bool cell_holds(const struct pt_inv_cell *c, const struct pt_guest_cell *g)
{
	return (c->cpus < 0 || c->cpus >= g->cpus) && (c->memory_mib < 0 || c->memory_mib >= g->memory_mib);
}

/* every seating of one or two guest cells */
static void enumerate_cells(struct enumeration *e)
{
	const struct pt_guest_cell *g = e->r->guest_cells.v;

	e->n_ids = e->r->guest_cells.n;
	for (int a = 0; a < (int)e->h->n_cells; a++) {
		e->ids[0] = a;
		if (!cell_holds(&e->h->cells[a], &g[0]))
			continue;
		if (e->n_ids == 1)
			enumerate_on(e);
		for (int b = 0; e->n_ids == 2 && b < (int)e->h->n_cells; b++) {
			e->ids[1] = b;
			if (b != a && cell_holds(&e->h->cells[b], &g[1]))
				enumerate_on(e);
		}
	}
}

static void one_host(const struct pt_rules *rules, uint64_t start, size_t tally[2])
{
	PT_AUTO(pt_inv_host) h = { 0 };
	PT_AUTO(pt_request) r = { .isolate = false };
	PT_AUTO(pt_host_answer) answer = { 0 };
	pt_autofree struct pt_bound *bound = NULL;
	struct enumeration e = { .rules = rules, .h = &h, .r = &r, .best = -1 };
	struct pt_error err = { 0 };
	uint64_t seed = start * 0x9e3779b97f4a7c15u;

	make_host(&h, &seed);
	make_request(&r, &seed, h.n_cells);
	assert_int_equal(pt_request_check(&r, &err), 0);
	assert_int_equal(pt_specs_bind(&rules->specs, &h, &bound, &err), 0);
	e.bound = bound;
	pt_place_host(rules, &r, &h, (struct pt_place_options){ .spread = seed >> 40 & 1 }, &answer);
	if (r.guest_cells.n) {
		enumerate_cells(&e);
	} else {
		if (r.cells.n) {
			e.n_ids = r.cells.v[0].n;
			memcpy(e.ids, r.cells.v[0].ids, e.n_ids * sizeof(int));
		}
		enumerate_on(&e);
	}
	tally[answer.fits]++;
	if (answer.bounded || answer.fits != (e.best >= 0) || (answer.fits && (int)answer.remote != e.best))
		fail_msg("seed %llu: found %d with %u remote, there is %d", (unsigned long long)start, answer.fits,
			 answer.remote, e.best);
	if (answer.fits && pt_place_verify(rules, &r, &h, &answer, &err) < 0)
		fail_msg("seed %llu: %s", (unsigned long long)start, err.msg);
	if (!answer.fits && (!answer.stage || !answer.message))
		fail_msg("seed %llu: a no without a reason", (unsigned long long)start);
}

static void the_search_finds_what_an_enumeration_finds(void **state)
{
	const char *count = getenv("PT_RANDOM_HOSTS");
	const char *first = getenv("PT_RANDOM_SEED");
	uint64_t n = count ? strtoull(count, NULL, 10) : 100000;
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
	struct pt_rules rules[CONFIGS] = { 0 };
	size_t tally[2] = { 0, 0 };

	for (size_t i = 0; i < CONFIGS; i++)
		make_rules(configs[i], &rules[i]);
	for (uint64_t i = 0; i < n; i++)
		one_host(&rules[(seed + i) % CONFIGS], seed + i, tally);
	for (size_t i = 0; i < CONFIGS; i++)
		pt_rules_done(&rules[i]);
	print_message("%zu hosts fit, %zu do not\n", tally[1], tally[0]);
	/* a generator that only ever says no, or only yes, would prove nothing */
	assert_true(tally[0] > n / 10 && tally[1] > n / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_finds_what_an_enumeration_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
