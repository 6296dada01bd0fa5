/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a device the same device after its address has moved.  Plain data: host/identity.h reads it,
 * decide/identity.h compares.
 */
#ifndef PT_MODEL_IDENTITY_H
#define PT_MODEL_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"

/**
 * struct pt_identity - one PCI function; owns its strings
 * @last_seen: its address when this was read; evidence of nothing but the function number
 * @slot_path: the slots from the root bus down, without the bus numbers that a boot deals out: "0000:00:02.0/00.0";
 *             NULL unknown
 * @serial: "dsn:00-11-…" (Device Serial Number capability, PCIe base specification 7.9.3) or "vpd:…" (keyword SN of the
 *          vital product data, PCI local bus specification 3.0 appendix I); NULL: it has none
 * @serial_unread: it may have one, but it could not be read (not root, gone to sleep, an error of the bus)
 * @is_vf, @vf_index, @pf_func: a VF is known by its PF's serial and function, and its own index: all functions of a
 * card tell the same Device Serial Number (7.9.3), and each port has a VF 0.  @pf_func is -1 when it is not known
 * @behind: what only the host's own driver sees: "disk:S455NY0K100001", "mac:52:54:00:…"; empty when no driver has
 *          probed it or nothing is there
 */
struct pt_identity {
	struct pt_bdf last_seen;
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
	bool is_vf;
	int vf_index;
	int pf_func;
	char *slot_path;
	char *serial;
	bool serial_unread;
	struct pt_strv behind;
};

struct pt_identities {
	struct pt_identity *v;
	size_t n;
	size_t cap;
};

void pt_identity_done(struct pt_identity *id);
void pt_identities_done(struct pt_identities *l);

/**
 * pt_serial_is_common() - is it one for a whole model, or a value that nobody programmed?
 * @serial: with its "dsn:" or "vpd:"
 *
 * Such a one makes no card the same card again.
 */
bool pt_serial_is_common(const char *serial);

#endif
