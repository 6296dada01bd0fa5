/* SPDX-License-Identifier: Apache-2.0 */
/* A live host, or a captured one, as placement sees it.  Reads only. */
#ifndef PT_HOST_INVENTORY_H
#define PT_HOST_INVENTORY_H

#include "base/error.h"
#include "base/root.h"
#include "model/device.h"
#include "model/inventory.h"

/**
 * pt_inventory_read() - NUMA cells and PCI functions of a host
 * @ret_host: yours
 *
 * Bridges are left out.  A function that a VFIO driver holds counts as owned: who has it is not looked up here, and
 * nothing that may be in use is to be offered.
 *
 * Return: 0, or a negative errno with a message.
 */
int pt_inventory_read(const struct pt_root *root, struct pt_inv_host *ret_host, struct pt_error *err);

/** pt_inventory_add() - the functions of @devices but bridges, to @host; pt_inv_host_finish() comes after it */
void pt_inventory_add(const struct pt_devices *devices, struct pt_inv_host *host);

#endif
