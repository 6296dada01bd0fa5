/* SPDX-License-Identifier: Apache-2.0 */
/* Set what a PF's driver keeps for a VF, over rtnetlink.  Writes, and believes only the kernel's acknowledgement. */
#ifndef PT_HOST_NETLINK_VF_SET_H
#define PT_HOST_NETLINK_VF_SET_H

#include "base/error.h"
#include "model/vf.h"

/**
 * pt_vf_link_set() - one setting of one VF
 * @one: has exactly one; more would be written in a message whose refusal names none of them
 *
 * Return: 0 or the kernel's errno: -EOPNOTSUPP the driver knows no such setting, -EINVAL no such VF or value, -EPERM.
 */
int pt_vf_link_set(const char *netdev, unsigned index, const struct pt_vf_settings *one, struct pt_error *err);

#endif
