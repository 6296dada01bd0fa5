/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions over the API, 10,000 hosts loaded, 8 clients on connections that stay; in turn with a bare handler of the
 * same library that answers the same bytes to the same request.  A line a round: 50th and 99th percentile of each, in
 * milliseconds, and decisions a second with the ratio to bare answers.  api DIR
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <microhttpd.h>

#include "api/api.h"
#include "api/parts.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "shape/claim.h"

#define HOSTS	10000
#define CLIENTS 8
#define ASKS	500
#define ROUNDS	3

static const char request[] =
	"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n"
	"{\"asked\": \"gpu:2\"}";

struct client {
	const char *path;
	double ms[ASKS];
	bool failed;
};

static int connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

/* one answer, whole; its size with headers; -1 when it is none, or no 200 */
static ssize_t ask(int fd, char *buf, size_t size)
{
	size_t got = 0;
	ssize_t n;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return -1;
	while (got < size - 1 && (n = read(fd, buf + got, size - 1 - got)) > 0) {
		const char *end;
		const char *length;

		got += (size_t)n;
		buf[got] = '\0';
		end = strstr(buf, "\r\n\r\n");
		length = end ? strstr(buf, "Content-Length: ") : NULL;
		if (length && got == (size_t)(end + 4 - buf) + strtoul(length + 16, NULL, 10))
			return strncmp(buf, "HTTP/1.1 200", 12) == 0 ? (ssize_t)got : -1;
	}
	return -1;
}

static void *run(void *arg)
{
	struct client *c = arg;
	char buf[8192];
	int fd = connect_to(c->path);

	c->failed = fd < 0;
	for (size_t i = 0; i < ASKS && !c->failed; i++) {
		double began = pt_now_s();

		c->failed = ask(fd, buf, sizeof(buf)) < 0;
		c->ms[i] = (pt_now_s() - began) * 1000;
	}
	(void)close(fd);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* requests a second; the percentiles; < 0 when one failed */
static double measure(const char *path, double *ret_p50, double *ret_p99)
{
	static struct client clients[CLIENTS];
	static double all[CLIENTS * ASKS];
	pthread_t threads[CLIENTS];
	double began = pt_now_s();
	double spent;
	bool failed = false;

	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i].path = path;
		(void)pthread_create(&threads[i], NULL, run, &clients[i]);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		(void)pthread_join(threads[i], NULL);
		failed = failed || clients[i].failed;
		memcpy(all + i * ASKS, clients[i].ms, sizeof(clients[i].ms));
	}
	spent = pt_now_s() - began;
	qsort(all, CLIENTS * ASKS, sizeof(*all), by_value);
	*ret_p50 = all[CLIENTS * ASKS / 2];
	*ret_p99 = all[CLIENTS * ASKS * 99 / 100];
	return failed ? -1 : CLIENTS * ASKS / spent;
}

/* the same bytes, without a thought */
static enum MHD_Result bare(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			    const char *version, const char *upload, size_t *size, void **ctx)
{
	struct MHD_Response *r;
	enum MHD_Result done;

	if (!*ctx) {
		*ctx = arg;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(strlen(arg), arg, MHD_RESPMEM_PERSISTENT);
	(void)MHD_add_response_header(r, "Content-Type", "application/json");
	(void)MHD_add_response_header(r, "Cache-Control", "no-cache");
	(void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	done = MHD_queue_response(mhd, 200, r);
	MHD_destroy_response(r);
	return done;
}

/* many hosts in few transactions: as many are published one by one elsewhere */
static int fill(struct pt_store *store, struct pt_error *err)
{
	PT_AUTO(pt_pci_config) config = { 0 };

	claiming_config(&config);
	for (unsigned i = 0; i < HOSTS; i += 50) {
		PT_AUTO(pt_strv) texts = { 0 };
		struct pt_write writes[50];
		const struct pt_txn txn = { NULL, 0, writes, 50 };

		for (unsigned k = 0; k < 50; k++) {
			PT_AUTO(pt_host_record) record = { 0 };
			struct pt_bdf twice;

			record.host.name = pt_strf("host-%05u", i + k);
			for (unsigned n = 0; n < 8; n++) {
				struct pt_inv_device *d = pt_inv_host_add(&record.host);

				d->bdf = (struct pt_bdf){ 0, (unsigned char)(1 + n), 0, 0 };
				d->vendor = 0x10de;
				d->product = 0x2330;
				d->numa_node = n < 4 ? 0 : 1;
				/* not all alike: some of each are taken */
				if ((i + k) * 7 % 9 > n)
					d->owner = pt_strdup("vm");
			}
			(void)pt_inv_host_finish(&record.host, &twice);
			record.config.device_spec = config.device_spec;
			pt_strv_take(&texts, pt_strf("facts/%s", record.host.name));
			pt_strv_take(&texts, pt_record_text(pt_host_record_json(&record)));
			record.config.device_spec = (__typeof__(record.config.device_spec)){ 0 };
			writes[k] = (struct pt_write){ texts.v[2 * k], texts.v[2 * k + 1], 0 };
		}
		if (pt_store_commit(store, &txn, NULL, NULL, err) != 1)
			return -1;
	}
	return 0;
}

static int compare(const char *path, const char *bare_path)
{
	int worst = 0;

	(void)printf("%8s %8s %8s %8s %10s %10s %6s\n", "p50 ms", "p99 ms", "bare p50", "bare p99", "decisions/s",
		     "bare/s", "ratio");
	for (unsigned i = 0; i < ROUNDS; i++) {
		double p50;
		double p99;
		double bare50;
		double bare99;
		double n = measure(path, &p50, &p99);
		double bare_n = measure(bare_path, &bare50, &bare99);

		if (n < 0 || bare_n < 0)
			return 1;
		(void)printf("%8.3f %8.3f %8.3f %8.3f %10.0f %10.0f %6.2f\n", p50, p99, bare50, bare99, n, bare_n,
			     n / bare_n);
		worst += p99 >= 2;
	}
	(void)printf("under 2 ms at the 99th percentile: %u of %d rounds\n", ROUNDS - (unsigned)worst, ROUNDS);
	return 0;
}

static int bench(const char *dir, struct pt_error *err)
{
	struct pt_store_config store_config = { .directory = pt_strf("%s/state", dir) };
	struct pt_api_config config = { .socket = pt_strf("%s/sock", dir), .rate = 10000000 };
	pt_autofree char *bare_path = pt_strf("%s/bare", dir);
	PT_AUTO(pt_pci_config) pci = { 0 };
	const struct pt_api_setup setup = { .config = &config, .store = &store_config, .pci = &pci, .program = "" };
	struct pt_store *store = NULL;
	struct pt_api *api = NULL;
	struct MHD_Daemon *d;
	char answer[8192];
	const char *body = NULL;
	int r;

	claiming_config(&pci);
	if (pt_store_open(&store_config, &store, err) < 0 || fill(store, err) < 0 ||
	    pt_api_start(&setup, &api, err) < 0)
		return 1;
	for (unsigned i = 0; i < 600 && !body; i++) {
		int fd = connect_to(config.socket);

		if (ask(fd, answer, sizeof(answer)) > 0)
			body = strstr(answer, "\r\n\r\n") + 4;
		(void)close(fd);
		(void)usleep(100000);
	}
	if (!body)
		return 1;
	(void)printf("%s\n", body);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, bare, (void *)(uintptr_t)body,
			     MHD_OPTION_LISTEN_SOCKET, pt_listen_unix(bare_path, false, err), MHD_OPTION_END);
	r = d ? compare(config.socket, bare_path) : 1;
	MHD_stop_daemon(d);
	pt_api_stop(api);
	pt_store_close(store);
	pt_store_config_done(&store_config);
	pt_api_config_done(&config);
	return r;
}

int main(int argc, char **argv)
{
	struct pt_error err = { 0 };
	int r;

	if (argc != 2)
		return 2;
	r = bench(argv[1], &err);
	if (r)
		(void)fprintf(stderr, "api: %s\n", err.msg);
	return r;
}
