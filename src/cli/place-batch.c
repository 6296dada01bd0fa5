/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place-batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/providers.h"
#include "shape/fields.h"
#include "shape/place.h"

/* a question, read and judged */
struct question {
	struct pt_pci_config config;
	struct pt_rules rules;
	struct pt_inv_hosts hosts;
	struct pt_request request;
	bool devices;
};

static void question_done(struct question *q)
{
	pt_pci_config_done(&q->config);
	pt_rules_done(&q->rules);
	pt_inv_hosts_done(&q->hosts);
	pt_request_done(&q->request);
}

static char *dump(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	/* jansson's own allocator is malloc(); its text is handed on as ours */
	char *copy = text ? text
			  : pt_strdup("{\"error\": {\"code\": \"internal\", \"message\": \"the answer is no JSON\"}}");

	json_decref(json);
	return copy;
}

/* strings from outside may hold what JSON cannot carry on; jansson then makes no string at all */
static json_t *text_json(const char *text)
{
	json_t *s = json_string(text);

	return s ? s : json_string("(text that is not UTF-8)");
}

static char *fail(const char *code, const struct pt_error *err)
{
	json_t *inner = json_object();
	json_t *o = json_object();

	(void)json_object_set_new(inner, "code", json_string(code));
	(void)json_object_set_new(inner, "message", text_json(err->msg));
	if (err->hint[0])
		(void)json_object_set_new(inner, "hint", text_json(err->hint));
	(void)json_object_set_new(o, "error", inner);
	return dump(o);
}

/* what is wrong with the line as a whole: NULL, or the code */
static const char *read_config(const json_t *root, struct question *q, struct pt_error *err)
{
	bool alias = false;

	if (pt_place_read_config(json_object_get(root, "config"), &q->config, err) < 0)
		return "invalid-config";
	if (pt_rules_compile(&q->config, &q->rules, &alias, err) < 0)
		return alias ? "invalid-alias" : "invalid-device-spec";
	if (pt_place_read_hosts(json_object_get(root, "hosts"), &q->hosts, err) < 0)
		return "invalid-hosts";
	return NULL;
}

static const char *read_request(const json_t *root, struct question *q, struct pt_error *err)
{
	pt_autofree char *devices = NULL;
	int r;

	if (pt_place_read_request(json_object_get(root, "request"), &q->request, err) < 0)
		return "invalid-request";
	r = pt_pci_alias_expand(&q->rules.aliases, &q->request, err);
	if (r < 0)
		return r == -ENOENT ? "alias-not-defined" : "invalid-request";
	if (pt_request_check(&q->request, err) < 0)
		return "invalid-request";
	if (pt_field_string(root, "line", "devices", &devices, err) < 0)
		return "invalid-input";
	q->devices = pt_streq(devices, "chosen");
	if (devices && !q->devices && strcmp(devices, "none") != 0) {
		(void)pt_usage(err, -EINVAL, "devices: '%.40s' is neither chosen nor none", devices);
		return "invalid-input";
	}
	return NULL;
}

static json_t *parse(const char *line, size_t size, const char *const *keys, const char **ret_code,
		     struct pt_error *err)
{
	json_error_t where;
	json_t *root = json_loadb(line, size, 0, &where);

	if (!root) {
		(void)pt_usage(err, -EINVAL, "no JSON: column %d: %s", where.column, where.text);
		*ret_code = "invalid-json";
		return NULL;
	}
	if (pt_field_only(root, "line", keys, err) < 0) {
		*ret_code = "invalid-input";
		json_decref(root);
		return NULL;
	}
	return root;
}

static json_t *place_all(const struct question *q, struct pt_place_options options)
{
	json_t *list = json_array();

	for (size_t i = 0; i < q->hosts.n; i++) {
		PT_AUTO(pt_host_answer) answer = { 0 };

		pt_place_host(&q->rules, &q->request, &q->hosts.v[i], options, &answer);
		(void)json_array_append_new(list, pt_place_write_answer(&answer, &q->request, q->devices));
	}
	return json_pack("{s:o}", "hosts", list);
}

char *pt_batch_place(const char *line, size_t size, struct pt_place_options options)
{
	static const char *const keys[] = { "config", "hosts", "request", "devices", NULL };
	PT_CLEANUP(question_done) struct question q = { 0 };
	struct pt_error err = { 0 };
	const char *code = NULL;
	json_t *root = parse(line, size, keys, &code, &err);

	if (root)
		code = read_config(root, &q, &err);
	if (root && !code)
		code = read_request(root, &q, &err);
	json_decref(root);
	return code ? fail(code, &err) : dump(place_all(&q, options));
}

static json_t *providers_of(const struct question *q, const struct pt_inv_host *host, const struct pt_placement *now)
{
	PT_AUTO(pt_providers) providers = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error err = { 0 };
	json_t *o;
	int r = pt_view_make(&q->rules, host, &view, &err);

	r = r < 0 ? r : pt_providers_make(&view, now, &providers, &err);
	if (r < 0) {
		o = json_object();
		(void)json_object_set_new(o, "refused", text_json(err.msg));
	} else {
		o = pt_place_write_providers(&providers);
	}
	(void)json_object_set_new(o, "name", text_json(host->name));
	return o;
}

/* each host may carry what Placement has of it now */
static char *providers_all(json_t *root, struct question *q)
{
	json_t *hosts = json_object_get(root, "hosts");
	PT_ARRAY(struct pt_placement) now = { 0 };
	struct pt_error err = { 0 };
	const char *code = NULL;
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(hosts) && !code; i++) {
		pt_autofree char *where = pt_strf("hosts[%zu].placement", i);
		json_t *host = json_array_get(hosts, i);

		if (pt_place_read_placement(json_object_get(host, "placement"), where, pt_array_add(&now), &err) < 0)
			code = "invalid-placement";
		(void)json_object_del(host, "placement");
	}
	code = code ? code : read_config(root, q, &err);
	for (size_t i = 0; i < q->hosts.n && !code; i++)
		(void)json_array_append_new(list, providers_of(q, &q->hosts.v[i], &now.v[i]));
	for (size_t i = 0; i < now.n; i++)
		pt_placement_done(&now.v[i]);
	free(now.v);
	if (code) {
		json_decref(list);
		return fail(code, &err);
	}
	return dump(json_pack("{s:o}", "hosts", list));
}

char *pt_batch_providers(const char *line, size_t size, struct pt_place_options options)
{
	static const char *const keys[] = { "config", "hosts", NULL };
	PT_CLEANUP(question_done) struct question q = { 0 };
	struct pt_error err = { 0 };
	const char *code = NULL;
	json_t *root = parse(line, size, keys, &code, &err);
	char *answer;

	(void)options;
	if (!root)
		return fail(code, &err);
	answer = providers_all(root, &q);
	json_decref(root);
	return answer;
}

int pt_batch_run(FILE *in, FILE *out, char *(*answer)(const char *, size_t, struct pt_place_options),
		 struct pt_place_options options, struct pt_error *err)
{
	pt_autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, in)) >= 0) {
		pt_autofree char *text = NULL;

		if (line[strspn(line, " \t\r\n")] == '\0' && strlen(line) == (size_t)n)
			continue;
		text = answer(line, (size_t)n, options);
		if (fputs(text, out) < 0 || fputc('\n', out) == EOF || fflush(out) != 0)
			return pt_fail(err, -EIO, "cannot write the answer");
	}
	return ferror(in) ? pt_fail(err, -EIO, "cannot read the questions") : 0;
}
