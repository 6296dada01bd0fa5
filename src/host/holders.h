/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes have a node of one function open right now: whom an unbind would wait for.  Reads only.  host/users.h
 * asks more and for longer, before a plan is made; this is asked again in the moment before a driver lets go, and to
 * name who is to blame when one does not.
 */
#ifndef PT_HOST_HOLDERS_H
#define PT_HOST_HOLDERS_H

#include "base/root.h"
#include "model/bdf.h"

/**
 * pt_holders_name() - "/dev/vfio/14 open by qemu-system-x86 (pid 4711); …"; the caller frees; NULL when there is none
 *
 * VFIO's group and device nodes, DRM, disks, sound, serial ports, registers mapped out of sysfs; and descriptors of
 * VFIO devices whose node is closed already.  Which device such a descriptor is for the kernel tells since Linux 6.18;
 * before, a process that has one counts only where nobody else was found and the function is on a vfio driver.
 */
char *pt_holders_name(const struct pt_root *root, struct pt_bdf bdf);

#endif
