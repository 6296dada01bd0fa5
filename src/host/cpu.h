/* SPDX-License-Identifier: Apache-2.0 */
/* This host's processors with all their flags, and whether its guests may virtualise.  Reads only. */
#ifndef PT_HOST_CPU_H
#define PT_HOST_CPU_H

#include "base/error.h"
#include "base/root.h"
#include "model/cpu.h"

/** pt_cpu_host_read() - 0, or a negative errno when /proc/cpuinfo cannot be read */
int pt_cpu_host_read(const struct pt_root *root, struct pt_cpu_host *ret_host, struct pt_error *err);

/**
 * pt_cpuinfo_parse() - the text of a /proc/cpuinfo, a guest's too (hostile input)
 *
 * A text that names no processor gives @count 0.  @module, @loaded and @nested stay as they are not in that file.
 */
void pt_cpuinfo_parse(const char *text, struct pt_cpu_host *ret_host);

#endif
