/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/demand.h"
#include "decide/numa.h"
#include "decide/providers.h"

/* Nova's weigher counts no further */
#define IDLE_MAX 99

int pt_request_check(const struct pt_request *request, struct pt_error *err)
{
	PT_AUTO(pt_demands) demands = { .n = 0 };

	for (size_t i = 0; i < request->asks.n; i++) {
		const struct pt_ask *a = &request->asks.v[i];

		if (!a->n_specs)
			return pt_usage(err, -EINVAL, "request %zu has no spec", i);
		if (a->alias && a->rp_uuids.n > a->count)
			return pt_usage(
				err, -EINVAL,
				"request %zu (%s) asks for %u devices and lists %zu resource providers; it is one "
				"provider a device",
				i, a->alias, a->count, a->rp_uuids.n);
	}
	if (request->guest_cells.n > 64)
		return pt_usage(err, -E2BIG, "%zu guest cells; 64 are supported", request->guest_cells.n);
	if (pt_demands_make(request, &demands) < 0)
		return pt_usage(err, -E2BIG, "the request has more than %d different parts", PT_DEMANDS_MAX);
	return 0;
}

static int by_request(const void *a, const void *b)
{
	const struct pt_given *x = a;
	const struct pt_given *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	return pt_bdf_cmp(x->bdf, y->bdf);
}

/* demands back to asks: each part takes its count of what its demand was given */
static void name_devices(const struct pt_field *f, const struct pt_problem *p, const struct pt_solution *s,
			 struct pt_host_answer *answer)
{
	size_t part[PT_DEMANDS_MAX] = { 0 };
	uint32_t taken[PT_DEMANDS_MAX] = { 0 };

	for (size_t i = 0; i < p->n_items; i++) {
		const struct pt_part *parts = f->demands->parts.v;
		struct pt_given given;
		size_t d;

		if (s->given[i] < 0)
			continue;
		d = (size_t)s->given[i];
		while (parts[part[d]].demand != d || taken[d] == parts[part[d]].count) {
			taken[d] = parts[part[d]].demand == d ? 0 : taken[d];
			part[d]++;
		}
		taken[d]++;
		given.request = parts[part[d]].ask;
		given.bdf = f->view->host->v[p->items[i].device].bdf;
		pt_array_push(&answer->given, given);
	}
	if (answer->given.n > 1)
		qsort(answer->given.v, answer->given.n, sizeof(*answer->given.v), by_request);
}

/* the answer with the guest on these host cells; keeps the one with fewer remote devices */
static void try_cells(const struct pt_field *f, const int *ids, size_t n_ids, uint64_t *steps,
		      struct pt_host_answer *answer)
{
	pt_autofree struct pt_item *items = pt_alloc((f->n + 1) * sizeof(*items));
	PT_AUTO(pt_solution) solution = { 0 };
	struct pt_problem problem;

	pt_field_problem(f, ids, n_ids, items, &problem);
	problem.steps = steps;
	pt_solve(&problem, &solution);
	answer->bounded = answer->bounded || solution.bounded;
	if (!solution.found || (answer->fits && solution.cost / PT_COST_REMOTE >= answer->remote))
		return;
	answer->fits = true;
	answer->remote = (unsigned)(solution.cost / PT_COST_REMOTE);
	answer->given.n = 0;
	answer->cells.n = 0;
	name_devices(f, &problem, &solution, answer);
	for (size_t i = 0; i < n_ids; i++)
		pt_array_push(&answer->cells, ids[i]);
}

static void count_per_cell(const struct pt_field *f, unsigned *devices)
{
	const struct pt_inv_host *host = f->view->host;

	for (size_t i = 0; i < f->n; i++)
		for (size_t c = 0; c < host->n_cells; c++)
			devices[c] += host->cells[c].id == f->view->node[f->order[i]];
}

static void no_cells(const struct pt_field *f, const struct pt_numa_ways *ways, struct pt_host_answer *answer)
{
	answer->stage = "cells";
	answer->asked = (uint32_t)f->request->guest_cells.n;
	answer->message = pt_strf(
		"host %s has no %zu NUMA cells with the CPUs and the memory that the guest's cells need%s",
		f->view->host->name, f->request->guest_cells.n, ways->bounded ? ", among those that were tried" : "");
}

/* choose the host cells too: the first way without a remote device, or that with the fewest */
static void try_all_cells(const struct pt_field *f, struct pt_host_answer *answer)
{
	pt_autofree unsigned *devices = pt_alloc((f->view->host->n_cells + 1) * sizeof(*devices));
	struct pt_numa_ways ways;
	int first[64];
	uint64_t steps = PT_STEPS_HOST;
	size_t fitting = 0;
	int ids[64];

	count_per_cell(f, devices);
	pt_numa_ways_begin(&ways, f->view->host, f->request->guest_cells.v, f->request->guest_cells.n, devices);
	while (steps && (!answer->fits || answer->remote) && pt_numa_ways_next(&ways, ids)) {
		if (fitting++ == 0)
			memcpy(first, ids, sizeof(first));
		try_cells(f, ids, f->request->guest_cells.n, &steps, answer);
	}
	answer->bounded = answer->bounded || ways.bounded || !steps;
	if (answer->fits)
		return;
	if (fitting == 0)
		no_cells(f, &ways, answer);
	else
		pt_whynot(f, first, f->request->guest_cells.n, answer);
}

static void config_wrong(const struct pt_error *err, struct pt_host_answer *answer)
{
	answer->stage = "config";
	answer->message = pt_strdup(err->msg);
}

static void answer_host(const struct pt_field *field, struct pt_host_answer *answer)
{
	const struct pt_chosen_cells *cells = pt_request_cells(field->request, answer->host);

	if (!cells && field->request->guest_cells.n) {
		try_all_cells(field, answer);
		return;
	}
	try_cells(field, cells ? cells->ids : NULL, cells ? cells->n : 0, NULL, answer);
	answer->cells.n = 0;
	if (!answer->fits)
		pt_whynot(field, cells ? cells->ids : NULL, cells ? cells->n : 0, answer);
}

/* fewest remote devices first; then, as Nova's weigher has it, the host that has fewest to give: others may need many
 */
int pt_place_prefer(const struct pt_host_answer *a, const struct pt_host_answer *b, struct pt_place_options options)
{
	uint32_t x = a->idle < IDLE_MAX ? a->idle : IDLE_MAX;
	uint32_t y = b->idle < IDLE_MAX ? b->idle : IDLE_MAX;

	if (a->fits != b->fits)
		return a->fits ? -1 : 1;
	if (!a->fits)
		return 0;
	if (a->remote != b->remote)
		return a->remote < b->remote ? -1 : 1;
	return x == y ? 0 : (x < y) != options.spread ? -1 : 1;
}

void pt_place_host(const struct pt_rules *rules, const struct pt_request *request, const struct pt_inv_host *host,
		   struct pt_place_options options, struct pt_host_answer *ret_answer)
{
	struct pt_host_answer answer = { .host = host->name };
	PT_AUTO(pt_demands) demands = { .n = 0 };
	PT_AUTO(pt_field) field = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error err = { 0 };
	int r = pt_view_make(rules, host, &view, &err);

	if (r == 0 && rules->report_in_placement)
		r = pt_providers_check(&view, &err);
	if (r < 0) {
		config_wrong(&err, &answer);
	} else {
		/* pt_request_check() saw to it that it fits */
		(void)pt_demands_make(request, &demands);
		pt_field_make(&view, request, &demands, options.spread, &field);
		answer_host(&field, &answer);
		for (size_t i = 0; i < host->n; i++)
			answer.idle += view.spec[i] >= 0 && pt_view_is_free(&view, i);
	}
	*ret_answer = answer;
}
