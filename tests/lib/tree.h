/* SPDX-License-Identifier: Apache-2.0 */
/* A captured host of a test's own making: a temporary directory with sys/, proc/, dev/ and what else is put into it. */
#ifndef PT_TEST_TREE_H
#define PT_TEST_TREE_H

#include <stddef.h>

#include "base/root.h"

/**
 * struct tree - a temporary directory and the root opened on it
 * @open_fds: descriptors open when it was made; tree_done() fails the test when there are more afterwards
 */
struct tree {
	char path[64];
	struct pt_root root;
	size_t open_fds;
};

/* made with empty sys/, proc/ and dev/; the root is open (as a captured one) */
struct tree *tree_new(void);
/* removes it */
void tree_free(struct tree *t);

/* a file with missing parents; path relative to the top: "sys/class/iommu/dmar0/intel-iommu/ecap" */
void tree_file(struct tree *t, const char *path, const char *text);
void tree_bytes(struct tree *t, const char *path, const void *bytes, size_t size);
void tree_dir(struct tree *t, const char *path);
void tree_link(struct tree *t, const char *path, const char *target);
void tree_remove(struct tree *t, const char *path);

/* cmocka's setup and teardown: *state is a struct tree */
int tree_setup(void **state);
int tree_teardown(void **state);

#endif
