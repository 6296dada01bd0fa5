/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink-link-set.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/netlink.h"

struct request {
	struct ifinfomsg info;
	unsigned mtu;
};

static int set_job(const struct pt_job *job, int answer_fd)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = NULL;
	PT_CLEANUP(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct request request = *(const struct request *)job->arg;
	int r = pt_netlink_open(&sock);

	(void)answer_fd;
	if (r < 0)
		return r;
	if (!msg || nlmsg_append(msg, &request.info, sizeof(request.info), NLMSG_ALIGNTO) < 0 ||
	    (request.mtu && nla_put_u32(msg, IFLA_MTU, request.mtu) < 0))
		return -ENOMEM;
	return pt_netlink_ask(sock, pt_take_ptr(msg));
}

int pt_link_set(const char *netdev, const struct pt_link_state *want, struct pt_job *job, struct pt_error *err)
{
	struct request request = { .info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(netdev) },
				   .mtu = want->mtu };
	pt_autofree char *text = pt_link_state_text(want);
	int r = request.info.ifi_index ? 0 : -ENODEV;

	if (want->says_up) {
		request.info.ifi_change = IFF_UP;
		request.info.ifi_flags = want->up ? IFF_UP : 0;
	}
	job->work = set_job;
	job->arg = &request;
	job->fd = -1;
	job->timeout_ms = PT_NETLINK_MS;
	if (r == 0)
		r = pt_job_run(job, NULL);
	return r < 0 ? pt_fail(err, r, "%s refuses %s", netdev, text) : 0;
}
