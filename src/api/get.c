/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: what is told of the daemon itself, and events. */
#include <errno.h>
#include <stdlib.h>

#include "api/openapi.h"
#include "api/parts.h"
#include "base/cleanup.h"
#include "journal/journal.h"

/* 503 while it does not know the store: whoever balances load asks this */
void pt_get_health(struct pt_call *c)
{
	pt_autofree char *trouble = pt_model_trouble(c->api->model);
	struct pt_error why = { 0 };
	int r = pt_model_ready(c->api->model, &why);

	pt_reply_json(c, r < 0 ? 503 : 200,
		      json_pack("{s:s, s:s, s:I, s:s?}", "status",
				r < 0	  ? "starting"
				: trouble ? "stale"
					  : "ok",
				"version", PT_VERSION, "revision", (json_int_t)pt_model_revision(c->api->model),
				"trouble", r < 0 ? why.msg : trouble));
}

void pt_get_openapi(struct pt_call *c)
{
	pt_reply_text(c, pt_strndup(pt_openapi, pt_openapi_size), pt_openapi_size);
	c->reply.type = "application/json";
}

void pt_get_events(struct pt_call *c)
{
	struct pt_exchange *x = (struct pt_exchange *)(void *)((char *)c - offsetof(struct pt_exchange, call));
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	long long revision = pt_model_revision(c->api->model);
	struct pt_error why = { 0 };
	int r = pt_model_ready(c->api->model, &why);

	if (r < 0) {
		pt_reply_error(c, 503, &why);
		return;
	}
	if (!pt_conn_stream(&c->api->conns, x->conn)) {
		pt_reply_say(c, 503, NULL, "%d listen already, or a quarter of that from here", PT_STREAMS_MAX);
		return;
	}
	r = pt_model_resume(c->api->model, c->headers.last_event_id, &x->at);
	pt_buf_add(&b, "retry: 2000\n");
	/* everything before this id is known by who reads the lists after it has begun to listen */
	if (r == 0)
		pt_buf_addf(&b,
			    "id: %lld\nevent: reset\ndata: {\"reason\":\"what happened since that event is no "
			    "longer known\"}\n",
			    revision);
	else if (!c->headers.last_event_id)
		pt_buf_addf(&b, "id: %lld\nevent: begin\ndata: {}\n", revision);
	pt_buf_add(&b, "\n");
	pt_reply_text(c, pt_buf_take(&b), 0);
	c->reply.type = "text/event-stream";
	c->reply.stream = true;
}

static void escape(struct pt_buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			pt_buf_add(b, "\\");
		pt_buf_addn(b, text, 1);
	}
}

struct writer {
	struct pt_buf devices;
	struct pt_buf claims;
};

static void add_line(void *arg, const struct pt_model_count *n)
{
	struct writer *w = arg;

	pt_buf_add(&w->devices, "passthru_devices{host=\"");
	escape(&w->devices, n->host);
	pt_buf_addf(&w->devices, "\",class=\"%04x:%04x\",type=\"%s\",state=\"%s\"} %zu\n", n->vendor, n->product,
		    n->type, n->state, n->n);
}

static void add_claims(void *arg, const char *host, size_t n)
{
	struct writer *w = arg;

	pt_buf_add(&w->claims, "passthru_claims{host=\"");
	escape(&w->claims, host);
	pt_buf_addf(&w->claims, "\"} %zu\n", n);
}

/* of this host's journal, as far as there is one */
static void write_changes(const struct pt_api *api, struct pt_buf *b)
{
	const char *root = api->setup.sysroot;
	pt_autofree char *dir = pt_strf("%s%s", root ? root : "", PT_JOURNAL_DIR);
	PT_AUTO(pt_change_list) l = { 0 };
	struct pt_journal *journal = NULL;
	size_t n[PT_CHANGE_STATES] = { 0 };

	if (pt_journal_open(dir, root ? PT_JOURNAL_FROZEN : PT_JOURNAL_READ, &journal, NULL) == 0)
		(void)pt_journal_list(journal, false, &l, NULL);
	pt_journal_close(journal);
	for (size_t i = 0; i < l.n; i++)
		n[l.v[i].state]++;
	pt_buf_add(b, "# HELP passthru_changes Changes of this host in its journal, by how they stand.\n"
		      "# TYPE passthru_changes gauge\n");
	for (int i = 0; i < PT_CHANGE_STATES; i++)
		pt_buf_addf(b, "passthru_changes{state=\"%s\"} %zu\n", pt_change_state_str((enum pt_change_state)i),
			    n[i]);
}

void pt_get_metrics(struct pt_call *c)
{
	struct pt_api *api = c->api;
	pt_autofree char *trouble = pt_model_trouble(api->model);
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };
	struct writer w = { 0 };
	size_t size;

	pt_model_count(api->model, add_line, add_claims, &w);
	pt_buf_add(&b, "# HELP passthru_devices Devices, by host, class, type and state.\n"
		       "# TYPE passthru_devices gauge\n");
	pt_buf_add(&b, w.devices.s ? w.devices.s : "");
	pt_buf_add(&b, "# HELP passthru_claims Claims, by host.\n# TYPE passthru_claims gauge\n");
	pt_buf_add(&b, w.claims.s ? w.claims.s : "");
	pt_buf_done(&w.devices);
	pt_buf_done(&w.claims);
	write_changes(api, &b);
	pt_stats_write(&api->stats, &b);
	pt_buf_addf(&b,
		    "# HELP passthru_store_revision The store's revision that is known here.\n"
		    "# TYPE passthru_store_revision gauge\npassthru_store_revision %lld\n"
		    "# HELP passthru_store_up Does the store's watch work?\n"
		    "# TYPE passthru_store_up gauge\npassthru_store_up %d\n"
		    "# HELP passthru_connections Connections now.\n# TYPE passthru_connections gauge\n"
		    "passthru_connections{socket=\"unix\"} %u\npassthru_connections{socket=\"tls\"} %u\n",
		    pt_model_revision(api->model), !trouble, api->conns.n[0], api->conns.n[1]);
	size = b.n;
	pt_reply_text(c, pt_buf_take(&b), size);
	c->reply.type = "text/plain; version=0.0.4; charset=utf-8";
}
