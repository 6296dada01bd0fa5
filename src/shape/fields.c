/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

const char *pt_json_kind(const json_t *json)
{
	static const char *const kinds[] = { "an object", "a list", "a string", "a number",
					     "a number",  "true",   "false",	"null" };

	return json ? kinds[json_typeof(json)] : "nothing";
}

static int wrong(const char *where, const char *key, const char *expected, const json_t *found, struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s.%s: expected %s, found %s", where, key, expected, pt_json_kind(found));
}

static const json_t *get(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_null(v) ? NULL : v;
}

int pt_field_string(const json_t *o, const char *where, const char *key, char **ret, struct pt_error *err)
{
	const json_t *v = get(o, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return wrong(where, key, "a string", v, err);
	pt_strset(ret, json_string_value(v));
	return 0;
}

int pt_field_int(const json_t *o, const char *where, const char *key, int64_t min, int64_t max, int64_t *ret,
		 struct pt_error *err)
{
	const json_t *v = get(o, key);

	if (!v)
		return 0;
	if (!json_is_integer(v))
		return wrong(where, key, "a whole number", v, err);
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return pt_usage(err, -EINVAL, "%s.%s: %" JSON_INTEGER_FORMAT " is not within %" PRId64 " and %" PRId64,
				where, key, json_integer_value(v), min, max);
	*ret = json_integer_value(v);
	return 0;
}

int pt_field_bool(const json_t *o, const char *where, const char *key, bool *ret, struct pt_error *err)
{
	const json_t *v = get(o, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return wrong(where, key, "true or false", v, err);
	*ret = json_is_true(v);
	return 0;
}

int pt_field_id(const json_t *o, const char *where, const char *key, int64_t *ret, struct pt_error *err)
{
	const json_t *v = get(o, key);
	const char *text;
	size_t n;

	if (!v)
		return 0;
	if (!json_is_string(v))
		return wrong(where, key, "four hex digits as a string", v, err);
	text = json_string_value(v);
	n = strlen(text);
	if (n < 1 || n > 4 || strspn(text, "0123456789abcdefABCDEF") != n)
		return pt_usage(err, -EINVAL, "%s.%s: '%.40s' is not four hex digits", where, key, text);
	*ret = strtol(text, NULL, 16);
	return 0;
}

int pt_field_address(const json_t *o, const char *where, const char *key, bool *ret_given, struct pt_bdf *ret,
		     struct pt_error *err)
{
	const json_t *v = get(o, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return wrong(where, key, "a PCI address as a string", v, err);
	if (pt_bdf_parse(json_string_value(v), ret) < 0)
		return pt_usage(err, -EINVAL, "%s.%s: '%.40s' is not a PCI address like 0000:41:00.0", where, key,
				json_string_value(v));
	*ret_given = true;
	return 0;
}

int pt_field_list(const json_t *o, const char *where, const char *key, const json_t **ret, struct pt_error *err)
{
	const json_t *v = get(o, key);

	if (v && !json_is_array(v))
		return wrong(where, key, "a list", v, err);
	*ret = v;
	return 0;
}

int pt_field_only(const json_t *o, const char *where, const char *const *keys, struct pt_error *err)
{
	PT_AUTO(pt_buf) allowed = { 0 };
	const char *key;
	json_t *item;

	if (!json_is_object(o))
		return pt_usage(err, -EINVAL, "%s: expected an object, found %s", where, pt_json_kind(o));
	/* jansson walks an object without changing it, but has only a non-const walk */
	json_object_foreach((json_t *)(uintptr_t)o, key, item)
	{
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i])
			continue;
		for (i = 0; keys[i]; i++)
			pt_buf_addf(&allowed, "%s%s", i ? ", " : "", keys[i]);
		return pt_usage(err, -EINVAL, "%s: there is no member '%.80s'; allowed are %s", where, key, allowed.s);
	}
	return 0;
}

int pt_field_need(const json_t *o, const char *where, const char *key, struct pt_error *err)
{
	if (get(o, key))
		return 0;
	return pt_usage(err, -EINVAL, "%s: '%s' is missing", where, key);
}
