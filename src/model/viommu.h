/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's virtual IOMMU, as <iommu> in its definition says it.  Plain data; decide/viommu.h judges. */
#ifndef PT_MODEL_VIOMMU_H
#define PT_MODEL_VIOMMU_H

#include <stdint.h>

#include "base/alloc.h"

/* the attributes of its <driver> (docs/formatdomain.rst) that Nova sets; others stay as they are */
enum pt_viommu_word {
	PT_VIOMMU_INTREMAP,
	PT_VIOMMU_CACHING_MODE,
	PT_VIOMMU_EIM,
	PT_VIOMMU_IOTLB,
	PT_VIOMMU_AW_BITS,
	PT_VIOMMU_WORDS
};

const char *pt_viommu_word_str(enum pt_viommu_word word); /* "intremap", …: as in XML and in JSON */

/**
 * struct pt_viommu - owns everything in it
 * @model: "intel", "virtio", "smmuv3", …; NULL: the VM has none
 * @words: each attribute as it is written, NULL when it is not there
 */
struct pt_viommu {
	char *model;
	char *words[PT_VIOMMU_WORDS];
};

/* @to starts empty; deep copy */
void pt_viommu_copy(struct pt_viommu *to, const struct pt_viommu *from);
void pt_viommu_done(struct pt_viommu *v);
bool pt_viommu_same(const struct pt_viommu *a, const struct pt_viommu *b);

/** pt_viommu_str() - "intel (intremap=on, eim=on)", "none"; the caller frees */
char *pt_viommu_str(const struct pt_viommu *v);

/**
 * struct pt_qemu_lock - what the kernel lets the QEMU of a running VM lock, and what it has locked (/proc/PID/limits,
 * status)
 * @limit: bytes, UINT64_MAX: without limit
 */
struct pt_qemu_lock {
	int pid;
	uint64_t limit;
	uint64_t locked_kib;
};

#endif
