/* SPDX-License-Identifier: Apache-2.0 */
/* A request in the queue: its record by a lease, and a try whenever something changed. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "fleet/fleet.h"
#include "fleet/queue.h"
#include "fleet/race.h"
#include "shape/claim.h"

/* a waiter that is no more is out of the way after this */
#define TTL_S 10
/* how often @stop is asked, at least */
#define TICK_MS 200
/* nothing is heard, and yet it is tried: claims may be ended without their record of a limit's being written */
#define AGAIN_MS 10000

enum { WATCH_HELD, WATCH_FACTS, WATCH_ALIVE, WATCH_QUEUE, WATCH_QUOTA, WATCHES };

/**
 * struct waiter
 * @ask: the caller's, with its own place in the queue
 * @kept_ms: when its lease was renewed; @tried_ms: when it was tried
 * @behind: the view is to be read anew
 */
struct waiter {
	struct pt_fleet *f;
	struct pt_claim_ask ask;
	const struct pt_queue_wait *wait;
	long long until;
	long long lease;
	long long kept_ms;
	long long tried_ms;
	bool behind;
	size_t told;
	struct pt_store_watch *watches[WATCHES];
};

static void unwatch(struct waiter *w)
{
	for (int i = 0; i < WATCHES; i++) {
		pt_store_watch_close(w->watches[i]);
		w->watches[i] = NULL;
	}
}

static char *record_of(const struct pt_claim_ask *ask)
{
	struct pt_waiting me = { .asked = pt_strdup(ask->request->alias),
				 .holder = pt_strdup(ask->holder),
				 .host = pt_strdup_opt(ask->host),
				 .project = pt_strdup_opt(ask->project),
				 .numa = pt_strdup_opt(ask->numa),
				 .since = (long long)time(NULL),
				 .spread = ask->how.spread,
				 .request = *ask->request };
	char *text;

	(void)snprintf(me.id, sizeof(me.id), "%s", ask->id);
	text = pt_record_text(pt_waiting_json(&me));
	/* it is the asker's */
	me.request = (struct pt_request){ 0 };
	pt_waiting_done(&me);
	return text;
}

static unsigned ttl_s(const struct waiter *w)
{
	return w->wait->ttl_s ? w->wait->ttl_s : TTL_S;
}

/* at the end of the queue; one that an earlier sending, or the same command before, put there is this one */
static int join(struct waiter *w, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("queue/%s", w->ask.id);
	pt_autofree char *text = record_of(&w->ask);
	bool unknown = false;
	int r = pt_store_lease(w->f->store, ttl_s(w), &w->lease, err);

	w->kept_ms = pt_watch_now_ms();
	for (unsigned i = 0; r == 0 && i < PT_RACE_QUESTIONS; i++) {
		PT_AUTO(pt_records) now = { 0 };
		struct pt_saw saw = { key, w->ask.queued };
		const struct pt_write write = { key, text, w->lease };
		const struct pt_txn txn = { &saw, 1, &write, 1 };

		r = pt_store_commit(w->f->store, &txn, &w->ask.queued, &now, err);
		/* written by a sending that nobody answered for: its place is that one's */
		if (r == 0 && unknown && pt_streq(now.v[0].value, text)) {
			w->ask.queued = now.v[0].revision;
			return 0;
		}
		if (r == 0)
			w->ask.queued = now.v[0].revision;
		unknown = unknown || r == -ETIMEDOUT;
		if (r == -ETIMEDOUT)
			r = 0;
	}
	return r == 1 ? 0 : r < 0 ? r : pt_say(err, -EBUSY, "%s cannot be put into the queue", w->ask.id);
}

/* the view anew, and everything that changes from there on */
static int look(struct waiter *w, struct pt_error *err)
{
	static const char *const prefixes[WATCHES] = { [WATCH_HELD] = "held/",
						       [WATCH_FACTS] = "facts/",
						       [WATCH_ALIVE] = "alive/",
						       [WATCH_QUEUE] = "queue/",
						       [WATCH_QUOTA] = "quota/" };
	PT_AUTO(pt_fleet) fresh = { 0 };
	int r = pt_fleet_load(w->f->store, w->f->aliases, &fresh, err);

	if (r < 0)
		return r;
	pt_fleet_done(w->f);
	*w->f = pt_take(fresh);
	unwatch(w);
	for (int i = 0; i < WATCHES && r >= 0; i++)
		r = pt_store_watch(w->f->store, prefixes[i], w->f->revision, &w->watches[i], err);
	w->behind = false;
	return r;
}

static void take(struct waiter *w, int which, const struct pt_record *record)
{
	struct pt_fleet_host *h = pt_fleet_find_host(w->f, strchr(record->key, '/') + 1);

	/* a host that is new or gone, and what it offers: the view is made anew */
	if (which == WATCH_FACTS && (!h || record->revision > h->facts))
		w->behind = true;
	if (which == WATCH_HELD && h && record->revision > h->held)
		pt_fleet_take_held(h, record);
	if (which == WATCH_ALIVE && h)
		pt_fleet_take_alive(h, record);
}

/* 1 something is not as it was */
static int hear(struct waiter *w, int which, int timeout_ms, struct pt_error *err)
{
	PT_AUTO(pt_changes) changes = { 0 };
	int r = pt_store_watch_next(w->watches[which], timeout_ms, &changes, err);

	if (r != 1)
		return r;
	if (which == WATCH_QUOTA)
		return 1;
	if (which == WATCH_QUEUE) {
		if (!changes.whole)
			return pt_queue_take(w->f, &changes.records), 1;
		r = pt_queue_load(w->f, err);
		return r < 0 ? r : 1;
	}
	/* something was missed */
	w->behind = w->behind || changes.whole;
	for (size_t i = 0; i < changes.records.n; i++)
		take(w, which, &changes.records.v[i]);
	return 1;
}

/* until something changed, or a tick has passed; 1 when something has */
static int listen(struct waiter *w, struct pt_error *err)
{
	int news = hear(w, WATCH_HELD, TICK_MS, err);

	for (int i = WATCH_FACTS; i < WATCHES && news >= 0; i++) {
		int r = hear(w, i, 0, err);

		news = r < 0 ? r : news || r;
	}
	return news;
}

/* 1 the lease is there; 0 it has ended, and the record with it */
static int stay(struct waiter *w, struct pt_error *err)
{
	int r;

	if (pt_watch_now_ms() - w->kept_ms < ttl_s(w) * 300)
		return 1;
	r = pt_store_keep(w->f->store, w->lease, err);
	if (r == 1)
		w->kept_ms = pt_watch_now_ms();
	return r;
}

static bool is_over(const struct waiter *w)
{
	return w->wait->timeout_ms >= 0 && pt_watch_now_ms() >= w->until;
}

/* a store that does not answer is asked again, as long as there is time */
static bool may_pass(int r)
{
	return r == -EHOSTUNREACH || r == -EBUSY;
}

static int try_now(struct waiter *w, struct pt_claim *ret, struct pt_error *err)
{
	size_t ahead = 0;
	int r = w->behind ? look(w, err) : 0;

	r = r < 0 ? r : pt_fleet_try(w->f, &w->ask, ret, &ahead, err);
	w->tried_ms = pt_watch_now_ms();
	if (r == 0 && w->wait->tell && ahead != w->told)
		w->wait->tell(w->wait->user, ahead);
	w->told = ahead;
	return r;
}

/* 1 claimed, 0 the time is over; -EINTR; -ESTALE it is no longer in the queue */
static int turns(struct waiter *w, struct pt_claim *ret, struct pt_error *err)
{
	bool news = true;

	while (!is_over(w)) {
		int r = news || pt_watch_now_ms() - w->tried_ms >= AGAIN_MS ? try_now(w, ret, err) : 0;

		if (r == 1 || (r < 0 && !may_pass(r)))
			return r;
		if (w->wait->stop && w->wait->stop(w->wait->user))
			return pt_say(err, -EINTR, "%s does not wait any more", w->ask.id);
		if (r < 0)
			pt_race_pause(100);
		r = stay(w, err);
		if (r == 0)
			return pt_say(err, -ESTALE, "%s is no longer in the queue: its lease has ended", w->ask.id);
		if (r > 0)
			r = listen(w, err);
		if (r < 0 && !may_pass(r))
			return r;
		news = r != 0;
	}
	return 0;
}

/* whatever came of it, nothing stays behind; what cannot be ended now ends by itself */
static void leave(struct waiter *w)
{
	unwatch(w);
	if (w->lease)
		(void)pt_store_end(w->f->store, w->lease, NULL);
	w->lease = 0;
}

int pt_queue_claim(struct pt_fleet *f, const struct pt_claim_ask *ask, const struct pt_queue_wait *wait,
		   struct pt_claim *ret_claim, struct pt_fleet_answers *ret_answers, struct pt_error *err)
{
	struct waiter w = { .f = f, .ask = *ask, .wait = wait, .told = SIZE_MAX, .behind = true };
	int r = pt_fleet_claim(f, ask, ret_claim, ret_answers, err);

	w.until = pt_watch_now_ms() + wait->timeout_ms;
	while (r == 0 && !is_over(&w)) {
		r = join(&w, err);
		r = r < 0 ? r : turns(&w, ret_claim, err);
		leave(&w);
		/* it was stopped, or cut off, for too long: others have gone by, and it begins at the end again */
		if (r != -ESTALE)
			break;
		w.ask.queued = 0;
		w.behind = true;
		r = 0;
	}
	if (r != 0)
		return r;
	/* the last word, on what there is now */
	pt_fleet_answers_done(ret_answers);
	return pt_fleet_claim(f, ask, ret_claim, ret_answers, err);
}
