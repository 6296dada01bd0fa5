/* SPDX-License-Identifier: Apache-2.0 */
/* What `sriov --vfs` and `vf` share: from a word on the command line to facts, a plan and its end.  Holds no rule. */
#ifndef PT_CLI_VFING_H
#define PT_CLI_VFING_H

#include "cli/cli.h"
#include "decide/sriov.h"
#include "vm/libvirt.h"

/**
 * struct pt_vfing - owns everything; @facts borrows the rest of it
 * @conn: NULL when libvirt cannot be asked; @blind says so then
 * @bdf: the function that was named
 */
struct pt_vfing {
	struct pt_vm_conn *conn;
	struct pt_domains vms;
	struct pt_host host;
	struct pt_sriov sriov;
	struct pt_sriov_states kept;
	char *kept_text;
	char *manager;
	struct pt_strv blind;
	struct pt_bdf bdf;
	struct pt_sriov_facts facts;
};

/** pt_vfing_look() - the first operand is a PF or a VF; @v must stay where it is */
int pt_vfing_look(struct pt_cli *cli, struct pt_vfing *v, struct pt_error *err);
void pt_vfing_done(struct pt_vfing *v);

/** pt_vfing_run() - a decided plan to its end; @decided: what the decision returned, with @err */
int pt_vfing_run(struct pt_cli *cli, struct pt_vfing *v, struct pt_plan *plan, int decided, struct pt_error *err);

#endif
