/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/pools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/placenames.h"

int pt_rules_compile(const struct pt_pci_config *config, struct pt_rules *ret_rules, bool *ret_alias_wrong,
		     struct pt_error *err)
{
	PT_AUTO(pt_rules)
	rules = { .report_in_placement = config->report_in_placement, .pci_in_placement = config->pci_in_placement };
	int r = pt_specs_compile(config, &rules.specs, err);

	if (ret_alias_wrong)
		*ret_alias_wrong = r == 0;
	r = r < 0 ? r : pt_pci_aliases_compile(config, &rules.aliases, err);
	if (r < 0)
		return r;
	*ret_rules = pt_take(rules);
	return 0;
}

void pt_rules_done(struct pt_rules *rules)
{
	pt_specs_done(&rules->specs);
	pt_pci_aliases_done(&rules->aliases);
}

/* the address that a device shares with its relatives */
static struct pt_bdf family_of(const struct pt_inv_device *d)
{
	return d->has_parent && (d->type == PT_DEV_VF || d->type == PT_DEV_VDPA) ? d->parent : d->bdf;
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_family *)a)->bdf, ((const struct pt_family *)b)->bdf);
}

static void count_family(struct pt_view *v, size_t i)
{
	const struct pt_inv_device *d = &v->host->v[i];
	struct pt_family *f = &v->families[v->family[i]];

	if (pt_bdf_eq(f->bdf, d->bdf)) {
		f->pf = (int64_t)i;
		f->pf_owned = d->owner != NULL;
	} else if (d->owner) {
		f->owned_vfs++;
	} else {
		f->free_vfs++;
	}
}

static void make_families(struct pt_view *v)
{
	size_t n = v->host->n;

	v->families = pt_alloc((n + 1) * sizeof(*v->families));
	for (size_t i = 0; i < n; i++)
		v->families[i] = (struct pt_family){ .bdf = family_of(&v->host->v[i]), .pf = -1 };
	if (n)
		qsort(v->families, n, sizeof(*v->families), by_address);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !pt_bdf_eq(v->families[i].bdf, v->families[v->n_families - 1].bdf))
			v->families[v->n_families++] = v->families[i];
	for (size_t i = 0; i < n; i++) {
		const struct pt_family key = { .bdf = family_of(&v->host->v[i]) };
		const struct pt_family *f = bsearch(&key, v->families, v->n_families, sizeof(key), by_address);

		v->family[i] = (uint32_t)(f - v->families);
		count_family(v, i);
	}
}

int pt_view_make(const struct pt_rules *rules, const struct pt_inv_host *host, struct pt_view *ret_view,
		 struct pt_error *err)
{
	PT_AUTO(pt_view) view = { .rules = rules, .host = host };
	pt_autofree struct pt_bound *bound = NULL;
	int r = pt_specs_bind(&rules->specs, host, &bound, err);

	if (r < 0)
		return r;
	view.spec = pt_alloc((host->n + 1) * sizeof(*view.spec));
	view.node = pt_alloc((host->n + 1) * sizeof(*view.node));
	view.family = pt_alloc((host->n + 1) * sizeof(*view.family));
	for (size_t i = 0; i < host->n; i++) {
		int64_t spec = pt_specs_first(&rules->specs, bound, &host->v[i], err);

		if (spec < 0 && spec != -ENOENT)
			return (int)spec;
		view.spec[i] = spec < 0 ? -1 : (int32_t)spec;
		view.node[i] = spec < 0 ? host->v[i].numa_node : pt_spec_node(&rules->specs.v[spec], &host->v[i]);
	}
	make_families(&view);
	*ret_view = view;
	view = (struct pt_view){ 0 };
	return 0;
}

void pt_view_done(struct pt_view *view)
{
	free(view->spec);
	free(view->node);
	free(view->family);
	free(view->families);
	*view = (struct pt_view){ 0 };
}

const char *pt_stage_str(enum pt_stage stage)
{
	static const char *const names[] = { "spec", "pf", "vdpa", "remote-managed", "placement", "in-use", "numa" };

	return names[stage];
}

bool pt_view_is_free(const struct pt_view *view, size_t device)
{
	const struct pt_family *f = &view->families[view->family[device]];

	if (view->host->v[device].owner)
		return false;
	return f->pf == (int64_t)device ? f->owned_vfs == 0 : !f->pf_owned;
}

static bool text_serves(const struct pt_value *want, const char *have)
{
	return want->kind == PT_VALUE_STRING && pt_text_same_nocase(want->text, have);
}

/* properties that every device has, under the names of Nova's pool keys; -1 when @key is none of them */
static int native_serves(const struct pt_inv_device *d, const char *key, const struct pt_value *want)
{
	char id[8];

	if (strcmp(key, "vendor_id") == 0 || strcmp(key, "product_id") == 0) {
		(void)snprintf(id, sizeof(id), "%04x", key[0] == 'v' ? d->vendor : d->product);
		return text_serves(want, id);
	}
	if (strcmp(key, "dev_type") == 0)
		return text_serves(want, pt_dev_type_str(d->type));
	if (strcmp(key, "numa_node") == 0) {
		struct pt_value node = { .kind = d->numa_node < 0 ? PT_VALUE_NULL : PT_VALUE_INT,
					 .number = d->numa_node };

		return pt_value_serves(want, &node);
	}
	if (strcmp(key, "address") == 0)
		return text_serves(want, pt_bdf_str(family_of(d)).s);
	if (strcmp(key, "parent_ifname") == 0 && d->parent_ifname && *d->parent_ifname)
		return text_serves(want, d->parent_ifname);
	return -1;
}

bool pt_view_serves(const struct pt_view *view, size_t device, const char *key, const struct pt_value *want)
{
	const struct pt_inv_device *d = &view->host->v[device];
	const struct pt_value *tag = pt_value_get(&view->rules->specs.v[view->spec[device]].tags, key);
	int r = -1;

	/* a tag of the same name takes the place of what the device says, but for these, which are filled in after it
	 */
	if (!tag || strcmp(key, "parent_ifname") == 0)
		r = native_serves(d, key, want);
	if (r >= 0)
		return r;
	/* network functions are not remote_managed unless they say so */
	if (strcmp(key, "remote_managed") == 0 && d->type != PT_DEV_PCI && (!tag || tag->kind == PT_VALUE_NULL))
		return text_serves(want, "false");
	return pt_value_serves(want, tag);
}

/* matched elsewhere: by Placement */
static bool is_ignored(const char *key)
{
	return strcmp(key, "resource_class") == 0 || strcmp(key, "traits") == 0 || strcmp(key, "rp_uuids") == 0;
}

static bool spec_matches(const struct pt_view *view, size_t device, const struct pt_value *spec)
{
	for (size_t i = 0; i < spec->n; i++)
		if (!is_ignored(spec->keys[i]) && !pt_view_serves(view, device, spec->keys[i], &spec->items[i]))
			return false;
	return true;
}

/* one of the alternatives asks for this */
static bool asks_type(const struct pt_ask *ask, const char *type)
{
	for (size_t i = 0; i < ask->n_specs; i++) {
		const struct pt_value *v = pt_value_get(&ask->specs[i], "dev_type");

		if (v && pt_streq(v->text, type))
			return true;
	}
	return false;
}

static bool asks_remote(const struct pt_ask *ask)
{
	for (size_t i = 0; i < ask->n_specs; i++)
		if (pt_bool_of(pt_value_get(&ask->specs[i], "remote_managed")) == 1)
			return true;
	return false;
}

/* the class and traits that Placement would have asked for, of the provider that stands for the device */
static bool placement_serves(const struct pt_view *view, size_t device, const struct pt_ask *ask)
{
	const struct pt_spec *s = &view->rules->specs.v[view->spec[device]];
	const struct pt_inv_device *d = &view->host->v[device];
	const struct pt_value *class = pt_value_get(&ask->specs[0], "resource_class");
	const struct pt_value *traits = pt_value_get(&ask->specs[0], "traits");
	const struct pt_value *vendor = pt_value_get(&ask->specs[0], "vendor_id");
	const struct pt_value *product = pt_value_get(&ask->specs[0], "product_id");
	pt_autofree char *have = pt_resource_class(s->resource_class, d->vendor, d->product);
	pt_autofree char *want = NULL;
	PT_AUTO(pt_strv) has = { 0 };
	PT_AUTO(pt_strv) needs = { 0 };

	if (s->physical_network)
		return false;
	if (class && class->text)
		want = pt_resource_class(class->text, 0, 0);
	else
		want = pt_resource_class(NULL, (uint16_t)strtoul(vendor && vendor->text ? vendor->text : "", NULL, 16),
					 (uint16_t)strtoul(product && product->text ? product->text : "", NULL, 16));
	pt_traits_read(s->traits, &has);
	pt_traits_read(traits ? traits->text : NULL, &needs);
	for (size_t i = 0; i < needs.n; i++)
		if (!pt_strv_has(&has, needs.v[i]))
			return false;
	return strcmp(have, want) == 0;
}

static bool in_placement(const struct pt_view *view, size_t device, const struct pt_ask *ask)
{
	const char *rp = view->host->v[device].rp_uuid;

	/* a request without an alias is a network port's: its device is not Placement's matter */
	if (!ask->alias || !ask->n_specs || ask->network)
		return true;
	if (ask->rp_uuids.n)
		return rp && pt_strv_has(&ask->rp_uuids, rp);
	return !view->rules->pci_in_placement || placement_serves(view, device, ask);
}

static bool is_remote(const struct pt_view *view, size_t device)
{
	return view->rules->specs.v[view->spec[device]].remote_managed;
}

/* the type that pools are told apart by: a tag dev_type takes the place of the device's own */
static bool is_type(const struct pt_view *view, size_t device, const char *type)
{
	const struct pt_value *tag = pt_value_get(&view->rules->specs.v[view->spec[device]].tags, "dev_type");

	return tag ? tag->kind == PT_VALUE_STRING && strcmp(tag->text, type) == 0
		   : strcmp(pt_dev_type_str(view->host->v[device].type), type) == 0;
}

/* of a class that is not told only the type says what it is */
static bool may_be_network(uint32_t class_code)
{
	return class_code == 0 || class_code >> 16 == 0x02;
}

bool pt_view_in_network(const struct pt_view *view, size_t device, const char *network)
{
	const struct pt_inv_device *d = &view->host->v[device];
	const struct pt_inv_network *n = pt_inv_host_network(view->host, network);
	const struct pt_value *tag;

	if (!n || d->type != PT_DEV_VF || !may_be_network(d->class_code) || view->spec[device] < 0)
		return false;
	tag = pt_value_get(&view->rules->specs.v[view->spec[device]].tags, "physical_network");
	return !n->physical_network ||
	       (tag && tag->kind == PT_VALUE_STRING && strcmp(tag->text, n->physical_network) == 0);
}

enum pt_stage pt_view_stage(const struct pt_view *view, size_t device, const struct pt_ask *ask)
{
	size_t i = 0;

	if (view->spec[device] < 0 || (ask->network && !pt_view_in_network(view, device, ask->network)))
		return PT_STAGE_SPEC;
	while (i < ask->n_specs && !spec_matches(view, device, &ask->specs[i]))
		i++;
	if (i == ask->n_specs)
		return PT_STAGE_SPEC;
	if (is_type(view, device, "type-PF") && !asks_type(ask, "type-PF"))
		return PT_STAGE_PF;
	if (is_type(view, device, "vdpa") && !asks_type(ask, "vdpa"))
		return PT_STAGE_VDPA;
	if (is_remote(view, device) && !asks_remote(ask))
		return PT_STAGE_REMOTE_MANAGED;
	if (!in_placement(view, device, ask))
		return PT_STAGE_PLACEMENT;
	return pt_view_is_free(view, device) ? PT_STAGE_OK : PT_STAGE_IN_USE;
}
