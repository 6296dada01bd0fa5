/* SPDX-License-Identifier: Apache-2.0 */
/* Those who mean harm, or only behave so: slow, large, many, loud, and somebody else.  The next one is always served.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/route.h"
#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"

#define JSON "Content-Type: application/json\r\n"
#define MANY 10000

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static int begin(void **state)
{
	*state = apiserver_new(2, 2);
	return 0;
}

static int end(void **state)
{
	apiserver_free(*state);
	return 0;
}

static void assert_served(struct apiserver *s)
{
	struct answer a;

	api_ask(s, "GET /healthz", "", NULL, &a);
	if (a.status != 200)
		fail_msg("the next one is not served: %d", a.status);
	answer_done(&a);
}

/* a byte now and then on each; they must be cut off, however busy they are */
static void await_cut_off(struct apiserver *s, const char *start, const char *drip)
{
	int fds[20];
	size_t open_ones = 20;
	long long until = pt_watch_now_ms() + 15000;

	for (size_t i = 0; i < 20; i++) {
		fds[i] = api_connect(s);
		assert_true(fds[i] >= 0);
		assert_true(send(fds[i], start, strlen(start), MSG_NOSIGNAL) > 0);
	}
	assert_served(s);
	while (open_ones && pt_watch_now_ms() < until) {
		(void)usleep(20000);
		for (size_t i = 0; i < 20; i++) {
			if (fds[i] < 0 || send(fds[i], drip, strlen(drip), MSG_NOSIGNAL) > 0)
				continue;
			(void)close(fds[i]);
			fds[i] = -1;
			open_ones--;
		}
	}
	assert_int_equal(open_ones, 0);
	assert_served(s);
}

static void who_never_ends_his_headers_is_cut_off(void **state)
{
	struct apiserver *s = *state;

	s->config.head_ms = 500;
	s->config.idle_ms = 500;
	apiserver_start(s);
	await_cut_off(s, "GET /healthz HTTP/1.1\r\nHost: x\r\n", "X: y\r\n");
	/* and after a request that was well */
	await_cut_off(s, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET", "G");
}

static void who_never_ends_his_body_is_cut_off(void **state)
{
	struct apiserver *s = *state;

	s->config.body_ms = 500;
	apiserver_start(s);
	await_cut_off(s, "POST /v1/claims HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 60000\r\n\r\n", "{");
}

/* send these bytes; one of two statuses, or, where one is 0, no answer at all */
static void expect(struct apiserver *s, const char *bytes, size_t size, int status, int other)
{
	struct answer a;

	api_send(s, bytes, size, &a);
	if (a.status != status && a.status != other)
		fail_msg("%d, not %d or %d: %.200s", a.status, status, other, bytes);
	answer_done(&a);
	assert_served(s);
}

static char *repeat(const char *before, const char *what, size_t n, const char *after)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	pt_buf_add(&b, before);
	for (size_t i = 0; i < n; i++)
		pt_buf_add(&b, what);
	pt_buf_add(&b, after);
	return pt_buf_take(&b);
}

static void what_is_too_large_is_refused(void **state)
{
	struct apiserver *s = *state;
	static const char post[] = "POST /v1/claims HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" JSON
				   "Transfer-Encoding: chunked\r\n\r\n";
	pt_autofree char *path = repeat("GET /", "a", 65536, " HTTP/1.1\r\nHost: x\r\n\r\n");
	pt_autofree char *mean = repeat("GET /", "a", 9000, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	pt_autofree char *header = repeat("GET / HTTP/1.1\r\nHost: x\r\nX: ", "a", 65536, "\r\n\r\n");
	pt_autofree char *headers = repeat("GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", 20000, "\r\n");
	pt_autofree char *chunks = repeat(post, "400\r\n" /* 1 KiB */, 0, "");
	pt_autofree char *kib = repeat("400\r\n", "a", 1024, "\r\n");
	pt_autofree char *body = repeat(chunks, kib, 100, "0\r\n\r\n");
	pt_autofree char *endless = repeat(chunks, kib, 3000, "");

	apiserver_start(s);
	expect(s, path, strlen(path), 414, 431);
	expect(s, mean, strlen(mean), 414, 414);
	expect(s, header, strlen(header), 431, 431);
	expect(s, headers, strlen(headers), 431, 431);
	expect(s, body, strlen(body), 413, 413);
	expect(s, endless, strlen(endless), 413, 0);
}

static void what_is_no_http_is_refused(void **state)
{
	static const char nul[] = "GET /healthz\0/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	static const char in_header[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: a\0b\r\n\r\n";
	static const char *const others[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
		"GET /healthz HTTP/1.1\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"POST /v1/claims HTTP/1.1\r\nHost: x\r\n" JSON "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /v1/claims HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: -5\r\n\r\n",
		"POST /v1/claims HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 99999999999999999999999\r\n\r\n",
	};
	struct apiserver *s = *state;

	s->config.head_ms = 500;
	s->config.body_ms = 500;
	apiserver_start(s);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct answer a;

		api_send(s, others[i], strlen(others[i]), &a);
		if (a.status && (a.status < 400 || a.status == 500))
			fail_msg("%d: %s", a.status, others[i]);
		answer_done(&a);
		assert_served(s);
	}
	/* what stands before it is what counts, for who may and for what is done */
	expect(s, nul, sizeof(nul) - 1, 400, 200);
	expect(s, in_header, sizeof(in_header) - 1, 400, 406);
}

static void who_asks_too_fast_is_told_so(void **state)
{
	struct apiserver *s = *state;
	unsigned refused = 0;

	s->config.rate = 20;
	apiserver_start(s);
	for (unsigned i = 0; i < 120; i++) {
		struct answer a;

		api_ask(s, "GET /healthz", "", NULL, &a);
		if (a.status == 429) {
			pt_autofree char *after = answer_header(&a, "Retry-After");

			assert_non_null(after);
			refused++;
		} else {
			assert_int_equal(a.status, 200);
		}
		answer_done(&a);
	}
	assert_true(refused > 0);
}

static void who_takes_too_many_connections_gets_no_more(void **state)
{
	struct apiserver *s = *state;
	int fds[60];
	unsigned told = 0;
	long long until;

	s->config.per_peer = 40;
	apiserver_start(s);
	for (size_t i = 0; i < 60; i++)
		fds[i] = api_connect(s);
	for (size_t i = 40; i < 60; i++) {
		size_t n = 0;
		pt_autofree char *text = api_read(fds[i], 2000, &n);
		pt_autofree char *length =
			pt_strf("Content-Length: %zu\r\n", strstr(text, "{") ? strlen(strstr(text, "{")) : 0);

		told += strstr(text, "503 Service Unavailable") && strstr(text, length);
	}
	assert_true(told >= 19);
	for (size_t i = 0; i < 60; i++)
		(void)close(fds[i]);
	/* they are counted off as soon as they are gone */
	until = pt_watch_now_ms() + 5000;
	for (;;) {
		struct answer a;
		int status;

		api_ask(s, "GET /healthz", "", NULL, &a);
		status = a.status;
		answer_done(&a);
		if (status == 200)
			break;
		assert_true(pt_watch_now_ms() < until);
	}
}

static bool may_have(rlim_t fds)
{
	const struct rlimit want = { fds, fds };
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return false;
	now.rlim_cur = now.rlim_max;
	return now.rlim_max >= fds ? setrlimit(RLIMIT_NOFILE, &now) == 0 : setrlimit(RLIMIT_NOFILE, &want) == 0;
}

/* the peer, in a process of its own; its exit status: 0 all were taken and every hundredth was served */
static int hold_many(const struct apiserver *s, int ready_fd, int go_fd)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	static int fds[MANY];
	char c = 'x';

	for (size_t i = 0; i < MANY; i++) {
		fds[i] = api_connect(s);
		if (fds[i] < 0)
			return 1;
	}
	if (write(ready_fd, &c, 1) != 1 || read(go_fd, &c, 1) != 1)
		return 2;
	for (size_t i = 0; i < MANY; i += 100)
		if (send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
			return 3;
	for (size_t i = 0; i < MANY; i += 100) {
		char part[13] = "";
		struct pollfd p = { .fd = fds[i], .events = POLLIN };

		if (poll(&p, 1, 10000) != 1 || recv(fds[i], part, 12, MSG_WAITALL) != 12 ||
		    strcmp(part, "HTTP/1.1 200") != 0)
			return 4;
	}
	return 0;
}

static void ten_thousand_connections_are_held(void **state)
{
	struct apiserver *s = *state;
	int ready[2];
	int go[2];
	int status = -1;
	char c = 'x';
	pid_t pid;

	if (!may_have(MANY + 2000)) {
		print_message("skipped: %d descriptors are not allowed here\n", MANY + 2000);
		skip();
	}
	s->config.connections = MANY + 1000;
	s->config.per_peer = MANY + 500;
	s->config.head_ms = 60000;
	apiserver_start(s);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hold_many(s, ready[1], go[0]));
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_served(s);
	assert_int_equal(write(go[1], &c, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ready[0]);
	(void)close(go[0]);
	(void)close(go[1]);
	assert_served(s);
}

/* as nobody; what came of it as an exit status: 1 no connection, else a tenth of the answer's */
static int as_nobody(struct apiserver *s, const char *request, const char *headers, const char *body)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct answer a;
		int fd;

		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		fd = api_connect(s);
		if (fd < 0)
			_exit(1);
		(void)close(fd);
		api_ask(s, request, headers, body, &a);
		_exit(a.status / 10);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void somebody_else_may_what_he_was_given(void **state)
{
	struct apiserver *s = *state;

	if (geteuid() != 0) {
		print_message("skipped: only root can be somebody else\n");
		skip();
	}
	pt_strv_add(&s->config.grants[PT_ROLE_VIEW], "nobody");
	apiserver_start(s);
	assert_int_equal(as_nobody(s, "GET /healthz", "", NULL), 20);
	assert_int_equal(as_nobody(s, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"x\"}"), 40);
	assert_int_equal(as_nobody(s, "GET /v1/changes", "", NULL), 40);
	assert_int_equal(as_nobody(s, "GET /v1/claims", "", NULL), 20);
}

static void nobody_is_let_in_where_nobody_is_named(void **state)
{
	struct apiserver *s = *state;

	if (geteuid() != 0) {
		print_message("skipped: only root can be somebody else\n");
		skip();
	}
	apiserver_start(s);
	assert_int_equal(as_nobody(s, "GET /healthz", "", NULL), 1);
}

static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* a request with bytes changed or left out */
static void send_noise(struct apiserver *s, const char *request, uint32_t *seed)
{
	pt_autofree char *text = pt_strdup(request);
	size_t n = strlen(text);
	struct answer a;

	for (unsigned k = next(seed) % 6; k > 0; k--) {
		size_t at = next(seed) % n;

		if (next(seed) % 3 == 0)
			n = at + 1;
		else
			text[at] = (char)next(seed);
	}
	api_send(s, text, n, &a);
	if (a.status == 500)
		fail_msg("%s\n%s", text, a.body);
	answer_done(&a);
}

/* answered or not, the next one is served, and nothing stays behind */
static void noise_ends_nothing(void **state)
{
	static const char *const seeds[] = {
		("POST /v1/claims HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" JSON
		 "Content-Length: 30\r\n\r\n{\"asked\": \"gpu:2\", \"for\": \"x\"}"),
		("POST /v1/decisions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" JSON
		 "Transfer-Encoding: chunked\r\n\r\n12\r\n{\"asked\": \"gpu:2\"}\r\n0\r\n\r\n"),
		("GET /v1/claims?for=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: \"a\"\r\n\r\n"),
		("DELETE /v1/claims/c-0123456789abcdef0123 HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nConnection: "
		 "close\r\n\r\n"),
	};
	struct apiserver *s = *state;
	uint32_t seed = 20261122;
	unsigned before = 0;

	s->config.head_ms = 100;
	s->config.body_ms = 100;
	s->config.idle_ms = 100;
	apiserver_start(s);
	before = count_fds();
	for (unsigned i = 0; i < 48; i++)
		send_noise(s, seeds[i % 4], &seed);
	assert_served(s);
	(void)usleep(500000);
	/* each of the workers has opened its store meanwhile: three files */
	assert_true(count_fds() <= before + 4 * 3 + 2);
}

/* what a client says in its own words: every member of every body, with what is no value of it */
static const char *const wrong_values[] = {
	"null",
	"true",
	"-1",
	"0",
	"1e400",
	"9223372036854775807",
	"99999999999999999999999999",
	"\"\"",
	"\" \"",
	"\"\\u0000\"",
	"\"\\ud800\"",
	"\"../../etc/passwd\"",
	"\"--yes\"",
	"\"gpu:0\"",
	"\"gpu:-1\"",
	"\"gpu:1,gpu:1,gpu:1,gpu:1\"",
	"\":,:,:\"",
	"\"0000:01:00.0\"",
	"\"required:0,99999999999\"",
	"[]",
	"[[]]",
	"[\"0000:01:00.0\", 7, null]",
	"{}",
	"{\"a\": {\"b\": [1]}}",
};

static void send_body(struct apiserver *s, const struct pt_route *r, const char *body)
{
	struct answer a;
	/* a host and a project that are there, an alias that is */
	pt_autofree char *request = pt_strf("%s %s", r->method,
					    strstr(r->path, "evacuate") ? "/v1/fleet/hosts/host-000/evacuate"
					    : strstr(r->path, "limits") ? "/v1/fleet/limits/red/gpu"
									: r->path);

	api_ask(s, request, JSON, body, &a);
	if (a.status < 200 || a.status == 500 || !a.json)
		fail_msg("%s %.300s: %d %s", request, body, a.status, a.body ? a.body : "");
	answer_done(&a);
}

static const char *members_of(const struct pt_route *r)
{
	if (!(r->flags & PT_ROUTE_BODY))
		return "";
	if (strstr(r->path, "plans"))
		return "verb vm devices network live";
	if (strstr(r->path, "evacuate"))
		return "fenced";
	return strstr(r->path, "limits") ? "limit" : "asked for host policy numa project spread id other";
}

static void whatever_a_body_says_it_is_answered(void **state)
{
	struct apiserver *s = *state;

	s->config.rate = 100000;
	apiserver_start(s);
	for (const struct pt_route *r = pt_routes; r->method; r++) {
		pt_autofree char *members = pt_strdup(members_of(r));
		char *save = NULL;

		for (char *m = strtok_r(members, " ", &save); m; m = strtok_r(NULL, " ", &save))
			for (size_t k = 0; k < sizeof(wrong_values) / sizeof(*wrong_values); k++) {
				bool claim = strstr(members_of(r), "asked") != NULL;
				pt_autofree char *body =
					pt_strf("{\"%s\": %s%s%s}", m, wrong_values[k],
						claim && strcmp(m, "asked") != 0 ? ", \"asked\": \"gpu\"" : "",
						claim && strcmp(m, "for") != 0 ? ", \"for\": \"x\"" : "");

				send_body(s, r, body);
			}
	}
	{
		pt_autofree char *many = repeat("{\"asked\": \"gpu", ",gpu:1", 9000, "\", \"for\": \"x\"}");
		pt_autofree char *name = repeat("{\"asked\": \"gpu\", \"for\": \"", "x", 60000, "\"}");
		pt_autofree char *keys = repeat("{\"asked\": \"gpu\"", ", \"x\": 1", 6000, "}");
		const char *const bodies[] = { many, name, keys };

		for (const struct pt_route *r = pt_routes; r->method; r++)
			for (size_t i = 0; i < 3 && (r->flags & PT_ROUTE_BODY); i++)
				send_body(s, r, bodies[i]);
	}
	assert_served(s);
	claiming_check(s->store, &s->pci);
}

/* every place in a path that is the client's, with what is no name: also where a program is asked, behind "--" */
static void whatever_a_path_names_it_is_answered(void **state)
{
	static const char *const tokens[] = {
		"--yes",	   "-",	    "%2d%2dsysroot=%2f",      "a%20b%27%22;$(id)",	 "*",
		"%c3%a9%e2%80%ae", "~root", "c-0123456789abcdef012g", "gpu:99999999999999999999"
	};
	struct apiserver *s = *state;

	s->config.rate = 100000;
	apiserver_start(s);
	for (const struct pt_route *r = pt_routes; r->method; r++)
		for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens) && strchr(r->path, '{'); i++) {
			PT_CLEANUP(pt_buf_done) struct pt_buf path = { 0 };
			struct answer a;

			pt_buf_addf(&path, "%s ", r->method);
			for (const char *p = r->path; *p; p++) {
				if (*p != '{') {
					pt_buf_addn(&path, p, 1);
					continue;
				}
				pt_buf_add(&path, tokens[i]);
				p = strchr(p, '}');
			}
			api_ask(s, path.s, r->flags & PT_ROUTE_BODY ? JSON : "If-Match: *\r\n",
				r->flags & PT_ROUTE_BODY ? "{\"limit\": 1, \"fenced\": true}" : NULL, &a);
			/* the program that looks may fail where there is nothing to look at; it never dies */
			if (a.status < 200 || !a.json || (a.status == 500 && strstr(a.body, "status 1")))
				fail_msg("%s: %d %s", path.s, a.status, a.body ? a.body : "");
			answer_done(&a);
		}
	assert_served(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_never_ends_his_headers_is_cut_off, begin, end),
		cmocka_unit_test_setup_teardown(who_never_ends_his_body_is_cut_off, begin, end),
		cmocka_unit_test_setup_teardown(what_is_too_large_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_http_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(who_asks_too_fast_is_told_so, begin, end),
		cmocka_unit_test_setup_teardown(who_takes_too_many_connections_gets_no_more, begin, end),
		cmocka_unit_test_setup_teardown(ten_thousand_connections_are_held, begin, end),
		cmocka_unit_test_setup_teardown(somebody_else_may_what_he_was_given, begin, end),
		cmocka_unit_test_setup_teardown(nobody_is_let_in_where_nobody_is_named, begin, end),
		cmocka_unit_test_setup_teardown(noise_ends_nothing, begin, end),
		cmocka_unit_test_setup_teardown(whatever_a_body_says_it_is_answered, begin, end),
		cmocka_unit_test_setup_teardown(whatever_a_path_names_it_is_answered, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
