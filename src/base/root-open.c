/* SPDX-License-Identifier: Apache-2.0 */
/* The running host or a captured one, packed or not; apart from root.c for the program that must not need an unpacker.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/root.h"
#include "base/unpack.h"

static int open_captured(const char *sysroot, struct pt_root *root, struct pt_error *err)
{
	int r;

	root->captured = true;
	root->path = pt_strdup(sysroot);
	r = pt_unpack(sysroot, &root->unpacked, err);
	if (r < 0)
		return r;
	r = pt_root_open_in(root->unpacked ? root->unpacked : root->path, root);
	if (r < 0) {
		r = pt_fail(err, r, "cannot open the captured host %s", sysroot);
		if (err)
			err->kind = PT_ERROR_USAGE;
		return r;
	}
	if (root->sys_fd >= 0)
		return 0;
	r = pt_usage(err, root->sys_fd, "%s is not a captured host: there is no sys/ in it", sysroot);
	pt_hint(err, "make one with `passthru facts --capture FILE` and unpack it");
	return r;
}

int pt_root_open(const char *sysroot, struct pt_root *ret_root, struct pt_error *err)
{
	struct pt_root root = PT_ROOT_NONE;
	int r;

	if (!sysroot)
		return pt_root_live(ret_root, err);
	r = open_captured(sysroot, &root, err);
	if (r < 0) {
		pt_root_done(&root);
		return r;
	}
	*ret_root = root;
	return 0;
}
