/* SPDX-License-Identifier: Apache-2.0 */
/* A <device> document of libvirt's: one node device of a host, perhaps not this one.  Judges nothing. */
#ifndef PT_DOMXML_NODEDEV_H
#define PT_DOMXML_NODEDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/bdf.h"

/**
 * struct pt_nodedev - owns its strings
 * @name, @parent: "pci_0000_41_00_0"
 * @is_pci: a PCI function: @bdf and all below but @interface are its own
 * @is_pf, @vfs_total, @is_vf, @pf: by its SR-IOV capabilities; a PF has at least one VF to give
 * @interface, @link: of a network interface: its name, and its state as the kernel has it ("up", "down", "unknown")
 */
struct pt_nodedev {
	char *name;
	char *parent;
	char *driver;
	bool is_pci;
	struct pt_bdf bdf;
	uint32_t class_code;
	uint16_t vendor;
	uint16_t device;
	int numa_node;
	bool is_pf;
	unsigned vfs_total;
	bool is_vf;
	struct pt_bdf pf;
	char *interface;
	char *link;
};

/** pt_domxml_read_nodedev() - 0; -EBADMSG with the line */
int pt_domxml_read_nodedev(const char *xml, struct pt_nodedev *ret_dev, struct pt_error *err);
void pt_nodedev_done(struct pt_nodedev *d);

#endif
