/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that may wait, worked on beside the thread that serves. */
#include <errno.h>
#include <stdlib.h>

#include "api/parts.h"
#include "base/cleanup.h"

static struct pt_exchange *take(struct pt_crew *p)
{
	struct pt_exchange *x;

	(void)pthread_mutex_lock(&p->mutex);
	while (!p->first && !p->stop)
		(void)pthread_cond_wait(&p->changed, &p->mutex);
	x = p->first;
	if (x) {
		p->first = x->next;
		p->n--;
		x->next = NULL;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return x;
}

static void *run(void *arg)
{
	struct pt_crew *p = arg;
	struct pt_store *store = NULL;
	struct pt_exchange *x;

	while ((x = take(p))) {
		struct pt_call *c = &x->call;
		struct pt_error err = { 0 };
		int r = 0;

		if (!store)
			r = pt_store_open(p->api->setup.store, &store, &err);
		c->store = store;
		if (r < 0)
			pt_reply_error(c, 503, &err);
		else
			pt_call_handle(c);
		c->store = NULL;
		MHD_resume_connection(x->mhd);
	}
	pt_store_close(store);
	return NULL;
}

int pt_crew_start(struct pt_crew *p, struct pt_api *api, unsigned threads, struct pt_error *err)
{
	int r = 0;

	p->api = api;
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	while (p->n_threads < threads && r == 0) {
		r = -pthread_create(&p->threads[p->n_threads], NULL, run, p);
		p->n_threads += r == 0;
	}
	return r < 0 ? pt_fail(err, r, "cannot start a thread") : 0;
}

void pt_crew_stop(struct pt_crew *p)
{
	if (!p->api)
		return;
	(void)pthread_mutex_lock(&p->mutex);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->n_threads; i++)
		(void)pthread_join(p->threads[i], NULL);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->mutex);
	p->api = NULL;
}

bool pt_crew_put(struct pt_crew *p, struct pt_exchange *x)
{
	unsigned same = 0;
	bool may;

	(void)pthread_mutex_lock(&p->mutex);
	for (struct pt_exchange *y = p->first; y; y = y->next)
		same += y->conn->asker == x->conn->asker;
	may = !p->stop && p->n < PT_QUEUE_MAX && same < PT_QUEUE_PEER;
	if (may) {
		/* before anybody can take and resume it */
		MHD_suspend_connection(x->mhd);
		x->next = NULL;
		if (p->first)
			p->last->next = x;
		else
			p->first = x;
		p->last = x;
		p->n++;
		(void)pthread_cond_signal(&p->changed);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return may;
}
