/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define DEPTH_MAX 64
#define WALK_FDS  16

void pt_tree_init(struct pt_tree *tree, int dir_fd)
{
	*tree = (struct pt_tree){ .dir_fd = dir_fd, .parent_fd = -EBADF };
}

void pt_tree_done(struct pt_tree *tree)
{
	free(tree->parent);
	pt_closep(&tree->parent_fd);
	pt_tree_init(tree, -EBADF);
}

int pt_tree_check_path(const char *path)
{
	size_t depth = 0;

	if (strlen(path) >= PATH_MAX)
		return -EINVAL;
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n > NAME_MAX || ++depth > DEPTH_MAX || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return -EINVAL;
		p += n;
		if (!*p)
			return 0;
	}
}

static int open_dir(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int count(struct pt_tree *tree, size_t bytes)
{
	if (++tree->entries > PT_TREE_ENTRIES_MAX || bytes > PT_TREE_BYTES_MAX - tree->bytes)
		return -EFBIG;
	tree->bytes += bytes;
	return 0;
}

/* mkdir -p, one component after another, so that no component is ever a link; returns a descriptor */
static int make_dirs(struct pt_tree *tree, const char *path)
{
	pt_autofree char *copy = pt_strdup(path);
	char *save = NULL;
	int fd = open_dir(tree->dir_fd, ".");

	for (char *part = strtok_r(copy, "/", &save); part && fd >= 0; part = strtok_r(NULL, "/", &save)) {
		pt_autoclose int above = fd;
		int r = mkdirat(above, part, 0700) < 0 ? -errno : count(tree, 0);

		fd = r < 0 && r != -EEXIST ? r : open_dir(above, part);
	}
	return fd;
}

static int enter(struct pt_tree *tree, const char *dir)
{
	int fd;

	if (pt_streq(tree->parent, dir))
		return tree->parent_fd;
	fd = *dir ? open_dir(tree->dir_fd, dir) : open_dir(tree->dir_fd, ".");
	if (fd == -ENOENT)
		fd = make_dirs(tree, dir);
	if (fd < 0)
		return fd;
	pt_closep(&tree->parent_fd);
	tree->parent_fd = fd;
	pt_strset(&tree->parent, dir);
	return fd;
}

/* the directory of @path, entered; @ret_name is the last component */
static int enter_parent(struct pt_tree *tree, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	pt_autofree char *dir = pt_strndup(path, slash ? (size_t)(slash - path) : 0);
	int r = pt_tree_check_path(path);

	if (r < 0)
		return r;
	*ret_name = slash ? slash + 1 : path;
	return enter(tree, dir);
}

int pt_tree_dir(struct pt_tree *tree, const char *path)
{
	int r = pt_tree_check_path(path);

	if (r == 0)
		r = enter(tree, path);
	return r < 0 ? r : 0;
}

int pt_tree_file(struct pt_tree *tree, const char *path, const void *data, size_t size)
{
	const char *name;
	pt_autoclose int fd = -EBADF;
	const char *p = data;
	int dir = enter_parent(tree, path, &name);
	int r = dir < 0 ? dir : count(tree, size);

	if (r < 0)
		return r;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int pt_tree_link(struct pt_tree *tree, const char *path, const char *target)
{
	const char *name;
	int dir = enter_parent(tree, path, &name);
	int r = dir < 0 ? dir : count(tree, strlen(target));

	if (r < 0)
		return r;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	/* what cannot be removed is left, and the rest is removed all the same */
	(void)remove(path);
	return 0;
}

void pt_tree_remove(const char *dir)
{
	(void)nftw(dir, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}
