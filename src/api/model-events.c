/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what a watch brings, as frames that wait for those who listen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model-parts.h"
#include "base/cleanup.h"
#include "shape/claim.h"

/* of one answer to a stream */
#define PART_MAX ((size_t)16384)

void pt_model_drop_events(struct pt_model *m)
{
	for (; m->first < m->next; m->first++)
		free(m->ring[m->first % PT_EVENTS_MAX].frame);
}

/* @json is taken; @last: of its revision: only that one's id may be resumed from */
static void add(struct pt_model *m, const char *type, long long revision, bool last, json_t *json)
{
	pt_autofree char *data = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct pt_event *e = &m->ring[m->next % PT_EVENTS_MAX];
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	json_decref(json);
	if (m->next - m->first == PT_EVENTS_MAX) {
		m->floor = e->revision;
		free(e->frame);
		m->first++;
	}
	if (last)
		pt_buf_addf(&b, "id: %lld\n", revision);
	pt_buf_addf(&b, "event: %s\ndata: %s\n\n", type, data ? data : "{}");
	*e = (struct pt_event){ revision, pt_buf_take(&b) };
	m->next++;
}

static int by_revision(const void *a, const void *b)
{
	const struct pt_record *x = *(const struct pt_record *const *)a;
	const struct pt_record *y = *(const struct pt_record *const *)b;

	if (x->revision != y->revision)
		return x->revision < y->revision ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* a claim that is not understood is told by its id all the same */
static json_t *claim_json(const struct pt_record *r)
{
	PT_AUTO(pt_claim) c = { 0 };

	if (pt_claim_read(r->value, r->key, &c, NULL) == 0)
		return pt_claim_json(&c);
	return json_pack("{s:s}", "id", r->key + strlen("claims/"));
}

static void tell(struct pt_model *m, const struct pt_record *r, bool last)
{
	const char *name = strchr(r->key, '/') + 1;

	if (pt_startswith(r->key, "facts/"))
		add(m, r->value ? "host" : "host-gone", r->revision, last, json_pack("{s:s}", "host", name));
	else if (r->value)
		add(m, "claim", r->revision, last, json_pack("{s:o}", "claim", claim_json(r)));
	else
		add(m, "released", r->revision, last, json_pack("{s:s}", "id", name));
}

static void tell_all(struct pt_model *m, const struct pt_changes *c)
{
	PT_ARRAY(const struct pt_record *) told = { 0 };

	for (size_t i = 0; i < c->records.n; i++)
		if (pt_startswith(c->records.v[i].key, "facts/") || pt_startswith(c->records.v[i].key, "claims/"))
			pt_array_push(&told, &c->records.v[i]);
	if (told.n)
		qsort(told.v, told.n, sizeof(const struct pt_record *), by_revision);
	for (size_t i = 0; i < told.n; i++)
		tell(m, told.v[i], i + 1 == told.n || told.v[i + 1]->revision != told.v[i]->revision);
	free(told.v);
}

void pt_model_take_events(struct pt_model *m, const struct pt_changes *c)
{
	(void)pthread_mutex_lock(&m->mutex);
	for (size_t i = 0; i < c->records.n; i++)
		if (c->records.v[i].revision > m->revision)
			m->revision = c->records.v[i].revision;
	if (c->records.revision > m->revision)
		m->revision = c->records.revision;
	if (!c->whole) {
		tell_all(m, c);
	} else {
		/* what happened meanwhile is not known: who listens reads everything again */
		if (m->ready)
			add(m, "reset", m->revision, true,
			    json_pack("{s:s}", "reason", c->missed ? c->missed : "the store was read again"));
		m->floor = m->revision;
	}
	m->ready = true;
	(void)pthread_cond_broadcast(&m->changed);
	(void)pthread_mutex_unlock(&m->mutex);
	m->wake(m->arg);
}

char *pt_model_events(struct pt_model *m, unsigned long long *at)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	(void)pthread_mutex_lock(&m->mutex);
	if (*at < m->first) {
		pt_buf_addf(&b, "id: %lld\nevent: reset\ndata: {\"reason\":\"this stream was too slow\"}\n\n",
			    m->revision);
		*at = m->next;
	}
	for (; *at < m->next && b.n < PART_MAX; ++*at)
		pt_buf_add(&b, m->ring[*at % PT_EVENTS_MAX].frame);
	(void)pthread_mutex_unlock(&m->mutex);
	return b.n ? pt_buf_take(&b) : NULL;
}

int pt_model_resume(struct pt_model *m, const char *last_event_id, unsigned long long *ret_at)
{
	char *end = NULL;
	long long seen = last_event_id ? strtoll(last_event_id, &end, 10) : 0;
	int r = 1;

	(void)pthread_mutex_lock(&m->mutex);
	*ret_at = m->next;
	/* an id that is no number, of a time that is forgotten, or of a store that is no longer there */
	if (last_event_id && (end == last_event_id || *end || seen < m->floor || seen > m->revision)) {
		r = 0;
	} else if (last_event_id) {
		*ret_at = m->first;
		while (*ret_at < m->next && m->ring[*ret_at % PT_EVENTS_MAX].revision <= seen)
			++*ret_at;
	}
	(void)pthread_mutex_unlock(&m->mutex);
	return r;
}
