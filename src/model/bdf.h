/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a PCI function.  Parsing and printing only; resolving a name to an address is host/resolve.h. */
#ifndef PT_MODEL_BDF_H
#define PT_MODEL_BDF_H

#include <stdbool.h>
#include <stdint.h>

/* domain:bus:slot.func; domain is more than 16 bits wide behind Intel VMD (10000:65:00.0) */
struct pt_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t slot;
	uint8_t func;
};

struct pt_bdf_text {
	char s[24];
};

/** pt_bdf_str() - "0000:01:00.0", as the kernel names it; by value, so it may be used twice in one printf */
struct pt_bdf_text pt_bdf_str(struct pt_bdf bdf);

/** pt_bdf_nodedev() - "pci_0000_01_00_0", as libvirt names it */
struct pt_bdf_text pt_bdf_nodedev(struct pt_bdf bdf);

/** pt_bdf_parse() - the kernel's full form only; -EINVAL for all else */
int pt_bdf_parse(const char *text, struct pt_bdf *ret_bdf);

/**
 * pt_bdf_parse_loose() - any form a person writes: 0000:01:00.0, 01:00.0 (domain 0), pci_0000_01_00_0
 *
 * Return: 0, -EINVAL when @text is not of these forms, -ERANGE when it is but a field is too large (slot 1f, func 7).
 */
int pt_bdf_parse_loose(const char *text, struct pt_bdf *ret_bdf);

int pt_bdf_cmp(struct pt_bdf a, struct pt_bdf b);

static inline bool pt_bdf_eq(struct pt_bdf a, struct pt_bdf b)
{
	return pt_bdf_cmp(a, b) == 0;
}

#endif
