/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host as placement sees it: NUMA cells and PCI functions with their owners.  Recorded facts, or made from a live
 * host's devices; plain data.
 */
#ifndef PT_MODEL_INVENTORY_H
#define PT_MODEL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"

/* Nova's device types */
enum pt_dev_type {
	PT_DEV_PCI = 0,
	PT_DEV_PF,
	PT_DEV_VF,
	PT_DEV_VDPA,
};

/* an amount that was not given */
#define PT_NOT_GIVEN (-1)

/**
 * struct pt_inv_device - one PCI function; owns its strings
 * @class_code: 24 bits, as the configuration space has it; 0 when not told
 * @numa_node: PT_NOT_GIVEN when unknown
 * @parent: the PF, of a VF or vdpa device
 * @owner: who has it; NULL when free
 * @totalvfs: sriov_totalvfs; PT_NOT_GIVEN when not told
 * @vf_product: product id of this PF's VFs; PT_NOT_GIVEN when not told
 * @card_serial: the card's serial number from the VPD, of the function or its PF
 * @rp_uuid: the resource provider it belongs to
 */
struct pt_inv_device {
	struct pt_bdf bdf;
	uint16_t vendor;
	uint16_t product;
	uint32_t class_code;
	enum pt_dev_type type;
	int numa_node;
	bool has_parent;
	struct pt_bdf parent;
	char *ifname;
	char *parent_ifname;
	char *owner;
	int totalvfs;
	int vf_product;
	char *serial;
	char *card_serial;
	char *rp_uuid;
};

/* @socket, @cpus, @memory_mib: PT_NOT_GIVEN when not told; @cpus and @memory_mib are what is free */
struct pt_inv_cell {
	int id;
	int socket;
	int cpus;
	int64_t memory_mib;
};

/* a [network NAME] of the host; @physical_network: NULL: any network card */
struct pt_inv_network {
	char *name;
	char *physical_network;
};

/**
 * struct pt_inv_host - owns everything in it
 * @networks: those that VFs of it can be put into, as its own configuration has them
 * @devices: sorted by address once pt_inv_host_finish() was called
 * @ignored: devices left out since their address is beyond what Nova supports (domain FFFF)
 */
struct pt_inv_host {
	char *name;
	PT_ARRAY(struct pt_inv_network) networks;
	struct pt_inv_cell *cells;
	size_t n_cells;
	size_t cap_cells;
	struct pt_inv_device *v;
	size_t n;
	size_t cap;
	size_t ignored;
};

struct pt_inv_hosts {
	struct pt_inv_host *v;
	size_t n;
	size_t cap;
};

const char *pt_dev_type_str(enum pt_dev_type type); /* "type-PCI", "type-PF", "type-VF", "vdpa" */
int pt_dev_type_parse(const char *text);	    /* the enum, or -EINVAL */

/** pt_inv_host_add() - a new device with everything "not given"; valid until the next call */
struct pt_inv_device *pt_inv_host_add(struct pt_inv_host *h);

/**
 * pt_inv_host_finish() - leave out what is beyond domain FFFF, sort by address, give VFs their card's serial number
 *
 * Return: 0, or -EEXIST with the address in @ret_twice when two devices have the same one.
 */
int pt_inv_host_finish(struct pt_inv_host *h, struct pt_bdf *ret_twice);

/** pt_inv_host_network() - by name; NULL: it has none of that name */
const struct pt_inv_network *pt_inv_host_network(const struct pt_inv_host *h, const char *name);

/** pt_inv_host_is_parent() - has it a virtual function of @bdf?  A PF need not be among its devices itself */
bool pt_inv_host_is_parent(const struct pt_inv_host *h, struct pt_bdf bdf);

/** pt_inv_host_find() - index of a device, or -1; of a finished host */
int64_t pt_inv_host_find(const struct pt_inv_host *h, struct pt_bdf bdf);

void pt_inv_device_done(struct pt_inv_device *d);
void pt_inv_host_done(struct pt_inv_host *h);
void pt_inv_hosts_done(struct pt_inv_hosts *l);

#endif
