/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an IOMMU group that are no PCI functions: platform devices behind an SMMU, ACPI's behind AMD-Vi.  Reads.
 */
#ifndef PT_HOST_GROUP_OTHERS_H
#define PT_HOST_GROUP_OTHERS_H

#include "base/root.h"
#include "model/host.h"

/** pt_group_others() - add those of @group to @host, once; mediated devices have groups of their own */
void pt_group_others(const struct pt_root *root, int group, struct pt_host *host);

#endif
