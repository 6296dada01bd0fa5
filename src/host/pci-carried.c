/* SPDX-License-Identifier: Apache-2.0 */
/* Which network interfaces and disks hang on which function: one link each.  Part of host/pci.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/pci-attr.h"
#include "host/pci.h"

static int compare_names(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

/* a partition's directory lies in its disk's: …/block/sda/sda1; @target is changed */
static bool is_partition(const struct pt_strv *names, char *target)
{
	char *last = strrchr(target, '/');
	const char *above;

	if (!last)
		return false;
	*last = '\0';
	above = strrchr(target, '/');
	above = above ? above + 1 : target;
	return bsearch(above, names->v, names->n, sizeof(*names->v), compare_names) != NULL;
}

/*
 * With NVMe multipathing in the kernel a namespace's disk nvme0n1 belongs to the subsystem and has no PCI function
 * above it; each path to it is a hidden disk nvme0c1n1 below its controller (drivers/nvme/host/multipath.c).
 */
static char *disk_name(const char *name)
{
	unsigned subsystem;
	unsigned controller;
	unsigned space;
	int n = 0;

	if (sscanf(name, "nvme%9uc%9un%9u%n", &subsystem, &controller, &space, &n) == 3 && !name[n])
		return pt_strf("nvme%un%u", subsystem, space);
	return pt_text_clean(pt_strdup(name));
}

static void forget_carried(struct pt_device *d)
{
	pt_strv_done(&d->netdevs);
	pt_strv_done(&d->disks);
}

/* the function that the class link @name leads to, or NULL; @target is a buffer of PATH_MAX */
static struct pt_device *owner(int class_fd, const char *name, struct pt_devices *devices, char *target)
{
	struct pt_bdf bdf;

	if (!pt_pci_attr_link(class_fd, name, target, PATH_MAX) || pt_pci_of_path(target, &bdf) != 1)
		return NULL;
	return pt_devices_find(devices, bdf);
}

static int list_class(const struct pt_root *root, const char *path, int *ret_fd, struct pt_strv *names,
		      struct pt_error *err)
{
	pt_autoclose int fd = pt_file_open(root->sys_fd, path, O_RDONLY | O_DIRECTORY);
	int r = fd < 0 ? fd : pt_file_list(fd, ".", names);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return pt_fail(err, r, "cannot list sys/%s of %s", path, root->path);
	*ret_fd = pt_take_fd(fd);
	return 0;
}

static int net_carried(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autoclose int fd = -EBADF;
	char target[PATH_MAX];
	int r = list_class(root, "class/net", &fd, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct pt_device *d = owner(fd, names.v[i], devices, target);

		if (d)
			pt_strv_take(&d->netdevs, pt_text_clean(pt_strdup(names.v[i])));
	}
	return r;
}

static int block_carried(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autoclose int fd = -EBADF;
	char target[PATH_MAX];
	int r = list_class(root, "class/block", &fd, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct pt_device *d = owner(fd, names.v[i], devices, target);

		if (d && !is_partition(&names, target))
			pt_strv_take(&d->disks, disk_name(names.v[i]));
	}
	return r;
}

int pt_pci_carried(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err)
{
	int r;

	for (size_t i = 0; i < devices->n; i++)
		forget_carried(&devices->v[i]);
	r = net_carried(root, devices, err);
	return r < 0 ? r : block_carried(root, devices, err);
}
