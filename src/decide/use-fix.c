/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/use-fix.h"

const char *pt_use_fix(enum pt_use_kind kind)
{
	static const char *const fixes[PT_USE_KINDS] = {
		[PT_USE_MOUNT] = "unmount it, and take it out of /etc/fstab",
		[PT_USE_SWAP] = "turn it off with swapoff, and take it out of /etc/fstab",
		[PT_USE_BOOT] = "let the firmware boot this host from another disk (efibootmgr), and restart it",
		[PT_USE_LVM] =
			"deactivate the volume group (vgchange -an); the guest's own is kept off the host in lvm.conf",
		[PT_USE_DM] = "remove the mapping (dmsetup remove), or close what made it (cryptsetup close)",
		[PT_USE_MD] = "stop the array (mdadm --stop); if it is the guest's own, keep the host's mdadm off it",
		[PT_USE_MULTIPATH] = "remove the map (multipath -f), and blacklist the disk in multipath.conf",
		[PT_USE_ZFS] = "export the pool (zpool export)",
		[PT_USE_BTRFS] = "unmount the file system that it is a member of",
		[PT_USE_BCACHE] = "stop the cache device",
		[PT_USE_EXPORT] = "end the export (targetcli or nvmetcli)",
		[PT_USE_LOOP] = "detach the loop device (losetup -d)",
		[PT_USE_OPEN] = "end the process",
		[PT_USE_BUSY] = "find out who holds it (lsof, fuser, /proc/*/fd) and end that",
		[PT_USE_ROUTE] = "move the default route to another interface",
		[PT_USE_SESSION] = "come in over another interface, or use the console",
		[PT_USE_BRIDGE] = "take the interface out of it, or bring it down",
		[PT_USE_ADDRESS] = "the address goes with the interface",
		[PT_USE_CONSOLE] = "let the host use another GPU, or none, for its console",
		[PT_USE_DRM] = "end the process, most often the display manager or nvidia-persistenced",
		[PT_USE_MEDIATED] = "take them from the VMs that have them, and remove them (mdevctl stop)",
		[PT_USE_VFIO] = "end the process; a VM's device is given back with `passthru detach`",
	};

	return fixes[kind];
}
