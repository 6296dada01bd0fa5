/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions as sysfs shows them.  Reads only; bind.h makes changes. */
#ifndef PT_HOST_PCI_H
#define PT_HOST_PCI_H

#include "base/error.h"
#include "base/root.h"
#include "model/device.h"

/**
 * pt_pci_list() - every PCI function of a host, sorted by address, cheaply
 *
 * Reads `uevent` (ids, class, driver, subsystem in one read) and few links; never configuration space and never an
 * attribute that can hang (sriov_numvfs).  Which members are filled in: struct pt_device.
 *
 * Return: 0, or a negative errno when there is no PCI bus to read.
 */
int pt_pci_list(const struct pt_root *root, struct pt_devices *ret_devices, struct pt_error *err);

/**
 * pt_pci_read() - fill in all the rest of one device that pt_pci_list() found
 * @with_vfs_now: also read sriov_numvfs, which hangs while another process changes it
 */
int pt_pci_read(const struct pt_root *root, struct pt_device *device, bool with_vfs_now, struct pt_error *err);

/** pt_names_fill() - vendor, device and class names from systemd's hwdb; without a hwdb names stay NULL, and 0 */
int pt_names_fill(struct pt_devices *devices, struct pt_error *err);

#endif
