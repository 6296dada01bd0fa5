/* SPDX-License-Identifier: Apache-2.0 */
/* A physical function and its VFs on the terminal and as JSON, for the commands that show them.  Decides nothing. */
#ifndef PT_CLI_VFS_H
#define PT_CLI_VFS_H

#include <jansson.h>

#include "cli/owners.h"
#include "model/sriov-state.h"
#include "model/sriov.h"

/** pt_vf_text() - "mac 52:54:00:12:34:56, vlan 42, trust off, …"; "" when nothing is known; the caller frees */
char *pt_vf_text(const struct pt_vf_settings *s);

/** pt_vf_nvme_text() - "controller 1 online, 2 queues, 1 interrupt"; "" when it is none of NVMe's; the caller frees */
char *pt_vf_nvme_text(const struct pt_nvme_virt *nvme, int index);

/** pt_pf_link_text() - "enp65s0, up, mtu 1500", or "no carrier", or "down"; names only of what is not told */
char *pt_pf_link_text(const struct pt_device *pf, const struct pt_pf_link *link);

/** pt_vf_to_json() - SETTINGS; null when nothing is known (@s NULL) */
json_t *pt_vf_to_json(const struct pt_vf_settings *s);

/** pt_vf_device_json() - a VF as a DEVICE with "settings", "controller" and "vms" */
json_t *pt_vf_device_json(const struct pt_device *vf, const struct pt_sriov *pf, const struct pt_owners *owners);

/** pt_vms_json() - [{"name", "running"}] of those that have a function; null when libvirt could not be asked */
json_t *pt_vms_json(const struct pt_owners *owners, struct pt_bdf bdf);

/** pt_sriov_json() - PF: a DEVICE with "status", "autoprobe", "link", "kept", "why", "virtual_functions" */
json_t *pt_sriov_json(const struct pt_device *pf, const struct pt_sriov *s, const struct pt_sriov_state *kept,
		      const struct pt_devices *all, const struct pt_owners *owners);

#endif
