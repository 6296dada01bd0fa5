/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of this host that a decision about some devices needs, in one structure.  Reads only; judges nothing. */
#ifndef PT_HOST_GATHER_H
#define PT_HOST_GATHER_H

#include "base/error.h"
#include "base/root.h"
#include "model/host.h"

/**
 * pt_gather() - what bears on giving away some functions, with the other members of their IOMMU groups
 * @host: @devices is there (host/pci.h); details of those functions, blocks, NICs, uses, memory and the IOMMU are
 *        filled in
 * @ret_blind: sentences about what could not be seen, for a warning; may be NULL
 *
 * sriov_numvfs is not read: it hangs while another process changes it.
 */
int pt_gather(const struct pt_root *root, const struct pt_bdf *of, size_t n, struct pt_host *host,
	      struct pt_strv *ret_blind, struct pt_error *err);

/** pt_gather_users() - the same for who binds none of them: which VFIO driver is made for each is not looked up */
int pt_gather_users(const struct pt_root *root, const struct pt_bdf *of, size_t n, struct pt_host *host,
		    struct pt_strv *ret_blind, struct pt_error *err);

#endif
