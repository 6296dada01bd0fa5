/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sriov.h"

#include <stdlib.h>

void pt_pf_link_done(struct pt_pf_link *l)
{
	free(l->name);
	free(l->vfs.v);
	*l = (struct pt_pf_link){ 0 };
}

const struct pt_vf_settings *pt_pf_link_vf(const struct pt_pf_link *l, int index)
{
	if (index < 0 || (size_t)index >= l->vfs.n || !l->vfs.v[index].has)
		return NULL;
	return &l->vfs.v[index];
}

void pt_sriov_done(struct pt_sriov *s)
{
	pt_pf_link_done(&s->link);
	pt_nvme_virt_done(&s->nvme);
	free(s->link_why);
	*s = (struct pt_sriov){ 0 };
}
