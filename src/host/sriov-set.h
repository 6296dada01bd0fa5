/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give a physical function its VFs, and these their settings.  Does not ask who uses them: decide/sriov.h does, before.
 */
#ifndef PT_HOST_SRIOV_SET_H
#define PT_HOST_SRIOV_SET_H

#include "host/bind.h"
#include "host/ops.h"
#include "model/sriov-state.h"

/**
 * pt_sriov_look() - how its VFs are now: their number, autoprobe, address, driver, override and settings of each
 *
 * Counts links: sriov_numvfs may hang.  Return: 0; -ENODEV no function there.
 */
int pt_sriov_look(const struct pt_host_ops *ops, struct pt_bdf pf, struct pt_sriov_state *ret_now,
		  struct pt_error *err);

/**
 * pt_sriov_make() - make it so, from wherever it is; what @want does not say is left alone
 * @card: which card must be at the address; its driver is not looked at
 * @missing: as host/vf-set.h's
 *
 * Through 0 where another number is there; then waits until each VF is there, and with autoprobe until each has a
 * driver.  VFs that @want names with an address get the driver and override that it says.  On failure the VFs may be
 * anywhere between: the caller makes the state that was before.
 *
 * Return: 1 when something was changed, 0 when nothing had to be; -ESTALE another card; -EIO fewer VFs than wanted, or
 * one without driver or with another setting than was written; -ETIMEDOUT, -EBUSY as struct pt_host_ops says.
 */
int pt_sriov_make(const struct pt_host_ops *ops, const struct pt_bind *card, const struct pt_sriov_state *want,
		  struct pt_strv *missing, struct pt_error *err);

#endif
