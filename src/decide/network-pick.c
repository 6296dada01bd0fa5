/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual function of a network is free, and the MAC of a VM in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "decide/judge.h"
#include "decide/network.h"

static bool is_on(const struct pt_network_facts *f, struct pt_bdf bdf)
{
	for (size_t i = 0; i < f->n_on; i++)
		if (pt_bdf_eq(f->on[i], bdf))
			return true;
	return false;
}

static const struct pt_sriov *find_pf(const struct pt_network_facts *f, struct pt_bdf pf)
{
	for (size_t i = 0; i < f->n_pfs; i++)
		if (pt_bdf_eq(f->pfs[i].pf, pf))
			return &f->pfs[i];
	return NULL;
}

/* who else makes this PF's VFs; NULL: nobody that is known */
static const char *manager_of(const struct pt_network_facts *f, struct pt_bdf pf)
{
	for (size_t i = 0; f->managers && i < f->n_pfs; i++)
		if (pt_bdf_eq(f->pfs[i].pf, pf))
			return f->managers[i];
	return NULL;
}

static const struct pt_domain *holder(const struct pt_network_facts *f, struct pt_bdf bdf)
{
	if (pt_judge_holds(f->vm, bdf))
		return f->vm;
	for (size_t i = 0; i < f->others->n; i++)
		if (pt_judge_holds(&f->others->v[i], bdf))
			return &f->others->v[i];
	return NULL;
}

static bool is_candidate(const struct pt_network_facts *f, const struct pt_device *d)
{
	if (d->sriov != PT_SRIOV_VF || !pt_device_is_network(d) || !is_on(f, d->bdf))
		return false;
	return !f->only || pt_bdf_eq(*f->only, d->bdf) || pt_bdf_eq(*f->only, d->pf);
}

static char *why_pf(const struct pt_network_facts *f, const struct pt_device *vf)
{
	const struct pt_device *pf = pt_devices_find(&f->host->devices, vf->pf);
	const struct pt_domain *h = holder(f, vf->pf);
	const struct pt_sriov *sriov = find_pf(f, vf->pf);

	if (h)
		return pt_strf("VM %s has its physical function %s as a whole", h->name, pt_bdf_str(vf->pf).s);
	if (!pf || pt_device_is_vfio(pf))
		return pt_strf("its physical function %s is held for a guest", pt_bdf_str(vf->pf).s);
	if (sriov && sriov->link_why)
		return pt_strf("the network interface of its physical function %s tells nothing: %s",
			       pt_bdf_str(vf->pf).s, sriov->link_why);
	if (!sriov || !sriov->link.name)
		return pt_strf("its physical function %s has no network interface on this host", pt_bdf_str(vf->pf).s);
	/* whoever names it wants it all the same, and is told */
	if (!f->only && manager_of(f, vf->pf))
		return pt_strf("the virtual functions of %s are managed by %s", pt_bdf_str(vf->pf).s,
			       manager_of(f, vf->pf));
	return NULL;
}

/* why it cannot be had; NULL when it is free; the caller frees */
static char *why_not(const struct pt_network_facts *f, const struct pt_device *vf)
{
	const struct pt_domain *h = holder(f, vf->bdf);
	const struct pt_keep *keep = pt_keep_by_bdf(&f->host->reserved, vf->bdf);

	if (h)
		return pt_strf("VM %s has it", h->name);
	/*
	 * What is only remembered of an earlier VM is no reservation.  Who names the very function wants that one, as
	 * with a card that is reserved and attached: a claimed one waits like this for its VM.
	 */
	if (keep && pt_keep_at_boot(keep) && !(f->only && pt_bdf_eq(*f->only, vf->bdf)))
		return pt_strdup("it is reserved");
	for (size_t i = 0; i < f->host->uses.n; i++)
		if (pt_bdf_eq(f->host->uses.v[i].bdf, vf->bdf))
			return pt_strf("this host uses it: %s", f->host->uses.v[i].chain);
	if (vf->driver && !pt_device_is_vfio(vf) && !vf->netdevs.n)
		return pt_strf("held by %s without an interface here: it may be in another network namespace, a "
			       "container's",
			       vf->driver);
	if (vf->stuck)
		return pt_strdup("it is stuck: a write to it hangs");
	return why_pf(f, vf);
}

/* every cable that a network function of this host is on has a name only if device_spec gave it one */
static int no_card(const struct pt_network_facts *f, struct pt_error *err)
{
	const struct pt_network *n = f->network;
	int r;

	if (!n->physical_network) {
		r = pt_refuse(err, "network-no-card",
			      "network %s can be had on any card with virtual functions, and this host has "
			      "none",
			      n->name);
		pt_hint(err, "`passthru sriov` shows which card could have some");
		return r;
	}
	r = pt_refuse(err, "network-no-card", "network %s is on %s, and no card of this host is", n->name,
		      n->physical_network);
	pt_hint(err,
		"device_spec says which cards are: { \"address\": …, \"physical_network\": \"%s\" }; the network "
		"is in %s",
		n->physical_network, n->where);
	return r;
}

/* there are cards: what stands against each */
static int no_vf(const struct pt_network_facts *f, struct pt_error *err)
{
	PT_AUTO(pt_strv) cards = { 0 };
	pt_autofree char *list = NULL;
	struct pt_bdf first = { 0 };
	int r;

	for (size_t i = 0; i < f->host->devices.n; i++) {
		const struct pt_device *d = &f->host->devices.v[i];

		if (d->sriov != PT_SRIOV_PF || !pt_device_is_network(d) || !is_on(f, d->bdf))
			continue;
		if (!cards.n)
			first = d->bdf;
		pt_strv_add(&cards, pt_bdf_str(d->bdf).s);
	}
	if (!cards.n)
		return no_card(f, err);
	list = pt_strv_join(&cards, ", ");
	r = pt_refuse(err, "network-no-vf", "no card of network %s has a virtual function: %s", f->network->name, list);
	pt_hint(err, "`passthru sriov %s --vfs N` makes some", pt_bdf_str(first).s);
	return r;
}

static int none_free(const struct pt_network_facts *f, size_t n, struct pt_error *err)
{
	PT_AUTO(pt_strv) why = { 0 };
	pt_autofree char *list = NULL;
	bool managed = false;
	int r;

	for (size_t i = 0; i < f->host->devices.n; i++) {
		const struct pt_device *d = &f->host->devices.v[i];
		pt_autofree char *reason = is_candidate(f, d) ? why_not(f, d) : NULL;

		managed = managed || (reason && manager_of(f, d->pf));
		if (reason)
			pt_strv_addf(&why, "%s: %s", pt_bdf_str(d->bdf).s, reason);
	}
	list = pt_strv_join(&why, "; ");
	r = pt_refuse(err, "network-no-vf", "none of the %zu virtual function%s of network %s is free: %s", n,
		      n == 1 ? "" : "s", f->network->name, list);
	pt_hint(err, "`passthru detach` takes one from a VM; `passthru sriov` makes more while none is in use%s",
		managed ? "; one that somebody else manages is taken if it is named" : "");
	return r;
}

static int check_only(const struct pt_network_facts *f, struct pt_error *err)
{
	const struct pt_device *d = f->only ? pt_devices_find(&f->host->devices, *f->only) : NULL;
	int r;

	if (!f->only)
		return 0;
	if (!d || d->sriov == PT_SRIOV_NONE || !pt_device_is_network(d))
		return pt_usage(err, -EINVAL,
				"%s is neither a virtual function of a network card nor a card that has "
				"some",
				pt_bdf_str(*f->only).s);
	if (is_on(f, d->bdf))
		return 0;
	r = pt_usage(err, -EINVAL, "%s is not on network %s (%s)", pt_bdf_str(d->bdf).s, f->network->name,
		     f->network->physical_network);
	pt_hint(err, "device_spec's \"physical_network\" says which cards are");
	return r;
}

static void tell_node(const struct pt_network_facts *f, const struct pt_device *vf, struct pt_findings *findings)
{
	if (f->vm->nodes && vf->numa_node != PT_NUMA_NONE && !pt_domain_on_node(f->vm, vf->numa_node))
		pt_findings_add(findings, PT_WARN, "numa", "numa_node", NULL,
				"no virtual function of network %s is free on the NUMA node of VM %s (%s): %s is on "
				"node %d, and each access crosses over",
				f->network->name, f->vm->name, f->vm->nodes, pt_bdf_str(vf->bdf).s, vf->numa_node);
}

static void tell_manager(const struct pt_network_facts *f, const struct pt_device *vf, struct pt_findings *findings)
{
	pt_autofree char *fix =
		pt_strf("take %s out of that tool's settings, or there will be two masters", pt_bdf_str(vf->pf).s);
	const char *manager = manager_of(f, vf->pf);

	if (manager)
		pt_findings_add(findings, PT_WARN, "foreign-vfs", NULL, fix,
				"the virtual functions of %s are managed by %s", pt_bdf_str(vf->pf).s, manager);
}

int pt_network_pick(const struct pt_network_facts *f, struct pt_bdf *ret_vf, struct pt_findings *findings,
		    struct pt_error *err)
{
	const struct pt_device *best = NULL;
	size_t n = 0;
	int r = check_only(f, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < f->host->devices.n; i++) {
		const struct pt_device *d = &f->host->devices.v[i];
		pt_autofree char *reason = NULL;

		if (!is_candidate(f, d))
			continue;
		n++;
		reason = why_not(f, d);
		/* the list is by address: the first of the nearest */
		if (!reason &&
		    (!best || (pt_domain_on_node(f->vm, d->numa_node) && !pt_domain_on_node(f->vm, best->numa_node))))
			best = d;
	}
	if (!n)
		return no_vf(f, err);
	if (!best)
		return none_free(f, n, err);
	tell_node(f, best, findings);
	tell_manager(f, best, findings);
	*ret_vf = best->bdf;
	return 0;
}

/* FNV-1a, and what splitmix64 ends with, so that one changed letter changes every bit */
static uint64_t hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

static bool is_taken(const struct pt_strv *taken, const uint8_t mac[6])
{
	for (size_t i = 0; i < taken->n; i++)
		if (strcasecmp(taken->v[i], pt_mac_str(mac).s) == 0)
			return true;
	return false;
}

void pt_network_mac(const char *vm_uuid, const char *network, const struct pt_strv *taken, uint8_t ret_mac[6])
{
	uint64_t seed = hash(hash(hash(UINT64_C(0xcbf29ce484222325), vm_uuid), "/"), network);

	/* among more tries than there are addresses taken, one is free */
	for (size_t nth = 0; nth <= taken->n; nth++) {
		uint64_t h = mix(seed + nth);

		ret_mac[0] = 0x06;
		for (int i = 1; i < 6; i++)
			ret_mac[i] = (uint8_t)(h >> (8 * i));
		if (!is_taken(taken, ret_mac))
			return;
	}
}
