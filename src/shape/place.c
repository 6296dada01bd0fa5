/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "shape/fields.h"
#include "shape/value.h"

static int add_entry(const json_t *item, const char *what, size_t i, struct pt_conf_entries *l, struct pt_error *err)
{
	struct pt_value value;
	int r = pt_value_from_json(item, &value, err);

	if (r < 0)
		return pt_wrap(err, r, "config.%s[%zu]", what, i);
	pt_conf_entries_take(l, value, pt_strf("%s %zu", what, i + 1));
	return 0;
}

static int read_entries(const json_t *config, const char *key, struct pt_conf_entries *l, struct pt_error *err)
{
	const json_t *list = NULL;
	int r = pt_field_list(config, "config", key, &list, err);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = add_entry(json_array_get(list, i), key, i, l, err);
	return r;
}

int pt_place_read_config(const json_t *json, struct pt_pci_config *ret_config, struct pt_error *err)
{
	static const char *const keys[] = { "device_spec", "alias", "report_in_placement", "pci_in_placement", NULL };
	PT_AUTO(pt_pci_config) config = { 0 };
	int r = 0;

	if (json && !json_is_null(json)) {
		r = pt_field_only(json, "config", keys, err);
		r = r < 0 ? r : read_entries(json, "device_spec", &config.device_spec, err);
		r = r < 0 ? r : read_entries(json, "alias", &config.alias, err);
		r = r < 0 ? r : pt_field_bool(json, "config", "report_in_placement", &config.report_in_placement, err);
		r = r < 0 ? r : pt_field_bool(json, "config", "pci_in_placement", &config.pci_in_placement, err);
	}
	if (r < 0)
		return r;
	*ret_config = pt_take(config);
	return 0;
}

/* optional whole numbers: a negative one means "not given", as sysfs has it for numa_node */
static int read_amount(const json_t *o, const char *where, const char *key, int *ret, struct pt_error *err)
{
	int64_t value = PT_NOT_GIVEN;
	int r = pt_field_int(o, where, key, -1, INT32_MAX, &value, err);

	*ret = (int)value;
	return r;
}

static int read_cell(const json_t *o, const char *where, struct pt_inv_cell *cell, struct pt_error *err)
{
	static const char *const keys[] = { "id", "socket", "cpus", "memory_mib", NULL };
	int r = pt_field_only(o, where, keys, err);

	cell->memory_mib = PT_NOT_GIVEN;
	r = r < 0 ? r : pt_field_need(o, where, "id", err);
	r = r < 0 ? r : read_amount(o, where, "id", &cell->id, err);
	if (r == 0 && cell->id < 0)
		return pt_usage(err, -EINVAL, "%s.id: a cell's id is 0 or more", where);
	r = r < 0 ? r : read_amount(o, where, "socket", &cell->socket, err);
	r = r < 0 ? r : read_amount(o, where, "cpus", &cell->cpus, err);
	return r < 0 ? r : pt_field_int(o, where, "memory_mib", -1, INT64_MAX, &cell->memory_mib, err);
}

static int read_vf_product(const json_t *o, const char *where, struct pt_inv_device *d, struct pt_error *err)
{
	int64_t id = PT_NOT_GIVEN;
	int r = pt_field_id(o, where, "vf_product_id", &id, err);

	d->vf_product = (int)id;
	return r;
}

/* "1:2:3.4" of any numbers: well formed, though a field is beyond what an address can hold */
static bool is_beyond(const char *text)
{
	static const unsigned long long max[] = { 0xffff, 0xff, 0x1f, 7 };
	bool beyond = false;

	for (int field = 0; field < 4; field++) {
		size_t n = strspn(text, "0123456789abcdefABCDEF");

		if (!n || text[n] != "::."[field])
			return false;
		beyond = beyond || strtoull(text, NULL, 16) > max[field];
		text += n + 1;
	}
	return beyond;
}

/* a device that Nova could not name is left out, as Nova leaves it out: marked by a domain that goes too far */
static int read_address(const json_t *o, const char *where, struct pt_bdf *ret, struct pt_error *err)
{
	const char *text = json_string_value(json_object_get(o, "address"));
	bool given = false;
	struct pt_bdf bdf;

	if (text && pt_bdf_parse(text, &bdf) < 0 && is_beyond(text)) {
		*ret = (struct pt_bdf){ .domain = UINT32_MAX };
		return 0;
	}
	return pt_field_address(o, where, "address", &given, ret, err);
}

static int read_identity(const json_t *o, const char *where, struct pt_inv_device *d, struct pt_error *err)
{
	pt_autofree char *type = NULL;
	int64_t id = 0;
	int r = read_address(o, where, &d->bdf, err);

	r = r < 0 ? r : pt_field_id(o, where, "vendor_id", &id, err);
	d->vendor = (uint16_t)id;
	r = r < 0 ? r : pt_field_id(o, where, "product_id", &id, err);
	d->product = (uint16_t)id;
	r = r < 0 ? r : pt_field_string(o, where, "type", &type, err);
	if (r < 0)
		return r;
	r = type ? pt_dev_type_parse(type) : PT_DEV_PCI;
	if (r < 0)
		return pt_usage(err, -EINVAL, "%s.type: '%.40s' is none of type-PCI, type-PF, type-VF and vdpa", where,
				type);
	d->type = (enum pt_dev_type)r;
	return 0;
}

/* six hex digits, as sysfs has them */
static int read_class(const json_t *o, const char *where, struct pt_inv_device *d, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = pt_field_string(o, where, "class", &text, err);

	if (r < 0 || !text)
		return r;
	if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6)
		return pt_usage(err, -EINVAL, "%s.class: '%.40s' is no class: six hexadecimal digits", where, text);
	d->class_code = (uint32_t)strtoul(text, NULL, 16);
	return 0;
}

static int read_device(const json_t *o, const char *where, struct pt_inv_host *host, struct pt_error *err)
{
	static const char *const keys[] = { "address",	   "vendor_id",	     "product_id", "type",
					    "numa_node",   "parent",	     "ifname",	   "parent_ifname",
					    "owner",	   "sriov_totalvfs", "serial",	   "vf_product_id",
					    "card_serial", "rp_uuid",	     "class",	   NULL };
	struct pt_inv_device *d = pt_inv_host_add(host);
	int r = pt_field_only(o, where, keys, err);

	for (size_t i = 0; i < 3 && r == 0; i++)
		r = pt_field_need(o, where, keys[i], err);
	r = r < 0 ? r : read_identity(o, where, d, err);
	r = r < 0 ? r : read_class(o, where, d, err);
	r = r < 0 ? r : read_amount(o, where, "numa_node", &d->numa_node, err);
	r = r < 0 ? r : pt_field_address(o, where, "parent", &d->has_parent, &d->parent, err);
	r = r < 0 ? r : pt_field_string(o, where, "ifname", &d->ifname, err);
	r = r < 0 ? r : pt_field_string(o, where, "parent_ifname", &d->parent_ifname, err);
	r = r < 0 ? r : pt_field_string(o, where, "owner", &d->owner, err);
	r = r < 0 ? r : read_amount(o, where, "sriov_totalvfs", &d->totalvfs, err);
	r = r < 0 ? r : pt_field_string(o, where, "serial", &d->serial, err);
	r = r < 0 ? r : read_vf_product(o, where, d, err);
	r = r < 0 ? r : pt_field_string(o, where, "card_serial", &d->card_serial, err);
	return r < 0 ? r : pt_field_string(o, where, "rp_uuid", &d->rp_uuid, err);
}

static int read_lists(const json_t *o, const char *where, struct pt_inv_host *host, struct pt_error *err)
{
	const json_t *cells = NULL;
	const json_t *devices = NULL;
	int r = pt_field_list(o, where, "numa", &cells, err);

	r = r < 0 ? r : pt_field_list(o, where, "devices", &devices, err);
	if (r == 0 && (json_array_size(devices) > PT_PLACE_DEVICES_MAX || json_array_size(cells) > PT_PLACE_CELLS_MAX))
		return pt_usage(err, -E2BIG, "%s: %zu devices and %zu NUMA cells; at most %d and %d are read", where,
				json_array_size(devices), json_array_size(cells), PT_PLACE_DEVICES_MAX,
				PT_PLACE_CELLS_MAX);
	if (r == 0 && json_array_size(cells))
		host->cells = pt_alloc(json_array_size(cells) * sizeof(*host->cells));
	for (size_t i = 0; r == 0 && i < json_array_size(cells); i++) {
		pt_autofree char *at = pt_strf("%s.numa[%zu]", where, i);

		r = read_cell(json_array_get(cells, i), at, &host->cells[host->n_cells++], err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		pt_autofree char *at = pt_strf("%s.devices[%zu]", where, i);

		r = read_device(json_array_get(devices, i), at, host, err);
	}
	return r;
}

static int read_host(const json_t *o, const char *where, struct pt_inv_host *host, struct pt_error *err)
{
	static const char *const keys[] = { "name", "numa", "devices", NULL };
	struct pt_bdf twice;
	int r = pt_field_only(o, where, keys, err);

	r = r < 0 ? r : pt_field_need(o, where, "name", err);
	r = r < 0 ? r : pt_field_string(o, where, "name", &host->name, err);
	r = r < 0 ? r : read_lists(o, where, host, err);
	if (r < 0)
		return r;
	for (size_t i = 1; i < host->n_cells; i++)
		for (size_t j = 0; j < i; j++)
			if (host->cells[i].id == host->cells[j].id)
				return pt_usage(err, -EINVAL, "%s.numa: cell %d is listed twice", where,
						host->cells[i].id);
	if (pt_inv_host_finish(host, &twice) < 0)
		return pt_usage(err, -EEXIST, "%s.devices: %s is listed twice", where, pt_bdf_str(twice).s);
	return 0;
}

int pt_place_read_host(const json_t *json, const char *where, struct pt_inv_host *ret_host, struct pt_error *err)
{
	PT_AUTO(pt_inv_host) host = { 0 };
	int r = read_host(json, where, &host, err);

	if (r < 0)
		return r;
	*ret_host = host;
	host = (struct pt_inv_host){ 0 };
	return 0;
}

int pt_place_read_hosts(const json_t *json, struct pt_inv_hosts *ret_hosts, struct pt_error *err)
{
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	int r = 0;

	if (json && !json_is_null(json) && !json_is_array(json))
		return pt_usage(err, -EINVAL, "hosts: expected a list, found %s", pt_json_kind(json));
	for (size_t i = 0; r == 0 && i < json_array_size(json); i++) {
		pt_autofree char *where = pt_strf("hosts[%zu]", i);

		r = read_host(json_array_get(json, i), where, pt_array_add(&hosts), err);
	}
	if (r < 0)
		return r;
	*ret_hosts = hosts;
	hosts = (struct pt_inv_hosts){ 0 };
	return 0;
}
