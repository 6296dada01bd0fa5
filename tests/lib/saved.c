/* SPDX-License-Identifier: Apache-2.0 */
#include "saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define FILES 3
#define MOST  (4u << 20)

static const char *const names[FILES] = { "journal.db", "journal.db-wal", "journal.db-shm" };

struct saved {
	struct fakekernel kernel;
	struct fakevm vm;
	char *text[FILES]; /* NULL: there is none */
	size_t length[FILES];
};

struct saved *saved_new(const struct stage *w)
{
	struct saved *saved = pt_alloc(sizeof(*saved));

	saved->kernel = *w->kernel;
	saved->vm = *w->vm;
	for (unsigned i = 0; i < FILES; i++) {
		pt_autofree char *path = pt_strf("%s/state/%s", w->dir, names[i]);
		FILE *file = fopen(path, "re");

		if (!file)
			continue;
		saved->text[i] = pt_alloc(MOST);
		saved->length[i] = fread(saved->text[i], 1, MOST, file);
		assert_true(saved->length[i] < MOST);
		assert_int_equal(fclose(file), 0);
	}
	return saved;
}

void saved_restore(const struct saved *saved, struct stage *w)
{
	*w->kernel = saved->kernel;
	*w->vm = saved->vm;
	for (unsigned i = 0; i < FILES; i++) {
		pt_autofree char *path = pt_strf("%s/state/%s", w->dir, names[i]);
		FILE *file;

		(void)unlink(path);
		if (!saved->text[i])
			continue;
		file = fopen(path, "we");
		assert_non_null(file);
		assert_int_equal(fchmod(fileno(file), 0600), 0);
		assert_int_equal(fwrite(saved->text[i], 1, saved->length[i], file), saved->length[i]);
		assert_int_equal(fclose(file), 0);
	}
}

void saved_free(struct saved *saved)
{
	for (unsigned i = 0; i < FILES; i++)
		free(saved->text[i]);
	free(saved);
}
