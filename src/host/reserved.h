/* SPDX-License-Identifier: Apache-2.0 */
/* What is reserved for guests on this host, and who else has set overrides.  Reads only; reserve.h writes. */
#ifndef PT_HOST_RESERVED_H
#define PT_HOST_RESERVED_H

#include "base/error.h"
#include "base/root.h"
#include "model/host.h"
#include "model/reservation.h"

#define PT_RESERVED_DIR	   "/etc/passthru/reserved.d"
#define PT_KNOWN_PREFIX	   "known-"    /* in /run/passthru, with the address */
#define PT_UNUSABLE_PREFIX "unusable-" /* the same; holds the reason */

/**
 * pt_keep_list() - every reservation, by address
 * @ret_bad: sentences about files that cannot be understood; may be NULL
 *
 * Return: 0, also when there is none; -EACCES and others when the folder cannot be read.
 */
int pt_keep_list(const struct pt_root *root, struct pt_keeps *ret_keeps, struct pt_strv *ret_bad, struct pt_error *err);

/**
 * pt_keep_present() - the identities of all functions that could be one of @known: those of the same kind
 * @devices: every function of the host; details are read for those
 * @blocks: this host's disks; may be empty: then nothing is seen behind a storage controller
 */
int pt_keep_present(const struct pt_root *root, const struct pt_keeps *known, struct pt_devices *devices,
		    const struct pt_blocks *blocks, struct pt_identities *ret_present, struct pt_error *err);

/** pt_override_owner() - "driverctl (/etc/driverctl.d/0000:01:00.0)" when that tool set the device's override; the
 * caller frees; NULL when nobody left a trace */
char *pt_override_owner(const struct pt_root *root, struct pt_bdf bdf);

/**
 * pt_override_against() - who else says which driver shall have @d, where that is none of VFIO's; a sentence
 * @d: with its driver_override
 *
 * Return: NULL when nobody does; the caller frees.
 */
char *pt_override_against(const struct pt_root *root, const struct pt_device *d);

#endif
