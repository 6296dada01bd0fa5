/* SPDX-License-Identifier: Apache-2.0 */
#define PT_LAZY_PLAIN_NAMES
#include "base/lazy-archive.h"

#define FUNCTION(name) { #name, offsetof(struct pt_archive, name) },

struct pt_archive pt_archive;

int pt_archive_load(struct pt_error *err)
{
	static const char *const files[] = { "libarchive.so.13", NULL };
	static const struct pt_lazy_function functions[] = { PT_ARCHIVE(FUNCTION){ NULL, 0 } };
	static atomic_bool loaded;

	return pt_lazy_load(files, functions, &pt_archive, &loaded, err);
}
