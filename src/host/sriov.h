/* SPDX-License-Identifier: Apache-2.0 */
/* What a physical function offers and what its VFs are set to.  Reads only; never sriov_numvfs, which may hang. */
#ifndef PT_HOST_SRIOV_H
#define PT_HOST_SRIOV_H

#include "base/error.h"
#include "base/root.h"
#include "model/sriov.h"

/**
 * pt_sriov_read() - look at one function
 * @device: host/pci.h's, with @netdevs for what is asked over netlink
 *
 * What cannot be seen (a capture, no root, no network interface) is unknown, and no failure.
 */
void pt_sriov_read(const struct pt_root *root, const struct pt_device *device, struct pt_sriov *ret_sriov);

#endif
