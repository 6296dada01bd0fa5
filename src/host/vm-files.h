/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether libvirt need be asked at all who has a device: it keeps its definitions and what runs in files, and on a host
 * where none of them names one nobody has any.  Loading libvirt's library and asking takes several times as long as
 * making virtual functions does.  Reads words only: what a file means is for libvirt to say.
 */
#ifndef PT_HOST_VM_FILES_H
#define PT_HOST_VM_FILES_H

#include <stdbool.h>

#include "base/root.h"

/**
 * pt_vm_files_silent() - is it certain that no VM, and no network, of this host's libvirt has a device of the host?
 *
 * Certain is: the daemon that runs is a distribution's (/usr/sbin, whose files are below /etc/libvirt and
 * /run/libvirt), it sees the same files as we do (no container), all of them can be read, and no word in them could
 * stand for a device.  In any doubt the answer is no, and libvirt must be asked.  Says nothing about VMs without
 * libvirt: they are seen as users of a device (host/users.h), as running VMs of libvirt are, too.
 */
bool pt_vm_files_silent(const struct pt_root *root);

#endif
