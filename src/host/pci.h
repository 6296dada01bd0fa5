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
 * @with_vfs_now: also read sriov_numvfs; else @vfs_now stays the number of virtfn links
 *
 * Never waits for a device that hangs: what is shown under the device's lock is given a second, then @stuck is set and
 * the member stays unknown.
 *
 * Reading the Device Serial Number takes root and reads configuration space, which wakes a sleeping device.
 *
 * Return: 0; -ENODEV when the function has gone meanwhile.
 */
int pt_pci_read(const struct pt_root *root, struct pt_device *device, bool with_vfs_now, struct pt_error *err);

/**
 * pt_pci_read_plain() - the same without @vfio_variant
 *
 * That one member takes several times as long as all the others: modules.alias has megabytes.
 */
int pt_pci_read_plain(const struct pt_root *root, struct pt_device *device, bool with_vfs_now, struct pt_error *err);

/**
 * pt_pci_carried() - fill in @netdevs and @disks of all devices, in one pass over class/net and class/block
 *
 * pt_pci_read() does so for its one device.  Return: 0 or a negative errno; a host without either is no error.
 */
int pt_pci_carried(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err);

/** pt_pci_of_path() - the function nearest to the end of a sysfs path; 1 when there is one, 0 when not */
int pt_pci_of_path(const char *path, struct pt_bdf *ret_bdf);

/**
 * pt_names_fill() - vendor, device and class names from systemd's hwdb; without a hwdb names stay NULL, and 0
 * @root: a capture that brings its own names (file `names`) is believed before this machine's hwdb, so that a report
 *        reads the same everywhere
 */
int pt_names_fill(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err);

#endif
