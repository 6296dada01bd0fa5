/* SPDX-License-Identifier: Apache-2.0 */
/* What Placement has of a host; the header is shape/place.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "shape/fields.h"
#include "shape/place.h"

static int read_names(const json_t *o, const char *where, const char *key, struct pt_strv *names, struct pt_error *err)
{
	const json_t *list = NULL;
	int r = pt_field_list(o, where, key, &list, err);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name)
			return pt_usage(err, -EINVAL, "%s.%s[%zu]: expected a string", where, key, i);
		pt_strv_add(names, name);
	}
	return r;
}

static int read_allocations(const json_t *o, const char *where, struct pt_provider *p, struct pt_error *err)
{
	json_t *l = json_object_get(o, "allocations");
	const char *consumer;
	json_t *amount;

	if (!l || json_is_null(l))
		return 0;
	if (!json_is_object(l))
		return pt_usage(err, -EINVAL, "%s.allocations: expected an object of consumers, found %s", where,
				pt_json_kind(l));
	json_object_foreach(l, consumer, amount)
	{
		if (!json_is_integer(amount) || json_integer_value(amount) < 1 ||
		    json_integer_value(amount) > INT32_MAX)
			return pt_usage(err, -EINVAL, "%s.allocations: the amount of '%.80s' is not a number above 0",
					where, consumer);
		pt_provider_allocate(p, consumer, (uint32_t)json_integer_value(amount));
	}
	return 0;
}

static int read_provider(const json_t *o, const char *where, struct pt_provider *p, struct pt_error *err)
{
	static const char *const keys[] = {
		"name", "resource_class", "total", "reserved", "traits", "allocations", NULL
	};
	int64_t total = 0;
	int64_t reserved = 0;
	int r = pt_field_only(o, where, keys, err);

	r = r < 0 ? r : pt_field_need(o, where, "name", err);
	r = r < 0 ? r : pt_field_string(o, where, "name", &p->name, err);
	r = r < 0 ? r : pt_field_string(o, where, "resource_class", &p->resource_class, err);
	r = r < 0 ? r : pt_field_int(o, where, "total", 0, INT32_MAX, &total, err);
	r = r < 0 ? r : pt_field_int(o, where, "reserved", 0, INT32_MAX, &reserved, err);
	r = r < 0 ? r : read_names(o, where, "traits", &p->traits, err);
	p->total = (uint32_t)total;
	p->reserved = (uint32_t)reserved;
	return r < 0 ? r : read_allocations(o, where, p, err);
}

static int read_all(const json_t *json, const char *where, struct pt_placement *p, struct pt_error *err)
{
	static const char *const keys[] = { "providers", "consumers", "moving", NULL };
	const json_t *list = NULL;
	int r = pt_field_only(json, where, keys, err);

	r = r < 0 ? r : pt_field_list(json, where, "providers", &list, err);
	r = r < 0 ? r : read_names(json, where, "consumers", &p->consumers, err);
	r = r < 0 ? r : read_names(json, where, "moving", &p->moving, err);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		pt_autofree char *at = pt_strf("%s.providers[%zu]", where, i);
		struct pt_provider *added = pt_array_add(&p->providers);

		r = read_provider(json_array_get(list, i), at, added, err);
		/* who has an allocation here has a record */
		for (size_t k = 0; r == 0 && k < added->allocations.n; k++)
			if (!pt_strv_has(&p->consumers, added->allocations.v[k].consumer))
				pt_strv_add(&p->consumers, added->allocations.v[k].consumer);
	}
	return r;
}

int pt_place_read_placement(const json_t *json, const char *where, struct pt_placement *ret, struct pt_error *err)
{
	PT_AUTO(pt_placement) p = { .moving = { 0 } };
	int r = json && !json_is_null(json) ? read_all(json, where, &p, err) : 0;

	if (r < 0)
		return r;
	*ret = p;
	p = (struct pt_placement){ .moving = { 0 } };
	return 0;
}
