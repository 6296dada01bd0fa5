/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: what will be done to this host and its VMs, step by step, each with what undoes it.  Data only: decide/ makes
 * it, the CLI prints it, shape/ turns it to JSON, the journal stores it, change/ applies it.
 */
#ifndef PT_MODEL_PLAN_H
#define PT_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "model/bdf.h"
#include "model/domain.h"
#include "model/finding.h"

/*
 * What a step does <-> what undoes it.  Every kind is its own inverse or names it, so the undo of a plan is a plan.
 */
enum pt_step_kind {
	PT_STEP_VM_STOP,      /* shut the VM down (guest's own way first) <-> VM_START */
	PT_STEP_VM_START,     /* start it and see that it stays up <-> VM_STOP */
	PT_STEP_VM_DEFINE,    /* definition xml_before -> xml_after <-> the other way round */
	PT_STEP_VM_AUTOSTART, /* autostart flag `flag` <-> its opposite */
	PT_STEP_DRIVER, /* @bdf: driver_before/override_before -> driver_after/override_after <-> the other way round */
	PT_STEP_RESERVE, /* write the reservation of @bdf, so that it stays with guests over reboots <-> UNRESERVE */
	PT_STEP_UNRESERVE,
	PT_STEP_SRIOV, /* VFs of @bdf: state_before -> state_after <-> the other way round */
	PT_STEP_LINK,  /* the network interface of the PF @bdf: state_before -> state_after <-> the other way round */
	PT_STEP_SRIOV_KEEP, /* what is kept of them across reboots: state_before -> state_after <-> the other way round
			     */
	PT_STEP_VM_PLUG,    /* the running VM gets @bdf <-> VM_UNPLUG: its guest is asked to let go of it, and does */
	PT_STEP_VM_UNPLUG,
	PT_STEP_VM_MIGRATE, /* the running VM moves to another host: the last step; once made, nothing here undoes it */
	PT_STEP_RESET, /* of @bdf, while VFIO holds it: what a guest left in it goes; nothing brings that back */
	PT_STEP_KINDS
};

const char *pt_step_kind_str(enum pt_step_kind kind); /* "vm-stop", "driver", …: as in JSON */
int pt_step_kind_parse(const char *text, enum pt_step_kind *ret_kind);

/**
 * struct pt_step - one change; owns its strings; members that a kind does not use are zero
 * @vm, @vm_uuid: for VM_*
 * @xml_after: for VM_MIGRATE: what the VM runs with here, with that host's devices instead of this one's; NULL: it gets
 * none
 * @xml_before, @xml_after: for VM_DEFINE, whole documents with their secrets; decide/ leaves them NULL and sets @edit,
 *                          change/prepare.h fills them in
 * @edit: for VM_DEFINE, what to change in the definition
 * @flag: VM_AUTOSTART: the wanted value.  VM_START: true when libvirt should start it paused (not used yet).  RESERVE,
 *        UNRESERVE: it was so already: nothing is written, and undo leaves it so.  VM_DEFINE: the VM runs on, as it is;
 *        taking it back does not stop it either
 * @bdf: for DRIVER, RESERVE, RESET, VM_PLUG and VM_UNPLUG; for SRIOV, SRIOV_KEEP and LINK the physical function
 * @driver_before, @driver_after: NULL is "no driver"; of RESERVE @driver_after is who shall hold it, see
 *                                struct pt_reservation; NULL: whom this plan binds it to
 * @override_before, @override_after: driver_override, NULL is "none"
 * @reprobe: DRIVER: let the kernel choose the driver (drivers_probe); @driver_after is then NULL and not checked.  The
 *           inverse does not carry it: it binds @driver_before again
 * @vendor, @device, @subvendor, @subdevice: what the function at @bdf must be; a step refuses a stranger
 * @timeout_ms: how long it may take; 0: the kind's default
 * @carried: DRIVER: what was seen behind the function while the host's driver held it, so that it can be looked for in
 *           the guest: lines "disk SERIAL WWN" ("-" for what it has not) and "mac ADDRESS"; NULL: nothing was seen
 * @identity: for RESERVE: what the device is recognised by (model/reservation.h, pt_identity_lines()); NULL: its ids
 * only
 * @reservation: for RESERVE and UNRESERVE: the reservation's text as it stood, so that undo writes back what was there;
 *               NULL: written anew
 * @state_before, @state_after: for SRIOV and SRIOV_KEEP, as model/sriov-state.h writes it; NULL: of SRIOV_KEEP, nothing
 *                               kept; for LINK as model/link-state.h does.  VM_UNPLUG notes in
 *                               @state_before which run of the VM (struct pt_vm_ops) its guest was asked in
 *               VM_MIGRATE has in @state_after where to (model/migrate.h, pt_migrate_to_text())
 * @element: for VM_PLUG and VM_UNPLUG: the device's element as libvirt takes it; decide/ leaves it NULL,
 *           change/prepare.h fills it in from the definition, or from what the VM runs with
 */
struct pt_step {
	enum pt_step_kind kind;
	char *vm;
	char *vm_uuid;
	char *xml_before;
	char *xml_after;
	struct pt_domain_edit edit;
	bool flag;
	struct pt_bdf bdf;
	char *driver_before;
	char *driver_after;
	char *override_before;
	char *override_after;
	bool reprobe;
	unsigned vendor;
	unsigned device;
	unsigned subvendor;
	unsigned subdevice;
	unsigned timeout_ms;
	char *carried;
	char *identity;
	char *reservation;
	char *state_before;
	char *state_after;
	char *element;
};

/**
 * struct pt_plan - steps in order, with what was judged on the way
 * @verb: the command: "attach", "detach", "undo"
 * @summary: one line for history: "attach 0000:01:00.0 (MegaRAID SAS 2108) to cvm"
 * @undoes: the number of the change this one takes back, 0 otherwise
 * @findings: notes, warnings and refusals; a PT_FAIL in it means: do not apply
 */
struct pt_plan {
	char *verb;
	char *summary;
	long long undoes;
	struct pt_findings findings;
	struct {
		struct pt_step *v;
		size_t n;
		size_t cap;
	} steps;
};

/** pt_plan_step() - append a step; valid until the next call */
struct pt_step *pt_plan_step(struct pt_plan *p, enum pt_step_kind kind);

/** pt_step_invert() - the step that takes @step back; deep copy; the caller calls pt_step_done() */
void pt_step_invert(const struct pt_step *step, struct pt_step *ret_inverse);

/** pt_step_copy() - deep copy; the caller calls pt_step_done() */
void pt_step_copy(const struct pt_step *step, struct pt_step *ret_copy);

/** pt_step_is_device() - is it about a PCI function, with its ids, rather than about a VM? */
bool pt_step_is_device(enum pt_step_kind kind);

/** pt_step_is_plug() - is it about a function that a running VM gets or loses?  About both a VM and a device, then */
bool pt_step_is_plug(enum pt_step_kind kind);

/** pt_step_describe() - one line for a person, imperative: "bind 0000:01:00.0 to vfio-pci (now megaraid_sas)"; caller
 * frees */
char *pt_step_describe(const struct pt_step *step);

/** pt_plan_has() - is a step of this kind in it? */
bool pt_plan_has(const struct pt_plan *p, enum pt_step_kind kind);

/** pt_plan_refusal() - the first PT_FAIL finding, or NULL */
const struct pt_finding *pt_plan_refusal(const struct pt_plan *p);

void pt_step_done(struct pt_step *s);
void pt_plan_done(struct pt_plan *p);

#endif
