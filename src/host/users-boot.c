/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that the firmware booted this host from.  Its EFI partition is often mounted, and named as that already; but
 * systemd mounts it on demand and takes it down again, and some hosts never mount it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

#define GLOBAL	     "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define VARIABLE_MAX 65536

/* UEFI 2.10, 10.3: device path nodes are type, subtype and length; table 10.48: the hard drive's */
enum { MEDIA = 4, HARD_DRIVE = 1, END = 0x7f, HARD_DRIVE_SIZE = 42 };
enum { SIGNATURE_MBR = 1, SIGNATURE_GUID = 2 };

static unsigned le16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static unsigned le32(const unsigned char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* a variable without the four bytes of attributes before it (Documentation/filesystems/efivarfs.rst); NULL: none */
static unsigned char *read_variable(const struct pt_look *look, const char *name, size_t *ret_size)
{
	pt_autofree char *path = pt_strf("firmware/efi/efivars/%s-" GLOBAL, name);
	pt_autofree char *data = NULL;
	unsigned char *value;
	size_t size;

	/* no such variable: not booted by UEFI */
	if (pt_file_read(look->root->sys_fd, path, VARIABLE_MAX, &data, &size) < 0 || size < 4)
		return NULL;
	value = pt_alloc(size);
	memcpy(value, data + 4, size - 4);
	*ret_size = size - 4;
	return value;
}

/* as udev names the partition in disk/by-partuuid */
static char *partition_of(const unsigned char *node)
{
	const unsigned char *s = node + 24;

	if (node[41] == SIGNATURE_MBR)
		return pt_strf("/dev/disk/by-partuuid/%08x-%02x", le32(s), le32(node + 4));
	if (node[41] != SIGNATURE_GUID)
		return NULL;
	return pt_strf("/dev/disk/by-partuuid/%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", le32(s), le16(s + 4),
		       le16(s + 6), s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]);
}

/* UEFI 2.10, 3.1.3: attributes, length of the device paths, a text in UTF-16 with its end, the device paths */
static char *find_partition(const unsigned char *option, size_t size)
{
	size_t at = 6;
	size_t end;

	while (at + 2 <= size && le16(option + at))
		at += 2;
	at += 2;
	if (at > size || size < 6)
		return NULL;
	end = at + le16(option + 4) < size ? at + le16(option + 4) : size;
	while (at + 4 <= end && option[at] != END) {
		size_t n = le16(option + at + 2);

		if (n < 4 || n > end - at)
			return NULL;
		if (option[at] == MEDIA && option[at + 1] == HARD_DRIVE && n >= HARD_DRIVE_SIZE)
			return partition_of(option + at);
		at += n;
	}
	return NULL;
}

void pt_look_boot(struct pt_look *look)
{
	size_t size = 0;
	pt_autofree unsigned char *current = read_variable(look, "BootCurrent", &size);
	pt_autofree char *name = current && size >= 2 ? pt_strf("Boot%04X", le16(current)) : NULL;
	pt_autofree unsigned char *option = name ? read_variable(look, name, &size) : NULL;
	pt_autofree char *path = option ? find_partition(option, size) : NULL;
	pt_autofree char *where = name ? pt_strf("/sys/firmware/efi/efivars/%s-" GLOBAL, name) : NULL;
	const struct pt_block *b = path ? pt_look_path(look, path) : NULL;

	if (b && !pt_look_claimed(look, b->name))
		pt_look_block_intent(look, b->name, &(struct pt_look_how){ .kind = PT_USE_BOOT, .where = where },
				     "the firmware booted this host from it (%s)", name);
}
