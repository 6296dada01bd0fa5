/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink.h"

#include <errno.h>
#include <linux/netlink.h>

int pt_netlink_open(struct nl_sock **ret_sock)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	if (nl_connect(sock, NETLINK_ROUTE) < 0)
		return errno ? -errno : -EIO;
	/* the settings of a hundred VFs are more than the buffer that libnl begins with */
	nl_socket_enable_msg_peek(sock);
	*ret_sock = pt_take_ptr(sock);
	return 0;
}

/* libnl has fewer error numbers than the kernel: EOPNOTSUPP and EPERM must stay what they are */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	(void)from;
	*(int *)arg = e->error;
	return NL_STOP;
}

int pt_netlink_ask(struct nl_sock *sock, struct nl_msg *msg)
{
	int refused = 0;
	int r;

	if (nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, &refused) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	r = nl_send_sync(sock, msg);
	if (refused < 0)
		return refused;
	return r < 0 ? -EIO : 0;
}
