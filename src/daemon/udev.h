/* SPDX-License-Identifier: Apache-2.0 */
/* Hears from the kernel, by udev where it runs, that devices have come, gone, or changed their drivers. */
#ifndef PT_DAEMON_UDEV_H
#define PT_DAEMON_UDEV_H

#include "base/error.h"
#include "base/root.h"

struct pt_udev;

int pt_udev_open(const struct pt_root *root, struct pt_udev **ret_udev, struct pt_error *err);
void pt_udev_close(struct pt_udev *udev); /* NULL is allowed */

/* readable when there is something to hear */
int pt_udev_fd(const struct pt_udev *udev);

/** pt_udev_hear() - take all that has come; how many events they were */
unsigned pt_udev_hear(struct pt_udev *udev);

#endif
