/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a host is read from: the running one, or a capture of another (--sysroot).  The only file that spells "/sys",
 * "/proc", "/dev" and the other places; everybody else opens relative to these descriptors.
 */
#ifndef PT_BASE_ROOT_H
#define PT_BASE_ROOT_H

#include <stdbool.h>

#include "base/error.h"

/**
 * struct pt_root - open directories of one host
 * @root_fd: "/" itself or the capture's top; for /etc, /boot, /lib/modules
 * @sys_fd: sysfs
 * @proc_fd: procfs; -EBADF when a capture has none
 * @dev_fd: /dev; -EBADF when a capture has none
 * @captured: a --sysroot: hostile input, read only, may lack anything
 * @path: as the user gave it, "/" for the running host; for messages only
 * @unpacked: the private directory that a packed capture was laid out in, removed by pt_root_done(); or NULL
 */
struct pt_root {
	int root_fd;
	int sys_fd;
	int proc_fd;
	int dev_fd;
	bool captured;
	char *path;
	char *unpacked;
};

#define PT_ROOT_NONE ((struct pt_root){ -EBADF, -EBADF, -EBADF, -EBADF, false, NULL, NULL })

/**
 * pt_root_open() - open the running host, or a captured one
 * @sysroot: NULL for the running host; else a directory that holds sys/ and perhaps proc/, dev/, etc/, boot/; or a
 *           capture as `facts --capture` makes it, a tar or unpacked
 *
 * Return: 0, or -ENOENT, -ENOTDIR, ... with a message; PT_ERROR_USAGE when @sysroot holds no sys/.
 */
int pt_root_open(const char *sysroot, struct pt_root *ret_root, struct pt_error *err);

/** pt_root_live() - the running host, as pt_root_open() without a sysroot */
int pt_root_live(struct pt_root *ret_root, struct pt_error *err);

/** pt_root_open_in() - fill in the descriptors below @dir; @sys_fd stays a negative errno when there is none; base/
 * only
 */
int pt_root_open_in(const char *dir, struct pt_root *root);

void pt_root_done(struct pt_root *root);

#endif
