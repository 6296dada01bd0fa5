/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reservation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* a NIC has few addresses, a RAID controller may have some hundred disks */
#define BEHIND_MAX 1024

void pt_keep_done(struct pt_keep *r)
{
	pt_identity_done(&r->id);
	free(r->driver);
	free(r->vm);
	free(r->vm_uuid);
	*r = (struct pt_keep){ 0 };
}

void pt_keeps_done(struct pt_keeps *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_keep_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_keeps){ 0 };
}

struct pt_keep *pt_keep_by_bdf(const struct pt_keeps *l, struct pt_bdf bdf)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_bdf_eq(l->v[i].id.last_seen, bdf))
			return &l->v[i];
	return NULL;
}

bool pt_keep_at_boot(const struct pt_keep *r)
{
	return !pt_streq(r->driver, PT_DRIVER_LIBVIRT);
}

static bool one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static void add_line(struct pt_buf *b, const char *key, const char *value)
{
	if (value && *value && one_line(value))
		pt_buf_addf(b, "%s=%s\n", key, value);
}

char *pt_identity_lines(const struct pt_identity *id)
{
	struct pt_buf b = { 0 };

	add_line(&b, "slot_path", id->slot_path);
	add_line(&b, "serial", id->serial);
	if (id->is_vf)
		pt_buf_addf(&b, "vf=%d\n", id->vf_index);
	if (id->is_vf && id->pf_func >= 0)
		pt_buf_addf(&b, "pf_function=%d\n", id->pf_func);
	for (size_t i = 0; i < id->behind.n; i++)
		add_line(&b, "behind", id->behind.v[i]);
	return pt_buf_take(&b);
}

static int parse_id(const char *value, uint16_t *ret_id)
{
	if (strlen(value) != 4 || strspn(value, "0123456789abcdef") != 4)
		return -EBADMSG;
	*ret_id = (uint16_t)strtoul(value, NULL, 16);
	return 0;
}

static int parse_number(const char *value, long long *ret_number)
{
	size_t n = strlen(value);

	if (!n || n > 18 || strspn(value, "0123456789") != n)
		return -EBADMSG;
	*ret_number = strtoll(value, NULL, 10);
	return 0;
}

static int parse_text(const char *value, char **text)
{
	pt_strset(text, *value ? value : NULL);
	return 0;
}

/* one that an earlier version took for the card's own is none */
static int parse_serial(const char *value, struct pt_identity *id)
{
	return parse_text(*value && !pt_serial_is_common(value) ? value : "", &id->serial);
}

static int parse_behind(const char *value, struct pt_identity *id)
{
	if (id->behind.n >= BEHIND_MAX)
		return -EBADMSG;
	if (*value)
		pt_strv_add(&id->behind, value);
	return 0;
}

/* what a later version may add is passed over */
static int parse_pair(const char *key, const char *value, struct pt_keep *r)
{
	long long number = 0;
	int code;

	if (strcmp(key, "address") == 0)
		return pt_bdf_parse(value, &r->id.last_seen);
	if (strcmp(key, "vendor_id") == 0)
		return parse_id(value, &r->id.vendor);
	if (strcmp(key, "device_id") == 0)
		return parse_id(value, &r->id.device);
	if (strcmp(key, "subsystem_vendor_id") == 0)
		return parse_id(value, &r->id.subvendor);
	if (strcmp(key, "subsystem_device_id") == 0)
		return parse_id(value, &r->id.subdevice);
	if (strcmp(key, "driver") == 0)
		return parse_text(value, &r->driver);
	if (strcmp(key, "vm") == 0)
		return parse_text(value, &r->vm);
	if (strcmp(key, "vm_uuid") == 0)
		return parse_text(value, &r->vm_uuid);
	if (strcmp(key, "change") == 0)
		return parse_number(value, &r->change);
	if (strcmp(key, "slot_path") == 0)
		return parse_text(value, &r->id.slot_path);
	if (strcmp(key, "serial") == 0)
		return parse_serial(value, &r->id);
	if (strcmp(key, "behind") == 0)
		return parse_behind(value, &r->id);
	if (strcmp(key, "vf") != 0 && strcmp(key, "pf_function") != 0)
		return 0;
	code = parse_number(value, &number);
	if (strcmp(key, "pf_function") == 0) {
		r->id.pf_func = (int)(number & 0xff);
		return code;
	}
	r->id.is_vf = true;
	r->id.vf_index = (int)(number & 0xffff);
	return code;
}

/* a module's name, since it goes to driver_override and to a udev rule */
static bool good_driver(const char *s)
{
	return s && *s && strlen(s) <= 64 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(s);
}

int pt_reservation_parse(const char *text, struct pt_keep *ret_keep, struct pt_error *err)
{
	PT_AUTO(pt_keep) r = { .id.vf_index = -1, .id.pf_func = -1 };
	unsigned number = 0;
	bool address = false;

	for (const char *at = text; *at; number++) {
		size_t n = strcspn(at, "\n");
		pt_autofree char *line = pt_strndup(at, n);
		char *value = strchr(line, '=');

		at += n + (at[n] == '\n');
		if (!*line || *line == '#')
			continue;
		if (!value)
			return pt_say(err, -EBADMSG, "line %u is not KEY=VALUE", number + 1);
		*value++ = '\0';
		if (parse_pair(line, value, &r) < 0)
			return pt_say(err, -EBADMSG, "line %u: '%s' is no value for %s", number + 1, value, line);
		address = address || strcmp(line, "address") == 0;
	}
	if (!address || !r.id.vendor || !good_driver(r.driver))
		return pt_say(err, -EBADMSG, "it has no address, no vendor_id or no driver");
	*ret_keep = r;
	r = (struct pt_keep){ 0 };
	return 0;
}
