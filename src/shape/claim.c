/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "shape/device.h"
#include "shape/fields.h"
#include "shape/place.h"
#include "shape/value.h"

static json_t *device_json(const struct pt_claim_device *d)
{
	json_t *o = json_pack("{s:s, s:o}", "address", pt_bdf_str(d->bdf).s, "alias", pt_json_text(d->alias));

	if (d->vendor) {
		(void)json_object_set_new(o, "vendor_id", json_sprintf("%04x", d->vendor));
		(void)json_object_set_new(o, "product_id", json_sprintf("%04x", d->product));
	}
	if (d->serial)
		(void)json_object_set_new(o, "serial", pt_json_text(d->serial));
	return o;
}

json_t *pt_claim_json(const struct pt_claim *c)
{
	json_t *devices = json_array();
	json_t *o;

	for (size_t i = 0; i < c->devices.n; i++)
		(void)json_array_append_new(devices, device_json(&c->devices.v[i]));
	o = json_pack("{s:s, s:o, s:o, s:o, s:I, s:o}", "id", c->id, "asked", pt_json_text(c->asked), "for",
		      pt_json_text(c->holder), "host", pt_json_text(c->host), "since", (json_int_t)c->since, "devices",
		      devices);
	if (c->project)
		(void)json_object_set_new(o, "project", pt_json_text(c->project));
	if (c->numa)
		(void)json_object_set_new(o, "numa", pt_json_text(c->numa));
	if (c->releasing)
		(void)json_object_set_new(o, "releasing", json_true());
	return o;
}

json_t *pt_ack_json(const struct pt_ack *a)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:I, s:I}", "id", a->id, "state", pt_ack_state_str(a->state),
			 "reason", pt_json_text(a->reason), "vm", pt_json_text(a->vm), "proved", a->proved, "change",
			 (json_int_t)a->change, "when", (json_int_t)a->when);
}

json_t *pt_alive_json(const struct pt_alive *a)
{
	json_t *o = json_pack("{s:I, s:o, s:o}", "since", (json_int_t)a->since, "boot", pt_json_text(a->boot),
			      "version", pt_json_text(a->version));

	if (a->deaf)
		(void)json_object_set_new(o, "deaf", pt_json_text(a->deaf));
	return o;
}

json_t *pt_holds_json(const struct pt_holds *l)
{
	json_t *o = json_object();

	for (size_t i = 0; i < l->n; i++)
		(void)json_object_set_new(o, pt_bdf_str(l->v[i].bdf).s, json_string(l->v[i].id));
	return o;
}

json_t *pt_waiting_json(const struct pt_waiting *w)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:b, s:o}", "id", w->id, "asked", pt_json_text(w->asked), "for",
			      pt_json_text(w->holder), "since", (json_int_t)w->since, "spread", w->spread, "request",
			      pt_place_write_request(&w->request));

	if (w->host)
		(void)json_object_set_new(o, "host", pt_json_text(w->host));
	if (w->project)
		(void)json_object_set_new(o, "project", pt_json_text(w->project));
	if (w->numa)
		(void)json_object_set_new(o, "numa", pt_json_text(w->numa));
	return o;
}

/* beside the host, not in it: who knows no networks reads the rest */
static json_t *networks_json(const struct pt_inv_host *host)
{
	json_t *o = json_object();

	for (size_t i = 0; i < host->networks.n; i++)
		(void)json_object_set_new(o, host->networks.v[i].name,
					  pt_json_text(host->networks.v[i].physical_network));
	return o;
}

json_t *pt_host_record_json(const struct pt_host_record *r)
{
	json_t *specs = json_array();
	json_t *o;

	for (size_t i = 0; i < r->config.device_spec.n; i++)
		(void)json_array_append_new(specs, pt_value_json(&r->config.device_spec.v[i].value));
	o = json_pack("{s:o, s:o, s:b}", "host", pt_place_write_host(&r->host), "device_spec", specs, "agent",
		      r->agent);
	if (r->note)
		(void)json_object_set_new(o, "note", pt_json_text(r->note));
	if (r->host.networks.n)
		(void)json_object_set_new(o, "networks", networks_json(&r->host));
	return o;
}

char *pt_record_text(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(json);
	return text ? text : pt_strdup("{}");
}

/* an object, or NULL with -EBADMSG in @err */
static json_t *load(const char *text, const char *where, struct pt_error *err)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(json))
		return json;
	(void)pt_say(err, -EBADMSG, "%s: %s", where, json ? "it is no JSON object" : why.text);
	json_decref(json);
	return NULL;
}

static int bad(const char *where, int r, struct pt_error *err)
{
	if (err) {
		err->code = -EBADMSG;
		err->kind = PT_ERROR_FAILED;
	}
	(void)pt_wrap(err, r, "%s", where);
	return -EBADMSG;
}

static int read_device(const json_t *o, const char *where, struct pt_claim_device *d, struct pt_error *err)
{
	bool given = false;
	int64_t vendor = 0;
	int64_t product = 0;
	int r = pt_field_address(o, where, "address", &given, &d->bdf, err);

	if (r == 0 && !given)
		r = pt_say(err, -EBADMSG, "%s: a device without address", where);
	r = r < 0 ? r : pt_field_string(o, where, "alias", &d->alias, err);
	r = r < 0 ? r : pt_field_id(o, where, "vendor_id", &vendor, err);
	r = r < 0 ? r : pt_field_id(o, where, "product_id", &product, err);
	d->vendor = (uint16_t)vendor;
	d->product = (uint16_t)product;
	return r < 0 ? r : pt_field_string(o, where, "serial", &d->serial, err);
}

static int read_claim(const json_t *o, struct pt_claim *c, struct pt_error *err)
{
	pt_autofree char *id = NULL;
	const json_t *devices = NULL;
	int64_t since = 0;
	int r = pt_field_string(o, "claim", "id", &id, err);

	r = r < 0 ? r : pt_field_string(o, "claim", "asked", &c->asked, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "for", &c->holder, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "host", &c->host, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "project", &c->project, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "numa", &c->numa, err);
	r = r < 0 ? r : pt_field_int(o, "claim", "since", 0, INT64_MAX, &since, err);
	r = r < 0 ? r : pt_field_bool(o, "claim", "releasing", &c->releasing, err);
	r = r < 0 ? r : pt_field_list(o, "claim", "devices", &devices, err);
	if (r < 0)
		return r;
	if (!id || !pt_claim_id_valid(id) || !c->asked || !c->holder || !c->host)
		return pt_say(err, -EBADMSG, "a claim needs id, asked, for and host");
	if (json_array_size(devices) > PT_PLACE_DEVICES_MAX)
		return pt_say(err, -EBADMSG, "a claim of %zu devices", json_array_size(devices));
	(void)snprintf(c->id, sizeof(c->id), "%s", id);
	c->since = since;
	for (size_t i = 0; i < json_array_size(devices) && r == 0; i++)
		r = read_device(json_array_get(devices, i), "devices", pt_array_add(&c->devices), err);
	return r;
}

int pt_claim_read(const char *text, const char *where, struct pt_claim *ret_claim, struct pt_error *err)
{
	PT_AUTO(pt_claim) claim = { 0 };
	json_t *o = load(text, where, err);
	int r;

	if (!o)
		return -EBADMSG;
	r = read_claim(o, &claim, err);
	json_decref(o);
	if (r < 0)
		return bad(where, r, err);
	*ret_claim = pt_take(claim);
	return 0;
}

static int read_waiting(const json_t *o, struct pt_waiting *w, struct pt_error *err)
{
	pt_autofree char *id = NULL;
	int64_t since = 0;
	int r = pt_field_string(o, "request", "id", &id, err);

	r = r < 0 ? r : pt_field_string(o, "request", "asked", &w->asked, err);
	r = r < 0 ? r : pt_field_string(o, "request", "for", &w->holder, err);
	r = r < 0 ? r : pt_field_string(o, "request", "host", &w->host, err);
	r = r < 0 ? r : pt_field_string(o, "request", "project", &w->project, err);
	r = r < 0 ? r : pt_field_string(o, "request", "numa", &w->numa, err);
	r = r < 0 ? r : pt_field_int(o, "request", "since", 0, INT64_MAX, &since, err);
	r = r < 0 ? r : pt_field_bool(o, "request", "spread", &w->spread, err);
	r = r < 0 ? r : pt_place_read_request(json_object_get(o, "request"), &w->request, err);
	if (r == 0 && w->numa)
		r = pt_request_numa(&w->request, w->numa, err);
	if (r < 0)
		return r;
	if (!id || !pt_claim_id_valid(id) || !w->asked || !w->holder || !w->request.asks.n)
		return pt_say(err, -EBADMSG, "a request that waits needs id, asked, for and request");
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	w->since = since;
	return 0;
}

int pt_waiting_read(const char *text, const char *where, struct pt_waiting *ret_waiting, struct pt_error *err)
{
	PT_AUTO(pt_waiting) waiting = { 0 };
	json_t *o = load(text, where, err);
	int r;

	if (!o)
		return -EBADMSG;
	r = read_waiting(o, &waiting, err);
	json_decref(o);
	if (r < 0)
		return bad(where, r, err);
	*ret_waiting = pt_take(waiting);
	return 0;
}

int pt_holds_read(const char *text, const char *where, struct pt_holds *ret_holds, struct pt_error *err)
{
	PT_AUTO(pt_holds) holds = { 0 };
	json_t *o = load(text, where, err);
	const char *address;
	json_t *id;
	int r = 0;

	if (!o)
		return -EBADMSG;
	json_object_foreach(o, address, id)
	{
		struct pt_hold *h = pt_array_add(&holds);

		if (r == 0 && (pt_bdf_parse(address, &h->bdf) < 0 || !json_is_string(id) ||
			       !pt_claim_id_valid(json_string_value(id))))
			r = pt_say(err, -EBADMSG, "%s: '%.40s' is no address, or what holds it no claim", where,
				   address);
		if (r == 0)
			(void)snprintf(h->id, sizeof(h->id), "%s", json_string_value(id));
	}
	json_decref(o);
	if (r == 0)
		*ret_holds = pt_take(holds);
	return r;
}

static int read_ack(const json_t *o, struct pt_ack *a, struct pt_error *err)
{
	pt_autofree char *id = NULL;
	pt_autofree char *state = NULL;
	int64_t when = 0;
	int64_t change = 0;
	int r = pt_field_string(o, "ack", "id", &id, err);

	r = r < 0 ? r : pt_field_string(o, "ack", "state", &state, err);
	r = r < 0 ? r : pt_field_string(o, "ack", "reason", &a->reason, err);
	r = r < 0 ? r : pt_field_string(o, "ack", "vm", &a->vm, err);
	r = r < 0 ? r : pt_field_bool(o, "ack", "proved", &a->proved, err);
	r = r < 0 ? r : pt_field_int(o, "ack", "change", 0, INT64_MAX, &change, err);
	r = r < 0 ? r : pt_field_int(o, "ack", "when", 0, INT64_MAX, &when, err);
	if (r < 0)
		return r;
	r = state ? pt_ack_state_parse(state) : -EINVAL;
	if (!id || !pt_claim_id_valid(id) || r < 0)
		return pt_say(err, -EBADMSG, "an ack needs a claim's id and a state");
	(void)snprintf(a->id, sizeof(a->id), "%s", id);
	a->state = (enum pt_ack_state)r;
	a->when = when;
	a->change = change;
	return 0;
}

int pt_ack_read(const char *text, const char *where, struct pt_ack *ret, struct pt_error *err)
{
	PT_AUTO(pt_ack) ack = { 0 };
	json_t *o = load(text, where, err);
	int r;

	if (!o)
		return -EBADMSG;
	r = read_ack(o, &ack, err);
	json_decref(o);
	if (r < 0)
		return bad(where, r, err);
	*ret = pt_take(ack);
	return 0;
}

int pt_alive_read(const char *text, const char *where, struct pt_alive *ret, struct pt_error *err)
{
	PT_AUTO(pt_alive) alive = { 0 };
	json_t *o = load(text, where, err);
	int64_t since = 0;
	int r;

	if (!o)
		return -EBADMSG;
	r = pt_field_int(o, "alive", "since", 0, INT64_MAX, &since, err);
	r = r < 0 ? r : pt_field_string(o, "alive", "boot", &alive.boot, err);
	r = r < 0 ? r : pt_field_string(o, "alive", "version", &alive.version, err);
	r = r < 0 ? r : pt_field_string(o, "alive", "deaf", &alive.deaf, err);
	json_decref(o);
	if (r < 0)
		return bad(where, r, err);
	alive.since = since;
	*ret = pt_take(alive);
	return 0;
}

/* more than a host has */
#define NETWORKS_MAX 4096

static int read_networks(json_t *o, struct pt_inv_host *host, struct pt_error *err)
{
	const char *name;
	json_t *on;

	if (json_object_size(o) > NETWORKS_MAX || (o && !json_is_object(o)))
		return pt_say(err, -EBADMSG, "record: 'networks' is no object, or has more than %d members",
			      NETWORKS_MAX);
	json_object_foreach(o, name, on)
	{
		struct pt_inv_network n = { 0 };

		if (!json_is_string(on) && !json_is_null(on))
			return pt_say(err, -EBADMSG, "record: network '%.60s' is on what is no text", name);
		n.name = pt_strdup(name);
		n.physical_network = pt_strdup_opt(json_string_value(on));
		pt_array_push(&host->networks, n);
	}
	return 0;
}

int pt_host_record_read(const char *text, const char *where, struct pt_host_record *ret_record, struct pt_error *err)
{
	PT_AUTO(pt_host_record) record = { 0 };
	json_t *o = load(text, where, err);
	json_t *config;
	int r;

	if (!o)
		return -EBADMSG;
	config = json_pack("{s:O?}", "device_spec", json_object_get(o, "device_spec"));
	r = pt_place_read_config(config, &record.config, err);
	if (r == 0)
		r = pt_place_read_host(json_object_get(o, "host"), "host", &record.host, err);
	if (r == 0)
		r = pt_field_bool(o, "record", "agent", &record.agent, err);
	if (r == 0)
		r = pt_field_string(o, "record", "note", &record.note, err);
	if (r == 0)
		r = read_networks(json_object_get(o, "networks"), &record.host, err);
	json_decref(config);
	json_decref(o);
	if (r < 0)
		return bad(where, r, err);
	*ret_record = pt_take(record);
	return 0;
}
