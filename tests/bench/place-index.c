/* SPDX-License-Identifier: Apache-2.0 */
/* place-index HOSTS: how long a fleet's index takes to build, to ask and to change; one JSON object.  See bench-place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/index.h"
#include "decide/place.h"
#include "shape/value.h"

#define ROUNDS 15

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void entry(struct pt_conf_entries *l, const char *json)
{
	struct pt_value v;

	if (pt_value_parse(json, &v, NULL) < 0)
		exit(1);
	pt_conf_entries_take(l, v, pt_strdup("bench"));
}

static void make_rules(struct pt_rules *rules)
{
	struct pt_pci_config c = { 0 };

	entry(&c.device_spec, "{\"vendor_id\": \"10de\", \"product_id\": \"2330\"}");
	entry(&c.device_spec, "{\"vendor_id\": \"8086\", \"product_id\": \"154c\"}");
	entry(&c.alias, "{\"name\": \"a1\", \"vendor_id\": \"10de\", \"product_id\": \"2330\"}");
	entry(&c.alias,
	      "{\"name\": \"a2\", \"vendor_id\": \"8086\", \"product_id\": \"154c\", \"device_type\": \"type-VF\"}");
	if (pt_rules_compile(&c, rules, NULL, NULL) < 0)
		exit(1);
	pt_pci_config_done(&c);
}

/* 2 NUMA nodes, 8 GPUs, 2 NICs with 64 VFs each: 138 functions; host @i has i mod 9 of its GPUs in use */
static void make_host(struct pt_inv_host *h, unsigned i)
{
	struct pt_bdf twice;

	h->name = pt_strf("host%u", i);
	h->n_cells = 2;
	h->cells = pt_alloc(2 * sizeof(*h->cells));
	for (int c = 0; c < 2; c++)
		h->cells[c] = (struct pt_inv_cell){ c, c, 32, 131072 };
	for (unsigned g = 0; g < 8; g++) {
		struct pt_inv_device *d = pt_inv_host_add(h);

		d->bdf = (struct pt_bdf){ 0, (uint8_t)(0x10 + g), 0, 0 };
		d->vendor = 0x10de;
		d->product = 0x2330;
		d->numa_node = g / 4;
		d->owner = g < i % 9 ? pt_strdup("vm") : NULL;
	}
	for (unsigned n = 0; n < 130; n++) {
		struct pt_inv_device *d = pt_inv_host_add(h);
		unsigned bus = 0x80 + 0x20 * (n / 65);
		unsigned vf = n % 65;

		d->vendor = 0x8086;
		d->product = vf ? 0x154c : 0x1572;
		d->type = vf ? PT_DEV_VF : PT_DEV_PF;
		d->bdf = (struct pt_bdf){ 0, (uint8_t)(bus + (vf ? 1 : 0)), (uint8_t)((vf ? vf - 1 : 0) / 8),
					  (uint8_t)((vf ? vf - 1 : 0) % 8) };
		d->has_parent = vf != 0;
		d->parent = (struct pt_bdf){ 0, (uint8_t)bus, 0, 0 };
		d->numa_node = n / 65;
	}
	(void)pt_inv_host_finish(h, &twice);
}

static double scan(const struct pt_index *x, const struct pt_rules *rules, const char *alias,
		   enum pt_numa_policy policy, int64_t *ret_fit)
{
	pt_autofree uint8_t *verdict = pt_alloc(x->hosts.n);
	pt_autofree uint64_t *cells = pt_alloc(x->hosts.n * sizeof(*cells));
	PT_AUTO(pt_request) r = { .alias = pt_strdup(alias), .policy = policy };
	double took[ROUNDS];
	int cell = 0;

	if (pt_pci_alias_expand(&rules->aliases, &r, NULL) < 0)
		exit(1);
	for (uint32_t i = 0; i < x->hosts.n; i++)
		cells[i] = pt_index_cells(x, i, &cell, 1);
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_us();

		*ret_fit = pt_index_scan(x, &r, cells, verdict);
		took[i] = now_us() - start;
	}
	qsort(took, ROUNDS, sizeof(*took), by_value);
	return took[ROUNDS / 2];
}

static double change(struct pt_index *x)
{
	uint32_t n = 100000;
	double start = now_us();

	for (uint32_t i = 0; i < n; i++) {
		struct pt_bdf vf = { 0, 0x81, (uint8_t)(i / 8 % 8), (uint8_t)(i % 8) };
		uint32_t host = (uint32_t)((uint64_t)i * 7919 % x->hosts.n);

		if (pt_index_claim(x, host, vf) < 0 || pt_index_release(x, host, vf) < 0)
			exit(1);
	}
	return (now_us() - start) / n / 2;
}

static double report(struct pt_index *x)
{
	double took = 0;

	for (unsigned i = 0; i < 1000; i++) {
		PT_AUTO(pt_inv_host) h = { 0 };
		double start;

		make_host(&h, i);
		start = now_us();
		if (pt_index_replace(x, (uint32_t)(i % x->hosts.n), &h, NULL) < 0)
			exit(1);
		took += now_us() - start;
	}
	return took / 1000;
}

int main(int argc, char **argv)
{
	static const char *const asks[] = { "a1:1", "a1:2", "a1:8", "a1:2,a2:1" };
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
	struct pt_rules rules = { 0 };
	struct rusage usage;
	struct pt_index x;
	double start = now_us();

	make_rules(&rules);
	pt_index_init(&x, &rules);
	for (unsigned i = 0; i < n; i++) {
		PT_AUTO(pt_inv_host) h = { 0 };

		make_host(&h, i);
		if (pt_index_add(&x, &h, NULL) < 0)
			return 1;
	}
	(void)printf("{\"hosts\": %u, \"build_us\": %.0f, \"scans\": [", n, now_us() - start);
	for (size_t a = 0; a < sizeof(asks) / sizeof(*asks); a++) {
		for (int policy = PT_NUMA_REQUIRED; policy <= PT_NUMA_SOCKET; policy++) {
			int64_t fit = 0;
			double took = scan(&x, &rules, asks[a], (enum pt_numa_policy)policy, &fit);

			(void)printf("%s{\"ask\": \"%s\", \"policy\": \"%s\", \"us\": %.1f, \"fit\": %lld}",
				     a || policy > 1 ? ", " : "", asks[a],
				     pt_numa_policy_str((enum pt_numa_policy)policy), took, (long long)fit);
		}
	}
	(void)printf("], \"claim_us\": %.3f, \"report_us\": %.2f", change(&x), report(&x));
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf(", \"rss_mib\": %ld}\n", usage.ru_maxrss / 1024);
	pt_index_done(&x);
	pt_rules_done(&rules);
	return 0;
}
