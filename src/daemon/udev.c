/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/udev.h"

#include <errno.h>
#include <stdlib.h>

#include <libudev.h>

#include "base/alloc.h"
#include "base/file.h"

/* a server with thousands of VFs tells of all of them at once; what does not fit is told as one that was missed */
#define BUFFER (8 << 20)

struct pt_udev {
	struct udev *udev;
	struct udev_monitor *monitor;
};

int pt_udev_open(const struct pt_root *root, struct pt_udev **ret, struct pt_error *err)
{
	/* udev's own word comes after its rules: names are final; without it the kernel's is all there is */
	bool runs = pt_file_exists(root->root_fd, "run/udev/control") == 1;
	struct pt_udev *u = pt_alloc(sizeof(*u));
	int r = -ENOMEM;

	u->udev = udev_new();
	if (u->udev)
		u->monitor = udev_monitor_new_from_netlink(u->udev, runs ? "udev" : "kernel");
	if (u->monitor) {
		(void)udev_monitor_set_receive_buffer_size(u->monitor, BUFFER);
		r = udev_monitor_filter_add_match_subsystem_devtype(u->monitor, "pci", NULL);
		if (r >= 0)
			r = udev_monitor_filter_add_match_subsystem_devtype(u->monitor, "net", NULL);
		if (r >= 0)
			r = udev_monitor_enable_receiving(u->monitor);
	}
	if (r < 0) {
		pt_udev_close(u);
		return pt_fail(err, r, "cannot listen to udev");
	}
	*ret = u;
	return 0;
}

void pt_udev_close(struct pt_udev *u)
{
	if (!u)
		return;
	udev_monitor_unref(u->monitor);
	udev_unref(u->udev);
	free(u);
}

int pt_udev_fd(const struct pt_udev *u)
{
	return udev_monitor_get_fd(u->monitor);
}

unsigned pt_udev_hear(struct pt_udev *u)
{
	struct udev_device *d;
	unsigned n = 0;

	/* the socket does not wait */
	while ((d = udev_monitor_receive_device(u->monitor))) {
		(void)udev_device_unref(d);
		n++;
	}
	/* what did not fit into the buffer was an event, too */
	return n ? n : errno == ENOBUFS;
}
