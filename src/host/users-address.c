/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/users-net.h"

static struct pt_ip from_v6(const uint8_t *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct pt_ip ip = { .family = AF_INET6 };

	if (memcmp(b, mapped, sizeof(mapped)) == 0) {
		ip.family = AF_INET;
		memcpy(ip.b, b + 12, 4);
	} else {
		memcpy(ip.b, b, 16);
	}
	return ip;
}

bool pt_ip_parse(const char *text, size_t n, struct pt_ip *ret_ip)
{
	pt_autofree char *plain = NULL;
	struct pt_ip ip = { .family = AF_INET };
	uint8_t b[16];

	if (n && text[0] == '[') {
		text++;
		n--;
	}
	plain = pt_strndup(text, n);
	plain[strcspn(plain, "]%")] = '\0';
	if (inet_pton(AF_INET, plain, ip.b) == 1) {
		*ret_ip = ip;
		return true;
	}
	if (inet_pton(AF_INET6, plain, b) != 1)
		return false;
	*ret_ip = from_v6(b);
	return true;
}

struct pt_ip_text pt_ip_str(const struct pt_ip *ip)
{
	struct pt_ip_text t = { "" };

	if (!inet_ntop(ip->family, ip->b, t.s, sizeof(t.s)))
		t.s[0] = '\0';
	return t;
}

bool pt_ip_eq(const struct pt_ip *a, const struct pt_ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool pt_ip_parse_bytes(const char *hex, uint8_t *ret_bytes)
{
	/* first the digits: sscanf() would take a sign or a 0x as well, and look for digits behind the end */
	if (strspn(hex, "0123456789abcdefABCDEF") != 32)
		return false;
	for (size_t i = 0; i < 16; i++)
		ret_bytes[i] = (uint8_t)(pt_hex_digit(hex[2 * i]) << 4 | pt_hex_digit(hex[2 * i + 1]));
	return true;
}

bool pt_ip_parse_words(const char *hex, size_t n, struct pt_ip *ret_ip)
{
	struct pt_ip ip = { .family = AF_INET };
	uint32_t words[4] = { 0 };

	if ((n != 8 && n != 32) || strspn(hex, "0123456789abcdefABCDEF") < n)
		return false;
	for (size_t i = 0; i < n / 8; i++) {
		char word[9] = "";

		memcpy(word, hex + i * 8, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	if (n == 8)
		memcpy(ip.b, words, 4);
	else
		ip = from_v6((const uint8_t *)words);
	*ret_ip = ip;
	return true;
}

/* 127.0.0.0/8, 169.254.0.0/16, ::1, fe80::/10 */
static bool is_local_only(const struct pt_ip *ip)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->b[0] == 127 || (ip->b[0] == 169 && ip->b[1] == 254);
	return memcmp(ip->b, loopback, 16) == 0 || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

static void add(struct pt_addresses *l, const char *netdev, const struct pt_ip *ip, const char *where)
{
	struct pt_address *a;

	if (is_local_only(ip))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].netdev, netdev) && pt_ip_eq(&l->v[i].ip, ip))
			return;
	a = pt_array_add(l);
	a->netdev = pt_strdup(netdev);
	a->ip = *ip;
	a->where = pt_strdup(where);
}

/* "fe800000000000005054fffe123456 02 40 20 80     eth0": in network byte order, proc(5) */
static void read_if_inet6(const struct pt_look *look, struct pt_addresses *l)
{
	pt_autofree char *text = NULL;

	/* a kernel without IPv6 has no such file */
	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, "net/if_inet6", PT_FILE_MAX, &text, NULL) < 0)
		return;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		uint8_t b[16];
		char netdev[64];
		struct pt_ip ip;

		line += *line == '\n';
		if (!pt_ip_parse_bytes(line, b) || sscanf(line + 32, " %*x %*x %*x %*x %63s", netdev) != 1)
			continue;
		ip = from_v6(b);
		add(l, netdev, &ip, "/proc/net/if_inet6");
	}
}

static void read_kernel(struct pt_addresses *l)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		struct pt_ip ip = { 0 };

		if (!a->ifa_addr)
			continue;
		if (a->ifa_addr->sa_family == AF_INET) {
			struct sockaddr_in in;

			memcpy(&in, a->ifa_addr, sizeof(in));
			ip.family = AF_INET;
			memcpy(ip.b, &in.sin_addr, 4);
		} else if (a->ifa_addr->sa_family == AF_INET6) {
			struct sockaddr_in6 in6;

			memcpy(&in6, a->ifa_addr, sizeof(in6));
			ip = from_v6(in6.sin6_addr.s6_addr);
		} else {
			continue;
		}
		add(l, a->ifa_name, &ip, "the kernel's list of addresses");
	}
	freeifaddrs(list);
}

void pt_addresses_read(const struct pt_look *look, struct pt_addresses *ret_addresses)
{
	read_if_inet6(look, ret_addresses);
	if (!look->root->captured)
		read_kernel(ret_addresses);
}

void pt_addresses_done(struct pt_addresses *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].netdev);
		free(l->v[i].where);
	}
	free(l->v);
	*l = (struct pt_addresses){ 0 };
}
