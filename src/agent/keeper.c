/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/keeper.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "fleet/agent.h"

/* the longest that the thread waits for the store at a time, so that it can be stopped */
#define TURN_MS 1000
/* between two attempts to reach a store that is away: from the first to the last */
#define AGAIN_MS     500
#define AGAIN_MAX_MS 10000

struct pt_keeper {
	const struct pt_keeper_config *config;
	pthread_t thread;
	int end_fd; /* readable: end */
	atomic_llong beat;
	char *held_key;
	/* the thread's: */
	struct pt_store *store;
	struct pt_store_watch *watch;
	struct pt_alive_lease lease;
	long long keep_at;
	bool cut_off;
	unsigned again_ms;
};

/* 1 it is to end */
static int is_over(const struct pt_keeper *k, unsigned wait_ms)
{
	struct pollfd fd = { k->end_fd, POLLIN, 0 };

	return poll(&fd, 1, (int)wait_ms) == 1;
}

static int keep_lease(struct pt_keeper *k, struct pt_error *err)
{
	const struct pt_keeper_config *c = k->config;
	struct pt_alive alive = c->alive;
	pt_autofree char *deaf = NULL;
	int r;

	if (k->lease.lease && pt_watch_now_ms() < k->keep_at)
		return 0;
	deaf = c->deaf ? c->deaf(c->ctx) : NULL;
	alive.deaf = deaf;
	r = pt_fleet_alive_keep(k->store, c->host, &alive, c->lease_s, &k->lease, err);
	if (r == 0)
		k->keep_at = pt_watch_now_ms() + (long long)c->lease_s * 1000 / 3;
	return r;
}

static int hear(struct pt_keeper *k, struct pt_error *err)
{
	PT_AUTO(pt_changes) changes = { 0 };
	bool ours = false;
	int r = 0;

	if (!k->watch)
		r = pt_store_watch(k->store, k->held_key, 0, &k->watch, err);
	if (r == 0)
		r = pt_store_watch_next(k->watch, TURN_MS, &changes, err);
	/* the key is the beginning of those of other hosts, too */
	for (size_t i = 0; i < changes.records.n && r == 1; i++)
		ours = ours || strcmp(changes.records.v[i].key, k->held_key) == 0;
	if (r == 1 && (ours || changes.whole))
		k->config->heard(k->config->ctx);
	return r < 0 ? r : 0;
}

static int turn(struct pt_keeper *k, struct pt_error *err)
{
	int r = 0;

	if (!k->store)
		r = pt_store_open(k->config->store, &k->store, err);
	r = r < 0 ? r : keep_lease(k, err);
	return r < 0 ? r : hear(k, err);
}

static void lose(struct pt_keeper *k, const struct pt_error *why)
{
	if (!k->cut_off)
		k->config->trouble(k->config->ctx, why->msg);
	k->cut_off = true;
	k->again_ms = k->again_ms ? k->again_ms * 2 : AGAIN_MS;
	if (k->again_ms > AGAIN_MAX_MS)
		k->again_ms = AGAIN_MAX_MS;
	pt_store_watch_close(pt_take_ptr(k->watch));
}

static void find(struct pt_keeper *k)
{
	k->again_ms = 0;
	if (!k->cut_off)
		return;
	k->cut_off = false;
	k->config->trouble(k->config->ctx, NULL);
	k->config->heard(k->config->ctx);
}

static void *run(void *arg)
{
	struct pt_keeper *k = arg;

	do {
		struct pt_error why = { 0 };

		atomic_store(&k->beat, pt_watch_now_ms());
		if (turn(k, &why) < 0)
			lose(k, &why);
		else
			find(k);
	} while (!is_over(k, k->again_ms));
	pt_store_watch_close(k->watch);
	/* one that cannot be ended now ends by itself */
	if (k->lease.lease)
		(void)pt_store_end(k->store, k->lease.lease, NULL);
	pt_store_close(k->store);
	return NULL;
}

int pt_keeper_start(const struct pt_keeper_config *config, struct pt_keeper **ret, struct pt_error *err)
{
	struct pt_keeper *k = pt_alloc(sizeof(*k));
	int r;

	k->config = config;
	k->held_key = pt_strf("held/%s", config->host);
	atomic_store(&k->beat, pt_watch_now_ms());
	k->end_fd = eventfd(0, EFD_CLOEXEC);
	r = k->end_fd < 0 ? -errno : -pthread_create(&k->thread, NULL, run, k);
	if (r < 0) {
		pt_closep(&k->end_fd);
		free(k->held_key);
		free(k);
		return pt_fail(err, r, "cannot begin to keep the store's lease");
	}
	*ret = k;
	return 0;
}

long long pt_keeper_silent_ms(struct pt_keeper *k)
{
	return pt_watch_now_ms() - atomic_load(&k->beat);
}

void pt_keeper_stop(struct pt_keeper *k)
{
	if (!k)
		return;
	(void)eventfd_write(k->end_fd, 1);
	(void)pthread_join(k->thread, NULL);
	(void)close(k->end_fd);
	free(k->held_key);
	free(k);
}
