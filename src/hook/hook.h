/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this VM start?  Not while a change of it is open, and not with a device that is another one than it was given.
 *
 * Reads our state, sysfs and the definition that libvirt hands in; never calls libvirt, which waits for us; writes
 * nothing.  Closed where it cannot read: without the journal or the records no VM starts that has a function of this
 * host, since it may be one of ours; a VM that has none always does.
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

/**
 * pt_hook_blind() - the same where nothing of this host can be looked at, for the reason @why
 *
 * Return: 0 for a VM that has no function of this host; -EPERM for all others.
 */
int pt_hook_blind(const char *name, const char *xml, const struct pt_error *why, struct pt_error *err);

#endif
