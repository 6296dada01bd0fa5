/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients of a fleet's store saw, and whether one store that does one thing at a time could have answered so. Each
 * device is a lock: with a claim's id as its key the order in which it was held follows from the claims' ends, so the
 * check is exact and quick.  For tests only.
 */
#ifndef PT_TESTS_HISTORY_H
#define PT_TESTS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "model/claim.h"

/* of a host: a bit each */
#define HISTORY_DEVICES 16

enum history_kind {
	HISTORY_CLAIM,
	HISTORY_RELEASE,
};

/**
 * struct history_op - one call, from before it was begun until after its answer
 * @start, @end: nanoseconds of a clock that all clients share
 * @done: claimed, or released; false: no host fits, or there was no such claim
 * @project: it counts against the limit; @limited: not done, since the limit was in the way
 * @wanted: of a claim: how many devices; 0: it failed, and is not to be there
 * @host, @devices: of a claim that was made: where, and a bit for each device
 */
struct history_op {
	enum history_kind kind;
	long long start;
	long long end;
	bool done;
	bool project;
	bool limited;
	unsigned wanted;
	unsigned host;
	unsigned devices;
	char id[PT_CLAIM_ID_LENGTH + 1];
};

/**
 * history_check()
 * @ops: of all clients, in any order; sorted by this call
 * @hosts, @devices: so many hosts with so many devices each, all free at the beginning
 *
 * Return: NULL when it is right, else what is wrong, in words; the caller frees.
 */
char *history_check(struct history_op *ops, size_t n, unsigned hosts, unsigned devices);

/** history_check_limit() - did the project never have more than @limit devices, and was no "no" without need? */
char *history_check_limit(struct history_op *ops, size_t n, unsigned limit);

#endif
