/* SPDX-License-Identifier: Apache-2.0 */
/* On what kind of file system a file is.  Reads only. */
#ifndef PT_HOST_FILESYSTEM_H
#define PT_HOST_FILESYSTEM_H

#include "base/root.h"
#include "model/host.h"

/**
 * pt_file_system_of() - name and nature of the file system that holds @path
 * @ret_shared: can other hosts have the same one; unknown for those that may be anything (FUSE)
 *
 * Return: 0; 1 for a block device, which lies on none; -ENOENT or another errno when the file cannot be reached.
 */
int pt_file_system_of(const struct pt_root *root, const char *path, char **ret_name, enum pt_known *ret_shared);

#endif
