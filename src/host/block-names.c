/* SPDX-License-Identifier: Apache-2.0 */
#include "host/block-names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-path.h"

/* more links than any host has; a capture that holds more is not read to its end */
#define LINKS_MAX 65536
/* as many links in a row as the kernel itself follows is 40; udev makes one, an administrator another */
#define HOPS_MAX 8

void pt_udev_parse(const char *text, struct pt_udev *ret_udev)
{
	const char *p = text;

	while (*p) {
		size_t n = strcspn(p, "\n");

		if (n > 2 && p[1] == ':') {
			if (p[0] == 'E' && ret_udev->properties.n < LINKS_MAX)
				pt_strv_take(&ret_udev->properties, pt_strndup(p + 2, n - 2));
			if (p[0] == 'S' && p[2] != '/' && ret_udev->links.n < LINKS_MAX)
				pt_strv_take(&ret_udev->links, pt_strndup(p + 2, n - 2));
		}
		p += n;
		p += *p == '\n';
	}
}

void pt_udev_read(const struct pt_root *root, unsigned major, unsigned minor, struct pt_udev *ret_udev)
{
	pt_autofree char *path = pt_strf("run/udev/data/b%u:%u", major, minor);
	pt_autofree char *text = NULL;

	if (pt_file_read(root->root_fd, path, PT_FILE_MAX, &text, NULL) == 0)
		pt_udev_parse(text, ret_udev);
}

const char *pt_udev_get(const struct pt_udev *udev, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < udev->properties.n; i++)
		if (strncmp(udev->properties.v[i], key, n) == 0 && udev->properties.v[i][n] == '=')
			return udev->properties.v[i] + n + 1;
	return NULL;
}

void pt_udev_done(struct pt_udev *udev)
{
	pt_strv_done(&udev->properties);
	pt_strv_done(&udev->links);
}

static int index_of(const struct pt_blocks *blocks, const struct pt_block *b)
{
	return b ? (int)(b - blocks->v) : -ENOENT;
}

/* by device number: the node itself says which device it is, whatever it is called */
static int find_by_number(const struct pt_root *root, const struct pt_blocks *blocks, const char *name)
{
	pt_autoclose int fd = pt_file_open(root->dev_fd, name, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return -ENOENT;
	return index_of(blocks, pt_blocks_by_number(blocks, major(st.st_rdev), minor(st.st_rdev)));
}

/* the next name on the way; NULL when @name is no link, or one that leaves /dev */
static char *follow(const struct pt_root *root, const char *name)
{
	const char *slash = strrchr(name, '/');
	pt_autofree char *dir = pt_strndup(name, slash ? (size_t)(slash - name) : 0);
	pt_autofree char *target = NULL;

	if (pt_file_link(root->dev_fd, name, &target) < 0)
		return NULL;
	if (pt_startswith(target, "/dev/"))
		return pt_path_join("", target + strlen("/dev/"));
	return pt_path_join(dir, target);
}

/* by the text of the links, for a capture: it has links, but no right to hold device nodes */
static int find_by_text(const struct pt_root *root, const struct pt_blocks *blocks, const char *name)
{
	pt_autofree char *at = pt_path_join("", name);
	int found;

	for (int hops = 0; at && hops < HOPS_MAX && root->dev_fd >= 0; hops++) {
		char *next = follow(root, at);

		if (!next)
			break;
		free(at);
		at = next;
	}
	if (!at)
		return -ENOENT;
	/* Documentation/core-api/kobject: a name with a slash (cciss/c0d0) has "!" for it in sysfs */
	for (char *p = at; *p; p++)
		if (*p == '/')
			*p = '!';
	found = index_of(blocks, pt_blocks_by_name(blocks, at));
	return found;
}

int pt_block_find_dev(const struct pt_root *root, const struct pt_blocks *blocks, const char *name)
{
	int found = -ENOENT;

	if (!root->captured && root->dev_fd >= 0)
		found = find_by_number(root, blocks, name);
	if (found < 0)
		found = find_by_text(root, blocks, name);
	for (size_t i = 0; found < 0 && i < blocks->n; i++)
		if (pt_strv_has(&blocks->v[i].links, name))
			found = (int)i;
	return found;
}

static void add_links_of(const struct pt_root *root, struct pt_blocks *blocks, const char *dir, size_t *left)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no such directory: no udev on this host, or not in the capture */
	if (pt_file_list(root->dev_fd, dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n && *left; i++, (*left)--) {
		pt_autofree char *link = pt_strf("%s/%s", dir, names.v[i]);
		int found = pt_block_find_dev(root, blocks, link);

		if (found >= 0 && !pt_strv_has(&blocks->v[found].links, link))
			pt_strv_add(&blocks->v[found].links, link);
	}
}

void pt_block_add_links(const struct pt_root *root, struct pt_blocks *blocks)
{
	PT_AUTO(pt_strv) kinds = { 0 };
	size_t left = LINKS_MAX;

	if (root->dev_fd < 0)
		return;
	if (pt_file_list(root->dev_fd, "disk", &kinds) == 0) {
		for (size_t i = 0; i < kinds.n; i++) {
			pt_autofree char *dir = pt_strf("disk/%s", kinds.v[i]);

			add_links_of(root, blocks, dir, &left);
		}
	}
	add_links_of(root, blocks, "mapper", &left);
	for (size_t i = 0; i < blocks->n; i++)
		pt_strv_sort(&blocks->v[i].links);
}
