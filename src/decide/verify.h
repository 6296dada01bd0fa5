/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the guest really got its devices?  Pure: what the kernel, libvirt and the guest said goes in, findings come out.
 * The guest's word counts only as a proof, never as a permission.
 */
#ifndef PT_DECIDE_VERIFY_H
#define PT_DECIDE_VERIFY_H

#include "model/device.h"
#include "model/domain.h"
#include "model/guest.h"
#include "model/plan.h"

/**
 * struct pt_verify_device - one function that the VM's definition names; borrows everything
 * @bdf: on the host
 * @device: what the host knows of it; NULL when there is no such function
 * @proof: the kernel's word
 * @carried: a step's @carried: what was behind it before it was given away; NULL when nobody wrote it down
 * @hostdev: its element in the running VM; NULL when that has none
 */
struct pt_verify_device {
	struct pt_bdf bdf;
	const struct pt_device *device;
	const struct pt_proof *proof;
	const char *carried;
	const struct pt_domain_hostdev *hostdev;
};

/**
 * struct pt_verify - the question; borrows everything
 * @vm: the VM's definition, with its state
 * @running: what it runs with; NULL when it is off
 * @guest: the agent's word; NULL when it was not asked
 * @qmp: QEMU's word; NULL when it was not asked
 */
struct pt_verify {
	const struct pt_domain *vm;
	const struct pt_domain *running;
	const struct pt_verify_device *devices;
	size_t n_devices;
	const struct pt_guest *guest;
	const struct pt_qmp_functions *qmp;
};

/** pt_decide_verify() - one finding for each proof; a PT_FAIL where one is missing, PT_UNKNOWN where nobody can tell */
void pt_decide_verify(const struct pt_verify *verify, struct pt_findings *ret_findings);

/** pt_carried() - what is behind a function now, in the form of a step's @carried; NULL for nothing; caller frees */
char *pt_carried(const struct pt_host *host, struct pt_bdf bdf);

/**
 * pt_carried_next() - the lines of a @carried text one by one
 * @at: the text at first; moved on
 * @ret_kind: "disk" or "mac"; @ret_first, @ret_second: its words, NULL for "-" or nothing; all are the caller's to free
 */
bool pt_carried_next(const char **at, char **ret_kind, char **ret_first, char **ret_second);

/** pt_disk_is() - is the serial number that a guest tells that of a disk with this serial number and WWN? */
bool pt_disk_is(const char *told, const char *serial, const char *wwn);

#endif
