/* SPDX-License-Identifier: Apache-2.0 */
/* Is the device at an address the one that the record of that address is about?  Nobody may say that it is, if not. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/judge.h"
#include "decide/whereabouts.h"

static bool same_ids(const struct pt_keep *k, const struct pt_device *d)
{
	return k->id.vendor == d->vendor && k->id.device == d->device && k->id.subvendor == d->subvendor &&
	       k->id.subdevice == d->subdevice;
}

static bool is_seen(const struct pt_identities *present, struct pt_bdf bdf)
{
	for (size_t i = 0; i < present->n; i++)
		if (pt_bdf_eq(present->v[i].last_seen, bdf))
			return true;
	return false;
}

char *pt_decide_stranger(const struct pt_host *host, const struct pt_keep *k)
{
	const struct pt_device *d = pt_devices_find(&host->devices, k->id.last_seen);
	const struct pt_keeps *known = &host->reserved;
	PT_AUTO(pt_whereabouts_list) where = { 0 };
	const struct pt_whereabouts *w;

	if (!d)
		return NULL;
	if (!same_ids(k, d))
		return pt_strf("%04x:%04x (subsystem %04x:%04x) is there now, and the record says %04x:%04x "
			       "(%04x:%04x)",
			       d->vendor, d->device, d->subvendor, d->subdevice, k->id.vendor, k->id.device,
			       k->id.subvendor, k->id.subdevice);
	if (!is_seen(&host->present, d->bdf))
		return NULL;
	pt_whereabouts_find(known, &host->present, &where);
	w = &where.v[k - known->v];
	if (w->where == PT_WHERE_HERE)
		return NULL;
	return pt_strdup(w->why ? w->why : pt_where_str(w->where));
}

void pt_judge_recorded(struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];
		const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, d->bdf);
		/* what a VM runs with cannot have been changed for another under it */
		pt_autofree char *why = k && !pt_judge_runs_with(j, d->bdf) ? pt_decide_stranger(j->host, k) : NULL;
		pt_autofree char *fix = NULL;

		if (!why)
			continue;
		fix = pt_strf("`passthru repair%s%s` first: it finds where the device is now. Where that one is gone "
			      "for good, `passthru release %s`, or detach it from its VM",
			      k->vm ? " " : "", k->vm ? pt_shell(k->vm).s : "", pt_bdf_str(d->bdf).s);
		pt_judge_refuse(j, PT_FORCE_NEVER, "identity", "/etc/passthru/reserved.d", fix,
				"%s is not certain to be the device that is recorded there%s%s: %s",
				pt_bdf_str(d->bdf).s, k->vm ? " for VM " : "", k->vm ? k->vm : "", why);
	}
}
