/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of one physical function and its VFs, beside model/device.h.  Plain data; host/sriov.h looks. */
#ifndef PT_MODEL_SRIOV_H
#define PT_MODEL_SRIOV_H

#include "model/bdf.h"
#include "model/host.h"
#include "model/nvme.h"
#include "model/vf.h"

/**
 * struct pt_pf_link - the PF's network interface as the kernel tells over netlink; owns everything
 * @name: NULL: the PF has none, or it was not asked (a capture)
 * @up: by whoever runs this host; @carrier: and the cable carries something
 * @representor: it stands for a VF (switchdev mode), and is not the port's own
 * @vfs: by index; what the kernel did not tell of one it has not
 */
struct pt_pf_link {
	char *name;
	unsigned ifindex;
	bool up;
	bool carrier;
	bool representor;
	unsigned mtu;
	PT_ARRAY(struct pt_vf_settings) vfs;
};

void pt_pf_link_done(struct pt_pf_link *l);

/** pt_pf_link_vf() - what is known of a VF by its index; NULL: nothing */
const struct pt_vf_settings *pt_pf_link_vf(const struct pt_pf_link *l, int index);

/**
 * struct pt_sriov - owns its strings
 * @capability: is the SR-IOV capability in its configuration space (PCI Express Base Specification 9.3.3)?
 * @cap_total: its TotalVFs
 * @offered: what the kernel says that it offers (sriov_totalvfs), -1: it offers no VFs at all
 * @autoprobe: do this host's drivers take new VFs (sriov_drivers_autoprobe)?
 * @offset, @stride: from one routing id to the next; 0: not told
 * @no_room: a VF BAR that the card has is without an address, so no VF can be made
 * @nvme: of an NVMe card whose driver could be asked; else all zero
 * @has_bridge, @bridge: the one above
 * @bus_end: the last bus number behind that bridge; -1: not known
 * @ari: does that bridge forward to more than device 0 (ARI)?
 * @link_why: why its network interface told nothing; NULL: it did, or there is none
 */
struct pt_sriov {
	struct pt_bdf pf;
	enum pt_known capability;
	unsigned cap_total;
	int offered;
	enum pt_known autoprobe;
	unsigned offset;
	unsigned stride;
	bool no_room;
	bool has_bridge;
	struct pt_bdf bridge;
	int bus_end;
	enum pt_known ari;
	struct pt_nvme_virt nvme;
	struct pt_pf_link link;
	char *link_why;
};

void pt_sriov_done(struct pt_sriov *s);

#endif
