/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says of itself, and what the kernel of its host says of a device that was given to it.  Plain data;
 * vm/agent.h and host/proof.h ask, decide/verify.h judges.  A guest may lie: nothing here may decide what is changed.
 */
#ifndef PT_MODEL_GUEST_H
#define PT_MODEL_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"
#include "model/host.h"

/* @serial: as the guest's udev knows it: the serial number, or a longer text with it or with the WWN in it */
struct pt_guest_disk {
	char *name;
	char *serial;
	bool has_controller;
	struct pt_bdf controller; /* in the guest's own numbers */
};

struct pt_guest_nic {
	char *name;
	char *mac;
};

/* @driver: NULL when no driver holds it */
struct pt_guest_function {
	bool has_bdf;
	struct pt_bdf bdf; /* in the guest's own numbers */
	uint16_t vendor;
	uint16_t device;
	char *driver;
};

/**
 * struct pt_guest - the guest agent's word; owns everything
 * @silent: why nobody answers; NULL when the agent does
 * @no_channel: the VM has no way to an agent, so that none will ever answer
 * @disks_unknown, @nics_unknown, @functions_unknown: why the guest cannot tell; NULL when the list is what it has
 */
struct pt_guest {
	char *silent;
	bool no_channel;
	char *os;
	char *disks_unknown;
	char *nics_unknown;
	char *functions_unknown;
	PT_ARRAY(struct pt_guest_disk) disks;
	PT_ARRAY(struct pt_guest_nic) nics;
	PT_ARRAY(struct pt_guest_function) functions;
};

/** pt_guest_keep_silent() - nothing of what the guest has is known, for this reason */
void pt_guest_keep_silent(struct pt_guest *g, const char *why);
void pt_guest_done(struct pt_guest *g);

/**
 * struct pt_qmp_function - a host device as QEMU shows it to the guest
 * @alias: libvirt's name for the device ("hostdev0")
 * @bars, @bars_mapped: its memory regions, and those that the guest gave an address
 */
struct pt_qmp_function {
	char *alias;
	struct pt_bdf bdf; /* in the guest's own numbers */
	uint16_t vendor;
	uint16_t device;
	unsigned bars;
	unsigned bars_mapped;
};

struct pt_qmp_functions {
	struct pt_qmp_function *v;
	size_t n;
	size_t cap;
};

void pt_qmp_functions_done(struct pt_qmp_functions *l);

/**
 * struct pt_proof - the host kernel's word on one function
 * @present: the function is there at all
 * @driver: what holds it, NULL for none
 * @vfio: that driver is vfio-pci, or was made from it (it registers its descriptors with VFIO)
 * @bus_master, @memory_space: bits of the COMMAND register: the guest's driver set them
 * @vectors: interrupts that VFIO has taken for it; @interrupts: how often they came
 * @vector_kind: "vfio-msix", NULL when there are none
 */
struct pt_proof {
	struct pt_bdf bdf;
	bool present;
	char *driver;
	bool vfio;
	enum pt_known bus_master;
	enum pt_known memory_space;
	bool interrupts_known;
	unsigned vectors;
	unsigned long long interrupts;
	char *vector_kind;
};

void pt_proof_done(struct pt_proof *p);

#endif
