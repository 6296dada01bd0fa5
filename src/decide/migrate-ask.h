/* SPDX-License-Identifier: Apache-2.0 */
/* What both halves of decide/migrate.h ask of a VM that is to move.  Not for other rooms. */
#ifndef PT_DECIDE_MIGRATE_ASK_H
#define PT_DECIDE_MIGRATE_ASK_H

#include "base/cleanup.h"
#include "decide/migrate.h"

#define PT_MIGRATE_NAMES_MAX 16

/* "a, b and 3 more"; the caller frees */
static inline char *some(const struct pt_strv *l)
{
	struct pt_strv head = { .v = l->v, .n = l->n < PT_MIGRATE_NAMES_MAX ? l->n : PT_MIGRATE_NAMES_MAX };
	pt_autofree char *names = pt_strv_join(&head, ", ");

	return l->n > head.n ? pt_strf("%s and %zu more", names, l->n - head.n) : pt_strdup(names);
}

static inline const struct pt_cpu_def *cpu_of(const struct pt_migrate_ask *ask)
{
	return &pt_cpu_look_now(ask->look)->cpu;
}

static inline bool is_whole_host(const struct pt_migrate_ask *ask)
{
	return cpu_of(ask)->mode == PT_CPU_MODE_HOST_PASSTHROUGH || cpu_of(ask)->mode == PT_CPU_MODE_MAXIMUM;
}

/* of type qemu: without KVM */
static inline bool is_emulated(const struct pt_migrate_ask *ask)
{
	return pt_streq(pt_cpu_look_now(ask->look)->type, "qemu");
}

#endif
