/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes as etcd streams them: one JSON document a line, over a connection of its own
 * (https://etcd.io/docs/v3.4/learning/api/#watch-api).  What went missing is noticed and listed anew.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/watch.h"
#include "store/etcd.h"

/*
 * A member that was stopped or cut off keeps its connections, and says nothing; nor does one when there is no news.  So
 * after this many times the limit of a request another member is asked to go on.
 */
#define QUIET_TIMES 10
/* how long until the next attempt, after the first, and at most */
#define RETRY_MS     100
#define RETRY_MAX_MS 2000

/**
 * struct etcd_watch
 * @easy: the stream, while there is one
 * @in: what came; @read of it was read already
 * @searched: so much of the rest has no end of a line
 * @created: etcd has said that it watches
 * @heard_ms: when something came, or the stream began
 * @retry_ms, @retry_at: how long was waited for the last attempt, and when the next one is
 * @missed: why everything must be listed anew
 */
struct etcd_watch {
	struct pt_store_watch w;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct pt_buf in;
	size_t read;
	size_t searched;
	bool created;
	long long heard_ms;
	long long retry_ms;
	long long retry_at;
	char *missed;
};

static struct pt_etcd_store *store_of(const struct etcd_watch *e)
{
	return (struct pt_etcd_store *)e->w.store;
}

static size_t collect(char *data, size_t size, size_t n, void *user)
{
	struct etcd_watch *e = user;

	if (size * n > PT_ETCD_ANSWER_MAX - e->in.n)
		return 0;
	pt_buf_addn(&e->in, data, size * n);
	e->heard_ms = pt_watch_now_ms();
	return size * n;
}

static void hang_up(struct etcd_watch *e)
{
	if (e->easy) {
		(void)curl_multi_remove_handle(e->multi, e->easy);
		curl_easy_cleanup(e->easy);
		e->easy = NULL;
	}
	curl_slist_free_all(pt_take_ptr(e->headers));
	free(pt_take_ptr(e->body));
	e->in.n = e->read = e->searched = 0;
	e->created = false;
}

/* no news for the moment: why, and when to try again */
static void trouble(struct etcd_watch *e, const char *why)
{
	pt_strset(&e->w.trouble, why);
	hang_up(e);
	e->retry_ms = e->retry_ms ? e->retry_ms * 2 : RETRY_MS;
	if (e->retry_ms > RETRY_MAX_MS)
		e->retry_ms = RETRY_MAX_MS;
	e->retry_at = pt_watch_now_ms() + e->retry_ms;
}

static void another_member(struct etcd_watch *e, const char *why)
{
	pt_autofree char *text = pt_strf("%s: %s", pt_etcd_endpoint(&store_of(e)->etcd), why);

	pt_etcd_next_endpoint(&store_of(e)->etcd);
	trouble(e, text);
}

/* what a failed question means for a watch: 0 to try later, or the errno that trying again does not help against */
static int later(struct etcd_watch *e, const struct pt_error *why, struct pt_error *err)
{
	if (why->code == -EHOSTUNREACH || why->code == -ESTALE) {
		trouble(e, why->msg);
		return 0;
	}
	if (err)
		*err = *why;
	return why->code;
}

static int call(struct etcd_watch *e, struct pt_error *err)
{
	struct pt_etcd_store *s = store_of(e);
	json_t *request = pt_etcd_range(s, e->w.prefix);
	pt_autofree char *since = pt_strf("%lld", e->w.since + 1);
	pt_autofree char *url = pt_strf("%s/v3/watch", pt_etcd_endpoint(&s->etcd));
	json_t *body;

	(void)json_object_set_new(request, "start_revision", json_string(since));
	(void)json_object_set_new(request, "progress_notify", json_true());
	body = json_pack("{s:o}", "create_request", request);
	e->body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	e->headers = pt_etcd_headers(&s->etcd, err);
	if (!e->headers)
		return err->code;
	/* a member that has lost its leader ends the stream instead of being silent */
	e->headers = curl_slist_append(e->headers, "Grpc-Metadata-hasleader: true");
	e->easy = curl_easy_init();
	if (!e->easy || !e->headers || !e->body)
		return pt_say(err, -ENOMEM, "libcurl cannot be started");
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEFUNCTION, collect);
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEDATA, e);
	(void)curl_easy_setopt(e->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, e->headers);
	(void)curl_easy_setopt(e->easy, CURLOPT_POSTFIELDS, e->body);
	if (pt_etcd_setup(&s->etcd, e->easy, err) < 0)
		return err->code;
	if (curl_multi_add_handle(e->multi, e->easy) != CURLM_OK)
		return pt_say(err, -EIO, "libcurl does not take a connection to %s", url);
	e->heard_ms = pt_watch_now_ms();
	return 0;
}

/* 0 when the stream has begun, or will be tried again later */
static int connect_stream(struct etcd_watch *e, struct pt_error *err)
{
	struct pt_error why = { 0 };

	/* a past that was seen and is gone would never be heard of: etcd waits for the revision to come */
	if (pt_etcd_probe(store_of(e), e->w.prefix, &why) < 0 || call(e, &why) < 0) {
		hang_up(e);
		return later(e, &why, err);
	}
	return 0;
}

static int list_all(struct etcd_watch *e, struct pt_changes *c, struct pt_error *err)
{
	struct pt_error why = { 0 };

	if (pt_etcd_list(store_of(e), e->w.prefix, &c->records, &why) < 0)
		return later(e, &why, err);
	e->w.since = c->records.revision;
	c->whole = true;
	c->missed = pt_take_ptr(e->missed);
	e->retry_ms = 0;
	return 1;
}

static int read_events(const struct etcd_watch *e, const json_t *events, struct pt_changes *c, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < json_array_size(events) && r == 0; i++) {
		const json_t *event = json_array_get(events, i);
		struct pt_record *record = pt_array_add(&c->records);

		r = pt_etcd_read_kv(store_of(e), json_object_get(event, "kv"), record, err);
		if (r == 0 && pt_streq(json_string_value(json_object_get(event, "type")), "DELETE"))
			free(pt_take_ptr(record->value));
		if (r == 0 && record->revision > e->w.since)
			c->records.revision = record->revision;
	}
	return r;
}

static int canceled(struct etcd_watch *e, const char *said, struct pt_error *err)
{
	pt_autofree char *text = pt_text_clean(pt_strndup(said ? said : "the watch was ended", 200));

	if (strstr(text, "permission denied"))
		return pt_say(err, -EACCES, "%s refuses user '%s' to watch %s%s: %s", e->w.store->name,
			      store_of(e)->etcd.config.user ? store_of(e)->etcd.config.user : "(none)",
			      store_of(e)->prefix, e->w.prefix, text);
	if (strstr(text, "auth"))
		pt_etcd_forget_token(&store_of(e)->etcd);
	another_member(e, text);
	return 0;
}

/* one line of the stream; 1 when it is news */
static int read_line(struct etcd_watch *e, const json_t *line, struct pt_changes *c, struct pt_error *err)
{
	const json_t *result = json_object_get(line, "result");
	const json_t *error = json_object_get(line, "error");
	long long compacted = pt_etcd_number(result, "compact_revision");
	int r;

	if (!json_is_object(result)) {
		const json_t *said = json_is_object(error) ? json_object_get(error, "message") : error;

		return canceled(e, json_string_value(said), err);
	}
	r = pt_etcd_check_header(&store_of(e)->etcd, result, err);
	if (r < 0)
		return r;
	if (compacted) {
		free(e->missed);
		e->missed = pt_strf("%s: compacted up to revision %lld, and the last that was seen is %lld",
				    e->w.store->name, compacted, e->w.since);
		hang_up(e);
		return 0;
	}
	if (json_is_true(json_object_get(result, "canceled")))
		return canceled(e, json_string_value(json_object_get(result, "cancel_reason")), err);
	if (json_is_true(json_object_get(result, "created"))) {
		e->created = true;
		e->retry_ms = 0;
		free(pt_take_ptr(e->w.trouble));
	}
	r = read_events(e, json_object_get(result, "events"), c, err);
	return r < 0 ? r : c->records.n > 0;
}

/* what was read is dropped when it is most of what there is, so that a stream that is behind is not moved for each line
 */
static void drop_read(struct etcd_watch *e)
{
	if (e->read < e->in.n - e->read)
		return;
	e->in.n -= e->read;
	if (e->in.n)
		memmove(e->in.s, e->in.s + e->read, e->in.n);
	e->read = 0;
}

/* the next whole line of what came; false when there is none */
static bool next_line(struct etcd_watch *e, const char **ret_line, size_t *ret_n)
{
	size_t from = e->read + e->searched;
	const char *end = from < e->in.n ? memchr(e->in.s + from, '\n', e->in.n - from) : NULL;

	if (!end) {
		e->searched = e->in.n - e->read;
		return false;
	}
	*ret_line = e->in.s + e->read;
	*ret_n = (size_t)(end - *ret_line);
	e->searched = 0;
	e->read += *ret_n + 1;
	return true;
}

/* until a line is news: 1; 0 when no whole line is left */
static int read_lines(struct etcd_watch *e, struct pt_changes *c, struct pt_error *err)
{
	const char *text;
	size_t n;
	int r = 0;

	while (r == 0 && next_line(e, &text, &n)) {
		json_t *line = json_loadb(text, n, 0, NULL);

		if (line)
			r = read_line(e, line, c, err);
		else if (n)
			another_member(e, "what it streams is no JSON");
		json_decref(line);
		drop_read(e);
	}
	if (r == 1)
		e->w.since = c->records.revision;
	return r;
}

/* has the stream ended, or been silent for too long? */
static void look_at_stream(struct etcd_watch *e)
{
	unsigned limit = store_of(e)->etcd.config.timeout_ms;
	long long quiet = pt_watch_now_ms() - e->heard_ms;
	CURLMsg *message;
	int left;

	while (e->easy && (message = curl_multi_info_read(e->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		another_member(e, message->data.result ? curl_easy_strerror(message->data.result)
						       : "the stream was ended");
	}
	if (e->easy && !e->created && quiet > limit)
		another_member(e, "it does not answer");
	else if (e->easy && quiet > (long long)limit * QUIET_TIMES)
		another_member(e, "it has been silent");
}

static long long at_least_0(long long ms)
{
	return ms < 0 ? 0 : ms;
}

/* until something came, the next attempt is due, or @left_ms is over */
static void wait_for_news(struct etcd_watch *e, long long left_ms)
{
	long long wait = left_ms < 200 ? left_ms : 200;
	int running = 0;

	if (!e->easy) {
		long long until_retry = at_least_0(e->retry_at - pt_watch_now_ms());

		if (until_retry < wait)
			wait = until_retry;
	}
	/* without a stream this only sleeps, like any other wait */
	(void)curl_multi_poll(e->multi, NULL, 0, (int)wait, NULL);
	(void)curl_multi_perform(e->multi, &running);
}

int pt_etcd_watch_next(struct pt_store_watch *w, int timeout_ms, struct pt_changes *c, struct pt_error *err)
{
	struct etcd_watch *e = (struct etcd_watch *)w;
	long long until = pt_watch_now_ms() + timeout_ms;
	int running = 0;
	int r = 0;

	for (;;) {
		long long now = pt_watch_now_ms();

		if (!e->easy && now >= e->retry_at)
			r = w->since == 0 || e->missed ? list_all(e, c, err) : connect_stream(e, err);
		/* what came is read before more is taken: who is behind is waited for by etcd, and keeps no more here
		 */
		if (r == 0)
			r = read_lines(e, c, err);
		/* also for one who does not wait at all */
		if (r == 0 && e->easy) {
			(void)curl_multi_perform(e->multi, &running);
			r = read_lines(e, c, err);
		}
		if (r != 0)
			return r;
		look_at_stream(e);
		now = pt_watch_now_ms();
		if (now >= until)
			return 0;
		wait_for_news(e, until - now);
	}
}

int pt_etcd_watch_open(struct pt_store *store, struct pt_store_watch **watch, struct pt_error *err)
{
	struct etcd_watch *e = pt_alloc(sizeof(*e));

	e->multi = curl_multi_init();
	if (!e->multi) {
		free(e);
		return pt_say(err, -ENOMEM, "libcurl cannot be started");
	}
	*watch = &e->w;
	return 0;
}

void pt_etcd_watch_close(struct pt_store_watch *w)
{
	struct etcd_watch *e = (struct etcd_watch *)w;

	hang_up(e);
	(void)curl_multi_cleanup(e->multi);
	pt_buf_done(&e->in);
	free(e->missed);
	free(e);
}
