/* SPDX-License-Identifier: Apache-2.0 */
/* A PF's network interface and the settings of its VFs, over rtnetlink, in our own network namespace.  Reads only. */
#ifndef PT_HOST_NETLINK_VF_H
#define PT_HOST_NETLINK_VF_H

#include "base/alloc.h"
#include "base/error.h"
#include "model/sriov.h"

struct nlmsghdr;

/** pt_pf_link_parse() - an RTM_NEWLINK message; hostile; -EBADMSG when it is none */
int pt_pf_link_parse(struct nlmsghdr *message, struct pt_pf_link *ret_link);

/** pt_pf_link_read() - ask the kernel; -ENODEV when there is no such interface here; -EBUSY when it does not answer */
int pt_pf_link_read(const char *netdev, struct pt_pf_link *ret_link, struct pt_error *err);

/**
 * pt_pf_link_of() - the same of the interface, among a PF's, that is the port's own
 *
 * In switchdev mode (mlx5, ice) the PF has one for each of its VFs too, and these tell nothing.
 */
int pt_pf_link_of(const struct pt_strv *netdevs, struct pt_pf_link *ret_link, struct pt_error *err);

#endif
