/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this VM start?  Not while a change of it is open, and not with a device that is another one than it was given.
 *
 * Reads our state, sysfs and the definition that libvirt hands in; never calls libvirt, which waits for us; writes
 * nothing.  What cannot be read stops a VM of ours, and no other.
 */
#ifndef PT_HOOK_HOOK_H
#define PT_HOOK_HOOK_H

#include "base/error.h"
#include "base/root.h"

/**
 * pt_hook_may_start() - asked before a VM starts
 * @journal_dir: PT_JOURNAL_DIR
 * @name: as libvirt calls the VM; @xml: its definition
 *
 * Return: 0, or -EPERM with the reason and what to do.
 */
int pt_hook_may_start(const struct pt_root *root, const char *journal_dir, const char *name, const char *xml,
		      struct pt_error *err);

#endif
