/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of one host: its devices, what they carry, and what decides whether they can be passed through. */
#ifndef PT_MODEL_HOST_H
#define PT_MODEL_HOST_H

#include "model/device.h"
#include "model/reservation.h"
#include "model/use.h"

/* a question whose answer may not be visible (no root, captured host) */
enum pt_known {
	PT_KNOWN_UNKNOWN = 0,
	PT_KNOWN_NO,
	PT_KNOWN_YES,
};

struct pt_hugepages {
	uint64_t size_kib;
	uint64_t total;
	uint64_t free;
};

/* memory of the whole host, KiB; hugepages reserved are not in @available_kib */
struct pt_memory {
	uint64_t total_kib;
	uint64_t available_kib; /* MemAvailable */
	PT_ARRAY(struct pt_hugepages) hugepages;
};

/* a network interface of a function, with its permanent address */
struct pt_host_nic {
	struct pt_bdf bdf;
	char *name;
	char *mac;
};

/* a driver_override that another tool keeps: "driverctl (/etc/driverctl.d/0000:01:00.0)" */
struct pt_host_override {
	struct pt_bdf bdf;
	char *owner;
};

/* a member of an IOMMU group that is no PCI function; @driver NULL: none */
struct pt_host_other {
	int group;
	char *name;
	char *driver;
};

/**
 * struct pt_host - facts; owns everything in it
 * @devices: sorted by address
 * @blocks, @uses, @nics: only of what was asked for, see host/gather.h
 * @reserved: devices that are reserved for guests, or remembered
 * @present: by what every function of such a kind can be recognised that is here now; empty: not looked at
 * @group_others: of the groups of what was asked for
 * @overrides: who else set the driver_override of a function, for a reader
 * Facts that only `doctor` needs are in host/platform.h's own structure.
 */
struct pt_host {
	char *hostname;
	struct pt_devices devices;
	struct pt_blocks blocks;
	struct pt_uses uses;
	PT_ARRAY(struct pt_host_nic) nics;
	struct pt_keeps reserved;
	struct pt_identities present;
	PT_ARRAY(struct pt_host_other) group_others;
	PT_ARRAY(struct pt_host_override) overrides;
	struct pt_memory memory;
	enum pt_known iommu_active; /* /sys/class/iommu populated */
	enum pt_known intremap;	    /* interrupt remapping, or unsafe interrupts allowed */
};

void pt_host_done(struct pt_host *h);

#endif
