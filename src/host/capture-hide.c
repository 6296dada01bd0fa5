/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a capture the names of this host and of its parts stand; host/secrets.c knows how they look. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/capture-parts.h"
#include "host/secrets.h"

/* PCI Express Base Specification 7.9.3, and the header of extended capabilities */
#define EXTENDED_START 0x100
#define DSN_ID	       0x0003
#define DSN_BYTES      8
#define VPD_SERIAL     4 /* SPC-4 7.8.16: the number follows a header of four bytes */

static void add(struct pt_secrets *s, enum pt_secret_kind kind, const char *value)
{
	pt_autofree char *copy = value ? pt_text_trim(pt_strdup(value)) : NULL;

	pt_secrets_add(s, kind, copy);
}

static void add_attr(struct pt_secrets *s, enum pt_secret_kind kind, const struct pt_mock *m, const char *name)
{
	const struct pt_mock_attr *a = pt_mock_attr(m, name);

	if (a)
		add(s, kind, a->data);
}

/* properties whose name says that the value belongs to one device only */
static bool is_personal(const char *property)
{
	static const char *const parts[] = { "SERIAL_SHORT=", "SCSI_SERIAL=", "IDENT_SERIAL=", "DM_SERIAL=",
					     "UUID=",	      "UUID_ENC=",    "UUID_SUB=" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *at = strstr(property, parts[i]);

		if (at && strchr(property, '=') == at + strlen(parts[i]) - 1)
			return true;
	}
	return false;
}

static void gather_properties(struct pt_secrets *s, const struct pt_mock *m)
{
	for (size_t i = 0; i < m->properties.n; i++) {
		const char *value = strchr(m->properties.v[i], '=');

		if (!value)
			continue;
		if (is_personal(m->properties.v[i]))
			add(s, PT_SECRET_SERIAL, value + 1);
		else if (pt_startswith(m->properties.v[i], "ID_WWN"))
			add(s, PT_SECRET_WWN, value + 1);
		pt_secrets_sweep(s, value + 1);
	}
	for (size_t i = 0; i < m->links.n; i++)
		pt_secrets_sweep(s, m->links.v[i]);
}

static void gather_device(struct pt_secrets *s, const struct pt_mock *m)
{
	static const char *const swept[] = { "wwid",	"subsysnqn",	     "uuid",	      "nguid",
					     "eui",	"dm/uuid",	     "dm/name",	      "md/uuid",
					     "address", "loop/backing_file", "phys_switch_id" };
	const struct pt_mock_attr *vpd = pt_mock_attr(m, "vpd_pg80");
	const struct pt_mock_attr *dm = pt_mock_attr(m, "dm/uuid");

	add_attr(s, PT_SECRET_SERIAL, m, "serial");
	if (vpd && vpd->size > VPD_SERIAL)
		add(s, PT_SECRET_SERIAL, vpd->data + VPD_SERIAL);
	/* "LVM-" and two names of 32 letters and digits */
	if (dm && pt_startswith(dm->data, "LVM-"))
		add(s, PT_SECRET_SERIAL, dm->data + strlen("LVM-"));
	add_attr(s, PT_SECRET_SERIAL, m, "md/uuid");
	add_attr(s, PT_SECRET_SERIAL, m, "nguid");
	add_attr(s, PT_SECRET_SERIAL, m, "phys_switch_id");
	/* an InfiniBand address has 20 bytes: no MAC by its form */
	if (pt_streq(pt_mock_property(m, "SUBSYSTEM"), "net"))
		add_attr(s, PT_SECRET_MAC, m, "address");
	for (size_t i = 0; i < sizeof(swept) / sizeof(*swept); i++) {
		const struct pt_mock_attr *a = pt_mock_attr(m, swept[i]);

		if (a)
			pt_secrets_sweep(s, a->data);
	}
	gather_properties(s, m);
}

/*
 * ID_SERIAL is model and serial in one, or the serial alone (virtio), or the WWN: it is a secret of its own only when
 * no part of it is one already, so that the model stays readable.
 */
static void gather_whole_serial(struct pt_secrets *s, const struct pt_mock *m)
{
	const char *value = pt_mock_property(m, "ID_SERIAL");

	if (value && !pt_secrets_has(s, value))
		add(s, PT_SECRET_SERIAL, value);
}

/* kernel tables and names of models, where a host's name can only be a word by chance */
static bool is_neutral(const char *path)
{
	return strcmp(path, "names") == 0 || strcmp(path, "links") == 0 || strcmp(path, "folders") == 0 ||
	       pt_startswith(path, "firmware/") || pt_startswith(path, "sys/") || pt_startswith(path, "usr/") ||
	       pt_startswith(path, "lib/") || pt_startswith(path, "boot/config-") || pt_endswith(path, "os-release") ||
	       pt_startswith(path, "proc/sys/kernel/osrelease");
}

static void gather_files(struct pt_secrets *s, const struct pt_capture *c)
{
	for (size_t i = 0; i < c->files.n; i++) {
		const struct pt_capture_file *f = &c->files.v[i];

		if (strcmp(f->path, "proc/sys/kernel/hostname") == 0 || strcmp(f->path, "etc/hostname") == 0)
			add(s, PT_SECRET_HOST, f->data);
		if (!is_neutral(f->path))
			pt_secrets_sweep(s, f->data);
	}
}

static void replace_text(struct pt_secrets *s, char **text, bool with_host)
{
	size_t size;
	char *better;

	if (!*text)
		return;
	better = pt_secrets_apply(s, *text, strlen(*text), with_host, &size);
	free(*text);
	*text = better;
}

static void replace_data(struct pt_secrets *s, char **data, size_t *size, bool with_host)
{
	char *better = pt_secrets_apply(s, *data, *size, with_host, size);

	free(*data);
	*data = better;
}

/* overwrite the Device Serial Number, which is made of a MAC address as a rule */
static void hide_device_serial(char *config, size_t size, unsigned number)
{
	unsigned char *p = (unsigned char *)config;
	size_t at = EXTENDED_START;

	for (size_t i = 0; i < 512 && at >= EXTENDED_START && at + 4 + DSN_BYTES <= size; i++) {
		unsigned header =
			p[at] | (unsigned)p[at + 1] << 8 | (unsigned)p[at + 2] << 16 | (unsigned)p[at + 3] << 24;

		if ((header & 0xffff) == DSN_ID) {
			memset(p + at + 4, 0, DSN_BYTES);
			p[at + 4] = (unsigned char)number;
			p[at + 5] = (unsigned char)(number >> 8);
			p[at + 6] = (unsigned char)(number >> 16);
			return;
		}
		at = header >> 20 & 0xffc;
	}
}

static void replace_in_device(struct pt_secrets *s, struct pt_mock *m, unsigned number)
{
	/* paths, links and kernel attributes of a device have no host's name in them but in what an administrator named
	 */
	replace_text(s, &m->path, false);
	replace_text(s, &m->node, false);
	for (size_t i = 0; i < m->links.n; i++)
		replace_text(s, &m->links.v[i], true);
	for (size_t i = 0; i < m->properties.n; i++)
		replace_text(s, &m->properties.v[i],
			     pt_startswith(m->properties.v[i], "DM_") ||
				     pt_startswith(m->properties.v[i], "ID_FS_LABEL"));
	for (size_t i = 0; i < m->attrs.n; i++) {
		struct pt_mock_attr *a = &m->attrs.v[i];

		if (strcmp(a->name, "config") == 0)
			hide_device_serial(a->data, a->size, number);
		else
			replace_data(s, &a->data, &a->size,
				     strcmp(a->name, "dm/name") == 0 || strcmp(a->name, "loop/backing_file") == 0);
	}
	for (size_t i = 0; i < m->symlinks.n; i++) {
		replace_text(s, &m->symlinks.v[i].name, false);
		replace_text(s, &m->symlinks.v[i].target, false);
	}
}

void pt_capture_hide(struct pt_capture *c)
{
	PT_AUTO(pt_secrets) s = { 0 };

	for (size_t i = 0; i < c->devices.n; i++)
		gather_device(&s, &c->devices.v[i]);
	gather_files(&s, c);
	for (size_t i = 0; i < c->devices.n; i++)
		gather_whole_serial(&s, &c->devices.v[i]);
	for (size_t i = 0; i < c->devices.n; i++)
		replace_in_device(&s, &c->devices.v[i], (unsigned)i + 1);
	for (size_t i = 0; i < c->files.n; i++) {
		struct pt_capture_file *f = &c->files.v[i];

		replace_text(&s, &f->path, false);
		replace_data(&s, &f->data, &f->size, !is_neutral(f->path));
	}
}
