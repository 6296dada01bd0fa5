/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.json tells the truth: the routes that there are, and the members that answers have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "api/route.h"
#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "fakesys.h"
#include "hosts.h"
#include "schema.h"
#include "shape/novaconf.h"

#define JSON "Content-Type: application/json\r\n"

struct desk {
	struct apiserver *s;
	struct fakesys *sys;
	json_t *doc;
};

/* what the host beside the fleet offers: its HBA */
static void offer(struct pt_pci_config *ret)
{
	static const char conf[] = "[pci]\n"
				   "device_spec = { \"vendor_id\": \"1000\" }\n"
				   "alias = { \"vendor_id\":\"10de\", \"product_id\":\"2330\", "
				   "\"device_type\":\"type-PCI\", \"name\":\"gpu\" }\n";
	PT_AUTO(pt_ini) ini = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };

	pt_pci_config_done(ret);
	*ret = (struct pt_pci_config){ 0 };
	assert_int_equal(pt_ini_parse(conf, "conf", &ini, NULL), 0);
	assert_int_equal(pt_novaconf_read(&ini, "conf", ret, &hints, NULL), 0);
}

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));
	pt_autofree char *path = pt_strf("%s/docs/openapi.json", getenv("PT_SOURCE"));
	FILE *f;

	*state = d;
	d->doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	/* it counts descriptors: first of all, and freed last */
	d->sys = fakesys_new();
	d->s = apiserver_new(2, 2);
	host_dell_r530(d->sys);
	offer(&d->s->pci);
	d->s->setup.sysroot = d->sys->dir;
	d->s->conf = pt_strf("%s/conf", d->s->dir);
	d->s->files[0] = d->s->conf;
	f = fopen(d->s->conf, "we");
	(void)fprintf(f,
		      "[store]\ndirectory = %s/state\n[pci]\n"
		      "device_spec = { \"vendor_id\": \"10de\", \"product_id\": \"2330\" }\n"
		      "alias = { \"vendor_id\":\"10de\", \"product_id\":\"2330\", \"device_type\":\"type-PCI\", "
		      "\"name\":\"gpu\" }\n",
		      d->s->dir);
	(void)fclose(f);
	apiserver_start(d->s);
	return d->doc ? 0 : -1;
}

static int end(void **state)
{
	struct desk *d = *state;

	apiserver_free(d->s);
	fakesys_free(d->sys);
	json_decref(d->doc);
	free(d);
	return 0;
}

static const json_t *operation(const json_t *doc, const char *path, const char *method)
{
	pt_autofree char *lower = pt_strdup(method);

	for (char *c = lower; *c; c++)
		*c = (char)(*c | 0x20);
	return json_object_get(json_object_get(json_object_get(doc, "paths"), path), lower);
}

static size_t count_words(const char *text)
{
	size_t n = 0;

	for (const char *p = text ? text : ""; *p; n++) {
		p += strcspn(p, " ");
		p += *p == ' ';
	}
	return n;
}

static size_t count_open(const char *path)
{
	size_t n = 0;

	for (const char *p = path; (p = strchr(p, '{')); p++)
		n++;
	return n;
}

/* parameters of one kind, each of which the route knows */
static size_t check_parameters(const json_t *op, const struct pt_route *r, const char *in)
{
	const json_t *list = json_object_get(op, "parameters");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *p = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(p, "name"));

		if (strcmp(json_string_value(json_object_get(p, "in")), in) != 0)
			continue;
		n++;
		if (strcmp(in, "query") == 0 && !(r->query && strstr(r->query, name)))
			fail_msg("%s %s has no parameter %s", r->method, r->path, name);
		if (strcmp(in, "path") == 0) {
			pt_autofree char *open = pt_strf("{%s}", name);

			assert_non_null(strstr(r->path, open));
		}
	}
	return n;
}

static void every_route_is_in_the_document_and_no_other(void **state)
{
	struct desk *d = *state;
	size_t routes = 0;
	size_t operations = 0;
	const char *path;
	json_t *methods;

	for (const struct pt_route *r = pt_routes; r->method; r++) {
		const json_t *op = operation(d->doc, r->path, r->method);

		if (!op)
			fail_msg("%s %s is not in docs/openapi.json", r->method, r->path);
		assert_string_equal(json_string_value(json_object_get(op, "x-role")), pt_role_str(r->role));
		assert_int_equal(check_parameters(op, r, "query"), count_words(r->query));
		assert_int_equal(check_parameters(op, r, "path"), count_open(r->path));
		assert_int_equal(json_object_get(op, "requestBody") != NULL, (r->flags & PT_ROUTE_BODY) != 0);
		routes++;
	}
	json_object_foreach(json_object_get(d->doc, "paths"), path, methods) operations += json_object_size(methods);
	assert_int_equal(routes, operations);
}

static void what_is_served_is_the_document(void **state)
{
	struct desk *d = *state;
	struct answer a;

	api_ask(d->s, "GET /v1/openapi.json", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(json_equal(a.json, d->doc));
	answer_done(&a);
}

/* ask, and hold the answer against what the document says of that status; the caller frees */
static struct answer check(struct desk *d, int status, const char *request, const char *path, const char *headers,
			   const char *body)
{
	pt_autofree char *method = pt_strndup(request, strcspn(request, " "));
	pt_autofree char *number = pt_strf("%d", status);
	const json_t *responses = json_object_get(operation(d->doc, path, method), "responses");
	const json_t *one = json_object_get(responses, number);
	const json_t *schema;
	pt_autofree char *wrong = NULL;
	struct answer a;

	api_ask(d->s, request, headers, body, &a);
	if (a.status != status)
		fail_msg("%s: %d, not %d\n%s", request, a.status, status, a.body ? a.body : "");
	one = json_object_get(one ? one : json_object_get(responses, "default"), "content");
	schema = json_object_get(json_object_get(one, status < 400 ? "application/json" : "application/problem+json"),
				 "schema");
	if (!schema || !a.json)
		fail_msg("%s: no schema for %d, or no JSON", request, status);
	wrong = schema_check(d->doc, schema, a.json);
	if (wrong)
		fail_msg("%s: %s\n%s", request, wrong, a.body);
	return a;
}

static void answers_have_the_members_that_are_documented(void **state)
{
	static const char body[] = "{\"asked\": \"gpu\", \"for\": \"vm1\", \"id\": \"c-0123456789abcdef0123\"}";
	static const struct {
		int status;
		const char *request;
		const char *path;
		const char *headers;
		const char *body;
	} cases[] = {
		{ 200, "GET /healthz", "/healthz", "", NULL },
		{ 201, "POST /v1/claims", "/v1/claims", JSON, body },
		{ 200, "POST /v1/claims", "/v1/claims", JSON, body },
		{ 409, "POST /v1/claims", "/v1/claims", JSON, "{\"asked\": \"gpu:9\", \"for\": \"vm1\"}" },
		{ 200, "GET /v1/claims", "/v1/claims", "", NULL },
		{ 200, "GET /v1/claims/c-0123456789abcdef0123", "/v1/claims/{claim}", "", NULL },
		{ 404, "GET /v1/claims/c-00000000000000000000", "/v1/claims/{claim}", "", NULL },
		{ 200, "POST /v1/decisions", "/v1/decisions", JSON, "{\"asked\": \"gpu\"}" },
		{ 200, "POST /v1/decisions", "/v1/decisions", JSON, "{\"asked\": \"gpu:9\"}" },
		{ 200, "GET /v1/fleet/hosts", "/v1/fleet/hosts", "", NULL },
		{ 200, "GET /v1/fleet/hosts/host-000", "/v1/fleet/hosts/{host}", "", NULL },
		{ 200, "GET /v1/fleet/devices", "/v1/fleet/devices", "", NULL },
		{ 200, "GET /v1/fleet/devices?free&host=host-001", "/v1/fleet/devices", "", NULL },
		{ 200, "GET /v1/fleet/why/gpu:9", "/v1/fleet/why/{request}", "", NULL },
		{ 200, "GET /v1/fleet/limits", "/v1/fleet/limits", "", NULL },
		{ 200, "PUT /v1/fleet/limits/red/gpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{\"limit\": 3}" },
		{ 200, "GET /v1/fleet/limits", "/v1/fleet/limits", "", NULL },
		{ 200, "GET /v1/fleet/limits/red", "/v1/fleet/limits/{project}", "", NULL },
		{ 400, "PUT /v1/fleet/limits/red/tpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{\"limit\": 3}" },
		{ 400, "PUT /v1/fleet/limits/a%20b/gpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{\"limit\": 3}" },
		{ 400, "PUT /v1/fleet/limits/red/gpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{\"limit\": -1}" },
		{ 400, "PUT /v1/fleet/limits/red/gpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{\"limit\": 1e9}" },
		{ 400, "PUT /v1/fleet/limits/red/gpu", "/v1/fleet/limits/{project}/{alias}", JSON, "{}" },
		{ 200, "DELETE /v1/fleet/limits/red/gpu", "/v1/fleet/limits/{project}/{alias}", "", NULL },
		{ 200, "POST /v1/fleet/hosts/host-000/evacuate", "/v1/fleet/hosts/{host}/evacuate", JSON,
		  "{\"fenced\": true}" },
		{ 409, "POST /v1/fleet/hosts/host-000/evacuate", "/v1/fleet/hosts/{host}/evacuate", JSON,
		  "{\"fenced\": false}" },
		{ 400, "POST /v1/fleet/hosts/host-000/evacuate", "/v1/fleet/hosts/{host}/evacuate", JSON,
		  "{\"force\": true}" },
		{ 404, "POST /v1/fleet/hosts/nowhere/evacuate", "/v1/fleet/hosts/{host}/evacuate", JSON,
		  "{\"fenced\": true}" },
		{ 200, "DELETE /v1/claims/c-0123456789abcdef0123", "/v1/claims/{claim}", "If-Match: *\r\n", NULL },
		{ 200, "DELETE /v1/fleet/hosts/host-000", "/v1/fleet/hosts/{host}", "If-Match: *\r\n", NULL },
		{ 200, "GET /v1/facts", "/v1/facts", "", NULL },
		{ 200, "GET /v1/devices?match=all", "/v1/devices", "", NULL },
		{ 400, "GET /v1/devices?match=nonesuch", "/v1/devices", "", NULL },
		{ 200, "GET /v1/devices/01:00.0", "/v1/devices/{device}", "", NULL },
		{ 404, "GET /v1/devices/--sysroot=x", "/v1/devices/{device}", "", NULL },
		{ 200, "GET /v1/tree", "/v1/tree", "", NULL },
		{ 200, "GET /v1/providers", "/v1/providers", "", NULL },
		{ 200, "GET /v1/changes", "/v1/changes", "", NULL },
		{ 404, "GET /v1/changes/7", "/v1/changes/{change}", "", NULL },
		{ 403, "POST /v1/plans", "/v1/plans", JSON,
		  "{\"verb\": \"attach\", \"vm\": \"x\", \"devices\": [\"0000:06:00.0\"]}" },
		{ 404, "POST /v1/plans", "/v1/plans", JSON,
		  "{\"verb\": \"attach\", \"vm\": \"x\", \"devices\": [\"0000:99:00.0\"]}" },
		{ 400, "POST /v1/plans", "/v1/plans", JSON,
		  "{\"verb\": \"attach\", \"vm\": \"x\", \"devices\": [\"eno1\"]}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct answer a = check(*state, cases[i].status, cases[i].request, cases[i].path, cases[i].headers,
					cases[i].body);

		answer_done(&a);
	}
}

/* a program in the place of ours, which changes the running host alone: it keeps its words, and answers */
static void stand_in(const struct desk *d, const char *path, const char *answer, int status)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s/words\nprintf '%%s' '%s'\nexit %d\n", d->s->dir, answer,
		      status);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
}

static void assert_words(const struct desk *d, const char *expected)
{
	pt_autofree char *path = pt_strf("%s/words", d->s->dir);
	FILE *f = fopen(path, "re");
	char words[1024] = "";
	size_t n;

	assert_non_null(f);
	n = fread(words, 1, sizeof(words) - 1, f);
	(void)fclose(f);
	words[n] = '\0';
	assert_string_equal(words, expected);
}

static void a_plan_is_asked_for_in_fixed_words(void **state)
{
	static const char attach[] = "{\"verb\": \"attach\", \"vm\": \"--yes\", \"devices\": [\"0000:01:00.0\"], "
				     "\"network\": \"$(id)\", \"live\": true}";
	struct desk *d = *state;
	pt_autofree char *program = pt_strf("%s/stand-in", d->s->dir);
	pt_autofree char *expected = pt_strf("attach\n--json\n--sysroot=%s\n--dry-run\n--yes\n--live\n--network=$(id)\n"
					     "--\n--yes\n0000:01:00.0\n",
					     d->sys->dir);
	struct answer a;

	pt_api_stop(d->s->api);
	stand_in(d, program, "{\"plan\": {\"steps\": []}, \"made\": false, \"spent\": {}}", 0);
	d->s->setup.program = program;
	apiserver_start(d->s);
	a = check(d, 200, "POST /v1/plans", "/v1/plans", JSON, attach);
	answer_done(&a);
	assert_words(d, expected);
	stand_in(d, program,
		 "{\"error\": {\"message\": \"it is in use\", \"kind\": \"refused\", \"refusal\": \"mounted\"}}", 3);
	a = check(d, 409, "POST /v1/plans", "/v1/plans", JSON,
		  "{\"verb\": \"reserve\", \"devices\": [\"0000:01:00.0\"]}");
	assert_string_equal(json_string_value(json_object_get(a.json, "refusal")), "mounted");
	answer_done(&a);
	/* and what is no answer is none */
	stand_in(d, program, "Segmentation fault", 139);
	a = check(d, 500, "POST /v1/plans", "/v1/plans", JSON,
		  "{\"verb\": \"reserve\", \"devices\": [\"0000:01:00.0\"]}");
	answer_done(&a);
	pt_api_stop(d->s->api);
	d->s->setup.program = getenv("PT_PASSTHRU");
	apiserver_start(d->s);
}

/* the check itself: a member too many, one too few, another type */
static void an_answer_that_differs_is_found(void **state)
{
	struct desk *d = *state;
	const json_t *schemas = json_object_get(json_object_get(d->doc, "components"), "schemas");
	const json_t *claim = json_object_get(schemas, "Claims");
	static const char *const wrong[] = { "{}", "{\"claims\": {}}", "{\"claims\": [], \"more\": 1}",
					     "{\"claims\": [{\"id\": 1}]}" };

	for (size_t i = 0; i < 4; i++) {
		json_t *o = json_loads(wrong[i], 0, NULL);
		pt_autofree char *said = schema_check(d->doc, claim, o);

		json_decref(o);
		assert_non_null(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_in_the_document_and_no_other),
		cmocka_unit_test(what_is_served_is_the_document),
		cmocka_unit_test(an_answer_that_differs_is_found),
		cmocka_unit_test(answers_have_the_members_that_are_documented),
		cmocka_unit_test(a_plan_is_asked_for_in_fixed_words),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
