/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this VM have these devices, and what must be done for it?  Pure: facts in, a plan out; no files, no clock, no
 * libvirt.
 */
#ifndef PT_DECIDE_ATTACH_H
#define PT_DECIDE_ATTACH_H

#include "base/error.h"
#include "decide/failover.h"
#include "model/domain.h"
#include "model/host.h"
#include "model/plan.h"

/**
 * struct pt_attach_network - the one function asked for goes into a network; borrows
 * @mac, @vlan: of its interface in the VM's definition
 */
struct pt_attach_network {
	const char *name;
	uint8_t mac[6];
	unsigned vlan;
};

/**
 * struct pt_attach_request - what the user asked for; borrows everything
 * @devices: the functions named; companions of their IOMMU groups are found by the decision
 * @forced: names of refusals to pass over (--force-NAME), NULL-terminated, or NULL
 * @managed: -1 by kind of device (DESIGN rule 9), 0 or 1 as told
 * @start: start the VM afterwards even if it did not run; @autostart: set the flag
 * @stop_timeout_ms: for the guest's own shutdown
 * @live: while the VM runs, without shutting it down
 * @no_stop: the same if it runs, by what @facts say; its definition only if it does not: no plan ever stops it
 * @unplug_timeout_ms: how long its guest may then take to let go of a device
 * @reset: detach: reset the devices before a driver of the host has them
 * @spare_ports: attach: so many root ports shall be free in the definition afterwards; with no @devices only that
 * @network: attach: as an interface in it; NULL: as host devices
 * @failover: attach: of the one device: the interface that stands in for it; NULL: none
 * @settings: steps and findings about VFs' settings (decide/network.h), made with the VM stopped: before it gets them,
 *            or after it gave them back; NULL: none
 */
struct pt_attach_request {
	const struct pt_bdf *devices;
	size_t n_devices;
	const char *const *forced;
	int managed;
	bool start;
	bool autostart;
	unsigned stop_timeout_ms;
	bool live;
	bool no_stop;
	unsigned unplug_timeout_ms;
	bool reset;
	unsigned spare_ports;
	const struct pt_attach_network *network;
	const struct pt_failover *failover;
	const struct pt_plan *settings;
};

enum pt_claim_kind {
	PT_CLAIM_SOURCE = 0, /* a disk's own source */
	PT_CLAIM_CHAIN,	     /* another path in a disk: a backing file, a mirror, a data store */
	PT_CLAIM_ARGUMENT,   /* among the arguments of qemu:commandline */
	PT_CLAIM_SCSI,	     /* a SCSI host device */
	PT_CLAIM_UNSEEN,     /* a disk's source that is not there: it may be behind a controller that VFIO has */
};

/**
 * struct pt_vm_claim - a VM's definition leads to a disk of this host, or to one that may be; borrows everything
 * @vm: its name; @own: it is the VM that is to get the devices: its disks' sources are in @disk_of, not here
 * @block: index in host->blocks, of all but PT_CLAIM_SCSI and PT_CLAIM_UNSEEN
 * @path: as the definition names it
 * @target: the disk's, where it is one
 * @controller: of PT_CLAIM_SCSI the function that the device is behind
 */
struct pt_vm_claim {
	const char *vm;
	size_t block;
	const char *path;
	bool running;
	bool own;
	enum pt_claim_kind kind;
	const char *target;
	struct pt_bdf controller;
};

/**
 * struct pt_attach_facts - what an attachment is decided upon; borrows all
 * @host: devices (all; details of the groups concerned), blocks, uses of the group's members, memory
 * @vm: the VM; @others: every other VM of this host
 * @running: what it runs with now; NULL when it is off, or nobody asks to change it while it runs
 * @disk_of: parallel to @vm->disks: for each disk of the VM the index in @host->blocks it stands on, or -1; resolved by
 *           the caller, since it needs files (host/block.h)
 * @claims: other uses of this host's disks by VMs
 */
struct pt_attach_facts {
	const struct pt_host *host;
	const struct pt_domain *vm;
	const struct pt_domain *running;
	const struct pt_domains *others;
	const int *disk_of;
	const struct pt_vm_claim *claims;
	size_t n_claims;
};

/**
 * pt_decide_attach() - the plan that gives the VM the devices, or the reasons why not
 * @ret_plan: filled in even when refused: its findings say everything that stands against it
 *
 * The plan's VM_DEFINE step carries an edit, not XML; change/ turns it into XML.
 *
 * Return: 0 when the plan may be applied; -EPERM (PT_ERROR_REFUSED) with the first refusal in @err; PT_ERROR_USAGE
 * for a bridge, a device the VM already has.
 */
int pt_decide_attach(const struct pt_attach_facts *facts, const struct pt_attach_request *request,
		     struct pt_plan *ret_plan, struct pt_error *err);

/**
 * pt_decide_stranger() - why what is at the address of @k, one of @host->reserved, is not certain to be what it is
 * about
 *
 * Return: a sentence, which the caller frees; NULL when it is that device, or nothing is there.
 */
char *pt_decide_stranger(const struct pt_host *host, const struct pt_keep *k);

/**
 * pt_decide_detach() - the plan that takes devices from @vm and gives them back to the host's own drivers
 *
 * What another VM runs with, or needs reserved, is not given back.  Of @facts disks and claims are not asked.
 */
int pt_decide_detach(const struct pt_attach_facts *facts, const struct pt_attach_request *request,
		     struct pt_plan *ret_plan, struct pt_error *err);

#endif
