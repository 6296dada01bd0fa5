/* SPDX-License-Identifier: Apache-2.0 */
#include "model/guest.h"

#include <stdlib.h>

void pt_guest_keep_silent(struct pt_guest *g, const char *why)
{
	pt_strset(&g->silent, why);
	pt_strset(&g->disks_unknown, why);
	pt_strset(&g->nics_unknown, why);
	pt_strset(&g->functions_unknown, why);
}

void pt_guest_done(struct pt_guest *g)
{
	for (size_t i = 0; i < g->disks.n; i++) {
		free(g->disks.v[i].name);
		free(g->disks.v[i].serial);
	}
	for (size_t i = 0; i < g->nics.n; i++) {
		free(g->nics.v[i].name);
		free(g->nics.v[i].mac);
	}
	for (size_t i = 0; i < g->functions.n; i++)
		free(g->functions.v[i].driver);
	free(g->disks.v);
	free(g->nics.v);
	free(g->functions.v);
	free(g->silent);
	free(g->os);
	free(g->disks_unknown);
	free(g->nics_unknown);
	free(g->functions_unknown);
	*g = (struct pt_guest){ 0 };
}

void pt_qmp_functions_done(struct pt_qmp_functions *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].alias);
	free(l->v);
	*l = (struct pt_qmp_functions){ 0 };
}

void pt_proof_done(struct pt_proof *p)
{
	free(p->driver);
	free(p->vector_kind);
	*p = (struct pt_proof){ 0 };
}
