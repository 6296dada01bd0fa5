/* SPDX-License-Identifier: Apache-2.0 */
#include "host/block-path.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"

char *pt_path_join(const char *dir, const char *target)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf path = { 0 };
	const char *p = target;

	if (target[0] == '/')
		return NULL;
	pt_buf_add(&path, dir);
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			char *slash;

			if (!path.n)
				return NULL;
			slash = strrchr(path.s, '/');
			path.n = slash ? (size_t)(slash - path.s) : 0;
			path.s[path.n] = '\0';
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (path.n)
				pt_buf_add(&path, "/");
			pt_buf_addn(&path, p, n);
		}
		p += n;
		p += strspn(p, "/");
	}
	return path.n ? pt_buf_take(&path) : NULL;
}

char *pt_path_of_link(int dir_fd, const char *dir, const char *name)
{
	pt_autofree char *link = pt_strf("%s/%s", dir, name);
	pt_autofree char *target = NULL;

	if (pt_file_link(dir_fd, link, &target) < 0)
		return NULL;
	return pt_path_join(dir, target);
}

bool pt_path_has_function(const char *path, struct pt_bdf bdf)
{
	struct pt_bdf_text text = pt_bdf_str(bdf);
	size_t n = strlen(text.s);

	for (const char *p = strstr(path, text.s); p; p = strstr(p + 1, text.s))
		if ((p == path || p[-1] == '/') && (p[n] == '/' || p[n] == '\0'))
			return true;
	return false;
}

/* The class says bridge: what a bridge carries hangs on a function behind it, and bridges are never given away. */
static bool is_bridge(const struct pt_root *root, const char *path)
{
	pt_autofree char *attribute = pt_strf("%s/class", path);
	uint64_t class_code;

	return pt_file_read_u64(root->sys_fd, attribute, &class_code) == 0 && class_code >> 16 == 0x06;
}

int pt_path_controller(const struct pt_root *root, const char *path, struct pt_bdf *ret_bdf)
{
	pt_autofree char *above = pt_strdup(path);

	for (;;) {
		char *slash = strrchr(above, '/');
		struct pt_bdf bdf;

		if (!slash)
			return 0;
		if (pt_bdf_parse(slash + 1, &bdf) == 0 && !is_bridge(root, above)) {
			*ret_bdf = bdf;
			return 1;
		}
		*slash = '\0';
	}
}

/* "nvme0n1" of subsystem 0 has over controller 3 the hidden path "nvme0c3n1" below that controller */
static bool controller_has_path(const struct pt_root *root, const char *controller_path, const char *head)
{
	const char *controller = strrchr(controller_path, '/');
	pt_autofree char *hidden = NULL;
	unsigned subsystem;
	unsigned namespace;
	unsigned number;

	if (!controller || sscanf(controller, "/nvme%9u", &number) != 1 ||
	    sscanf(head, "nvme%9un%9u", &subsystem, &namespace) != 2)
		return false;
	hidden = pt_strf("%s/nvme%uc%un%u", controller_path, subsystem, number, namespace);
	return pt_file_exists(root->sys_fd, hidden) == 1;
}

/*
 * A subsystem's directory has a link to each of its controllers.  A namespace need not be attached to all of them;
 * where no hidden path tells, every controller of the subsystem counts, which can only refuse more.
 */
static void nvme_subsystem_paths(const struct pt_root *root, const char *subsystem, const char *head,
				 struct pt_strv *ret_paths)
{
	PT_AUTO(pt_strv) names = { 0 };
	PT_AUTO(pt_strv) all = { 0 };

	if (pt_file_list(root->sys_fd, subsystem, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = NULL;
		unsigned number;
		int end = 0;

		if (sscanf(names.v[i], "nvme%9u%n", &number, &end) != 1 || names.v[i][end])
			continue;
		path = pt_path_of_link(root->sys_fd, subsystem, names.v[i]);
		if (!path)
			continue;
		pt_strv_add(&all, path);
		if (controller_has_path(root, path, head))
			pt_strv_add(ret_paths, path);
	}
	if (ret_paths->n == 0)
		pt_strv_copy(ret_paths, &all);
}

void pt_block_paths(const struct pt_root *root, const char *name, struct pt_strv *ret_paths)
{
	static const char virtual[] = "devices/virtual/nvme-subsystem/";
	pt_autofree char *path = pt_path_of_link(root->sys_fd, "class/block", name);

	if (!path)
		return;
	if (pt_startswith(path, virtual)) {
		size_t n = sizeof(virtual) - 1 + strcspn(path + sizeof(virtual) - 1, "/");
		pt_autofree char *subsystem = pt_strndup(path, n);

		if (path[n] == '/')
			nvme_subsystem_paths(root, subsystem, path + n + 1, ret_paths);
	}
	if (ret_paths->n == 0)
		pt_strv_take(ret_paths, pt_take_ptr(path));
}
