/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of placement as JSON; the header is shape/place.h. */
#include "shape/place.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "shape/value.h"

static json_t *given_json(const struct pt_host_answer *a, const struct pt_request *request)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->given.n; i++) {
		const struct pt_given *g = &a->given.v[i];
		const char *alias = g->request < request->asks.n ? request->asks.v[g->request].alias : NULL;

		(void)json_array_append_new(list, json_pack("{s:I, s:s?, s:s}", "request", (json_int_t)g->request,
							    "alias", alias, "address", pt_bdf_str(g->bdf).s));
	}
	return list;
}

static json_t *reason_json(const struct pt_host_answer *a)
{
	json_t *o = json_object();

	bool of_request = a->asked && !pt_streq(a->stage, "cells");

	(void)json_object_set_new(o, "stage", json_string(a->stage ? a->stage : ""));
	(void)json_object_set_new(o, "request", of_request ? json_integer((json_int_t)a->request) : json_null());
	(void)json_object_set_new(o, "alias", a->alias ? json_string(a->alias) : json_null());
	(void)json_object_set_new(o, "asked", a->asked ? json_integer(a->asked) : json_null());
	(void)json_object_set_new(o, "found", a->asked ? json_integer(a->found) : json_null());
	(void)json_object_set_new(o, "message", json_string(a->message ? a->message : ""));
	if (a->bounded)
		(void)json_object_set_new(o, "bounded", json_true());
	return o;
}

json_t *pt_place_write_answer(const struct pt_host_answer *answer, const struct pt_request *request, bool devices)
{
	json_t *o = json_pack("{s:s, s:b}", "name", answer->host, "fits", answer->fits);

	if (!o)
		return NULL;
	if (!answer->fits) {
		(void)json_object_set_new(o, "reason", reason_json(answer));
		return o;
	}
	if (devices)
		(void)json_object_set_new(o, "devices", given_json(answer, request));
	/* it fits; perhaps with fewer remote devices, had the search gone on */
	if (answer->bounded && answer->remote)
		(void)json_object_set_new(o, "bounded", json_true());
	if (answer->cells.n) {
		json_t *cells = json_array();

		for (size_t i = 0; i < answer->cells.n; i++)
			(void)json_array_append_new(cells, json_integer(answer->cells.v[i]));
		(void)json_object_set_new(o, "cells", cells);
	}
	return o;
}

static json_t *strv_json(const struct pt_strv *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(list, json_string(l->v[i]));
	return list;
}

static json_t *provider_json(const struct pt_provider *p)
{
	static const char *const fates[] = { "keep", "new", "remove" };
	json_t *allocations = json_object();

	for (size_t i = 0; i < p->allocations.n; i++)
		(void)json_object_set_new(allocations, p->allocations.v[i].consumer,
					  json_integer(p->allocations.v[i].amount));
	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:o, s:o, s:o, s:s}", "name", p->name, "resource_class",
			 p->resource_class, "total", (json_int_t)p->total, "max_unit", (json_int_t)p->total, "reserved",
			 (json_int_t)p->reserved, "traits", strv_json(&p->traits), "devices", strv_json(&p->devices),
			 "allocations", allocations, "change", fates[p->fate]);
}

json_t *pt_place_write_providers(const struct pt_providers *providers)
{
	json_t *list = json_array();
	json_t *healed = json_array();

	for (size_t i = 0; i < providers->n; i++)
		(void)json_array_append_new(list, provider_json(&providers->v[i]));
	for (size_t i = 0; i < providers->healed.n; i++) {
		const struct pt_healed *h = &providers->healed.v[i];

		(void)json_array_append_new(healed,
					    json_pack("{s:s, s:s, s:s?, s:I, s:I}", "consumer", h->consumer, "provider",
						      h->provider, "resource_class", h->resource_class, "was",
						      (json_int_t)h->was, "amount", (json_int_t)h->amount));
	}
	return json_pack("{s:o, s:o, s:o}", "providers", list, "healed", healed, "notes", strv_json(&providers->notes));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		(void)json_object_set_new(o, key, json_string(text));
}

static void set_number(json_t *o, const char *key, int64_t number)
{
	if (number != PT_NOT_GIVEN)
		(void)json_object_set_new(o, key, json_integer(number));
}

static json_t *device_json(const struct pt_inv_device *d)
{
	pt_autofree char *vendor = pt_strf("%04x", d->vendor);
	pt_autofree char *product = pt_strf("%04x", d->product);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "address", pt_bdf_str(d->bdf).s, "vendor_id", vendor,
			      "product_id", product, "type", pt_dev_type_str(d->type));
	pt_autofree char *class = d->class_code ? pt_strf("%06x", d->class_code) : NULL;

	set_text(o, "class", class);
	set_number(o, "numa_node", d->numa_node);
	set_text(o, "parent", d->has_parent ? pt_bdf_str(d->parent).s : NULL);
	set_text(o, "ifname", d->ifname);
	set_text(o, "parent_ifname", d->parent_ifname);
	set_text(o, "owner", d->owner);
	set_number(o, "sriov_totalvfs", d->totalvfs);
	set_text(o, "serial", d->serial);
	set_text(o, "card_serial", d->card_serial);
	set_text(o, "rp_uuid", d->rp_uuid);
	return o;
}

json_t *pt_place_write_host(const struct pt_inv_host *host)
{
	json_t *cells = json_array();
	json_t *devices = json_array();

	for (size_t i = 0; i < host->n_cells; i++) {
		json_t *cell = json_pack("{s:i}", "id", host->cells[i].id);

		set_number(cell, "socket", host->cells[i].socket);
		set_number(cell, "cpus", host->cells[i].cpus);
		set_number(cell, "memory_mib", host->cells[i].memory_mib);
		(void)json_array_append_new(cells, cell);
	}
	for (size_t i = 0; i < host->n; i++)
		(void)json_array_append_new(devices, device_json(&host->v[i]));
	return json_pack("{s:s, s:o, s:o}", "name", host->name, "numa", cells, "devices", devices);
}

static json_t *ask_json(const struct pt_ask *a)
{
	json_t *specs = json_array();
	json_t *o;

	for (size_t i = 0; i < a->n_specs; i++)
		(void)json_array_append_new(specs, pt_value_json(&a->specs[i]));
	o = json_pack("{s:o, s:I}", "spec", specs, "count", (json_int_t)a->count);
	set_text(o, "numa_policy", a->policy == PT_NUMA_UNSET ? NULL : pt_numa_policy_str(a->policy));
	set_text(o, "alias_name", a->alias);
	if (a->network)
		set_text(o, "network", a->network);
	return o;
}

json_t *pt_place_write_request(const struct pt_request *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->asks.n; i++)
		(void)json_array_append_new(list, ask_json(&r->asks.v[i]));
	return json_pack("{s:o}", "requests", list);
}
