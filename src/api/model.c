/* SPDX-License-Identifier: Apache-2.0 */
/* The model: taking in what the watch brings. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/model-parts.h"
#include "base/cleanup.h"
#include "base/watch.h"

/* how long the thread waits for the store, and thereby the most that stopping takes */
#define TURN_MS	 200
#define AGAIN_MS 1000
/* between two signs of life of a stream there is at most that more than it asks for */
#define NUDGE_MS 2000

static int by_name(const void *name, const void *host)
{
	return strcmp(name, ((const struct pt_fleet_host *)host)->name);
}

/* where a host is, or would be put */
static size_t place_of(const struct pt_fleet *f, const char *name)
{
	size_t low = 0;
	size_t high = f->hosts.n;

	/* at first they come in order */
	if (high && strcmp(name, f->hosts.v[high - 1].name) > 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_name(name, &f->hosts.v[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct pt_fleet *f, size_t at, const char *name)
{
	return at < f->hosts.n && strcmp(f->hosts.v[at].name, name) == 0;
}

static size_t add_host(struct pt_model *m, size_t at, const char *name)
{
	struct pt_fleet *f = &m->fleet;

	(void)pt_array_add(&f->hosts);
	(void)pt_array_add(&m->seats);
	memmove(&f->hosts.v[at + 1], &f->hosts.v[at], (f->hosts.n - 1 - at) * sizeof(*f->hosts.v));
	memmove(&m->seats.v[at + 1], &m->seats.v[at], (m->seats.n - 1 - at) * sizeof(struct pt_seat *));
	f->hosts.v[at] = (struct pt_fleet_host){ .name = pt_strdup(name) };
	m->seats.v[at] = pt_alloc(sizeof(**m->seats.v));
	m->seats.v[at]->name = f->hosts.v[at].name;
	return at;
}

/* a group for each set of rules; they move when there are more of them */
static void follow_rules(struct pt_model *m)
{
	for (size_t i = 0; i < m->fleet.rules.n; i++) {
		if (i == m->groups.n)
			pt_index_init(&pt_array_add(&m->groups)->index, &m->fleet.rules.v[i].rules);
		m->groups.v[i].index.rules = &m->fleet.rules.v[i].rules;
	}
}

static void empty_seat(struct pt_model *m, size_t at)
{
	/* borrowed, and not kept */
	const struct pt_inv_host nothing = { .name = m->fleet.hosts.v[at].name };
	struct pt_seat *s = m->seats.v[at];

	if (s->there)
		(void)pt_index_replace(&m->groups.v[s->group].index, s->number, &nothing, NULL);
	s->there = false;
}

static uint8_t idle_of(const struct pt_index *x, uint32_t number)
{
	const struct pt_index_host *h = &x->hosts.v[number];
	uint32_t idle = 0;

	for (size_t i = 0; i < h->n_offered; i++)
		idle += x->pools.v[h->first_pool + i].free;
	return (uint8_t)(idle < PT_IDLE_MAX ? idle : PT_IDLE_MAX);
}

/* into the index, under its number there or a new one; < 0: the index does not hold its like */
static int seat(struct pt_model *m, struct pt_seat *s, const struct pt_fleet_host *h)
{
	struct pt_group *g = &m->groups.v[h->rules];
	int64_t number;

	if (s->placed && s->group == h->rules)
		return pt_index_replace(&g->index, s->number, &h->host, NULL);
	number = pt_index_add(&g->index, &h->host, NULL);
	if (number < 0)
		return (int)number;
	s->placed = true;
	s->group = h->rules;
	s->number = (uint32_t)number;
	pt_array_push(&g->members, s);
	pt_array_push(&g->idle, (uint8_t)0);
	return 0;
}

/* the index as the host's records now say */
static void sync_seat(struct pt_model *m, size_t at)
{
	const struct pt_fleet_host *h = &m->fleet.hosts.v[at];
	struct pt_seat *s = m->seats.v[at];
	bool gives = !h->wrong && !pt_fleet_is_lost(h);

	follow_rules(m);
	m->n_odd -= s->odd;
	s->odd = false;
	if (!gives || (s->placed && s->group != h->rules))
		empty_seat(m, at);
	if (!gives)
		return;
	if (seat(m, s, h) < 0) {
		empty_seat(m, at);
		/* it is asked by itself, each time */
		s->odd = true;
		m->n_odd++;
		return;
	}
	s->there = true;
	m->groups.v[s->group].idle.v[s->number] = idle_of(&m->groups.v[s->group].index, s->number);
}

static void take_facts(struct pt_model *m, const struct pt_record *r)
{
	const char *name = r->key + strlen("facts/");
	size_t at = place_of(&m->fleet, name);

	if (!is_at(&m->fleet, at, name)) {
		if (!r->value)
			return;
		at = add_host(m, at, name);
	}
	pt_fleet_take_facts(&m->fleet, &m->fleet.hosts.v[at], r);
	if (!r->value)
		m->fleet.hosts.v[at].facts = 0;
	sync_seat(m, at);
}

/* a host may be told of before its own facts are there: it waits for them, and gives nothing */
static void take_more(struct pt_model *m, const struct pt_record *r, const char *prefix,
		      void (*take)(struct pt_fleet_host *h, const struct pt_record *record))
{
	const char *name = r->key + strlen(prefix);
	size_t at;

	if (!pt_startswith(r->key, prefix))
		return;
	at = place_of(&m->fleet, name);
	if (!is_at(&m->fleet, at, name)) {
		at = add_host(m, at, name);
		m->fleet.hosts.v[at].host.name = pt_strdup(name);
		m->fleet.hosts.v[at].wrong_facts = pt_strdup("it has published nothing");
	}
	take(&m->fleet.hosts.v[at], r);
	sync_seat(m, at);
}

static void forget(struct pt_model *m)
{
	for (size_t i = 0; i < m->seats.n; i++)
		free(m->seats.v[i]);
	free(m->seats.v);
	for (size_t i = 0; i < m->groups.n; i++) {
		pt_index_done(&m->groups.v[i].index);
		free(m->groups.v[i].members.v);
		free(m->groups.v[i].idle.v);
	}
	free(m->groups.v);
	memset(&m->seats, 0, sizeof(m->seats));
	memset(&m->groups, 0, sizeof(m->groups));
	m->n_odd = 0;
	pt_fleet_done(&m->fleet);
}

static int begin_anew(struct pt_model *m, struct pt_error *err)
{
	const struct pt_pci_config names = { .alias = m->pci->alias };

	forget(m);
	m->fleet = (struct pt_fleet){ .aliases = m->pci };
	return pt_rules_compile(&names, &m->fleet.names, NULL, err);
}

static int take_changes(struct pt_model *m, const struct pt_changes *c, struct pt_error *err)
{
	int r = 0;

	(void)pthread_rwlock_wrlock(&m->lock);
	if (c->whole)
		r = begin_anew(m, err);
	for (size_t i = 0; i < c->records.n && r == 0; i++)
		if (pt_startswith(c->records.v[i].key, "facts/"))
			take_facts(m, &c->records.v[i]);
	/* after the facts: a host of the same batch is there then */
	for (size_t i = 0; i < c->records.n && r == 0; i++) {
		take_more(m, &c->records.v[i], "held/", pt_fleet_take_held);
		take_more(m, &c->records.v[i], "alive/", pt_fleet_take_alive);
	}
	(void)pthread_rwlock_unlock(&m->lock);
	return r;
}

static void set_trouble(struct pt_model *m, const char *text)
{
	(void)pthread_mutex_lock(&m->mutex);
	if (!(text && m->trouble && strcmp(text, m->trouble) == 0))
		pt_strset(&m->trouble, text);
	(void)pthread_mutex_unlock(&m->mutex);
}

/* until the time has passed or the end has come */
static void rest(struct pt_model *m, int ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	(void)pthread_mutex_lock(&m->mutex);
	while (!m->stop && pthread_cond_timedwait(&m->changed, &m->mutex, &until) == 0)
		;
	(void)pthread_mutex_unlock(&m->mutex);
}

static bool is_stopped(struct pt_model *m)
{
	bool stop;

	(void)pthread_mutex_lock(&m->mutex);
	stop = m->stop;
	(void)pthread_mutex_unlock(&m->mutex);
	return stop;
}

/* whoever listens hears that we live */
static void nudge(struct pt_model *m)
{
	long long now = pt_watch_now_ms();

	if (now - m->nudged < NUDGE_MS)
		return;
	m->nudged = now;
	m->wake(m->arg);
}

static int follow(struct pt_model *m, struct pt_store_watch *watch, struct pt_error *err)
{
	while (!is_stopped(m)) {
		PT_AUTO(pt_changes) c = { 0 };
		int r = pt_store_watch_next(watch, TURN_MS, &c, err);

		if (r == 1) {
			r = take_changes(m, &c, err);
			if (r == 0)
				pt_model_take_events(m, &c);
		}
		if (r < 0)
			return r;
		set_trouble(m, pt_store_watch_trouble(watch));
		nudge(m);
	}
	return 0;
}

static void *run(void *arg)
{
	struct pt_model *m = arg;

	while (!is_stopped(m)) {
		struct pt_store *store = NULL;
		struct pt_store_watch *watch = NULL;
		struct pt_error err = { 0 };
		int r = pt_store_open(m->config, &store, &err);

		r = r < 0 ? r : pt_store_watch(store, "", 0, &watch, &err);
		r = r < 0 ? r : follow(m, watch, &err);
		pt_store_watch_close(watch);
		pt_store_close(store);
		if (r < 0) {
			set_trouble(m, err.msg);
			rest(m, AGAIN_MS);
			nudge(m);
		}
	}
	return NULL;
}

static void init_locks(struct pt_model *m)
{
	pthread_condattr_t clock;

	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&m->changed, &clock);
	(void)pthread_condattr_destroy(&clock);
	(void)pthread_mutex_init(&m->mutex, NULL);
	(void)pthread_rwlock_init(&m->lock, NULL);
}

/* opened once before there are threads: what loads a library does so here */
static int name_store(struct pt_model *m, struct pt_error *err)
{
	struct pt_store *store = NULL;
	int r = pt_store_open(m->config, &store, err);

	if (r == 0)
		m->name = pt_strdup(pt_store_name(store));
	pt_store_close(store);
	return r;
}

int pt_model_start(const struct pt_store_config *store, const struct pt_pci_config *pci, void (*wake)(void *arg),
		   void *arg, struct pt_model **ret_model, struct pt_error *err)
{
	struct pt_model *m = pt_alloc(sizeof(*m));
	int r;

	m->config = store;
	m->pci = pci;
	m->wake = wake;
	m->arg = arg;
	init_locks(m);
	r = name_store(m, err);
	/* an alias that does not work is said at once, not when the store answers */
	r = r < 0 ? r : begin_anew(m, err);
	if (r == 0) {
		r = -pthread_create(&m->thread, NULL, run, m);
		if (r < 0)
			(void)pt_fail(err, r, "cannot start a thread");
	}
	m->runs = r == 0;
	if (r < 0) {
		pt_model_stop(m);
		return r;
	}
	*ret_model = m;
	return 0;
}

void pt_model_stop(struct pt_model *m)
{
	if (!m)
		return;
	(void)pthread_mutex_lock(&m->mutex);
	m->stop = true;
	(void)pthread_cond_broadcast(&m->changed);
	(void)pthread_mutex_unlock(&m->mutex);
	if (m->runs)
		(void)pthread_join(m->thread, NULL);
	forget(m);
	pt_model_drop_events(m);
	free(m->trouble);
	free(m->name);
	(void)pthread_cond_destroy(&m->changed);
	(void)pthread_mutex_destroy(&m->mutex);
	(void)pthread_rwlock_destroy(&m->lock);
	free(m);
}

int pt_model_ready(struct pt_model *m, struct pt_error *err)
{
	int r = 0;

	(void)pthread_mutex_lock(&m->mutex);
	if (!m->ready)
		r = pt_say(err, -EAGAIN, "the store has not been read yet%s%s", m->trouble ? ": " : "",
			   m->trouble ? m->trouble : "");
	(void)pthread_mutex_unlock(&m->mutex);
	return r;
}

char *pt_model_trouble(struct pt_model *m)
{
	char *text;

	(void)pthread_mutex_lock(&m->mutex);
	text = pt_strdup_opt(m->trouble);
	(void)pthread_mutex_unlock(&m->mutex);
	return text;
}

long long pt_model_revision(struct pt_model *m)
{
	long long revision;

	(void)pthread_mutex_lock(&m->mutex);
	revision = m->revision;
	(void)pthread_mutex_unlock(&m->mutex);
	return revision;
}

bool pt_model_wait(struct pt_model *m, long long revision, int timeout_ms)
{
	struct timespec until;
	bool known;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&m->mutex);
	while (!m->stop && m->revision < revision && pthread_cond_timedwait(&m->changed, &m->mutex, &until) == 0)
		;
	known = m->revision >= revision;
	(void)pthread_mutex_unlock(&m->mutex);
	return known;
}
