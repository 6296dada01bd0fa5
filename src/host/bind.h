/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give one PCI function to one driver: driver_override, never new_id, which takes every identical device
 * (Documentation/ABI/testing/sysfs-bus-pci).  Does not ask whether anybody uses the device: host/users.h does, before.
 */
#ifndef PT_HOST_BIND_H
#define PT_HOST_BIND_H

#include <stdbool.h>

#include "host/ops.h"

/**
 * struct pt_bind - what a function's driver shall be; borrows its strings
 * @driver: NULL: none
 * @reprobe: let the kernel choose; @driver is ignored then
 * @override: driver_override afterwards; NULL: none
 * @vendor, @device, @subvendor, @subdevice: what must be there
 * @timeout_ms: of each write; 0: PT_HOST_WRITE_MS
 */
struct pt_bind {
	struct pt_bdf bdf;
	const char *driver;
	bool reprobe;
	const char *override;
	unsigned vendor;
	unsigned device;
	unsigned subvendor;
	unsigned subdevice;
	unsigned timeout_ms;
};

/**
 * pt_bind_driver() - make it so; does nothing where it is so already
 *
 * Success is that every write returned and that sysfs agrees afterwards.  On failure the function may be anywhere
 * between: the caller binds it back.
 *
 * Return: 1 when something was changed, 0 when nothing had to be; -ENODEV no function there; -ESTALE another device is
 * there (nothing was written); -ENOENT no such driver; -ETIMEDOUT a write hangs; -EBUSY an earlier write still does, or
 * a process has the device open that its vfio driver would wait for (nothing was written).
 */
int pt_bind_driver(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err);

/** pt_bind_look() - driver and driver_override now; the caller frees both; NULL is none; -ENODEV no function there */
int pt_bind_look(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_driver, char **ret_override,
		 struct pt_error *err);

/** pt_bind_check() - is the device at the address the one that is meant?  0, -ENODEV, -ESTALE */
int pt_bind_check(const struct pt_host_ops *ops, const struct pt_bind *want, struct pt_error *err);

#endif
