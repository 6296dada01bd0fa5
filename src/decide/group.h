/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IOMMU groups: when some members are given to a guest, what becomes of the others?  Pure; computed from the members'
 * drivers, since /dev/vfio/N is not there before one of them is bound.
 */
#ifndef PT_DECIDE_GROUP_H
#define PT_DECIDE_GROUP_H

#include "model/host.h"

/*
 * A group can be given to a guest when none of its members is held by a driver that does DMA for the host
 * (Documentation/driver-api/vfio.rst; since Linux 5.19 drivers/iommu/iommu.c, iommu_group_claim_dma_owner()).
 */
enum pt_group_role {
	PT_GROUP_WANTED,	/* asked for */
	PT_GROUP_STAYS,		/* a bridge: no guest can have it, and it is not in the way */
	PT_GROUP_FREE,		/* no driver, or one that does no DMA for the host: not in the way */
	PT_GROUP_GOES,		/* behind one that is asked for (VMD): gone when that one's driver is */
	PT_GROUP_BLOCKS,	/* a host driver holds it: it must go along or be freed */
	PT_GROUP_BLOCKS_BRIDGE, /* a bridge with a driver of its own, shpchp or lpc_ich: can only be freed */
};

struct pt_group_member {
	const struct pt_device *device;
	enum pt_group_role role;
};

struct pt_group_members {
	struct pt_group_member *v;
	size_t n;
	size_t cap;
};

/** pt_group_judge() - every member of @group, by address, with its role; borrows from @devices */
void pt_group_judge(const struct pt_devices *devices, int group, const struct pt_bdf *wanted, size_t n_wanted,
		    struct pt_group_members *ret_members);

void pt_group_members_done(struct pt_group_members *l);

/** pt_group_viable() - false when a member blocks */
bool pt_group_viable(const struct pt_group_members *l);

/** pt_group_list() - "0000:05:01.0 (e1000), 0000:05:02.0 (no driver)" of those with @role; the caller frees */
char *pt_group_list(const struct pt_group_members *l, enum pt_group_role role);

/**
 * pt_group_apart_in_another_slot() - may those that block have a group of their own once the card is moved?
 *
 * Return: false when all of them are functions of the wanted devices' own cards: they move together.
 */
bool pt_group_apart_in_another_slot(const struct pt_group_members *l);

/** pt_group_others_list() - "HISI0162:00 (hns)": members that are no PCI functions, with a driver; the caller frees */
char *pt_group_others_list(const struct pt_host *host, int group);

/** pt_driver_is_vfio() - vfio-pci or one of its variants; NULL is none */
bool pt_driver_is_vfio(const char *driver);

/** pt_driver_is_hosts() - a driver with which the host itself uses the device: neither VFIO's nor pci-stub; NULL is
 * none */
bool pt_driver_is_hosts(const char *driver);

#endif
