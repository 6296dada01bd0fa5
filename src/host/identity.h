/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a device recognisable when its address has moved.  Reads only; binds no driver to look behind it. */
#ifndef PT_HOST_IDENTITY_H
#define PT_HOST_IDENTITY_H

#include "base/error.h"
#include "base/root.h"
#include "model/host.h"
#include "model/identity.h"

/**
 * pt_identity_read() - the identity of one function
 * @device: read by pt_pci_read()
 * @blocks: this host's disks, for what is behind it; may be empty
 *
 * The serial is the Device Serial Number, else the serial in the vital product data; of a VF its PF's.  Numbers that a
 * card maker left blank (all zeros, all ones) are none.
 */
int pt_identity_read(const struct pt_root *root, const struct pt_device *device, const struct pt_blocks *blocks,
		     struct pt_identity *ret_identity, struct pt_error *err);

/**
 * pt_identity_vpd_serial() - the keyword SN in vital product data
 * @vpd: the raw bytes; hostile
 *
 * Return: 1 and the serial (caller frees), or 0 when there is none to find.
 */
int pt_identity_vpd_serial(const unsigned char *vpd, size_t size, char **ret_serial);

#endif
