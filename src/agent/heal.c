/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What VMs use, compared with what is claimed, as FIELD has Nova's healing of Placement: what is used counts as taken
 * (facts.c publishes it with its owner, so that nobody is given it), and a difference is told, not mended: no guest
 * loses a device since a record says so.
 */
#include <syslog.h>

#include "agent/parts.h"
#include "base/cleanup.h"

static bool is_offered(const struct pt_view *view, size_t i)
{
	return view->spec[i] >= 0;
}

int pt_agent_heal(struct pt_agent *a, const struct pt_holds *holds, struct pt_error *err)
{
	PT_AUTO(pt_view) view = { 0 };
	int r = pt_view_make(&a->rules, &a->facts, &view, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < a->facts.n; i++) {
		const struct pt_inv_device *d = &a->facts.v[i];
		const struct pt_domain *user = pt_agent_user(a, d->bdf);
		struct pt_bdf_text name = pt_bdf_str(d->bdf);

		if (user && is_offered(&view, i) && !pt_holds_find(holds, d->bdf))
			pt_agent_say_once(a, LOG_NOTICE, NULL, name.s,
					  "%s is offered to the fleet, and VM %s has it without a claim: nobody else "
					  "gets it, and it stays with that VM",
					  name.s, user->name);
	}
	for (size_t i = 0; i < holds->n; i++)
		if (pt_inv_host_find(&a->facts, holds->v[i].bdf) < 0)
			pt_agent_say_once(a, LOG_WARNING, holds->v[i].id, pt_bdf_str(holds->v[i].bdf).s,
					  "%s is claimed (%s), and this host does not have it any more",
					  pt_bdf_str(holds->v[i].bdf).s, holds->v[i].id);
	return 0;
}
