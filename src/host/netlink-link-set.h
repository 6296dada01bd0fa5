/* SPDX-License-Identifier: Apache-2.0 */
/* Set a network interface up or down, and its MTU, over rtnetlink.  Waits for no carrier: netlink-link.h does. */
#ifndef PT_HOST_NETLINK_LINK_SET_H
#define PT_HOST_NETLINK_LINK_SET_H

#include "base/error.h"
#include "host/job.h"
#include "model/link-state.h"

/**
 * pt_link_set() - what @want says, in one message
 * @job: with @mark_fd; the rest is filled in
 *
 * Return: 0 or the kernel's errno: -EINVAL an MTU that the driver has not; -ETIMEDOUT it did not answer, and @job->pid
 * hangs.
 */
int pt_link_set(const char *netdev, const struct pt_link_state *want, struct pt_job *job, struct pt_error *err);

#endif
