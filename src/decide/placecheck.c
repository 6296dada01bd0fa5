/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules once more, read from the other side: given an answer, is each device allowed, is each rule kept.  Shares
 * the reading of the configuration with the search, but none of its code that decides.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/place.h"

static int broken(struct pt_error *err, const struct pt_inv_device *d, const char *rule)
{
	return pt_refuse(err, "placement-broken", "%s was given, though %s", pt_bdf_str(d->bdf).s, rule);
}

static int64_t first_spec(const struct pt_rules *rules, const struct pt_bound *bound, const struct pt_inv_device *d)
{
	for (size_t i = 0; i < rules->specs.n; i++)
		if (pt_spec_match(&rules->specs.v[i], &bound[i], d, NULL) == 1)
			return (int64_t)i;
	return -1;
}

static int node_of(const struct pt_rules *rules, const struct pt_bound *bound, const struct pt_inv_device *d)
{
	int64_t at = first_spec(rules, bound, d);

	return at < 0 ? d->numa_node : pt_spec_node(&rules->specs.v[at], d);
}

static bool wants(const struct pt_ask *ask, const char *key, const char *value)
{
	for (size_t i = 0; i < ask->n_specs; i++) {
		const struct pt_value *v = pt_value_get(&ask->specs[i], key);

		if (v && v->kind == PT_VALUE_STRING && pt_text_same_nocase(v->text, value))
			return true;
	}
	return false;
}

/* what the device shows under a key of a request's spec */
static struct pt_value shown(const struct pt_inv_device *d, const struct pt_spec *s, const char *key)
{
	const struct pt_value *tag = pt_value_get(&s->tags, key);
	pt_autofree char *vendor = pt_strf("%04x", d->vendor);
	pt_autofree char *product = pt_strf("%04x", d->product);

	if (pt_streq(key, "parent_ifname") && d->parent_ifname && *d->parent_ifname)
		return pt_value_string(d->parent_ifname);
	if (tag && !(tag->kind == PT_VALUE_NULL && pt_streq(key, "remote_managed")))
		return pt_value_copy(tag);
	if (pt_streq(key, "vendor_id"))
		return pt_value_string(vendor);
	if (pt_streq(key, "product_id"))
		return pt_value_string(product);
	if (pt_streq(key, "dev_type"))
		return pt_value_string(pt_dev_type_str(d->type));
	if (pt_streq(key, "address"))
		return pt_value_string(pt_bdf_str(d->type >= PT_DEV_VF && d->has_parent ? d->parent : d->bdf).s);
	if (pt_streq(key, "remote_managed") && d->type != PT_DEV_PCI)
		return pt_value_string("false");
	if (pt_streq(key, "numa_node") && d->numa_node >= 0)
		return (struct pt_value){ .kind = PT_VALUE_INT, .number = d->numa_node };
	return (struct pt_value){ 0 };
}

static bool shows_type(const struct pt_inv_device *d, const struct pt_spec *s, const char *type)
{
	struct pt_value have = shown(d, s, "dev_type");
	bool same = have.kind == PT_VALUE_STRING && pt_streq(have.text, type);

	pt_value_done(&have);
	return same;
}

static bool one_spec_holds(const struct pt_inv_device *d, const struct pt_spec *s, const struct pt_value *want)
{
	for (size_t i = 0; i < want->n; i++) {
		const char *key = want->keys[i];
		struct pt_value have;
		bool ok;

		if (pt_streq(key, "resource_class") || pt_streq(key, "traits") || pt_streq(key, "rp_uuids"))
			continue;
		have = shown(d, s, key);
		ok = pt_value_serves(&want->items[i], &have);
		pt_value_done(&have);
		if (!ok)
			return false;
	}
	return true;
}

static int check_match(const struct pt_rules *rules, const struct pt_bound *bound, const struct pt_ask *ask,
		       const struct pt_inv_device *d, struct pt_error *err)
{
	int64_t at = first_spec(rules, bound, d);
	size_t i = 0;

	if (at < 0)
		return broken(err, d, "no device_spec offers it");
	while (i < ask->n_specs && !one_spec_holds(d, &rules->specs.v[at], &ask->specs[i]))
		i++;
	if (i == ask->n_specs)
		return broken(err, d, "it does not match what was asked for");
	if (d->owner)
		return broken(err, d, "it has an owner");
	if (shows_type(d, &rules->specs.v[at], "type-PF") && !wants(ask, "dev_type", "type-PF"))
		return broken(err, d, "it is a PF and none was asked for");
	if (shows_type(d, &rules->specs.v[at], "vdpa") && !wants(ask, "dev_type", "vdpa"))
		return broken(err, d, "it is a vdpa device and none was asked for");
	if (rules->specs.v[at].remote_managed && !wants(ask, "remote_managed", "true") &&
	    !wants(ask, "remote_managed", "1") && !wants(ask, "remote_managed", "yes") &&
	    !wants(ask, "remote_managed", "on") && !wants(ask, "remote_managed", "t") &&
	    !wants(ask, "remote_managed", "y"))
		return broken(err, d, "it is remote_managed and none was asked for");
	return 0;
}

static int socket_of(const struct pt_inv_host *host, int node)
{
	int socket = PT_NOT_GIVEN;

	for (size_t i = 0; i < host->n_cells; i++) {
		if (host->cells[i].socket == PT_NOT_GIVEN)
			return PT_NOT_GIVEN;
		if (host->cells[i].id == node)
			socket = host->cells[i].socket;
	}
	return socket;
}

static int check_numa(const struct pt_inv_host *host, const struct pt_ask *ask, const int *ids, size_t n,
		      const struct pt_inv_device *d, int node, struct pt_error *err)
{
	bool same_cell = n == 0;
	bool same_socket = false;

	for (size_t i = 0; i < n; i++) {
		int socket = socket_of(host, ids[i]);

		same_cell = same_cell || ids[i] == node;
		same_socket = same_socket ||
			      (node != PT_NOT_GIVEN && socket != PT_NOT_GIVEN && socket == socket_of(host, node));
	}
	if (same_cell || ask->policy == PT_NUMA_PREFERRED)
		return 0;
	if (ask->policy == PT_NUMA_SOCKET)
		return same_socket ? 0 : broken(err, d, "it is on another socket than the guest");
	if (ask->policy == PT_NUMA_REQUIRED || node != PT_NOT_GIVEN)
		return broken(err, d, "it is on another NUMA cell than the guest");
	return 0;
}

/* a device and its PF are not both in use, nor given */
static int check_family(const struct pt_inv_host *host, const struct pt_host_answer *a, const struct pt_inv_device *d,
			struct pt_error *err)
{
	for (size_t i = 0; i < host->n; i++) {
		const struct pt_inv_device *other = &host->v[i];
		bool used = other->owner != NULL;
		bool related = (d->type >= PT_DEV_VF && d->has_parent && pt_bdf_eq(d->parent, other->bdf)) ||
			       (other->type >= PT_DEV_VF && other->has_parent && pt_bdf_eq(other->parent, d->bdf));

		for (size_t g = 0; related && g < a->given.n; g++)
			used = used || pt_bdf_eq(a->given.v[g].bdf, other->bdf);
		if (related && used)
			return broken(err, d, "its PF, or a VF of it, is in use");
	}
	return 0;
}

static struct pt_bdf provider_of(const struct pt_inv_device *d)
{
	return d->type >= PT_DEV_VF && d->has_parent ? d->parent : d->bdf;
}

static int check_pairs(const struct pt_inv_host *host, const struct pt_request *request, const struct pt_host_answer *a,
		       struct pt_error *err)
{
	for (size_t i = 0; i < a->given.n; i++) {
		const struct pt_inv_device *d = &host->v[pt_inv_host_find(host, a->given.v[i].bdf)];

		for (size_t j = i + 1; j < a->given.n; j++) {
			const struct pt_inv_device *e = &host->v[pt_inv_host_find(host, a->given.v[j].bdf)];

			if (d == e)
				return broken(err, d, "it was given twice");
			if (request->isolate && pt_bdf_eq(provider_of(d), provider_of(e)))
				return broken(err, d, "another device of its resource provider is, too (isolate)");
		}
	}
	return 0;
}

/* from each provider listed as many as it is listed, and none from elsewhere; more only where the list is short */
static int check_providers(const struct pt_ask *ask, size_t i, const struct pt_inv_host *host,
			   const struct pt_host_answer *a, struct pt_error *err)
{
	uint32_t listed = 0;

	for (size_t u = 0; u < ask->rp_uuids.n; u++) {
		uint32_t want = 0;
		uint32_t got = 0;

		for (size_t k = 0; k < ask->rp_uuids.n; k++)
			want += pt_streq(ask->rp_uuids.v[k], ask->rp_uuids.v[u]);
		for (size_t g = 0; g < a->given.n; g++)
			got += a->given.v[g].request == i &&
			       pt_streq(host->v[pt_inv_host_find(host, a->given.v[g].bdf)].rp_uuid, ask->rp_uuids.v[u]);
		if (got < want || (ask->count == ask->rp_uuids.n && got > want))
			return pt_refuse(err, "placement-broken",
					 "request %zu wants %u of provider %s and was given %u", i, want,
					 ask->rp_uuids.v[u], got);
	}
	for (size_t g = 0; g < a->given.n; g++) {
		const char *rp = host->v[pt_inv_host_find(host, a->given.v[g].bdf)].rp_uuid;

		listed += a->given.v[g].request == i && rp && pt_strv_has(&ask->rp_uuids, rp);
	}
	return listed == ask->count
		       ? 0
		       : pt_refuse(err, "placement-broken", "request %zu was given a device of another provider", i);
}

static int check_counts(const struct pt_request *request, const struct pt_inv_host *host,
			const struct pt_host_answer *a, struct pt_error *err)
{
	for (size_t i = 0; i < request->asks.n; i++) {
		const struct pt_ask *ask = &request->asks.v[i];
		uint32_t n = 0;

		for (size_t g = 0; g < a->given.n; g++)
			n += a->given.v[g].request == i;
		if (n != ask->count)
			return pt_refuse(err, "placement-broken", "request %zu asks for %u devices and was given %u", i,
					 ask->count, n);
		if (ask->alias && ask->rp_uuids.n && check_providers(ask, i, host, a, err) < 0)
			return -EPERM;
	}
	return 0;
}

static int check_given(const struct pt_rules *rules, const struct pt_request *request, const struct pt_inv_host *host,
		       const struct pt_host_answer *a, const struct pt_bound *bound, struct pt_error *err)
{
	const struct pt_chosen_cells *cells = pt_request_cells(request, host->name);
	const int *ids = cells ? cells->ids : a->cells.v;
	size_t n_ids = cells ? cells->n : a->cells.n;
	int r = 0;

	for (size_t g = 0; g < a->given.n && r == 0; g++) {
		int64_t at = pt_inv_host_find(host, a->given.v[g].bdf);
		const struct pt_ask *ask;

		if (at < 0 || a->given.v[g].request >= request->asks.n)
			return pt_refuse(err, "placement-broken", "%s was given, which is not there",
					 pt_bdf_str(a->given.v[g].bdf).s);
		ask = &request->asks.v[a->given.v[g].request];
		r = check_match(rules, bound, ask, &host->v[at], err);
		r = r < 0 ? r
			  : check_numa(host, ask, ids, n_ids, &host->v[at], node_of(rules, bound, &host->v[at]), err);
		r = r < 0 ? r : check_family(host, a, &host->v[at], err);
	}
	return r;
}

int pt_place_verify(const struct pt_rules *rules, const struct pt_request *request, const struct pt_inv_host *host,
		    const struct pt_host_answer *answer, struct pt_error *err)
{
	pt_autofree struct pt_bound *bound = NULL;
	int r = pt_specs_bind(&rules->specs, host, &bound, err);

	r = r < 0 ? r : check_given(rules, request, host, answer, bound, err);
	r = r < 0 ? r : check_pairs(host, request, answer, err);
	return r < 0 ? r : check_counts(request, host, answer, err);
}
