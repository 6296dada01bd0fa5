/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up host in a temporary directory: sys/, proc/, dev/, etc/, as the kernel lays them out.  For tests only: what
 * goes wrong here fails the test.  Paths are relative to the made-up "/": "proc/mounts", "sys/class/drm".
 *
 *	struct fakesys *sys = fakesys_new();
 *	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", 14);
 *	fakesys_add_disk(sys, "0000:01:00.0", "sda", 8, 0, "S455NY0K100001");
 *	... pt_pci_list(&sys->root, &devices, &err) ...
 *	fakesys_free(sys);
 *
 * A bridge is added before what is behind it; what is on its bus finds it by itself when fakesys_bridge() was used.
 */
#ifndef PT_TESTS_FAKESYS_H
#define PT_TESTS_FAKESYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/root.h"

/**
 * struct fakesys - the made-up host
 * @dir: its "/", an absolute path, as for --sysroot
 * @root: open on it; captured is true: a test that plays the running host sets it false
 */
struct fakesys {
	char *dir;
	struct pt_root root;
	struct fakesys_made *made; /* private */
	int fds_before;		   /* private */
};

/* one PCI function with everything that can be said in one place; what is 0 or NULL has the kernel's usual default */
struct fakesys_pci {
	const char *bdf;
	const char *parent; /* the bridge above; NULL: a bridge made for this bus, else the root bus */
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
	uint32_t class_code;
	uint8_t revision;
	const char *driver;
	const char *driver_override;
	int group;		  /* -1: no IOMMU */
	int numa_node;		  /* -1: unknown */
	bool no_numa;		  /* a kernel without NUMA: no such attribute */
	const char *reset_method; /* NULL: no such attribute */
	const char *resource;	  /* NULL: 13 empty lines */
};

struct fakesys *fakesys_new(void);
/* removes the directory; fails the test when a descriptor was left open since fakesys_new() */
void fakesys_free(struct fakesys *sys);

/* cmocka's, for tests of one card that VFIO has: FAKESYS_HBA, in IOMMU group 14; the state is a struct fakesys */
#define FAKESYS_HBA "0000:01:00.0"
int fakesys_setup_hba(void **state);
int fakesys_teardown(void **state);

/** fakesys_add_pci() - a function in short; @driver NULL: none; @group -1: none; numa_node is -1 */
void fakesys_add_pci(struct fakesys *sys, const char *bdf, unsigned vendor, unsigned device, unsigned class_code,
		     const char *driver, int group);
void fakesys_add_pci_full(struct fakesys *sys, const struct fakesys_pci *pci);

/** fakesys_bridge() - a PCI-to-PCI bridge (driver pcieport) to the buses from @secondary on */
void fakesys_bridge(struct fakesys *sys, const char *bdf, unsigned secondary, int group);

/** fakesys_sriov() - make @pf able to have @total VFs; then fakesys_add_vf() for those it has now */
void fakesys_sriov(struct fakesys *sys, const char *pf, unsigned total);
void fakesys_add_vf(struct fakesys *sys, const char *pf, unsigned index, const char *bdf, unsigned device,
		    const char *driver, int group);

/** fakesys_driver() - hold @bdf by another driver from now on, or by none (NULL) */
void fakesys_driver(struct fakesys *sys, const char *bdf, const char *driver);

/** fakesys_attr() - an attribute of a PCI function; a newline is added */
void fakesys_attr(struct fakesys *sys, const char *bdf, const char *name, const char *value);

/** fakesys_pci_path() - "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"; belongs to @sys */
const char *fakesys_pci_path(struct fakesys *sys, const char *bdf);

/**
 * fakesys_add_disk() - a whole disk behind a function, in class/block and dev/block, with a file dev/NAME
 *
 * nvme names go below nvme/, others below a SCSI host, as the kernel has them; @bdf NULL makes a virtual one (dm-0,
 * md0, loop0).  @serial may be NULL.  Nodes are empty regular files: a test has no right to mknod().
 */
void fakesys_add_disk(struct fakesys *sys, const char *bdf, const char *name, unsigned major, unsigned minor,
		      const char *serial);
void fakesys_add_partition(struct fakesys *sys, const char *disk, const char *name, unsigned major, unsigned minor);
/** fakesys_block_path() - "sys/devices/…/block/sda" or ".../block/sda/sda1"; belongs to @sys */
const char *fakesys_block_path(struct fakesys *sys, const char *name);

/** fakesys_hold() - @holder (dm-0) stands on @name (sda2): links slaves/ and holders/ */
void fakesys_hold(struct fakesys *sys, const char *name, const char *holder);

/** fakesys_dev_link() - dev/LINK -> the node, relative as udev makes it: ("disk/by-id/wwn-0x1", "sda") */
void fakesys_dev_link(struct fakesys *sys, const char *link, const char *node);

/** fakesys_add_net() - a network interface on a function (or a virtual one with @bdf NULL) */
void fakesys_add_net(struct fakesys *sys, const char *bdf, const char *name, const char *mac);

/** fakesys_iommu() - an IOMMU in class/iommu: "dmar0", "ivhd0" */
void fakesys_iommu(struct fakesys *sys, const char *name);

/* anything else; missing directories are made, an existing file or link is replaced */
void fakesys_file(struct fakesys *sys, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
void fakesys_data(struct fakesys *sys, const char *path, const void *data, size_t size);
void fakesys_link(struct fakesys *sys, const char *path, const char *target);
void fakesys_mkdir(struct fakesys *sys, const char *path);
void fakesys_remove(struct fakesys *sys, const char *path);

/** fakesys_rmtree() - remove a directory with everything in it; nothing happens when it is not there */
void fakesys_rmtree(const char *dir);

#endif
