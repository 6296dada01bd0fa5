/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stats.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

const double pt_buckets[PT_BUCKETS] = {
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0, 5.0
};

static const char *const ops[PT_OPS] = { "get", "claims", "claim", "release", "withdraw", "evacuate", "limit" };

double pt_now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pt_stats_init(struct pt_stats *s)
{
	(void)pthread_mutex_init(&s->mutex, NULL);
	for (int i = 0; i < PT_OPS; i++)
		s->store[i].op = ops[i];
}

void pt_stats_done(struct pt_stats *s)
{
	for (size_t i = 0; i < s->requests.n; i++)
		free(s->requests.v[i].labels);
	for (size_t i = 0; i < s->decisions.n; i++)
		free(s->decisions.v[i].labels);
	free(s->requests.v);
	free(s->decisions.v);
	(void)pthread_mutex_destroy(&s->mutex);
}

/* labels come from tables of ours alone, so there are only so many */
static void count(struct pt_stats *s, struct pt_counter **v, size_t *n, size_t *cap, char *labels)
{
	size_t i = 0;

	(void)pthread_mutex_lock(&s->mutex);
	while (i < *n && strcmp((*v)[i].labels, labels) != 0)
		i++;
	if (i == *n) {
		*v = pt_array_grow(*v, cap, *n + 1, sizeof(**v));
		(*v)[(*n)++] = (struct pt_counter){ pt_strdup(labels), 0 };
	}
	(*v)[i].n++;
	(void)pthread_mutex_unlock(&s->mutex);
	free(labels);
}

void pt_stats_request(struct pt_stats *s, const char *route, const char *method, unsigned status)
{
	count(s, &s->requests.v, &s->requests.n, &s->requests.cap,
	      pt_strf("route=\"%s\",method=\"%s\",status=\"%u\"", route, method, status));
}

void pt_stats_decision(struct pt_stats *s, const char *outcome, const char *reason)
{
	count(s, &s->decisions.v, &s->decisions.n, &s->decisions.cap,
	      pt_strf("outcome=\"%s\",reason=\"%s\"", outcome, reason ? reason : ""));
}

void pt_stats_store(struct pt_stats *s, enum pt_store_op op, double seconds)
{
	struct pt_histogram *h = &s->store[op];

	(void)pthread_mutex_lock(&s->mutex);
	for (int i = 0; i < PT_BUCKETS; i++)
		h->n[i] += seconds <= pt_buckets[i];
	h->n[PT_BUCKETS]++;
	h->sum += seconds;
	(void)pthread_mutex_unlock(&s->mutex);
}

void pt_stats_refused(struct pt_stats *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	s->refused++;
	(void)pthread_mutex_unlock(&s->mutex);
}

void pt_stats_cut_off(struct pt_stats *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	s->cut_off++;
	(void)pthread_mutex_unlock(&s->mutex);
}

static void write_histogram(const struct pt_histogram *h, struct pt_buf *b)
{
	for (int i = 0; i < PT_BUCKETS; i++)
		pt_buf_addf(b, "passthru_store_seconds_bucket{op=\"%s\",le=\"%g\"} %llu\n", h->op, pt_buckets[i],
			    h->n[i]);
	pt_buf_addf(b, "passthru_store_seconds_bucket{op=\"%s\",le=\"+Inf\"} %llu\n", h->op, h->n[PT_BUCKETS]);
	pt_buf_addf(b, "passthru_store_seconds_sum{op=\"%s\"} %.6f\n", h->op, h->sum);
	pt_buf_addf(b, "passthru_store_seconds_count{op=\"%s\"} %llu\n", h->op, h->n[PT_BUCKETS]);
}

void pt_stats_write(struct pt_stats *s, struct pt_buf *b)
{
	(void)pthread_mutex_lock(&s->mutex);
	pt_buf_add(b, "# HELP passthru_decisions_total Decisions asked for, by outcome and by what most hosts lack.\n"
		      "# TYPE passthru_decisions_total counter\n");
	for (size_t i = 0; i < s->decisions.n; i++)
		pt_buf_addf(b, "passthru_decisions_total{%s} %llu\n", s->decisions.v[i].labels, s->decisions.v[i].n);
	pt_buf_add(b,
		   "# HELP passthru_store_seconds How long the store took.\n# TYPE passthru_store_seconds histogram\n");
	for (int i = 0; i < PT_OPS; i++)
		write_histogram(&s->store[i], b);
	pt_buf_add(b, "# HELP passthru_requests_total Requests, by route and status.\n"
		      "# TYPE passthru_requests_total counter\n");
	for (size_t i = 0; i < s->requests.n; i++)
		pt_buf_addf(b, "passthru_requests_total{%s} %llu\n", s->requests.v[i].labels, s->requests.v[i].n);
	pt_buf_addf(b,
		    "# HELP passthru_connections_refused_total Connections that were one too many.\n"
		    "# TYPE passthru_connections_refused_total counter\npassthru_connections_refused_total %llu\n"
		    "# HELP passthru_connections_cut_off_total Connections that were too slow.\n"
		    "# TYPE passthru_connections_cut_off_total counter\npassthru_connections_cut_off_total %llu\n",
		    s->refused, s->cut_off);
	(void)pthread_mutex_unlock(&s->mutex);
}
