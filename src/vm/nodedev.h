/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI functions of a host as its libvirt tells them: for a host that is not this one.  Asks only. */
#ifndef PT_VM_NODEDEV_H
#define PT_VM_NODEDEV_H

#include "model/device.h"
#include "vm/libvirt.h"

/**
 * pt_vm_devices() - address, ids, class, driver, NUMA node, SR-IOV and network interfaces of each; nothing else is
 * known
 *
 * What libvirt says of one that cannot be understood leaves that one out.
 */
int pt_vm_devices(struct pt_vm_conn *conn, struct pt_devices *ret_devices, struct pt_error *err);

#endif
