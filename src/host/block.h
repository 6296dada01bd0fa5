/* SPDX-License-Identifier: Apache-2.0 */
/* Disks and partitions, the controllers they hang on, and all their names.  Reads only. */
#ifndef PT_HOST_BLOCK_H
#define PT_HOST_BLOCK_H

#include "base/error.h"
#include "base/root.h"
#include "model/use.h"

/**
 * pt_block_list() - every block device with its controller and its links below /dev
 *
 * The controller is the nearest PCI function above it in sysfs (never a bridge).  Stacked devices (dm, md, loop) are
 * listed without one; the hidden paths of NVMe multipath, which have no device number, not at all.
 * Vendor, model, serial and WWN are said of whole disks only.
 *
 * Return: 0 or a negative errno; a host without disks is no error.
 */
int pt_block_list(const struct pt_root *root, struct pt_blocks *ret_blocks, struct pt_error *err);

/**
 * pt_block_lookup() - the block device that a path means: "/dev/sda", "/dev/disk/by-id/…", any link or node with the
 * same device number
 *
 * Return: its index in @blocks, -ENOENT when the path leads to no block device of this host.
 */
int pt_block_lookup(const struct pt_root *root, const struct pt_blocks *blocks, const char *path);

/** pt_block_scsi() - the function that a SCSI device ("2:0:0:0") is behind: 1; 0 when there is none, or no such device
 */
int pt_block_scsi(const struct pt_root *root, const char *address, struct pt_bdf *ret_bdf);

#endif
