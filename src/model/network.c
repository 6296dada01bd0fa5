/* SPDX-License-Identifier: Apache-2.0 */
#include "model/network.h"

#include <stdlib.h>

struct pt_network *pt_networks_find(const struct pt_networks *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

void pt_networks_done(struct pt_networks *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].physical_network);
		free(l->v[i].where);
		pt_strv_done(&l->v[i].said);
	}
	free(l->v);
	*l = (struct pt_networks){ 0 };
}
