/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SLOW_TEXT (PT_ROUTE_SLOW | PT_ROUTE_TEXT)

/* clang-format off */
const struct pt_route pt_routes[] = {
	{ "GET", "/healthz", PT_ROLE_VIEW, 0, NULL, NULL, pt_get_health },
	{ "GET", "/metrics", PT_ROLE_VIEW, PT_ROUTE_SLOW, NULL, NULL, pt_get_metrics },
	{ "GET", "/v1/openapi.json", PT_ROLE_VIEW, 0, NULL, NULL, pt_get_openapi },
	{ "GET", "/v1/facts", PT_ROLE_VIEW, SLOW_TEXT, NULL, "facts", pt_get_command },
	{ "GET", "/v1/devices", PT_ROLE_VIEW, SLOW_TEXT, "match", "list *match", pt_get_command },
	{ "GET", "/v1/devices/{device}", PT_ROLE_VIEW, SLOW_TEXT, NULL, "show {0}", pt_get_command },
	{ "GET", "/v1/tree", PT_ROLE_VIEW, SLOW_TEXT, NULL, "tree", pt_get_command },
	{ "GET", "/v1/providers", PT_ROLE_VIEW, SLOW_TEXT, NULL, "providers &", pt_get_command },
	{ "GET", "/v1/changes", PT_ROLE_ADMIN, SLOW_TEXT, NULL, "history", pt_get_command },
	{ "GET", "/v1/changes/{change}", PT_ROLE_ADMIN, SLOW_TEXT, NULL, "history {0}", pt_get_command },
	{ "POST", "/v1/plans", PT_ROLE_ADMIN, SLOW_TEXT | PT_ROUTE_BODY, NULL, NULL, pt_post_plan },
	{ "GET", "/v1/claims", PT_ROLE_VIEW, SLOW_TEXT, "for host id", "claims & ?for ?host *id", pt_get_claims },
	{ "POST", "/v1/claims", PT_ROLE_CLAIM, PT_ROUTE_SLOW | PT_ROUTE_BODY, NULL, NULL, pt_post_claim },
	{ "GET", "/v1/claims/{claim}", PT_ROLE_VIEW, SLOW_TEXT, NULL, "claims & {0}", pt_get_claim },
	{ "DELETE", "/v1/claims/{claim}", PT_ROLE_CLAIM, PT_ROUTE_SLOW | PT_ROUTE_MATCH, NULL, NULL, pt_delete_claim },
	{ "POST", "/v1/decisions", PT_ROLE_VIEW, PT_ROUTE_BODY, NULL, NULL, pt_post_decision },
	{ "GET", "/v1/fleet/hosts", PT_ROLE_VIEW, SLOW_TEXT, NULL, "fleet & hosts", pt_get_hosts },
	{ "GET", "/v1/fleet/hosts/{host}", PT_ROLE_VIEW, PT_ROUTE_SLOW, NULL, NULL, pt_get_host },
	{ "GET", "/v1/fleet/devices", PT_ROLE_VIEW, SLOW_TEXT, "host class free claimed",
	  "fleet & ?host ?class ?free ?claimed devices", pt_get_command },
	{ "GET", "/v1/fleet/why/{request}", PT_ROLE_VIEW, SLOW_TEXT, "host policy numa spread",
	  "fleet & ?host ?policy ?numa ?spread why {0}", pt_get_command },
	{ "DELETE", "/v1/fleet/hosts/{host}", PT_ROLE_ADMIN, PT_ROUTE_SLOW | PT_ROUTE_MATCH, NULL, NULL, pt_delete_host },
	{ "POST", "/v1/fleet/hosts/{host}/evacuate", PT_ROLE_ADMIN, PT_ROUTE_SLOW | PT_ROUTE_BODY, NULL, NULL, pt_post_evacuate },
	{ "GET", "/v1/fleet/limits", PT_ROLE_VIEW, SLOW_TEXT, NULL, "fleet & limit", pt_get_command },
	{ "GET", "/v1/fleet/limits/{project}", PT_ROLE_VIEW, SLOW_TEXT, NULL, "fleet & limit {0}", pt_get_command },
	{ "PUT", "/v1/fleet/limits/{project}/{alias}", PT_ROLE_ADMIN, PT_ROUTE_SLOW | PT_ROUTE_BODY, NULL, NULL, pt_put_limit },
	{ "DELETE", "/v1/fleet/limits/{project}/{alias}", PT_ROLE_ADMIN, PT_ROUTE_SLOW, NULL, NULL, pt_delete_limit },
	{ "GET", "/v1/events", PT_ROLE_VIEW, PT_ROUTE_STREAM, NULL, NULL, pt_get_events },
	{ NULL, NULL, PT_ROLE_NONE, 0, NULL, NULL, NULL },
};
/* clang-format on */

/* %XX and what stands for itself; NULL: not well formed, or what no name of ours holds */
static char *decode(const char *text, size_t n)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	pt_autofree char *clean = NULL;

	pt_buf_add(&b, "");
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '%') {
			int high = i + 2 < n ? pt_hex_digit(text[i + 1]) : -1;
			int low = i + 2 < n ? pt_hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c)
			return NULL;
		pt_buf_addn(&b, &c, 1);
	}
	clean = pt_text_clean(pt_strdup(b.s));
	return strcmp(clean, b.s) == 0 ? pt_buf_take(&b) : NULL;
}

/*
 * A path is taken only as it would be written by us: no empty, "." or ".." part, no "/" that was hidden in %2f.  So
 * nothing behind the table ever meets one.
 */
static bool split_path(struct pt_call *c, const char *path, size_t n)
{
	size_t at = 1;

	if (n == 0 || path[0] != '/')
		return false;
	if (n == 1)
		return true;
	while (at <= n) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t end = slash ? (size_t)(slash - path) : n;
		char *part = decode(path + at, end - at);

		if (!part || !*part || strchr(part, '/') || strcmp(part, ".") == 0 || strcmp(part, "..") == 0 ||
		    c->segments.n == 8) {
			free(part);
			return false;
		}
		pt_strv_take(&c->segments, part);
		at = end + 1;
	}
	return true;
}

static bool split_query(struct pt_call *c, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "&");
		const char *equals = memchr(text, '=', n);
		size_t name = equals ? (size_t)(equals - text) : n;
		struct pt_query q = { decode(text, name), decode(equals ? equals + 1 : "", equals ? n - name - 1 : 0) };

		if (!q.name || !q.value || c->query.n == PT_API_QUERY_MAX) {
			free(q.name);
			free(q.value);
			return false;
		}
		pt_array_push(&c->query, q);
		text += n;
		text += *text == '&';
	}
	return true;
}

static bool matches(struct pt_call *c, const char *path)
{
	size_t args = 0;
	size_t i = 0;

	for (const char *p = path + 1; i < c->segments.n; i++) {
		size_t n = strcspn(p, "/");

		if (n == 0)
			return false;
		if (*p == '{' && args < 2)
			c->args[args++] = c->segments.v[i];
		else if (strlen(c->segments.v[i]) != n || memcmp(p, c->segments.v[i], n) != 0)
			return false;
		p += n;
		p += *p == '/';
		if (!*p)
			return i + 1 == c->segments.n;
	}
	return false;
}

/* HEAD is GET without the body, which the server leaves out */
static const char *method_of(const struct pt_call *c)
{
	return strcmp(c->method, "HEAD") == 0 ? "GET" : c->method;
}

static bool find_row(struct pt_call *c)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf allow = { 0 };

	for (const struct pt_route *r = pt_routes; r->method; r++) {
		if (!matches(c, r->path))
			continue;
		if (strcmp(r->method, method_of(c)) == 0) {
			c->route = r;
			return true;
		}
		pt_buf_addf(&allow, "%s%s%s", allow.n ? ", " : "", r->method,
			    strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
	}
	if (!allow.n) {
		pt_reply_say(c, 404, "GET /v1/openapi.json tells what there is", "there is nothing at %.200s",
			     c->target);
		return false;
	}
	pt_reply_say(c, 405, NULL, "%.20s is not for %.200s", c->method, c->target);
	c->reply.allow = pt_buf_take(&allow);
	return false;
}

static bool is_word_of(const char *word, const char *list)
{
	size_t n = strlen(word);

	for (const char *p = list; n && p && (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

static bool check_query(struct pt_call *c)
{
	for (size_t i = 0; i < c->query.n; i++) {
		if (is_word_of(c->query.v[i].name, c->route->query))
			continue;
		pt_reply_say(c, 400, NULL, "'%.60s' is no parameter of %s %s; it has %s", c->query.v[i].name,
			     c->route->method, c->route->path, c->route->query ? c->route->query : "none");
		return false;
	}
	return true;
}

/* is a type in a header's list, or a range that it falls into?  One with q=0 is not wanted */
static bool accepts(const char *list, const char *type)
{
	size_t group = strcspn(type, "/");

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		const char *from = p + strspn(p, " \t");
		size_t length = from < p + n ? strcspn(from, ";, \t") : 0;
		const char *q = from < p + n ? memmem(from, (size_t)(p + n - from), "q=", 2) : NULL;
		bool never = q && strtod(q + 2, NULL) <= 0;
		bool same = (length == strlen(type) && strncasecmp(from, type, length) == 0) ||
			    (length == 3 && memcmp(from, "*/*", 3) == 0) ||
			    (length == group + 2 && strncasecmp(from, type, group) == 0 &&
			     memcmp(from + group, "/*", 2) == 0);

		if (same && !never)
			return true;
		p += n;
		p += *p == ',';
	}
	return false;
}

static const char *type_of(const struct pt_route *r)
{
	if (r->flags & PT_ROUTE_STREAM)
		return "text/event-stream";
	return strcmp(r->path, "/metrics") == 0 ? "text/plain" : "application/json";
}

static bool check_accept(struct pt_call *c)
{
	const char *list = c->headers.accept;
	const char *type = type_of(c->route);

	if (!list || accepts(list, type))
		return true;
	c->text = (c->route->flags & PT_ROUTE_TEXT) && accepts(list, "text/plain");
	if (c->text)
		return true;
	pt_reply_say(c, 406, NULL, "%s %s answers in %s%s, and the request accepts '%.200s'", c->route->method,
		     c->route->path, type, c->route->flags & PT_ROUTE_TEXT ? " or text/plain" : "", list);
	return false;
}

static bool check_body(struct pt_call *c)
{
	const char *length = c->headers.content_length;
	const char *type = c->headers.content_type;
	bool has = c->headers.chunked || (length && strcmp(length, "0") != 0);

	if (!(c->route->flags & PT_ROUTE_BODY)) {
		if (has)
			pt_reply_say(c, 400, NULL, "%s %s takes no body", c->route->method, c->route->path);
		return !has;
	}
	if (!length && !c->headers.chunked)
		pt_reply_say(c, 411, NULL, "the request has neither Content-Length nor chunks");
	else if (!type || strncasecmp(type, "application/json", 16) != 0 || !strchr("; \t", type[16]))
		pt_reply_say(c, 415, NULL, "the body must be application/json, not '%.100s'", type ? type : "");
	else if (length && (strlen(length) > 9 || strtoul(length, NULL, 10) > PT_API_BODY_MAX))
		pt_reply_say(c, 413, NULL, "a body of %.30s bytes; %zu are allowed", length, PT_API_BODY_MAX);
	else
		return true;
	return false;
}

static bool check_role(struct pt_call *c)
{
	if (c->role >= c->route->role)
		return true;
	pt_reply_say(c, 403, "[api] of the configuration says who may what",
		     "%s %s needs the role %s, and this peer has %s", c->route->method, c->route->path,
		     pt_role_str(c->route->role), pt_role_str(c->role));
	return false;
}

bool pt_route_find(struct pt_call *c)
{
	const char *query = strchr(c->target, '?');
	size_t n = query ? (size_t)(query - c->target) : strlen(c->target);

	if (strlen(c->target) > PT_API_TARGET_MAX) {
		pt_reply_say(c, 414, NULL, "a target of %zu bytes; %zu are allowed", strlen(c->target),
			     PT_API_TARGET_MAX);
		return false;
	}
	if (!split_path(c, c->target, n) || !split_query(c, query ? query + 1 : NULL)) {
		pt_reply_say(c, 400, NULL,
			     "the target is not well formed: parts of names, and no empty, . or .. among "
			     "them");
		return false;
	}
	if (!find_row(c) || !check_role(c) || !check_query(c) || !check_accept(c) || !check_body(c))
		return false;
	if ((c->route->flags & PT_ROUTE_MATCH) && !c->headers.if_match) {
		pt_reply_say(c, 428, "GET tells its ETag; If-Match: * takes it as it is",
			     "%s %s needs If-Match: what is it that is seen there?", c->route->method, c->route->path);
		return false;
	}
	return true;
}

/* nesting without a parser, which would recurse; strings may hold brackets */
static bool is_deep(const char *text, size_t n)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{') && ++depth > PT_API_DEPTH_MAX)
			return true;
		else if (!quoted && (c == ']' || c == '}') && depth)
			depth--;
	}
	return false;
}

bool pt_route_body(struct pt_call *c)
{
	json_error_t why;

	if (c->body.n > PT_API_BODY_MAX) {
		pt_reply_say(c, 413, NULL, "a body of more than %zu bytes", PT_API_BODY_MAX);
		return false;
	}
	if (is_deep(c->body.s ? c->body.s : "", c->body.n)) {
		pt_reply_say(c, 400, NULL, "the body is nested deeper than %d", PT_API_DEPTH_MAX);
		return false;
	}
	c->json = json_loadb(c->body.s ? c->body.s : "", c->body.n, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(c->json))
		return true;
	if (c->json)
		pt_reply_say(c, 400, NULL, "the body is no JSON object");
	else
		pt_reply_say(c, 400, NULL, "the body is no JSON: %s (line %d, column %d)", why.text, why.line,
			     why.column);
	return false;
}
