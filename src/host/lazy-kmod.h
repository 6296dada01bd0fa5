/* SPDX-License-Identifier: Apache-2.0 */
/* What we call of libkmod: base/lazy.h says why it is not linked to.  Not for other rooms. */
#ifndef PT_HOST_LAZY_KMOD_H
#define PT_HOST_LAZY_KMOD_H

#include <libkmod.h>

#include "base/lazy.h"

#define PT_KMOD(each)                                                                                                  \
	each(kmod_list_next) each(kmod_module_get_module) each(kmod_module_new_from_lookup)                            \
		each(kmod_module_probe_insert_module) each(kmod_module_unref) each(kmod_module_unref_list)             \
			each(kmod_new) each(kmod_unref)

struct pt_kmod {
	PT_KMOD(PT_LAZY_MEMBER)
};

/* empty before pt_kmod_load() */
extern struct pt_kmod pt_kmod;

/** pt_kmod_load() - must have succeeded before the first call; at once when it has; see pt_lazy_load() */
int pt_kmod_load(struct pt_error *err);

#ifndef PT_LAZY_PLAIN_NAMES
#define kmod_list_next			pt_kmod.kmod_list_next
#define kmod_module_get_module		pt_kmod.kmod_module_get_module
#define kmod_module_new_from_lookup	pt_kmod.kmod_module_new_from_lookup
#define kmod_module_probe_insert_module pt_kmod.kmod_module_probe_insert_module
#define kmod_module_unref		pt_kmod.kmod_module_unref
#define kmod_module_unref_list		pt_kmod.kmod_module_unref_list
#define kmod_new			pt_kmod.kmod_new
#define kmod_unref			pt_kmod.kmod_unref
#endif

#endif
