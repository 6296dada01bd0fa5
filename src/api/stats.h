/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted for /metrics.  Private to api/. */
#ifndef PT_API_STATS_H
#define PT_API_STATS_H

#include <pthread.h>

#include "base/alloc.h"

#define PT_BUCKETS 12

/* upper ends, in seconds; the last is all */
extern const double pt_buckets[PT_BUCKETS];

struct pt_counter {
	char *labels;
	unsigned long long n;
};

/* @n: those up to that bucket's end, not those in it alone */
struct pt_histogram {
	const char *op;
	unsigned long long n[PT_BUCKETS + 1];
	double sum;
};

enum pt_store_op {
	PT_OP_GET,
	PT_OP_CLAIMS,
	PT_OP_CLAIM,
	PT_OP_RELEASE,
	PT_OP_WITHDRAW,
	PT_OP_EVACUATE,
	PT_OP_LIMIT,
	PT_OPS
};

struct pt_stats {
	pthread_mutex_t mutex;
	PT_ARRAY(struct pt_counter) requests;
	PT_ARRAY(struct pt_counter) decisions;
	struct pt_histogram store[PT_OPS];
	unsigned long long refused;
	unsigned long long cut_off;
};

void pt_stats_init(struct pt_stats *s);
void pt_stats_done(struct pt_stats *s);
void pt_stats_request(struct pt_stats *s, const char *route, const char *method, unsigned status);
/* @reason: where hosts say no: "in-use", "numa", ...; NULL for a yes */
void pt_stats_decision(struct pt_stats *s, const char *outcome, const char *reason);
void pt_stats_store(struct pt_stats *s, enum pt_store_op op, double seconds);
/* a connection that was not taken, or was too slow */
void pt_stats_refused(struct pt_stats *s);
void pt_stats_cut_off(struct pt_stats *s);

/* in Prometheus' text form */
void pt_stats_write(struct pt_stats *s, struct pt_buf *b);

double pt_now_s(void);

#endif
