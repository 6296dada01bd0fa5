/* SPDX-License-Identifier: Apache-2.0 */
/* A claim in the store is a wish.  Whether it is granted is decided here again, on what this host is and offers. */
#include <errno.h>
#include <stdint.h>

#include "agent/parts.h"
#include "base/cleanup.h"

/* what others hold is owned; what is held for this claim, or was bound for it before, is not */
static void mark(const struct pt_agent *a, struct pt_inv_host *h, const struct pt_claim *claim,
		 const struct pt_holds *holds, bool mine)
{
	for (size_t i = 0; i < h->n; i++) {
		const char *id = pt_holds_find(holds, h->v[i].bdf);
		const struct pt_domain *user = pt_agent_user(a, h->v[i].bdf);
		bool own = pt_streq(id, claim->id);

		if (id && !own)
			h->v[i].owner = (char *)(uintptr_t)id;
		if (own && mine && h->v[i].owner && (user || strstr(h->v[i].owner, "vfio")) &&
		    (!user || pt_streq(user->name, claim->holder) || pt_streq(user->uuid, claim->holder)))
			h->v[i].owner = NULL;
	}
}

int pt_agent_identity(const struct pt_agent *a, const struct pt_claim_device *given, struct pt_error *err)
{
	int64_t at = pt_inv_host_find(&a->facts, given->bdf);
	int64_t now = pt_claim_device_at(given, &a->facts);
	const struct pt_inv_device *d = at < 0 ? NULL : &a->facts.v[at];

	if (!d || pt_claim_device_is(given, d))
		return 0;
	(void)pt_refuse(err, "identity",
			"%s is another card now (%04x:%04x%s%s): the claim was given %04x:%04x%s%s%s%s",
			pt_bdf_str(given->bdf).s, d->vendor, d->product, d->serial ? ", serial number " : "",
			d->serial ? d->serial : "", given->vendor, given->product,
			given->serial ? ", serial number " : "", given->serial ? given->serial : "",
			now < 0 ? "" : ", which is at ", now < 0 ? "" : pt_bdf_str(a->facts.v[now].bdf).s);
	return -EPERM;
}

static int check_one(const struct pt_agent *a, const struct pt_view *view, const struct pt_claim *claim,
		     const struct pt_holds *holds, struct pt_bdf bdf, struct pt_error *err)
{
	struct pt_bdf_text name = pt_bdf_str(bdf);
	const char *network = pt_claim_network(claim);
	int64_t at = pt_inv_host_find(view->host, bdf);

	if (!pt_streq(pt_holds_find(holds, bdf), claim->id))
		return pt_refuse(err, "claim-not-held", "%s is named by the claim and not held by it (held/%s)", name.s,
				 a->host);
	if (at < 0)
		return pt_refuse(err, "device-gone", "%s is no device of %s (any more)", name.s, a->host);
	if (view->spec[at] < 0)
		return pt_refuse(err, "claim-not-offered", "%s is not offered by the device_spec of %s", name.s,
				 a->host);
	if (network && !pt_inv_host_network(view->host, network))
		return pt_refuse(err, "claim-network", "%s is claimed for network %s, and %s has no [network %s]",
				 name.s, network, a->host, network);
	if (network && !pt_view_in_network(view, (size_t)at, network))
		return pt_refuse(err, "claim-network",
				 "%s is claimed for network %s, and is no virtual function on its cables by the "
				 "device_spec of %s",
				 name.s, network, a->host);
	if (pt_agent_is_changed(&view->host->v[at]))
		return pt_say(err, -EAGAIN, "%s is in the hands of %s", name.s, view->host->v[at].owner);
	if (view->host->v[at].owner)
		return pt_refuse(err, "claim-not-free", "%s is not free on %s: %s has it", name.s, a->host,
				 view->host->v[at].owner);
	if (!pt_view_is_free(view, (size_t)at))
		return pt_refuse(err, "claim-not-free", "%s is not free on %s: %s", name.s, a->host,
				 view->host->v[at].type == PT_DEV_VF ? "its physical function is in use"
								     : "a virtual function of it is in use");
	return 0;
}

/* a PF and a VF of it in one claim */
static int check_pairs(const struct pt_inv_host *h, const struct pt_claim *c, struct pt_error *err)
{
	for (size_t i = 0; i < c->devices.n; i++)
		for (size_t k = 0; k < c->devices.n; k++) {
			int64_t at = pt_inv_host_find(h, c->devices.v[i].bdf);

			if (at >= 0 && h->v[at].has_parent && pt_bdf_eq(h->v[at].parent, c->devices.v[k].bdf))
				return pt_refuse(err, "claim-pf-and-vf",
						 "%s is a virtual function of %s: one or the other",
						 pt_bdf_str(c->devices.v[i].bdf).s, pt_bdf_str(c->devices.v[k].bdf).s);
		}
	return 0;
}

int pt_agent_check(const struct pt_agent *a, const struct pt_claim *claim, const struct pt_holds *holds, bool mine,
		   struct pt_error *err)
{
	/* a copy whose owners are borrowed */
	struct pt_inv_host h = a->facts;
	PT_AUTO(pt_view) view = { 0 };
	int r;

	if (!claim->devices.n)
		return pt_refuse(err, "claim-empty", "the claim names no device");
	h.v = pt_alloc((h.n + 1) * sizeof(*h.v));
	for (size_t i = 0; i < h.n; i++)
		h.v[i] = a->facts.v[i];
	mark(a, &h, claim, holds, mine);
	r = pt_view_make(&a->rules, &h, &view, err);
	if (r == 0)
		r = check_pairs(&h, claim, err);
	for (size_t i = 0; i < claim->devices.n && r == 0; i++)
		r = check_one(a, &view, claim, holds, claim->devices.v[i].bdf, err);
	for (size_t i = 0; i < claim->devices.n && r == 0; i++)
		r = pt_agent_identity(a, &claim->devices.v[i], err);
	free(h.v);
	return r;
}
