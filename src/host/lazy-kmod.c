/* SPDX-License-Identifier: Apache-2.0 */
#define PT_LAZY_PLAIN_NAMES
#include "host/lazy-kmod.h"

#define FUNCTION(name) { #name, offsetof(struct pt_kmod, name) },

struct pt_kmod pt_kmod;

int pt_kmod_load(struct pt_error *err)
{
	static const char *const files[] = { "libkmod.so.2", NULL };
	static const struct pt_lazy_function functions[] = { PT_KMOD(FUNCTION){ NULL, 0 } };
	static atomic_bool loaded;

	return pt_lazy_load(files, functions, &pt_kmod, &loaded, err);
}
