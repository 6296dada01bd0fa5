/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a write whose answer does not come, is none, or is another cluster's: a member that follows a script.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "store/store.h"

#define READ	"/v3/kv/range"
#define WRITE	"/v3/kv/txn"
#define HEAD(r) "\"header\":{\"cluster_id\":\"7\",\"revision\":\"" r "\"}"
#define OTHER	"{\"header\":{\"cluster_id\":\"8\",\"revision\":\"9\"},\"succeeded\":true}"

/**
 * struct line - one question that the member expects, and what it does then
 * @answer: the body; NULL: it goes away, with its port; HANG_UP: only the connection ends
 */
struct line {
	const char *path;
	const char *answer;
};

#define HANG_UP "-"

struct member {
	struct pt_store_config config;
	struct pt_store *store;
	struct pt_error err;
	pid_t pid;
	int port;
	int asked_fd;
};

/* one request, headers and body; 0 when there is no more */
static int read_request(int fd, char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		ssize_t r = read(fd, buf + n, size - 1 - n);
		char *end;
		char *length;

		if (r <= 0)
			return 0;
		n += (size_t)r;
		buf[n] = '\0';
		end = strstr(buf, "\r\n\r\n");
		length = strstr(buf, "Content-Length: ");
		if (end && length && n >= (size_t)(end + 4 - buf) + strtoul(length + 16, NULL, 10))
			return 1;
	}
}

static void answer(int fd, const char *body)
{
	dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		body);
}

static _Noreturn void play(int listener, const struct line *script, int asked_fd)
{
	static char buf[65536];
	int fd = -1;

	while (script->path) {
		if (fd < 0)
			fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(1);
		if (!read_request(fd, buf, sizeof(buf))) {
			close(fd);
			fd = -1;
			continue;
		}
		if (write(asked_fd, strstr(buf, script->path) ? "." : "!", 1) != 1)
			_exit(1);
		if (!script->answer)
			_exit(0);
		if (strcmp(script->answer, HANG_UP) == 0) {
			close(fd);
			fd = -1;
		} else {
			answer(fd, script->answer);
		}
		script++;
	}
	_exit(0);
}

static void start(struct member *m, const struct line *script)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int asked[2];

	assert_int_equal(bind(listener, (struct sockaddr *)&a, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(pipe(asked), 0);
	m->pid = fork();
	if (m->pid == 0)
		play(listener, script, asked[1]);
	close(listener);
	close(asked[1]);
	m->asked_fd = asked[0];
	m->config.backend = PT_STORE_ETCD;
	m->config.timeout_ms = 3000;
	pt_strv_take(&m->config.endpoints, pt_strf("http://127.0.0.1:%d", ntohs(a.sin_port)));
	if (pt_store_open(&m->config, &m->store, &m->err) < 0)
		fail_msg("%s", m->err.msg);
}

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct member));
	return 0;
}

static int teardown(void **state)
{
	struct member *m = *state;

	pt_store_close(m->store);
	pt_store_config_done(&m->config);
	if (m->pid > 0) {
		(void)kill(m->pid, SIGKILL);
		(void)waitpid(m->pid, NULL, 0);
		close(m->asked_fd);
	}
	free(m);
	return 0;
}

/* how many questions the script has heard, each of which it expected */
static int heard(struct member *m)
{
	char all[64];
	ssize_t n;

	(void)kill(m->pid, SIGKILL);
	n = read(m->asked_fd, all, sizeof(all));
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(all[i], '.');
	return (int)n;
}

static int put(struct member *m)
{
	const struct pt_saw saw = { "a", 0 };
	const struct pt_write write = { "a", "1", 0 };
	const struct pt_txn txn = { &saw, 1, &write, 1 };
	PT_AUTO(pt_records) now = { 0 };

	return pt_store_commit(m->store, &txn, NULL, &now, &m->err);
}

static void get(struct member *m)
{
	PT_AUTO(pt_record) record = { 0 };

	if (pt_store_get(m->store, "a", &record, &m->err) < 0)
		fail_msg("%s", m->err.msg);
}

static void a_write_that_was_read_by_a_member_that_died_is_unknown(void **state)
{
	static const struct line script[] = { { READ, "{" HEAD("5") "}" }, { WRITE, NULL }, { NULL, NULL } };
	struct member *m = *state;

	start(m, script);
	get(m);
	/* the connection was in use before: libcurl takes it for an old one and sends again, where nobody listens now
	 */
	assert_int_equal(put(m), -ETIMEDOUT);
	assert_int_equal(heard(m), 2);
}

static void a_write_is_sent_once(void **state)
{
	static const struct line script[] = { { READ, "{" HEAD("5") "}" },
					      { WRITE, HANG_UP },
					      { WRITE, "{" HEAD("6") ",\"succeeded\":true}" },
					      { NULL, NULL } };
	struct member *m = *state;

	start(m, script);
	get(m);
	assert_int_equal(put(m), -ETIMEDOUT);
	assert_int_equal(heard(m), 2);
}

static void an_answer_to_a_write_that_is_none_is_unknown(void **state)
{
	static const char *const bodies[] = { "<html>", "[]", "{}", OTHER, "{" HEAD("4") ",\"succeeded\":true}" };
	struct member *m = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		const struct line script[] = { { READ, "{" HEAD("5") "}" }, { WRITE, bodies[i] }, { NULL, NULL } };

		start(m, script);
		get(m);
		if (put(m) != -ETIMEDOUT)
			fail_msg("%s: %s", bodies[i], m->err.msg);
		assert_int_equal(heard(m), 2);
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
		m = *state;
	}
}

static void who_lost_and_is_not_told_to_what_does_not_know(void **state)
{
	static const struct line script[] = {
		{ READ, "{" HEAD("5") "}" }, { WRITE, "{" HEAD("6") "}" }, { WRITE, NULL }, { NULL, NULL }
	};
	struct member *m = *state;

	start(m, script);
	get(m);
	assert_int_equal(put(m), -ETIMEDOUT);
	assert_int_equal(heard(m), 3);
}

static void another_cluster_is_found_out_before_it_is_written_to(void **state)
{
	static const struct line script[] = { { READ, "{" HEAD("5") "}" },
					      { READ, HANG_UP },
					      { READ, "{" HEAD("5") "}" },
					      { WRITE, "{" HEAD("6") ",\"succeeded\":true}" },
					      { NULL, NULL } };
	static const struct line foreign[] = { { READ, OTHER }, { WRITE, OTHER }, { NULL, NULL } };
	struct member *m = *state;

	start(m, script);
	get(m);
	/* a new connection, and it is the same cluster */
	get(m);
	assert_int_equal(put(m), 1);
	assert_int_equal(heard(m), 4);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	m = *state;
	m->config.cluster = pt_strdup("7");
	start(m, foreign);
	/* the first word on this connection: it would be written there before the answer tells where */
	assert_int_equal(put(m), -EREMCHG);
	assert_int_equal(heard(m), 1);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(a_write_that_was_read_by_a_member_that_died_is_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_write_is_sent_once, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_to_a_write_that_is_none_is_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(who_lost_and_is_not_told_to_what_does_not_know, setup, teardown),
		cmocka_unit_test_setup_teardown(another_cluster_is_found_out_before_it_is_written_to, setup, teardown),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
