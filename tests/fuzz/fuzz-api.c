/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the API as its peers send them: the first line is method and target, then headers that are looked at, an
 * empty line, and the body.  What is taken has no part that could be a way out; what is not has a status that says so.
 */
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "api/route.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_header(struct pt_call *c, const char *line)
{
	static const struct {
		const char *name;
		size_t at;
	} names[] = {
		{ "Accept: ", offsetof(struct pt_call, headers.accept) },
		{ "Content-Type: ", offsetof(struct pt_call, headers.content_type) },
		{ "Content-Length: ", offsetof(struct pt_call, headers.content_length) },
		{ "If-Match: ", offsetof(struct pt_call, headers.if_match) },
		{ "If-None-Match: ", offsetof(struct pt_call, headers.if_none_match) },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncasecmp(line, names[i].name, strlen(names[i].name)) == 0)
			pt_strset((char **)(void *)((char *)c + names[i].at), line + strlen(names[i].name));
	if (strcasecmp(line, "Transfer-Encoding: chunked") == 0)
		c->headers.chunked = true;
}

static void check(const struct pt_call *c, bool taken)
{
	if (!taken && (c->reply.status < 400 || c->reply.status > 431 || !c->reply.body))
		abort();
	for (size_t i = 0; taken && i < c->segments.n; i++) {
		const char *s = c->segments.v[i];

		if (!*s || strchr(s, '/') || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
			abort();
	}
	if (taken && c->role < c->route->role)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = pt_strndup((const char *)data, size);
	struct pt_call c = { .role = size ? (enum pt_role)(1 + data[size - 1] % (PT_ROLES - 1)) : PT_ROLE_VIEW };
	pt_autofree char *method = NULL;
	char *line = text;
	size_t n = strcspn(line, " \n");
	bool taken;

	method = pt_strndup(line, n);
	c.method = method;
	line += n;
	line += *line == ' ';
	n = strcspn(line, "\n");
	c.target = pt_strndup(line, n);
	for (line += n; *line == '\n' && line[1] != '\n' && line[1]; line += strcspn(line, "\n")) {
		pt_autofree char *header = NULL;

		line++;
		header = pt_strndup(line, strcspn(line, "\n"));
		take_header(&c, header);
	}
	taken = pt_route_find(&c);
	check(&c, taken);
	if (taken && (c.route->flags & PT_ROUTE_BODY)) {
		line += *line == '\n';
		line += *line == '\n';
		pt_buf_add(&c.body, line);
		taken = pt_route_body(&c);
		check(&c, taken);
	}
	if (taken)
		pt_reply_json(&c, 200, c.json ? json_incref(c.json) : json_object());
	pt_call_etag(&c);
	pt_call_done(&c);
	return 0;
}
