/* SPDX-License-Identifier: Apache-2.0 */
/* Who on this host uses a device now, through whatever stack.  Reads only, and opens nothing that could hang. */
#ifndef PT_HOST_USERS_H
#define PT_HOST_USERS_H

#include "base/error.h"
#include "base/root.h"
#include "model/host.h"

/**
 * pt_users_find() - every use of the given functions by the host itself
 * @host: with @devices (details read for those in @of) and @blocks filled in
 * @of: the functions asked about
 *
 * Looks at mounts, what /etc/fstab will mount, swap, LVM, md, dm, multipath, ZFS, btrfs members, bcache, LIO, nvmet and
 * SCST exports, loop, open files (/proc/PID/fd), last an O_EXCL open of each disk and partition (running host, root
 * only: EBUSY is a use even without a name); network: default route, the session's own connection, bridge/bond/team
 * ports that are up, addresses, mounts and disks that come over it; GPUs: console, DRM clients; VFIO descriptors. Where
 * it may not look (no root) it says so in @ret_blind.
 *
 * A PF is used by whoever uses its VFs; a bridge is never used, since it stays with its driver.
 *
 * @ret_blind: sentences about what could not be seen are added, for a warning; may be NULL
 * Return: 0 or a negative errno: what is mounted on a running host could not be read, and no guess is made.
 */
int pt_users_find(const struct pt_root *root, const struct pt_host *host, const struct pt_bdf *of, size_t n,
		  struct pt_uses *ret_uses, struct pt_strv *ret_blind, struct pt_error *err);

#endif
