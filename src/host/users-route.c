/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-net.h"

/* a router has a million routes, which are streamed; a capture of one is not read to its end */
#define ROUTES_MAX	100000
#define ROUTES_FILE_MAX ((size_t)32 << 20)
/* linux/ipv6_route.h: RTF_REJECT there too */
#define FLAG_REJECT 0x0200

PT_DEFINE_CLEANUP(struct nl_sock *, nl_socket_free)
PT_DEFINE_CLEANUP(struct nl_msg *, nlmsg_free)

/* "eth0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0": Iface Destination Gateway Flags … Mask, words in host order */
bool pt_route_parse_v4(const char *line, struct pt_route *ret_route)
{
	struct pt_route route = { .where = "/proc/net/route" };
	struct pt_ip mask;
	char netdev[64];
	char to[9];
	char mask_text[9];
	unsigned flags;
	uint32_t bits;

	if (sscanf(line, "%63s %8s %*s %8x %*s %*s %*s %8s", netdev, to, &flags, mask_text) != 4 ||
	    !pt_ip_parse_words(to, strlen(to), &route.to) || !pt_ip_parse_words(mask_text, strlen(mask_text), &mask))
		return false;
	if (!(flags & RTF_UP) || (flags & FLAG_REJECT))
		return false;
	memcpy(&bits, mask.b, 4);
	route.prefix = (unsigned)__builtin_popcount(bits);
	route.netdev = pt_strdup(netdev);
	*ret_route = route;
	return true;
}

/* destination prefix source prefix gateway metric references use flags interface, addresses in network order */
bool pt_route_parse_v6(const char *line, struct pt_route *ret_route)
{
	struct pt_route route = { .to.family = AF_INET6, .where = "/proc/net/ipv6_route" };
	char to[33];
	char netdev[64];
	unsigned flags;

	if (sscanf(line, "%32s %8x %*s %*s %*s %*s %*s %*s %8x %63s", to, &route.prefix, &flags, netdev) != 4 ||
	    !pt_ip_parse_bytes(to, route.to.b) || route.prefix > 128)
		return false;
	if (!(flags & RTF_UP) || (flags & FLAG_REJECT) || strcmp(netdev, "lo") == 0)
		return false;
	route.netdev = pt_strdup(netdev);
	*ret_route = route;
	return true;
}

static bool read_file(const struct pt_look *look, const char *path,
		      bool (*parse)(const char *line, struct pt_route *ret_route), struct pt_routes *routes)
{
	pt_autofree char *text = NULL;

	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, path, ROUTES_FILE_MAX, &text, NULL) < 0)
		return false;
	for (char *line = text; line && *line && routes->n < ROUTES_MAX;) {
		char *end = strchr(line, '\n');
		struct pt_route route;

		if (end)
			*end = '\0';
		if (parse(line, &route))
			pt_array_push(routes, route);
		line = end ? end + 1 : NULL;
	}
	return true;
}

static void add_default(struct pt_routes *routes, unsigned ifindex, int family)
{
	char netdev[IF_NAMESIZE];
	struct pt_route *route;

	if (routes->n >= ROUTES_MAX || !if_indextoname(ifindex, netdev))
		return;
	route = pt_array_add(routes);
	route->netdev = pt_strdup(netdev);
	route->to.family = family;
	route->where = "the kernel's routes (ip route show table all)";
}

/*
 * Default routes of any table, and of each every next hop, which /proc/net/route does not show.  A VPN splits the
 * default route into two halves (0.0.0.0/1 and 128.0.0.0/1).
 */
static int on_route(struct nl_msg *msg, void *arg)
{
	struct pt_routes *routes = arg;
	struct rtnl_route *route = NULL;
	struct nl_addr *to;

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	to = rtnl_route_get_dst(route);
	if ((!to || nl_addr_get_prefixlen(to) <= 1) && rtnl_route_get_type(route) == RTN_UNICAST)
		for (int i = 0; i < rtnl_route_get_nnexthops(route); i++) {
			int ifindex = rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, i));

			if (ifindex > 0)
				add_default(routes, (unsigned)ifindex, rtnl_route_get_family(route));
		}
	rtnl_route_put(route);
	return NL_OK;
}

static bool read_kernel(struct pt_routes *routes)
{
	static const int families[] = { AF_INET, AF_INET6 };
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = nl_socket_alloc();

	if (!sock || nl_connect(sock, NETLINK_ROUTE) < 0)
		return false;
	nl_socket_disable_seq_check(sock);
	if (nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_route, routes) < 0)
		return false;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct rtmsg request = { .rtm_family = (unsigned char)families[i] };

		if (nl_send_simple(sock, RTM_GETROUTE, NLM_F_DUMP, &request, sizeof(request)) < 0 ||
		    nl_recvmsgs_default(sock) < 0)
			return false;
	}
	return true;
}

void pt_routes_read(struct pt_look *look, struct pt_routes *ret_routes)
{
	bool v4;
	bool v6;

	if (!look->root->captured && read_kernel(ret_routes))
		return;
	v4 = read_file(look, "net/route", pt_route_parse_v4, ret_routes);
	v6 = read_file(look, "net/ipv6_route", pt_route_parse_v6, ret_routes);
	if (!v4 && !v6)
		pt_look_blind(look, "which interface carries the default route could not be read (/proc/net/route)");
}

void pt_routes_done(struct pt_routes *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].netdev);
	free(l->v);
	*l = (struct pt_routes){ 0 };
}

struct reached {
	int ifindex;
};

static int on_reached(struct nl_msg *msg, void *arg)
{
	struct reached *reached = arg;
	struct rtnl_route *route = NULL;

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	if (rtnl_route_get_nnexthops(route) > 0)
		reached->ifindex = rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, 0));
	rtnl_route_put(route);
	return NL_OK;
}

/* the kernel's own answer for one address: policy rules and all */
static char *ask_kernel(const struct pt_ip *ip)
{
	PT_CLEANUP(nl_socket_freep) struct nl_sock *sock = nl_socket_alloc();
	PT_CLEANUP(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	int n = ip->family == AF_INET ? 4 : 16;
	struct rtmsg request = { .rtm_family = (unsigned char)ip->family, .rtm_dst_len = (unsigned char)(n * 8) };
	struct reached reached = { 0 };
	char netdev[IF_NAMESIZE];

	if (!sock || !msg || nl_connect(sock, NETLINK_ROUTE) < 0 ||
	    nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_reached, &reached) < 0 ||
	    nlmsg_append(msg, &request, sizeof(request), NLMSG_ALIGNTO) < 0 || nla_put(msg, RTA_DST, n, ip->b) < 0)
		return NULL;
	/* frees the message, and waits for the kernel's acknowledgement, which follows the answer */
	if (nl_send_sync(sock, pt_take_ptr(msg)) < 0 || reached.ifindex <= 0 ||
	    !if_indextoname((unsigned)reached.ifindex, netdev))
		return NULL;
	return pt_strdup(netdev);
}

static bool prefix_matches(const struct pt_route *route, const struct pt_ip *ip)
{
	unsigned whole = route->prefix / 8;
	unsigned rest = route->prefix % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (route->to.family != ip->family || route->prefix > (ip->family == AF_INET ? 32 : 128))
		return false;
	if (memcmp(route->to.b, ip->b, whole) != 0)
		return false;
	return rest == 0 || (route->to.b[whole] & mask) == (ip->b[whole] & mask);
}

char *pt_route_to(const struct pt_look *look, const struct pt_routes *routes, const struct pt_ip *ip)
{
	const struct pt_route *best = NULL;

	if (!look->root->captured)
		return ask_kernel(ip);
	for (size_t i = 0; i < routes->n; i++)
		if (prefix_matches(&routes->v[i], ip) && (!best || routes->v[i].prefix > best->prefix))
			best = &routes->v[i];
	return best ? pt_strdup(best->netdev) : NULL;
}
