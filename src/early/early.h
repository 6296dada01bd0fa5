/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which driver shall a PCI function have at boot?  Asked for by udev, in the initramfs too: links neither libvirt nor a
 * database, and asks nobody.
 */
#ifndef PT_EARLY_EARLY_H
#define PT_EARLY_EARLY_H

#include "base/error.h"
#include "base/root.h"
#include "decide/whereabouts.h"
#include "model/device.h"

/**
 * struct pt_early - one look at what is reserved and what is here
 * @bad: reservations that cannot be understood, in sentences
 */
struct pt_early {
	struct pt_keeps known;
	struct pt_devices devices;
	struct pt_identities present;
	struct pt_whereabouts_list where;
	struct pt_strv bad;
};

void pt_early_done(struct pt_early *e);

/** pt_early_look() - behind a controller nothing is looked for: no driver of the host has it yet, and none shall */
int pt_early_look(const struct pt_root *root, struct pt_early *ret, struct pt_error *err);

/**
 * pt_early_driver() - what the driver_override of @bdf shall be
 * @ret_why: sentences about reservations that are not certain, and about who else has a say
 *
 * Return: the reservation's driver; PT_DRIVER_UNDECIDED for one of several guests' that none may have yet; NULL: it is
 * no business of ours.  Borrowed from @e.
 */
const char *pt_early_driver(const struct pt_root *root, const struct pt_early *e, struct pt_bdf bdf,
			    struct pt_strv *ret_why);

#endif
