/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM is to be in a network: which virtual function it gets, with which MAC, and what has to be set for it first.
 * Pure.  That the VM may have the function at all is decide/attach.h's question.
 */
#ifndef PT_DECIDE_NETWORK_H
#define PT_DECIDE_NETWORK_H

#include "base/error.h"
#include "decide/sriov.h"
#include "model/domain.h"
#include "model/host.h"
#include "model/network.h"
#include "model/plan.h"
#include "model/sriov.h"

/**
 * struct pt_network_facts - borrows everything
 * @host: its devices; uses and reservations of the functions on the network's cables and of their PFs
 * @on: the functions that device_spec puts on them; all network functions where the network names no cables
 * @pfs: the PFs of those, looked at
 * @managers: for each of @pfs who else makes its VFs, or NULL; NULL: nobody is known
 * @only: a PF or VF that the pick is restricted to, NULL: any
 */
struct pt_network_facts {
	const struct pt_host *host;
	const struct pt_domain *vm;
	const struct pt_domains *others;
	const struct pt_network *network;
	const struct pt_bdf *on;
	size_t n_on;
	const struct pt_sriov *pfs;
	size_t n_pfs;
	const char *const *managers;
	const struct pt_bdf *only;
};

/**
 * pt_network_pick() - a free VF: on a node that the VM's memory is on rather than elsewhere, then by address
 * @findings: says where it is not on such a node, and where somebody else manages it: only where @only says so
 *
 * Return: 0; -EPERM with what is on the network and who has it; PT_ERROR_USAGE when @only is no card of this network.
 */
int pt_network_pick(const struct pt_network_facts *f, struct pt_bdf *ret_vf, struct pt_findings *findings,
		    struct pt_error *err);

/**
 * pt_network_mac() - the address that this VM has in this network: always the same one
 * @taken: those that are in use on this host, as text; where one is among them, the VM's next is taken
 *
 * Locally administered (IEEE 802, 8.2: the second lowest bit of the first byte), of one card; 40 bits of it differ.
 */
void pt_network_mac(const char *vm_uuid, const char *network, const struct pt_strv *taken, uint8_t ret_mac[6]);

/**
 * pt_network_settings() - the steps that put the VF into the network: the PF's link, the VF's settings, what is kept
 * @f: of the VF's PF
 *
 * A setting that the driver does not know is left out where it would say nothing (no VLAN, no trust), with a note; all
 * else that a network says is demanded.  Return: 0; -EPERM.
 */
int pt_network_settings(const struct pt_sriov_facts *f, const struct pt_network *network, struct pt_bdf vf,
			const uint8_t mac[6], struct pt_plan *ret_plan, struct pt_error *err);

/**
 * struct pt_vf_before - how a VF was set before it was given away, and what was kept of it; borrows
 * @state: the step's @state_before; @kept: that of the step that keeps it, NULL: it was not changed
 * @kept_changed: there was such a step
 */
struct pt_vf_before {
	const char *state;
	const char *kept;
	bool kept_changed;
};

/**
 * pt_network_give_back() - the steps that set a VF as it was; appended to @plan
 * @kept_text: what is kept of the PF now, brought up to date; the caller frees
 *
 * A VF whose PF cannot be asked any more is left as it is, and said.
 */
int pt_network_give_back(const struct pt_sriov_facts *f, struct pt_bdf bdf, const struct pt_vf_before *before,
			 char **kept_text, struct pt_plan *plan, struct pt_error *err);

#endif
