/* SPDX-License-Identifier: Apache-2.0 */
/* A network as VFs are put into it: which cables it is on, and what the card shall do for each VF.  Plain data. */
#ifndef PT_MODEL_NETWORK_H
#define PT_MODEL_NETWORK_H

#include "base/alloc.h"
#include "model/vf.h"

/**
 * struct pt_network - one [network NAME]; owns its strings
 * @physical_network: as in device_spec's tag; NULL: any card
 * @mtu: that the PF must have; 0: whatever it has
 * @settings: of each VF in it; a network always says its VLAN, which may be none
 * @where: "passthru.conf:12"
 * @said: what was set so far, and where: "vlan", "passthru.conf:13", …
 */
struct pt_network {
	char *name;
	char *physical_network;
	unsigned mtu;
	struct pt_vf_settings settings;
	char *where;
	struct pt_strv said;
};

struct pt_networks {
	struct pt_network *v;
	size_t n;
	size_t cap;
};

/** pt_networks_find() - by name; NULL when there is none */
struct pt_network *pt_networks_find(const struct pt_networks *l, const char *name);
void pt_networks_done(struct pt_networks *l);

#endif
