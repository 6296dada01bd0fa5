/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of attach and detach share: the facts, the request, and the plan that grows.  Inside decide/ only. */
#ifndef PT_DECIDE_JUDGE_H
#define PT_DECIDE_JUDGE_H

#include "decide/attach.h"

/**
 * struct pt_judge - one decision on its way; borrows all but @devices and @bdfs
 * @devices: the functions asked for, by address, each once; @bdfs the same as addresses
 * @running: see struct pt_attach_facts
 * @vm: of a reservation for nobody in particular: without a name
 */
struct pt_judge {
	const struct pt_host *host;
	const struct pt_domain *vm;
	const struct pt_domain *running;
	const struct pt_domains *others;
	const int *disk_of;
	const struct pt_vm_claim *claims;
	size_t n_claims;
	const struct pt_attach_request *request;
	struct pt_plan *plan;
	PT_ARRAY(const struct pt_device *) devices;
	PT_ARRAY(struct pt_bdf) bdfs;
};

void pt_judge_done(struct pt_judge *j);

/**
 * pt_judge_devices() - find the functions asked for; PT_ERROR_USAGE (-ENODEV, -EINVAL)
 * @may_be_gone: one that the host no longer has is in @bdfs only
 */
int pt_judge_devices(struct pt_judge *j, bool may_be_gone, struct pt_error *err);

bool pt_judge_wants(const struct pt_judge *j, struct pt_bdf bdf);

static inline bool pt_judge_runs(const struct pt_domain *vm)
{
	return vm->state == PT_DOMAIN_RUNNING || vm->state == PT_DOMAIN_PAUSED;
}

/** pt_judge_request() - what is asked for, with --no-stop decided: while it runs, or not */
struct pt_attach_request pt_judge_request(const struct pt_attach_facts *facts, const struct pt_attach_request *asked);

/** pt_judge_say() - a finding; formats @fact */
void pt_judge_say(struct pt_judge *j, enum pt_verdict verdict, const char *name, const char *where, const char *fix,
		  const char *fact, ...) __attribute__((format(printf, 6, 7)));

/* whether --force-NAME passes a refusal over */
enum pt_force {
	PT_FORCE_NEVER,
	PT_FORCE_BY_NAME,
};

/** pt_judge_refuse() - a PT_FAIL, or a PT_WARN when it may be and was forced */
void pt_judge_refuse(struct pt_judge *j, enum pt_force force, const char *name, const char *where, const char *fix,
		     const char *fact, ...) __attribute__((format(printf, 6, 7)));

/* -EPERM with the plan's first refusal in @err, or 0 */
int pt_judge_verdict(const struct pt_judge *j, struct pt_error *err);

/* "0000:01:00.0 (Broadcom / LSI MegaRAID SAS 2108)", or with its ids when it has no name; the caller frees */
char *pt_judge_title(const struct pt_device *d);

/* does @vm hold @bdf: as a hostdev, an interface, an NVMe disk, or behind libvirt's back? */
bool pt_judge_holds(const struct pt_domain *vm, struct pt_bdf bdf);

/* the VM other than j->vm that holds @bdf and is not shut off; NULL when none is */
const struct pt_domain *pt_judge_runner(const struct pt_judge *j, struct pt_bdf bdf);

/* rule 9: what the hostdev's managed= will be */
bool pt_judge_managed(const struct pt_judge *j, const struct pt_device *d);

/* VFIO devices (mediated ones count) that the VM will have */
unsigned pt_judge_vfio_count(const struct pt_judge *j);

/* attach-device.c: the host's side of it */
void pt_judge_host(struct pt_judge *j);
void pt_judge_groups(struct pt_judge *j);
void pt_judge_sriov(struct pt_judge *j);
void pt_judge_other_vms(struct pt_judge *j);
/* with pt_judge_overrides() */
void pt_judge_uses(struct pt_judge *j);
void pt_judge_overrides(struct pt_judge *j);

/* judge-identity.c: refuses each that is not certain to be what the record of its address is about: never forced */
void pt_judge_recorded(struct pt_judge *j);

/* attach-claims.c: disks and interfaces of the devices that VMs lead to */
void pt_judge_claims(struct pt_judge *j);

/* attach-vm.c: the VM's side of it */
void pt_judge_vm_state(struct pt_judge *j);
void pt_judge_vm(struct pt_judge *j);
void pt_judge_memory(struct pt_judge *j);

/* live.c: can it be done while the VM runs? */
void pt_judge_live(struct pt_judge *j);
void pt_judge_live_attach(struct pt_judge *j, const struct pt_domain_edit *edit);
/* the guest's bus for the i-th device, 0 where libvirt chooses; and the steps */
unsigned pt_judge_guest_bus(const struct pt_judge *j, size_t i);
void pt_judge_plug(struct pt_judge *j);
void pt_judge_unplug(struct pt_judge *j);
/* "2 of the 4 root ports are free" */
void pt_judge_tell_ports(struct pt_judge *j);
/* is it among what it runs with? */
bool pt_judge_runs_with(const struct pt_judge *j, struct pt_bdf bdf);

/* ports.c: root ports that are to be free in the definition afterwards */
void pt_judge_spare_ports(struct pt_judge *j, struct pt_domain_edit *edit);
int pt_decide_ports(struct pt_judge *j, struct pt_error *err);

/* failover.c: the interface that stands in for the device */
void pt_judge_failover(struct pt_judge *j, struct pt_domain_edit *edit);

/* attach-edit.c: what the definition loses; says so in notes */
void pt_judge_losses(struct pt_judge *j, struct pt_domain_edit *edit);

/* index in host->blocks of the block device below disk @i of the VM if it hangs on function @bdf, else -1 */
int pt_judge_disk_on(const struct pt_judge *j, size_t i, struct pt_bdf bdf);

/* judge.c: refuse a VM that runs, unless it @may_restart; @why: it cannot be done under it */
void pt_judge_running(struct pt_judge *j, bool may_restart, const char *why);

/* judge.c: steps */
struct pt_step *pt_judge_vm_step(struct pt_judge *j, enum pt_step_kind kind);
struct pt_step *pt_judge_device_step(struct pt_judge *j, enum pt_step_kind kind, const struct pt_device *d);
void pt_judge_stop(struct pt_judge *j);
/* those about VFs that the request has */
void pt_judge_settings(struct pt_judge *j);
void pt_judge_start(struct pt_judge *j);

/* judge.c: records */
/** pt_judge_count_others() - how many VMs other than j->vm have it; @ret_one: one of them, when any has */
unsigned pt_judge_count_others(const struct pt_judge *j, struct pt_bdf bdf, const struct pt_domain **ret_one);

/* has this boot seen that @d is the very device that @k records? */
bool pt_judge_is_recorded(const struct pt_keep *k, const struct pt_device *d);

/**
 * pt_judge_hand_over() - the steps that write the same record for another VM
 * @driver: who gets it at boot, or PT_DRIVER_LIBVIRT: it is only remembered
 * @to: NULL where several VMs have it: nobody in particular, which the hook and repair read as all of them
 */
void pt_judge_hand_over(struct pt_judge *j, const struct pt_device *d, const struct pt_keep *k, const char *driver,
			const struct pt_domain *to);

/** pt_judge_reset() - where it is asked for: what a guest left in the function goes before the host has it */
void pt_judge_reset(struct pt_judge *j, const struct pt_device *d);

/* attach.c: is it where VFIO wants it; the step that brings it there, none when it is */
bool pt_judge_is_bound(const struct pt_device *d);
void pt_judge_bind(struct pt_judge *j, const struct pt_device *d);
/* back to the driver that the kernel chooses; no step where VFIO has nothing to do with it; NULL then */
struct pt_step *pt_judge_unbind(struct pt_judge *j, const struct pt_device *d);

/* companions.c: idle members of the groups of those asked for that are kept off the host at boot */
void pt_judge_reserve_companions(struct pt_judge *j);
void pt_judge_release_companions(struct pt_judge *j);

/* "attach A (name), B (name) to VM" */
void pt_judge_summary(struct pt_judge *j, const char *verb, const char *preposition);

#endif
