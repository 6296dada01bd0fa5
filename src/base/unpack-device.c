/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unpack-device.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * A link from @path to @to, relative as the kernel and udev write them.  Both begin with the same directory (sys/,
 * dev/), which the link does not leave: each is opened on its own.
 */
static int link_relative(struct pt_tree *tree, const char *path, const char *to)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf target = { 0 };
	int r;

	for (const char *p = strchr(path, '/') + 1; *p; p++)
		if (*p == '/')
			pt_buf_add(&target, "../");
	pt_buf_add(&target, strchr(to, '/') + 1);
	r = pt_tree_link(tree, path, target.s);
	/* two devices may claim one name, as two disks one by-label link: the first has it */
	return r == -EEXIST ? 0 : r;
}

static int link_format(struct pt_tree *tree, const char *to, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int link_format(struct pt_tree *tree, const char *to, const char *format, ...)
{
	pt_autofree char *path = NULL;
	va_list ap;

	va_start(ap, format);
	path = pt_strfv(format, ap);
	va_end(ap);
	return link_relative(tree, path, to);
}

/* these have /sys/bus/NAME/devices; all others /sys/class/NAME */
static bool is_bus(const char *subsystem)
{
	static const char *const buses[] = { "pci", "scsi", "usb",	   "acpi",    "virtio",
					     "cxl", "nd",   "pci_express", "platform" };

	for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++)
		if (strcmp(buses[i], subsystem) == 0)
			return true;
	return false;
}

static int put_uevent(struct pt_tree *tree, const char *dir, const struct pt_mock *m)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	pt_autofree char *path = pt_strf("%s/uevent", dir);

	for (size_t i = 0; i < m->properties.n; i++)
		if (!pt_startswith(m->properties.v[i], "SUBSYSTEM="))
			pt_buf_addf(&text, "%s\n", m->properties.v[i]);
	return pt_tree_file(tree, path, text.s ? text.s : "", text.n);
}

static int put_attrs(struct pt_tree *tree, const char *dir, const struct pt_mock *m)
{
	int r = 0;

	for (size_t i = 0; i < m->attrs.n && r == 0; i++) {
		pt_autofree char *path = pt_strf("%s/%s", dir, m->attrs.v[i].name);

		if (strcmp(m->attrs.v[i].name, "uevent") != 0)
			r = pt_tree_file(tree, path, m->attrs.v[i].data, m->attrs.v[i].size);
	}
	for (size_t i = 0; i < m->symlinks.n && r == 0; i++) {
		pt_autofree char *path = pt_strf("%s/%s", dir, m->symlinks.v[i].name);

		r = pt_tree_link(tree, path, m->symlinks.v[i].target);
	}
	return r;
}

static int join_subsystem(struct pt_tree *tree, const char *dir, const struct pt_mock *m, const char *subsystem)
{
	pt_autofree char *home = pt_strf("sys/%s/%s", is_bus(subsystem) ? "bus" : "class", subsystem);
	int r;

	if (!*subsystem || strchr(subsystem, '/'))
		return -EINVAL;
	r = link_format(tree, home, "%s/subsystem", dir);
	if (r == 0)
		r = link_format(tree, dir, "%s%s/%s", home, is_bus(subsystem) ? "/devices" : "", base_name(m->path));
	return r;
}

/* the other ends of the device's own links */
static int join_driver_and_group(struct pt_tree *tree, const char *dir, const struct pt_mock *m, const char *subsystem)
{
	int r = 0;

	for (size_t i = 0; i < m->symlinks.n && r == 0; i++) {
		const char *name = m->symlinks.v[i].name;
		const char *to = base_name(m->symlinks.v[i].target);

		if (strcmp(name, "driver") == 0 && is_bus(subsystem))
			r = link_format(tree, dir, "sys/bus/%s/drivers/%s/%s", subsystem, to, base_name(m->path));
		else if (strcmp(name, "iommu_group") == 0)
			r = link_format(tree, dir, "sys/kernel/iommu_groups/%s/devices/%s", to, base_name(m->path));
	}
	return r;
}

static int put_udev_record(struct pt_tree *tree, const struct pt_mock *m, const char *path)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	int r;

	for (size_t i = 0; i < m->links.n; i++)
		pt_buf_addf(&text, "S:%s\n", m->links.v[i]);
	for (size_t i = 0; i < m->properties.n; i++)
		pt_buf_addf(&text, "E:%s\n", m->properties.v[i]);
	r = pt_tree_file(tree, path, text.s ? text.s : "", text.n);
	return r == -EEXIST ? 0 : r;
}

/* node and links below dev/; a node is an empty file, since making a device node takes root */
static int put_node(struct pt_tree *tree, const struct pt_mock *m)
{
	pt_autofree char *node = pt_strf("dev/%s", m->node);
	int r = pt_tree_file(tree, node, "", 0);

	if (r == -EEXIST)
		r = 0;
	for (size_t i = 0; i < m->links.n && r == 0; i++) {
		pt_autofree char *link = pt_strf("dev/%s", m->links.v[i]);

		r = link_relative(tree, link, node);
	}
	return r;
}

static int put_block(struct pt_tree *tree, const char *dir, const struct pt_mock *m)
{
	const struct pt_mock_attr *dev = pt_mock_attr(m, "dev");
	pt_autofree char *number = dev ? pt_strndup(dev->data, strcspn(dev->data, "\n")) : NULL;
	pt_autofree char *record = NULL;
	int r;

	if (!number || number[strspn(number, "0123456789:")])
		return 0;
	record = pt_strf("run/udev/data/b%s", number);
	r = link_format(tree, dir, "sys/dev/block/%s", number);
	return r < 0 ? r : put_udev_record(tree, m, record);
}

static int put_device(struct pt_tree *tree, const char *dir, const struct pt_mock *m)
{
	const char *subsystem = pt_mock_property(m, "SUBSYSTEM");
	int r = pt_tree_dir(tree, dir);

	if (r == 0)
		r = put_uevent(tree, dir, m);
	if (r == 0)
		r = put_attrs(tree, dir, m);
	if (r == 0 && subsystem)
		r = join_subsystem(tree, dir, m, subsystem);
	if (r == 0 && subsystem)
		r = join_driver_and_group(tree, dir, m, subsystem);
	if (r == 0 && m->node)
		r = put_node(tree, m);
	if (r == 0 && subsystem && strcmp(subsystem, "block") == 0)
		r = put_block(tree, dir, m);
	return r;
}

int pt_unpack_device(void *tree, const struct pt_mock *m, struct pt_error *err)
{
	pt_autofree char *dir = pt_strf("sys%s", m->path);
	pt_autofree char *shown = pt_text_clean(pt_strndup(m->path, 256));
	int r = pt_startswith(m->path, "/devices/") ? put_device(tree, dir, m) : -EINVAL;

	switch (r) {
	case 0:
		return 0;
	case -EEXIST:
		return pt_say(err, r, "devices.umockdev: device %s has something twice", shown);
	case -EINVAL:
		return pt_say(err, r, "devices.umockdev: device %s has a name or path that leads out of the capture",
			      shown);
	case -EFBIG:
		return pt_say(err, r, "devices.umockdev is too large to be a host");
	default:
		return pt_fail(err, r, "devices.umockdev: cannot lay out device %s", shown);
	}
}
