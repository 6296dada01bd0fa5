/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A captured host (a tar, or a directory with devices.umockdev in it) made into a tree that pt_root_open() can open.
 * The capture is hostile: it was sent by somebody.  Only plain files and directories are taken, below the new
 * directory, bounded in number and size; no program is run to unpack it.
 *
 *	devices.umockdev	-> sys/devices, sys/class, sys/bus, dev/, run/udev/data
 *	firmware/...		-> sys/firmware/...
 *	proc/ sys/ dev/ etc/ boot/ efi/ run/ usr/ lib/ names	-> as they are
 *	links			"PATH TARGET": links below sys/
 *	folders			directories below sys/ that may be empty, which neither a directory in git nor umockdev
 *				can say
 * Anything else in it is passed over.
 */
#ifndef PT_BASE_UNPACK_H
#define PT_BASE_UNPACK_H

#include <stddef.h>

#include "base/error.h"

/**
 * pt_unpack() - unpack a capture into a new private directory
 * @path: a tar file (plain, gzip, xz or zstd), or a directory
 * @ret_dir: absolute path of the new directory; the caller frees it, and removes it with pt_tree_remove()
 *
 * Return: 1; 0 when @path is a directory that is no packed capture (no devices.umockdev in it); -EBADMSG, -EFBIG, ...
 * with a message (PT_ERROR_USAGE) that names the entry.
 */
int pt_unpack(const char *path, char **ret_dir, struct pt_error *err);

/** pt_unpack_memory() - the same of a tar in memory, into an empty directory: for fuzzing; 0 or a negative errno */
int pt_unpack_memory(const void *data, size_t size, int dir_fd, struct pt_error *err);

#endif
