/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes: a new one is one row here, one handler, one path in docs/openapi.json.  Private to api/. */
#ifndef PT_API_ROUTE_H
#define PT_API_ROUTE_H

#include "api/call.h"

enum pt_route_flags {
	PT_ROUTE_BODY = 1 << 0,	  /* takes a JSON object */
	PT_ROUTE_SLOW = 1 << 1,	  /* may wait: for the store, for a program */
	PT_ROUTE_TEXT = 1 << 2,	  /* also as a terminal would show it */
	PT_ROUTE_STREAM = 1 << 3, /* events */
	PT_ROUTE_MATCH = 1 << 4,  /* If-Match is demanded */
};

/**
 * struct pt_route
 * @path: "/v1/claims/{claim}"
 * @query: names that are allowed, separated by blanks; NULL: none
 * @command: what of `passthru` answers it, for @handler or for text: "history {0}"; "?NAME" becomes --NAME VALUE,
 * "*NAME" operands, "&" the configuration
 */
struct pt_route {
	const char *method;
	const char *path;
	enum pt_role role;
	unsigned flags;
	const char *query;
	const char *command;
	void (*handler)(struct pt_call *call);
};

extern const struct pt_route pt_routes[]; /* ends in a NULL method */

/**
 * pt_route_find() - method, target and headers of a call, judged: everything but who asks and what the body says
 *
 * Return: true, and call->route is set; false, and call->reply says why not: 400, 404, 405, 406, 411, 413, 414, 415,
 * 428. The role is looked at as soon as the path is known: 403.
 */
bool pt_route_find(struct pt_call *call);

/** pt_route_body() - read the body: call->json; false, and call->reply says why not: 400 */
bool pt_route_body(struct pt_call *call);

/* pt_call_handle() - by the route's handler, or as a terminal would show it */
void pt_call_handle(struct pt_call *call);

/* handlers */
void pt_get_health(struct pt_call *call);
void pt_get_metrics(struct pt_call *call);
void pt_get_openapi(struct pt_call *call);
void pt_get_events(struct pt_call *call);
void pt_get_command(struct pt_call *call);
void pt_get_claims(struct pt_call *call);
void pt_get_claim(struct pt_call *call);
void pt_post_claim(struct pt_call *call);
void pt_delete_claim(struct pt_call *call);
void pt_post_decision(struct pt_call *call);
void pt_post_plan(struct pt_call *call);
void pt_get_hosts(struct pt_call *call);
void pt_get_host(struct pt_call *call);
void pt_delete_host(struct pt_call *call);
void pt_post_evacuate(struct pt_call *call);
void pt_put_limit(struct pt_call *call);
void pt_delete_limit(struct pt_call *call);

#endif
