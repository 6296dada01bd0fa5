/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that a change has in its hands, or could not put back: nobody is given one of them. */
#include <errno.h>
#include <stdint.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "journal/journal.h"
#include "model/sriov-state.h"

bool pt_agent_is_changed(const struct pt_inv_device *d)
{
	return d->owner && pt_startswith(d->owner, PT_AGENT_CHANGE);
}

static void mark(struct pt_inv_host *h, struct pt_bdf bdf, const struct pt_change_row *c)
{
	int64_t at = pt_inv_host_find(h, bdf);

	if (at >= 0 && !h->v[at].owner)
		h->v[at].owner = pt_strf(PT_AGENT_CHANGE "%lld (%s%s)", c->id, c->verb,
					 c->state == PT_CHANGE_STUCK ? ", not settled" : "");
}

static void mark_vfs(struct pt_inv_host *h, struct pt_bdf pf, const struct pt_change_row *c)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].has_parent && pt_bdf_eq(h->v[i].parent, pf))
			mark(h, h->v[i].bdf, c);
}

/* the number of VFs changes: the card and all of them; else the one that is set.  What a step may be, it is taken for
 */
static void mark_sriov(struct pt_inv_host *h, const struct pt_step *s, const struct pt_change_row *c)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;

	if (!s->state_after || pt_sriov_state_parse(s->state_after, &after, NULL) < 0 ||
	    (s->state_before && pt_sriov_state_parse(s->state_before, &before, NULL) < 0) || after.vfs != before.vfs) {
		mark(h, s->bdf, c);
		mark_vfs(h, s->bdf, c);
		return;
	}
	for (size_t i = 0; i < after.v.n; i++)
		if (after.v.v[i].has_address)
			mark(h, after.v.v[i].bdf, c);
}

/* a card's link and what is kept of its VFs are nobody's to be given */
static void mark_step(struct pt_inv_host *h, const struct pt_step *s, const struct pt_change_row *c)
{
	if (s->kind == PT_STEP_SRIOV)
		mark_sriov(h, s, c);
	else if (s->kind != PT_STEP_LINK && s->kind != PT_STEP_SRIOV_KEEP &&
		 (pt_step_is_device(s->kind) || pt_step_is_plug(s->kind)))
		mark(h, s->bdf, c);
	for (size_t i = 0; i < s->edit.add_hostdevs.n; i++)
		mark(h, s->edit.add_hostdevs.v[i].bdf, c);
	for (size_t i = 0; i < s->edit.remove_hostdevs.n; i++)
		mark(h, s->edit.remove_hostdevs.v[i], c);
	for (size_t i = 0; i < s->edit.move_hostdevs.n; i++) {
		mark(h, s->edit.move_hostdevs.v[i].from, c);
		mark(h, s->edit.move_hostdevs.v[i].to, c);
	}
}

int pt_agent_mark_busy(const char *journal_dir, struct pt_inv_host *h, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(journal_dir, PT_JOURNAL_READ, &journal, err);
	int open = 0;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = pt_journal_list(journal, true, &list, err);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		PT_AUTO(pt_change_record) c = { 0 };

		r = pt_journal_get(journal, list.v[i].id, &c, err);
		open += list.v[i].state == PT_CHANGE_OPEN;
		for (size_t k = 0; k < c.steps.n && r == 0; k++)
			mark_step(h, &c.steps.v[k].step, &list.v[i]);
	}
	pt_journal_close(journal);
	return r < 0 ? r : open;
}
