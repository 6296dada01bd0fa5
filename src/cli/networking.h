/* SPDX-License-Identifier: Apache-2.0 */
/* What `attach --network` and `detach` have to know of networks: from names to facts and decisions.  Holds no rule. */
#ifndef PT_CLI_NETWORKING_H
#define PT_CLI_NETWORKING_H

#include "cli/giving.h"
#include "decide/network.h"

/**
 * struct pt_networking - owns everything but what @vms points to: every VM of the host, shallow, of struct pt_giving
 * @wanted: in @networks
 * @on: the functions on its cables; @pfs: their PFs; @managers: of each, who else makes its VFs, or NULL
 * @failover: with --failover, what stands in for the VF
 * @settings, @network: for struct pt_attach_request
 */
struct pt_networking {
	struct pt_networks networks;
	const struct pt_network *wanted;
	PT_ARRAY(struct pt_bdf) on;
	PT_ARRAY(struct pt_sriov) pfs;
	PT_ARRAY(char *) managers;
	struct pt_domains vms;
	struct pt_plan settings;
	struct pt_attach_network network;
	struct pt_failover failover;
};

/** pt_networking_failover() - with --failover: what is to stand in for a device of @vm: 1; 0 without; PT_ERROR_USAGE */
int pt_networking_failover(struct pt_cli *cli, const struct pt_domain *vm, struct pt_failover *ret_failover,
			   struct pt_error *err);

/**
 * pt_networking_attach() - operands are VM [DEVICE]: look, pick a VF of the network and say what is to be set for it
 * @ret_giving: as pt_giving_look() does; @wanted is the VF
 */
int pt_networking_attach(struct pt_cli *cli, struct pt_vm_conn *conn, const char *name, struct pt_networking *n,
			 struct pt_giving *ret_giving, struct pt_error *err);

/** pt_networking_detach() - what puts the settings of the VFs among @giving->wanted back, as the journal knows them */
int pt_networking_detach(struct pt_cli *cli, const struct pt_giving *giving, struct pt_networking *n,
			 struct pt_error *err);

void pt_networking_done(struct pt_networking *n);

#endif
