/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a directory tree from a description that may be hostile: names stay below the top, no link is followed on the
 * way, nothing is written twice, and the whole is bounded.  Into a new directory of our own only.
 */
#ifndef PT_BASE_TREE_H
#define PT_BASE_TREE_H

#include <stddef.h>
#include <stdint.h>

#define PT_TREE_BYTES_MAX   ((uint64_t)512 << 20)
#define PT_TREE_ENTRIES_MAX ((size_t)4 << 20)

/**
 * struct pt_tree - where to write
 * @dir_fd: the top; borrowed
 * @bytes, @entries: written so far
 * @parent, @parent_fd: the directory last written to, since attributes of one device come one after another
 */
struct pt_tree {
	int dir_fd;
	uint64_t bytes;
	size_t entries;
	char *parent;
	int parent_fd;
};

void pt_tree_init(struct pt_tree *tree, int dir_fd);
void pt_tree_done(struct pt_tree *tree);

/**
 * pt_tree_dir() - a directory with its missing parents; one that is there already is fine
 *
 * All return 0 or: -EINVAL for a path that is absolute, empty, too long, has "..", ".", "//" or a control character;
 * -EFBIG when the tree would grow beyond its bounds; -EEXIST when a file or link is there already; -ELOOP or -ENOTDIR
 * when the way leads through a link or a file.
 */
int pt_tree_dir(struct pt_tree *tree, const char *path);
int pt_tree_file(struct pt_tree *tree, const char *path, const void *data, size_t size);
/* @target is written as it is: whoever reads the tree must not follow it out (pt_file_open() does not) */
int pt_tree_link(struct pt_tree *tree, const char *path, const char *target);

/** pt_tree_check_path() - 0, or -EINVAL as above */
int pt_tree_check_path(const char *path);

/** pt_tree_remove() - remove a directory with everything below it; links are removed, not followed */
void pt_tree_remove(const char *dir);

#endif
