/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of devices as a user names them: storage, network, display, … */
#ifndef PT_CLI_KINDS_H
#define PT_CLI_KINDS_H

#include "model/device.h"

/* all of them, for messages */
#define PT_KIND_NAMES "storage, network, display, accelerator, usb, audio, sriov, vfio, bridge, all"

/** pt_kind_is() - is a device of that kind: 1, 0, or -EINVAL when there is no such kind */
int pt_kind_is(const char *kind, const struct pt_device *device);

#endif
