/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <syslog.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "base/watch.h"

#define AGAIN_MS     1000
#define AGAIN_MAX_MS 30000

struct pt_worker {
	const struct pt_worker_config *config;
	pthread_t thread;
	int wake_fd;
	atomic_uint wanted;
	atomic_uint rounds;
	atomic_bool ending;
	/* the thread's: */
	struct pt_store *store;
	long long look_at;
	unsigned again_ms;
};

static int go_round(struct pt_worker *w, unsigned what, struct pt_error *err)
{
	struct pt_agent *a = w->config->agent;
	int r = 0;

	if (!w->store)
		r = pt_store_open(w->config->store, &w->store, err);
	a->store = w->store;
	return r < 0 ? r : pt_agent_round(a, what, err);
}

static void tell(struct pt_worker *w, const struct pt_error *why)
{
	struct pt_agent *a = w->config->agent;
	pt_autofree char *text = why ? pt_strf("nothing new is taken: %s", why->msg)
				     : pt_strf("%zu devices published as %s%s%s", a->facts.n, a->host,
					       a->blind ? "; libvirt cannot be asked: " : "", a->blind ? a->blind : "");

	if (why && !w->again_ms)
		pt_agent_say(a, LOG_ERR, NULL, NULL, "%s", why->msg);
	if (!why && w->again_ms)
		pt_agent_say(a, LOG_NOTICE, NULL, NULL, "the store is there again");
	w->config->status(w->config->ctx, text);
}

/* what is left to be done when it failed is everything */
static unsigned turn(struct pt_worker *w, unsigned what)
{
	struct pt_error why = { 0 };
	long long now = pt_watch_now_ms();

	if (now >= w->look_at)
		what |= PT_AGENT_ALL;
	if (!what)
		return 0;
	if (go_round(w, what, &why) < 0) {
		tell(w, &why);
		w->again_ms = w->again_ms ? w->again_ms * 2 : AGAIN_MS;
		if (w->again_ms > AGAIN_MAX_MS)
			w->again_ms = AGAIN_MAX_MS;
		return PT_AGENT_ALL;
	}
	tell(w, NULL);
	w->again_ms = 0;
	(void)atomic_fetch_add(&w->rounds, 1);
	if (what & PT_AGENT_LOOK)
		w->look_at = pt_watch_now_ms() + (long long)w->config->look_s * 1000;
	return 0;
}

static int wait_ms(const struct pt_worker *w, unsigned left)
{
	long long ms = left ? w->again_ms : w->look_at - pt_watch_now_ms();

	return ms < 0 ? 0 : (int)ms;
}

static void *run(void *arg)
{
	struct pt_worker *w = arg;
	unsigned left = 0;

	while (!atomic_load(&w->ending)) {
		struct pollfd fd = { w->wake_fd, POLLIN, 0 };
		eventfd_t n;

		left = turn(w, left | atomic_exchange(&w->wanted, 0));
		if (poll(&fd, 1, wait_ms(w, left)) == 1)
			(void)eventfd_read(w->wake_fd, &n);
	}
	pt_store_close(w->store);
	w->config->agent->store = NULL;
	return NULL;
}

int pt_worker_start(const struct pt_worker_config *config, struct pt_worker **ret, struct pt_error *err)
{
	struct pt_worker *w = pt_alloc(sizeof(*w));
	int r;

	w->config = config;
	config->agent->ending = &w->ending;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->wake_fd < 0 ? -errno : -pthread_create(&w->thread, NULL, run, w);
	if (r < 0) {
		pt_closep(&w->wake_fd);
		free(w);
		return pt_fail(err, r, "cannot begin to go round");
	}
	*ret = w;
	return 0;
}

void pt_worker_wake(struct pt_worker *w, unsigned what)
{
	(void)atomic_fetch_or(&w->wanted, what);
	(void)eventfd_write(w->wake_fd, 1);
}

unsigned pt_worker_rounds(struct pt_worker *w)
{
	return atomic_load(&w->rounds);
}

void pt_worker_stop(struct pt_worker *w)
{
	if (!w)
		return;
	atomic_store(&w->ending, true);
	if (w->config->agent->hands->stop)
		w->config->agent->hands->stop(w->config->agent->hands->ctx);
	(void)eventfd_write(w->wake_fd, 1);
	(void)pthread_join(w->thread, NULL);
	w->config->agent->ending = NULL;
	(void)close(w->wake_fd);
	free(w);
}
