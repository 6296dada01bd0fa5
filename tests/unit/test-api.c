/* SPDX-License-Identifier: Apache-2.0 */
/* The API on its unix socket, over both stores: routes, roles, claims with ETag and If-Match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "storestage.h"

#define JSON "Content-Type: application/json\r\n"

static int begin(void **state)
{
	struct apiserver *s = apiserver_new(3, 4);

	*state = s;
	apiserver_start(s);
	return 0;
}

static int begin_on_etcd(void **state)
{
	struct apiserver *s = apiserver_new_etcd(3, 4);

	*state = s;
	apiserver_start(s);
	return 0;
}

static int end(void **state)
{
	apiserver_free(*state);
	return 0;
}

/* what is answered to a request; the status must be @status; the caller frees by answer_done() */
static struct answer ask(struct apiserver *s, int status, const char *request, const char *headers, const char *body)
{
	struct answer a;

	api_ask(s, request, headers, body, &a);
	if (a.status != status)
		fail_msg("%s: %d, not %d\n%s%s", request, a.status, status, a.head ? a.head : "", a.body ? a.body : "");
	return a;
}

static void assert_header(const struct answer *a, const char *name, const char *expected)
{
	pt_autofree char *value = answer_header(a, name);

	if (!pt_streq(value, expected))
		fail_msg("%s: %s, not %s", name, value ? value : "(none)", expected);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	assert_non_null(text);
	return text;
}

/* made and answered 201; the caller frees */
static char *claim(struct apiserver *s, const char *asked)
{
	pt_autofree char *body = pt_strf("{\"asked\": \"%s\", \"for\": \"vm1\"}", asked);
	struct answer a = ask(s, 201, "POST /v1/claims", JSON, body);
	char *id = pt_strdup(text_of(json_object_get(a.json, "claim"), "id"));

	answer_done(&a);
	return id;
}

static void health_tells_that_the_store_is_known(void **state)
{
	struct answer a = ask(*state, 200, "GET /healthz", "", NULL);

	assert_string_equal(text_of(a.json, "status"), "ok");
	assert_header(&a, "Content-Type", "application/json");
	assert_header(&a, "X-Content-Type-Options", "nosniff");
	answer_done(&a);
}

static void a_claim_is_made_seen_and_released(void **state)
{
	struct apiserver *s = *state;
	pt_autofree char *id = claim(s, "gpu:2");
	pt_autofree char *path = pt_strf("GET /v1/claims/%s", id);
	pt_autofree char *delete = pt_strf("DELETE /v1/claims/%s", id);
	pt_autofree char *etag = NULL;
	pt_autofree char *match = NULL;
	struct answer a = ask(s, 200, path, "", NULL);

	assert_int_equal(json_array_size(json_object_get(json_object_get(a.json, "claim"), "devices")), 2);
	etag = answer_header(&a, "ETag");
	assert_non_null(etag);
	answer_done(&a);
	claiming_check(s->store, &s->pci);

	a = ask(s, 428, delete, "", NULL);
	answer_done(&a);
	a = ask(s, 412, delete, "If-Match: \"1\"\r\n", NULL);
	answer_done(&a);
	match = pt_strf("If-Match: \"1\", %s\r\n", etag);
	a = ask(s, 200, delete, match, NULL);
	assert_int_equal(json_array_size(json_object_get(a.json, "released")), 1);
	answer_done(&a);
	a = ask(s, 404, path, "", NULL);
	assert_header(&a, "Content-Type", "application/problem+json");
	assert_string_equal(text_of(a.json, "hint"), "`passthru claims` lists them");
	answer_done(&a);
}

/* "no" to a GET is about now, to a DELETE for good: what is still on its way does not land */
static void what_is_deleted_and_not_there_never_will_be(void **state)
{
	static const char body[] = "{\"asked\": \"gpu\", \"for\": \"vm1\", \"id\": \"c-00000000000000000001\"}";
	struct apiserver *s = *state;
	struct answer a = ask(s, 404, "GET /v1/claims/c-00000000000000000001", "", NULL);

	answer_done(&a);
	a = ask(s, 201, "POST /v1/claims", JSON, body);
	answer_done(&a);
	a = ask(s, 200, "DELETE /v1/claims/c-00000000000000000001", "If-Match: *\r\n", NULL);
	answer_done(&a);
	a = ask(s, 404, "DELETE /v1/claims/c-00000000000000000001", "If-Match: *\r\n", NULL);
	answer_done(&a);
	a = ask(s, 409, "POST /v1/claims", JSON, body);
	answer_done(&a);
	claiming_check(s->store, &s->pci);
}

static void the_same_id_again_is_the_same_claim(void **state)
{
	static const char body[] = "{\"asked\": \"gpu\", \"for\": \"vm1\", \"id\": \"c-0123456789abcdef0123\"}";
	static const char other[] = "{\"asked\": \"gpu\", \"for\": \"vm2\", \"id\": \"c-0123456789abcdef0123\"}";
	struct apiserver *s = *state;
	struct answer a = ask(s, 201, "POST /v1/claims", JSON, body);

	assert_header(&a, "Location", "/v1/claims/c-0123456789abcdef0123");
	answer_done(&a);
	a = ask(s, 200, "POST /v1/claims", JSON, body);
	answer_done(&a);
	a = ask(s, 409, "POST /v1/claims", JSON, other);
	answer_done(&a);
	a = ask(s, 200, "GET /v1/claims", "", NULL);
	assert_int_equal(json_array_size(json_object_get(a.json, "claims")), 1);
	answer_done(&a);
}

static void what_does_not_fit_is_told_why(void **state)
{
	struct apiserver *s = *state;
	struct answer a = ask(s, 409, "POST /v1/claims", JSON, "{\"asked\": \"gpu:5\", \"for\": \"vm1\"}");

	assert_int_equal(json_array_size(json_object_get(a.json, "hosts")), 3);
	assert_true(json_is_null(json_object_get(a.json, "claim")));
	assert_string_equal(text_of(a.json, "kind"), "refused");
	assert_non_null(strstr(text_of(a.json, "detail"), "3 hosts"));
	answer_done(&a);
	a = ask(s, 400, "POST /v1/claims", JSON, "{\"asked\": \"tpu:1\", \"for\": \"vm1\"}");
	assert_string_equal(text_of(a.json, "kind"), "usage");
	answer_done(&a);
	a = ask(s, 404, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\", \"host\": \"nowhere\"}");
	answer_done(&a);
}

/* twelve devices: each claim takes one, whatever the model knew of the one before */
static void claims_in_a_row_never_meet_an_old_view(void **state)
{
	struct apiserver *s = *state;
	struct answer a;

	for (unsigned i = 0; i < 12; i++) {
		pt_autofree char *id = claim(s, "gpu");

		assert_int_equal(strlen(id), 22);
	}
	a = ask(s, 409, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\"}");
	answer_done(&a);
	claiming_check(s->store, &s->pci);
}

static void a_decision_takes_nothing(void **state)
{
	struct apiserver *s = *state;
	struct answer a = ask(s, 200, "POST /v1/decisions", JSON, "{\"asked\": \"gpu:4\"}");

	assert_true(json_is_true(json_object_get(a.json, "fits")));
	assert_int_equal(json_array_size(json_object_get(a.json, "devices")), 4);
	answer_done(&a);
	a = ask(s, 200, "POST /v1/decisions", JSON, "{\"asked\": \"gpu:5\"}");
	assert_true(json_is_false(json_object_get(a.json, "fits")));
	assert_int_equal(json_array_size(json_object_get(a.json, "hosts")), 3);
	answer_done(&a);
	a = ask(s, 200, "GET /v1/claims", "", NULL);
	assert_int_equal(json_array_size(json_object_get(a.json, "claims")), 0);
	answer_done(&a);
}

static void hosts_are_listed_and_withdrawn(void **state)
{
	struct apiserver *s = *state;
	struct answer a = ask(s, 200, "GET /v1/fleet/hosts", "", NULL);
	pt_autofree char *etag = answer_header(&a, "ETag");
	pt_autofree char *seen = pt_strf("If-None-Match: %s\r\n", etag);

	assert_int_equal(json_array_size(json_object_get(a.json, "hosts")), 3);
	answer_done(&a);
	a = ask(s, 304, "GET /v1/fleet/hosts", seen, NULL);
	assert_int_equal(a.size, 0);
	answer_done(&a);
	a = ask(s, 200, "GET /v1/fleet/hosts/host-001", "", NULL);
	assert_non_null(json_object_get(a.json, "host"));
	answer_done(&a);
	a = ask(s, 200, "DELETE /v1/fleet/hosts/host-001", "If-Match: *\r\n", NULL);
	answer_done(&a);
	a = ask(s, 404, "GET /v1/fleet/hosts/host-001", "", NULL);
	answer_done(&a);
}

struct case_ {
	int status;
	const char *request;
	const char *headers;
	const char *body;
};

static void what_is_wrong_is_refused_with_its_status(void **state)
{
	static const struct case_ cases[] = {
		{ 404, "GET /", "", NULL },
		{ 404, "GET /v2/claims", "", NULL },
		{ 400, "GET /v1/../healthz", "", NULL },
		{ 400, "GET /v1/%2e%2e/healthz", "", NULL },
		{ 400, "GET //healthz", "", NULL },
		{ 400, "GET /v1/claims/", "", NULL },
		{ 400, "GET /v1/claims%2fx", "", NULL },
		{ 400, "GET /healthz%00", "", NULL },
		{ 400, "GET /v1/claims/%ff", "", NULL },
		{ 400, "GET /v1/claims/%zz", "", NULL },
		{ 400, "GET /v1/claims/%1", "", NULL },
		{ 400, "GET healthz", "", NULL },
		{ 400, "GET /v1/claims?color=red", "", NULL },
		{ 400, "GET /v1/claims/x", "", NULL },
		{ 405, "POST /healthz", "", "" },
		{ 405, "PATCH /v1/claims", "", "" },
		{ 405, "BREW /v1/claims", "", NULL },
		{ 406, "GET /v1/claims", "Accept: image/png\r\n", NULL },
		{ 406, "GET /healthz", "Accept: application/json;q=0\r\n", NULL },
		{ 411, "POST /v1/claims", JSON, NULL },
		{ 413, "POST /v1/claims", JSON "Content-Length: 99999999\r\n", NULL },
		{ 415, "POST /v1/claims", "Content-Type: text/xml\r\n", "{}" },
		{ 415, "POST /v1/claims", "", "{}" },
		{ 415, "POST /v1/claims", "Content-Type: application/jsonx\r\n", "{}" },
		{ 428, "DELETE /v1/claims/c-0123456789abcdef0123", "", NULL },
		{ 400, "GET /healthz", "", "body" },
		{ 400, "POST /v1/claims", JSON, "" },
		{ 400, "POST /v1/claims", JSON, "[]" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\"" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"\xff\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"a\\u0000b\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"a\\u001bb\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"asked\": \"gpu\", \"for\": \"x\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"x\", \"force\": true}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": 1, \"for\": \"x\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu:-1\", \"for\": \"x\"}" },
		{ 409, "POST /v1/claims", JSON, "{\"asked\": \"gpu:99999999999\", \"for\": \"x\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"for\": \"x\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\"}" },
		{ 400, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"x\", \"id\": \"../x\"}" },
		{ 400, "POST /v1/claims", JSON, "[[[[[[[[[[[[[[[[[[[[" },
		{ 404, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"x\", \"host\": \"../../etc\"}" },
		{ 404, "GET /v1/fleet/hosts/%20", "", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct case_ *c = &cases[i];
		struct answer a = ask(*state, c->status, c->request, c->headers, c->body);

		assert_header(&a, "Content-Type", "application/problem+json");
		assert_int_equal(json_integer_value(json_object_get(a.json, "status")), c->status);
		assert_true(strlen(text_of(a.json, "detail")) > 0);
		assert_true(strlen(text_of(a.json, "title")) > 0);
		answer_done(&a);
	}
}

static void a_method_that_is_not_there_tells_those_that_are(void **state)
{
	struct answer a = ask(*state, 405, "PUT /v1/claims/c-0123456789abcdef0123", "", "");

	assert_header(&a, "Allow", "GET, HEAD, DELETE");
	answer_done(&a);
	a = ask(*state, 200, "HEAD /healthz", "", NULL);
	assert_int_equal(a.size, 0);
	answer_done(&a);
}

static void write_record(struct apiserver *s, const char *key, const char *value)
{
	const struct pt_write write = { key, value, 0 };
	const struct pt_txn txn = { .writes = &write, .n_writes = 1 };
	struct pt_error err = { 0 };

	if (pt_store_commit(s->store, &txn, NULL, NULL, &err) != 1)
		fail_msg("%s", err.msg);
}

/* released, it waits for its agent: the ETag that was seen before is another one's then */
static void what_has_changed_is_not_released(void **state)
{
	struct apiserver *s = *state;
	pt_autofree char *id = claim(s, "gpu:2");
	pt_autofree char *path = pt_strf("GET /v1/claims/%s", id);
	pt_autofree char *delete = pt_strf("DELETE /v1/claims/%s", id);
	struct answer a = ask(s, 200, path, "", NULL);
	pt_autofree char *etag = answer_header(&a, "ETag");
	pt_autofree char *match = pt_strf("If-Match: %s\r\n", etag);
	pt_autofree char *key = NULL;
	pt_autofree char *word = pt_strf("{\"id\": \"%s\", \"state\": \"bound\", \"when\": 1}", id);

	key = pt_strf("acks/%s/%s", text_of(json_object_get(a.json, "claim"), "host"), id);
	answer_done(&a);
	write_record(s, key, word);
	a = ask(s, 202, delete, match, NULL);
	answer_done(&a);
	a = ask(s, 412, delete, match, NULL);
	answer_done(&a);
	a = ask(s, 202, delete, "If-Match: *\r\n", NULL);
	answer_done(&a);
	a = ask(s, 200, path, "", NULL);
	assert_string_equal(text_of(json_object_get(json_object_get(a.json, "claim"), "ack"), "state"), "bound");
	answer_done(&a);
}

static void claims_of_a_host_that_is_off_are_placed_on_others(void **state)
{
	struct apiserver *s = *state;
	pt_autofree char *id = claim(s, "gpu:2");
	pt_autofree char *path = pt_strf("GET /v1/claims/%s", id);
	struct answer a = ask(s, 409, "POST /v1/fleet/hosts/host-000/evacuate", JSON, "{\"fenced\": false}");
	const json_t *one;

	assert_string_equal(text_of(a.json, "refusal"), "fenced");
	answer_done(&a);
	write_record(s, "alive/host-000", "{}");
	a = ask(s, 409, "POST /v1/fleet/hosts/host-000/evacuate", JSON, "{\"fenced\": true}");
	assert_string_equal(text_of(a.json, "refusal"), "alive");
	answer_done(&a);
	write_record(s, "alive/host-000", NULL);
	a = ask(s, 200, "POST /v1/fleet/hosts/host-000/evacuate", JSON, "{\"fenced\": true}");
	one = json_array_get(json_object_get(a.json, "claims"), 0);
	assert_string_equal(text_of(one, "fate"), "placed");
	assert_string_equal(text_of(json_object_get(one, "claim"), "id"), id);
	assert_null(answer_header(&a, "Passthru-Exit-Status"));
	answer_done(&a);
	a = ask(s, 200, path, "", NULL);
	assert_string_not_equal(text_of(json_object_get(a.json, "claim"), "host"), "host-000");
	answer_done(&a);
	claiming_check(s->store, &s->pci);
	/* where nothing is free it stays, and that is told */
	for (unsigned i = 0; i < 10; i++)
		free(claim(s, "gpu"));
	a = ask(s, 200, "POST /v1/fleet/hosts/host-000/evacuate", JSON, "{\"fenced\": true}");
	assert_header(&a, "Passthru-Exit-Status", "3");
	answer_done(&a);
	claiming_check(s->store, &s->pci);
}

static void a_limit_that_is_set_is_kept(void **state)
{
	struct apiserver *s = *state;
	struct answer a = ask(s, 200, "PUT /v1/fleet/limits/red/gpu", JSON, "{\"limit\": 1}");

	answer_done(&a);
	a = ask(s, 201, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\", \"project\": \"red\"}");
	answer_done(&a);
	a = ask(s, 409, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\", \"project\": \"red\"}");
	assert_non_null(strstr(text_of(a.json, "detail"), "red may have 1 gpu: it has 1"));
	answer_done(&a);
	a = ask(s, 200, "DELETE /v1/fleet/limits/red/gpu", "", NULL);
	assert_true(json_is_null(json_object_get(a.json, "limit")));
	answer_done(&a);
	a = ask(s, 201, "POST /v1/claims", JSON, "{\"asked\": \"gpu\", \"for\": \"vm1\", \"project\": \"red\"}");
	answer_done(&a);
}

#define TEST(test)                                                                                                     \
	{ #test, test, begin, end, NULL },                                                                             \
	{                                                                                                              \
#test ", etcd", test, begin_on_etcd, end, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(health_tells_that_the_store_is_known),
		TEST(a_claim_is_made_seen_and_released),
		TEST(what_is_deleted_and_not_there_never_will_be),
		TEST(the_same_id_again_is_the_same_claim),
		TEST(what_does_not_fit_is_told_why),
		TEST(claims_in_a_row_never_meet_an_old_view),
		TEST(a_decision_takes_nothing),
		TEST(hosts_are_listed_and_withdrawn),
		TEST(what_has_changed_is_not_released),
		TEST(claims_of_a_host_that_is_off_are_placed_on_others),
		TEST(a_limit_that_is_set_is_kept),
		TEST(what_is_wrong_is_refused_with_its_status),
		TEST(a_method_that_is_not_there_tells_those_that_are),
	};
	struct CMUnitTest here[sizeof(tests) / sizeof(*tests)];
	size_t n = 0;
	bool etcd = etcd_installed();
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (etcd || tests[i].setup_func == begin)
			here[n++] = tests[i];
	failed = _cmocka_run_group_tests("tests", here, n, storestage_start_etcd, storestage_stop_etcd);
	/* half of it was not run: said by name */
	return failed || etcd ? failed : 77;
}
