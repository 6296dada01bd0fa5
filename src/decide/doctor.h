/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this host, this device, be passed through?  Pure: facts in, findings out; no files, no libvirt.  The text says
 * what was found, where it was read and what to do; it says nothing that the facts do not.
 */
#ifndef PT_DECIDE_DOCTOR_H
#define PT_DECIDE_DOCTOR_H

#include "decide/whereabouts.h"
#include "model/domain.h"
#include "model/finding.h"
#include "model/platform.h"

/**
 * pt_doctor_host() - judge a host
 * @host: its devices (ids are enough) and memory; @memory_known: memory was read
 *
 * A check that depends on one that failed is left out, so that the first fail is the first thing to fix.
 */
void pt_doctor_host(const struct pt_platform *p, const struct pt_host *host, bool memory_known,
		    struct pt_findings *ret_findings);

/**
 * pt_doctor_device() - judge one device of a host
 * @host: all devices, with details of @device; its uses
 */
void pt_doctor_device(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *device,
		      const struct pt_device_platform *more, struct pt_findings *ret_findings);

/**
 * pt_doctor_reserved() - one line a reservation
 * @where: parallel to @known; @early_installed: the program that udev asks is there
 * @against: parallel to @known: who else has a say in the driver of the device that was found, in a sentence; "":
 * nobody
 */
void pt_doctor_reserved(const struct pt_keeps *known, const struct pt_whereabouts_list *where,
			const struct pt_devices *devices, const struct pt_strv *against, bool early_installed,
			struct pt_findings *f);

/** pt_doctor_ports() - root ports in the definitions of VMs; nothing is said where none has PCI Express */
void pt_doctor_ports(const struct pt_domains *vms, struct pt_findings *f);

/** pt_doctor_first() - the first thing to fix, or NULL when nothing stands against it */
const struct pt_finding *pt_doctor_first(const struct pt_findings *findings);

/** pt_doctor_undecided() - a check without which nothing can be promised, and which is unknown; or NULL */
const struct pt_finding *pt_doctor_undecided(const struct pt_findings *findings);

/* parts of the two above, each in src/decide/doctor-NOUN.c */
void pt_doctor_iommu(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f);
void pt_doctor_vfio(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f);
void pt_doctor_group(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *d,
		     struct pt_findings *f);
void pt_doctor_bar(const struct pt_platform *p, const struct pt_device *d, struct pt_findings *f);
void pt_doctor_rmrr(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *d,
		    struct pt_findings *f);

/** pt_doctor_iommu_on() - does the kernel use an IOMMU */
enum pt_known pt_doctor_iommu_on(const struct pt_platform *p);

#endif
