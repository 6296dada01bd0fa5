/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before the first driver is loaded: the overrides of all devices that are certain, at once.  Writes driver_override
 * and nothing else; a device that a driver has already is left to passthru-boot.service.
 */
#ifndef PT_EARLY_HOLD_H
#define PT_EARLY_HOLD_H

#include "early/early.h"

/**
 * pt_early_hold() - write them
 * @ret_why: as pt_early_driver(), and what could not be written
 *
 * Return: how many were written or were so already; -EIO when one could not be, and all others were tried.
 */
int pt_early_hold(const struct pt_root *root, const struct pt_early *e, struct pt_strv *ret_why);

#endif
