/* SPDX-License-Identifier: Apache-2.0 */
/* What reserve and release share: from words on the command line to facts.  Holds no rule. */
#ifndef PT_CLI_RESERVING_H
#define PT_CLI_RESERVING_H

#include "cli/claims.h"
#include "cli/cli.h"
#include "decide/attach.h"
#include "decide/reserve.h"
#include "vm/libvirt.h"

/**
 * struct pt_reserving - all that bears on reserving; owns everything
 * @conn: NULL when libvirt cannot be asked; @blind says so then
 * @claims: VMs' disks that are disks of this host; their strings are those of @vms
 */
struct pt_reserving {
	struct pt_vm_conn *conn;
	struct pt_domains vms;
	struct pt_host host;
	PT_ARRAY(struct pt_bdf) wanted;
	struct pt_claims claims;
	struct pt_strv blind;
};

/** pt_reserving_look() - operands are DEVICE…; the address of a reservation may stand for a device that is gone */
int pt_reserving_look(struct pt_cli *cli, struct pt_reserving *ret, struct pt_error *err);
void pt_reserving_done(struct pt_reserving *r);

/** pt_reserving_run() - a decided plan to its end; @decided: what the decision returned, with @err */
int pt_reserving_run(struct pt_cli *cli, struct pt_reserving *l, struct pt_plan *plan, int decided,
		     struct pt_error *err);

#endif
