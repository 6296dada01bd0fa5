/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>

#include "agent/keeper.h"
#include "agent/simulate.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/watch.h"
#include "daemon/say.h"
#include "daemon/udev.h"
#include "journal/journal.h"

/* events come in bursts: the facts are read when there was none for so long, and within so long at the latest */
#define QUIET_MS 150
#define LATE_MS	 600
/* a thread that has not gone round for so long never will */
#define SILENT_MS 180000
/* the one that goes round waits for a host's disks and a store's members, and hears of all else meanwhile */
#define ROUND_MS 900000
/* after so long without libvirt, or with a change that is stuck, nothing more is given to this host */
#define DEAF_S 180
/* the status says that something takes long */
#define LONG_MS 60000

struct service {
	const struct pt_serve *s;
	struct pt_agent_hands hands;
	struct pt_own_config own_config;
	struct pt_own_hands *own;
	struct pt_agent agent;
	struct pt_worker_config worker_config;
	struct pt_keeper_config keeper_config;
	struct pt_worker *worker;
	struct pt_keeper *keeper;
	struct pt_udev *udev;
	struct pt_api *api;
	int signal_fd;
	/* the facts are due at; 0: not; never later than @late_at */
	long long due_at;
	long long late_at;
	unsigned watchdog_ms;
	long long alive_at;
	/* told to systemd: by the threads */
	pthread_mutex_t mutex;
	char status[256];
};

static void news(void *ctx, const struct pt_agent_news *n)
{
	pt_say_news(n->priority, n->claim, n->device, n->text);
}

static void status(void *ctx, const char *text)
{
	struct service *v = ctx;

	(void)pthread_mutex_lock(&v->mutex);
	if (strncmp(text, v->status, sizeof(v->status) - 1) != 0) {
		(void)snprintf(v->status, sizeof(v->status), "%s", text);
		pt_say_status(v->status, 0);
	}
	(void)pthread_mutex_unlock(&v->mutex);
}

/*
 * Before the first round has ended: what that finds to do takes as long as guests and a store take, and systemd, which
 * would end a service that is not ready in time, would have each change taken back and begun anew for ever.
 */
static void ready(struct service *v)
{
	(void)pthread_mutex_lock(&v->mutex);
	pt_say_status(v->status[0] ? v->status : "looking at this host for the first time", 1);
	(void)pthread_mutex_unlock(&v->mutex);
}

static void heard(void *ctx)
{
	struct service *v = ctx;

	pt_worker_wake(v->worker, PT_AGENT_CLAIMS);
}

static void trouble(void *ctx, const char *why)
{
	struct service *v = ctx;
	pt_autofree char *text =
		why ? pt_strf("not in the fleet: what is claimed here stays, nothing new is taken: %s", why)
		    : pt_strdup("the store is there: this host is in the fleet again");

	pt_say_news(why ? LOG_ERR : LOG_NOTICE, NULL, NULL, text);
	if (!why)
		pt_worker_wake(v->worker, PT_AGENT_ALL);
}

static char *deaf(void *ctx)
{
	struct service *v = ctx;

	return pt_worker_trouble(v->worker);
}

static void describe_self(struct service *v)
{
	struct pt_alive *alive = &v->keeper_config.alive;

	alive->since = (long long)time(NULL);
	alive->version = pt_strdup(PT_VERSION);
	/* a kernel that does not tell has none */
	(void)pt_file_read_line(v->s->root->proc_fd, "sys/kernel/random/boot_id", &alive->boot);
}

static int block_signals(int *ret_fd, struct pt_error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	/* before any thread: all of them inherit it */
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return pt_say(err, -EINVAL, "cannot block signals");
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? pt_fail(err, -errno, "cannot listen to signals") : 0;
}

static int begin_api(struct service *v, struct pt_error *err)
{
	const struct pt_api_setup setup = { .config = v->s->api,
					    .store = v->s->store,
					    .pci = v->s->pci,
					    .program = v->s->passthru,
					    .config_files = v->s->options->n_config ? v->s->options->config : NULL };

	return pt_api_start(&setup, &v->api, err);
}

static int begin(struct service *v, struct pt_error *err)
{
	const struct pt_daemon_options *o = v->s->options;
	int r = block_signals(&v->signal_fd, err);

	v->own_config =
		(struct pt_own_config){ v->s->root, v->s->passthru, v->s->self, o->uri, PT_JOURNAL_DIR, PT_OWN_VMS_MS };
	v->own = pt_own_hands_new(&v->own_config, &v->hands);
	v->agent = (struct pt_agent){ .host = v->s->host,
				      .config = v->s->pci,
				      .networks = v->s->networks,
				      .hands = &v->hands,
				      .look_only = o->look_only,
				      .ctx = v,
				      .say = news };
	v->worker_config = (struct pt_worker_config){ &v->agent, v->s->store, o->look_s, DEAF_S, v, status };
	v->keeper_config = (struct pt_keeper_config){ .host = v->s->host,
						      .store = v->s->store,
						      .lease_s = o->lease_s,
						      .ctx = v,
						      .heard = heard,
						      .deaf = deaf,
						      .trouble = trouble };
	describe_self(v);
	v->agent.boot = v->keeper_config.alive.boot;
	v->watchdog_ms = pt_say_watchdog_ms();
	r = r < 0 ? r : pt_udev_open(v->s->root, &v->udev, err);
	r = r < 0 ? r : pt_worker_start(&v->worker_config, &v->worker, err);
	r = r < 0 ? r : pt_keeper_start(&v->keeper_config, &v->keeper, err);
	return r < 0 ? r : begin_api(v, err);
}

static void end(struct service *v)
{
	pt_api_stop(v->api);
	/* first what is under way; then the fleet is told that nobody is here */
	pt_worker_stop(v->worker);
	pt_keeper_stop(v->keeper);
	/* the keeper had things to ask it to its own end */
	pt_worker_free(v->worker);
	pt_udev_close(v->udev);
	pt_agent_done(&v->agent);
	pt_own_hands_free(v->own);
	pt_alive_done(&v->keeper_config.alive);
	pt_closep(&v->signal_fd);
}

static long long sooner(long long a, long long b)
{
	return !a || (b && b < a) ? b : a;
}

/* until the next thing is due; -1: nothing is */
static int wait_ms(const struct service *v)
{
	long long due = sooner(v->due_at, v->alive_at);
	long long left = due - pt_watch_now_ms();

	return !due ? -1 : left < 0 ? 0 : (int)left;
}

static void listen(struct service *v)
{
	long long now = pt_watch_now_ms();

	if (!pt_udev_hear(v->udev))
		return;
	if (!v->due_at)
		v->late_at = now + LATE_MS;
	v->due_at = now + QUIET_MS < v->late_at ? now + QUIET_MS : v->late_at;
}

static void do_what_is_due(struct service *v)
{
	long long now = pt_watch_now_ms();
	long long silent;

	if (v->due_at && now >= v->due_at) {
		v->due_at = 0;
		pt_worker_wake(v->worker, PT_AGENT_FACTS);
	}
	if (!v->watchdog_ms || now < v->alive_at)
		return;
	v->alive_at = now + v->watchdog_ms;
	silent = pt_worker_silent_ms(v->worker);
	if (silent >= LONG_MS) {
		pt_autofree char *text =
			pt_strf("in one look at this host, or at the store, for %lld min", silent / LONG_MS);

		status(v, text);
	}
	if (pt_keeper_silent_ms(v->keeper) < SILENT_MS && silent < ROUND_MS)
		pt_say_alive();
}

/* 1 it is to end */
static int take_signal(struct service *v)
{
	struct signalfd_siginfo info;
	bool over = false;

	while (read(v->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		over = over || info.ssi_signo != SIGHUP;
		if (info.ssi_signo == SIGHUP)
			pt_worker_wake(v->worker, PT_AGENT_ALL);
	}
	return over;
}

static void go_on(struct service *v)
{
	if (v->watchdog_ms)
		v->alive_at = pt_watch_now_ms();
	for (;;) {
		struct pollfd fds[] = { { v->signal_fd, POLLIN, 0 }, { pt_udev_fd(v->udev), POLLIN, 0 } };

		if (poll(fds, 2, wait_ms(v)) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && take_signal(v))
			return;
		if (fds[1].revents)
			listen(v);
		do_what_is_due(v);
	}
}

/* a machine whose name is not the one that it was added by is refused by etcd, which does not say why */
static void see_user(const struct pt_serve *s)
{
	const char *user = s->store->backend == PT_STORE_ETCD ? s->store->user : NULL;
	pt_autofree char *text = NULL;

	if (!user || pt_streq(user, s->host) || pt_streq(user, "root"))
		return;
	text = pt_strf("this host is %s in the fleet, and [store] user is %s: one that `passthru fleet add-host %s` "
		       "made may write for %s only; --name %s gives this host that name",
		       s->host, user, user, user, user);
	pt_say_news(LOG_WARNING, NULL, NULL, text);
}

int pt_serve_run(const struct pt_serve *s, struct pt_error *err)
{
	struct service v = { .s = s, .signal_fd = -EBADF, .mutex = PTHREAD_MUTEX_INITIALIZER };
	int r = begin(&v, err);

	if (r == 0) {
		see_user(s);
		ready(&v);
		go_on(&v);
		pt_say_stopping();
	}
	end(&v);
	return r;
}

struct simulation {
	int signal_fd;
	unsigned watchdog_ms;
	long long alive_at;
	bool ready;
};

static int is_over(void *ctx, unsigned wait_ms)
{
	struct simulation *m = ctx;
	struct pollfd fd = { m->signal_fd, POLLIN, 0 };

	if (m->watchdog_ms && pt_watch_now_ms() >= m->alive_at) {
		m->alive_at = pt_watch_now_ms() + m->watchdog_ms;
		pt_say_alive();
	}
	return poll(&fd, 1, (int)wait_ms) == 1;
}

static void tell_simulation(void *ctx, const char *text)
{
	struct simulation *m = ctx;

	pt_say_status(text, !m->ready);
	pt_say_news(LOG_INFO, NULL, NULL, text);
	m->ready = true;
}

int pt_serve_simulated(const struct pt_daemon_options *o, const struct pt_store_config *store, struct pt_error *err)
{
	struct simulation m = { .signal_fd = -EBADF, .watchdog_ms = pt_say_watchdog_ms() };
	const struct pt_simulate simulate = { .store = store,
					      .hosts = o->simulate,
					      .seed = o->seed,
					      .events = o->events,
					      .lease_s = o->lease_s,
					      .ctx = &m,
					      .over = is_over,
					      .status = tell_simulation };
	int r = block_signals(&m.signal_fd, err);

	if (r == 0)
		r = pt_simulate_run(&simulate, err);
	pt_say_stopping();
	pt_closep(&m.signal_fd);
	return r;
}
