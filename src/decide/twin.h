/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM moves, and a function of this host cannot: which function of the other host takes its place?  Pure.  Of that
 * host only what its libvirt tells is known: what it uses its functions for itself is not.
 */
#ifndef PT_DECIDE_TWIN_H
#define PT_DECIDE_TWIN_H

#include "base/error.h"
#include "model/device.h"
#include "model/domain.h"
#include "model/finding.h"

/**
 * struct pt_twin_ask - borrows everything
 * @mine: the function here; @physnet: the physical network that it is on, "" not known
 * @there: that host's functions; @physnets: of each, "" not known; @where: that host, for telling
 * @vms: that host's, whether they run or not
 * @only: the one that the user named, or NULL
 * @taken, @n_taken: picked for other functions of this VM already
 * @in_use: one whose interface is up may be taken, too
 */
struct pt_twin_ask {
	const struct pt_device *mine;
	const char *physnet;
	const struct pt_devices *there;
	const struct pt_strv *physnets;
	const char *where;
	const struct pt_domains *vms;
	const struct pt_bdf *only;
	const struct pt_bdf *taken;
	size_t n_taken;
	bool in_use;
};

/**
 * pt_twin_pick() - a free virtual function with the same ids on the same physical network; one that has no driver there
 * rather than one that has, then by address.  Never one whose interface is up, nor a card that has such a function:
 * that may be what the host is reached by.
 *
 * Return: 0; -EPERM (PT_ERROR_REFUSED) with what there is and who has it; PT_ERROR_USAGE when @only is none of that
 * host's, or none that could take its place.
 */
int pt_twin_pick(const struct pt_twin_ask *ask, struct pt_bdf *ret_bdf, struct pt_findings *findings,
		 struct pt_error *err);

/**
 * pt_twin_alike() - how many functions there have the ids of @mine and are free, whatever network they are on
 * @ret_first: the first of them
 */
size_t pt_twin_alike(const struct pt_twin_ask *ask, struct pt_bdf *ret_first);

#endif
