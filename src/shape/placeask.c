/* SPDX-License-Identifier: Apache-2.0 */
/* The request of a placement question; the header is shape/place.h. */
#include "shape/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "shape/fields.h"
#include "shape/value.h"

#define ASKS_MAX  1024
#define SPECS_MAX 4096

static int read_policy(const json_t *o, const char *where, enum pt_numa_policy *ret, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = pt_field_string(o, where, "numa_policy", &text, err);

	if (r < 0 || !text)
		return r;
	r = pt_numa_policy_parse(text);
	if (r < 0)
		return pt_usage(err, -EINVAL,
				"%s.numa_policy: '%.40s' is none of required, legacy, preferred and socket", where,
				text);
	*ret = (enum pt_numa_policy)r;
	return 0;
}

static int read_specs(const json_t *o, const char *where, struct pt_ask *ask, struct pt_error *err)
{
	const json_t *list = NULL;
	int r = pt_field_list(o, where, "spec", &list, err);

	if (r < 0)
		return r;
	if (!json_array_size(list) || json_array_size(list) > SPECS_MAX)
		return pt_usage(err, -EINVAL, "%s.spec: expected a list of 1 to %d objects", where, SPECS_MAX);
	ask->specs = pt_alloc(json_array_size(list) * sizeof(*ask->specs));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_object(item))
			return pt_usage(err, -EINVAL, "%s.spec[%zu]: expected an object, found %s", where, i,
					pt_json_kind(item));
		r = pt_value_from_json(item, &ask->specs[i], err);
		if (r < 0)
			return pt_wrap(err, r, "%s.spec[%zu]", where, i);
		ask->n_specs++;
	}
	return 0;
}

/* a list of names, or the comma list as Nova keeps it */
static int read_rps(const json_t *o, const char *where, struct pt_ask *ask, struct pt_error *err)
{
	const json_t *v = json_object_get(o, "rp_uuids");
	const char *p = json_string_value(v);

	if (!v || json_is_null(v))
		return 0;
	while (p && *p) {
		size_t n = strcspn(p, ",");

		pt_strv_take(&ask->rp_uuids, pt_strndup(p, n));
		p += n + (p[n] == ',');
	}
	if (!json_is_array(v) && !json_is_string(v))
		return pt_usage(err, -EINVAL, "%s.rp_uuids: expected a list, found %s", where, pt_json_kind(v));
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *item = json_array_get(v, i);

		if (!json_is_string(item))
			return pt_usage(err, -EINVAL, "%s.rp_uuids[%zu]: expected a string, found %s", where, i,
					pt_json_kind(item));
		pt_strv_add(&ask->rp_uuids, json_string_value(item));
	}
	return 0;
}

/* Nova keeps the chosen providers in the first spec */
static void take_rps_from_spec(struct pt_ask *ask)
{
	const struct pt_value *v = pt_value_get(&ask->specs[0], "rp_uuids");

	if (ask->rp_uuids.n || !v || v->kind != PT_VALUE_STRING)
		return;
	for (const char *p = v->text; *p;) {
		size_t n = strcspn(p, ",");

		pt_strv_take(&ask->rp_uuids, pt_strndup(p, n));
		p += n + (p[n] == ',');
	}
}

static int read_ask(const json_t *o, const char *where, enum pt_numa_policy policy, struct pt_ask *ask,
		    struct pt_error *err)
{
	static const char *const keys[] = { "spec", "count", "numa_policy", "alias_name", "network", "rp_uuids", NULL };
	int64_t count = 1;
	int r = pt_field_only(o, where, keys, err);

	ask->policy = policy;
	r = r < 0 ? r : read_specs(o, where, ask, err);
	r = r < 0 ? r : pt_field_int(o, where, "count", 0, INT64_MAX, &count, err);
	/* a port's own policy wins over that of the flavor */
	r = r < 0 ? r : read_policy(o, where, &ask->policy, err);
	r = r < 0 ? r : pt_field_string(o, where, "alias_name", &ask->alias, err);
	r = r < 0 ? r : pt_field_string(o, where, "network", &ask->network, err);
	r = r < 0 ? r : read_rps(o, where, ask, err);
	if (r < 0)
		return r;
	take_rps_from_spec(ask);
	ask->count = count < PT_COUNT_MAX ? (uint32_t)count : PT_COUNT_MAX;
	return 0;
}

static int read_asks(const json_t *o, struct pt_request *request, struct pt_error *err)
{
	const json_t *list = NULL;
	int r = pt_field_list(o, "request", "requests", &list, err);

	if (r == 0 && list && request->alias)
		return pt_usage(err, -EINVAL, "request: alias and requests are both given; one of them is allowed");
	if (r == 0 && json_array_size(list) > ASKS_MAX)
		return pt_usage(err, -E2BIG, "request.requests: %zu of them; at most %d are read",
				json_array_size(list), ASKS_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		pt_autofree char *where = pt_strf("request.requests[%zu]", i);

		r = read_ask(json_array_get(list, i), where, request->policy, pt_array_add(&request->asks), err);
	}
	return r;
}

static int read_ids(const json_t *list, const char *host, struct pt_request *request, struct pt_error *err)
{
	struct pt_chosen_cells *cells = pt_array_add(&request->cells);
	size_t n = json_array_size(list);

	cells->host = pt_strdup(host);
	if (!json_is_array(list) && !json_is_null(list))
		return pt_usage(err, -EINVAL, "request.cells of host '%.80s': expected a list of cell ids, found %s",
				host, pt_json_kind(list));
	if (n > PT_PLACE_CELLS_MAX)
		return pt_usage(err, -E2BIG, "request.cells of host '%.80s': %zu of them; at most %d are read", host, n,
				PT_PLACE_CELLS_MAX);
	cells->ids = pt_alloc((n + 1) * sizeof(*cells->ids));
	for (size_t i = 0; i < n; i++) {
		const json_t *id = json_array_get(list, i);

		if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
			return pt_usage(err, -EINVAL,
					"request.cells of host '%.80s': a cell's id is a number, 0 or more", host);
		cells->ids[cells->n++] = (int)json_integer_value(id);
	}
	return 0;
}

static int read_cells(const json_t *o, struct pt_request *request, struct pt_error *err)
{
	json_t *cells = json_object_get(o, "cells");
	const char *host;
	json_t *list;

	if (!cells || json_is_null(cells))
		return 0;
	if (!json_is_object(cells))
		return pt_usage(err, -EINVAL, "request.cells: expected an object of host names, found %s",
				pt_json_kind(cells));
	json_object_foreach(cells, host, list)
	{
		int r = read_ids(list, host, request, err);

		if (r < 0)
			return r;
	}
	pt_request_sort(request);
	return 0;
}

static int read_guest_cell(const json_t *o, size_t i, struct pt_request *request, struct pt_error *err)
{
	static const char *const keys[] = { "cpus", "memory_mib", NULL };
	pt_autofree char *where = pt_strf("request.guest_cells[%zu]", i);
	struct pt_guest_cell *cell = pt_array_add(&request->guest_cells);
	int64_t cpus = 0;
	int r = pt_field_only(o, where, keys, err);

	r = r < 0 ? r : pt_field_int(o, where, "cpus", 0, INT32_MAX, &cpus, err);
	cell->cpus = (int)cpus;
	return r < 0 ? r : pt_field_int(o, where, "memory_mib", 0, INT64_MAX, &cell->memory_mib, err);
}

static int read_group_policy(const json_t *o, struct pt_request *request, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = pt_field_string(o, "request", "group_policy", &text, err);

	if (r < 0 || !text)
		return r;
	request->isolate = strcmp(text, "isolate") == 0;
	if (!request->isolate && strcmp(text, "none") != 0)
		return pt_usage(err, -EINVAL, "request.group_policy: '%.40s' is neither none nor isolate", text);
	return 0;
}

static int read_request(const json_t *json, struct pt_request *request, struct pt_error *err)
{
	static const char *const keys[] = { "alias",	   "requests",	   "numa_policy", "cells",
					    "guest_cells", "group_policy", NULL };
	const json_t *guest = NULL;
	int r = pt_field_only(json, "request", keys, err);

	r = r < 0 ? r : pt_field_string(json, "request", "alias", &request->alias, err);
	r = r < 0 ? r : read_policy(json, "request", &request->policy, err);
	r = r < 0 ? r : read_asks(json, request, err);
	r = r < 0 ? r : read_cells(json, request, err);
	r = r < 0 ? r : read_group_policy(json, request, err);
	r = r < 0 ? r : pt_field_list(json, "request", "guest_cells", &guest, err);
	for (size_t i = 0; r == 0 && i < json_array_size(guest); i++)
		r = read_guest_cell(json_array_get(guest, i), i, request, err);
	return r;
}

int pt_place_read_request(const json_t *json, struct pt_request *ret_request, struct pt_error *err)
{
	PT_AUTO(pt_request) request = { 0 };
	int r = json && !json_is_null(json) ? read_request(json, &request, err) : 0;

	if (r < 0)
		return r;
	*ret_request = request;
	request = (struct pt_request){ 0 };
	return 0;
}
