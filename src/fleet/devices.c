/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/devices.h"

#include <stdlib.h>

#include "base/cleanup.h"

const char *pt_slot_state_str(enum pt_slot_state state)
{
	static const char *const names[PT_SLOT_STATES] = {
		[PT_SLOT_FREE] = "free",
		[PT_SLOT_CLAIMED] = "claimed",
		[PT_SLOT_USED] = "used",
		[PT_SLOT_BLOCKED] = "blocked",
		[PT_SLOT_NOT_OFFERED] = "not-offered",
		[PT_SLOT_UNAVAILABLE] = "unavailable",
	};

	return names[state];
}

void pt_slots_done(struct pt_slots *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].why);
	free(l->v);
	*l = (struct pt_slots){ 0 };
}

/* a PF is given whole or by its VFs, never both */
static char *family_why(const struct pt_view *view, size_t i)
{
	const struct pt_family *f = &view->families[view->family[i]];
	const struct pt_inv_device *all = view->host->v;

	if (all[i].type != PT_DEV_PF)
		return pt_strf("its PF %s is given: %s", pt_bdf_str(f->bdf).s,
			       f->pf >= 0 && all[f->pf].owner ? all[f->pf].owner : "owner not known");
	return pt_strf("%u of its VFs %s given", f->owned_vfs, f->owned_vfs == 1 ? "is" : "are");
}

static void judge(const struct pt_fleet_host *h, const struct pt_view *view, size_t i, struct pt_slot *s)
{
	if (s->claim) {
		s->state = PT_SLOT_CLAIMED;
	} else if (s->device->owner) {
		s->state = PT_SLOT_USED;
		s->why = pt_strf("its host says: %s has it", s->device->owner);
	} else if (view->spec[i] < 0) {
		s->state = PT_SLOT_NOT_OFFERED;
		s->why = pt_strdup("no device_spec of its host matches it");
	} else if (!pt_view_is_free(view, i)) {
		s->state = PT_SLOT_BLOCKED;
		s->why = family_why(view, i);
	} else if (pt_fleet_is_lost(h)) {
		s->state = PT_SLOT_UNAVAILABLE;
		s->why = pt_strdup("its host is lost: the agent there is not heard of");
	}
}

void pt_fleet_slots(const struct pt_fleet *f, const struct pt_fleet_host *h, struct pt_slots *ret)
{
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error why = { 0 };
	const char *wrong = h->wrong;
	struct pt_slots l = { 0 };

	if (!wrong && pt_view_make(&f->rules.v[h->rules].rules, &h->host, &view, &why) < 0)
		wrong = why.msg;
	for (size_t i = 0; i < h->host.n; i++) {
		struct pt_slot *s = pt_array_add(&l);

		s->device = &h->host.v[i];
		s->claim = pt_holds_find(&h->holds, s->device->bdf);
		if (!wrong) {
			judge(h, &view, i, s);
			continue;
		}
		s->state = s->claim ? PT_SLOT_CLAIMED : PT_SLOT_UNAVAILABLE;
		s->why = s->claim ? NULL : pt_strdup(wrong);
	}
	*ret = l;
}
