/* SPDX-License-Identifier: Apache-2.0 */
/* Where a block device hangs in sysfs: its device path, and the PCI functions in it.  Reads links only. */
#ifndef PT_HOST_BLOCK_PATH_H
#define PT_HOST_BLOCK_PATH_H

#include "base/alloc.h"
#include "base/root.h"
#include "model/bdf.h"

/**
 * pt_path_join() - a link's target, seen from the directory that holds the link, as text
 * @dir: "class/block"
 * @target: "../../devices/pci0000:00/…"
 *
 * Return: the path without "." and ".." ("devices/pci0000:00/…"), the caller frees; NULL when it is absolute or leads
 * above the top.
 */
char *pt_path_join(const char *dir, const char *target);

/** pt_path_of_link() - pt_path_join() of a link below @dir_fd; NULL when there is no such link or it leads out */
char *pt_path_of_link(int dir_fd, const char *dir, const char *name);

/** pt_path_has_function() - is @bdf a component of the device path? */
bool pt_path_has_function(const char *path, struct pt_bdf bdf);

/**
 * pt_path_controller() - the PCI function nearest to the device that is not a bridge
 * Return: 1, or 0 when there is none in the path.
 */
int pt_path_controller(const struct pt_root *root, const char *path, struct pt_bdf *ret_bdf);

/**
 * pt_block_paths() - the device paths of a disk or partition
 * @name: the kernel's name, as found in class/block
 *
 * One path as a rule.  An NVMe namespace that the kernel reaches over several controllers (native multipath) is a
 * virtual device; then the paths are those of the controllers.  None when there is no such device.
 */
void pt_block_paths(const struct pt_root *root, const char *name, struct pt_strv *ret_paths);

#endif
