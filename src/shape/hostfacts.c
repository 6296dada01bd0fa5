/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/hostfacts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "shape/cpu.h"
#include "shape/device.h"
#include "shape/fields.h"

/* no host has as many flags or machine types */
#define LIST_MAX 4096

json_t *pt_hypervisor_json(bool known, const struct pt_hypervisor *h)
{
	if (!known)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "host_uuid", pt_json_text(h->host_uuid), "libvirt",
		pt_json_text(h->libvirt), "qemu", pt_json_text(h->qemu), "arch", pt_json_text(h->arch), "tsc_hz",
		h->tsc_hz ? json_integer((json_int_t)h->tsc_hz) : json_null(), "tsc_scaling",
		h->tsc_scaling == PT_KNOWN_UNKNOWN ? json_null() : json_boolean(h->tsc_scaling == PT_KNOWN_YES),
		"machines", pt_json_strv(&h->machines), "host_model",
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

static int read_hypervisor(const json_t *o, const char *where, struct pt_hypervisor *h, struct pt_error *err)
{
	const json_t *model = json_object_get(o, "host_model");
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
	if (r >= 0)
		r = read_strings(o, where, "machines", &h->machines, err);
	if (r >= 0)
		r = read_strings(o, where, "host_model_flags", &h->flags, err);
	if (r >= 0 && model && !json_is_null(model))
		r = pt_cpu_def_from_json(model, &h->host_model, err);
	h->tsc_hz = (uint64_t)tsc;
	if (json_is_boolean(scaling))
		h->tsc_scaling = scales ? PT_KNOWN_YES : PT_KNOWN_NO;
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
