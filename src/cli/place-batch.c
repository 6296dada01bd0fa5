/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place-batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/providers.h"
#include "shape/fields.h"
#include "shape/jsonspan.h"
#include "shape/place.h"

#define READ_SIZE ((size_t)1 << 18)

/* a question, read and judged, but for its hosts: of these there may be more than should be in memory at once */
struct question {
	struct pt_pci_config config;
	struct pt_rules rules;
	struct pt_request request;
	struct pt_span hosts;
	struct pt_place_options options;
	bool devices;
};

static void question_done(struct question *q)
{
	pt_pci_config_done(&q->config);
	pt_rules_done(&q->rules);
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

/* @line: what the position of an error counts from */
static json_t *parse(struct pt_span text, const char *line, struct pt_error *err)
{
	json_error_t where;
	json_t *json = json_loadb(text.p, text.n, JSON_DECODE_ANY, &where);

	if (!json)
		(void)pt_usage(err, -EINVAL, "no JSON: byte %zu: %s", (size_t)(text.p - line) + (size_t)where.position,
			       where.text);
	return json;
}

/* a member of the line, into @root; the hosts stay text */
static int read_member(struct pt_span key, struct pt_span value, const char *line, json_t *root, struct question *q,
		       struct pt_error *err)
{
	json_t *name = parse(key, line, err);
	json_t *json = NULL;
	bool hosts = name && strcmp(json_string_value(name), "hosts") == 0;

	if (name)
		json = hosts ? json_null() : parse(value, line, err);
	if (json && hosts)
		q->hosts = value;
	if (json)
		(void)json_object_set_new(root, json_string_value(name), json);
	json_decref(name);
	return json ? 0 : -EINVAL;
}

static json_t *read_members(struct pt_span line, struct question *q, struct pt_error *err)
{
	json_t *root = json_object();
	struct pt_json_walk walk;
	struct pt_span key;
	struct pt_span value;
	int r = pt_json_walk_begin(&walk, line, '{');

	while (r == 0 && (r = pt_json_walk_next(&walk, &key, &value)) == 1)
		r = read_member(key, value, line.p, root, q, err);
	if (r < 0 && !err->msg[0])
		(void)pt_usage(err, -EINVAL, "no JSON object: byte %zu: %s", (size_t)(walk.at - line.p),
			       walk.at == walk.end ? "the line ends too soon" : "this is out of place");
	if (r == 0)
		return root;
	json_decref(root);
	return NULL;
}

/* what is wrong with the line as a whole: NULL, or the code */
static const char *read_config(const json_t *root, struct question *q, struct pt_error *err)
{
	bool alias = false;

	if (pt_place_read_config(json_object_get(root, "config"), &q->config, err) < 0)
		return "invalid-config";
	if (pt_rules_compile(&q->config, &q->rules, &alias, err) < 0)
		return alias ? "invalid-alias" : "invalid-device-spec";
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

/* what a command says of one host: appended to @out; NULL, or the code of what is wrong */
typedef const char *host_answer(const struct question *q, json_t *json, const char *where, struct pt_buf *out,
				struct pt_error *err);

static const char *answer_hosts(const struct question *q, const char *line, host_answer *answer, struct pt_buf *out,
				struct pt_error *err)
{
	struct pt_json_walk walk;
	struct pt_span none;
	struct pt_span item;
	size_t n = 0;
	int r;

	if (!q->hosts.n || (q->hosts.n == 4 && memcmp(q->hosts.p, "null", 4) == 0))
		return NULL;
	if (pt_json_walk_begin(&walk, q->hosts, '[') < 0) {
		(void)pt_usage(err, -EINVAL, "hosts: expected a list");
		return "invalid-hosts";
	}
	while ((r = pt_json_walk_next(&walk, &none, &item)) == 1) {
		json_t *json = parse(item, line, err);
		pt_autofree char *where = pt_strf("hosts[%zu]", n);
		const char *code;

		if (!json)
			return "invalid-json";
		pt_buf_add(out, n++ ? "," : "");
		code = answer(q, json, where, out, err);
		json_decref(json);
		if (code)
			return code;
	}
	if (r < 0)
		(void)pt_usage(err, -EINVAL, "no JSON: byte %zu: the list of hosts is not well formed",
			       (size_t)(walk.at - line));
	return r < 0 ? "invalid-json" : NULL;
}

static void add_json(struct pt_buf *out, json_t *json)
{
	pt_autofree char *text = dump(json);

	pt_buf_add(out, text);
}

static const char *place_host(const struct question *q, json_t *json, const char *where, struct pt_buf *out,
			      struct pt_error *err)
{
	PT_AUTO(pt_host_answer) answer = { 0 };
	PT_AUTO(pt_inv_host) host = { 0 };

	if (pt_place_read_host(json, where, &host, err) < 0)
		return "invalid-hosts";
	pt_place_host(&q->rules, &q->request, &host, q->options, &answer);
	add_json(out, pt_place_write_answer(&answer, &q->request, q->devices));
	return NULL;
}

/* a host may carry what Placement has of it now */
static const char *providers_of_host(const struct question *q, json_t *json, const char *where, struct pt_buf *out,
				     struct pt_error *err)
{
	pt_autofree char *at = pt_strf("%s.placement", where);
	PT_AUTO(pt_placement) now = { .moving = { 0 } };
	PT_AUTO(pt_providers) providers = { 0 };
	PT_AUTO(pt_inv_host) host = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error why = { 0 };
	json_t *o;
	int r;

	if (pt_place_read_placement(json_object_get(json, "placement"), at, &now, err) < 0)
		return "invalid-placement";
	(void)json_object_del(json, "placement");
	if (pt_place_read_host(json, where, &host, err) < 0)
		return "invalid-hosts";
	r = pt_view_make(&q->rules, &host, &view, &why);
	r = r < 0 ? r : pt_providers_make(&view, &now, &providers, &why);
	if (r < 0) {
		o = json_object();
		(void)json_object_set_new(o, "refused", text_json(why.msg));
	} else {
		o = pt_place_write_providers(&providers);
	}
	(void)json_object_set_new(o, "name", text_json(host.name));
	add_json(out, o);
	return NULL;
}

/* a parser knows better what is wrong; a line that it would have to chew on for long is told in our words */
static char *no_object(struct pt_span line, const char *const *keys, struct pt_error *err)
{
	struct pt_error better = { 0 };
	json_t *json = line.n < READ_SIZE && line.n ? parse(line, line.p, &better) : NULL;
	int r = json ? pt_field_only(json, "line", keys, &better) : 0;

	json_decref(json);
	return fail(r < 0 ? "invalid-input" : "invalid-json", better.msg[0] ? &better : err);
}

static char *answer_line(struct pt_span line, const char *const *keys, host_answer *answer,
			 struct pt_place_options options)
{
	PT_CLEANUP(question_done) struct question q = { .options = options };
	struct pt_error err = { 0 };
	PT_AUTO(pt_buf) out = { 0 };
	const char *code = NULL;
	json_t *root = read_members(line, &q, &err);

	if (!root)
		return no_object(line, keys, &err);
	if (pt_field_only(root, "line", keys, &err) < 0)
		code = "invalid-input";
	code = code ? code : read_config(root, &q, &err);
	if (!code && answer == place_host)
		code = read_request(root, &q, &err);
	json_decref(root);
	pt_buf_add(&out, "{\"hosts\":[");
	code = code ? code : answer_hosts(&q, line.p, answer, &out, &err);
	pt_buf_add(&out, "]}");
	return code ? fail(code, &err) : pt_buf_take(&out);
}

char *pt_batch_place(const char *line, size_t size, struct pt_place_options options)
{
	static const char *const keys[] = { "config", "hosts", "request", "devices", NULL };

	return answer_line((struct pt_span){ line, size }, keys, place_host, options);
}

char *pt_batch_providers(const char *line, size_t size, struct pt_place_options options)
{
	static const char *const keys[] = { "config", "hosts", NULL };

	return answer_line((struct pt_span){ line, size }, keys, providers_of_host, options);
}

/* lines of a descriptor, each as soon as it is there */
struct lines {
	int fd;
	char *v;
	size_t begin;
	size_t n;
	size_t cap;
	bool ended;
};

static void lines_done(struct lines *l)
{
	free(l->v);
}

/* more of the input behind what there is; 0, or -EIO */
static int read_more(struct lines *l)
{
	ssize_t n;

	if (l->begin) {
		memmove(l->v, l->v + l->begin, l->n - l->begin);
		l->n -= l->begin;
		l->begin = 0;
	}
	if (l->cap - l->n < READ_SIZE)
		l->v = pt_array_grow(l->v, &l->cap, l->n + READ_SIZE, 1);
	do
		n = read(l->fd, l->v + l->n, l->cap - l->n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -EIO;
	l->ended = n == 0;
	l->n += (size_t)n;
	return 0;
}

/* 1 with the next line, without its end; @ret_line->p is NULL for one that was too long; 0 at the end; -EIO */
static int next_line(struct lines *l, struct pt_span *ret_line)
{
	size_t seen = l->begin;
	bool too_long = false;

	for (;;) {
		char *end = l->n > seen ? memchr(l->v + seen, '\n', l->n - seen) : NULL;
		int r;

		if (end || (l->ended && l->n > l->begin)) {
			size_t n = end ? (size_t)(end - l->v) - l->begin : l->n - l->begin;

			*ret_line = (struct pt_span){ too_long ? NULL : l->v + l->begin, n };
			l->begin += n + (end != NULL);
			return 1;
		}
		if (l->ended)
			return 0;
		too_long = too_long || l->n - l->begin > PT_BATCH_LINE_MAX;
		if (too_long)
			l->begin = l->n - 1;
		seen = l->n - l->begin;
		r = read_more(l);
		if (r < 0)
			return r;
	}
}

static char *too_long(void)
{
	struct pt_error err = { 0 };

	(void)pt_usage(&err, -EFBIG, "the line is longer than %zu bytes", PT_BATCH_LINE_MAX);
	return fail("invalid-input", &err);
}

int pt_batch_run(int in, FILE *out, char *(*answer)(const char *, size_t, struct pt_place_options),
		 struct pt_place_options options, struct pt_error *err)
{
	PT_CLEANUP(lines_done) struct lines lines = { .fd = in };
	struct pt_span line;
	int r;

	while ((r = next_line(&lines, &line)) == 1) {
		pt_autofree char *text = line.p ? answer(line.p, line.n, options) : too_long();

		if (fputs(text, out) < 0 || fputc('\n', out) == EOF || fflush(out) != 0)
			return pt_fail(err, -EIO, "cannot write the answer");
	}
	return r < 0 ? pt_fail(err, r, "cannot read the questions") : 0;
}
