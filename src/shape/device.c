/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* include/linux/ioport.h */
#define RESOURCE_IO	  0x00000100
#define RESOURCE_PREFETCH 0x00002000
#define RESOURCE_64	  0x00100000
#define ROM_INDEX	  6

json_t *pt_json_text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	/* jansson takes UTF-8 only, and a disk's serial may be anything */
	if (!j) {
		pt_autofree char *copy = pt_strdup(s);

		j = json_string(pt_text_clean(copy));
	}
	return j;
}

json_t *pt_json_strv(const struct pt_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(a, pt_json_text(l->v[i]));
	return a;
}

static void set_text(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, pt_json_text(s));
}

static void set_hex(json_t *o, const char *key, int digits, unsigned value)
{
	pt_autofree char *text = pt_strf("%0*x", digits, value);

	set_text(o, key, text);
}

/* null when it is negative: PT_GROUP_NONE, PT_NUMA_NONE */
static void set_number(json_t *o, const char *key, int value)
{
	json_object_set_new(o, key, value < 0 ? json_null() : json_integer(value));
}

static json_t *sriov_to_json(const struct pt_device *d)
{
	json_t *o = json_object();

	switch (d->sriov) {
	case PT_SRIOV_NONE:
		set_text(o, "role", "none");
		break;
	case PT_SRIOV_PF:
		set_text(o, "role", "pf");
		set_text(o, "status", d->vfs_now > 0 ? "enabled" : "disabled");
		set_number(o, "vfs", d->vfs_now);
		set_number(o, "total", (int)d->vfs_total);
		break;
	case PT_SRIOV_VF:
		set_text(o, "role", "vf");
		set_text(o, "pf", pt_bdf_str(d->pf).s);
		set_number(o, "index", d->vf_index);
		break;
	}
	return o;
}

static json_t *bars_to_json(const struct pt_device *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < sizeof(d->bars) / sizeof(*d->bars); i++) {
		const struct pt_bar *b = &d->bars[i];
		json_t *o;

		if (!b->size)
			continue;
		o = json_object();
		json_object_set_new(o, "index", json_integer((json_int_t)i));
		/* jansson's integers are signed; a BAR of 8 EiB does not exist */
		json_object_set_new(o, "size", json_integer((json_int_t)(b->size & INT64_MAX)));
		set_text(o, "type",
			 i == ROM_INDEX		  ? "rom"
			 : b->flags & RESOURCE_IO ? "io"
			 : b->flags & RESOURCE_64 ? "memory64"
						  : "memory32");
		json_object_set_new(o, "prefetchable", json_boolean(b->flags & RESOURCE_PREFETCH));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *reset_to_json(const char *methods)
{
	pt_autofree char *copy = pt_strdup_opt(methods);
	json_t *a;
	char *save = NULL;

	if (!copy)
		return json_null();
	a = json_array();
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		json_array_append_new(a, pt_json_text(word));
	return a;
}

static void add_detail(json_t *o, const struct pt_device *d)
{
	set_hex(o, "revision", 2, d->revision);
	set_text(o, "modalias", d->modalias);
	set_text(o, "driver_override", d->driver_override);
	json_object_set_new(o, "stuck", json_boolean(d->stuck));
	set_text(o, "vfio_driver", d->vfio_variant ? d->vfio_variant : "vfio-pci");
	set_text(o, "serial", d->serial);
	json_object_set_new(o, "reset_methods", reset_to_json(d->reset_methods));
	json_object_set_new(o, "bars", bars_to_json(d));
}

json_t *pt_device_to_json(const struct pt_device *d, bool detail)
{
	json_t *o = json_object();

	set_text(o, "address", pt_bdf_str(d->bdf).s);
	set_hex(o, "vendor_id", 4, d->vendor);
	set_hex(o, "device_id", 4, d->device);
	set_hex(o, "subsystem_vendor_id", 4, d->subvendor);
	set_hex(o, "subsystem_device_id", 4, d->subdevice);
	set_hex(o, "class_id", 6, d->class_code);
	set_text(o, "vendor", d->vendor_name);
	set_text(o, "device", d->device_name);
	set_text(o, "class", d->class_name);
	set_text(o, "parent", d->has_parent ? pt_bdf_str(d->parent).s : NULL);
	set_text(o, "slot_path", d->slot_path);
	set_text(o, "driver", d->driver);
	set_number(o, "iommu_group", d->iommu_group);
	set_number(o, "numa_node", d->numa_node);
	json_object_set_new(o, "sriov", sriov_to_json(d));
	json_object_set_new(o, "netdevs", pt_json_strv(&d->netdevs));
	json_object_set_new(o, "disks", pt_json_strv(&d->disks));
	if (detail)
		add_detail(o, d);
	return o;
}

json_t *pt_block_to_json(const struct pt_block *b)
{
	json_t *o = json_object();
	json_t *links = json_array();

	for (size_t i = 0; i < b->links.n; i++) {
		pt_autofree char *path = pt_strf("/dev/%s", b->links.v[i]);

		json_array_append_new(links, pt_json_text(path));
	}
	set_text(o, "name", b->name);
	json_object_set_new(o, "size", json_integer((json_int_t)(b->size & INT64_MAX)));
	set_text(o, "vendor", b->vendor);
	set_text(o, "model", b->model);
	set_text(o, "serial", b->serial);
	set_text(o, "wwn", b->wwn);
	json_object_set_new(o, "links", links);
	return o;
}

json_t *pt_use_to_json(const struct pt_use *u)
{
	json_t *o = json_object();

	set_text(o, "address", pt_bdf_str(u->bdf).s);
	set_text(o, "kind", pt_use_kind_str(u->kind));
	set_text(o, "chain", u->chain);
	set_text(o, "where", u->where);
	json_object_set_new(o, "pid", u->pid > 0 ? json_integer(u->pid) : json_null());
	set_text(o, "process", u->comm);
	return o;
}
