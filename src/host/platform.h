/* SPDX-License-Identifier: Apache-2.0 */
/* Everything about a host that decides whether it can pass devices through.  Reads only; opens no device node. */
#ifndef PT_HOST_PLATFORM_H
#define PT_HOST_PLATFORM_H

#include "base/error.h"
#include "base/root.h"
#include "model/platform.h"

/**
 * pt_platform_read() - all facts but libvirt's
 *
 * What cannot be seen (no root, not in a capture) stays unknown; that is no failure.  The caller calls
 * pt_platform_done().
 */
void pt_platform_read(const struct pt_root *root, struct pt_platform *ret_platform);

/** pt_platform_device() - what only doctor asks of one device */
void pt_platform_device(const struct pt_root *root, const struct pt_device *device, struct pt_device_platform *ret);

/** pt_platform_iommu() - only @host's iommu_active and intremap, for who decides about an attach */
void pt_platform_iommu(const struct pt_root *root, struct pt_host *host);

/**
 * pt_platform_iommu_bits() - the width of addresses that every IOMMU of this host translates: 39, 48 or 57 for Intel's;
 * 0 when it is not known (others do not tell in sysfs)
 */
unsigned pt_platform_iommu_bits(const struct pt_root *root);

#endif
