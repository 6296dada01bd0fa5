/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* indices into the candidates */
struct pt_picks {
	size_t *v;
	size_t n;
	size_t cap;
};

static void pt_picks_done(struct pt_picks *p)
{
	free(p->v);
	*p = (struct pt_picks){ 0 };
}

const char *pt_identity_grade_str(enum pt_identity_grade grade)
{
	static const char *const names[] = {
		[PT_IDENTITY_WEAK] = "weak",
		[PT_IDENTITY_BEHIND] = "behind the driver",
		[PT_IDENTITY_STRONG] = "strong",
	};

	return names[grade];
}

/* slot and function of a VF follow from its PF's, First VF Offset and VF Stride (PCIe 9.3.3.9); its bus is another */
static const char *last_part(const char *slot_path)
{
	const char *slash = slot_path ? strrchr(slot_path, '/') : NULL;

	return slash ? slash + 1 : slot_path;
}

/* VFs of the same port; where a record of an earlier version does not say whose, their place on the card does */
static bool same_port(const struct pt_identity *a, const struct pt_identity *b)
{
	if (a->pf_func >= 0 && b->pf_func >= 0)
		return a->pf_func == b->pf_func;
	return !a->slot_path || !b->slot_path || pt_streq(last_part(a->slot_path), last_part(b->slot_path));
}

/* the same model of card, and the same function of it: several functions of one card share its serial */
static bool same_kind(const struct pt_identity *a, const struct pt_identity *b)
{
	if (a->vendor != b->vendor || a->device != b->device || a->subvendor != b->subvendor ||
	    a->subdevice != b->subdevice || a->is_vf != b->is_vf)
		return false;
	return a->is_vf ? a->vf_index == b->vf_index && same_port(a, b) : a->last_seen.func == b->last_seen.func;
}

static bool share(const struct pt_strv *a, const struct pt_strv *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (pt_strv_has(b, a->v[i]))
			return true;
	return false;
}

static char *addresses(const struct pt_identities *present, const struct pt_picks *picks)
{
	PT_AUTO(pt_strv) names = { 0 };

	for (size_t i = 0; i < picks->n; i++)
		pt_strv_add(&names, pt_bdf_str(present->v[picks->v[i]].last_seen).s);
	return pt_strv_join(&names, ", ");
}

static char *kind_of(const struct pt_identity *known)
{
	return pt_strf("%04x:%04x (subsystem %04x:%04x)", known->vendor, known->device, known->subvendor,
		       known->subdevice);
}

static int several(const struct pt_identity *known, const struct pt_identities *present, const struct pt_picks *picks,
		   const char *alike, struct pt_error *err)
{
	pt_autofree char *where = addresses(present, picks);
	pt_autofree char *kind = kind_of(known);

	return pt_say(err, -EMLINK, "%zu devices fit %s, last seen at %s: %s; %s", picks->n, kind,
		      pt_bdf_str(known->last_seen).s, where, alike);
}

static void match(const struct pt_identity *known, const struct pt_identities *present, size_t index,
		  enum pt_identity_grade grade, struct pt_identity_match *ret_match)
{
	const struct pt_identity *found = &present->v[index];

	ret_match->index = index;
	ret_match->grade = grade;
	ret_match->moved = !pt_bdf_eq(known->last_seen, found->last_seen);
	ret_match->sure = grade != PT_IDENTITY_WEAK || pt_streq(known->slot_path, found->slot_path);
}

/*
 * VFs alike, of cards alike: the one in the old slot.  Of controllers that would not do, since cards that changed
 * places would give guests each other's disks; a VF carries nothing, and its MAC and VLAN are set anew each time.
 */
static bool in_its_slot(const struct pt_identity *known, const struct pt_identities *present,
			const struct pt_picks *picks, size_t *ret_index)
{
	size_t n = 0;

	for (size_t i = 0; i < picks->n && known->is_vf && known->slot_path; i++)
		if (pt_streq(known->slot_path, present->v[picks->v[i]].slot_path)) {
			*ret_index = picks->v[i];
			n++;
		}
	return n == 1;
}

/* no serial tells @kin apart: what was behind it, where that can be seen, else being the only one of its kind */
static int by_circumstance(const struct pt_identity *known, const struct pt_identities *present,
			   const struct pt_picks *kin, struct pt_identity_match *ret_match, struct pt_error *err)
{
	PT_AUTO(pt_picks) same = { 0 };
	PT_AUTO(pt_picks) possible = { 0 };
	pt_autofree char *kind = kind_of(known);
	size_t index = 0;

	for (size_t i = 0; i < kin->n; i++) {
		const struct pt_identity *candidate = &present->v[kin->v[i]];

		/* one that tells a serial is not the one that had none */
		if (candidate->serial && !known->serial)
			continue;
		if (share(&known->behind, &candidate->behind))
			pt_array_push(&same, kin->v[i]);
		/* its disks are visible and are others: a different card, or all its disks were changed */
		if (!known->behind.n || !candidate->behind.n)
			pt_array_push(&possible, kin->v[i]);
	}
	if (same.n == 1) {
		match(known, present, same.v[0], PT_IDENTITY_BEHIND, ret_match);
		return 0;
	}
	if (same.n > 1)
		return several(known, present, &same, "disks or addresses of it are behind more than one", err);
	if (possible.n == 1) {
		match(known, present, possible.v[0], PT_IDENTITY_WEAK, ret_match);
		/* others of its kind are here, though their disks are others': likely, not certain */
		if (kin->n > 1)
			ret_match->sure = false;
		return 0;
	}
	if (in_its_slot(known, present, &possible, &index)) {
		match(known, present, index, PT_IDENTITY_WEAK, ret_match);
		return 0;
	}
	if (possible.n > 1)
		return several(known, present, &possible,
			       known->serial
				       ? "they tell the same serial number, and what is behind them cannot be seen "
					 "without a driver"
				       : "none has a serial number, and what is behind them cannot be seen without a "
					 "driver",
			       err);
	return pt_say(err, -ENODEV, "%s, last seen at %s, is not in this host", kind, pt_bdf_str(known->last_seen).s);
}

/* @known told a serial once: that serial decides, and nothing else does unless several tell it */
static int by_serial(const struct pt_identity *known, const struct pt_identities *present, const struct pt_picks *kin,
		     struct pt_identity_match *ret_match, struct pt_error *err)
{
	PT_AUTO(pt_picks) same = { 0 };
	PT_AUTO(pt_picks) unread = { 0 };
	pt_autofree char *kind = kind_of(known);
	pt_autofree char *where = NULL;

	for (size_t i = 0; i < kin->n; i++) {
		const struct pt_identity *candidate = &present->v[kin->v[i]];

		if (pt_streq(candidate->serial, known->serial))
			pt_array_push(&same, kin->v[i]);
		else if (candidate->serial_unread)
			pt_array_push(&unread, kin->v[i]);
	}
	if (same.n == 1) {
		match(known, present, same.v[0], PT_IDENTITY_STRONG, ret_match);
		return 0;
	}
	/* a maker that programs the same into each of them: not all such are known (pt_serial_is_common()) */
	if (same.n > 1)
		return by_circumstance(known, present, &same, ret_match, err);
	if (unread.n) {
		where = addresses(present, &unread);
		return pt_say(err, -EAGAIN,
			      "cannot read the serial number of %s, so cannot tell whether %s with %s is there", where,
			      kind, known->serial);
	}
	where = addresses(present, kin);
	if (kin->n)
		return pt_say(err, -ENODEV,
			      "%s with %s, last seen at %s, is not in this host; of the same kind, but with "
			      "another serial number or none: %s",
			      kind, known->serial, pt_bdf_str(known->last_seen).s, where);
	return pt_say(err, -ENODEV, "%s with %s, last seen at %s, is not in this host", kind, known->serial,
		      pt_bdf_str(known->last_seen).s);
}

int pt_identity_find(const struct pt_identity *known, const struct pt_identities *present,
		     struct pt_identity_match *ret_match, struct pt_error *err)
{
	PT_AUTO(pt_picks) kin = { 0 };
	int r;

	for (size_t i = 0; i < present->n; i++)
		if (same_kind(known, &present->v[i]))
			pt_array_push(&kin, i);
	if (known->serial)
		r = by_serial(known, present, &kin, ret_match, err);
	else
		r = by_circumstance(known, present, &kin, ret_match, err);
	if (r == -EMLINK)
		pt_hint(err, "`passthru repair --probe` lets the host's driver look at their disks and addresses");
	return r;
}
