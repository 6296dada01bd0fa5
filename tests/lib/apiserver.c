/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"
#include "storestage.h"

#define SILENT_MS 20000

static struct apiserver *make(bool etcd, unsigned hosts, unsigned devices)
{
	static unsigned stores;
	struct apiserver *s = pt_alloc(sizeof(*s));
	struct pt_error err = { 0 };

	(void)strcpy(s->dir, "/tmp/api.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->socket = pt_strf("%s/sock", s->dir);
	if (etcd) {
		etcd_config(storestage_etcd, &s->store_config);
		s->store_config.prefix = pt_strf("/api-%u/", ++stores);
	} else {
		s->store_config.directory = pt_strf("%s/state", s->dir);
	}
	claiming_config(&s->pci);
	if (pt_store_open(&s->store_config, &s->store, &err) < 0)
		fail_msg("%s", err.msg);
	claiming_publish(s->store, hosts, devices);
	s->config.socket = pt_strdup(s->socket);
	s->setup = (struct pt_api_setup){ .config = &s->config,
					  .store = &s->store_config,
					  .pci = &s->pci,
					  .program = getenv("PT_PASSTHRU"),
					  .config_files = s->files };
	return s;
}

struct apiserver *apiserver_new(unsigned hosts, unsigned devices)
{
	return make(false, hosts, devices);
}

struct apiserver *apiserver_new_etcd(unsigned hosts, unsigned devices)
{
	return make(true, hosts, devices);
}

void apiserver_start(struct apiserver *s)
{
	struct pt_error err = { 0 };
	long long until = pt_watch_now_ms() + SILENT_MS;

	if (pt_api_start(&s->setup, &s->api, &err) < 0)
		fail_msg("%s", err.msg);
	for (;;) {
		struct answer a;
		int status;

		api_ask(s, "GET /healthz", "", NULL, &a);
		status = a.status;
		answer_done(&a);
		if (status == 200)
			return;
		if (pt_watch_now_ms() > until)
			fail_msg("the API is not ready: %d", status);
		(void)usleep(5000);
	}
}

void apiserver_free(struct apiserver *s)
{
	pt_autofree char *remove = NULL;

	if (!s)
		return;
	pt_api_stop(s->api);
	pt_store_close(s->store);
	pt_store_config_done(&s->store_config);
	pt_pci_config_done(&s->pci);
	pt_api_config_done(&s->config);
	remove = pt_strf("rm -rf %s", s->dir);
	assert_int_equal(system(remove), 0);
	free(s->socket);
	free(s->conf);
	free(s);
}

void answer_done(struct answer *a)
{
	free(a->head);
	free(a->body);
	json_decref(a->json);
	*a = (struct answer){ 0 };
}

char *answer_header(const struct answer *a, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = a->head ? strchr(a->head, '\n') : NULL; line; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1 + strspn(line + n + 1, " ");
		return pt_strndup(line, strcspn(line, "\r\n"));
	}
	return NULL;
}

int api_connect(const struct apiserver *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->socket);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

char *api_read(int fd, int timeout_ms, size_t *ret_size)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	char part[65536];

	pt_buf_add(&b, "");
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, timeout_ms) <= 0)
			break;
		n = read(fd, part, sizeof(part));
		if (n <= 0)
			break;
		pt_buf_addn(&b, part, (size_t)n);
	}
	*ret_size = b.n;
	return pt_buf_take(&b);
}

/* a body in chunks is put together; false: it does not end as it should */
static void join_chunks(struct answer *a)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	char *at = a->body;

	pt_buf_add(&b, "");
	for (;;) {
		char *end;
		size_t n = strtoul(at, &end, 16);

		if (n == 0 || end == at || (size_t)(end - a->body) + 2 + n > a->size)
			break;
		pt_buf_addn(&b, end + 2, n);
		at = end + 2 + n + 2;
	}
	free(a->body);
	a->size = b.n;
	a->body = pt_buf_take(&b);
}

static void take(char *text, size_t size, struct answer *ret)
{
	char *end = memmem(text, size, "\r\n\r\n", 4);
	pt_autofree char *encoding = NULL;

	*ret = (struct answer){ 0 };
	if (end && sscanf(text, "HTTP/1.%*c %d", &ret->status) == 1) {
		size_t head = (size_t)(end + 4 - text);

		ret->head = pt_strndup(text, head);
		ret->size = size - head;
		ret->body = pt_alloc(ret->size + 1);
		memcpy(ret->body, text + head, ret->size);
		encoding = answer_header(ret, "Transfer-Encoding");
		if (encoding)
			join_chunks(ret);
		ret->json = json_loadb(ret->body, ret->size, 0, NULL);
	}
	free(text);
}

void api_send(struct apiserver *s, const char *bytes, size_t size, struct answer *ret)
{
	int fd = api_connect(s);
	size_t got = 0;
	char *text;

	assert_true(fd >= 0);
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);

		/* it may answer and close before it has heard everything */
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	text = api_read(fd, SILENT_MS, &got);
	(void)close(fd);
	take(text, got, ret);
}

void api_ask(struct apiserver *s, const char *request, const char *headers, const char *body, struct answer *ret)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	pt_buf_addf(&b, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", request, headers);
	if (body)
		pt_buf_addf(&b, "Content-Length: %zu\r\n", strlen(body));
	pt_buf_addf(&b, "\r\n%s", body ? body : "");
	api_send(s, b.s, b.n, ret);
}
