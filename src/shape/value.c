/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/value.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

static int convert(const json_t *json, unsigned depth, struct pt_value *out, struct pt_error *err);

static int convert_list(const json_t *json, unsigned depth, struct pt_value *out, struct pt_error *err)
{
	size_t n = json_array_size(json);

	out->items = n ? pt_alloc(n * sizeof(*out->items)) : NULL;
	for (size_t i = 0; i < n; i++) {
		int r = convert(json_array_get(json, i), depth + 1, &out->items[i], err);

		out->n = i + 1;
		if (r < 0)
			return r;
	}
	return 0;
}

static int convert_object(const json_t *json, unsigned depth, struct pt_value *out, struct pt_error *err)
{
	size_t n = json_object_size(json);
	const char *key;
	json_t *item;

	out->items = n ? pt_alloc(n * sizeof(*out->items)) : NULL;
	out->keys = n ? pt_alloc(n * sizeof(*out->keys)) : NULL;
	/* jansson walks an object without changing it, but has only a non-const walk */
	json_object_foreach((json_t *)(uintptr_t)json, key, item)
	{
		int r;

		assert(out->n < n);
		out->keys[out->n] = pt_strdup(key);
		r = convert(item, depth + 1, &out->items[out->n++], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int convert(const json_t *json, unsigned depth, struct pt_value *out, struct pt_error *err)
{
	if (depth > PT_VALUE_DEPTH)
		return pt_say(err, -ELOOP, "it is nested more than %d levels deep", PT_VALUE_DEPTH);
	switch (json_typeof(json)) {
	case JSON_NULL:
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		out->kind = PT_VALUE_BOOL;
		out->truth = json_is_true(json);
		break;
	case JSON_INTEGER:
		out->kind = PT_VALUE_INT;
		out->number = json_integer_value(json);
		break;
	case JSON_REAL:
		out->kind = PT_VALUE_REAL;
		out->real = json_real_value(json);
		break;
	case JSON_STRING:
		*out = pt_value_string(json_string_value(json));
		break;
	case JSON_ARRAY:
		out->kind = PT_VALUE_LIST;
		return convert_list(json, depth, out, err);
	case JSON_OBJECT:
		out->kind = PT_VALUE_OBJECT;
		return convert_object(json, depth, out, err);
	}
	return 0;
}

int pt_value_from_json(const json_t *json, struct pt_value *ret_value, struct pt_error *err)
{
	struct pt_value value = { 0 };
	int r = convert(json, 0, &value, err);

	if (r < 0) {
		pt_value_done(&value);
		return r;
	}
	*ret_value = value;
	return 0;
}

int pt_value_parse(const char *text, struct pt_value *ret_value, struct pt_error *err)
{
	json_error_t where;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &where);
	int r;

	if (!json)
		return pt_say(err, -EINVAL, "line %d, column %d: %s", where.line, where.column, where.text);
	r = pt_value_from_json(json, ret_value, err);
	json_decref(json);
	return r;
}

json_t *pt_value_json(const struct pt_value *v)
{
	json_t *o;

	switch (v->kind) {
	case PT_VALUE_BOOL:
		return json_boolean(v->truth);
	case PT_VALUE_INT:
		return json_integer((json_int_t)v->number);
	case PT_VALUE_REAL:
		return json_real(v->real);
	case PT_VALUE_STRING:
		return json_string(v->text);
	case PT_VALUE_LIST:
		o = json_array();
		for (size_t i = 0; i < v->n; i++)
			(void)json_array_append_new(o, pt_value_json(&v->items[i]));
		return o;
	case PT_VALUE_OBJECT:
		o = json_object();
		for (size_t i = 0; i < v->n; i++)
			(void)json_object_set_new(o, v->keys[i], pt_value_json(&v->items[i]));
		return o;
	default:
		return json_null();
	}
}
