/* SPDX-License-Identifier: Apache-2.0 */
/* device_spec against the devices of a host; the header is decide/spec.h. */
#include "decide/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* what Nova asks sysfs for: sriov_totalvfs above 0 */
static bool is_pf(const struct pt_inv_host *host, struct pt_bdf bdf)
{
	int64_t at = pt_inv_host_find(host, bdf);

	if (at < 0)
		return pt_inv_host_is_parent(host, bdf);
	if (host->v[at].totalvfs != PT_NOT_GIVEN)
		return host->v[at].totalvfs > 0;
	return host->v[at].type == PT_DEV_PF;
}

static void bind_devname(const struct pt_spec *s, const struct pt_inv_host *host, struct pt_bound *b)
{
	for (size_t i = 0; i < host->n && !b->known; i++) {
		const struct pt_inv_device *d = &host->v[i];

		if (pt_streq(d->ifname, s->devname)) {
			b->known = true;
			b->bdf = d->bdf;
		} else if (d->has_parent && pt_streq(d->parent_ifname, s->devname)) {
			b->known = true;
			b->bdf = d->parent;
		}
	}
	b->pf = b->known && is_pf(host, b->bdf);
}

/* the ids of a PF's VFs: as the facts tell, or as one of the VFs shows; PT_NOT_GIVEN */
static int vf_product(const struct pt_inv_host *host, struct pt_bdf pf, const struct pt_inv_device **ret_vf)
{
	int64_t at = pt_inv_host_find(host, pf);

	*ret_vf = NULL;
	for (size_t i = 0; i < host->n && !*ret_vf; i++)
		if (host->v[i].has_parent && pt_bdf_eq(host->v[i].parent, pf))
			*ret_vf = &host->v[i];
	if (at >= 0 && host->v[at].vf_product != PT_NOT_GIVEN)
		return host->v[at].vf_product;
	return *ret_vf ? (*ret_vf)->product : PT_NOT_GIVEN;
}

/*
 * VFs tagged remote_managed are handed out, PFs never: a spec that names a PF must mean its VFs, by their own product
 * id.
 */
static int check_remote(const struct pt_spec *s, const struct pt_inv_host *host, const struct pt_bound *b,
			struct pt_error *err)
{
	const struct pt_inv_device *vf;
	const struct pt_inv_device *pf;
	int64_t at;
	int vendor;
	int vfs;

	if (!b->known)
		return pt_usage(err, -EINVAL, "device_spec %s (%s): remote_managed, but host %s has no interface '%s'",
				s->shown, s->where, host->name, s->devname);
	if (!b->pf)
		return 0;
	at = pt_inv_host_find(host, b->bdf);
	vfs = vf_product(host, b->bdf, &vf);
	pf = at >= 0 ? &host->v[at] : NULL;
	/* VFs have their PF's vendor id */
	vendor = pf ? pf->vendor : vf ? vf->vendor : PT_SPEC_NEVER;
	if (s->vendor != PT_SPEC_ANY && s->vendor != vendor)
		return pt_usage(err, -EINVAL, "device_spec %s (%s): vendor_id is not that of %s on host %s, %04x",
				s->shown, s->where, pt_bdf_str(b->bdf).s, host->name, (unsigned)vendor);
	if (s->product != PT_SPEC_ANY && s->product == vfs)
		return 0;
	if (s->product == PT_SPEC_ANY || (pf && s->product == pf->product))
		return pt_usage(err, -EINVAL,
				"device_spec %s (%s): %s of host %s is a PF, and a PF cannot be remote_managed; name "
				"its VFs by their own product_id",
				s->shown, s->where, pt_bdf_str(b->bdf).s, host->name);
	/* a PF that has no VFs yet, of which nobody knows what they will be */
	if (vfs == PT_NOT_GIVEN)
		return 0;
	return pt_usage(err, -EINVAL,
			"device_spec %s (%s): these ids are not those of the VFs of %s on host %s, which are %04x:%04x",
			s->shown, s->where, pt_bdf_str(b->bdf).s, host->name, (unsigned)vendor, (unsigned)vfs);
}

int pt_specs_bind(const struct pt_specs *specs, const struct pt_inv_host *host, struct pt_bound **ret_bound,
		  struct pt_error *err)
{
	pt_autofree struct pt_bound *bound = pt_alloc((specs->n + 1) * sizeof(*bound));

	for (size_t i = 0; i < specs->n; i++) {
		const struct pt_spec *s = &specs->v[i];
		int r = 0;

		if (s->by == PT_SPEC_DEVNAME) {
			bind_devname(s, host, &bound[i]);
		} else {
			bound[i].known = true;
			/* an address that sysfs would not spell so is not found there, and then is no PF */
			bound[i].pf = s->single && pt_bdf_parse(s->text, &bound[i].bdf) == 0 &&
				      strcmp(pt_bdf_str(bound[i].bdf).s, s->text) == 0 && is_pf(host, bound[i].bdf);
		}
		if (s->remote_managed)
			r = check_remote(s, host, &bound[i], err);
		if (r < 0)
			return r;
	}
	*ret_bound = pt_take_ptr(bound);
	return 0;
}

static bool glob_match(const struct pt_spec *s, struct pt_bdf bdf)
{
	const int have[4] = { (int)bdf.domain, bdf.bus, bdf.slot, bdf.func };

	for (size_t i = 0; i < 4; i++)
		if (s->fields[i] != PT_SPEC_ANY && s->fields[i] != have[i])
			return false;
	return true;
}

static int regex_match(const struct pt_spec *s, struct pt_bdf bdf, struct pt_error *err)
{
	char have[4][12];

	(void)snprintf(have[0], sizeof(have[0]), "%04x", bdf.domain);
	(void)snprintf(have[1], sizeof(have[1]), "%02x", bdf.bus);
	(void)snprintf(have[2], sizeof(have[2]), "%02x", bdf.slot);
	(void)snprintf(have[3], sizeof(have[3]), "%x", bdf.func);
	for (size_t i = 0; i < 4; i++) {
		int r = pt_regex_match(s->regex[i], have[i]);

		if (r == -ETIME)
			return pt_usage(
				err, r,
				"device_spec %s (%s): a regular expression of its address does not come to an end "
				"on '%s'; write it without nested repeats",
				s->shown, s->where, have[i]);
		if (r <= 0)
			return r;
	}
	return 1;
}

static int address_match(const struct pt_spec *s, const struct pt_bound *b, struct pt_bdf bdf, struct pt_error *err)
{
	if (s->by == PT_SPEC_DEVNAME)
		return pt_bdf_eq(b->bdf, bdf);
	return s->by == PT_SPEC_REGEX ? regex_match(s, bdf, err) : glob_match(s, bdf);
}

int pt_spec_match(const struct pt_spec *s, const struct pt_bound *b, const struct pt_inv_device *d,
		  struct pt_error *err)
{
	int r = 0;

	if (!b->known || (s->vendor != PT_SPEC_ANY && s->vendor != d->vendor) ||
	    (s->product != PT_SPEC_ANY && s->product != d->product))
		return 0;
	/* without the card's serial the network's backend could not tell which card to program */
	if (s->remote_managed && !(d->card_serial && *d->card_serial))
		return 0;
	if (b->pf && d->has_parent)
		r = address_match(s, b, d->parent, err);
	return r ? r : address_match(s, b, d->bdf, err);
}

int pt_spec_node(const struct pt_spec *s, const struct pt_inv_device *d)
{
	const struct pt_value *tag = pt_value_get(&s->tags, "numa_node");

	if (!tag)
		return d->numa_node;
	if (tag->kind == PT_VALUE_NULL)
		return PT_NOT_GIVEN;
	if (tag->kind == PT_VALUE_BOOL)
		return tag->truth;
	return tag->kind == PT_VALUE_INT && tag->number >= 0 && tag->number < PT_NODE_NOWHERE ? (int)tag->number
											      : PT_NODE_NOWHERE;
}

int64_t pt_specs_first(const struct pt_specs *specs, const struct pt_bound *bound, const struct pt_inv_device *device,
		       struct pt_error *err)
{
	for (size_t i = 0; i < specs->n; i++) {
		int r = pt_spec_match(&specs->v[i], &bound[i], device, err);

		if (r)
			return r < 0 ? r : (int64_t)i;
	}
	return -ENOENT;
}
