/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/cpu.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "shape/device.h"

static json_t *number(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *pt_cpu_host_json(const struct pt_cpu_host *h)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o}", "vendor",
			 pt_json_text(h->vendor), "model", pt_json_text(h->model), "family", number(h->family),
			 "model_number", number(h->number), "stepping", number(h->stepping), "microcode",
			 pt_json_text(h->microcode), "processors", (int)h->count, "unlike", (int)h->unlike, "flags",
			 pt_json_strv(&h->flags), "virtualisation", pt_json_text(h->virt), "module",
			 pt_json_text(h->module), "nested",
			 h->nested == PT_KNOWN_UNKNOWN ? json_null() : json_boolean(h->nested == PT_KNOWN_YES));
}

json_t *pt_cpu_def_json(const struct pt_cpu_def *d)
{
	const struct {
		const char *key;
		const char *value;
	} texts[] = {
		{ "check", d->check },	 { "match", d->match },	      { "migratable", d->migratable },
		{ "model", d->model },	 { "fallback", d->fallback }, { "vendor_id", d->vendor_id },
		{ "vendor", d->vendor },
	};
	json_t *o = json_pack("{s:s}", "mode", pt_cpu_mode_str(d->mode));
	json_t *features = json_array();

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].value)
			(void)json_object_set_new(o, texts[i].key, json_string(texts[i].value));
	for (size_t i = 0; i < d->features.n; i++) {
		json_t *f = json_pack("{s:s}", "name", d->features.v[i].name);

		if (d->features.v[i].policy)
			(void)json_object_set_new(f, "policy", json_string(d->features.v[i].policy));
		(void)json_array_append_new(features, f);
	}
	(void)json_object_set_new(o, "features", features);
	return o;
}

static int bad(struct pt_error *err, const char *key, const char *what)
{
	return pt_say(err, -EBADMSG, "a processor's definition cannot be understood: '%s' %s", key, what);
}

static int get_features(const json_t *list, struct pt_cpu_def *d, struct pt_error *err)
{
	if (!json_is_array(list))
		return bad(err, "features", "is no list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = NULL;
		const char *policy = NULL;
		struct pt_cpu_feature *f;

		if (json_unpack(json_array_get(list, i), "{s:s, s?s !}", "name", &name, "policy", &policy) < 0)
			return bad(err, "features", "holds something else than names with a policy");
		f = pt_array_add(&d->features);
		f->name = pt_strdup(name);
		f->policy = pt_strdup_opt(policy);
	}
	return 0;
}

static int get_member(const char *key, const json_t *v, struct pt_cpu_def *d, struct pt_error *err)
{
	const struct {
		const char *key;
		char **to;
	} texts[] = {
		{ "check", &d->check },	  { "match", &d->match },	{ "migratable", &d->migratable },
		{ "model", &d->model },	  { "fallback", &d->fallback }, { "vendor_id", &d->vendor_id },
		{ "vendor", &d->vendor },
	};

	if (pt_streq(key, "features"))
		return get_features(v, d, err);
	if (!json_is_string(v))
		return bad(err, key, "is no text");
	if (pt_streq(key, "mode"))
		return pt_cpu_mode_parse(json_string_value(v), &d->mode) < 0 ? bad(err, key, "is no mode") : 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (pt_streq(key, texts[i].key)) {
			pt_strset(texts[i].to, json_string_value(v));
			return 0;
		}
	return bad(err, key, "is not known");
}

int pt_cpu_def_from_json(const json_t *json, struct pt_cpu_def *ret_def, struct pt_error *err)
{
	/* iteration does not change the object, but jansson's iterators take it as not const */
	json_t *o = (json_t *)(uintptr_t)json;
	PT_AUTO(pt_cpu_def) d = { 0 };
	const char *key;
	json_t *value;

	if (!json_is_object(json) || !json_object_get(json, "mode") || !json_object_get(json, "features"))
		return bad(err, "mode", "or features is missing");
	json_object_foreach(o, key, value)
	{
		int r = get_member(key, value, &d, err);

		if (r < 0)
			return r;
	}
	*ret_def = d;
	d = (struct pt_cpu_def){ 0 };
	return 0;
}
