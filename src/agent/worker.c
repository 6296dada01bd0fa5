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
/* what is being changed is looked at again after so long */
#define MOVING_MS 2000

struct pt_worker {
	const struct pt_worker_config *config;
	pthread_t thread;
	bool runs;
	int wake_fd;
	atomic_uint wanted;
	atomic_uint rounds;
	atomic_bool ending;
	atomic_llong beat; /* when the thread was last seen to do something */
	pthread_mutex_t mutex;
	char *trouble;	 /* why nothing new is taken; NULL: nothing is in the way */
	long long since; /* when there was none, the last time */
	/* the thread's: */
	unsigned later;
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

/* what keeps this host from serving claims, though its agent lives and the store is there */
static void note_trouble(struct pt_worker *w, const struct pt_error *why)
{
	const struct pt_agent *a = w->config->agent;
	bool stuck = !a->recovered && a->unsettled && !a->look_only;

	pt_autofree char *text = why	    ? pt_strdup(why->msg)
				 : a->blind ? pt_strf("libvirt cannot be asked there: %s", a->blind)
				 : stuck    ? pt_strdup(a->unsettled)
					    : NULL;

	(void)pthread_mutex_lock(&w->mutex);
	pt_strset(&w->trouble, text);
	if (!text)
		w->since = pt_watch_now_ms();
	(void)pthread_mutex_unlock(&w->mutex);
}

static void beat(struct pt_worker *w)
{
	atomic_store(&w->beat, pt_watch_now_ms());
}

static void tell(struct pt_worker *w, const struct pt_error *why)
{
	struct pt_agent *a = w->config->agent;
	bool one = a->changing && *a->changing;
	pt_autofree char *text = why ? pt_strf("nothing new is taken: %s", why->msg)
				     : pt_strf("%zu devices published as %s%s%s%s%s", a->facts.n, a->host,
					       a->blind ? "; libvirt cannot be asked: " : "", a->blind ? a->blind : "",
					       one ? "; being changed: " : "", one ? a->changing : "");

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
		note_trouble(w, &why);
		w->again_ms = w->again_ms ? w->again_ms * 2 : AGAIN_MS;
		if (w->again_ms > AGAIN_MAX_MS)
			w->again_ms = AGAIN_MAX_MS;
		return PT_AGENT_ALL;
	}
	tell(w, NULL);
	note_trouble(w, NULL);
	w->again_ms = 0;
	(void)atomic_fetch_add(&w->rounds, 1);
	if (what & PT_AGENT_LOOK)
		w->look_at = pt_watch_now_ms() + (long long)w->config->look_s * 1000;
	return 0;
}

static int wait_ms(const struct pt_worker *w, unsigned left)
{
	long long ms = left ? w->again_ms : w->look_at - pt_watch_now_ms();

	if (!left && w->config->agent->moving && ms > MOVING_MS)
		ms = MOVING_MS;
	return ms < 0 ? 0 : (int)ms;
}

/* called by the agent's hands, within a round that waits */
static void meanwhile(void *ctx)
{
	struct pt_worker *w = ctx;
	struct pt_agent *a = w->config->agent;
	bool look = pt_watch_now_ms() >= w->look_at;
	eventfd_t n;

	(void)eventfd_read(w->wake_fd, &n);
	beat(w);
	w->later = pt_agent_meanwhile(a, w->later | atomic_exchange(&w->wanted, 0) | (look ? PT_AGENT_ALL : 0));
	if (look && !(w->later & PT_AGENT_LOOK))
		w->look_at = pt_watch_now_ms() + (long long)w->config->look_s * 1000;
	if (a->changing && !w->later)
		tell(w, NULL);
	note_trouble(w, NULL);
}

static void *run(void *arg)
{
	struct pt_worker *w = arg;
	unsigned left = 0;

	while (!atomic_load(&w->ending)) {
		struct pollfd fd = { w->wake_fd, POLLIN, 0 };
		eventfd_t n;

		beat(w);
		left = turn(w, left | atomic_exchange(&w->wanted, 0));
		/* what came up while a change was made */
		if (w->later) {
			left |= w->later;
			w->later = 0;
			if (!w->again_ms)
				continue;
		}
		/* not a beat: it sleeps until something is to be done */
		atomic_store(&w->beat, 0);
		if (poll(&fd, 1, wait_ms(w, left)) == 1)
			(void)eventfd_read(w->wake_fd, &n);
		else if (w->config->agent->moving)
			left |= PT_AGENT_FACTS;
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
	(void)pthread_mutex_init(&w->mutex, NULL);
	w->since = pt_watch_now_ms();
	beat(w);
	config->agent->ending = &w->ending;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (config->agent->hands->meanwhile)
		config->agent->hands->meanwhile(config->agent->hands->ctx,
						&(struct pt_meanwhile){ w->wake_fd, w, meanwhile });
	r = w->wake_fd < 0 ? -errno : -pthread_create(&w->thread, NULL, run, w);
	if (r < 0) {
		pt_closep(&w->wake_fd);
		(void)pthread_mutex_destroy(&w->mutex);
		free(w);
		return pt_fail(err, r, "cannot begin to go round");
	}
	w->runs = true;
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

long long pt_worker_silent_ms(struct pt_worker *w)
{
	long long at = atomic_load(&w->beat);

	return at ? pt_watch_now_ms() - at : 0;
}

char *pt_worker_trouble(struct pt_worker *w)
{
	long long deaf_ms = (long long)w->config->deaf_s * 1000;
	char *text = NULL;

	if (pt_worker_silent_ms(w) >= deaf_ms)
		return pt_strf("its agent hangs: it has done nothing for more than %u s", w->config->deaf_s);
	(void)pthread_mutex_lock(&w->mutex);
	if (w->trouble && pt_watch_now_ms() - w->since >= deaf_ms)
		text = pt_strdup(w->trouble);
	(void)pthread_mutex_unlock(&w->mutex);
	return text;
}

void pt_worker_stop(struct pt_worker *w)
{
	if (!w || !w->runs)
		return;
	w->runs = false;
	atomic_store(&w->ending, true);
	if (w->config->agent->hands->stop)
		w->config->agent->hands->stop(w->config->agent->hands->ctx);
	(void)eventfd_write(w->wake_fd, 1);
	(void)pthread_join(w->thread, NULL);
	w->config->agent->ending = NULL;
	atomic_store(&w->beat, 0);
}

void pt_worker_free(struct pt_worker *w)
{
	if (!w)
		return;
	pt_worker_stop(w);
	(void)close(w->wake_fd);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w->trouble);
	free(w);
}
