/* SPDX-License-Identifier: Apache-2.0 */
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"

static int open_below(int root_fd, const char *name)
{
	return pt_file_open(root_fd, name, O_RDONLY | O_DIRECTORY);
}

int pt_root_open_in(const char *dir, struct pt_root *root)
{
	root->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->root_fd < 0)
		return -errno;
	root->sys_fd = open_below(root->root_fd, "sys");
	root->proc_fd = open_below(root->root_fd, "proc");
	root->dev_fd = open_below(root->root_fd, "dev");
	return 0;
}

int pt_root_live(struct pt_root *ret_root, struct pt_error *err)
{
	struct pt_root root = PT_ROOT_NONE;
	int r = pt_root_open_in("/", &root);

	root.path = pt_strdup("/");
	if (r == 0 && root.sys_fd >= 0) {
		*ret_root = root;
		return 0;
	}
	r = pt_fail(err, r < 0 ? r : root.sys_fd, r < 0 ? "cannot open /" : "cannot open /sys");
	if (r == -ENOSYS)
		pt_hint(err,
			"openat2() is refused: a unit's RestrictSUIDSGID= does that, and so does a kernel before 5.6");
	pt_root_done(&root);
	return r;
}

void pt_root_done(struct pt_root *root)
{
	pt_closep(&root->root_fd);
	pt_closep(&root->sys_fd);
	pt_closep(&root->proc_fd);
	pt_closep(&root->dev_fd);
	free(root->path);
	if (root->unpacked)
		pt_tree_remove(root->unpacked);
	free(root->unpacked);
	*root = PT_ROOT_NONE;
}
