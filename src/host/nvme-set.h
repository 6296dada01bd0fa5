/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give the controllers behind an NVMe card's virtual functions what they need to work: queues, interrupts, and that
 * they are online.  Namespaces are attached by whoever manages the card: this does not.
 */
#ifndef PT_HOST_NVME_SET_H
#define PT_HOST_NVME_SET_H

#include "host/ops.h"
#include "model/sriov-state.h"

/**
 * pt_nvme_set_make() - for @want->vfs VFs, which are there
 *
 * A VF of which @want says how many queues and interrupts it has gets these; the others share what there is, and the
 * primary controller keeps what they cannot have, or what @want says.  When it has to give something up it is reset,
 * since only that makes it so: its driver holds back what is under way meanwhile.  A controller is offline while it is
 * given something (8.26.2), so one that has what it shall have is left alone.
 *
 * Return: 1 when something was changed, 0 when nothing had to be, or when it is no NVMe card that manages any; -ENOSPC
 * too few for so many; -EIO refused, or not so afterwards.
 */
int pt_nvme_set_make(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		     struct pt_error *err);

/** pt_nvme_set_is() - is it an NVMe card whose VFs are given something? */
bool pt_nvme_set_is(const struct pt_host_ops *ops, struct pt_bdf pf);

/** pt_nvme_set_look() - note in @now what each of its VFs has; a card that is none adds nothing */
void pt_nvme_set_look(const struct pt_host_ops *ops, struct pt_bdf pf, struct pt_sriov_state *now);

#endif
