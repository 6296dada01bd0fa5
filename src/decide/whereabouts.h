/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is each device that is reserved, and may it be bound without asking?  Pure: the whole list is judged at once,
 * since two reservations can fit the same card.
 */
#ifndef PT_DECIDE_WHEREABOUTS_H
#define PT_DECIDE_WHEREABOUTS_H

#include "decide/identity.h"
#include "model/reservation.h"

enum pt_where {
	PT_WHERE_HERE,	  /* at its address, and it is the one */
	PT_WHERE_MOVED,	  /* at another address, and it is the one */
	PT_WHERE_LIKELY,  /* one card fits, but not for certain: by its kind alone, and in another slot */
	PT_WHERE_SEVERAL, /* several fit, or this card fits several reservations */
	PT_WHERE_GONE,
	PT_WHERE_UNSEEN, /* could not be looked at well enough */
};

const char *pt_where_str(enum pt_where where); /* "here", "moved", "likely", "several", "gone", "unseen" */

/**
 * struct pt_whereabouts - of one reservation
 * @bdf: where it is; with LIKELY, where it may be
 * @grade: how it was recognised, with HERE, MOVED and LIKELY
 * @boot: may be bound at boot without asking: strong evidence; or exactly one such card is here and its slot is
 *        unchanged, whether or not a driver has looked behind it; or this boot has seen it already
 * @stranger: another device is at the old address
 * @why: in a sentence, unless it is HERE and may be bound; @fix: what to do
 */
struct pt_whereabouts {
	enum pt_where where;
	struct pt_bdf bdf;
	enum pt_identity_grade grade;
	bool boot;
	bool stranger;
	char *why;
	char *fix;
};

struct pt_whereabouts_list {
	struct pt_whereabouts *v;
	size_t n;
	size_t cap;
};

void pt_whereabouts_done(struct pt_whereabouts *w);
void pt_whereabouts_list_done(struct pt_whereabouts_list *l);

/** pt_whereabouts_find() - one element a reservation, in their order */
void pt_whereabouts_find(const struct pt_keeps *known, const struct pt_identities *present,
			 struct pt_whereabouts_list *ret);

/**
 * pt_whereabouts_hold() - is the function at @bdf one of several that fit, which must be all guests' devices?
 *
 * It is kept away from every driver then: none is given to a guest that may not have it, and the host does not touch
 * the disks of any.  Only where every card of that kind is in the slot of a reservation, and there are not more of them
 * than reservations: a card that may be the host's own is left to the host.
 */
bool pt_whereabouts_hold(const struct pt_keeps *known, const struct pt_identities *present,
			 const struct pt_whereabouts_list *where, struct pt_bdf bdf);

#endif
