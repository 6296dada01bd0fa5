/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, as handlers see them: no sockets, no libmicrohttpd.  Private to api/. */
#ifndef PT_API_CALL_H
#define PT_API_CALL_H

#include <jansson.h>

#include "api/api.h"
#include "base/alloc.h"
#include "store/store.h"

/* the one place for limits of a request; of connections: conn.h */
#define PT_API_TARGET_MAX ((size_t)8192)
#define PT_API_BODY_MAX	  ((size_t)65536)
/* a body that goes on after it was too large is read this far, so that its sender hears why */
#define PT_API_DRAIN_MAX ((size_t)1 << 20)
#define PT_API_DEPTH_MAX 16
#define PT_API_QUERY_MAX 32

struct pt_route;

struct pt_query {
	char *name;
	char *value;
};

/**
 * struct pt_reply - owns its members
 * @etag: with its quotes; empty: none
 * @exit_status: of the program that answered, where a check says no
 * @stream: events follow, for as long as the client stays
 */
struct pt_reply {
	unsigned status;
	char *body;
	size_t size;
	const char *type;
	char etag[72];
	char *location;
	char *allow;
	unsigned retry_after_s;
	int exit_status;
	bool stream;
};

/**
 * struct pt_call - owns its members
 * @headers: those that are looked at; NULL when absent
 * @segments: of the path, decoded; @args: those that the route leaves open
 * @text: what a terminal would show is asked for
 * @json: the body
 * @store: this thread's; NULL where a handler may not wait
 */
struct pt_call {
	struct pt_api *api;
	const struct pt_route *route;
	enum pt_role role;
	const char *method;
	char *target;
	struct {
		char *accept;
		char *content_type;
		char *if_match;
		char *if_none_match;
		char *last_event_id;
		char *content_length;
		bool chunked;
	} headers;
	struct pt_strv segments;
	const char *args[2];
	PT_ARRAY(struct pt_query) query;
	bool text;
	struct pt_buf body;
	json_t *json;
	struct pt_store *store;
	struct pt_reply reply;
};

void pt_call_done(struct pt_call *call);

/* pt_call_query() - value number @at of a query's name, from 0; NULL past the last */
const char *pt_call_query(const struct pt_call *call, const char *name, size_t at);

/* Each fills in call->reply.  @json is taken. */
void pt_reply_json(struct pt_call *call, unsigned status, json_t *json);
void pt_reply_text(struct pt_call *call, char *text, size_t size);
/* RFC 9457, with the words of the CLI; @status 0: as the error's kind and errno say */
void pt_reply_error(struct pt_call *call, unsigned status, const struct pt_error *err);
/* the same, with members of one's own: @more is taken */
void pt_reply_problem(struct pt_call *call, unsigned status, const struct pt_error *err, json_t *more);
void pt_reply_say(struct pt_call *call, unsigned status, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** pt_call_etag() - take an ETag from the reply's bytes, where it has none, and answer 304 where the client has them */
void pt_call_etag(struct pt_call *call);

/** pt_etag_in() - is @etag in a header's list, or is that "*"? */
bool pt_etag_in(const char *list, const char *etag);
/* pt_etag_any() - is "*" in it? */
bool pt_etag_any(const char *list);

#endif
