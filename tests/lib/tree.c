/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

static size_t count_fds(void)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autoclose int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pt_file_list(fd, ".", &names), 0);
	return names.n;
}

struct tree *tree_new(void)
{
	struct tree *t = pt_alloc(sizeof(*t));
	struct pt_error err = { 0 };

	t->open_fds = count_fds();
	(void)snprintf(t->path, sizeof(t->path), "%s", "/tmp/pt-tree-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	tree_dir(t, "sys");
	tree_dir(t, "proc");
	tree_dir(t, "dev");
	if (pt_root_open(t->path, &t->root, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

void tree_free(struct tree *t)
{
	size_t before = t->open_fds;

	pt_root_done(&t->root);
	/* a left-over in /tmp is no reason to fail a test */
	(void)nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(t);
	assert_int_equal(count_fds(), before);
}

static char *full_path(const struct tree *t, const char *path)
{
	return pt_strf("%s/%s", t->path, path);
}

static void make_parents(const char *full)
{
	pt_autofree char *copy = pt_strdup(full);
	char *slash = strrchr(copy, '/');

	*slash = '\0';
	assert_int_equal(pt_file_mkdir_p(copy, 0755), 0);
}

void tree_bytes(struct tree *t, const char *path, const void *bytes, size_t size)
{
	pt_autofree char *full = full_path(t, path);
	pt_autofclose FILE *f = NULL;

	make_parents(full);
	f = fopen(full, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
}

void tree_file(struct tree *t, const char *path, const char *text)
{
	tree_bytes(t, path, text, strlen(text));
}

void tree_dir(struct tree *t, const char *path)
{
	pt_autofree char *full = full_path(t, path);

	assert_int_equal(pt_file_mkdir_p(full, 0755), 0);
}

void tree_link(struct tree *t, const char *path, const char *target)
{
	pt_autofree char *full = full_path(t, path);

	make_parents(full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_remove(struct tree *t, const char *path)
{
	pt_autofree char *full = full_path(t, path);

	assert_int_equal(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int tree_setup(void **state)
{
	*state = tree_new();
	return 0;
}

int tree_teardown(void **state)
{
	tree_free(*state);
	return 0;
}
