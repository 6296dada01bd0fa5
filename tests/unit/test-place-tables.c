/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of placement as tables: every tests/data/place/NAME.json, each case a test of its own.
 *
 * A file is {"about", "base": {...}, "cases": [[NAME, RULE, CHANGE, EXPECTED], ...]}; CHANGE is laid over base. Members
 * of both: spec or specs, alias, report, pip (config); devices, numa, hosts; ask, requests, policy, cells, guest, group
 * (request); line (the whole question); placement, providers (ask for providers).  A device is an object, or "ADDRESS
 * VENDOR:PRODUCT TYPE KEY=VALUE...".  EXPECTED is a list (addresses that device_spec offers) or an object: error, says,
 * fits, devices, n, stage, asked, found, refused, and for providers NAME: {...}.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/place-batch.h"
#include "shape/place.h"

struct table_case {
	json_t *base;
	json_t *spec;
};

/* "0000:41:00.0 8086:154d type-PF node=0": the short form of a device */
static json_t *device(const json_t *item)
{
	static const char *const longer[][2] = { { "node", "numa_node" },
						 { "total", "sriov_totalvfs" },
						 { "rp", "rp_uuid" },
						 { "card", "card_serial" },
						 { "vfid", "vf_product_id" } };
	pt_autofree char *copy = NULL;
	char *save = NULL;
	json_t *o;
	size_t at = 0;

	if (!json_is_string(item))
		return json_deep_copy(item);
	o = json_object();
	copy = pt_strdup(json_string_value(item));
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save), at++) {
		char *equals = strchr(word, '=');
		const char *key = at == 0 ? "address" : at == 2 ? "type" : word;

		if (at == 1) {
			word[4] = '\0';
			json_object_set_new(o, "vendor_id", json_string(word));
			json_object_set_new(o, "product_id", json_string(word + 5));
			continue;
		}
		if (at >= 3)
			*equals++ = '\0';
		for (size_t i = 0; i < sizeof(longer) / sizeof(*longer); i++)
			if (strcmp(longer[i][0], key) == 0)
				key = longer[i][1];
		if (strcmp(key, "numa_node") == 0 || strcmp(key, "sriov_totalvfs") == 0)
			json_object_set_new(o, key, json_integer(atoi(equals)));
		else
			json_object_set_new(o, key, json_string(at >= 3 ? equals : word));
	}
	return o;
}

static json_t *devices(const json_t *list)
{
	json_t *all = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) json_array_append_new(all, device(item));
	return all;
}

static json_t *as_list(const json_t *v)
{
	return json_is_array(v) ? json_deep_copy(v) : json_pack("[o]", json_deep_copy(v));
}

static void copy(json_t *to, const char *key, const json_t *from)
{
	if (from)
		json_object_set_new(to, key, json_deep_copy(from));
}

static json_t *config_of(const json_t *c)
{
	json_t *config = json_object();

	copy(config, "device_spec", json_object_get(c, "specs"));
	if (json_object_get(c, "spec") && !json_object_get(c, "specs"))
		json_object_set_new(config, "device_spec",
				    json_pack("[o]", json_deep_copy(json_object_get(c, "spec"))));
	if (json_object_get(c, "alias"))
		json_object_set_new(config, "alias", as_list(json_object_get(c, "alias")));
	copy(config, "report_in_placement", json_object_get(c, "report"));
	copy(config, "pci_in_placement", json_object_get(c, "pip"));
	return config;
}

static json_t *hosts_of(const json_t *c)
{
	json_t *hosts = json_object_get(c, "hosts") ? json_deep_copy(json_object_get(c, "hosts"))
						    : json_pack("[{s:s}]", "name", "h1");
	json_t *first = json_array_get(hosts, 0);
	json_t *host;
	size_t i;

	if (!json_object_get(c, "hosts")) {
		copy(first, "numa", json_object_get(c, "numa"));
		copy(first, "devices", json_object_get(c, "devices"));
	}
	copy(first, "placement", json_object_get(c, "placement"));
	json_array_foreach(hosts, i, host) if (json_is_array(json_object_get(host, "devices")))
		json_object_set_new(host, "devices", devices(json_object_get(host, "devices")));
	return hosts;
}

static json_t *request_of(const json_t *c)
{
	json_t *request = json_object();

	copy(request, "alias", json_object_get(c, "ask"));
	copy(request, "requests", json_object_get(c, "requests"));
	copy(request, "numa_policy", json_object_get(c, "policy"));
	copy(request, "guest_cells", json_object_get(c, "guest"));
	copy(request, "group_policy", json_object_get(c, "group"));
	if (json_is_array(json_object_get(c, "cells")))
		json_object_set_new(request, "cells",
				    json_pack("{s:o}", "h1", json_deep_copy(json_object_get(c, "cells"))));
	else
		copy(request, "cells", json_object_get(c, "cells"));
	return request;
}

static json_t *question_of(const json_t *c)
{
	if (json_object_get(c, "providers"))
		return json_pack("{s:o, s:o}", "config", config_of(c), "hosts", hosts_of(c));
	return json_pack("{s:o, s:o, s:o, s:s}", "config", config_of(c), "hosts", hosts_of(c), "request", request_of(c),
			 "devices", "chosen");
}

/* which devices device_spec offers, on the first host */
static json_t *offered(const json_t *question)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	json_t *list = json_array();

	assert_int_equal(pt_place_read_config(json_object_get(question, "config"), &config, NULL), 0);
	assert_int_equal(pt_place_read_hosts(json_object_get(question, "hosts"), &hosts, NULL), 0);
	assert_int_equal(pt_rules_compile(&config, &rules, NULL, NULL), 0);
	assert_int_equal(pt_view_make(&rules, &hosts.v[0], &view, NULL), 0);
	for (size_t i = 0; i < hosts.v[0].n; i++)
		if (view.spec[i] >= 0)
			json_array_append_new(list, json_string(pt_bdf_str(hosts.v[0].v[i].bdf).s));
	return list;
}

static void same(const json_t *found, const json_t *expected, const char *text)
{
	pt_autofree char *a = json_dumps(found, JSON_ENCODE_ANY | JSON_SORT_KEYS);
	pt_autofree char *b = json_dumps(expected, JSON_ENCODE_ANY | JSON_SORT_KEYS);

	if (!a || !b || strcmp(a, b) != 0)
		fail_msg("expected %s, found %s, in %s", b ? b : "nothing", a ? a : "nothing", text);
}

static void says(const json_t *message, const json_t *expected, const char *text)
{
	if (expected &&
	    (!json_string_value(message) || !strstr(json_string_value(message), json_string_value(expected))))
		fail_msg("'%s' is not said in %s", json_string_value(expected), text);
}

/* members that are expected must be as expected */
static void contains(const json_t *found, const json_t *expected, const char *text)
{
	const char *key;
	json_t *want;

	json_object_foreach((json_t *)(uintptr_t)expected, key, want) same(json_object_get(found, key), want, text);
}

static void check_providers(const json_t *host, const json_t *expected, const char *text)
{
	const char *key;
	json_t *want;

	says(json_object_get(host, "refused"), json_object_get(expected, "refused"), text);
	if (!json_object_get(expected, "refused") && json_object_get(host, "refused"))
		fail_msg("refused: %s", text);
	if (json_object_get(expected, "note"))
		says(json_array_get(json_object_get(host, "notes"), 0), json_object_get(expected, "note"), text);
	if (json_object_get(expected, "healed"))
		same(json_object_get(host, "healed"), json_object_get(expected, "healed"), text);
	if (json_object_get(expected, "count"))
		assert_int_equal(json_array_size(json_object_get(host, "providers")),
				 json_integer_value(json_object_get(expected, "count")));
	json_object_foreach((json_t *)(uintptr_t)expected, key, want)
	{
		const json_t *found = NULL;
		const json_t *p;
		size_t i;

		if (!strchr(key, '_'))
			continue;
		json_array_foreach(json_object_get(host, "providers"), i,
				   p) if (pt_streq(json_string_value(json_object_get(p, "name")), key)) found = p;
		if (!found)
			fail_msg("no provider %s in %s", key, text);
		contains(found, want, text);
	}
}

static void check_host(const json_t *host, const json_t *expected, const char *text)
{
	const json_t *reason = json_object_get(host, "reason");
	json_t *addresses = json_array();
	const json_t *given;
	size_t i;

	if (json_object_get(expected, "fits"))
		same(json_object_get(host, "fits"), json_object_get(expected, "fits"), text);
	json_array_foreach(json_object_get(host, "devices"), i, given)
		json_array_append(addresses, json_object_get(given, "address"));
	if (json_object_get(expected, "devices"))
		same(addresses, json_object_get(expected, "devices"), text);
	if (json_object_get(expected, "n"))
		assert_int_equal(json_array_size(addresses), json_integer_value(json_object_get(expected, "n")));
	if (json_object_get(expected, "on"))
		same(json_object_get(host, "cells"), json_object_get(expected, "on"), text);
	for (size_t k = 0; k < 3; k++) {
		static const char *const keys[] = { "stage", "asked", "found" };

		if (json_object_get(expected, keys[k]))
			same(json_object_get(reason, keys[k]), json_object_get(expected, keys[k]), text);
	}
	says(json_object_get(reason, "message"), json_object_get(expected, "says"), text);
	json_decref(addresses);
}

static void check_answer(const json_t *answer, const json_t *expected, bool providers, const char *text)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *host = json_array_get(json_object_get(answer, "hosts"), 0);

	if (json_object_get(expected, "error")) {
		same(json_object_get(error, "code"), json_object_get(expected, "error"), text);
		says(json_object_get(error, "message"), json_object_get(expected, "says"), text);
		return;
	}
	if (error)
		fail_msg("an error: %s", text);
	if (providers)
		check_providers(host, expected, text);
	else
		check_host(host, expected, text);
}

static void run_case(void **state)
{
	const struct table_case *t = *state;
	json_t *c = json_deep_copy(t->base);
	const json_t *expected = json_array_get(t->spec, 3);
	const json_t *line;
	bool providers;
	pt_autofree char *text = NULL;
	pt_autofree char *answer = NULL;
	json_t *parsed;

	json_object_update(c, json_array_get(t->spec, 2));
	providers = json_object_get(c, "providers") != NULL;
	line = json_object_get(c, "line");
	if (json_is_array(expected)) {
		json_t *question = question_of(c);
		json_t *found = offered(question);

		same(found, expected, "the devices that device_spec offers");
		json_decref(found);
		json_decref(question);
		json_decref(c);
		return;
	}
	if (json_is_string(line)) {
		text = pt_strdup(json_string_value(line));
	} else {
		json_t *question = line ? json_deep_copy(line) : question_of(c);

		text = json_dumps(question, 0);
		json_decref(question);
	}
	answer = providers ? pt_batch_providers(text, strlen(text), (struct pt_place_options){ 0 })
			   : pt_batch_place(text, strlen(text), (struct pt_place_options){ 0 });
	parsed = json_loads(answer, 0, NULL);
	assert_non_null(parsed);
	check_answer(parsed, expected, providers, answer);
	json_decref(parsed);
	json_decref(c);
}

/* the command answers each line in its place, whatever the others are */
static void one_bad_line_spoils_only_its_own_answer(void **state)
{
	pt_autofree char *command = pt_strf("printf '{}\\n\\nnonsense\\n{}' | %s place --batch", getenv("PT_PASSTHRU"));
	/* passthru place, as a user runs it */
	FILE *pipe = popen(command, "r");
	char text[1024];
	size_t n;

	assert_non_null(pipe);
	n = fread(text, 1, sizeof(text) - 1, pipe);
	text[n] = '\0';
	assert_int_equal(pclose(pipe), 0);
	assert_true(pt_startswith(text, "{\"hosts\":[]}\n{\"error\":"));
	assert_non_null(strstr(text, "}\n{\"error\":{\"code\":\"invalid-json\""));
	assert_true(pt_endswith(text, "}\n{\"hosts\":[]}\n"));
}

static void add_cases(json_t *file, const char *name, struct CMUnitTest **tests, size_t *n)
{
	json_t *cases = json_object_get(file, "cases");
	json_t *item;
	size_t i;

	json_array_foreach(cases, i, item)
	{
		struct table_case *t = pt_alloc(sizeof(*t));

		t->base = json_object_get(file, "base");
		t->spec = item;
		*tests = pt_realloc(*tests, *n + 1, sizeof(**tests));
		(*tests)[(*n)++] = (struct CMUnitTest){
			.name = pt_strf("%s, %s: %s", name, json_string_value(json_array_get(item, 1)),
					json_string_value(json_array_get(item, 0))),
			.test_func = run_case,
			.initial_state = t,
		};
	}
}

int main(void)
{
	pt_autofree char *folder = pt_strf("%s/place", getenv("PT_TEST_DATA") ? getenv("PT_TEST_DATA") : "tests/data");
	struct CMUnitTest *tests = NULL;
	struct pt_strv names = { 0 };
	json_t *files = json_array();
	struct dirent *entry;
	size_t n = 0;
	int failed;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir)))
		if (pt_endswith(entry->d_name, ".json"))
			pt_strv_add(&names, entry->d_name);
	if (dir)
		(void)closedir(dir);
	pt_strv_sort(&names);
	tests = pt_alloc(sizeof(*tests));
	tests[n++] = (struct CMUnitTest){ .name = pt_strdup("one bad line spoils only its own answer"),
					  .test_func = one_bad_line_spoils_only_its_own_answer };
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("%s/%s", folder, names.v[i]);
		json_error_t where;
		json_t *file = json_load_file(path, 0, &where);

		if (!file) {
			(void)fprintf(stderr, "%s:%d: %s\n", path, where.line, where.text);
			return 1;
		}
		json_array_append_new(files, file);
		add_cases(file, names.v[i], &tests, &n);
	}
	failed = n >= 300 ? _cmocka_run_group_tests("tables of placement", tests, n, NULL, NULL) : 1;
	for (size_t i = 0; i < n; i++) {
		free((void *)(uintptr_t)tests[i].name);
		free(tests[i].initial_state);
	}
	free(tests);
	pt_strv_done(&names);
	json_decref(files);
	return failed;
}
