/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person writes to the PCI function that is meant. */
#ifndef PT_HOST_RESOLVE_H
#define PT_HOST_RESOLVE_H

#include "base/error.h"
#include "base/root.h"
#include "model/device.h"

/**
 * pt_resolve_device() - find the one PCI function that @text names
 * @devices: from pt_pci_list(), with names filled in
 * @text: 0000:01:00.0, 01:00.0, pci_0000_01_00_0, a network interface (or altname), /dev/sda or any /dev link (the
 *        disk's controller), sda, ids "10de:2330", a part of vendor/device name or driver name
 *
 * An exact name goes before a part of one, and a bridge is never meant by a part of a name.
 *
 * Return: 0; -ENODEV when nothing matches, -EMLINK when several do (the message lists the candidates, at most ten),
 * -EINVAL when @text is a malformed address; all PT_ERROR_USAGE.
 */
int pt_resolve_device(const struct pt_root *root, const struct pt_devices *devices, const char *text,
		      struct pt_bdf *ret_bdf, struct pt_error *err);

/** pt_resolve_matches() - is @d one of those that @text means: address, ids, driver, @netdevs, @disks, part of a name
 */
bool pt_resolve_matches(const struct pt_device *d, const char *text);

#endif
