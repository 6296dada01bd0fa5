/* SPDX-License-Identifier: Apache-2.0 */
/* Between libmicrohttpd and the routes: connections, bodies, answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/parts.h"
#include "base/cleanup.h"

/* one that is refused is taken first, and told so: a few more than the limit */
#define CONNS_MORE 64
/* pt_conn_limit() is what counts; this is for what it does not see */
#define QUIET_S 120u

static const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

static void set_header(struct MHD_Response *r, const char *name, const char *value)
{
	/* fails without memory only; an answer without it is still the answer */
	if (value && *value)
		(void)MHD_add_response_header(r, name, value);
}

static void set_headers(struct MHD_Response *r, const struct pt_reply *reply)
{
	char seconds[16];

	set_header(r, "Content-Type", reply->type);
	set_header(r, "ETag", reply->etag);
	set_header(r, "Allow", reply->allow);
	set_header(r, "Location", reply->location);
	set_header(r, "Cache-Control", reply->stream ? "no-store" : "no-cache");
	set_header(r, "X-Content-Type-Options", "nosniff");
	set_header(r, "WWW-Authenticate", reply->status == 401 ? "Certificate" : NULL);
	/* what `passthru --connect` ends with */
	set_header(r, "Passthru-Exit-Status", reply->exit_status == 3 ? "3" : NULL);
	if (reply->retry_after_s) {
		(void)snprintf(seconds, sizeof(seconds), "%u", reply->retry_after_s);
		set_header(r, "Retry-After", seconds);
	}
}

static enum MHD_Result answer(struct pt_exchange *x)
{
	struct pt_call *c = &x->call;
	struct pt_api *api = c->api;
	struct MHD_Response *r;
	enum MHD_Result done;

	x->phase = PT_PHASE_ANSWER;
	pt_call_etag(c);
	pt_stats_request(&api->stats, c->route ? c->route->path : "", c->route ? c->route->method : "",
			 c->reply.status);
	pt_conn_limit(&api->conns, x->conn, PT_CONN_SEND_MS + (long long)(c->reply.size >> 16) * 1000);
	if (c->reply.stream) {
		r = pt_stream_new(x);
	} else {
		r = MHD_create_response_from_buffer(c->reply.size, c->reply.body, MHD_RESPMEM_MUST_FREE);
		if (r)
			c->reply.body = NULL;
	}
	if (!r)
		return MHD_NO;
	set_headers(r, &c->reply);
	/* who was not known gets no second try on the same connection, nor does one whose body was not read */
	if (c->reply.status == 401)
		set_header(r, "Connection", "close");
	done = MHD_queue_response(x->mhd, c->reply.status, r);
	MHD_destroy_response(r);
	return done;
}

/* what may wait does so elsewhere */
static enum MHD_Result work(struct pt_exchange *x)
{
	struct pt_call *c = &x->call;
	bool run = c->text || c->route->handler == pt_get_command || c->route->handler == pt_post_plan;

	if (!(c->route->flags & PT_ROUTE_SLOW)) {
		c->route->handler(c);
		/* a decision that needs a reason takes longer */
		if (c->reply.status)
			return answer(x);
	}
	x->phase = PT_PHASE_WORK;
	if (pt_crew_put(run ? &c->api->runners : &c->api->workers, x))
		return MHD_YES;
	pt_reply_say(c, 503, NULL, "too many requests wait already");
	return answer(x);
}

static const char *header(struct pt_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name);
}

static void take_headers(struct pt_exchange *x)
{
	struct pt_call *c = &x->call;
	const char *encoding = header(x, "Transfer-Encoding");

	c->headers.accept = pt_strdup_opt(header(x, "Accept"));
	c->headers.content_type = pt_strdup_opt(header(x, "Content-Type"));
	c->headers.content_length = pt_strdup_opt(header(x, "Content-Length"));
	c->headers.if_match = pt_strdup_opt(header(x, "If-Match"));
	c->headers.if_none_match = pt_strdup_opt(header(x, "If-None-Match"));
	c->headers.last_event_id = pt_strdup_opt(header(x, "Last-Event-ID"));
	c->headers.chunked = encoding != NULL;
}

/* false: the reply says why not */
static bool admit(struct pt_exchange *x)
{
	struct pt_call *c = &x->call;
	struct pt_error err = { 0 };
	int r = x->conn->tls ? pt_tls_identify(c->api, x->conn, x->mhd, &err) : 0;

	c->role = x->conn->role;
	if (x->conn->refused)
		pt_reply_say(c, 503, NULL, "there are too many connections, of this peer or of all");
	else if (!pt_conn_ask(&c->api->conns, x->conn))
		pt_reply_say(c, 429, NULL, "more requests than [api] rate allows one peer");
	else if (r < 0)
		pt_reply_error(c, 401, &err);
	else if (c->role == PT_ROLE_NONE)
		pt_reply_say(c, 403, "[api] of the configuration says who may what", "%s may nothing here",
			     x->conn->asker->name);
	else
		return true;
	return false;
}

static enum MHD_Result begin(struct pt_exchange *x, const char *method)
{
	struct pt_call *c = &x->call;

	x->phase = PT_PHASE_BODY;
	c->method = method;
	take_headers(x);
	if (!admit(x) || !pt_route_find(c))
		return answer(x);
	pt_conn_limit(&c->api->conns, x->conn, pt_limit(c->api->setup.config->body_ms, PT_CONN_BODY_MS));
	return MHD_YES;
}

static enum MHD_Result take_body(struct pt_exchange *x, const char *data, size_t *size)
{
	size_t n = *size;

	*size = 0;
	if (x->call.body.n <= PT_API_BODY_MAX)
		pt_buf_addn(&x->call.body, data, n);
	else
		x->drained += n;
	return x->drained > PT_API_DRAIN_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *upload, size_t *size, void **ctx)
{
	struct pt_exchange *x = *ctx;

	if (!x)
		return MHD_NO;
	switch (x->phase) {
	case PT_PHASE_HEAD:
		return begin(x, method);
	case PT_PHASE_BODY:
		if (*size)
			return take_body(x, upload, size);
		pt_conn_limit(&x->call.api->conns, x->conn, 0);
		if ((x->call.route->flags & PT_ROUTE_BODY) && !pt_route_body(&x->call))
			return answer(x);
		return work(x);
	case PT_PHASE_WORK:
		return answer(x);
	case PT_PHASE_ANSWER:
		break;
	}
	/* what is left of the body of a request that was refused */
	*size = 0;
	return MHD_YES;
}

/* the target as it came, before anybody has decoded or cut it */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct pt_exchange *x = pt_alloc(sizeof(*x));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	x->mhd = mhd;
	x->conn = info->socket_context;
	x->call.api = arg;
	x->call.target = pt_strdup(target);
	return x;
}

static void on_done(void *arg, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode how)
{
	struct pt_api *api = arg;
	struct pt_exchange *x = *ctx;

	if (!x)
		return;
	*ctx = NULL;
	pt_stream_end(x);
	pt_conn_limit(&api->conns, x->conn, pt_limit(api->setup.config->idle_ms, PT_CONN_IDLE_MS));
	pt_call_done(&x->call);
	free(x);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const struct pt_door *door = arg;
	struct pt_conns *conns = &door->api->conns;
	const union MHD_ConnectionInfo *info;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		pt_conn_close(conns, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = info->connect_fd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = pt_conn_open(conns, fd, door->tls, info->client_addr);
}

/* %XX stays: routes decode, once and strictly */
static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
	return strlen(text);
}

static void no_log(void *arg, const char *format, va_list ap)
{
}

int pt_door_open(struct pt_door *door, struct pt_api *api, int fd, const struct MHD_OptionItem *more,
		 struct pt_error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	unsigned conns = pt_limit(api->setup.config->connections, PT_CONN_MAX) + CONNS_MORE;

	door->api = api;
	door->tls = more != NULL;
	door->daemon = MHD_start_daemon(
		flags | (more ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, api, MHD_OPTION_EXTERNAL_LOGGER, no_log,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, conns,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, PT_MEMORY_MAX, MHD_OPTION_CONNECTION_TIMEOUT, QUIET_S,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, api, MHD_OPTION_NOTIFY_COMPLETED, on_done, api,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, door, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, more ? more : none, MHD_OPTION_END);
	if (door->daemon)
		return 0;
	return pt_say(err, -EINVAL, "cannot serve%s",
		      more ? " TLS: do [api] cert_file, key_file and ca_file belong together?" : "");
}
