/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large fleet on one machine: how long a client takes to read it, to decide by the index and by asking every host (in
 * turn), to claim; and what its records weigh.  fleet-size DIR HOSTS DEVICES
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "fleet/choose.h"
#include "fleet/fleet.h"

#define ROUNDS 9
#define CLAIMS 200

static struct pt_error err;

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int broken(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, err.msg);
	return 1;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a - *(const double *)b;

	return x < 0 ? -1 : x > 0;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_size);
	return v[ROUNDS / 2];
}

/* every host, as `fleet why` asks them */
static int ask_all(struct pt_fleet *f, const struct pt_claim_ask *ask)
{
	struct pt_fleet_answers answers = { 0 };
	int fit = pt_fleet_why(f, ask, &answers, &err);

	pt_fleet_answers_done(&answers);
	return fit;
}

static int decide(struct pt_fleet *f, const char *what)
{
	PT_AUTO(pt_request) request = { .alias = pt_strdup(what) };
	const struct pt_claim_ask ask = { .request = &request };
	double by_index[ROUNDS];
	double by_hosts[ROUNDS];
	double first;

	if (ask_all(f, &ask) < 0)
		return broken("why");
	for (unsigned i = 0; i < ROUNDS; i++) {
		PT_AUTO(pt_host_answer) a = { 0 };
		double at = now_ms();

		(void)pt_fleet_choose(f, &ask, &a);
		by_index[i] = now_ms() - at;
		at = now_ms();
		(void)ask_all(f, &ask);
		by_hosts[i] = now_ms() - at;
	}
	/* the first one of all makes the index */
	first = by_index[0];
	(void)printf("decide %s: %.3f ms by the index (the first time %.1f ms), %.1f ms by asking every host\n", what,
		     median(by_index), first, median(by_hosts));
	return 0;
}

static int claim_some(struct pt_fleet *f)
{
	double at = now_ms();

	for (unsigned i = 0; i < CLAIMS; i++) {
		PT_AUTO(pt_claim) c = { 0 };

		if (claiming_claim(f, "gpu:2", "vm", &c, &err) != 1)
			return broken("claim");
	}
	(void)printf("claim gpu:2: %.2f ms each, with the write\n", (now_ms() - at) / CLAIMS);
	return 0;
}

static int weigh(struct pt_store *store, const char *prefix)
{
	PT_AUTO(pt_records) l = { 0 };
	size_t bytes = 0;

	if (pt_store_list(store, prefix, &l, &err) < 0)
		return broken(prefix);
	for (size_t i = 0; i < l.n; i++)
		bytes += strlen(l.v[i].key) + strlen(l.v[i].value);
	(void)printf("%s: %zu records, %.0f bytes each with their keys\n", prefix, l.n,
		     l.n ? (double)bytes / (double)l.n : 0.0);
	return 0;
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_store_config) config = { 0 };
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct pt_pci_config pci;
	struct pt_store *store = NULL;
	double at;
	int r;

	if (argc != 4) {
		(void)fprintf(stderr, "fleet-size DIR HOSTS DEVICES\n");
		return 2;
	}
	config.directory = pt_strf("%s/state", argv[1]);
	if (pt_store_open(&config, &store, &err) < 0)
		return broken("open");
	claiming_config(&pci);
	claiming_publish(store, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	at = now_ms();
	if (pt_fleet_load(store, &pci, &fleet, &err) < 0)
		return broken("load");
	(void)printf("%zu hosts: read in %.0f ms\n", fleet.hosts.n, now_ms() - at);
	r = decide(&fleet, "gpu:2");
	r = r ? r : decide(&fleet, "gpu:999");
	r = r ? r : claim_some(&fleet);
	r = r ? r : weigh(store, "facts/");
	r = r ? r : weigh(store, "held/");
	r = r ? r : weigh(store, "claims/");
	pt_pci_config_done(&pci);
	pt_store_close(store);
	return r;
}
