/* SPDX-License-Identifier: Apache-2.0 */
/* Set what a PF's driver keeps for a VF, over rtnetlink.  Writes, and believes only the kernel's acknowledgement. */
#ifndef PT_HOST_NETLINK_VF_SET_H
#define PT_HOST_NETLINK_VF_SET_H

#include "base/error.h"
#include "host/job.h"
#include "model/vf.h"

/**
 * pt_vf_link_set() - one setting of one VF
 * @one: has exactly one; more would be written in a message whose refusal names none of them
 * @job: with @mark_fd; the rest is filled in
 *
 * Return: 0 or the kernel's errno: -EOPNOTSUPP the driver knows no such setting, -EINVAL no such VF or value, -EPERM;
 * -ETIMEDOUT when it did not answer within PT_NETLINK_MS: then @job->pid hangs.
 */
int pt_vf_link_set(const char *netdev, unsigned index, const struct pt_vf_settings *one, struct pt_job *job,
		   struct pt_error *err);

#endif
