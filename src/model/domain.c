/* SPDX-License-Identifier: Apache-2.0 */
#include "model/domain.h"

#include <stdlib.h>

static void disk_done(struct pt_domain_disk *d)
{
	free(d->device);
	free(d->target);
	free(d->bus);
	free(d->source);
	free(d->serial);
	free(d->wwn);
	pt_strv_done(&d->also);
}

void pt_domain_done(struct pt_domain *d)
{
	for (size_t i = 0; i < d->disks.n; i++)
		disk_done(&d->disks.v[i]);
	free(d->disks.v);
	for (size_t i = 0; i < d->controllers.n; i++) {
		free(d->controllers.v[i].type);
		free(d->controllers.v[i].model);
	}
	free(d->controllers.v);
	for (size_t i = 0; i < d->hostdevs.n; i++) {
		free(d->hostdevs.v[i].scsi);
		free(d->hostdevs.v[i].mac);
		free(d->hostdevs.v[i].alias);
		free(d->hostdevs.v[i].team_of);
	}
	free(d->hostdevs.v);
	free(d->hotplug_ports.v);
	for (size_t i = 0; i < d->nics.n; i++) {
		free(d->nics.v[i].type);
		free(d->nics.v[i].source);
		free(d->nics.v[i].mac);
		free(d->nics.v[i].model);
		free(d->nics.v[i].alias);
	}
	free(d->nics.v);
	pt_strv_done(&d->arguments);
	pt_strv_done(&d->macvtap_on);
	pt_strv_done(&d->macs);
	pt_strv_done(&d->bridges);
	pt_strv_done(&d->networks);
	pt_strv_done(&d->virtiofs);
	pt_strv_done(&d->shmem);
	free(d->host_tpm);
	free(d->launch_secured);
	free(d->nodes);
	free(d->name);
	free(d->uuid);
	free(d->type);
	free(d->arch);
	free(d->machine);
	free(d->emulator);
	free(d->boot_dev);
	free(d->ioapic);
	pt_viommu_done(&d->viommu);
	pt_cpu_def_done(&d->cpu);
	*d = (struct pt_domain){ 0 };
}

void pt_domains_done(struct pt_domains *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_domain_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_domains){ 0 };
}

const struct pt_domain_hostdev *pt_domain_hostdev_by_bdf(const struct pt_domain *d, struct pt_bdf bdf)
{
	for (size_t i = 0; i < d->hostdevs.n; i++)
		if (d->hostdevs.v[i].kind == PT_HOSTDEV_PCI && pt_bdf_eq(d->hostdevs.v[i].bdf, bdf))
			return &d->hostdevs.v[i];
	return NULL;
}

/* "0-2,^1": libvirt's way to write a set of numbers (docs/formatdomain.rst, cpuset) */
static bool set_has(const char *set, long number)
{
	bool has = false;

	for (const char *p = set; *p;) {
		bool not = *p == '^';
		char *end;
		long first = strtol(p + not, &end, 10);
		long last = first;

		if (end == p + not )
			return has;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (number >= first && number <= last)
			has = !not ;
		p = end + strspn(end, ", ");
		if (p == end)
			break;
	}
	return has;
}

bool pt_domain_on_node(const struct pt_domain *d, int node)
{
	return d->nodes && node >= 0 && set_has(d->nodes, node);
}

bool pt_domain_edit_empty(const struct pt_domain_edit *e)
{
	return !e->remove_disks.n && !e->remove_controllers.n && !e->remove_hostdevs.n && !e->add_hostdevs.n &&
	       !e->move_hostdevs.n && !e->has_cpu && !e->has_viommu && !e->split_ioapic && !e->drop_balloon &&
	       !e->add_ports && !e->standby.wanted;
}

void pt_domain_edit_copy(struct pt_domain_edit *to, const struct pt_domain_edit *from)
{
	pt_strv_copy(&to->remove_disks, &from->remove_disks);
	for (size_t i = 0; i < from->remove_controllers.n; i++) {
		struct pt_controller_ref ref = from->remove_controllers.v[i];

		ref.type = pt_strdup_opt(ref.type);
		pt_array_push(&to->remove_controllers, ref);
	}
	for (size_t i = 0; i < from->remove_hostdevs.n; i++)
		pt_array_push(&to->remove_hostdevs, from->remove_hostdevs.v[i]);
	for (size_t i = 0; i < from->add_hostdevs.n; i++)
		pt_array_push(&to->add_hostdevs, from->add_hostdevs.v[i]);
	for (size_t i = 0; i < from->move_hostdevs.n; i++)
		pt_array_push(&to->move_hostdevs, from->move_hostdevs.v[i]);
	to->add_ports = from->add_ports;
	to->standby = from->standby;
	to->standby.type = pt_strdup_opt(from->standby.type);
	to->standby.source = pt_strdup_opt(from->standby.source);
	to->drop_balloon = from->drop_balloon;
	to->has_viommu = from->has_viommu;
	pt_viommu_copy(&to->viommu, &from->viommu);
	to->split_ioapic = from->split_ioapic;
	to->has_cpu = from->has_cpu;
	pt_cpu_def_copy(&to->cpu, &from->cpu);
}

void pt_domain_edit_done(struct pt_domain_edit *e)
{
	pt_strv_done(&e->remove_disks);
	for (size_t i = 0; i < e->remove_controllers.n; i++)
		free(e->remove_controllers.v[i].type);
	free(e->remove_controllers.v);
	free(e->remove_hostdevs.v);
	free(e->add_hostdevs.v);
	free(e->move_hostdevs.v);
	pt_viommu_done(&e->viommu);
	free(e->standby.type);
	free(e->standby.source);
	pt_cpu_def_done(&e->cpu);
	*e = (struct pt_domain_edit){ 0 };
}
