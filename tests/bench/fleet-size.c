/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large fleet on one machine: how long a client takes to read it, to decide by the index and by asking every host (in
 * turn), to claim; and what its records weigh.  fleet-size DIR HOSTS DEVICES, on SQLite; fleet-size etcd HOSTS DEVICES,
 * on one member, with what that weighs, what leases it renews a second and what a watch costs it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "etcd.h"
#include "fleet/choose.h"
#include "fleet/fleet.h"

#define ROUNDS	 9
#define CLAIMS	 200
#define RENEWALS 2000
#define WATCHES	 400

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

static long number_in(const char *path, const char *word)
{
	pt_autofclose FILE *f = fopen(path, "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, word, strlen(word)) == 0)
			return atol(line + strlen(word));
	return -1;
}

static long kib_of(const struct etcd *etcd)
{
	pt_autofree char *path = pt_strf("/proc/%d/status", (int)etcd->pid[0]);

	return number_in(path, "VmRSS:");
}

static int weigh_member(const struct etcd *etcd)
{
	pt_autofree char *path = pt_strf("%s/m0/member/snap/db", etcd->dir);
	struct stat st;

	if (stat(path, &st) < 0)
		return broken(path);
	(void)printf("member: %.1f MB on disk, %ld MB of memory\n", (double)st.st_size / 1e6, kib_of(etcd) / 1024);
	return 0;
}

/* one after the other on one connection, as many connections do at once */
static int renew(struct pt_store *store)
{
	long long lease = 0;
	double at;

	if (pt_store_lease(store, 60, &lease, &err) < 0)
		return broken("lease");
	at = now_ms();
	for (unsigned i = 0; i < RENEWALS; i++)
		if (pt_store_keep(store, lease, &err) != 1)
			return broken("keep");
	(void)printf("leases: %.0f renewals a second on one connection\n", RENEWALS / (now_ms() - at) * 1e3);
	return 0;
}

/* as agents have them: each of one host's record */
static int watch_all(const struct pt_store_config *config, const struct etcd *etcd)
{
	struct pt_store *stores[WATCHES];
	struct pt_store_watch *watches[WATCHES];
	long before = kib_of(etcd);

	for (unsigned i = 0; i < WATCHES; i++) {
		pt_autofree char *key = pt_strf("held/host-%03u", i);
		struct pt_changes changes = { 0 };

		if (pt_store_open(config, &stores[i], &err) < 0 ||
		    pt_store_watch(stores[i], key, 1, &watches[i], &err) < 0 ||
		    pt_store_watch_next(watches[i], 5, &changes, &err) < 0)
			return broken("watch");
		pt_changes_done(&changes);
	}
	for (unsigned turn = 0; turn < 5; turn++)
		for (unsigned i = 0; i < WATCHES; i++) {
			struct pt_changes changes = { 0 };

			if (pt_store_watch_next(watches[i], 1, &changes, &err) < 0)
				return broken("watch");
			pt_changes_done(&changes);
		}
	(void)printf("watches: %ld KB of the member's memory each, of %d\n", (kib_of(etcd) - before) / WATCHES,
		     WATCHES);
	for (unsigned i = 0; i < WATCHES; i++) {
		pt_store_watch_close(watches[i]);
		pt_store_close(stores[i]);
	}
	return 0;
}

static int measure(struct pt_store *store, unsigned hosts, unsigned devices)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct pt_pci_config pci;
	double at;
	int r;

	claiming_config(&pci);
	claiming_publish(store, hosts, devices);
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
	return r;
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_store_config) config = { 0 };
	struct etcd *etcd = NULL;
	struct pt_store *store = NULL;
	int r;

	if (argc != 4) {
		(void)fprintf(stderr, "fleet-size DIR|etcd HOSTS DEVICES\n");
		return 2;
	}
	if (strcmp(argv[1], "etcd") == 0) {
		if (!etcd_installed())
			return 77;
		etcd = etcd_start(1, 0, false);
		etcd_config(etcd, &config);
		config.timeout_ms = 30000;
	} else {
		config.directory = pt_strf("%s/state", argv[1]);
	}
	if (pt_store_open(&config, &store, &err) < 0)
		return broken("open");
	r = measure(store, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (etcd && !r) {
		r = weigh_member(etcd);
		r = r ? r : renew(store);
		r = r ? r : watch_all(&config, etcd);
	}
	pt_store_close(store);
	etcd_stop(etcd);
	return r;
}
