/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits, and what is kept for them; the waiting itself is wait.c's. */
#include "fleet/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fleet/choose.h"
#include "fleet/quota.h"
#include "shape/claim.h"

/* one host each is kept for so many of the earliest that do not fit; those behind them take what they can get */
#define PROMISES 16

static int by_revision(const void *a, const void *b)
{
	const struct pt_waiting *x = a;
	const struct pt_waiting *y = b;

	return x->revision < y->revision ? -1 : x->revision > y->revision;
}

static void sort(struct pt_fleet *f)
{
	if (f->waiting.n > 1)
		qsort(f->waiting.v, f->waiting.n, sizeof(*f->waiting.v), by_revision);
}

void pt_queue_take(struct pt_fleet *f, const struct pt_records *records)
{
	for (size_t i = 0; i < records->n; i++) {
		const struct pt_record *record = &records->v[i];
		const char *id = record->key + strlen("queue/");
		struct pt_waiting w = { 0 };
		size_t at = 0;

		while (at < f->waiting.n && strcmp(f->waiting.v[at].id, id) != 0)
			at++;
		if (at < f->waiting.n) {
			/* what was listed before may be newer than what is heard now */
			if (f->waiting.v[at].revision > record->revision)
				continue;
			pt_waiting_done(&f->waiting.v[at]);
			memmove(&f->waiting.v[at], &f->waiting.v[at + 1],
				(f->waiting.n - at - 1) * sizeof(*f->waiting.v));
			f->waiting.n--;
		}
		if (!record->value || pt_waiting_read(record->value, record->key, &w, NULL) < 0)
			continue;
		w.revision = record->revision;
		pt_array_push(&f->waiting, w);
	}
	sort(f);
}

int pt_queue_load(struct pt_fleet *f, struct pt_error *err)
{
	PT_AUTO(pt_records) records = { 0 };
	int r = pt_store_list(f->store, "queue/", &records, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < f->waiting.n; i++)
		pt_waiting_done(&f->waiting.v[i]);
	f->waiting.n = 0;
	for (size_t i = 0; i < records.n; i++) {
		struct pt_waiting w = { 0 };

		if (pt_waiting_read(records.v[i].value, records.v[i].key, &w, NULL) < 0)
			continue;
		w.revision = records.v[i].revision;
		pt_array_push(&f->waiting, w);
	}
	sort(f);
	return 0;
}

static void mark(struct pt_fleet_host *h, struct pt_inv_device *d, const char *id, struct pt_kept *kept)
{
	d->owner = pt_strdup(id);
	h->stale = true;
	pt_array_push(&kept->devices, d);
	pt_array_push(&kept->hosts, h);
}

/* it fits now: what it will take is its own */
static void keep_given(struct pt_fleet_host *h, const struct pt_host_answer *a, const char *id, struct pt_kept *kept)
{
	for (size_t i = 0; i < a->given.n; i++) {
		int64_t at = pt_inv_host_find(&h->host, a->given.v[i].bdf);

		if (at >= 0 && !h->host.v[at].owner)
			mark(h, &h->host.v[at], id, kept);
	}
}

/* it does not fit: what is free there and of use for it */
static void keep_useful(const struct pt_fleet *f, struct pt_fleet_host *h, const struct pt_waiting *w,
			struct pt_kept *kept)
{
	PT_AUTO(pt_view) view = { 0 };

	if (pt_view_make(&f->rules.v[h->rules].rules, &h->host, &view, NULL) < 0)
		return;
	for (size_t i = 0; i < h->host.n; i++) {
		bool useful = false;

		for (size_t k = 0; k < w->request.asks.n && !useful; k++)
			useful = pt_view_stage(&view, i, &w->request.asks.v[k]) == PT_STAGE_OK;
		if (useful && !h->host.v[i].owner)
			mark(h, &h->host.v[i], w->id, kept);
	}
}

/* limits as they were when this try began: one question a project, however many wait for it */
struct limits {
	PT_ARRAY(struct pt_quota) read;
};

static void limits_done(struct limits *l)
{
	for (size_t i = 0; i < l->read.n; i++)
		pt_quota_done(&l->read.v[i]);
	free(l->read.v);
}

static int limit_of(struct pt_fleet *f, struct limits *l, const char *project, const struct pt_quota **ret,
		    struct pt_error *err)
{
	struct pt_quota quota = { 0 };
	int r;

	for (size_t i = 0; i < l->read.n; i++) {
		if (strcmp(l->read.v[i].project, project) != 0)
			continue;
		*ret = &l->read.v[i];
		return 0;
	}
	r = pt_quota_read(f->store, project, &quota, err);
	if (r < 0)
		return r;
	pt_array_push(&l->read, quota);
	*ret = &l->read.v[l->read.n - 1];
	return 0;
}

/* one that its project's limit stops is served by no device: it stands in nobody's way */
static int is_stopped(struct pt_fleet *f, struct limits *l, const struct pt_waiting *w, struct pt_error *err)
{
	const struct pt_quota *quota = NULL;
	int r;

	if (!w->project || pt_quota_check_name(w->project, NULL) < 0)
		return w->project != NULL;
	r = limit_of(f, l, w->project, &quota, err);
	return r < 0 ? r : !pt_quota_allows(quota, &w->request, w->id, NULL);
}

static void keep_for(struct pt_fleet *f, struct pt_waiting *w, unsigned *promises, struct pt_kept *kept)
{
	const struct pt_claim_ask ask = {
		.id = w->id, .holder = w->holder, .host = w->host, .request = &w->request, .how = { w->spread }
	};
	PT_AUTO(pt_host_answer) a = { 0 };
	struct pt_fleet_host *h = pt_fleet_choose(f, &ask, &a);

	if (h) {
		keep_given(h, &a, w->id, kept);
	} else if (*promises < PROMISES) {
		++*promises;
		h = pt_fleet_nearest(f, &ask);
		if (h)
			keep_useful(f, h, w, kept);
	}
}

int pt_queue_keep(struct pt_fleet *f, long long before, const char *id, struct pt_kept *ret, struct pt_error *err)
{
	PT_CLEANUP(limits_done) struct limits limits = { 0 };
	struct pt_kept kept = { 0 };
	unsigned promises = 0;

	for (size_t i = 0; i < f->waiting.n; i++) {
		struct pt_waiting *w = &f->waiting.v[i];
		int r;

		if ((before && w->revision >= before) || strcmp(w->id, id) == 0 ||
		    pt_request_check(&w->request, NULL) < 0)
			continue;
		r = is_stopped(f, &limits, w, err);
		if (r < 0) {
			pt_queue_forget(&kept);
			return r;
		}
		if (r)
			continue;
		kept.ahead++;
		keep_for(f, w, &promises, &kept);
	}
	*ret = kept;
	return 0;
}

void pt_queue_forget(struct pt_kept *kept)
{
	for (size_t i = 0; i < kept->devices.n; i++) {
		free(pt_take_ptr(kept->devices.v[i]->owner));
		kept->hosts.v[i]->stale = true;
	}
	free(kept->devices.v);
	free(kept->hosts.v);
	*kept = (struct pt_kept){ 0 };
}
