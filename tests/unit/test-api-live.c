/* SPDX-License-Identifier: Apache-2.0 */
/* The API's events and counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"

#define JSON "Content-Type: application/json\r\n"

static int begin(void **state)
{
	struct apiserver *s = apiserver_new(2, 2);

	*state = s;
	apiserver_start(s);
	return 0;
}

static int end(void **state)
{
	apiserver_free(*state);
	return 0;
}

/* a stream; @header: Last-Event-ID with its line end, or "" */
static int listen_to(struct apiserver *s, const char *header)
{
	pt_autofree char *text = pt_strf("GET /v1/events HTTP/1.1\r\nHost: x\r\n%s\r\n", header);
	int fd = api_connect(s);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	return fd;
}

/* what came, until it holds @word; the caller frees */
static char *hear(int fd, const char *word)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	long long until = pt_watch_now_ms() + 10000;

	pt_buf_add(&b, "");
	while (!strstr(b.s, word)) {
		size_t n = 0;
		pt_autofree char *part = api_read(fd, 50, &n);

		pt_buf_addn(&b, part, n);
		if (pt_watch_now_ms() > until)
			fail_msg("no '%s' in: %s", word, b.s);
	}
	return pt_buf_take(&b);
}

static char *claim(struct apiserver *s)
{
	struct answer a;
	char *id;

	api_ask(s, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\"}", &a);
	assert_int_equal(a.status, 201);
	id = pt_strdup(json_string_value(json_object_get(json_object_get(a.json, "claim"), "id")));
	answer_done(&a);
	return id;
}

static void release(struct apiserver *s, const char *id)
{
	pt_autofree char *request = pt_strf("DELETE /v1/claims/%s", id);
	struct answer a;

	api_ask(s, request, "If-Match: *\r\n", NULL, &a);
	assert_int_equal(a.status, 200);
	answer_done(&a);
}

/* the last id in a stream's text; the caller frees */
static char *last_id(const char *text)
{
	const char *last = NULL;

	for (const char *p = text; (p = strstr(p, "\nid: ")); p++)
		last = p + 5;
	assert_non_null(last);
	return pt_strndup(last, strcspn(last, "\r\n"));
}

static void a_stream_tells_what_happens(void **state)
{
	struct apiserver *s = *state;
	int fd = listen_to(s, "");
	pt_autofree char *begun = hear(fd, "event: begin");
	pt_autofree char *id = claim(s);
	pt_autofree char *made = hear(fd, "event: claim");
	pt_autofree char *gone = NULL;

	assert_non_null(strstr(begun, "text/event-stream"));
	assert_non_null(strstr(made, id));
	release(s, id);
	gone = hear(fd, "event: released");
	assert_non_null(strstr(gone, id));
	(void)close(fd);
}

static void a_stream_goes_on_where_it_was_cut(void **state)
{
	struct apiserver *s = *state;
	int fd = listen_to(s, "");
	pt_autofree char *first = claim(s);
	pt_autofree char *heard = hear(fd, first);
	pt_autofree char *id = last_id(heard);
	pt_autofree char *header = pt_strf("Last-Event-ID: %s\r\n", id);
	pt_autofree char *second = NULL;
	pt_autofree char *third = NULL;
	pt_autofree char *missed = NULL;

	(void)close(fd);
	second = claim(s);
	third = claim(s);
	fd = listen_to(s, header);
	missed = hear(fd, third);
	assert_non_null(strstr(missed, second));
	assert_null(strstr(missed, first));
	assert_null(strstr(missed, "reset"));
	(void)close(fd);
}

static void an_id_that_is_not_known_begins_anew(void **state)
{
	static const char *const ids[] = { "0", "999999999", "x", "-1", "99999999999999999999999999" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		pt_autofree char *header = pt_strf("Last-Event-ID: %s\r\n", ids[i]);
		int fd = listen_to(*state, header);
		free(hear(fd, "event: reset"));
		(void)close(fd);
	}
}

/* more listeners than one peer may have, and an end with all of them there */
static void listeners_are_counted(void **state)
{
	struct apiserver *s = *state;
	int fds[80];
	unsigned refused = 0;
	pt_autofree char *id = NULL;

	for (size_t i = 0; i < 80; i++)
		fds[i] = listen_to(s, "");
	for (size_t i = 0; i < 80; i++) {
		pt_autofree char *text = hear(fds[i], "\r\n\r\n");

		refused += strstr(text, " 503 ") != NULL;
	}
	assert_int_equal(refused, 16);
	id = claim(s);
	for (size_t i = 0; i < 80; i++)
		(void)close(fds[i]);
}

static double value_of(const char *text, const char *series)
{
	const char *at = strstr(text, series);

	if (!at)
		fail_msg("no %s in:\n%s", series, text);
	return strtod(at + strlen(series), NULL);
}

static void counts_are_right(void **state)
{
	struct apiserver *s = *state;
	struct answer a;
	double free_ones;

	free(claim(s));
	api_ask(s, "POST /v1/claims", JSON, "{\"asked\": \"gpu:3\", \"for\": \"vm1\"}", &a);
	assert_int_equal(a.status, 409);
	answer_done(&a);
	api_ask(s, "GET /metrics", "", NULL, &a);
	assert_int_equal(a.status, 200);
	free_ones = value_of(a.body, "passthru_devices{host=\"host-000\",class=\"10de:2330\",type=\"type-PCI\",state="
				     "\"free\"} ");
	assert_true(free_ones == 1);
	assert_true(value_of(a.body, "passthru_devices{host=\"host-000\",class=\"10de:2330\",type=\"type-PCI\",state="
				     "\"claimed\"} ") == 1);
	assert_true(value_of(a.body, "passthru_devices{host=\"host-001\",class=\"10de:2330\",type=\"type-PCI\",state="
				     "\"free\"} ") == 2);
	assert_true(value_of(a.body, "passthru_claims{host=\"host-000\"} ") == 1);
	assert_true(value_of(a.body, "passthru_decisions_total{outcome=\"yes\",reason=\"\"} ") == 1);
	assert_true(value_of(a.body, "passthru_decisions_total{outcome=\"no\",reason=") >= 0);
	assert_true(value_of(a.body, "passthru_store_seconds_count{op=\"claim\"} ") == 1);
	assert_true(value_of(a.body, "passthru_store_seconds_bucket{op=\"claim\",le=\"+Inf\"} ") == 1);
	assert_true(value_of(a.body, "\npassthru_store_up ") == 1);
	answer_done(&a);
}

/* what is taken by others, past the API, is known to the next decision */
static void the_model_follows_the_store(void **state)
{
	struct apiserver *s = *state;
	struct pt_error err = { 0 };
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct answer a;

	assert_int_equal(pt_fleet_load(s->store, &s->pci, &fleet, &err), 0);
	for (unsigned i = 0; i < 4; i++) {
		PT_AUTO(pt_claim) made = { 0 };

		if (claiming_claim(&fleet, "gpu:1", "other", &made, &err) != 1)
			fail_msg("%s", err.msg);
	}
	api_ask(s, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\"}", &a);
	assert_int_equal(a.status, 409);
	answer_done(&a);
	claiming_publish(s->store, 3, 2);
	api_ask(s, "POST /v1/claims", JSON, "{\"asked\": \"gpu:2\", \"for\": \"vm1\"}", &a);
	assert_int_equal(a.status, 201);
	answer_done(&a);
	claiming_check(s->store, &s->pci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stream_tells_what_happens, begin, end),
		cmocka_unit_test_setup_teardown(a_stream_goes_on_where_it_was_cut, begin, end),
		cmocka_unit_test_setup_teardown(an_id_that_is_not_known_begins_anew, begin, end),
		cmocka_unit_test_setup_teardown(listeners_are_counted, begin, end),
		cmocka_unit_test_setup_teardown(counts_are_right, begin, end),
		cmocka_unit_test_setup_teardown(the_model_follows_the_store, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
