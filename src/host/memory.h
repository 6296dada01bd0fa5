/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory the host has, and in which pages.  Reads only. */
#ifndef PT_HOST_MEMORY_H
#define PT_HOST_MEMORY_H

#include "base/error.h"
#include "base/root.h"
#include "model/host.h"

/** pt_memory_read() - from /proc/meminfo and /sys/kernel/mm/hugepages */
int pt_memory_read(const struct pt_root *root, struct pt_memory *ret_memory, struct pt_error *err);

#endif
