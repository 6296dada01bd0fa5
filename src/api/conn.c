/* SPDX-License-Identifier: Apache-2.0 */
#include "api/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/watch.h"

/* how late somebody may be cut off */
#define TURN_MS 250

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
			   "Retry-After: 1\r\nConnection: close\r\nContent-Length: 147\r\n\r\n"
			   "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":"
			   "\"there are too many connections, of this peer or of all\",\"kind\":\"failed\"}";

static void cut_off_late(struct pt_conns *l)
{
	long long now = pt_watch_now_ms();

	for (struct pt_conn *c = l->first; c; c = c->next) {
		if (!c->until || now < c->until)
			continue;
		/* it is closed by whom it belongs to, who now reads its end */
		(void)shutdown(c->fd, SHUT_RDWR);
		c->until = 0;
		pt_stats_cut_off(l->stats);
	}
}

static void *run(void *arg)
{
	struct pt_conns *l = arg;

	(void)pthread_mutex_lock(&l->mutex);
	while (!l->stop) {
		struct timespec t;

		if (!l->first) {
			(void)pthread_cond_wait(&l->changed, &l->mutex);
			continue;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += TURN_MS * 1000000L;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&l->changed, &l->mutex, &t);
		cut_off_late(l);
	}
	(void)pthread_mutex_unlock(&l->mutex);
	return NULL;
}

int pt_conns_start(struct pt_conns *l, const struct pt_api_config *config, struct pt_stats *stats, struct pt_error *err)
{
	pthread_condattr_t clock;
	int r;

	*l = (struct pt_conns){ .config = config, .stats = stats };
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->changed, &clock);
	(void)pthread_condattr_destroy(&clock);
	(void)pthread_mutex_init(&l->mutex, NULL);
	r = -pthread_create(&l->thread, NULL, run, l);
	l->runs = r == 0;
	return r < 0 ? pt_fail(err, r, "cannot start a thread") : 0;
}

void pt_conns_stop(struct pt_conns *l)
{
	if (!l->runs)
		return;
	(void)pthread_mutex_lock(&l->mutex);
	l->stop = true;
	(void)pthread_cond_broadcast(&l->changed);
	(void)pthread_mutex_unlock(&l->mutex);
	(void)pthread_join(l->thread, NULL);
	while (l->peers) {
		struct pt_peer *p = l->peers;

		l->peers = p->next;
		free(p->name);
		free(p);
	}
	(void)pthread_cond_destroy(&l->changed);
	(void)pthread_mutex_destroy(&l->mutex);
	l->runs = false;
}

/* those without connections whose tokens are full again say no more than a new one would */
static void forget_peers(struct pt_conns *l, double now)
{
	struct pt_peer **at = &l->peers;

	while (*at) {
		struct pt_peer *p = *at;

		if (p->conns || now - p->since < 10) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		free(p->name);
		free(p);
	}
}

static struct pt_peer *find_peer(struct pt_conns *l, const char *name)
{
	double now = pt_now_s();
	struct pt_peer *p = l->peers;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	if (p)
		return p;
	forget_peers(l, now);
	p = pt_alloc(sizeof(*p));
	p->name = pt_strdup(name);
	p->tokens = 2.0 * pt_limit(l->config->rate, PT_CONN_RATE);
	p->since = now;
	p->next = l->peers;
	l->peers = p;
	return p;
}

static char *address_of(const struct sockaddr *from)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (from->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr, text,
				sizeof(text));
	else if (from->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, text,
				sizeof(text));
	return pt_strf("from %s", text);
}

static bool has_room(const struct pt_conns *l, const struct pt_conn *c)
{
	unsigned all = pt_limit(l->config->connections, PT_CONN_MAX);
	unsigned one = pt_limit(l->config->per_peer, PT_CONN_PEER);

	if (c->peer->conns >= one)
		return false;
	/* the last places are an administrator's: whoever takes all others must not be what keeps us from looking */
	return l->n[c->tls] + (c->role == PT_ROLE_ADMIN ? 0 : PT_CONN_KEPT) < all;
}

struct pt_conn *pt_conn_open(struct pt_conns *l, int fd, bool tls, const struct sockaddr *from)
{
	struct pt_conn *c = pt_alloc(sizeof(*c));
	pt_autofree char *name = NULL;

	c->fd = fd;
	c->tls = tls;
	if (tls) {
		name = address_of(from);
	} else {
		struct ucred cred = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
		socklen_t size = sizeof(cred);

		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0)
			c->role = pt_role_of_uid(l->config, cred.uid, cred.gid);
		name = pt_strf("user %u", cred.uid);
	}
	(void)pthread_mutex_lock(&l->mutex);
	c->peer = find_peer(l, name);
	c->asker = c->peer;
	c->refused = !has_room(l, c);
	c->peer->conns++;
	l->n[tls]++;
	c->until = pt_watch_now_ms() + pt_limit(l->config->head_ms, PT_CONN_HEAD_MS);
	c->next = l->first;
	if (l->first)
		l->first->prev = c;
	else
		(void)pthread_cond_broadcast(&l->changed);
	l->first = c;
	(void)pthread_mutex_unlock(&l->mutex);
	if (c->refused) {
		pt_stats_refused(l->stats);
		if (!tls)
			(void)send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_RDWR);
	}
	return c;
}

void pt_conn_close(struct pt_conns *l, struct pt_conn *c)
{
	(void)pthread_mutex_lock(&l->mutex);
	if (c->prev)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->peer->conns--;
	if (c->asker != c->peer)
		c->asker->conns--;
	l->n[c->tls]--;
	(void)pthread_mutex_unlock(&l->mutex);
	free(c);
}

void pt_conn_limit(struct pt_conns *l, struct pt_conn *c, long long ms)
{
	(void)pthread_mutex_lock(&l->mutex);
	c->until = ms ? pt_watch_now_ms() + ms : 0;
	(void)pthread_mutex_unlock(&l->mutex);
}

bool pt_conn_ask(struct pt_conns *l, struct pt_conn *c)
{
	double rate = pt_limit(l->config->rate, PT_CONN_RATE);
	double now = pt_now_s();
	struct pt_peer *p;
	bool may;

	(void)pthread_mutex_lock(&l->mutex);
	p = c->asker;
	p->tokens += (now - p->since) * rate;
	if (p->tokens > 2 * rate)
		p->tokens = 2 * rate;
	p->since = now;
	may = p->tokens >= 1;
	p->tokens -= may;
	(void)pthread_mutex_unlock(&l->mutex);
	return may;
}

void pt_conn_name(struct pt_conns *l, struct pt_conn *c, const char *name)
{
	pt_autofree char *whole = pt_strf("certificate %s", name);

	(void)pthread_mutex_lock(&l->mutex);
	if (strcmp(c->asker->name, whole) != 0) {
		if (c->asker != c->peer)
			c->asker->conns--;
		c->asker = find_peer(l, whole);
		c->asker->conns++;
	}
	(void)pthread_mutex_unlock(&l->mutex);
}

bool pt_conn_stream(struct pt_conns *l, struct pt_conn *c)
{
	bool may;

	(void)pthread_mutex_lock(&l->mutex);
	may = l->n_streams < PT_STREAMS_MAX && c->peer->streams < PT_STREAMS_MAX / 4;
	l->n_streams += may;
	c->peer->streams += may;
	(void)pthread_mutex_unlock(&l->mutex);
	return may;
}

void pt_conn_stream_end(struct pt_conns *l, struct pt_conn *c)
{
	(void)pthread_mutex_lock(&l->mutex);
	l->n_streams--;
	c->peer->streams--;
	(void)pthread_mutex_unlock(&l->mutex);
}
