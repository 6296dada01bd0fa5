/* SPDX-License-Identifier: Apache-2.0 */
#include "early/hold.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* 1: it is so now */
static int hold_one(const struct pt_root *root, const struct pt_device *d, const char *driver, struct pt_strv *ret_why)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/driver_override", pt_bdf_str(d->bdf).s);
	int r;

	if (pt_streq(d->driver_override, driver))
		return 1;
	/* somebody holds the device's lock, and a write would wait for that */
	r = d->stuck ? -EBUSY : pt_file_write_attr(root->sys_fd, path, driver);
	if (r == 0)
		return 1;
	pt_strv_addf(ret_why, "cannot write %s to driver_override of %s: %s", driver, pt_bdf_str(d->bdf).s,
		     strerror(-r));
	return r;
}

int pt_early_hold(const struct pt_root *root, const struct pt_early *e, struct pt_strv *ret_why)
{
	bool failed = false;
	int n = 0;

	/* of the kind of a reservation; of all others nothing is known, and nothing wanted */
	for (size_t i = 0; i < e->present.n; i++) {
		const struct pt_device *d = pt_devices_find(&e->devices, e->present.v[i].last_seen);
		const char *driver = d && !d->driver ? pt_early_driver(root, e, d->bdf, ret_why) : NULL;
		int r = driver ? hold_one(root, d, driver, ret_why) : 0;

		failed = failed || r < 0;
		n += r > 0;
	}
	return failed ? -EIO : n;
}
