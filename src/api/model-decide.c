/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the model: where is room, why not, and how much of everything there is. */
#include <errno.h>
#include <stdlib.h>

#include "api/model-parts.h"
#include "base/cleanup.h"
#include "decide/whynot.h"
#include "fleet/devices.h"
#include "shape/place.h"

/* hosts that are asked between two changes of the model, so that neither waits long for the other */
#define HOSTS_AT_ONCE 64

void pt_decision_done(struct pt_decision *d)
{
	free(d->host);
	pt_host_answer_done(&d->answer);
	*d = (struct pt_decision){ 0 };
}

static void ask_host(const struct pt_model *m, const struct pt_fleet_host *h, const struct pt_request *request,
		     struct pt_place_options how, struct pt_host_answer *ret)
{
	if (!h->wrong && !pt_fleet_is_lost(h)) {
		pt_place_host(&m->fleet.rules.v[h->rules].rules, request, &h->host, how, ret);
		return;
	}
	*ret = (struct pt_host_answer){ .host = h->name, .stage = "config" };
	ret->message = h->wrong ? pt_strf("%s: %s", h->name, h->wrong)
				: pt_strf("host %s is lost: its agent is not heard of", h->name);
}

/* the better of two; the loser's answer is freed */
static void take_better(struct pt_decision *best, struct pt_host_answer *a, struct pt_place_options how)
{
	if (!a->fits || (best->host && pt_place_prefer(a, &best->answer, how) >= 0)) {
		pt_host_answer_done(a);
		return;
	}
	pt_decision_done(best);
	best->host = pt_strdup(a->host);
	best->answer = *a;
}

/* of those that have room, the one to take, by the rule of pt_place_prefer() for answers without remote devices; NULL
 */
static struct pt_seat *pick(const struct pt_group *g, const uint8_t *verdict, struct pt_place_options how)
{
	size_t chosen = SIZE_MAX;
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < g->idle.n; i++) {
		unsigned weight = how.spread ? PT_IDLE_MAX - g->idle.v[i] : g->idle.v[i];

		if (!verdict[i] || weight >= best)
			continue;
		chosen = i;
		best = weight;
	}
	return chosen < SIZE_MAX ? g->members.v[chosen] : NULL;
}

/* which nodes the guest is on, of each host; NULL: on none */
static uint64_t *cells_of(const struct pt_group *g, const struct pt_request *request)
{
	const struct pt_chosen_cells *e = &request->everywhere;
	uint64_t *cells = e->n ? pt_alloc((g->index.hosts.n + 1) * sizeof(*cells)) : NULL;

	for (size_t i = 0; i < g->index.hosts.n && cells; i++)
		cells[i] = pt_index_cells(&g->index, (uint32_t)i, e->ids, e->n);
	return cells;
}

/* 0, or -EOPNOTSUPP: not by the index */
static int ask_group(struct pt_model *m, const struct pt_group *g, const struct pt_request *request,
		     struct pt_place_options how, struct pt_decision *best)
{
	pt_autofree uint8_t *verdict = pt_alloc(g->index.hosts.n + 1);
	pt_autofree uint64_t *cells = cells_of(g, request);
	int64_t r = pt_index_scan(&g->index, request, cells, verdict);

	while (r > 0) {
		struct pt_seat *s = pick(g, verdict, how);
		struct pt_host_answer a = { 0 };
		bool fits;

		if (!s)
			break;
		ask_host(m, pt_fleet_find_host(&m->fleet, s->name), request, how, &a);
		fits = a.fits;
		take_better(best, &a, how);
		/* with cells, how many devices are remote counts first, and only the answer tells */
		if (fits && !cells)
			break;
		/* room, but the devices do not go together: the next one */
		verdict[s->number] = 0;
		r--;
	}
	return r < 0 ? (int)r : 0;
}

static int ask_all(struct pt_model *m, const struct pt_request *request, struct pt_place_options how,
		   struct pt_decision *best)
{
	bool by_index = true;

	for (size_t i = 0; i < m->groups.n && by_index; i++) {
		int r = ask_group(m, &m->groups.v[i], request, how, best);

		if (r < 0 && r != -EOPNOTSUPP)
			return r;
		by_index = r == 0;
	}
	for (size_t i = 0; i < m->seats.n && (m->n_odd || !by_index); i++) {
		struct pt_host_answer a = { 0 };

		if (by_index && !m->seats.v[i]->odd)
			continue;
		ask_host(m, &m->fleet.hosts.v[i], request, how, &a);
		take_better(best, &a, how);
	}
	return 0;
}

static int no_host(const struct pt_model *m, const char *host, struct pt_error *err)
{
	int r = pt_usage(err, -ENXIO, "there is no host '%.80s' in %s", host, m->name);

	pt_hint(err, "`passthru fleet hosts` lists them");
	return r;
}

static int decide(struct pt_model *m, struct pt_request *request, const char *host, struct pt_place_options how,
		  struct pt_decision *best, struct pt_error *err)
{
	int r = request->asks.n ? 0 : pt_pci_alias_expand(&m->fleet.names.aliases, request, err);

	r = r < 0 ? r : pt_request_check(request, err);
	if (r < 0)
		return r;
	if (host) {
		const struct pt_fleet_host *h = pt_fleet_find_host(&m->fleet, host);
		struct pt_host_answer a = { 0 };

		if (!h || !h->facts)
			return no_host(m, host, err);
		ask_host(m, h, request, how, &a);
		take_better(best, &a, how);
		return 0;
	}
	r = ask_all(m, request, how, best);
	return r < 0 ? pt_fail(err, r, "cannot decide") : 0;
}

int pt_model_decide(struct pt_model *m, struct pt_request *request, const char *host, struct pt_place_options how,
		    struct pt_decision *ret, struct pt_error *err)
{
	PT_AUTO(pt_decision) best = { 0 };
	int r = pt_model_ready(m, err);

	if (r < 0)
		return r;
	(void)pthread_rwlock_rdlock(&m->lock);
	r = decide(m, request, host, how, &best, err);
	(void)pthread_rwlock_unlock(&m->lock);
	if (r < 0 || !best.host)
		return r;
	*ret = pt_take(best);
	return 1;
}

struct why {
	struct pt_fleet_answers answers;
	struct pt_strv names;
};

/* some hosts, from @at on; their names are copied, since the model goes on afterwards; where to go on */
static size_t ask_some(struct pt_model *m, const struct pt_request *request, const char *host,
		       struct pt_place_options how, size_t at, struct why *w)
{
	size_t end = at + HOSTS_AT_ONCE;

	(void)pthread_rwlock_rdlock(&m->lock);
	for (; at < end && at < m->fleet.hosts.n; at++) {
		const struct pt_fleet_host *h = &m->fleet.hosts.v[at];
		struct pt_host_answer a = { 0 };

		if (!h->facts || (host && strcmp(host, h->name) != 0))
			continue;
		ask_host(m, h, request, how, &a);
		pt_strv_add(&w->names, h->name);
		a.host = w->names.v[w->names.n - 1];
		pt_array_push(&w->answers, a);
	}
	end = at < m->fleet.hosts.n ? at : SIZE_MAX;
	(void)pthread_rwlock_unlock(&m->lock);
	return end;
}

int pt_model_why(struct pt_model *m, const struct pt_request *request, const char *host, struct pt_place_options how,
		 size_t max, json_t **ret_hosts, struct pt_strv *ret_lines, struct pt_error *err)
{
	struct why w = { 0 };
	json_t *hosts = json_array();

	for (size_t at = 0; at != SIZE_MAX;)
		at = ask_some(m, request, host, how, at, &w);
	for (size_t i = 0; i < w.answers.n && i < max; i++)
		(void)json_array_append_new(hosts, pt_place_write_answer(&w.answers.v[i], request, false));
	if (w.answers.n == 1 && w.answers.v[0].message)
		pt_strv_add(ret_lines, w.answers.v[0].message);
	else if (w.answers.n)
		pt_whynot_summary(w.answers.v, w.answers.n, ret_lines);
	else
		pt_strv_add(ret_lines, "no host is in this store: `passthru fleet publish`, on each of them");
	pt_fleet_answers_done(&w.answers);
	pt_strv_done(&w.names);
	*ret_hosts = hosts;
	return 0;
}

static void count_host(const struct pt_model *m, const struct pt_fleet_host *h,
		       void (*line)(void *arg, const struct pt_model_count *count), void *arg)
{
	PT_AUTO(pt_slots) slots = { 0 };
	PT_ARRAY(struct pt_model_count) l = { 0 };

	pt_fleet_slots(&m->fleet, h, &slots);
	for (size_t i = 0; i < slots.n; i++) {
		const struct pt_inv_device *d = slots.v[i].device;
		const char *state = pt_slot_state_str(slots.v[i].state);
		size_t k = 0;

		while (k < l.n && (l.v[k].vendor != d->vendor || l.v[k].product != d->product ||
				   l.v[k].state != state || l.v[k].type != pt_dev_type_str(d->type)))
			k++;
		if (k == l.n)
			pt_array_push(&l, ((struct pt_model_count){ h->name, pt_dev_type_str(d->type), state, d->vendor,
								    d->product, 0 }));
		l.v[k].n++;
	}
	for (size_t k = 0; k < l.n; k++)
		line(arg, &l.v[k]);
	free(l.v);
}

static size_t claims_of(const struct pt_fleet_host *h)
{
	size_t n = 0;

	/* a claim's devices are few, and stand near one another */
	for (size_t i = 0; i < h->holds.n; i++) {
		size_t k = 0;

		while (k < i && strcmp(h->holds.v[k].id, h->holds.v[i].id) != 0)
			k++;
		n += k == i;
	}
	return n;
}

void pt_model_count(struct pt_model *m, void (*line)(void *arg, const struct pt_model_count *count),
		    void (*claims)(void *arg, const char *host, size_t n), void *arg)
{
	for (size_t at = 0; at != SIZE_MAX;) {
		size_t end = at + HOSTS_AT_ONCE;

		(void)pthread_rwlock_rdlock(&m->lock);
		for (; at < end && at < m->fleet.hosts.n; at++) {
			const struct pt_fleet_host *h = &m->fleet.hosts.v[at];

			if (!h->facts)
				continue;
			claims(arg, h->name, claims_of(h));
			count_host(m, h, line, arg);
		}
		at = at < m->fleet.hosts.n ? at : SIZE_MAX;
		(void)pthread_rwlock_unlock(&m->lock);
	}
}

static json_t *host_json(const struct pt_model *m, const struct pt_fleet_host *h)
{
	struct pt_fleet_counts n = { 0 };
	struct pt_error why = { 0 };
	const char *wrong = h->wrong;

	if (!wrong && pt_fleet_count(&m->fleet, h, &n, &why) < 0)
		wrong = why.msg;
	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:s?, s:s?}", "name", h->name, "agent", pt_fleet_agent_str(h),
			 "devices", (json_int_t)h->host.n, "offered", (json_int_t)n.offered, "free", (json_int_t)n.free,
			 "claimed", (json_int_t)h->holds.n, "wrong", wrong, "note", h->note);
}

json_t *pt_model_hosts(struct pt_model *m)
{
	json_t *list = json_array();

	for (size_t at = 0; at != SIZE_MAX;) {
		size_t end = at + HOSTS_AT_ONCE;

		(void)pthread_rwlock_rdlock(&m->lock);
		for (; at < end && at < m->fleet.hosts.n; at++)
			if (m->fleet.hosts.v[at].facts)
				(void)json_array_append_new(list, host_json(m, &m->fleet.hosts.v[at]));
		at = at < m->fleet.hosts.n ? at : SIZE_MAX;
		(void)pthread_rwlock_unlock(&m->lock);
	}
	return list;
}
