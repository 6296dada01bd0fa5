/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's word on a function that a VM has: driver, COMMAND register, VFIO's interrupts.  Reads only. */
#ifndef PT_HOST_PROOF_H
#define PT_HOST_PROOF_H

#include "base/error.h"
#include "base/root.h"
#include "model/guest.h"

/**
 * pt_proof_read() - what the kernel of this host says now
 *
 * A function that is not there is no error: @ret_proof->present is false.  What could not be read is unknown.
 */
int pt_proof_read(const struct pt_root *root, struct pt_bdf bdf, struct pt_proof *ret_proof, struct pt_error *err);

#endif
