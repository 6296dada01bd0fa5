/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"

#define TEXT_MAX 255

/* a member that is a string: cut, without control characters, NULL when there is none */
static char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	char *copy;

	if (!s || !*s)
		return NULL;
	copy = pt_strndup(s, TEXT_MAX);
	pt_text_clean(copy);
	return copy;
}

static json_int_t number_of(const json_t *o, const char *key, json_int_t max)
{
	const json_t *n = json_object_get(o, key);
	json_int_t value = json_is_integer(n) ? json_integer_value(n) : -1;

	return value <= max ? value : -1;
}

/* the document, with "return" checked to be of @type; @ret_value is borrowed from it */
static json_t *take(const char *reply, json_type type, json_t **ret_value, int *ret_r, struct pt_error *err)
{
	json_error_t where;
	json_auto_t *doc = NULL;
	const json_t *error;
	pt_autofree char *words = NULL;

	if (strlen(reply) > PT_REPLY_MAX) {
		*ret_r = pt_say(err, -EBADMSG, "the reply is larger than %zu MiB", PT_REPLY_MAX >> 20);
		return NULL;
	}
	doc = json_loads(reply, JSON_REJECT_DUPLICATES, &where);
	if (!doc) {
		*ret_r = pt_say(err, -EBADMSG, "the reply is no JSON (line %d)", where.line);
		return NULL;
	}
	error = json_object_get(doc, "error");
	words = text_of(error, "desc");
	if (error) {
		*ret_r = pt_say(err, -EREMOTEIO, "it answers: %s", words ? words : "an error");
		return NULL;
	}
	*ret_value = json_object_get(doc, "return");
	if (!*ret_value || json_typeof(*ret_value) != type) {
		*ret_r = pt_say(err, -EBADMSG, "the reply has not the form that the protocol asks for");
		return NULL;
	}
	if (type == JSON_ARRAY && json_array_size(*ret_value) > PT_REPLY_LIST) {
		*ret_r = pt_say(err, -EBADMSG, "the reply lists more than %d things", PT_REPLY_LIST);
		return NULL;
	}
	*ret_r = 0;
	return pt_take_ptr(doc);
}

int pt_reply_commands(const char *reply, struct pt_strv *ret_names, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_OBJECT, &value, &r, err);
	const json_t *list = doc ? json_object_get(value, "supported_commands") : NULL;

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(list) && i < PT_REPLY_LIST; i++) {
		const json_t *c = json_array_get(list, i);
		char *name = text_of(c, "name");

		if (name && json_is_true(json_object_get(c, "enabled")))
			pt_strv_take(ret_names, name);
		else
			free(name);
	}
	return 0;
}

int pt_reply_os(const char *reply, char **ret_os, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_OBJECT, &value, &r, err);

	if (!doc)
		return r;
	*ret_os = text_of(value, "pretty-name");
	if (!*ret_os)
		*ret_os = text_of(value, "name");
	if (!*ret_os)
		*ret_os = text_of(value, "kernel-release");
	return 0;
}

static bool read_bdf(const json_t *o, struct pt_bdf *ret_bdf)
{
	json_int_t domain = number_of(o, "domain", UINT32_MAX);
	json_int_t bus = number_of(o, "bus", 255);
	json_int_t slot = number_of(o, "slot", 31);
	json_int_t func = number_of(o, "function", 7);

	/* the agent says -1 everywhere for what it does not know */
	if (domain < 0 || bus < 0 || slot < 0 || func < 0)
		return false;
	*ret_bdf = (struct pt_bdf){ (uint32_t)domain, (uint8_t)bus, (uint8_t)slot, (uint8_t)func };
	return true;
}

static bool known_disk(const struct pt_guest *guest, const char *name)
{
	for (size_t i = 0; i < guest->disks.n; i++)
		if (pt_streq(guest->disks.v[i].name, name))
			return true;
	return false;
}

/* @address: a GuestDiskAddress, as in guest-get-disks and guest-get-fsinfo */
static void add_disk(struct pt_guest *guest, char *name, const json_t *address)
{
	struct pt_guest_disk *d;

	if (!name || known_disk(guest, name) || guest->disks.n >= PT_REPLY_LIST) {
		free(name);
		return;
	}
	d = pt_array_add(&guest->disks);
	d->name = name;
	d->serial = text_of(address, "serial");
	d->has_controller = read_bdf(json_object_get(address, "pci-controller"), &d->controller);
}

int pt_reply_disks(const char *reply, struct pt_guest *guest, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_ARRAY, &value, &r, err);

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *d = json_array_get(value, i);

		if (!json_is_true(json_object_get(d, "partition")))
			add_disk(guest, text_of(d, "name"), json_object_get(d, "address"));
	}
	return 0;
}

int pt_reply_fsinfo(const char *reply, struct pt_guest *guest, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_ARRAY, &value, &r, err);

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *disks = json_object_get(json_array_get(value, i), "disk");

		for (size_t j = 0; j < json_array_size(disks) && j < PT_REPLY_LIST; j++) {
			const json_t *address = json_array_get(disks, j);

			add_disk(guest, text_of(address, "dev"), address);
		}
	}
	return 0;
}

int pt_reply_nics(const char *reply, struct pt_guest *guest, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_ARRAY, &value, &r, err);

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *o = json_array_get(value, i);
		struct pt_guest_nic nic = { text_of(o, "name"), text_of(o, "hardware-address") };

		if (nic.name && nic.mac) {
			pt_array_push(&guest->nics, nic);
			continue;
		}
		free(nic.name);
		free(nic.mac);
	}
	return 0;
}

int pt_reply_devices(const char *reply, struct pt_guest *guest, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_ARRAY, &value, &r, err);

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *o = json_array_get(value, i);
		const json_t *id = json_object_get(o, "id");
		json_int_t vendor = number_of(id, "vendor-id", UINT16_MAX);
		json_int_t device = number_of(id, "device-id", UINT16_MAX);
		const char *type = json_string_value(json_object_get(id, "type"));

		if (vendor < 0 || device < 0 || !pt_streq(type, "pci"))
			continue;
		pt_array_push(&guest->functions, ((struct pt_guest_function){ .vendor = (uint16_t)vendor,
									      .device = (uint16_t)device,
									      .driver = text_of(o, "driver-name") }));
	}
	return 0;
}

int pt_reply_handle(const char *reply, long long *ret_handle, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_INTEGER, &value, &r, err);

	if (!doc)
		return r;
	*ret_handle = json_integer_value(value);
	return 0;
}

int pt_reply_chunk(const char *reply, struct pt_buf *text, bool *ret_eof, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_OBJECT, &value, &r, err);
	size_t before = text->n;
	const char *data;

	if (!doc)
		return r;
	data = json_string_value(json_object_get(value, "buf-b64"));
	if (!data || !pt_base64_append(text, data))
		return pt_say(err, -EBADMSG, "the reply has not the form that the protocol asks for");
	/* text is wanted; a NUL would end it early */
	for (size_t i = before; i < text->n; i++)
		if (!text->s[i])
			text->s[i] = ' ';
	*ret_eof = json_is_true(json_object_get(value, "eof")) || !*data;
	return 0;
}

/* one line: four hex digits of bus and devfn, eight of the ids, 15 more columns, and the driver where there is one */
static bool read_pci_line(char *line, struct pt_guest_function *f)
{
	char *save = NULL;
	const char *where = strtok_r(line, "\t ", &save);
	const char *ids = strtok_r(NULL, "\t ", &save);
	const char *driver = NULL;
	const char *column;
	unsigned long devfn;
	unsigned long id;
	size_t n = 2;

	if (!where || !ids || strspn(where, "0123456789abcdef") != 4 || strspn(ids, "0123456789abcdef") != 8)
		return false;
	devfn = strtoul(where, NULL, 16);
	id = strtoul(ids, NULL, 16);
	while ((column = strtok_r(NULL, "\t ", &save)))
		if (++n == 18)
			driver = column;
	f->has_bdf = true;
	f->bdf = (struct pt_bdf){ 0, (uint8_t)(devfn >> 8), (uint8_t)(devfn >> 3 & 0x1f), (uint8_t)(devfn & 7) };
	f->vendor = (uint16_t)(id >> 16);
	f->device = (uint16_t)id;
	f->driver = driver ? pt_strndup(driver, TEXT_MAX) : NULL;
	if (f->driver)
		pt_text_clean(f->driver);
	return true;
}

void pt_reply_pci_table(const char *text, struct pt_guest *guest)
{
	pt_autofree char *copy = pt_strdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct pt_guest_function f = { 0 };

		if (guest->functions.n < PT_REPLY_LIST && read_pci_line(line, &f))
			pt_array_push(&guest->functions, f);
	}
}

/* an address of -1 is a region that the guest has not placed (QEMU, hw/pci/pci-qmp-cmds.c) */
static void count_regions(const json_t *regions, struct pt_qmp_function *f)
{
	for (size_t i = 0; i < json_array_size(regions) && i < 7; i++) {
		f->bars++;
		if (json_integer_value(json_object_get(json_array_get(regions, i), "address")) > 0)
			f->bars_mapped++;
	}
}

static void add_qmp_function(const json_t *o, struct pt_qmp_functions *l)
{
	const json_t *id = json_object_get(o, "id");
	json_int_t vendor = number_of(id, "vendor", UINT16_MAX);
	json_int_t device = number_of(id, "device", UINT16_MAX);
	struct pt_qmp_function *f;
	struct pt_bdf bdf = { 0 };
	char *alias = text_of(o, "qdev_id");

	bdf.bus = (uint8_t)number_of(o, "bus", 255);
	bdf.slot = (uint8_t)number_of(o, "slot", 31);
	bdf.func = (uint8_t)number_of(o, "function", 7);
	if (!alias || vendor < 0 || device < 0 || l->n >= PT_REPLY_LIST) {
		free(alias);
		return;
	}
	f = pt_array_add(l);
	f->alias = alias;
	f->bdf = bdf;
	f->vendor = (uint16_t)vendor;
	f->device = (uint16_t)device;
	count_regions(json_object_get(o, "regions"), f);
}

/* bridges hold their functions; PCI has at most 256 buses below one another, jansson's own limit is higher */
static void walk(const json_t *devices, struct pt_qmp_functions *l, unsigned depth)
{
	if (depth > 32)
		return;
	for (size_t i = 0; i < json_array_size(devices) && i < PT_REPLY_LIST; i++) {
		const json_t *o = json_array_get(devices, i);

		add_qmp_function(o, l);
		walk(json_object_get(json_object_get(o, "pci_bridge"), "devices"), l, depth + 1);
	}
}

int pt_reply_query_pci(const char *reply, struct pt_qmp_functions *ret_functions, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_ARRAY, &value, &r, err);

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(value); i++)
		walk(json_object_get(json_array_get(value, i), "devices"), ret_functions, 0);
	return 0;
}

int pt_reply_blockers(const char *reply, struct pt_strv *ret_reasons, struct pt_error *err)
{
	json_t *value = NULL;
	int r = 0;
	json_auto_t *doc = take(reply, JSON_OBJECT, &value, &r, err);
	const json_t *list = doc ? json_object_get(value, "blocked-reasons") : NULL;

	if (!doc)
		return r;
	for (size_t i = 0; i < json_array_size(list) && i < PT_REPLY_LIST; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text)
			pt_strv_add(ret_reasons, text);
	}
	return 0;
}
