/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bind.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static char *attr(struct pt_bdf bdf, const char *name)
{
	return pt_strf("bus/pci/devices/%s/%s", pt_bdf_str(bdf).s, name);
}

/* sysfs-bus-pci: an empty driver_override reads "(null)" */
static int read_override(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_override)
{
	pt_autofree char *path = attr(bdf, "driver_override");
	char *line = NULL;
	int r = ops->read(ops->ctx, path, &line);

	if (r < 0)
		return r;
	if (!line[0] || strcmp(line, "(null)") == 0) {
		free(line);
		line = NULL;
	}
	*ret_override = line;
	return 0;
}

static int read_driver(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_driver)
{
	pt_autofree char *path = attr(bdf, "driver");
	int r = ops->link(ops->ctx, path, ret_driver);

	if (r == -ENOENT) {
		*ret_driver = NULL;
		return 0;
	}
	return r;
}

static int must_exist(const struct pt_host_ops *ops, struct pt_bdf bdf, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s", pt_bdf_str(bdf).s);
	int r = ops->exists(ops->ctx, path);

	if (r == 1)
		return 0;
	if (r < 0)
		return pt_fail(err, r, "cannot look at the PCI function %s", pt_bdf_str(bdf).s);
	r = pt_say(err, -ENODEV, "there is no PCI function %s any more", pt_bdf_str(bdf).s);
	pt_refused_by(err, "device-gone", false);
	pt_hint(err, "it was pulled or moved to another address; `passthru list` shows what is there");
	return r;
}

int pt_bind_look(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_driver, char **ret_override,
		 struct pt_error *err)
{
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;
	int r = must_exist(ops, bdf, err);

	if (r < 0)
		return r;
	r = read_driver(ops, bdf, &driver);
	if (r < 0)
		return pt_fail(err, r, "cannot see the driver of %s", pt_bdf_str(bdf).s);
	r = read_override(ops, bdf, &override);
	if (r < 0)
		return pt_fail(err, r, "cannot read driver_override of %s", pt_bdf_str(bdf).s);
	*ret_driver = pt_take_ptr(driver);
	*ret_override = pt_take_ptr(override);
	return 0;
}

static int read_id(const struct pt_host_ops *ops, struct pt_bdf bdf, const char *name, unsigned *ret_id)
{
	pt_autofree char *path = attr(bdf, name);
	pt_autofree char *line = NULL;
	unsigned long value;
	char *end;
	int r = ops->read(ops->ctx, path, &line);

	if (r < 0)
		return r;
	value = strtoul(line, &end, 16);
	if (end == line || *end || value > 0xffff)
		return -EINVAL;
	*ret_id = (unsigned)value;
	return 0;
}

int pt_bind_check(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err)
{
	static const char *const names[] = { "vendor", "device", "subsystem_vendor", "subsystem_device" };
	const unsigned expected[] = { want->vendor, want->device, want->subvendor, want->subdevice };
	unsigned found[4] = { 0 };
	int r = must_exist(ops, want->bdf, err);

	for (int i = 0; i < 4 && r == 0; i++) {
		r = read_id(ops, want->bdf, names[i], &found[i]);
		if (r < 0)
			return pt_fail(err, r, "cannot read what %s is (its attribute '%s')", pt_bdf_str(want->bdf).s,
				       names[i]);
	}
	if (r < 0 || memcmp(found, expected, sizeof(found)) == 0)
		return r;
	r = pt_say(err, -ESTALE,
		   "another device is at %s now: %04x:%04x (subsystem %04x:%04x), not %04x:%04x (%04x:%04x)",
		   pt_bdf_str(want->bdf).s, found[0], found[1], found[2], found[3], expected[0], expected[1],
		   expected[2], expected[3]);
	pt_refused_by(err, "identity", false);
	pt_hint(err, "the addresses have moved; nothing was done to the stranger");
	return r;
}

/* a driver's name becomes part of a path and, as an override, is compared as a whole */
static int check_name(const char *name, struct pt_error *err)
{
	if (!name)
		return 0;
	if (!name[0] || name[0] == '.' || strlen(name) > 64 || strpbrk(name, "/\n"))
		return pt_say(err, -EINVAL, "'%s' is no name of a kernel driver", name);
	return 0;
}

static int driver_exists(const struct pt_host_ops *ops, const char *driver)
{
	pt_autofree char *path = pt_strf("bus/pci/drivers/%s", driver);

	return ops->exists(ops->ctx, path);
}

/* a driver's module is not always called like it (xhci_hcd is in xhci_pci): then the device's own alias finds it */
static int need_driver(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err)
{
	pt_autofree char *path = attr(want->bdf, "modalias");
	pt_autofree char *modalias = NULL;
	struct pt_error why = { 0 };
	int r;

	if (driver_exists(ops, want->driver) == 1)
		return 0;
	r = ops->load_module(ops->ctx, want->driver, &why);
	if (r != -ETIMEDOUT && driver_exists(ops, want->driver) == 1)
		return 0;
	if (r == -ENOENT && ops->read(ops->ctx, path, &modalias) == 0)
		(void)ops->load_module(ops->ctx, modalias, NULL);
	if (r != -ETIMEDOUT && driver_exists(ops, want->driver) == 1)
		return 0;
	if (r == 0)
		r = pt_say(&why, -ENOENT, "the module was loaded and brought no such driver");
	if (err)
		*err = why;
	(void)pt_wrap(err, r, "there is no driver %s for %s", want->driver, pt_bdf_str(want->bdf).s);
	pt_hint(err, "`modprobe %s` must work on this host first", want->driver);
	return r;
}

static int write_override(const struct pt_host_ops *ops, const struct pt_bind *want, const char *value,
			  struct pt_error *err)
{
	pt_autofree char *path = attr(want->bdf, "driver_override");

	/* sysfs-bus-pci: an empty line clears it */
	return ops->write(ops->ctx, want->bdf, path, value ? value : "\n", want->timeout_ms, err);
}

/*
 * A vfio driver does not let go before its last user has (drivers/vfio: vfio_unregister_group_dev() waits for it), and
 * the writer cannot be killed meanwhile.  Other drivers take the device from under its users; what those are, and
 * whether that is wanted, was asked when the plan was made.
 */
static int check_holders(const struct pt_host_ops *ops, const struct pt_bind *want, const char *driver,
			 struct pt_error *err)
{
	pt_autofree char *who = strstr(driver, "vfio") ? ops->holders(ops->ctx, want->bdf) : NULL;
	int r;

	if (!who)
		return 0;
	r = pt_say(err, -EBUSY, "%s is in use: %s; %s cannot let go of it", pt_bdf_str(want->bdf).s, who, driver);
	pt_refused_by(err, "in-use", false);
	pt_hint(err, "end that first: shut the VM down, or stop the program");
	return r;
}

static int unbind(const struct pt_host_ops *ops, const struct pt_bind *want, const char *driver, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("bus/pci/drivers/%s/unbind", driver);

	return ops->write(ops->ctx, want->bdf, path, pt_bdf_str(want->bdf).s, want->timeout_ms, err);
}

/*
 * With the override in place before the old driver lets go, no other driver can take the function in between; and
 * without reading the match tables we know that the wanted driver is the one that the kernel will try.
 */
static int make_writes(const struct pt_host_ops *ops, const struct pt_bind *want, const char *now,
		       const char *override_now, struct pt_error *err)
{
	/* a driver of the host that has it is the one that the kernel chose: it is not taken from its users */
	bool keeps = want->reprobe && now && !strstr(now, "vfio") && strcmp(now, "pci-stub") != 0;
	bool release = now && !keeps && (want->reprobe || !pt_streq(want->driver, now));
	bool probe = (want->reprobe && !keeps) || (want->driver && !want->reprobe && !pt_streq(want->driver, now));
	const char *meanwhile = probe && !want->reprobe ? want->driver : want->override;
	int r = release ? check_holders(ops, want, now, err) : 0;

	if (r < 0)
		return r;
	if (!pt_streq(meanwhile, override_now) && (meanwhile || override_now))
		r = write_override(ops, want, meanwhile, err);
	if (r == 0 && release)
		r = unbind(ops, want, now, err);
	if (r == 0 && probe)
		r = ops->write(ops->ctx, want->bdf, "bus/pci/drivers_probe", pt_bdf_str(want->bdf).s, want->timeout_ms,
			       err);
	if (r == 0 && !pt_streq(meanwhile, want->override) && (meanwhile || want->override))
		r = write_override(ops, want, want->override, err);
	return r;
}

static void pause_ms(const struct pt_host_ops *ops, unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	if (ops->pause)
		ops->pause(ops->ctx, ms);
	else
		(void)nanosleep(&ts, NULL);
}

static bool agrees(const struct pt_bind *want, const char *driver, const char *override)
{
	bool same_override = pt_streq(override, want->override) || (!override && !want->override);

	if (want->reprobe)
		return same_override;
	return same_override && (pt_streq(driver, want->driver) || (!driver && !want->driver));
}

/* the writes returned; now sysfs must say the same, drivers that probe asynchronously included */
static int verify(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err)
{
	struct pt_bdf_text bdf = pt_bdf_str(want->bdf);
	int r;

	for (unsigned waited = 0;; waited += 20) {
		pt_autofree char *driver = NULL;
		pt_autofree char *override = NULL;

		r = pt_bind_look(ops, want->bdf, &driver, &override, err);
		if (r < 0 || agrees(want, driver, override))
			return r < 0 ? r : 1;
		if (waited < ops->settle_ms) {
			pause_ms(ops, 20);
			continue;
		}
		if (pt_streq(driver, want->driver) || want->reprobe)
			return pt_say(err, -EIO, "driver_override of %s reads %s after %s was written", bdf.s,
				      override ? override : "(null)", want->override ? want->override : "nothing");
		r = pt_say(err, -EIO, "%s is with %s, not with %s, although every write succeeded", bdf.s,
			   driver ? driver : "no driver", want->driver ? want->driver : "no driver");
		pt_hint(err, "the kernel's reason is in `journalctl -k -g %s`", bdf.s);
		return r;
	}
}

int pt_bind_driver(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err)
{
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;
	int r = pt_bind_check(ops, want, err);

	/* of a process that was killed: what is seen before it ends is not yet what is */
	if (r == 0)
		r = ops->quiet(ops->ctx, want->bdf, want->timeout_ms, err);
	if (r == 0)
		r = check_name(want->driver, err);
	if (r == 0)
		r = check_name(want->override, err);
	if (r == 0)
		r = pt_bind_look(ops, want->bdf, &driver, &override, err);
	if (r < 0)
		return r;
	if (!want->reprobe && agrees(want, driver, override))
		return 0;
	if (want->driver && !want->reprobe && !pt_streq(want->driver, driver))
		r = need_driver(ops, want, err);
	if (r == 0)
		r = make_writes(ops, want, driver, override, err);
	return r < 0 ? r : verify(ops, want, err);
}
