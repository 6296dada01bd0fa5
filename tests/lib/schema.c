/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static char *check(const json_t *api, const json_t *schema, json_t *o, const char *where);

static bool has_type(const json_t *o, const char *type)
{
	return (strcmp(type, "object") == 0 && json_is_object(o)) || (strcmp(type, "array") == 0 && json_is_array(o)) ||
	       (strcmp(type, "string") == 0 && json_is_string(o)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(o)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(o)) || (strcmp(type, "null") == 0 && json_is_null(o));
}

static bool has_a_type(const json_t *o, const json_t *types)
{
	bool any = json_is_string(types) && has_type(o, json_string_value(types));

	for (size_t i = 0; i < json_array_size(types); i++)
		any = any || has_type(o, json_string_value(json_array_get(types, i)));
	return any;
}

static bool is_one_of(const json_t *o, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(o, json_array_get(list, i)))
			return true;
	return false;
}

static char *check_members(const json_t *api, const json_t *schema, json_t *o, const char *where)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *required = json_object_get(schema, "required");
	const char *key;
	json_t *value;

	for (size_t i = 0; i < json_array_size(required); i++)
		if (!json_object_get(o, json_string_value(json_array_get(required, i))))
			return pt_strf("%s: no member %s", where, json_string_value(json_array_get(required, i)));
	json_object_foreach(o, key, value)
	{
		const json_t *one = json_object_get(properties, key);
		pt_autofree char *at = pt_strf("%s.%s", where, key);
		char *wrong = one ? check(api, one, value, at) : NULL;

		if (!one && json_is_false(json_object_get(schema, "additionalProperties")))
			return pt_strf("%s: the member %s is not in the document", where, key);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static char *check(const json_t *api, const json_t *schema, json_t *o, const char *where)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *types = json_object_get(schema, "type");
	const json_t *values = json_object_get(schema, "enum");
	const json_t *items = json_object_get(schema, "items");

	if (ref) {
		const json_t *all = json_object_get(json_object_get(api, "components"), "schemas");
		const json_t *named = json_object_get(all, strrchr(ref, '/') + 1);

		return named ? check(api, named, o, where) : pt_strf("%s: there is no %s", where, ref);
	}
	if (types && !has_a_type(o, types))
		return pt_strf("%s: it has another type", where);
	if (values && !is_one_of(o, values))
		return pt_strf("%s: it has another value", where);
	for (size_t i = 0; items && i < json_array_size(o); i++) {
		pt_autofree char *at = pt_strf("%s[%zu]", where, i);
		char *wrong = check(api, items, json_array_get(o, i), at);

		if (wrong)
			return wrong;
	}
	return json_is_object(o) ? check_members(api, schema, o, where) : NULL;
}

char *schema_check(const json_t *openapi, const json_t *schema, json_t *document)
{
	return check(openapi, schema, document, "$");
}
