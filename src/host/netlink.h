/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rtnetlink socket, and a request whose answer is the kernel's own errno.  Private to src/host/netlink*.c.
 *
 * The kernel works a request off within sendmsg(2), under the one lock of all network interfaces: a driver that hangs
 * there takes along whoever asks next.  So requests are made in a child (host/job.h), with a limit.
 */
#ifndef PT_HOST_NETLINK_H
#define PT_HOST_NETLINK_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/cleanup.h"
#include "host/job.h"

PT_DEFINE_CLEANUP(struct nl_sock *, nl_socket_free)
PT_DEFINE_CLEANUP(struct nl_msg *, nlmsg_free)

int pt_netlink_open(struct nl_sock **ret_sock);

/** pt_netlink_ask() - send @msg, which is freed, and wait for the acknowledgement; the kernel's errno, not libnl's */
int pt_netlink_ask(struct nl_sock *sock, struct nl_msg *msg);

#endif
