/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/hostfacts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "shape/cpu.h"
#include "shape/device.h"
#include "shape/fields.h"
#include "shape/jsonspan.h"

/* no host has as many flags or machine types */
#define LIST_MAX 4096

json_t *pt_hypervisor_json(bool known, const struct pt_hypervisor *h)
{
	if (!known)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "host_uuid", pt_json_text(h->host_uuid),
		"libvirt", pt_json_text(h->libvirt), "qemu", pt_json_text(h->qemu), "arch", pt_json_text(h->arch),
		"tsc_hz", h->tsc_hz ? json_integer((json_int_t)h->tsc_hz) : json_null(), "tsc_scaling",
		h->tsc_scaling == PT_KNOWN_UNKNOWN ? json_null() : json_boolean(h->tsc_scaling == PT_KNOWN_YES),
		"machines", pt_json_strv(&h->machines), "cpu_models", pt_json_strv(&h->models), "host_model",
		h->host_model.model ? pt_cpu_def_json(&h->host_model) : json_null(), "host_model_flags",
		pt_json_strv(&h->flags));
}

static int read_strings(const json_t *o, const char *where, const char *key, struct pt_strv *l, struct pt_error *err)
{
	const json_t *list = NULL;
	int r = pt_field_list(o, where, key, &list, err);

	if (r < 0)
		return r;
	if (json_array_size(list) > LIST_MAX)
		return pt_say(err, -EBADMSG, "%s: '%s' has more than %d entries", where, key, LIST_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			return pt_say(err, -EBADMSG, "%s: '%s' holds something that is no text", where, key);
		pt_strv_add(l, text);
	}
	return 0;
}

static int read_number(const json_t *o, const char *where, const char *key, int *ret, struct pt_error *err)
{
	int64_t n = -1;
	int r = pt_field_int(o, where, key, 0, 0xffff, &n, err);

	*ret = (int)n;
	return r;
}

static int read_cpu(const json_t *o, const char *where, struct pt_cpu_host *h, struct pt_error *err)
{
	int64_t count = 0;
	int r = pt_field_string(o, where, "vendor", &h->vendor, err);

	if (r >= 0)
		r = pt_field_string(o, where, "model", &h->model, err);
	if (r >= 0)
		r = pt_field_string(o, where, "microcode", &h->microcode, err);
	if (r >= 0)
		r = read_number(o, where, "family", &h->family, err);
	if (r >= 0)
		r = read_number(o, where, "model_number", &h->number, err);
	if (r >= 0)
		r = read_number(o, where, "stepping", &h->stepping, err);
	if (r >= 0)
		r = pt_field_int(o, where, "processors", 0, 1 << 20, &count, err);
	h->count = (unsigned)count;
	return r >= 0 ? read_strings(o, where, "flags", &h->flags, err) : r;
}

/* all but its lists and its model */
static int read_hypervisor_words(const json_t *o, const char *where, struct pt_hypervisor *h, struct pt_error *err)
{
	const json_t *scaling = json_object_get(o, "tsc_scaling");
	bool scales = false;
	int64_t tsc = 0;
	int r = pt_field_string(o, where, "host_uuid", &h->host_uuid, err);

	if (r >= 0)
		r = pt_field_string(o, where, "libvirt", &h->libvirt, err);
	if (r >= 0)
		r = pt_field_string(o, where, "qemu", &h->qemu, err);
	if (r >= 0)
		r = pt_field_string(o, where, "arch", &h->arch, err);
	if (r >= 0)
		r = pt_field_int(o, where, "tsc_hz", 0, INT64_MAX, &tsc, err);
	if (r >= 0)
		r = pt_field_bool(o, where, "tsc_scaling", &scales, err);
	h->tsc_hz = (uint64_t)tsc;
	if (json_is_boolean(scaling))
		h->tsc_scaling = scales ? PT_KNOWN_YES : PT_KNOWN_NO;
	return r;
}

static int read_hypervisor(const json_t *o, const char *where, struct pt_hypervisor *h, struct pt_error *err)
{
	const json_t *model = json_object_get(o, "host_model");
	int r = read_hypervisor_words(o, where, h, err);

	if (r >= 0)
		r = read_strings(o, where, "machines", &h->machines, err);
	if (r >= 0)
		r = read_strings(o, where, "cpu_models", &h->models, err);
	if (r >= 0)
		r = read_strings(o, where, "host_model_flags", &h->flags, err);
	if (r >= 0 && model && !json_is_null(model))
		r = pt_cpu_def_from_json(model, &h->host_model, err);
	pt_strv_sort(&h->flags);
	return r;
}

static int read_memory(const json_t *o, const char *where, struct pt_migrate_host *h, struct pt_error *err)
{
	const json_t *pages = NULL;
	int64_t available = 0;
	int r = pt_field_int(o, where, "available_kib", 0, INT64_MAX, &available, err);

	if (r >= 0)
		r = pt_field_list(o, where, "hugepages", &pages, err);
	if (r >= 0 && json_array_size(pages) > LIST_MAX)
		return pt_say(err, -EBADMSG, "%s: 'hugepages' has more than %d entries", where, LIST_MAX);
	for (size_t i = 0; r >= 0 && i < json_array_size(pages); i++) {
		const json_t *page = json_array_get(pages, i);
		int64_t size = 0;
		int64_t n = 0;

		if (!json_is_object(page))
			return pt_say(err, -EBADMSG, "%s: 'hugepages' holds something that is no object", where);
		r = pt_field_int(page, where, "size_kib", 0, INT64_MAX, &size, err);
		if (r >= 0)
			r = pt_field_int(page, where, "free", 0, INT64_MAX, &n, err);
		if (r >= 0)
			pt_array_push(&h->hugepages,
				      ((struct pt_hugepages){ .size_kib = (uint64_t)size, .free = (uint64_t)n }));
	}
	h->available_kib = (uint64_t)available;
	return r;
}

int pt_host_facts_read(const json_t *json, const char *where, struct pt_migrate_host *ret_host, struct pt_error *err)
{
	const json_t *cpu = json_object_get(json, "cpu");
	const json_t *hypervisor = json_object_get(json, "hypervisor");
	PT_AUTO(pt_migrate_host) h = { .cpu = { .family = -1, .number = -1, .stepping = -1 } };
	int r;

	if (!json_is_object(json) || !json_is_object(cpu))
		return pt_say(err, -EBADMSG, "%s: this is nothing that `passthru facts --json` wrote: it has no 'cpu'",
			      where);
	r = pt_field_string(json, where, "hostname", &h.name, err);
	if (r >= 0)
		r = read_cpu(cpu, where, &h.cpu, err);
	if (r >= 0 && json_is_object(json_object_get(json, "memory")))
		r = read_memory(json_object_get(json, "memory"), where, &h, err);
	if (r >= 0 && json_is_object(hypervisor))
		r = read_hypervisor(hypervisor, where, &h.hypervisor, err);
	if (r < 0)
		return r;
	h.known = json_is_object(hypervisor);
	h.where = pt_strdup(where);
	if (!h.name)
		h.name = pt_strdup(where);
	*ret_host = pt_take(h);
	return 0;
}

/* how one member becomes what struct pt_migrate_alike holds of it */
struct meaning {
	const char *key; /* with its quotes */
	int (*read)(const json_t *json, struct pt_migrate_alike *ret);
	void (*give)(const struct pt_migrate_alike *a, struct pt_migrate_host *h);
};

static int read_alike_cpu(const json_t *json, struct pt_migrate_alike *ret)
{
	ret->cpu = (struct pt_cpu_host){ .family = -1, .number = -1, .stepping = -1 };
	return json_is_object(json) ? read_cpu(json, "", &ret->cpu, NULL) : -EBADMSG;
}

static int read_alike_list(const json_t *json, struct pt_migrate_alike *ret)
{
	json_t *o = json_pack("{s:O}", "list", json);
	int r = read_strings(o, "", "list", &ret->list, NULL);

	json_decref(o);
	return json_is_array(json) ? r : -EBADMSG;
}

static int read_alike_flags(const json_t *json, struct pt_migrate_alike *ret)
{
	int r = read_alike_list(json, ret);

	pt_strv_sort(&ret->list);
	return r;
}

static int read_alike_model(const json_t *json, struct pt_migrate_alike *ret)
{
	return json_is_null(json) ? 0 : pt_cpu_def_from_json(json, &ret->def, NULL);
}

static void give_cpu(const struct pt_migrate_alike *a, struct pt_migrate_host *h)
{
	h->cpu = a->cpu;
}

static void give_machines(const struct pt_migrate_alike *a, struct pt_migrate_host *h)
{
	h->hypervisor.machines = a->list;
}

static void give_models(const struct pt_migrate_alike *a, struct pt_migrate_host *h)
{
	h->hypervisor.models = a->list;
}

static void give_flags(const struct pt_migrate_alike *a, struct pt_migrate_host *h)
{
	h->hypervisor.flags = a->list;
}

static void give_model(const struct pt_migrate_alike *a, struct pt_migrate_host *h)
{
	h->hypervisor.host_model = a->def;
}

static const struct meaning of_host[] = { { "\"cpu\"", read_alike_cpu, give_cpu } };
static const struct meaning of_hypervisor[] = {
	{ "\"machines\"", read_alike_list, give_machines },
	{ "\"cpu_models\"", read_alike_list, give_models },
	{ "\"host_model\"", read_alike_model, give_model },
	{ "\"host_model_flags\"", read_alike_flags, give_flags },
};

static bool is_key(struct pt_span key, const char *wanted)
{
	return key.n == strlen(wanted) && memcmp(key.p, wanted, key.n) == 0;
}

static json_t *parse_span(struct pt_span s)
{
	return json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

/* words that were read before, at the same place of another host's facts; they begin with their key */
static const struct pt_migrate_alike *find_alike(const struct pt_migrate_hosts *l, struct pt_span key, const char *end)
{
	/* the last ones first: hosts of one kind are often named one after the other */
	for (size_t i = l->alike.n; i-- > 0;) {
		const struct pt_migrate_alike *a = &l->alike.v[i];

		if (a->n <= (size_t)(end - key.p) && memcmp(a->text, key.p, a->n) == 0)
			return a;
	}
	return NULL;
}

/* one member whose words other hosts may have too; 0, or -EINVAL when it is not plain */
static int scan_alike(struct pt_json_walk *w, struct pt_span key, const struct meaning *m, struct pt_migrate_hosts *l,
		      struct pt_migrate_host *h)
{
	const struct pt_migrate_alike *known = find_alike(l, key, w->end);
	struct pt_migrate_alike a = { 0 };
	struct pt_span value;
	json_t *json;
	int r;

	if (known) {
		w->at = key.p + known->n;
		m->give(known, h);
		return 0;
	}
	if (pt_json_walk_value(w, &value) < 0)
		return -EINVAL;
	/* where a bracket ends the words, nothing that follows can make others of them */
	json = strchr("]}", value.p[value.n - 1]) ? parse_span(value) : NULL;
	r = json ? m->read(json, &a) : -EINVAL;
	json_decref(json);
	if (r < 0) {
		pt_migrate_alike_done(&a);
		return r;
	}
	a.n = (size_t)(value.p + value.n - key.p);
	a.text = pt_strndup(key.p, a.n);
	pt_array_push(&l->alike, a);
	m->give(&a, h);
	return 0;
}

static const struct meaning *meaning_of(struct pt_span key, const struct meaning *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_key(key, all[i].key))
			return &all[i];
	return NULL;
}

/* @o gets a member under its plain name; -EINVAL when it has it already */
static int keep(struct pt_json_walk *w, struct pt_span key, json_t *o)
{
	pt_autofree char *name = pt_strndup(key.p + 1, key.n - 2);
	struct pt_span value;
	json_t *json;

	if (strchr(name, '\\') || pt_json_walk_value(w, &value) < 0 || json_object_get(o, name))
		return -EINVAL;
	json = parse_span(value);
	return json && json_object_set_new(o, name, json) == 0 ? 0 : -EINVAL;
}

static int scan_hypervisor(struct pt_json_walk *w, json_t *rest, struct pt_migrate_hosts *l, struct pt_migrate_host *h)
{
	struct pt_json_walk inner;
	struct pt_span key;
	unsigned seen = 0;
	int r = pt_json_walk_into(w, &inner);

	while (r >= 0 && (r = pt_json_walk_key(&inner, &key)) > 0) {
		const struct meaning *m =
			meaning_of(key, of_hypervisor, sizeof(of_hypervisor) / sizeof(*of_hypervisor));
		unsigned bit = m ? 1U << (m - of_hypervisor) : 0;

		if (seen & bit)
			return -EINVAL;
		seen |= bit;
		r = m ? scan_alike(&inner, key, m, l, h) : keep(&inner, key, rest);
	}
	w->at = inner.at;
	return r;
}

/* all that is told of a host: 0 when it has all of it, and what is not alike in @rest and @hypervisor */
static int scan_members(struct pt_json_walk *w, json_t *rest, json_t *hypervisor, struct pt_migrate_hosts *l,
			struct pt_migrate_host *h)
{
	struct pt_span key;
	unsigned seen = 0;
	int r = 0;

	while (seen != 0xf && (r = pt_json_walk_key(w, &key)) > 0) {
		unsigned bit = is_key(key, "\"cpu\"")	       ? 1
			       : is_key(key, "\"hypervisor\"") ? 2
			       : is_key(key, "\"hostname\"")   ? 4
			       : is_key(key, "\"memory\"")     ? 8
							       : 0;
		struct pt_span passed;

		if ((seen & bit) || memchr(key.p, '\\', key.n))
			return -EINVAL;
		seen |= bit;
		if (bit == 1)
			r = scan_alike(w, key, &of_host[0], l, h);
		else if (bit == 2 && w->at < w->end && *w->at == '{')
			r = scan_hypervisor(w, hypervisor, l, h);
		else if (bit)
			r = keep(w, key, rest);
		else
			r = pt_json_walk_value(w, &passed);
		if (r < 0)
			return r;
		h->known = h->known || (bit == 2 && !json_object_get(rest, "hypervisor"));
	}
	return r < 0 || !(seen & 1) ? -EINVAL : 0;
}

int pt_host_facts_scan(const char *text, size_t size, const char *where, struct pt_migrate_hosts *l)
{
	struct pt_migrate_host h = { .alike = true };
	json_t *hypervisor = json_object();
	json_t *rest = json_object();
	struct pt_json_walk w;
	int r = pt_json_walk_begin(&w, (struct pt_span){ text, size }, '{');

	if (r >= 0)
		r = scan_members(&w, rest, hypervisor, l, &h);
	if (r >= 0)
		r = pt_field_string(rest, where, "hostname", &h.name, NULL);
	if (r >= 0 && json_is_object(json_object_get(rest, "memory")))
		r = read_memory(json_object_get(rest, "memory"), where, &h, NULL);
	if (r >= 0 && h.known)
		r = read_hypervisor_words(hypervisor, where, &h.hypervisor, NULL);
	json_decref(hypervisor);
	json_decref(rest);
	if (r < 0) {
		pt_migrate_host_done(&h);
		return 0;
	}
	h.where = pt_strdup(where);
	if (!h.name)
		h.name = pt_strdup(where);
	pt_array_push(l, h);
	return 1;
}
