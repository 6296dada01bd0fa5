/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and their peers: how many each may have, how fast it may ask, and how long it may take.  The one place
 * for those limits.  Private to api/.
 */
#ifndef PT_API_CONN_H
#define PT_API_CONN_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "api/api.h"
#include "api/stats.h"

#define PT_CONN_MAX	1024  /* [api] connections */
#define PT_CONN_PEER	256   /* [api] per_peer */
#define PT_CONN_RATE	1000  /* [api] rate; twice as many at once */
#define PT_CONN_HEAD_MS 10000 /* [api] head_ms: from the beginning, TLS handshake included */
#define PT_CONN_BODY_MS 10000 /* [api] body_ms */
#define PT_CONN_IDLE_MS 60000 /* [api] idle_ms */
#define PT_CONN_SEND_MS 30000 /* until an answer is taken, and a second more for each 64 KiB of it */
#define PT_STREAMS_MAX	256   /* that listen to events; of one peer a quarter of that */
/* of the connections, those that only root's are let into, so that somebody can look */
#define PT_CONN_KEPT 8

/**
 * struct pt_peer - who is behind connections: a uid, or an address, or a certificate's name
 * @tokens: requests that it may make at once; refilled with time
 */
struct pt_peer {
	struct pt_peer *next;
	char *name;
	unsigned conns;
	unsigned streams;
	double tokens;
	double since;
};

/**
 * struct pt_conn - @role: PT_ROLE_NONE until a certificate was looked at
 * @peer: counts its connections; @asker: counts its requests, the same or by certificate
 * @until: when it is cut off, milliseconds; 0: not
 * @checked: when its certificate was, or 0
 */
struct pt_conn {
	struct pt_conn *next;
	struct pt_conn *prev;
	int fd;
	bool tls;
	bool refused;
	enum pt_role role;
	struct pt_peer *peer;
	struct pt_peer *asker;
	long long until;
	long long checked;
};

struct pt_conns {
	const struct pt_api_config *config;
	struct pt_stats *stats;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t thread;
	bool runs;
	bool stop;
	struct pt_conn *first;
	struct pt_peer *peers;
	unsigned n[2]; /* plain, TLS */
	unsigned n_streams;
};

int pt_conns_start(struct pt_conns *conns, const struct pt_api_config *config, struct pt_stats *stats,
		   struct pt_error *err);
void pt_conns_stop(struct pt_conns *conns);

/** pt_conn_open() - a new one, its peer found out; one too many is told 503, where that can be told, and shut */
struct pt_conn *pt_conn_open(struct pt_conns *conns, int fd, bool tls, const struct sockaddr *from);
void pt_conn_close(struct pt_conns *conns, struct pt_conn *conn);

/** pt_conn_limit() - from now on it has @ms; 0: as long as it likes */
void pt_conn_limit(struct pt_conns *conns, struct pt_conn *conn, long long ms);

/** pt_conn_ask() - may its peer make one more request now? */
bool pt_conn_ask(struct pt_conns *conns, struct pt_conn *conn);
/** pt_conn_name() - a certificate says who it is: its requests are counted by that */
void pt_conn_name(struct pt_conns *conns, struct pt_conn *conn, const char *name);

bool pt_conn_stream(struct pt_conns *conns, struct pt_conn *conn);
void pt_conn_stream_end(struct pt_conns *conns, struct pt_conn *conn);

static inline unsigned pt_limit(unsigned configured, unsigned preset)
{
	return configured ? configured : preset;
}

/* role.c: what a uid may, by the configuration; root and our own uid may everything */
enum pt_role pt_role_of_uid(const struct pt_api_config *config, uid_t uid, gid_t gid);
/* what a name in a certificate may */
enum pt_role pt_role_of_name(const struct pt_api_config *config, const char *name, size_t size);

#endif
