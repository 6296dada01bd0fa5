/* SPDX-License-Identifier: Apache-2.0 */
/* Which disks of this host the VMs' definitions lead to, by whatever name.  Reads; judges nothing: decide/ does. */
#ifndef PT_CLI_CLAIMS_H
#define PT_CLI_CLAIMS_H

#include "base/root.h"
#include "decide/attach.h"
#include "model/host.h"

/**
 * struct pt_claims - owns its arrays; the strings of @found are those of the VMs
 * @disk_of: one for each disk of the VM that is given something: index in the host's blocks, or -1
 * @found: what else leads to disks of this host
 */
struct pt_claims {
	PT_ARRAY(int) disk_of;
	PT_ARRAY(struct pt_vm_claim) found;
};

/**
 * pt_claims_find() - ask the file system what every name in the definitions is
 * @own: the VM that is given devices, whose disks are @disk_of and no claims; NULL: there is none
 * @others: all other VMs
 * @ret_claims: empty before
 */
void pt_claims_find(const struct pt_root *root, const struct pt_blocks *blocks, const struct pt_domain *own,
		    const struct pt_domains *others, struct pt_claims *ret_claims);

void pt_claims_done(struct pt_claims *claims);

#endif
