/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind struct pt_api.  Private to api/. */
#ifndef PT_API_PARTS_H
#define PT_API_PARTS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "api/conn.h"
#include "api/model.h"
#include "api/route.h"
#include "api/stats.h"

#define PT_WORKERS	4		/* that wait for the store */
#define PT_RUNNERS	3		/* that wait for a program */
#define PT_QUEUE_MAX	512		/* calls that wait for one of those */
#define PT_QUEUE_PEER	64		/* of one peer */
#define PT_MEMORY_MAX	((size_t)32768) /* of a connection: headers larger than this are 431 */
#define PT_KEEPALIVE_MS 15000

enum pt_phase {
	PT_PHASE_HEAD,
	PT_PHASE_BODY,
	PT_PHASE_WORK,
	PT_PHASE_ANSWER,
};

/**
 * struct pt_exchange - a call with its connection
 * @at: of a stream: the next event; @text, @sent: what of its events is on its way; @spoke: when something was
 * @asleep: of a stream: suspended until there are events
 */
struct pt_exchange {
	struct pt_exchange *next;
	struct pt_exchange *prev;
	struct pt_call call;
	struct MHD_Connection *mhd;
	struct pt_conn *conn;
	enum pt_phase phase;
	size_t drained;
	bool counted;
	bool listening;
	bool asleep;
	unsigned long long at;
	char *text;
	size_t size;
	size_t sent;
	long long spoke;
};

/* threads that work on calls, one after the other; each with a store of its own */
struct pt_crew {
	struct pt_api *api;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t threads[PT_WORKERS];
	unsigned n_threads;
	struct pt_exchange *first;
	struct pt_exchange *last;
	unsigned n;
	bool stop;
};

/* where it listens: on the unix socket, or with TLS */
struct pt_door {
	struct pt_api *api;
	bool tls;
	struct MHD_Daemon *daemon;
};

struct pt_api {
	struct pt_api_setup setup;
	struct pt_stats stats;
	struct pt_conns conns;
	struct pt_model *model;
	struct pt_crew workers;
	struct pt_crew runners;
	struct pt_door plain;
	struct pt_door tls;
	char *socket;
	unsigned port;
	pthread_mutex_t mutex; /* of the streams */
	struct pt_exchange *streams;
	atomic_bool stop;
};

/* crew.c */
int pt_crew_start(struct pt_crew *crew, struct pt_api *api, unsigned threads, struct pt_error *err);
void pt_crew_stop(struct pt_crew *crew);
/* pt_crew_put() - false: too many wait already */
bool pt_crew_put(struct pt_crew *crew, struct pt_exchange *x);

/* stream.c */
struct MHD_Response *pt_stream_new(struct pt_exchange *x);
void pt_stream_end(struct pt_exchange *x);
/* all that sleep, since there may be events, or the end has come; @arg is the struct pt_api */
void pt_streams_wake(void *arg);

/* listen.c: sockets; each a descriptor that listens, or a negative errno with a message */
int pt_listen_unix(const char *path, bool open_to_all, struct pt_error *err);
int pt_listen_tcp(const char *where, unsigned *ret_port, struct pt_error *err);

/* tls.c */
int pt_tls_check(const struct pt_api_config *config, struct pt_error *err);
/** pt_tls_identify() - @conn's role by its certificate; -EACCES with the reason when that says nobody */
int pt_tls_identify(struct pt_api *api, struct pt_conn *conn, struct MHD_Connection *mhd, struct pt_error *err);

/* server.c: @fd becomes the door's; @more: with TLS, by these options */
int pt_door_open(struct pt_door *door, struct pt_api *api, int fd, const struct MHD_OptionItem *more,
		 struct pt_error *err);

#endif
