/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a host have the devices that a VM asks for, which ones, and if not, why not.  Facts in, answer out.  Takes
 * nothing: who acts on an answer decides again on fresh facts.
 */
#ifndef PT_DECIDE_PLACE_H
#define PT_DECIDE_PLACE_H

#include "decide/pools.h"
#include "decide/solve.h"
#include "model/request.h"

/* @spread: VFs from as many PFs as possible, and hosts with most to give first, instead of fewest */
struct pt_place_options {
	bool spread;
};

/**
 * pt_request_check() - what no host can change: too many different parts, provider lists that do not add up
 *
 * Return: 0, or -EINVAL, -E2BIG with a message.
 */
int pt_request_check(const struct pt_request *request, struct pt_error *err);

/**
 * pt_place_host() - the answer for one host; there is always one
 * @request: expanded (pt_pci_alias_expand) and checked (pt_request_check)
 * @ret_answer: yours; its @host is borrowed from @host
 */
void pt_place_host(const struct pt_rules *rules, const struct pt_request *request, const struct pt_inv_host *host,
		   struct pt_place_options options, struct pt_host_answer *ret_answer);

/** pt_place_prefer() - which of two hosts to take: below 0 the first, above 0 the second, 0 for no difference */
int pt_place_prefer(const struct pt_host_answer *a, const struct pt_host_answer *b, struct pt_place_options options);

/**
 * pt_place_verify() - see that the devices of an answer obey every rule; shares no code with the search
 *
 * Return: 0, or -EPERM with a message that names the rule that is broken.
 */
int pt_place_verify(const struct pt_rules *rules, const struct pt_request *request, const struct pt_inv_host *host,
		    const struct pt_host_answer *answer, struct pt_error *err);

#endif
