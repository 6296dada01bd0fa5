/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own word on an IOMMU group: VFIO_GROUP_GET_STATUS (linux/vfio.h).  Opens the group's node for a moment,
 * so it is asked once, when all members are bound and no VM has them: a second open would be EBUSY.  Binds nothing.
 */
#ifndef PT_HOST_VIABLE_H
#define PT_HOST_VIABLE_H

#include "base/error.h"
#include "base/root.h"
#include "model/bdf.h"

/**
 * pt_viable_ask() - may VFIO have the group of @bdf?
 *
 * Return: 1 yes; -EPERM no, with the members that stand in the way; -EBUSY somebody has it, with who; -ENOENT there is
 * no node to ask at; -EOPNOTSUPP nor will there be one: the kernel has cdevs only.
 */
int pt_viable_ask(const struct pt_root *root, struct pt_bdf bdf, struct pt_error *err);

#endif
