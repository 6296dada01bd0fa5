/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI function as the kernel shows it.  Plain data; host/pci.h fills it in. */
#ifndef PT_MODEL_DEVICE_H
#define PT_MODEL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"

#define PT_GROUP_NONE (-1)
#define PT_NUMA_NONE  (-1)

enum pt_sriov_role {
	PT_SRIOV_NONE = 0, /* Not supported */
	PT_SRIOV_PF,
	PT_SRIOV_VF,
};

struct pt_bar {
	uint64_t size;	/* bytes; 0: not implemented */
	uint64_t flags; /* IORESOURCE_* from the `resource` attribute */
};

/**
 * struct pt_device - one PCI function; owns its strings
 *
 * Filled in by pt_pci_list() (cheap: no configuration space): address, ids (not @revision), class, place, @driver,
 * @modalias, @iommu_group, @numa_node, SR-IOV.  By pt_pci_read(): all.  Names by pt_names_fill().
 *
 * @class_code: 24 bits, 0x010400 is a RAID controller
 * @parent: the function above, a bridge or the VMD controller; @has_parent false on a root bus
 * @driver: NULL when no driver holds it
 * @driver_override: NULL when none is set
 * @modalias: the kernel's, to look for VFIO variant drivers
 * @iommu_group: PT_GROUP_NONE without an IOMMU
 * @numa_node: PT_NUMA_NONE when unknown
 * @vfs_total, @vfs_now: of a PF; @vfs_now is the number of its virtfn links, or on request what sriov_numvfs says,
 *                        which hangs for a stuck device; -1 not read
 * @pf, @vf_index: of a VF
 * @reset_methods: "flr pm bus", empty string when it cannot be reset, NULL when the kernel does not tell
 * @vfio_variant: a kernel module made for this device (vfio_pci: alias), NULL when plain vfio-pci serves
 * @netdevs: network interface names on it
 * @up: one of them is up, or may be; told of another host's functions only, by its libvirt
 * @disks: names of whole disks behind it ("sda", "nvme0n1")
 * @bars: [6] is the expansion ROM
 * @slot_path: the bus path from the root ("0000:00:01.0/0000:01:00.0"), which survives renumbering behind other slots
 * @stuck: the device does not give back its lock (an unbind or a change of its VFs hangs): @driver_override is unknown
 * @serial: Device Serial Number as lspci writes it, NULL when it has none or it was not asked for
 */
struct pt_device {
	struct pt_bdf bdf;
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
	uint32_t class_code;
	uint8_t revision;
	bool has_parent;
	struct pt_bdf parent;
	char *driver;
	char *driver_override;
	bool stuck;
	char *modalias;
	int iommu_group;
	int numa_node;
	enum pt_sriov_role sriov;
	unsigned vfs_total;
	int vfs_now; /* -1 not read */
	struct pt_bdf pf;
	int vf_index; /* -1 unknown */
	char *vendor_name;
	char *device_name;
	char *class_name;
	char *reset_methods;
	char *vfio_variant;
	char *slot_path;
	char *serial;
	struct pt_strv netdevs;
	bool up;
	struct pt_strv disks;
	struct pt_bar bars[7];
};

struct pt_devices {
	struct pt_device *v;
	size_t n;
	size_t cap;
};

/*
 * PCI class 0x06: host, ISA, PCI-to-PCI bridges, ... but "other bridge" (0x0680), which is an endpoint by its header:
 * GPU fabrics (NVSwitch) are of that class, and are given to guests
 */
static inline bool pt_device_is_bridge(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x06 && d->class_code >> 8 != 0x0680;
}

/* PCI class 0x01 */
static inline bool pt_device_is_storage(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x01;
}

static inline bool pt_device_is_network(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x02;
}

static inline bool pt_device_is_display(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x03;
}

/** pt_devices_find() - by address; NULL when there is none; the list is sorted by address */
struct pt_device *pt_devices_find(const struct pt_devices *l, struct pt_bdf bdf);

/**
 * pt_device_carrier() - the function above that is no bridge (Intel VMD): what is behind it has no DMA of its own, and
 * is gone when the carrier's driver is
 *
 * Return: the one nearest to the root; NULL when there is none.
 */
const struct pt_device *pt_device_carrier(const struct pt_devices *l, const struct pt_device *d);

/** pt_device_name() - "Broadcom / LSI MegaRAID SAS-3 3108 [Invader]", or "1000:005d" when it has none; caller frees */
char *pt_device_name(const struct pt_device *d);

/** pt_device_sriov_text() - "Not supported", "Disabled", "Enabled 2 of 7", "VF 0 of 0000:41:00.0"; caller frees */
char *pt_device_sriov_text(const struct pt_device *d);

/** pt_device_is_vfio() - held by vfio-pci or a driver of its kind: ready for a guest, or with one */
bool pt_device_is_vfio(const struct pt_device *d);

void pt_device_done(struct pt_device *d);
void pt_devices_done(struct pt_devices *l);

#endif
