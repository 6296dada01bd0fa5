/* SPDX-License-Identifier: Apache-2.0 */
#include "host/viable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/holders.h"

/* "0000:00:1f.3 (snd_hda_intel), …": members whose drivers VFIO does not accept beside it (drivers/vfio/vfio_main.c) */
static char *strangers(const struct pt_root *root, const char *group)
{
	pt_autofree char *dir = pt_strf("kernel/iommu_groups/%s/devices", group);
	PT_AUTO(pt_strv) names = { 0 };
	struct pt_buf b = { 0 };

	(void)pt_file_list(root->sys_fd, dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("%s/%s/driver", dir, names.v[i]);
		pt_autofree char *driver = NULL;

		if (pt_file_link_name(root->sys_fd, path, &driver) == 0 && !strstr(driver, "vfio") &&
		    !pt_streq(driver, "pcieport") && !pt_streq(driver, "pci-stub"))
			pt_buf_addf(&b, "%s%s (%s)", b.n ? ", " : "", names.v[i], driver);
	}
	return pt_buf_take(&b);
}

static int not_viable(const struct pt_root *root, struct pt_bdf bdf, const char *group, struct pt_error *err)
{
	pt_autofree char *who = strangers(root, group);
	int r = pt_say(err, -EPERM, "VFIO may not have IOMMU group %s of %s%s%s", group, pt_bdf_str(bdf).s,
		       who && *who ? ": still with drivers of this host: " : "", who ? who : "");

	pt_refused_by(err, "group", false);
	pt_hint(err, "every function of a group goes to guests together; `passthru show %s` lists them",
		pt_bdf_str(bdf).s);
	return r;
}

static int busy(const struct pt_root *root, struct pt_bdf bdf, const char *group, struct pt_error *err)
{
	pt_autofree char *who = pt_holders_name(root, bdf);
	int r = pt_say(err, -EBUSY, "IOMMU group %s of %s is in use: %s", group, pt_bdf_str(bdf).s,
		       who ? who : "the kernel does not say by whom");

	pt_refused_by(err, "in-use", false);
	pt_hint(err, "end the program that uses it, then try again");
	return r;
}

/* "vfio0", under which iommufd has the function; NULL: this kernel has no such nodes, or VFIO does not hold it */
static char *cdev_of(const struct pt_root *root, struct pt_bdf bdf)
{
	pt_autofree char *dir = pt_strf("bus/pci/devices/%s/vfio-dev", pt_bdf_str(bdf).s);
	PT_AUTO(pt_strv) names = { 0 };

	(void)pt_file_list(root->sys_fd, dir, &names);
	for (size_t i = 0; i < names.n; i++)
		if (pt_startswith(names.v[i], "vfio"))
			return pt_strdup(names.v[i]);
	return NULL;
}

/*
 * Over the device's own node there is no question that leaves it alone: VFIO_DEVICE_BIND_IOMMUFD opens the device,
 * which resets it.  And whoever starts the VM asks for the group.
 */
static int no_node(const struct pt_root *root, struct pt_bdf bdf, const char *group, struct pt_error *err)
{
	pt_autofree char *cdev = cdev_of(root, bdf);
	bool only = cdev && root->dev_fd >= 0 && pt_file_exists(root->dev_fd, "vfio/devices") == 1;
	int r = pt_say(err, only ? -EOPNOTSUPP : -ENOENT,
		       "cannot ask VFIO about IOMMU group %s of %s: there is no /dev/vfio/%s%s%s", group,
		       pt_bdf_str(bdf).s, group, only ? ", only iommufd's /dev/vfio/devices/" : "", only ? cdev : "");

	if (only)
		pt_hint(err,
			"this kernel is built without CONFIG_VFIO_GROUP, and a device is given to a VM by its group "
			"here: boot one that has it, such as a distribution's standard one");
	else
		pt_hint(err,
			"see whether devtmpfs is mounted on /dev, and `ls -l /dev/vfio`; in a container, hand that "
			"folder in");
	return r;
}

int pt_viable_ask(const struct pt_root *root, struct pt_bdf bdf, struct pt_error *err)
{
	pt_autofree char *link = pt_strf("bus/pci/devices/%s/iommu_group", pt_bdf_str(bdf).s);
	struct vfio_group_status status = { .argsz = sizeof(status) };
	pt_autofree char *group = NULL;
	pt_autofree char *node = NULL;
	pt_autoclose int fd = -EBADF;
	int r = pt_file_link_name(root->sys_fd, link, &group);

	if (r < 0)
		return pt_fail(err, r, "cannot see the IOMMU group of %s", pt_bdf_str(bdf).s);
	node = pt_strf("vfio/%s", group);
	fd = root->dev_fd < 0 ? -ENOENT : pt_file_open(root->dev_fd, node, O_RDWR);
	if (fd == -EBUSY)
		return busy(root, bdf, group, err);
	if (fd == -ENOENT)
		return no_node(root, bdf, group, err);
	if (fd < 0)
		return pt_fail(err, fd, "cannot ask VFIO about IOMMU group %s", group);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return pt_fail(err, -errno, "cannot ask VFIO about IOMMU group %s", group);
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 1 : not_viable(root, bdf, group, err);
}
