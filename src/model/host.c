/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host.h"

#include <stdlib.h>

void pt_host_done(struct pt_host *h)
{
	free(h->hostname);
	pt_devices_done(&h->devices);
	pt_blocks_done(&h->blocks);
	pt_uses_done(&h->uses);
	for (size_t i = 0; i < h->nics.n; i++) {
		free(h->nics.v[i].name);
		free(h->nics.v[i].mac);
	}
	free(h->nics.v);
	pt_keeps_done(&h->reserved);
	pt_identities_done(&h->present);
	for (size_t i = 0; i < h->group_others.n; i++) {
		free(h->group_others.v[i].name);
		free(h->group_others.v[i].driver);
	}
	free(h->group_others.v);
	for (size_t i = 0; i < h->overrides.n; i++)
		free(h->overrides.v[i].owner);
	free(h->overrides.v);
	free(h->memory.hugepages.v);
	*h = (struct pt_host){ 0 };
}
