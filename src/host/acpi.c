/* SPDX-License-Identifier: Apache-2.0 */
#include "host/acpi.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* signature, length, revision, checksum, OEM: ACPI specification, System Description Table Header */
#define HEADER_SIZE 36
/* header, then address width, flags and reserved bytes (DMAR) or IVinfo and reserved bytes (IVRS) */
#define BODY_OFFSET 48

#define DMAR_FLAG_INTR_REMAP 0x01
#define DMAR_FLAG_OPT_IN     0x04

enum {
	DMAR_DRHD = 0,
	DMAR_RMRR = 1,
	SCOPE_ENDPOINT = 1,
	SCOPE_BRIDGE = 2,
	IVHD_10 = 0x10,
	IVHD_11 = 0x11,
	IVHD_40 = 0x40,
	IVMD_ALL = 0x20,
	IVMD_ONE = 0x21,
	IVMD_RANGE = 0x22,
	IVMD_UNITY = 0x01,
	IVHD_SPECIAL = 72,
	IVHD_SPECIAL_IOAPIC = 1,
	IVHD_HID = 240,
};

/* a part of the table; @at is its offset, for messages */
struct part {
	const uint8_t *p;
	size_t n;
	size_t at;
};

/* the caller has checked that offset + width is within the part */
static uint16_t u16(const struct part *s, size_t offset)
{
	uint16_t v;

	memcpy(&v, s->p + offset, sizeof(v));
	return le16toh(v);
}

static uint32_t u32(const struct part *s, size_t offset)
{
	uint32_t v;

	memcpy(&v, s->p + offset, sizeof(v));
	return le32toh(v);
}

static uint64_t u64(const struct part *s, size_t offset)
{
	uint64_t v;

	memcpy(&v, s->p + offset, sizeof(v));
	return le64toh(v);
}

static struct part sub(const struct part *s, size_t offset, size_t n)
{
	return (struct part){ s->p + offset, n, s->at + offset };
}

static int malformed(struct pt_error *err, const char *table, const struct part *s, const char *what)
{
	(void)pt_say(err, -EBADMSG, "the %s table is malformed: %s at byte %zu", table, what, s->at);
	return -EBADMSG;
}

/* the table as its own header delimits it */
static int open_table(const void *table, size_t size, const char *signature, struct part *ret, struct pt_error *err)
{
	struct part all = { table, size, 0 };
	uint32_t length;

	if (size < BODY_OFFSET || size > PT_ACPI_TABLE_MAX)
		return malformed(err, signature, &all, "an impossible size");
	if (memcmp(all.p, signature, 4) != 0)
		return malformed(err, signature, &all, "another signature");
	length = u32(&all, 4);
	if (length < BODY_OFFSET || length > size)
		return malformed(err, signature, &all, "a length beyond the table");
	all.n = length;
	*ret = all;
	return 0;
}

/* VT-d 8.3.1: type, length, flags, reserved, enumeration id, start bus, then pairs of device and function */
static int parse_scope(const struct part *s, uint16_t segment, struct pt_reserved *reserved, struct pt_error *err)
{
	struct pt_scope scope = { .bridge = s->p[0] == SCOPE_BRIDGE, .segment = segment, .bus = s->p[5] };

	if (s->p[0] != SCOPE_ENDPOINT && s->p[0] != SCOPE_BRIDGE)
		return 0;
	if (s->n < 8 || s->n % 2 || (s->n - 6) / 2 > PT_SCOPE_PATH_MAX)
		return malformed(err, "DMAR", s, "a device scope with an impossible path");
	for (size_t i = 6; i < s->n; i += 2) {
		if (s->p[i] > 0x1f || s->p[i + 1] > 7)
			return malformed(err, "DMAR", s, "a device scope with an impossible device or function");
		scope.path[scope.n].slot = s->p[i];
		scope.path[scope.n].func = s->p[i + 1];
		scope.n++;
	}
	pt_array_push(&reserved->scopes, scope);
	return 0;
}

/* VT-d 8.4, Reserved Memory Region Reporting: 24 bytes, then device scopes */
static int parse_rmrr(const struct part *s, struct pt_acpi *acpi, struct pt_error *err)
{
	struct pt_reserved *reserved;
	uint16_t segment;

	if (s->n < 24)
		return malformed(err, "DMAR", s, "an RMRR that is too short");
	reserved = pt_array_add(&acpi->reserved);
	segment = u16(s, 6);
	reserved->segment = segment;
	reserved->base = u64(s, 8);
	reserved->limit = u64(s, 16);
	for (size_t at = 24; at < s->n;) {
		size_t length = s->n - at >= 2 ? s->p[at + 1] : 0;
		struct part scope = sub(s, at, length);
		int r;

		if (length < 6 || length > s->n - at)
			return malformed(err, "DMAR", &scope, "a device scope with an impossible length");
		r = parse_scope(&scope, segment, reserved, err);
		if (r < 0)
			return r;
		at += length;
	}
	return 0;
}

static int parse_dmar_body(const struct part *t, struct pt_acpi *acpi, struct pt_error *err)
{
	for (size_t at = BODY_OFFSET; at < t->n;) {
		bool whole = t->n - at >= 4;
		size_t length = whole ? u16(t, at + 2) : 0;
		uint16_t type = whole ? u16(t, at) : 0;
		struct part s = sub(t, at, length);
		int r = 0;

		if (length < 4 || length > t->n - at)
			return malformed(err, "DMAR", &s, "a structure with an impossible length");
		if (type == DMAR_DRHD)
			acpi->units++;
		else if (type == DMAR_RMRR)
			r = parse_rmrr(&s, acpi, err);
		if (r < 0)
			return r;
		at += length;
	}
	return 0;
}

/* what was parsed replaces what @acpi held of a table's contents; which tables there are stays */
static void accept_table(struct pt_acpi *acpi, struct pt_acpi *parsed)
{
	parsed->dmar = acpi->dmar;
	parsed->ivrs = acpi->ivrs;
	parsed->iort = acpi->iort;
	parsed->viot = acpi->viot;
	parsed->devicetree = acpi->devicetree;
	parsed->read = true;
	pt_acpi_done(acpi);
	*acpi = *parsed;
	*parsed = (struct pt_acpi){ 0 };
}

int pt_dmar_parse(const void *table, size_t size, struct pt_acpi *acpi, struct pt_error *err)
{
	PT_AUTO(pt_acpi) parsed = { 0 };
	struct part t = { 0 };
	int r = open_table(table, size, "DMAR", &t, err);

	if (r < 0)
		return r;
	parsed.intremap = t.p[37] & DMAR_FLAG_INTR_REMAP;
	parsed.opt_in = t.p[37] & DMAR_FLAG_OPT_IN;
	r = parse_dmar_body(&t, &parsed, err);
	if (r < 0)
		return r;
	accept_table(acpi, &parsed);
	return 0;
}

/* a device entry's length follows from its type: AMD IOMMU specification, IVHD device entries */
static size_t ivhd_entry_length(const struct part *s, size_t at)
{
	uint8_t type = s->p[at];

	if (type < 0x40)
		return 4;
	if (type < 0x80)
		return 8;
	if (type == IVHD_HID)
		return s->n - at >= 22 ? (size_t)22 + s->p[at + 21] : 0;
	return type < 0xc0 ? 16 : 32;
}

/* does the IVHD name an IO-APIC */
static int parse_ivhd(const struct part *s, struct pt_acpi *acpi, struct pt_error *err)
{
	size_t header = s->p[0] == IVHD_10 ? 24 : 40;

	if (s->n < header)
		return malformed(err, "IVRS", s, "an IVHD that is too short");
	for (size_t at = header; at < s->n;) {
		size_t length = ivhd_entry_length(s, at);
		struct part entry = sub(s, at, length);

		if (length == 0 || length > s->n - at)
			return malformed(err, "IVRS", &entry, "a device entry with an impossible length");
		if (entry.p[0] == IVHD_SPECIAL && entry.p[7] == IVHD_SPECIAL_IOAPIC)
			acpi->intremap = true;
		at += length;
	}
	return 0;
}

static int parse_ivmd(const struct part *s, struct pt_acpi *acpi, struct pt_error *err)
{
	struct pt_reserved *reserved;
	uint64_t length;

	if (s->n < 32)
		return malformed(err, "IVRS", s, "an IVMD that is too short");
	if (!(s->p[1] & IVMD_UNITY))
		return 0;
	reserved = pt_array_add(&acpi->reserved);
	reserved->by_range = true;
	reserved->first = s->p[0] == IVMD_ALL ? 0 : u16(s, 4);
	reserved->last = s->p[0] == IVMD_ALL ? 0xffff : s->p[0] == IVMD_ONE ? reserved->first : u16(s, 6);
	reserved->segment = u16(s, 8);
	reserved->base = u64(s, 16);
	length = u64(s, 24);
	reserved->limit = length > UINT64_MAX - reserved->base ? UINT64_MAX
			  : length			       ? reserved->base + length - 1
							       : reserved->base;
	return 0;
}

static int parse_ivrs_body(const struct part *t, struct pt_acpi *acpi, struct pt_error *err)
{
	uint8_t highest = 0;

	for (size_t at = BODY_OFFSET; at < t->n;) {
		size_t length = t->n - at >= 4 ? u16(t, at + 2) : 0;
		struct part s = sub(t, at, length);
		int r = 0;

		if (length < 4 || length > t->n - at)
			return malformed(err, "IVRS", &s, "a block with an impossible length");
		switch (s.p[0]) {
		case IVHD_10:
		case IVHD_11:
		case IVHD_40:
			/* one IOMMU may have a block of each type; the kernel uses the highest (get_highest_…_type())
			 */
			if (s.p[0] > highest)
				acpi->units = 0;
			if (s.p[0] >= highest) {
				highest = s.p[0];
				acpi->units++;
			}
			r = parse_ivhd(&s, acpi, err);
			break;
		case IVMD_ALL:
		case IVMD_ONE:
		case IVMD_RANGE:
			r = parse_ivmd(&s, acpi, err);
			break;
		default:
			break;
		}
		if (r < 0)
			return r;
		at += length;
	}
	return 0;
}

int pt_ivrs_parse(const void *table, size_t size, struct pt_acpi *acpi, struct pt_error *err)
{
	PT_AUTO(pt_acpi) parsed = { 0 };
	struct part t = { 0 };
	int r = open_table(table, size, "IVRS", &t, err);

	if (r < 0)
		return r;
	r = parse_ivrs_body(&t, &parsed, err);
	if (r < 0)
		return r;
	accept_table(acpi, &parsed);
	return 0;
}

static void read_table(const struct pt_root *root, const char *name, struct pt_acpi *acpi)
{
	pt_autofree char *path = pt_strf("firmware/acpi/tables/%s", name);
	pt_autofree char *table = NULL;
	struct pt_error err = { 0 };
	size_t size = 0;
	int r = pt_file_read(root->sys_fd, path, PT_ACPI_TABLE_MAX, &table, &size);

	acpi->denied = r == -EACCES || r == -EPERM;
	if (acpi->denied)
		(void)pt_say(&err, r, "only root may read /sys/%s", path);
	else if (r < 0)
		(void)pt_fail(&err, r, "cannot read /sys/%s", path);
	else
		r = name[0] == 'D' ? pt_dmar_parse(table, size, acpi, &err) : pt_ivrs_parse(table, size, acpi, &err);
	if (r < 0)
		pt_strset(&acpi->why_not, err.msg);
}

static enum pt_known listed(const struct pt_strv *names, const char *name)
{
	return pt_strv_has(names, name) ? PT_KNOWN_YES : PT_KNOWN_NO;
}

void pt_acpi_read(const struct pt_root *root, struct pt_acpi *ret_acpi)
{
	PT_AUTO(pt_strv) names = { 0 };
	struct pt_acpi acpi = { 0 };
	int r = pt_file_list(root->sys_fd, "firmware/acpi/tables", &names);

	acpi.devicetree = pt_file_exists(root->sys_fd, "firmware/devicetree/base") == 1;
	/* a running host without the directory has no ACPI at all; a capture may only lack it */
	if (r == 0 || (r == -ENOENT && !root->captured)) {
		acpi.dmar = listed(&names, "DMAR");
		acpi.ivrs = listed(&names, "IVRS");
		acpi.iort = listed(&names, "IORT");
		acpi.viot = listed(&names, "VIOT");
	}
	if (acpi.dmar == PT_KNOWN_YES)
		read_table(root, "DMAR", &acpi);
	else if (acpi.ivrs == PT_KNOWN_YES)
		read_table(root, "IVRS", &acpi);
	*ret_acpi = acpi;
}
