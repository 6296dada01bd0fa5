/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device carries and who on the host uses it now.  Plain data: host/block.h and host/users.h look, decide/
 * judges.
 */
#ifndef PT_MODEL_USE_H
#define PT_MODEL_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"

/**
 * struct pt_block - a whole disk or a partition
 * @name: the kernel's: "sda", "sda1", "nvme0n1"
 * @disk: the whole disk a partition is on; equals @name for a disk
 * @major, @minor: device number, how other names are matched to it
 * @size: bytes
 * @has_controller, @controller: the PCI function it hangs on (false: loop, dm, md, zram, iSCSI)
 * @further: more functions that it hangs on as well: an NVMe namespace that several controllers have,
 *           the VMD controller above
 * @links: names below /dev that lead to it, relative to /dev: "disk/by-id/wwn-0x…", "disk/by-path/…"
 */
struct pt_block {
	char *name;
	char *disk;
	unsigned major;
	unsigned minor;
	uint64_t size;
	bool has_controller;
	struct pt_bdf controller;
	struct {
		struct pt_bdf *v;
		size_t n;
		size_t cap;
	} further;
	char *vendor;
	char *model;
	char *serial;
	char *wwn;
	struct pt_strv links;
};

struct pt_blocks {
	struct pt_block *v;
	size_t n;
	size_t cap;
};

/* The kind is also the refusal's name: see pt_use_kind_str(). */
enum pt_use_kind {
	PT_USE_MOUNT,
	PT_USE_SWAP,
	PT_USE_BOOT, /* the firmware booted this host from it */
	PT_USE_LVM,
	PT_USE_DM,
	PT_USE_MD,
	PT_USE_MULTIPATH,
	PT_USE_ZFS,
	PT_USE_BTRFS,
	PT_USE_BCACHE,
	PT_USE_EXPORT,	 /* LIO or nvmet */
	PT_USE_LOOP,	 /* a loop device stands on it */
	PT_USE_OPEN,	 /* a process holds the node open */
	PT_USE_BUSY,	 /* an O_EXCL open says EBUSY and no name was found */
	PT_USE_ROUTE,	 /* carries the default route */
	PT_USE_SESSION,	 /* carries the connection that the command came over */
	PT_USE_BRIDGE,	 /* up as a port of a bridge, bond, team, macvlan, OVS */
	PT_USE_ADDRESS,	 /* has an IP address and is up: a warning, not a refusal */
	PT_USE_CONSOLE,	 /* the boot or console GPU */
	PT_USE_DRM,	 /* a process has its DRM node open */
	PT_USE_MEDIATED, /* it is the parent of mediated devices */
	PT_USE_VFIO,	 /* a process has its VFIO group or device open */
	PT_USE_KINDS
};

/* "mounted", "swap", "lvm", … as in --force-NAME */
const char *pt_use_kind_str(enum pt_use_kind kind);

/**
 * struct pt_use - one use of one device by the host itself
 * @bdf: the PCI function in use
 * @kind: what sort
 * @chain: from the device to the use, for a person: "sda > sda2 (LVM PV) > vg0/root > mounted on /"
 * @where: where it was read: "/proc/self/mountinfo"
 * @pid, @comm: the process, or 0 and NULL
 * @vm_uuid: the VM that the process says it is the QEMU of (-uuid, as libvirt starts it); NULL: none
 */
struct pt_use {
	struct pt_bdf bdf;
	enum pt_use_kind kind;
	char *chain;
	char *where;
	int pid;
	char *comm;
	char *vm_uuid;
};

struct pt_uses {
	struct pt_use *v;
	size_t n;
	size_t cap;
};

/** pt_uses_add() - append; @chain is formatted; returns the element, valid until the next call */
struct pt_use *pt_uses_add(struct pt_uses *l, struct pt_bdf bdf, enum pt_use_kind kind, const char *where,
			   const char *chain, ...) __attribute__((format(printf, 5, 6)));

void pt_uses_done(struct pt_uses *l);

/** pt_blocks_by_name() - NULL when there is none */
const struct pt_block *pt_blocks_by_name(const struct pt_blocks *l, const char *name);
/** pt_blocks_by_number() - by device number; NULL when there is none */
const struct pt_block *pt_blocks_by_number(const struct pt_blocks *l, unsigned major, unsigned minor);
/** pt_block_same_disk() - are two whole disks one and the same, reached over two ways (FC, SAS, iSCSI)? */
bool pt_block_same_disk(const struct pt_block *a, const struct pt_block *b);
/** pt_block_behind() - can a block device be reached over a function, under this name or another? */
bool pt_block_behind(const struct pt_blocks *l, const struct pt_block *b, struct pt_bdf bdf);
void pt_blocks_done(struct pt_blocks *l);

#endif
