/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices as umockdev 0.17 writes them down (umockdev-record(1), docs/script-format of that project): text with one
 * paragraph a device.  Parses and prints; makes no files.
 *
 *	P: /devices/pci0000:00/0000:01:00.0	path below /sys
 *	N: sda					node below /dev
 *	S: disk/by-id/wwn-0x5002538e00000001	a link to it, below /dev
 *	E: SUBSYSTEM=pci			a property (uevent and udev)
 *	A: vendor=0x1000\n			an attribute; newline and backslash are escaped
 *	H: config=86801000			a binary attribute
 *	L: driver=../../../bus/pci/drivers/x	a link
 */
#ifndef PT_BASE_UMOCKDEV_H
#define PT_BASE_UMOCKDEV_H

#include "base/alloc.h"
#include "base/error.h"

struct pt_mock_attr {
	char *name;
	char *data; /* NUL-terminated after @size bytes */
	size_t size;
};

struct pt_mock_link {
	char *name;
	char *target;
};

struct pt_mock {
	char *path;
	char *node;
	struct pt_strv links;
	struct pt_strv properties;
	PT_ARRAY(struct pt_mock_attr) attrs;
	PT_ARRAY(struct pt_mock_link) symlinks;
};

/** pt_mock_property() - a property's value, NULL when it has none; belongs to @m */
const char *pt_mock_property(const struct pt_mock *m, const char *key);

/** pt_mock_attr() - an attribute, NULL when it has none */
const struct pt_mock_attr *pt_mock_attr(const struct pt_mock *m, const char *name);

/** pt_mock_add_attr() - copies; @size bytes, which may be text or not */
void pt_mock_add_attr(struct pt_mock *m, const char *name, const void *data, size_t size);
void pt_mock_add_link(struct pt_mock *m, const char *name, const char *target);

void pt_mock_done(struct pt_mock *m);

/**
 * pt_umockdev_parse() - call @each for every device in order
 * @each: 0 to go on, a negative errno (with @err filled in) to stop
 *
 * Return: 0; -EBADMSG with the line's number when it is not of this format; what @each returned.
 */
int pt_umockdev_parse(const char *text, int (*each)(void *ctx, const struct pt_mock *m, struct pt_error *err),
		      void *ctx, struct pt_error *err);

/** pt_umockdev_print() - append a device's paragraph */
void pt_umockdev_print(struct pt_buf *text, const struct pt_mock *m);

#endif
