/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <gnutls/crypto.h>

#include "api/route.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "shape/finding.h"

static const char *const roles[PT_ROLES] = { "none", "view", "claim", "admin" };

const char *pt_role_str(enum pt_role role)
{
	return roles[role];
}

static void reply_done(struct pt_reply *r)
{
	free(r->body);
	free(r->location);
	free(r->allow);
	*r = (struct pt_reply){ 0 };
}

void pt_call_done(struct pt_call *c)
{
	free(c->target);
	free(c->headers.accept);
	free(c->headers.content_type);
	free(c->headers.if_match);
	free(c->headers.if_none_match);
	free(c->headers.last_event_id);
	free(c->headers.content_length);
	pt_strv_done(&c->segments);
	for (size_t i = 0; i < c->query.n; i++) {
		free(c->query.v[i].name);
		free(c->query.v[i].value);
	}
	free(c->query.v);
	pt_buf_done(&c->body);
	json_decref(c->json);
	reply_done(&c->reply);
	*c = (struct pt_call){ 0 };
}

const char *pt_call_query(const struct pt_call *c, const char *name, size_t at)
{
	for (size_t i = 0; i < c->query.n; i++)
		if (strcmp(c->query.v[i].name, name) == 0 && at-- == 0)
			return c->query.v[i].value;
	return NULL;
}

void pt_reply_text(struct pt_call *c, char *text, size_t size)
{
	reply_done(&c->reply);
	c->reply.status = 200;
	c->reply.body = text;
	c->reply.size = size;
	c->reply.type = "text/plain; charset=utf-8";
}

static void set_json(struct pt_call *c, unsigned status, json_t *json, const char *type)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	/* text that is no UTF-8 cannot be shown; what gets here was cleaned or read as JSON, so this is ours to mend */
	if (!text) {
		status = 500;
		type = "application/problem+json";
		text = pt_strdup(
			"{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500,\"detail\":"
			"\"the answer cannot be written as JSON\",\"kind\":\"failed\"}");
	}
	reply_done(&c->reply);
	c->reply.status = status;
	c->reply.size = strlen(text);
	c->reply.body = text;
	c->reply.type = type;
}

void pt_reply_json(struct pt_call *c, unsigned status, json_t *json)
{
	set_json(c, status, json, "application/json");
}

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *title_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

/* what the store or the kernel answered, as a status; a usage error without a better word is 400, a refusal 409 */
static unsigned status_of(const struct pt_error *err)
{
	switch (-err->code) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return err->kind == PT_ERROR_FAILED ? 500 : 404;
	case EEXIST:
	case EBUSY:
		return 409;
	case EHOSTUNREACH:
	case ENOSPC:
	case EREMCHG:
	case ESHUTDOWN:
	case EAGAIN:
		return 503;
	case ETIMEDOUT:
		return 504;
	default:
		break;
	}
	switch (err->kind) {
	case PT_ERROR_USAGE:
		return 400;
	case PT_ERROR_REFUSED:
		return 409;
	case PT_ERROR_FAILED:
	case PT_ERROR_INTERRUPTED:
		break;
	}
	return 500;
}

void pt_reply_problem(struct pt_call *c, unsigned status, const struct pt_error *err, json_t *more)
{
	json_t *said = pt_error_json(err);
	json_t *o;

	if (!status)
		status = status_of(err);
	o = json_pack("{s:s, s:s, s:i, s:O}", "type", "about:blank", "title", title_of(status), "status", (int)status,
		      "detail", json_object_get(said, "message"));
	(void)json_object_del(said, "message");
	(void)json_object_update(o, said);
	if (more)
		(void)json_object_update(o, more);
	json_decref(more);
	json_decref(said);
	set_json(c, status, o, "application/problem+json");
	if (status == 503 || status == 429)
		c->reply.retry_after_s = 1;
}

void pt_reply_error(struct pt_call *c, unsigned status, const struct pt_error *err)
{
	pt_reply_problem(c, status, err, NULL);
}

void pt_reply_say(struct pt_call *c, unsigned status, const char *hint, const char *format, ...)
{
	struct pt_error err = { .code = -EINVAL, .kind = PT_ERROR_USAGE };
	va_list ap;

	if (status == 403)
		err.kind = PT_ERROR_REFUSED;
	if (status >= 500)
		err.kind = PT_ERROR_FAILED;
	va_start(ap, format);
	(void)vsnprintf(err.msg, sizeof(err.msg), format, ap);
	va_end(ap);
	if (hint)
		pt_hint(&err, "%s", hint);
	pt_reply_error(c, status, &err);
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; n && p && *p;) {
		size_t length;

		p += strspn(p, " \t,");
		length = strcspn(p, " \t,");
		if (length == n && memcmp(p, word, n) == 0)
			return true;
		p += length;
	}
	return false;
}

bool pt_etag_any(const char *list)
{
	return has_word(list, "*");
}

bool pt_etag_in(const char *list, const char *etag)
{
	return *etag && (pt_etag_any(list) || has_word(list, etag));
}

static void take_etag(struct pt_reply *r)
{
	unsigned char hash[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, r->body, r->size, hash) < 0)
		return;
	r->etag[0] = '"';
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(r->etag + 1 + 2 * i, 3, "%02x", hash[i]);
	(void)strcpy(r->etag + 33, "\"");
}

void pt_call_etag(struct pt_call *c)
{
	struct pt_reply *r = &c->reply;

	if (r->status != 200 || r->stream || !c->route || strcmp(c->route->method, "GET") != 0)
		return;
	if (!r->etag[0])
		take_etag(r);
	if (!pt_etag_in(c->headers.if_none_match, r->etag))
		return;
	free(pt_take_ptr(r->body));
	r->size = 0;
	r->status = 304;
}
