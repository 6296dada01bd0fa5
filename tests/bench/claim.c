/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable claims a second from one client, and bare transactions of the same shape (three comparisons, two writes of as
 * many bytes) in turn with them: claim sqlite DIR, claim etcd.  A line a round: claims a second, bare ones, ratio.
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
#include <curl/curl.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "etcd.h"
#include "fleet/fleet.h"

#define ROUNDS	9
#define DEVICES 8

static struct pt_error err;

static int broken(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, err.msg);
	return -1;
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* @n claims and their releases; the claims' time is what counts */
static double claims(struct pt_fleet *fleet, unsigned n)
{
	double spent = 0;

	for (unsigned i = 0; i < n;) {
		struct pt_claim made[DEVICES] = { 0 };
		unsigned k;
		double began = now_s();

		for (k = 0; k < DEVICES && i < n; k++, i++)
			if (claiming_claim(fleet, "gpu:1", "vm", &made[k], &err) != 1)
				return broken("claim");
		spent += now_s() - began;
		while (k-- > 0) {
			struct pt_claim gone = { 0 };

			if (pt_fleet_release(fleet->store, made[k].id, &gone, &err) != 1)
				return broken("release");
			pt_claim_done(&gone);
			pt_claim_done(&made[k]);
		}
		/* others write as well: this client's view is brought up to date outside of the claims' time */
		{
			struct pt_record held = { 0 };

			if (pt_store_get(fleet->store, "held/host-000", &held, &err) < 0)
				return broken("get");
			pt_fleet_take_held(&fleet->hosts.v[0], &held);
			pt_record_done(&held);
		}
	}
	return n / spent;
}

/* what claims write: half of a host's devices held, on average */
static void shape(char *held, size_t held_size, char *claim, size_t claim_size)
{
	size_t used = 1;

	(void)snprintf(held, held_size, "{");
	for (unsigned i = 0; i < DEVICES / 2; i++)
		used += (size_t)snprintf(held + used, held_size - used,
					 "%s\"0000:%02x:00.0\":\"c-0123456789abcdef0123\"", i ? "," : "", i + 1);
	(void)snprintf(held + used, held_size - used, "}");
	(void)snprintf(claim, claim_size,
		       "{\"asked\":\"gpu:1\",\"devices\":[{\"address\":\"0000:01:00.0\",\"alias\":\"gpu\"}],"
		       "\"for\":\"vm\",\"host\":\"host-000\",\"id\":\"c-0123456789abcdef0123\",\"since\":1700000000}");
}

static double bare_sqlite(const char *dir, unsigned n)
{
	pt_autofree char *path = pt_strf("%s/bare.db", dir);
	char held[1024];
	char claim[512];
	sqlite3 *db = NULL;
	sqlite3_stmt *look = NULL;
	sqlite3_stmt *put = NULL;
	double began;

	shape(held, sizeof(held), claim, sizeof(claim));
	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(
		    db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(k TEXT PRIMARY KEY,"
		    " v TEXT, r INTEGER)",
		    NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(db, "SELECT r FROM t WHERE k = ?", -1, &look, NULL) ||
	    sqlite3_prepare_v2(db,
			       "INSERT INTO t VALUES(?, ?, ?) ON CONFLICT(k) DO UPDATE SET v=excluded.v, r=excluded.r",
			       -1, &put, NULL))
		return -1;
	began = now_s();
	for (unsigned i = 0; i < n; i++) {
		pt_autofree char *id = pt_strf("claims/%08u", (unsigned)rand());
		const char *keys[] = { "held/host-000", id, "facts/host-000" };

		if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
			return -1;
		for (unsigned k = 0; k < 3; k++) {
			(void)sqlite3_bind_text(look, 1, keys[k], -1, SQLITE_STATIC);
			(void)sqlite3_step(look);
			(void)sqlite3_reset(look);
		}
		for (unsigned k = 0; k < 2; k++) {
			(void)sqlite3_bind_text(put, 1, keys[k], -1, SQLITE_STATIC);
			(void)sqlite3_bind_text(put, 2, k ? claim : held, -1, SQLITE_STATIC);
			(void)sqlite3_bind_int64(put, 3, i);
			if (sqlite3_step(put) != SQLITE_DONE)
				return -1;
			(void)sqlite3_reset(put);
		}
		if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
			return -1;
	}
	began = now_s() - began;
	(void)sqlite3_finalize(look);
	(void)sqlite3_finalize(put);
	(void)sqlite3_close(db);
	return n / began;
}

static size_t swallow(char *data, size_t size, size_t n, void *user)
{
	pt_buf_addn(user, data, size * n);
	return size * n;
}

static double bare_etcd(const struct etcd *etcd, unsigned n)
{
	pt_autofree char *url = pt_strf("http://127.0.0.1:%d/v3/kv/txn", etcd->client_port[0]);
	PT_CLEANUP(pt_buf_done) struct pt_buf answer = { 0 };
	char held[1024];
	char claim[512];
	pt_autofree char *held64 = NULL;
	pt_autofree char *claim64 = NULL;
	pt_autofree char *key64 = pt_base64_encode("/bare/held/host-000", 19);
	pt_autofree char *facts64 = pt_base64_encode("/bare/facts/host-000", 20);
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	CURL *easy = curl_easy_init();
	double began;

	shape(held, sizeof(held), claim, sizeof(claim));
	held64 = pt_base64_encode(held, strlen(held));
	claim64 = pt_base64_encode(claim, strlen(claim));
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
	began = now_s();
	for (unsigned i = 0; i < n; i++) {
		pt_autofree char *id = pt_strf("/bare/claims/%08u", (unsigned)rand());
		pt_autofree char *id64 = pt_base64_encode(id, strlen(id));
		pt_autofree char *body =
			pt_strf("{\"compare\":[{\"key\":\"%s\",\"target\":\"VERSION\",\"result\":\"GREATER\","
				"\"version\":\"-1\"},"
				"{\"key\":\"%s\",\"target\":\"VERSION\",\"result\":\"GREATER\",\"version\":\"-1\"},"
				"{\"key\":\"%s\",\"target\":\"VERSION\",\"result\":\"GREATER\",\"version\":\"-1\"}],"
				"\"success\":["
				"{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}},{\"request_put\":{\"key\":\"%s\","
				"\"value\":\"%s\"}}]}",
				key64, id64, facts64, key64, held64, id64, claim64);

		answer.n = 0;
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
		if (curl_easy_perform(easy) || !answer.n || !strstr(answer.s, "\"succeeded\":true"))
			return broken("bare transaction");
	}
	began = now_s() - began;
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return n / began;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a - *(const double *)b;

	return x < 0 ? -1 : x > 0;
}

static int measure(struct pt_store *store, const struct etcd *etcd, const char *dir, unsigned n)
{
	struct pt_pci_config config;
	struct pt_fleet fleet = { 0 };
	double ratios[ROUNDS];
	double rates[ROUNDS];

	claiming_config(&config);
	claiming_publish(store, 1, DEVICES);
	if (pt_fleet_load(store, &config, &fleet, &err) < 0)
		return broken("load");
	for (unsigned i = 0; i < ROUNDS; i++) {
		double bare;

		rates[i] = claims(&fleet, n);
		bare = etcd ? bare_etcd(etcd, n) : bare_sqlite(dir, n);
		if (rates[i] < 0 || bare < 0)
			return -1;
		ratios[i] = rates[i] / bare;
		(void)printf("  %.0f claims/s, %.0f bare/s, ratio %.2f\n", rates[i], bare, ratios[i]);
	}
	qsort(rates, ROUNDS, sizeof(*rates), by_size);
	qsort(ratios, ROUNDS, sizeof(*ratios), by_size);
	(void)printf("median %.0f claims/s, ratio %.2f (%.2f to %.2f)\n", rates[ROUNDS / 2], ratios[ROUNDS / 2],
		     ratios[0], ratios[ROUNDS - 1]);
	pt_fleet_done(&fleet);
	pt_pci_config_done(&config);
	return 0;
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_store_config) config = { 0 };
	struct etcd *etcd = NULL;
	struct pt_store *store = NULL;
	int r;

	if (argc == 3 && strcmp(argv[1], "sqlite") == 0) {
		config.directory = pt_strf("%s/state", argv[2]);
	} else if (argc == 2 && strcmp(argv[1], "etcd") == 0) {
		if (!etcd_installed())
			return 77;
		etcd = etcd_start(1, 0, false);
		etcd_config(etcd, &config);
	} else {
		(void)fprintf(stderr, "claim sqlite DIR | claim etcd\n");
		return 2;
	}
	if (pt_store_open(&config, &store, &err) < 0)
		return broken("open") != 0;
	r = measure(store, etcd, argv[2], 1000);
	pt_store_close(store);
	etcd_stop(etcd);
	return r < 0;
}
