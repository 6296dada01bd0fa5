/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give the VFs of a physical function their settings, one by one, and see that they have them.  What a driver refuses
 * only because the link is down, as igb a rate, is set again when it is up.
 */
#ifndef PT_HOST_VF_SET_H
#define PT_HOST_VF_SET_H

#include "host/ops.h"
#include "model/sriov-state.h"

/**
 * pt_vf_set_make() - make it so; what @want does not say is left alone, what is so already is not written
 * @missing: NULL: each setting must be had.  Else a sentence is added for each that was refused for good and that a VF
 *           can do without: its rate and link state, unless a network demands them (struct pt_vf_settings, @must). What
 *           keeps guests apart, MAC, VLAN, trust and spoof check, must always be had
 *
 * Sets the PF's interface up where a driver wants that, and down again on failure.
 *
 * Return: 1 when something was changed, 0 when nothing had to be; the kernel's errno; -EIO a VF has another setting
 * than was written; -ETIMEDOUT, -EBUSY as struct pt_host_ops says.
 */
int pt_vf_set_make(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		   struct pt_strv *missing, struct pt_error *err);

#endif
