/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/twin.h"

#include <errno.h>

#include "base/cleanup.h"
#include "decide/judge.h"

static const char *physnet_of(const struct pt_twin_ask *ask, const struct pt_device *d)
{
	size_t i = (size_t)(d - ask->there->v);

	return i < ask->physnets->n ? ask->physnets->v[i] : "";
}

/* a card that is given as a whole takes its virtual functions along; NULL: no VM has one of them */
static const char *has_vf_of(const struct pt_twin_ask *ask, const struct pt_device *pf, struct pt_bdf *ret_vf)
{
	for (size_t i = 0; i < ask->there->n; i++) {
		const struct pt_device *vf = &ask->there->v[i];

		if (vf->sriov != PT_SRIOV_VF || !pt_bdf_eq(vf->pf, pf->bdf))
			continue;
		for (size_t k = 0; k < ask->vms->n; k++)
			if (pt_judge_holds(&ask->vms->v[k], vf->bdf)) {
				*ret_vf = vf->bdf;
				return ask->vms->v[k].name;
			}
	}
	return NULL;
}

/* why it cannot be had; NULL when it can, as far as is known; the caller frees */
static char *why_not(const struct pt_twin_ask *ask, const struct pt_device *d)
{
	const struct pt_device *pf = d->sriov == PT_SRIOV_VF ? pt_devices_find(ask->there, d->pf) : NULL;
	struct pt_bdf vf = { 0 };
	const char *vm = has_vf_of(ask, d, &vf);

	if (vm)
		return pt_strf("VM %s has its virtual function %s", vm, pt_bdf_str(vf).s);
	for (size_t i = 0; i < ask->vms->n; i++) {
		if (pt_judge_holds(&ask->vms->v[i], d->bdf))
			return pt_strf("VM %s has it", ask->vms->v[i].name);
		if (pf && pt_judge_holds(&ask->vms->v[i], pf->bdf))
			return pt_strf("VM %s has its physical function %s as a whole", ask->vms->v[i].name,
				       pt_bdf_str(pf->bdf).s);
	}
	for (size_t i = 0; i < ask->n_taken; i++)
		if (pt_bdf_eq(ask->taken[i], d->bdf))
			return pt_strdup("another of the VM's goes there");
	if (pf && pt_device_is_vfio(pf))
		return pt_strf("its physical function %s is held by %s", pt_bdf_str(pf->bdf).s, pf->driver);
	return NULL;
}

/* what that host lives on is seen by this alone: an interface that is up; NULL: it is not; the caller frees */
static char *why_in_use(const struct pt_twin_ask *ask, const struct pt_device *d)
{
	pt_autofree char *names = NULL;

	if (ask->in_use)
		return NULL;
	names = pt_strv_join(&d->netdevs, ", ");
	if (d->up)
		return pt_strf("its interface %s is up there", names);
	/* it and all of them would go */
	for (size_t i = 0; d->sriov != PT_SRIOV_VF && i < ask->there->n; i++) {
		const struct pt_device *vf = &ask->there->v[i];

		if (vf->sriov == PT_SRIOV_VF && pt_bdf_eq(vf->pf, d->bdf) && vf->up)
			return pt_strf("the interface %s of its virtual function %s is up there", vf->netdevs.v[0],
				       pt_bdf_str(vf->bdf).s);
	}
	return NULL;
}

static int in_use(const struct pt_twin_ask *ask, const struct pt_device *d, const char *why, struct pt_error *err)
{
	int r = pt_refuse(err, "twin-in-use", "%s of %s may be what that host lives on: %s", pt_bdf_str(d->bdf).s,
			  ask->where, why);

	pt_refused_by(err, "twin-in-use", true);
	pt_hint(err,
		"name another one; where nothing there needs it: `ip link set %s down` there, or "
		"--force-twin-in-use",
		d->netdevs.n ? d->netdevs.v[0] : "INTERFACE");
	return r;
}

/* what the guest will see of it, said before anything moves */
static void tell_picked(const struct pt_twin_ask *ask, const struct pt_device *d, struct pt_findings *findings)
{
	const struct pt_device *pf = d->sriov == PT_SRIOV_VF ? pt_devices_find(ask->there, d->pf) : NULL;

	if (d->netdevs.n)
		pt_findings_add(findings, d->up ? PT_WARN : PT_NOTE, "twin-interface", ask->where, NULL,
				"%s there has the network interface %s, which %s: what that host uses it for is not "
				"seen from here",
				pt_bdf_str(d->bdf).s, d->netdevs.v[0], d->up ? "is up" : "is down");
	if (pt_device_is_vfio(d))
		pt_findings_add(findings, PT_WARN, "twin-vfio", ask->where, NULL,
				"%s holds %s there, for no VM that is seen: if a program has it open, libvirt cannot "
				"give it to the VM",
				d->driver, pt_bdf_str(d->bdf).s);
	if (pf && pf->netdevs.n && !pf->up)
		pt_findings_add(findings, PT_WARN, "twin-link", ask->where, NULL,
				"the interface %s of its physical function is down there: %s has no network before it "
				"is up",
				pf->netdevs.v[0], pt_bdf_str(d->bdf).s);
}

static int not_the_one(const struct pt_twin_ask *ask, struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s of %s cannot take the place of %s: %s", pt_bdf_str(*ask->only).s, ask->where,
			pt_bdf_str(ask->mine->bdf).s,
			ask->mine->sriov == PT_SRIOV_VF ? "it is no virtual function of a network card"
							: "it is no network card that is given as a whole");
}

static int take_named(const struct pt_twin_ask *ask, struct pt_bdf *ret_bdf, struct pt_findings *findings,
		      struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(ask->there, *ask->only);
	bool vf = ask->mine->sriov == PT_SRIOV_VF;
	pt_autofree char *why = NULL;

	if (!d)
		return pt_usage(err, -ENOENT, "there is no %s at %s", pt_bdf_str(*ask->only).s, ask->where);
	if ((d->sriov == PT_SRIOV_VF) != vf || !pt_device_is_network(d))
		return not_the_one(ask, err);
	why = why_not(ask, d);
	if (why)
		return pt_refuse(err, "twin-taken", "%s of %s is not free: %s", pt_bdf_str(d->bdf).s, ask->where, why);
	why = why_in_use(ask, d);
	if (why)
		return in_use(ask, d, why, err);
	if (*ask->physnet && *physnet_of(ask, d) && !pt_streq(ask->physnet, physnet_of(ask, d)))
		return pt_refuse(err, "twin-other-network", "%s of %s is on %s, and %s here is on %s",
				 pt_bdf_str(d->bdf).s, ask->where, physnet_of(ask, d), pt_bdf_str(ask->mine->bdf).s,
				 ask->physnet);
	if (d->vendor != ask->mine->vendor || d->device != ask->mine->device)
		pt_findings_add(findings, PT_WARN, "twin-ids", ask->where, NULL,
				"%s there is %04x:%04x, and %s here %04x:%04x: the guest needs a driver for it, too",
				pt_bdf_str(d->bdf).s, d->vendor, d->device, pt_bdf_str(ask->mine->bdf).s,
				ask->mine->vendor, ask->mine->device);
	tell_picked(ask, d, findings);
	*ret_bdf = d->bdf;
	return 0;
}

static int cannot_choose(const struct pt_twin_ask *ask, struct pt_error *err)
{
	const char *mine = pt_bdf_str(ask->mine->bdf).s;
	int r;

	if (ask->mine->sriov != PT_SRIOV_VF) {
		r = pt_refuse(err, "twin-whole-card",
			      "%s is a whole card: which card of %s may be taken for its place is nothing to guess",
			      mine, ask->where);
		pt_hint(err, "name one that is spare there: --device ADDRESS");
		return r;
	}
	r = pt_refuse(err, "twin-unknown-network",
		      "which physical network %s is on is not known, so none of %s can be chosen", mine, ask->where);
	pt_hint(err, "name one of that host with --device ADDRESS; or say in device_spec what is on which network: "
		     "{ \"address\": …, \"physical_network\": … } is taken to be true of both hosts");
	return r;
}

static bool is_like(const struct pt_twin_ask *ask, const struct pt_device *d)
{
	return d->sriov == PT_SRIOV_VF && d->vendor == ask->mine->vendor && d->device == ask->mine->device &&
	       pt_streq(physnet_of(ask, d), ask->physnet);
}

static int none_free(const struct pt_twin_ask *ask, const struct pt_strv *why, struct pt_error *err)
{
	pt_autofree char *list = pt_strv_join(why, "; ");
	int r;

	if (why->n)
		r = pt_refuse(err, "twin-none-free", "no virtual function of %s on %s is free: %s", ask->where,
			      ask->physnet, list);
	else
		r = pt_refuse(err, "twin-none-free", "%s has no virtual function %04x:%04x on %s, as %s here is",
			      ask->where, ask->mine->vendor, ask->mine->device, ask->physnet,
			      pt_bdf_str(ask->mine->bdf).s);
	pt_hint(err,
		"`passthru sriov` there makes some; by this host's device_spec its cards are on a network; or name one "
		"with --device ADDRESS");
	return r;
}

size_t pt_twin_alike(const struct pt_twin_ask *ask, struct pt_bdf *ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < ask->there->n; i++) {
		const struct pt_device *d = &ask->there->v[i];
		pt_autofree char *why = NULL;

		if (d->vendor != ask->mine->vendor || d->device != ask->mine->device || d->sriov != ask->mine->sriov ||
		    pt_device_is_vfio(d))
			continue;
		why = why_not(ask, d);
		if (!why)
			why = why_in_use(ask, d);
		if (!why && n++ == 0)
			*ret_first = d->bdf;
	}
	return n;
}

int pt_twin_pick(const struct pt_twin_ask *ask, struct pt_bdf *ret_bdf, struct pt_findings *findings,
		 struct pt_error *err)
{
	PT_AUTO(pt_strv) taken = { 0 };
	const struct pt_device *best = NULL;

	if (ask->only)
		return take_named(ask, ret_bdf, findings, err);
	if (ask->mine->sriov != PT_SRIOV_VF || !*ask->physnet)
		return cannot_choose(ask, err);
	for (size_t i = 0; i < ask->there->n; i++) {
		const struct pt_device *d = &ask->there->v[i];
		pt_autofree char *why = NULL;

		if (!is_like(ask, d))
			continue;
		/* which of them passthru, or somebody, keeps there for another purpose is not known */
		why = pt_device_is_vfio(d) ? pt_strf("%s holds it, for nobody that is seen", d->driver)
					   : why_not(ask, d);
		if (!why)
			why = why_in_use(ask, d);
		if (why)
			pt_strv_addf(&taken, "%s: %s", pt_bdf_str(d->bdf).s, why);
		else if (!best || (best->driver && !d->driver))
			best = d;
	}
	if (!best)
		return none_free(ask, &taken, err);
	tell_picked(ask, best, findings);
	*ret_bdf = best->bdf;
	return 0;
}
