/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/whereabouts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void pt_whereabouts_done(struct pt_whereabouts *w)
{
	free(w->why);
	free(w->fix);
	*w = (struct pt_whereabouts){ 0 };
}

void pt_whereabouts_list_done(struct pt_whereabouts_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_whereabouts_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_whereabouts_list){ 0 };
}

const char *pt_where_str(enum pt_where where)
{
	static const char *const names[] = {
		[PT_WHERE_HERE] = "here",	[PT_WHERE_MOVED] = "moved", [PT_WHERE_LIKELY] = "likely",
		[PT_WHERE_SEVERAL] = "several", [PT_WHERE_GONE] = "gone",   [PT_WHERE_UNSEEN] = "unseen",
	};

	return names[where];
}

static bool same_model(const struct pt_identity *a, const struct pt_identity *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->subvendor == b->subvendor &&
	       a->subdevice == b->subdevice && a->is_vf == b->is_vf;
}

static const struct pt_identity *at(const struct pt_identities *present, struct pt_bdf bdf)
{
	for (size_t i = 0; i < present->n; i++)
		if (pt_bdf_eq(present->v[i].last_seen, bdf))
			return &present->v[i];
	return NULL;
}

/* what this boot established holds until the next, as long as nothing speaks against it */
static bool still_known(const struct pt_keep *r, const struct pt_identities *present)
{
	const struct pt_identity *there = r->known ? at(present, r->id.last_seen) : NULL;

	if (!there || !same_model(&r->id, there))
		return false;
	return there->serial_unread || !(r->id.serial || there->serial) || pt_streq(r->id.serial, there->serial);
}

/* no other card of its kind is here, and it is in the slot that it was in: nothing could be mistaken for it */
static bool alone_in_its_slot(const struct pt_identity *known, const struct pt_identity *card,
			      const struct pt_identities *present)
{
	for (size_t i = 0; i < present->n; i++) {
		const struct pt_identity *other = &present->v[i];

		if (other != card && same_model(other, card) &&
		    (card->is_vf ? other->vf_index == card->vf_index : other->last_seen.func == card->last_seen.func))
			return false;
	}
	return pt_streq(known->slot_path, card->slot_path);
}

/*
 * Disks tell two cards apart only once a driver of the host has shown them, which most often is not so at boot: where
 * they decide between cards, or follow one into another slot, a human reads what was found first.  The only card of
 * its kind in its own slot is no worse known because that driver was faster and its disks say the same.
 */
static bool may_boot(const struct pt_identity *known, const struct pt_identities *present,
		     const struct pt_identity_match *m)
{
	return m->sure && (m->grade != PT_IDENTITY_BEHIND || alone_in_its_slot(known, &present->v[m->index], present));
}

static void place(const struct pt_keep *r, const struct pt_identities *present, struct pt_whereabouts *w)
{
	struct pt_identity_match match;
	struct pt_error err = { 0 };
	const struct pt_identity *old = at(present, r->id.last_seen);
	int code;

	if (still_known(r, present)) {
		w->bdf = r->id.last_seen;
		w->grade = r->id.serial ? PT_IDENTITY_STRONG : PT_IDENTITY_WEAK;
		w->boot = true;
		return;
	}
	code = pt_identity_find(&r->id, present, &match, &err);
	if (code < 0) {
		w->where = code == -ENODEV ? PT_WHERE_GONE : code == -EMLINK ? PT_WHERE_SEVERAL : PT_WHERE_UNSEEN;
		w->why = pt_strdup(err.msg);
		w->fix = err.hint[0] ? pt_strdup(err.hint) : NULL;
		w->stranger = old && code == -ENODEV;
		return;
	}
	w->bdf = present->v[match.index].last_seen;
	w->grade = match.grade;
	w->where = !match.sure ? PT_WHERE_LIKELY : match.moved ? PT_WHERE_MOVED : PT_WHERE_HERE;
	w->boot = may_boot(&r->id, present, &match);
	w->stranger = match.moved && old;
	if (match.sure && match.moved)
		w->why = pt_strf("%s is at %s now: recognised by %s", pt_bdf_str(r->id.last_seen).s,
				 pt_bdf_str(w->bdf).s,
				 match.grade == PT_IDENTITY_STRONG   ? r->id.serial
				 : match.grade == PT_IDENTITY_BEHIND ? "what is behind it"
								     : "its slot");
	else if (!match.sure)
		w->why = pt_strf("%s may be at %s now: a card of its kind is there, in another slot or beside others",
				 pt_bdf_str(r->id.last_seen).s, pt_bdf_str(w->bdf).s);
	else if (!w->boot)
		w->why = pt_strf(
			"%s is known only by what is behind it: others of its kind are here, or its slot is not "
			"the one that it was in",
			pt_bdf_str(w->bdf).s);
	if (w->why)
		w->fix = pt_strdup(w->where == PT_WHERE_HERE ? "`passthru repair` binds it, and remembers it anew"
				   : match.sure ? "`passthru repair` rewrites its reservation, and the VMs that have it"
						: "`passthru repair --probe` lets the host's driver look behind it");
}

static bool found(const struct pt_whereabouts *w)
{
	return w->where == PT_WHERE_HERE || w->where == PT_WHERE_MOVED || w->where == PT_WHERE_LIKELY;
}

/* @i and @k fit the same card: 1 when @i has the better claim, 0 when neither has */
static bool stronger(const struct pt_whereabouts *i, const struct pt_whereabouts *k)
{
	bool i_sure = i->where != PT_WHERE_LIKELY;
	bool k_sure = k->where != PT_WHERE_LIKELY;

	return i_sure != k_sure ? i_sure : i_sure && i->grade > k->grade;
}

static void lose(const struct pt_keep *r, const struct pt_keep *other, struct pt_whereabouts *w)
{
	pt_autofree char *why =
		pt_strf("the card at %s fits two reservations: that of %s and that of %s", pt_bdf_str(w->bdf).s,
			pt_bdf_str(r->id.last_seen).s, pt_bdf_str(other->id.last_seen).s);

	pt_strset(&w->why, why);
	pt_strset(&w->fix, "`passthru repair --probe` lets the host's driver look behind it");
	w->where = PT_WHERE_SEVERAL;
	w->boot = false;
}

/* a reservation whose card another one has the same claim to; known->n when there is none */
static size_t rival(const struct pt_whereabouts_list *l, size_t i)
{
	for (size_t k = 0; k < l->n; k++)
		if (i != k && found(&l->v[i]) && found(&l->v[k]) && pt_bdf_eq(l->v[i].bdf, l->v[k].bdf) &&
		    !stronger(&l->v[i], &l->v[k]))
			return k;
	return l->n;
}

void pt_whereabouts_find(const struct pt_keeps *known, const struct pt_identities *present,
			 struct pt_whereabouts_list *ret)
{
	struct pt_whereabouts_list l = { 0 };
	pt_autofree size_t *rivals = pt_alloc((known->n + 1) * sizeof(*rivals));

	for (size_t i = 0; i < known->n; i++)
		place(&known->v[i], present, pt_array_add(&l));
	for (size_t i = 0; i < l.n; i++)
		rivals[i] = rival(&l, i);
	for (size_t i = 0; i < l.n; i++)
		if (rivals[i] < l.n)
			lose(&known->v[i], &known->v[rivals[i]], &l.v[i]);
	*ret = l;
}

/* nothing that they tell themselves makes a difference: no serial number, or the same */
static bool alike(const struct pt_identity *a, const struct pt_identity *b)
{
	return same_model(a, b) && (a->serial ? pt_streq(a->serial, b->serial) : !b->serial);
}

static bool slot_is_reserved(const struct pt_keeps *known, const struct pt_identity *card)
{
	for (size_t i = 0; i < known->n; i++)
		if (pt_keep_at_boot(&known->v[i]) && alike(&known->v[i].id, card) &&
		    pt_streq(known->v[i].id.slot_path, card->slot_path))
			return true;
	return false;
}

bool pt_whereabouts_hold(const struct pt_keeps *known, const struct pt_identities *present,
			 const struct pt_whereabouts_list *where, struct pt_bdf bdf)
{
	const struct pt_identity *card = at(present, bdf);
	size_t reservations = 0;
	size_t cards = 0;
	bool undecided = false;

	if (!card)
		return false;
	for (size_t i = 0; i < known->n; i++) {
		if (!alike(&known->v[i].id, card) || !pt_keep_at_boot(&known->v[i]))
			continue;
		reservations++;
		undecided = undecided || where->v[i].where == PT_WHERE_SEVERAL;
	}
	for (size_t i = 0; i < present->n; i++) {
		if (!alike(&present->v[i], card))
			continue;
		cards++;
		if (!slot_is_reserved(known, &present->v[i]))
			return false;
	}
	return undecided && cards <= reservations;
}
