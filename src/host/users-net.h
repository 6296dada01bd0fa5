/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces, addresses, routes: what users-net.c puts together.  Private to src/host/users*.c; reads only. */
#ifndef PT_HOST_USERS_NET_H
#define PT_HOST_USERS_NET_H

#include <netinet/in.h>

#include "host/users-look.h"

/* an IP address; an IPv4 address mapped into IPv6 is kept as the IPv4 address it is */
struct pt_ip {
	int family; /* AF_INET, AF_INET6 */
	uint8_t b[16];
};

struct pt_ip_text {
	char s[INET6_ADDRSTRLEN];
};

/** pt_ip_parse() - "10.0.0.5", "fe80::1%eth0", "[::1]"; false when it is none */
bool pt_ip_parse(const char *text, size_t n, struct pt_ip *ret_ip);
struct pt_ip_text pt_ip_str(const struct pt_ip *ip);
bool pt_ip_eq(const struct pt_ip *a, const struct pt_ip *b);
/* the address as the kernel prints it in hexadecimal, words in the host's byte order: /proc/net/tcp, tcp6, route */
bool pt_ip_parse_words(const char *hex, size_t n, struct pt_ip *ret_ip);
/* 32 digits and no more, as in if_inet6 and ipv6_route: bytes in network order; sets 16 of them */
bool pt_ip_parse_bytes(const char *hex, uint8_t *ret_bytes);

struct pt_address {
	char *netdev;
	struct pt_ip ip;
	char *where;
};

struct pt_addresses {
	struct pt_address *v;
	size_t n;
	size_t cap;
};

/* every address of the host but loopback and link-local ones, which every interface that is up has */
void pt_addresses_read(const struct pt_look *look, struct pt_addresses *ret_addresses);
void pt_addresses_done(struct pt_addresses *l);

/* a route: @prefix 0 is a default route */
struct pt_route {
	char *netdev;
	struct pt_ip to;
	unsigned prefix;
	const char *where; /* static text */
};

struct pt_routes {
	struct pt_route *v;
	size_t n;
	size_t cap;
};

/*
 * Of the running host only the default routes of every table, over netlink; of a capture, and where netlink does not
 * answer, what /proc/net/route and ipv6_route say.
 */
void pt_routes_read(struct pt_look *look, struct pt_routes *ret_routes);
void pt_routes_done(struct pt_routes *l);

/** pt_route_to() - the interface over which the host reaches an address, the caller frees; NULL when it is not known */
char *pt_route_to(const struct pt_look *look, const struct pt_routes *routes, const struct pt_ip *ip);

bool pt_route_parse_v4(const char *line, struct pt_route *ret_route);
bool pt_route_parse_v6(const char *line, struct pt_route *ret_route);

/* a connection from /proc/net/tcp or tcp6 */
struct pt_tcp {
	struct pt_ip local;
	struct pt_ip remote;
	bool established;
	uint64_t inode;
};

bool pt_tcp_parse(const char *line, struct pt_tcp *ret_tcp);

/* a connection that somebody is logged in over; @pid 0 when only the environment says so */
struct pt_login {
	struct pt_ip local;
	struct pt_ip remote;
	int pid;
	char *comm;
	bool ours;
	const char *where; /* static text */
};

struct pt_logins {
	struct pt_login *v;
	size_t n;
	size_t cap;
};

void pt_logins_read(struct pt_look *look, struct pt_logins *ret_logins);
void pt_logins_done(struct pt_logins *l);

/* what the host reaches over the network and cannot live without: a mount, an iSCSI session, an NVMe controller */
struct pt_peer {
	struct pt_ip ip;
	enum pt_use_kind kind;
	char *text;
	char *where;
};

struct pt_peers {
	struct pt_peer *v;
	size_t n;
	size_t cap;
};

void pt_peers_read(const struct pt_look *look, struct pt_peers *ret_peers);
void pt_peers_done(struct pt_peers *l);

#endif
