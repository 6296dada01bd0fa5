/* SPDX-License-Identifier: Apache-2.0 */
#include "model/migrate.h"

#include <stdlib.h>

void pt_hypervisor_done(struct pt_hypervisor *h)
{
	free(h->host_uuid);
	free(h->libvirt);
	free(h->qemu);
	free(h->arch);
	pt_strv_done(&h->machines);
	pt_cpu_def_done(&h->host_model);
	pt_strv_done(&h->flags);
	*h = (struct pt_hypervisor){ 0 };
}

void pt_migrate_host_done(struct pt_migrate_host *h)
{
	free(h->name);
	free(h->where);
	free(h->why_not);
	free(h->why_fix);
	pt_cpu_host_done(&h->cpu);
	pt_hypervisor_done(&h->hypervisor);
	free(h->hugepages.v);
	*h = (struct pt_migrate_host){ 0 };
}

void pt_migrate_hosts_done(struct pt_migrate_hosts *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_migrate_host_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_migrate_hosts){ 0 };
}
