/* SPDX-License-Identifier: Apache-2.0 */
/* A request for devices of the fleet, as `claim` and `fleet why` take it and say no to it. */
#ifndef PT_CLI_REQUESTING_H
#define PT_CLI_REQUESTING_H

#include "cli/storing.h"

/* in a command's list of options */
#define PT_REQUESTING_OPTIONS                                                                                          \
	{ "policy", 0, "POLICY", "required, legacy, preferred or socket; wins over the alias's", false },              \
		{ "numa", 0, "WHERE", "the guest's host cells: 0,1, or with a policy: preferred:0,1", false },         \
	{                                                                                                              \
		"spread", 0, NULL, "hosts with most free first; else packed", false                                    \
	}

/** pt_requesting_read() - @text is "a1:2,b"; with --policy, --numa and --spread; @ret_ask borrows @ret_request */
int pt_requesting_read(const struct pt_cli *cli, const char *text, struct pt_request *ret_request,
		       struct pt_claim_ask *ret_ask, struct pt_error *err);

/** pt_requesting_check_host() - a --host that there is, or none; -ENOENT with a message */
int pt_requesting_check_host(struct pt_fleet *fleet, const char *name, struct pt_error *err);

/** pt_requesting_print() - why each host says no, those together that say the same; with --verbose each one */
void pt_requesting_print(const struct pt_cli *cli, const struct pt_fleet_answers *answers);
json_t *pt_requesting_json(const struct pt_fleet_answers *answers, const struct pt_request *request, bool devices);

#endif
