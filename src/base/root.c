/* SPDX-License-Identifier: Apache-2.0 */
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"
#include "base/unpack.h"

static int open_below(int root_fd, const char *name)
{
	return pt_file_open(root_fd, name, O_RDONLY | O_DIRECTORY);
}

int pt_root_open(const char *sysroot, struct pt_root *ret_root, struct pt_error *err)
{
	struct pt_root root = PT_ROOT_NONE;
	int r;

	root.captured = sysroot != NULL;
	root.path = pt_strdup(sysroot ? sysroot : "/");
	if (sysroot) {
		r = pt_unpack(sysroot, &root.unpacked, err);
		if (r < 0) {
			pt_root_done(&root);
			return r;
		}
	}
	root.root_fd = open(root.unpacked ? root.unpacked : root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root.root_fd < 0) {
		r = -errno;
		pt_root_done(&root);
		if (!sysroot)
			return pt_fail(err, r, "cannot open /");
		r = pt_fail(err, r, "cannot open the captured host %s", sysroot);
		if (err)
			err->kind = PT_ERROR_USAGE;
		return r;
	}
	root.sys_fd = open_below(root.root_fd, "sys");
	root.proc_fd = open_below(root.root_fd, "proc");
	root.dev_fd = open_below(root.root_fd, "dev");
	if (root.sys_fd < 0) {
		r = root.sys_fd;
		pt_root_done(&root);
		if (!sysroot)
			return pt_fail(err, r, "cannot open /sys");
		r = pt_usage(err, r, "%s is not a captured host: there is no sys/ in it", sysroot);
		pt_hint(err, "make one with `passthru facts --capture FILE` and unpack it");
		return r;
	}
	*ret_root = root;
	return 0;
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
