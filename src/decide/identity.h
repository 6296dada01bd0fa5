/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the devices that are here now is the one that is meant?  Pure; reads nothing. */
#ifndef PT_DECIDE_IDENTITY_H
#define PT_DECIDE_IDENTITY_H

#include "base/error.h"
#include "model/identity.h"

/* how good the evidence is, best last */
enum pt_identity_grade {
	PT_IDENTITY_WEAK,   /* ids, and the only one of its kind */
	PT_IDENTITY_BEHIND, /* its disks or MAC addresses, seen through the host's driver */
	PT_IDENTITY_STRONG, /* a serial number that the card itself tells, before any driver */
};

const char *pt_identity_grade_str(enum pt_identity_grade grade); /* "weak", "behind the driver", "strong" */

/**
 * struct pt_identity_match
 * @index: in the candidates
 * @moved: it is not where it was last seen
 * @sure: good enough to act on without asking (at boot): strong or behind evidence; weak evidence only where the slot
 *        path is unchanged too
 */
struct pt_identity_match {
	size_t index;
	enum pt_identity_grade grade;
	bool moved;
	bool sure;
};

/**
 * pt_identity_find() - find a known device among those present
 * @known: as it was recorded
 * @present: every function of this host with what could be read of it
 *
 * The rules (DESIGN.md rule 4): a card that told a serial is recognised by it alone, wherever it is, and one that tells
 * another serial is a stranger.  Where it has none, or several tell the same: by what is behind it, where a driver has
 * probed; else by its ids, where it is the only one of its kind.  Of VFs that nothing else tells apart by the slot.
 *
 * Return: 0; -ENODEV it is not here; -EMLINK several fit (the message lists them); -EAGAIN a candidate could not be
 * looked at well enough to tell.
 */
int pt_identity_find(const struct pt_identity *known, const struct pt_identities *present,
		     struct pt_identity_match *ret_match, struct pt_error *err);

#endif
