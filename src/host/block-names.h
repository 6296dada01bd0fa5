/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a block device below /dev, and what udev noted about it.  Reads only; opens no device. */
#ifndef PT_HOST_BLOCK_NAMES_H
#define PT_HOST_BLOCK_NAMES_H

#include "base/alloc.h"
#include "base/root.h"
#include "model/use.h"

/**
 * struct pt_udev - one device's record in udev's database (/run/udev/data/bMAJOR:MINOR)
 * @properties: "KEY=VALUE"
 * @links: relative to /dev
 */
struct pt_udev {
	struct pt_strv properties;
	struct pt_strv links;
};

/** pt_udev_parse() - a record as text; what is not understood is left out */
void pt_udev_parse(const char *text, struct pt_udev *ret_udev);

/** pt_udev_read() - empty when udev has no record (no udev, no capture of it) */
void pt_udev_read(const struct pt_root *root, unsigned major, unsigned minor, struct pt_udev *ret_udev);

/** pt_udev_get() - a property's value; NULL when it is not there; belongs to @udev */
const char *pt_udev_get(const struct pt_udev *udev, const char *key);

void pt_udev_done(struct pt_udev *udev);

/** pt_block_find_dev() - what a name below /dev ("sda", "disk/by-id/…") leads to: its index, or -ENOENT */
int pt_block_find_dev(const struct pt_root *root, const struct pt_blocks *blocks, const char *name);

/** pt_block_add_links() - find every link below /dev/disk and /dev/mapper, for all of @blocks */
void pt_block_add_links(const struct pt_root *root, struct pt_blocks *blocks);

#endif
