/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of libvirt's that lend functions of this host to VMs.  Asks only. */
#ifndef PT_VM_NETPOOLS_H
#define PT_VM_NETPOOLS_H

#include "domxml/netpool.h"
#include "vm/libvirt.h"

/** pt_vm_netpools() - all that there are; none where libvirt has no networks at all, or tells none */
void pt_vm_netpools(struct pt_vm_conn *conn, struct pt_netpools *ret_pools);

#endif
