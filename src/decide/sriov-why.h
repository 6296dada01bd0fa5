/* SPDX-License-Identifier: Apache-2.0 */
/* What a physical function can do, and why a capable card offers no virtual functions.  Pure; changes nothing. */
#ifndef PT_DECIDE_SRIOV_WHY_H
#define PT_DECIDE_SRIOV_WHY_H

#include "model/finding.h"
#include "model/sriov-state.h"
#include "model/sriov.h"

/** pt_sriov_status() - "Not supported", "Disabled" or "Enabled 2 of 7", with what is known beside; the caller frees */
char *pt_sriov_status(const struct pt_device *d, const struct pt_sriov *s);

/**
 * pt_sriov_why() - what stands against virtual functions of this function
 *
 * Appends nothing where VFs can be made, or where the card cannot have any.  PT_FAIL: none at all can be made; PT_WARN:
 * fewer than it offers.
 */
void pt_sriov_why(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *findings);

/** pt_sriov_unlike_kept() - what is kept of it across reboots and is not so now: the number, the MTU; @kept may be NULL
 */
void pt_sriov_unlike_kept(const struct pt_device *d, const struct pt_sriov *s, const struct pt_sriov_state *kept,
			  struct pt_findings *findings);

#endif
