/* SPDX-License-Identifier: Apache-2.0 */
#include "host/altname.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* include/uapi/linux/if.h: ALTIFNAMSIZ, with its NUL */
#define ALTNAME_SIZE 128
#define WAIT_S	     2 /* the kernel answers at once, or something is very wrong */

struct answer {
	char name[IFNAMSIZ];
	int error;
};

static int on_link(struct nl_msg *msg, void *arg)
{
	struct answer *a = arg;
	struct nlattr *attrs[IFLA_MAX + 1] = { NULL };

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) < 0 || !attrs[IFLA_IFNAME])
		return NL_SKIP;
	(void)nla_strlcpy(a->name, attrs[IFLA_IFNAME], sizeof(a->name));
	a->error = 0;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *message, void *arg)
{
	struct answer *a = arg;

	(void)from;
	a->error = message->error;
	return NL_STOP;
}

static int ask(struct nl_sock *sock, struct nl_msg *msg, struct answer *a)
{
	struct timeval wait = { .tv_sec = WAIT_S };

	if (nl_connect(sock, NETLINK_ROUTE) < 0 ||
	    setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return -EIO;
	nl_socket_disable_auto_ack(sock);
	if (nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_link, a) < 0 ||
	    nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, a) < 0 || nl_send_auto(sock, msg) < 0)
		return -EIO;
	(void)nl_recvmsgs_default(sock); /* the callbacks say what came of it */
	return a->error;
}

int pt_altname_find(const char *altname, char **ret_name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct answer a = { .error = -EIO };
	struct nl_sock *sock;
	struct nl_msg *msg;
	int r = -ENOMEM;

	if (!*altname || strlen(altname) >= ALTNAME_SIZE)
		return -ENODEV;
	sock = nl_socket_alloc();
	msg = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
	if (sock && msg && nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) == 0 &&
	    nla_put_string(msg, IFLA_ALT_IFNAME, altname) == 0)
		r = ask(sock, msg, &a);
	nlmsg_free(msg);
	nl_socket_free(sock);
	if (r < 0)
		return r;
	*ret_name = pt_strdup(a.name);
	return 0;
}
