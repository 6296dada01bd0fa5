/* SPDX-License-Identifier: Apache-2.0 */
/* One device of a capture made into files and links, as sysfs, /dev and udev have them.  For unpack.c. */
#ifndef PT_BASE_UNPACK_DEVICE_H
#define PT_BASE_UNPACK_DEVICE_H

#include "base/error.h"
#include "base/tree.h"
#include "base/umockdev.h"

/** pt_unpack_device() - 0, or a negative errno with a message that names the device; @tree is a struct pt_tree */
int pt_unpack_device(void *tree, const struct pt_mock *m, struct pt_error *err);

#endif
