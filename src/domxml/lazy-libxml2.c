/* SPDX-License-Identifier: Apache-2.0 */
#define PT_LAZY_PLAIN_NAMES
#include "domxml/lazy-libxml2.h"

#define FUNCTION(name) { #name, offsetof(struct pt_libxml2, name) },

/* we look into its structs: it must be the one whose headers we were built with */
#if LIBXML_VERSION >= 21400
#define FILE_NAME "libxml2.so.16"
#else
#define FILE_NAME "libxml2.so.2"
#endif

struct pt_libxml2 pt_libxml2;

int pt_libxml2_load(struct pt_error *err)
{
	static const char *const files[] = { FILE_NAME, NULL };
	static const struct pt_lazy_function functions[] = { PT_LIBXML2(FUNCTION){ NULL, 0 } };
	static atomic_bool loaded;

	return pt_lazy_load(files, functions, &pt_libxml2, &loaded, err);
}
