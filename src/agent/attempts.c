/* SPDX-License-Identifier: Apache-2.0 */
/* What was tried and did not work: tried again after a pause that grows, so that no guest is asked each minute. */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "agent/parts.h"
#include "base/watch.h"

#define PAUSE_MS     60000
#define PAUSE_MAX_MS 1800000

char *pt_agent_way(const struct pt_domain *vm)
{
	return vm ? pt_strf("%s %s", vm->uuid, vm->state == PT_DOMAIN_SHUTOFF ? "off" : "runs") : pt_strdup("nobody's");
}

static struct pt_agent_attempt *find(const struct pt_agent *a, const char *id, const char *how)
{
	for (size_t i = 0; i < a->attempts.n; i++)
		if (pt_streq(a->attempts.v[i].id, id) && pt_streq(a->attempts.v[i].how, how))
			return &a->attempts.v[i];
	return NULL;
}

bool pt_agent_waits(const struct pt_agent *a, const char *id, const char *how)
{
	const struct pt_agent_attempt *t = find(a, id, how);

	return t && pt_watch_now_ms() < t->again_at;
}

void pt_agent_failed(struct pt_agent *a, const char *id, const char *how, bool for_good)
{
	struct pt_agent_attempt *t = find(a, id, how);

	if (!t) {
		t = pt_array_add(&a->attempts);
		t->id = pt_strdup(id);
		t->how = pt_strdup(how);
	}
	t->pause_ms = t->pause_ms ? t->pause_ms * 2 : PAUSE_MS;
	if (t->pause_ms > PAUSE_MAX_MS)
		t->pause_ms = PAUSE_MAX_MS;
	t->again_at = for_good ? LLONG_MAX : pt_watch_now_ms() + t->pause_ms;
}

static void attempt_done(struct pt_agent_attempt *t)
{
	free(t->id);
	free(t->how);
}

void pt_agent_forget(struct pt_agent *a, const struct pt_strv *but)
{
	size_t n = 0;

	for (size_t i = 0; i < a->attempts.n; i++) {
		if (but && pt_strv_has(but, a->attempts.v[i].id))
			a->attempts.v[n++] = a->attempts.v[i];
		else
			attempt_done(&a->attempts.v[i]);
	}
	a->attempts.n = n;
	if (!but) {
		free(a->attempts.v);
		a->attempts.v = NULL;
		a->attempts.cap = 0;
	}
}

void pt_agent_refuse(struct pt_agent *a, const struct pt_claim *c, const char *why)
{
	struct pt_agent_refusal *refusal;

	/* of several nobody says which one it is */
	if (c->devices.n != 1)
		return;
	refusal = pt_array_add(&a->refused);
	refusal->bdf = c->devices.v[0].bdf;
	refusal->why = pt_strdup(why);
	refusal->until = pt_watch_now_ms() + PAUSE_MAX_MS;
	pt_agent_mark_refused(a);
}

void pt_agent_mark_refused(struct pt_agent *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->refused.n; i++) {
		struct pt_agent_refusal *refusal = &a->refused.v[i];
		int64_t at = pt_inv_host_find(&a->facts, refusal->bdf);

		if (pt_watch_now_ms() >= refusal->until) {
			free(refusal->why);
			continue;
		}
		if (at >= 0 && !a->facts.v[at].owner)
			a->facts.v[at].owner = pt_strf("refused: %s", refusal->why);
		a->refused.v[n++] = *refusal;
	}
	a->refused.n = n;
}

void pt_agent_allow(struct pt_agent *a)
{
	for (size_t i = 0; i < a->refused.n; i++)
		free(a->refused.v[i].why);
	free(a->refused.v);
	a->refused.v = NULL;
	a->refused.n = 0;
	a->refused.cap = 0;
}
