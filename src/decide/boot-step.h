/* SPDX-License-Identifier: Apache-2.0 */
/* Does a plan change what happens at the next boot, in the initramfs too?  Pure. */
#ifndef PT_DECIDE_BOOT_STEP_H
#define PT_DECIDE_BOOT_STEP_H

#include "model/plan.h"
#include "model/reservation.h"

/**
 * pt_boot_step() - the first step that keeps a device off the host's drivers at boot, or no longer does
 * @known: what is reserved now; an initramfs may have a copy of it
 *
 * A device that is only remembered, since libvirt binds it, is nobody's business at boot.  Return: NULL for none.
 */
const struct pt_step *pt_boot_step(const struct pt_plan *plan, const struct pt_keeps *known);

#endif
