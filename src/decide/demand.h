/* SPDX-License-Identifier: Apache-2.0 */
/* From requests and a host's devices to the numbers that solve.h works on, and back.  Used by place.c and whynot.c
 * only. */
#ifndef PT_DECIDE_DEMAND_H
#define PT_DECIDE_DEMAND_H

#include "decide/place.h"

/* a share of an ask: all of it, or what it takes from one resource provider */
struct pt_part {
	size_t ask;
	size_t demand;
	uint32_t count;
};

/* @ask: the first ask of this demand; others that ask for the very same are added to it; @rp: NULL when any provider
 * will do */
struct pt_demand {
	size_t ask;
	const char *rp;
	uint32_t count;
};

/* owns its arrays; strings and asks are the request's */
struct pt_demands {
	struct pt_demand v[PT_DEMANDS_MAX];
	size_t n;
	PT_ARRAY(struct pt_part) parts;
};

/** pt_demands_make() - -E2BIG when the request has more than PT_DEMANDS_MAX different parts */
int pt_demands_make(const struct pt_request *request, struct pt_demands *ret_demands);
void pt_demands_done(struct pt_demands *d);

/**
 * struct pt_field - a request on a host, before the guest's host cells are known; owns its arrays
 * @base: one a device: the demands that it may serve as far as NUMA does not matter
 * @order: devices with any such demand, those first that should be given first
 */
struct pt_field {
	const struct pt_view *view;
	const struct pt_request *request;
	const struct pt_demands *demands;
	uint64_t *base;
	uint32_t *order;
	size_t n;
};

void pt_field_make(const struct pt_view *view, const struct pt_request *request, const struct pt_demands *demands,
		   bool spread, struct pt_field *ret_field);
void pt_field_done(struct pt_field *f);

/**
 * pt_field_problem() - with the guest on host cells @ids
 * @items: room for field->n; @ret_problem borrows it
 */
void pt_field_problem(const struct pt_field *f, const int *ids, size_t n_ids, struct pt_item *items,
		      struct pt_problem *ret_problem);

/* whynot.c: fill in the reason; @answer has no message yet */
void pt_whynot(const struct pt_field *field, const int *ids, size_t n_ids, struct pt_host_answer *answer);

#endif
