/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bdf.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct pt_bdf_text pt_bdf_str(struct pt_bdf bdf)
{
	struct pt_bdf_text t;

	(void)snprintf(t.s, sizeof(t.s), "%04x:%02x:%02x.%x", bdf.domain, bdf.bus, bdf.slot, bdf.func);
	return t;
}

struct pt_bdf_text pt_bdf_nodedev(struct pt_bdf bdf)
{
	struct pt_bdf_text t;

	(void)snprintf(t.s, sizeof(t.s), "pci_%04x_%02x_%02x_%x", bdf.domain, bdf.bus, bdf.slot, bdf.func);
	return t;
}

/* hex digits at *p, at least @min and at most @max of them; advances *p; -1 when there are fewer or more */
static int64_t hex(const char **p, int min, int max)
{
	int64_t value = 0;
	int n = 0;

	for (int digit; (digit = pt_hex_digit(**p)) >= 0; (*p)++) {
		if (++n > max)
			return -1;
		value = value * 16 + digit;
	}
	return n < min ? -1 : value;
}

/* bus:slot.func, with the separators given; -EINVAL for another form, -ERANGE for a slot or function too large */
static int parse_tail(const char *p, char sep, char dot, struct pt_bdf *bdf)
{
	int64_t bus = hex(&p, 2, 2);
	int64_t slot;
	int64_t func;

	if (bus < 0 || *p++ != sep)
		return -EINVAL;
	slot = hex(&p, 2, 2);
	if (slot < 0 || *p++ != dot)
		return -EINVAL;
	func = hex(&p, 1, 1);
	if (func < 0 || *p)
		return -EINVAL;
	if (slot > 0x1f || func > 7)
		return -ERANGE;
	bdf->bus = (uint8_t)bus;
	bdf->slot = (uint8_t)slot;
	bdf->func = (uint8_t)func;
	return 0;
}

static int parse_full(const char *text, char sep, char dot, struct pt_bdf *ret_bdf)
{
	struct pt_bdf bdf = { 0 };
	const char *p = text;
	int64_t domain = hex(&p, 4, 8);
	int r;

	if (domain < 0 || *p++ != sep)
		return -EINVAL;
	bdf.domain = (uint32_t)domain;
	r = parse_tail(p, sep, dot, &bdf);
	if (r == 0)
		*ret_bdf = bdf;
	return r;
}

int pt_bdf_parse(const char *text, struct pt_bdf *ret_bdf)
{
	int r = parse_full(text, ':', '.', ret_bdf);

	return r == -ERANGE ? -EINVAL : r;
}

int pt_bdf_parse_loose(const char *text, struct pt_bdf *ret_bdf)
{
	struct pt_bdf bdf = { 0 };
	int r;

	if (strncmp(text, "pci_", 4) == 0)
		return parse_full(text + 4, '_', '_', ret_bdf);
	r = parse_full(text, ':', '.', ret_bdf);
	if (r != -EINVAL)
		return r;
	r = parse_tail(text, ':', '.', &bdf);
	if (r == 0)
		*ret_bdf = bdf;
	return r;
}

int pt_bdf_cmp(struct pt_bdf a, struct pt_bdf b)
{
	if (a.domain != b.domain)
		return a.domain < b.domain ? -1 : 1;
	if (a.bus != b.bus)
		return a.bus < b.bus ? -1 : 1;
	if (a.slot != b.slot)
		return a.slot < b.slot ? -1 : 1;
	return a.func == b.func ? 0 : a.func < b.func ? -1 : 1;
}
