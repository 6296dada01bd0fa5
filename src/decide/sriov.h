/* SPDX-License-Identifier: Apache-2.0 */
/* May a physical function have another number of VFs, or a VF other settings; and the plan for it.  Pure. */
#ifndef PT_DECIDE_SRIOV_H
#define PT_DECIDE_SRIOV_H

#include "base/error.h"
#include "model/domain.h"
#include "model/host.h"
#include "model/network.h"
#include "model/plan.h"
#include "model/sriov-state.h"
#include "model/sriov.h"

/**
 * struct pt_sriov_facts - borrows everything
 * @host: its devices; details, uses and reservations of the PF and its VFs
 * @vms: every VM of this host
 * @sriov: of the PF
 * @kept_text: what is kept of the PF across reboots, as it stands; NULL: nothing
 * @kept: the same, understood, and about this very card; NULL: nothing, or nothing that is
 * @manager: who else makes VFs of it, in words; NULL: nobody left a trace
 */
struct pt_sriov_facts {
	const struct pt_host *host;
	const struct pt_domains *vms;
	const struct pt_sriov *sriov;
	const char *kept_text;
	const struct pt_sriov_state *kept;
	const char *manager;
};

/**
 * struct pt_sriov_request - what the user asked for; borrows
 * @autoprobe: shall this host's drivers take the new VFs?
 * @forced: names of refusals to pass over (--force-NAME), NULL-terminated, or NULL
 */
struct pt_sriov_request {
	struct pt_bdf pf;
	unsigned vfs;
	bool autoprobe;
	const char *const *forced;
};

/**
 * pt_decide_sriov() - the plan that gives a PF its VFs
 *
 * VFs that stay keep their settings.  Return: 0, also when there is nothing to do; -EPERM with the first refusal;
 * PT_ERROR_USAGE for what has no VFs, and for a number that is not offered (-ERANGE).
 */
int pt_decide_sriov(const struct pt_sriov_facts *f, const struct pt_sriov_request *request, struct pt_plan *ret_plan,
		    struct pt_error *err);

/**
 * pt_decide_vf() - the plan that sets the VF @bdf; @want: at least one; as above
 * @network: that it goes into, whose MTU is kept with the settings; NULL: it stays where it is
 */
int pt_decide_vf(const struct pt_sriov_facts *f, struct pt_bdf bdf, const struct pt_vf_settings *want,
		 const struct pt_network *network, struct pt_plan *ret_plan, struct pt_error *err);

#endif
