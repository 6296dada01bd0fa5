/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processor flags: which belong together, and which one list has and another has not.  The kernel and libvirt spell
 * some of them differently; lists of one source are compared with each other as they are, those of two by
 * pt_cpu_flags_pick().
 */
#ifndef PT_DECIDE_CPUFLAGS_H
#define PT_DECIDE_CPUFLAGS_H

#include "base/alloc.h"

struct pt_cpu_flag_group {
	const char *name; /* "virtualisation", …, "other" */
	struct pt_strv flags;
};

struct pt_cpu_flag_groups {
	struct pt_cpu_flag_group *v;
	size_t n;
	size_t cap;
};

/** pt_cpu_flags_group() - every flag in one group, in the order in which they came; groups without a flag are left out
 */
void pt_cpu_flags_group(const struct pt_strv *flags, struct pt_cpu_flag_groups *ret_groups);
void pt_cpu_flag_groups_done(struct pt_cpu_flag_groups *g);

/** pt_cpu_flags_missing() - those of @want that @have lacks, sorted */
void pt_cpu_flags_missing(const struct pt_strv *want, const struct pt_strv *have, struct pt_strv *ret_missing);

/**
 * pt_cpu_flags_pick() - those of @of that @in has (@present), or has not; sorted
 *
 * Across spellings: one list may be the kernel's and the other libvirt's; what is picked is spelt as in @of.
 */
void pt_cpu_flags_pick(const struct pt_strv *of, const struct pt_strv *in, bool present, struct pt_strv *ret);

#endif
