/* SPDX-License-Identifier: Apache-2.0 */
/* What an NVMe controller tells of the controllers behind its virtual functions.  Plain data; host/nvme-virt.h asks. */
#ifndef PT_MODEL_NVME_H
#define PT_MODEL_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/* a controller works with an admin queue and one for I/O, and one interrupt */
#define PT_NVME_QUEUES_LEAST	 2u
#define PT_NVME_INTERRUPTS_LEAST 1u

/* a secondary controller: the one behind a VF; @vfn counts VFs from 1 */
struct pt_nvme_secondary {
	uint16_t id;
	uint16_t vfn;
	bool online;
	uint16_t queues;
	uint16_t interrupts;
};

/**
 * struct pt_nvme_pool - resources of one kind that are given to controllers
 * @flexible: does the controller give any?  If not, every VF has what it has
 * @total: that can be given; @own: of these the primary controller's own, beside its @fixed
 * @most: that one VF may have; @step: given in multiples of it
 */
struct pt_nvme_pool {
	bool flexible;
	unsigned total;
	unsigned own;
	unsigned fixed;
	unsigned most;
	unsigned step;
};

/**
 * struct pt_nvme_virt - owns its list
 * @manages: the controller has the Virtualization Management command; else its VFs need nothing
 */
struct pt_nvme_virt {
	bool manages;
	uint16_t id;
	struct pt_nvme_pool queues;
	struct pt_nvme_pool interrupts;
	PT_ARRAY(struct pt_nvme_secondary) v;
};

/** pt_nvme_of_vf() - by the VF's index, which counts from 0; NULL: there is none */
const struct pt_nvme_secondary *pt_nvme_of_vf(const struct pt_nvme_virt *n, unsigned index);

/**
 * pt_nvme_own() - how many the primary controller keeps when @vfs get as many as they can have
 * @least: with how many a controller works: it keeps these at any rate
 */
unsigned pt_nvme_own(const struct pt_nvme_pool *pool, unsigned vfs, unsigned least);

/** pt_nvme_share() - what each of @vfs gets of all but @own, when all get the same; 0 when there is nothing to give */
unsigned pt_nvme_share(const struct pt_nvme_pool *pool, unsigned vfs, unsigned own);

/** pt_nvme_most_vfs() - for how many there is enough to work with; UINT_MAX where nothing is given */
unsigned pt_nvme_most_vfs(const struct pt_nvme_virt *n);

void pt_nvme_virt_done(struct pt_nvme_virt *n);

#endif
