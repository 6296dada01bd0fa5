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

void pt_migrate_alike_done(struct pt_migrate_alike *a)
{
	free(a->text);
	pt_cpu_host_done(&a->cpu);
	pt_strv_done(&a->list);
	pt_cpu_def_done(&a->def);
	*a = (struct pt_migrate_alike){ 0 };
}

void pt_migrate_host_done(struct pt_migrate_host *h)
{
	free(h->name);
	free(h->where);
	free(h->why_not);
	free(h->why_fix);
	if (h->alike) {
		h->cpu = (struct pt_cpu_host){ 0 };
		h->hypervisor.machines = h->hypervisor.flags = (struct pt_strv){ 0 };
		h->hypervisor.host_model = (struct pt_cpu_def){ 0 };
	}
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
	for (size_t i = 0; i < l->alike.n; i++)
		pt_migrate_alike_done(&l->alike.v[i]);
	free(l->alike.v);
	*l = (struct pt_migrate_hosts){ 0 };
}
