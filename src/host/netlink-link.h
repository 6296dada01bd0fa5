/* SPDX-License-Identifier: Apache-2.0 */
/* Set a network interface up or down over rtnetlink, and wait for its carrier.  Gives it no address. */
#ifndef PT_HOST_NETLINK_LINK_H
#define PT_HOST_NETLINK_LINK_H

#include "base/error.h"
#include "host/job.h"

/**
 * pt_link_up() - set it up where it is down, and wait until it has a carrier
 * @timeout_ms: 0: its carrier is not waited for
 * @job: with @mark_fd; the rest is filled in
 *
 * Return: 1 it was down before, 0 it was up; -ENETDOWN: no carrier within @timeout_ms, and it is down again where it
 * was; -ENODEV; -ETIMEDOUT: the kernel did not answer, and @job->pid hangs.
 */
int pt_link_up(const char *netdev, unsigned timeout_ms, struct pt_job *job, struct pt_error *err);

/** pt_link_down() - 0, or as above */
int pt_link_down(const char *netdev, struct pt_job *job, struct pt_error *err);

#endif
