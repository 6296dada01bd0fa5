/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lazy.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static void *open_first(const char *const *files, const char **ret_file, struct pt_error *err)
{
	pt_autofree char *why = NULL;

	for (; *files; files++) {
		void *library = dlopen(*files, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
		const char *said = library ? NULL : dlerror();

		*ret_file = *files;
		if (library)
			return library;
		/* the first is the usual one: what is wrong with it is the message */
		if (!why)
			why = pt_strdup(said ? said : "the linker gives no reason");
	}
	(void)pt_say(err, -ELIBACC, "a library is missing: %s", why ? why : "it has no name");
	return NULL;
}

static int find(void *library, const char *file, const struct pt_lazy_function *functions, void *table, bool write,
		struct pt_error *err)
{
	for (; functions->name; functions++) {
		void *at = dlsym(library, functions->name);

		if (!at)
			return pt_say(err, -ELIBBAD, "%s is too old: it has no function %s", file, functions->name);
		if (write)
			memcpy((char *)table + functions->offset, &at, sizeof(at));
	}
	return 0;
}

static int load(const char *const *files, const struct pt_lazy_function *functions, void *table, struct pt_error *err)
{
	const char *file = NULL;
	void *library = open_first(files, &file, err);
	int r;

	if (!library)
		return -ELIBACC;
	r = find(library, file, functions, table, false, err);
	return r < 0 ? r : find(library, file, functions, table, true, err);
}

int pt_lazy_load(const char *const *files, const struct pt_lazy_function *functions, void *table, atomic_bool *loaded,
		 struct pt_error *err)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	int r = 0;

	if (atomic_load(loaded))
		return 0;
	/* cannot fail: it is not recursive, and never destroyed */
	(void)pthread_mutex_lock(&one_at_a_time);
	if (!atomic_load(loaded)) {
		r = load(files, functions, table, err);
		if (r == 0)
			atomic_store(loaded, true);
	}
	(void)pthread_mutex_unlock(&one_at_a_time);
	return r;
}
