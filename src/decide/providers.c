/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/providers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decide/placenames.h"

#define MANAGED "COMPUTE_MANAGED_PCI_DEVICE"

struct maker {
	const struct pt_view *view;
	const struct pt_placement *now;
	struct pt_providers *out;
};

static bool is_child(const struct pt_inv_device *d)
{
	return d->type == PT_DEV_VF || d->type == PT_DEV_VDPA;
}

static char *provider_name(const struct pt_inv_host *host, struct pt_bdf bdf)
{
	char *name = pt_strf("%s_%s", host->name, pt_bdf_str(bdf).s);

	for (char *p = name + strlen(host->name); *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

static void traits_of(const struct pt_spec *s, struct pt_strv *traits)
{
	pt_traits_read(s ? s->traits : NULL, traits);
	pt_strv_add(traits, MANAGED);
	pt_strv_add(traits, "OWNER_NOVA");
	if (s && s->live_migratable == 1)
		pt_strv_add(traits, "HW_PCI_LIVE_MIGRATABLE");
	if (s && s->one_time_use == 1)
		pt_strv_add(traits, "HW_PCI_ONE_TIME_USE");
	pt_strv_sort(traits);
}

static int both(const struct maker *m, const struct pt_inv_device *d, const struct pt_provider *p, struct pt_error *err)
{
	pt_autofree char *others = pt_strv_join(&p->devices, ", ");
	int r = pt_usage(
		err, -EINVAL,
		"host %s: %s and %s are a PF and its VFs, and both are configured; with report_in_placement only "
		"one of them is allowed",
		m->view->host->name, pt_bdf_str(d->bdf).s, others);

	pt_hint(err,
		"take the PF or its VFs out of device_spec; one that a guest has counts until the guest lets it go");
	return r;
}

static int same_as_siblings(const struct maker *m, const struct pt_inv_device *d, const struct pt_provider *p,
			    const char *class, const struct pt_strv *traits, struct pt_error *err)
{
	pt_autofree char *here = pt_strv_join(traits, ",");
	pt_autofree char *there = pt_strv_join(&p->traits, ",");

	if (strcmp(p->resource_class, class) != 0)
		return pt_usage(
			err, -EINVAL,
			"host %s: VF %s has resource class %s, its sibling %s has %s; VFs of one PF have the same",
			m->view->host->name, pt_bdf_str(d->bdf).s, class, p->devices.v[0], p->resource_class);
	if (strcmp(here, there) != 0)
		return pt_usage(err, -EINVAL,
				"host %s: VF %s has traits %s, its sibling %s has %s; VFs of one PF have the same",
				m->view->host->name, pt_bdf_str(d->bdf).s, here, p->devices.v[0], there);
	return 0;
}

static struct pt_provider *add_provider(const struct maker *m, const char *name)
{
	struct pt_provider *p = pt_array_add(m->out);

	p->name = pt_strdup(name);
	p->fate = m->now && pt_providers_find(&m->now->providers, name) ? PT_PROVIDER_KEEP : PT_PROVIDER_NEW;
	return p;
}

/* was the first device of this provider its own, or a child */
static bool has_parent_device(const struct pt_provider *p, struct pt_bdf rp)
{
	return p->devices.n && strcmp(p->devices.v[0], pt_bdf_str(rp).s) == 0;
}

/* a device that a guest has stays in Placement's view even when device_spec no longer offers it */
static const struct pt_spec *spec_of(const struct maker *m, size_t i)
{
	int32_t spec = m->view->spec[i];

	return spec < 0 ? NULL : &m->view->rules->specs.v[spec];
}

static char *class_of(const struct maker *m, const struct pt_inv_device *d, const struct pt_spec *s, const char *name)
{
	const struct pt_provider *was = m->now ? pt_providers_find(&m->now->providers, name) : NULL;

	if (!s && was && was->resource_class)
		return pt_strdup(was->resource_class);
	return pt_resource_class(s ? s->resource_class : NULL, d->vendor, d->product);
}

static int add_device(const struct maker *m, size_t i, struct pt_error *err)
{
	const struct pt_inv_device *d = &m->view->host->v[i];
	const struct pt_spec *s = spec_of(m, i);
	struct pt_bdf rp = is_child(d) ? d->parent : d->bdf;
	pt_autofree char *name = provider_name(m->view->host, rp);
	pt_autofree char *class = class_of(m, d, s, name);
	struct pt_provider *p = pt_providers_find(m->out, name);
	PT_AUTO(pt_strv) traits = { 0 };
	int r;

	if (is_child(d) && !d->has_parent)
		return pt_usage(err, -EINVAL, "host %s: %s is a %s, but its PF is not known", m->view->host->name,
				pt_bdf_str(d->bdf).s, pt_dev_type_str(d->type));
	if (is_child(d) && s && s->one_time_use != PT_NOT_GIVEN)
		return pt_usage(err, -EINVAL,
				"host %s: device_spec %s (%s) sets one_time_use for VF %s; it is for PFs and plain "
				"devices only",
				m->view->host->name, s->shown, s->where, pt_bdf_str(d->bdf).s);
	traits_of(s, &traits);
	if (p && (!is_child(d) || has_parent_device(p, rp)))
		return both(m, d, p, err);
	if (p && s) {
		r = same_as_siblings(m, d, p, class, &traits, err);
		if (r < 0)
			return r;
	}
	if (!p) {
		p = add_provider(m, name);
		p->resource_class = pt_take_ptr(class);
		pt_strv_copy(&p->traits, &traits);
	}
	pt_strv_add(&p->devices, pt_bdf_str(d->bdf).s);
	p->total++;
	if (d->owner)
		pt_provider_allocate(p, d->owner, pt_provider_amount(p, d->owner) + 1);
	if (d->owner && s && s->one_time_use == 1)
		p->reserved = p->total;
	return 0;
}

static int add_devices(const struct maker *m, struct pt_error *err)
{
	const struct pt_inv_host *host = m->view->host;

	/* what device_spec offers first: its siblings' class and traits are what kept ones are added to */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < host->n; i++) {
			const struct pt_spec *s = spec_of(m, i);
			int r = 0;

			if (pass == 0 && s && !s->physical_network)
				r = add_device(m, i, err);
			if (pass == 1 && !s && host->v[i].owner) {
				r = add_device(m, i, err);
				pt_strv_addf(&m->out->notes,
					     "%s is no longer offered by device_spec, but %s has it: it stays until it "
					     "is freed",
					     pt_bdf_str(host->v[i].bdf).s, host->v[i].owner);
			}
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static uint32_t used_of(const struct pt_provider *p)
{
	uint32_t used = 0;

	for (size_t i = 0; i < p->allocations.n; i++)
		used += p->allocations.v[i].amount;
	return used;
}

static void copy_provider(const struct pt_provider *from, struct pt_provider *to)
{
	pt_strset(&to->resource_class, from->resource_class);
	to->total = from->total;
	to->reserved = from->reserved;
	pt_strv_copy(&to->traits, &from->traits);
	for (size_t i = 0; i < from->allocations.n; i++)
		pt_provider_allocate(to, from->allocations.v[i].consumer, from->allocations.v[i].amount);
}

/* providers of ours whose devices are gone: removed when unused, else kept big enough for what is allocated */
static void add_gone(const struct maker *m)
{
	for (size_t i = 0; m->now && i < m->now->providers.n; i++) {
		const struct pt_provider *was = &m->now->providers.v[i];
		uint32_t used = used_of(was);
		struct pt_provider *p;

		if (!pt_strv_has(&was->traits, MANAGED) || pt_providers_find(m->out, was->name))
			continue;
		p = add_provider(m, was->name);
		copy_provider(was, p);
		if (!used) {
			p->fate = PT_PROVIDER_REMOVE;
			continue;
		}
		p->total = used > p->total ? used : p->total;
		pt_strv_addf(&m->out->notes,
			     "%s: its device is gone, but %u of it is allocated: it stays with a total of %u",
			     was->name, used, p->total);
	}
}

/* what Placement would refuse, or what stays from before: class in use, capacity below usage, reserved */
static int reconcile(const struct maker *m, struct pt_error *err)
{
	for (size_t i = 0; m->now && i < m->out->n; i++) {
		struct pt_provider *p = &m->out->v[i];
		const struct pt_provider *was = pt_providers_find(&m->now->providers, p->name);
		uint32_t used = was ? used_of(was) : 0;

		if (!was || p->fate == PT_PROVIDER_REMOVE)
			continue;
		if (used && was->resource_class && strcmp(was->resource_class, p->resource_class) != 0)
			return pt_usage(
				err, -EINVAL,
				"host %s: resource provider %s: %u of %s is allocated, so its class cannot become %s",
				m->view->host->name, p->name, used, was->resource_class, p->resource_class);
		if (used > p->total) {
			pt_strv_addf(&m->out->notes, "%s: %u allocated, but only %u there: its total is raised to %u",
				     p->name, used, p->total, used);
			p->total = used;
		}
		/* reserved is never lowered: a used-up device is the operator's to clean and to free */
		p->reserved = was->reserved > p->reserved ? was->reserved : p->reserved;
	}
	return 0;
}

/* make each known consumer's amount what its devices say */
static void heal(const struct maker *m)
{
	for (size_t i = 0; m->now && i < m->out->n; i++) {
		const struct pt_provider *p = &m->out->v[i];
		const struct pt_provider *was = pt_providers_find(&m->now->providers, p->name);

		for (size_t k = 0; p->devices.n && k < p->allocations.n; k++) {
			const struct pt_allocation *a = &p->allocations.v[k];
			uint32_t before = was ? pt_provider_amount(was, a->consumer) : 0;
			struct pt_healed *h;

			if (before == a->amount || !pt_strv_has(&m->now->consumers, a->consumer) ||
			    pt_strv_has(&m->now->moving, a->consumer))
				continue;
			h = pt_array_add(&m->out->healed);
			h->consumer = pt_strdup(a->consumer);
			h->provider = pt_strdup(p->name);
			h->resource_class = pt_strdup(p->resource_class);
			h->was = before;
			h->amount = a->amount;
		}
	}
}

static int refuse_disabling(const struct maker *m, struct pt_error *err)
{
	for (size_t i = 0; m->now && i < m->now->providers.n; i++)
		if (pt_strv_has(&m->now->providers.v[i].traits, MANAGED))
			return pt_usage(
				err, -EINVAL,
				"host %s: [pci] report_in_placement is off, but %s in Placement has trait %s: it "
				"cannot be disabled after it was enabled",
				m->view->host->name, m->now->providers.v[i].name, MANAGED);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pt_provider *)a)->name, ((const struct pt_provider *)b)->name);
}

int pt_providers_make(const struct pt_view *view, const struct pt_placement *now, struct pt_providers *ret,
		      struct pt_error *err)
{
	PT_AUTO(pt_providers) out = { 0 };
	const struct maker m = { view, now, &out };
	int r;

	if (!view->rules->report_in_placement)
		r = refuse_disabling(&m, err);
	else
		r = add_devices(&m, err);
	if (r < 0)
		return r;
	if (view->rules->report_in_placement) {
		add_gone(&m);
		r = reconcile(&m, err);
		if (r < 0)
			return r;
		heal(&m);
	}
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), by_name);
	*ret = out;
	out = (struct pt_providers){ 0 };
	return 0;
}

int pt_providers_check(const struct pt_view *view, struct pt_error *err)
{
	PT_AUTO(pt_providers) out = { 0 };

	return pt_providers_make(view, NULL, &out, err);
}
