/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which device for which demand, on one host: complete (if any assignment exists it is found) but for a bound on its
 * steps, which it reports.  Knows of PFs and their VFs only that a PF is given whole or by its VFs, never both.
 */
#ifndef PT_DECIDE_SOLVE_H
#define PT_DECIDE_SOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/flow.h"

/**
 * struct pt_item - a device that may be given
 * @family: its PF and that one's VFs have the same number
 * @pf: it is the PF of its family
 * @can, @local, @near: as in struct pt_bucket
 */
struct pt_item {
	uint32_t device;
	uint32_t family;
	bool pf;
	uint64_t can;
	uint64_t local;
	uint64_t near;
};

/* steps that one host may cost in all, however often it is asked: some seconds at the very most */
#define PT_STEPS_HOST ((uint64_t)400000000)

/**
 * struct pt_problem - borrowed by the solver
 * @items: those first that should be given first, among equals
 * @isolate: at most one device of each family
 * @steps: what several problems of one host may cost together; less afterwards; NULL: this one's own limit
 */
struct pt_problem {
	struct pt_item *items;
	size_t n_items;
	size_t n_families;
	uint32_t demands[PT_DEMANDS_MAX];
	size_t n_demands;
	bool isolate;
	uint64_t *steps;
};

/**
 * struct pt_solution - owns @given
 * @given: for each item the demand it serves, or -1
 * @cost: as in flow.h, the least there is unless @bounded
 * @bounded: the search was cut off: a "no" means "not found", a "yes" may not be the cheapest
 */
struct pt_solution {
	bool found;
	bool bounded;
	uint64_t cost;
	int8_t *given;
};

/** pt_solve() - @ret_solution is yours: pt_solution_done() */
void pt_solve(const struct pt_problem *problem, struct pt_solution *ret_solution);

void pt_solution_done(struct pt_solution *s);

#endif
