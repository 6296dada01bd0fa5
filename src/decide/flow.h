/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that serve the same demands are one bucket; giving buckets to demands is a flow of least cost.  Numbers only:
 * what a demand or a device is, is solve.h's matter.
 */
#ifndef PT_DECIDE_FLOW_H
#define PT_DECIDE_FLOW_H

#include <stddef.h>
#include <stdint.h>

#define PT_DEMANDS_MAX 64

/* a device on another node than wanted costs more than any number of devices whose node is only unknown */
#define PT_COST_REMOTE ((uint64_t)1 << 24)

/**
 * struct pt_bucket - @cap devices alike
 * @can: one bit a demand that they may serve
 * @local: those for which they are on a node of the guest; @near: unknown node, or the same socket; else they are
 * remote
 */
struct pt_bucket {
	uint64_t can;
	uint64_t local;
	uint64_t near;
	uint32_t cap;
};

/**
 * pt_flow() - serve all demands, at the least cost
 * @flow: n_demands times n_buckets numbers: how many of a bucket a demand gets; also filled in when the answer is no
 * @budget: steps that may still be taken; less afterwards
 *
 * Return: 1 when all are served (then @ret_cost is set), 0 when no assignment serves them all, -ETIME when @budget ran
 * out.
 */
int pt_flow(const struct pt_bucket *buckets, size_t n_buckets, const uint32_t *demands, size_t n_demands,
	    uint32_t *flow, uint64_t *ret_cost, uint64_t *budget);

#endif
