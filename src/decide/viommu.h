/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a VM get a virtual IOMMU, which one, and what does that cost?  Pure: facts in, a plan or findings out.  The rules
 * are Nova's (hw:viommu_model), as far as libvirt takes what they come to: docs/design/viommu.md.
 */
#ifndef PT_DECIDE_VIOMMU_H
#define PT_DECIDE_VIOMMU_H

#include "model/domain.h"
#include "model/host.h"
#include "model/plan.h"

/**
 * struct pt_viommu_look - all that is known; owns everything in it
 * @live: what the VM runs with; valid when @running
 * @libvirt, @qemu: as libvirt counts versions, 11003000 for 11.3.0; 0 unknown
 * @host_bits: the width of addresses that this host's IOMMU translates; 0 unknown
 */
struct pt_viommu_look {
	struct pt_domain vm;
	bool running;
	struct pt_domain live;
	struct pt_memory memory;
	unsigned long libvirt;
	unsigned long qemu;
	unsigned host_bits;
};

void pt_viommu_look_done(struct pt_viommu_look *l);

/**
 * struct pt_viommu_request - what the user asked for; borrows everything
 * @model: "auto", "virtio", "intel", "smmuv3" or "none"
 * @forced: names of refusals to pass over, NULL-terminated; NULL: none
 * @restart: the VM may be shut down and started again; @start: start it even if it did not run
 */
struct pt_viommu_request {
	const char *model;
	const char *const *forced;
	bool restart;
	bool start;
	unsigned stop_timeout_ms;
};

/** pt_viommu_wanted() - what a request comes to; of a VM that can have none: none; the caller calls pt_viommu_done() */
void pt_viommu_wanted(const struct pt_viommu_look *look, const struct pt_viommu_request *request,
		      struct pt_viommu *ret_viommu);

/**
 * pt_decide_viommu() - the plan that gives a VM its virtual IOMMU, or takes it
 *
 * Return: 0, with no steps when it is so already; -EPERM refused (the findings say by what).
 */
int pt_decide_viommu(const struct pt_viommu_look *look, const struct pt_viommu_request *request,
		     struct pt_plan *ret_plan, struct pt_error *err);

/** pt_viommu_vfio_count() - host devices that QEMU has through VFIO, mediated ones too */
unsigned pt_viommu_vfio_count(const struct pt_domain *vm);

/**
 * struct pt_viommu_seen - what was asked after a start; borrows everything
 * @qemu: NULL when it could not be seen, and then why in @qemu_silent
 * @guest_type: how the guest's kernel uses its first IOMMU group ("DMA-FQ"); NULL: see @guest_none, @guest_silent
 * @guest_none: it answered, and has no group
 */
struct pt_viommu_seen {
	const struct pt_qemu_lock *qemu;
	const char *qemu_silent;
	const char *guest_type;
	bool guest_none;
	const char *guest_silent;
};

/** pt_decide_viommu_proof() - did it take?  @look: afterwards */
void pt_decide_viommu_proof(const struct pt_viommu_look *look, const struct pt_viommu *wanted,
			    const struct pt_viommu_seen *seen, struct pt_findings *ret_findings);

#endif
