/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink-link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "host/netlink-vf.h"
#include "host/netlink.h"

/* the longest that is slept without looking: an event may be lost when many come */
#define LOOK_MS 1000

static int set_job(const struct pt_job *job, int answer_fd)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = NULL;
	PT_CLEANUP(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, 0);
	struct ifinfomsg info = *(const struct ifinfomsg *)job->arg;
	int r = pt_netlink_open(&sock);

	(void)answer_fd;
	if (r == 0 && (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0))
		r = -ENOMEM;
	return r < 0 ? r : pt_netlink_ask(sock, pt_take_ptr(msg));
}

static int set(const char *netdev, bool up, struct pt_job *job, struct pt_error *err)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)if_nametoindex(netdev),
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	int r = info.ifi_index ? 0 : -ENODEV;

	job->work = set_job;
	job->arg = &info;
	job->fd = -1;
	job->timeout_ms = PT_NETLINK_MS;
	if (r == 0)
		r = pt_job_run(job, NULL);
	return r < 0 ? pt_fail(err, r, "cannot set %s %s", netdev, up ? "up" : "down") : 0;
}

static int open_events(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	pt_autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return pt_take_fd(fd);
}

/* whatever was told, of whichever interface: the state itself is asked for */
static void wait_event(int fd, long long left_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char message[64];

	if (poll(&p, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) > 0)
		while (recv(fd, message, sizeof(message), MSG_TRUNC) > 0)
			;
}

int pt_link_up(const char *netdev, unsigned timeout_ms, struct pt_job *job, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + timeout_ms;
	pt_autoclose int events_fd = open_events();
	struct pt_error unset = { 0 };
	int was_down = -1;
	int r = events_fd < 0 ? events_fd : 0;

	if (r < 0)
		return pt_fail(err, r, "cannot listen for the carrier of %s", netdev);
	for (;;) {
		PT_AUTO(pt_pf_link) link = { 0 };

		r = pt_pf_link_read(netdev, &link, err);
		if (r == 0 && was_down < 0) {
			was_down = !link.up;
			r = was_down ? set(netdev, true, job, err) : 0;
		}
		if (r < 0 || link.carrier || !timeout_ms)
			return r < 0 ? r : was_down;
		if (pt_watch_now_ms() >= end)
			break;
		wait_event(events_fd, end - pt_watch_now_ms());
	}
	if (was_down && set(netdev, false, job, &unset) < 0)
		return pt_say(err, unset.code, "%s", unset.msg);
	return pt_say(err, -ENETDOWN, "%s has no carrier, and got none within %u ms", netdev, timeout_ms);
}

int pt_link_down(const char *netdev, struct pt_job *job, struct pt_error *err)
{
	return set(netdev, false, job, err);
}
