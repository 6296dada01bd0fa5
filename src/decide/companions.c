/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle members of the IOMMU group of what is reserved.  Nothing has them now; at the next boot a driver of the host may
 * take them, and a guest could not have the group.  So they are reserved along, and go back with the last of the rest.
 */
#include "base/cleanup.h"
#include "decide/group.h"
#include "decide/judge.h"

static bool in_others(const struct pt_judge *j, struct pt_bdf bdf)
{
	const struct pt_domain *one = NULL;

	return pt_judge_count_others(j, bdf, &one) > 0;
}

/* somebody else says at each boot who has it: driverctl, an override, the stub of the kernel's command line */
static bool is_anothers(const struct pt_judge *j, const struct pt_device *d)
{
	for (size_t i = 0; i < j->host->overrides.n; i++)
		if (pt_bdf_eq(j->host->overrides.v[i].bdf, d->bdf))
			return true;
	return (d->driver && !pt_driver_is_vfio(d->driver)) ||
	       (d->driver_override && !pt_driver_is_vfio(d->driver_override) &&
		!pt_streq(d->driver_override, PT_DRIVER_UNDECIDED));
}

static const struct pt_device *asked_in(const struct pt_judge *j, int group)
{
	for (size_t i = 0; i < j->devices.n; i++)
		if (group != PT_GROUP_NONE && j->devices.v[i]->iommu_group == group &&
		    !pt_judge_managed(j, j->devices.v[i]))
			return j->devices.v[i];
	return NULL;
}

/* a virtual function is not there before its card's driver is, nor what is behind VMD */
static bool is_companion(const struct pt_judge *j, const struct pt_device *d)
{
	return !pt_device_carrier(&j->host->devices, d) && asked_in(j, d->iommu_group) && !pt_judge_wants(j, d->bdf) &&
	       !pt_device_is_bridge(d) && d->sriov != PT_SRIOV_VF && !in_others(j, d->bdf) &&
	       !pt_judge_holds(j->vm, d->bdf);
}

void pt_judge_reserve_companions(struct pt_judge *j)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *d = &j->host->devices.v[i];
		const struct pt_keep *there = pt_keep_by_bdf(&j->host->reserved, d->bdf);
		struct pt_step *s;

		if (!is_companion(j, d) || is_anothers(j, d) || (there && pt_keep_at_boot(there)))
			continue;
		pt_judge_say(j, PT_NOTE, "group-idle", NULL, NULL,
			     "%s (%s) is reserved along: a driver of this host that takes it at the next boot would "
			     "keep IOMMU group %d, with %s, from every guest",
			     pt_bdf_str(d->bdf).s, d->driver ? d->driver : "no driver", d->iommu_group,
			     pt_bdf_str(asked_in(j, d->iommu_group)->bdf).s);
		if (there)
			(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
		s = pt_judge_device_step(j, PT_STEP_RESERVE, d);
		s->vm = pt_strdup_opt(j->vm->name);
		s->vm_uuid = pt_strdup_opt(j->vm->uuid);
		pt_judge_bind(j, d);
	}
}

/* does a VM keep a member of it: one that is not given back, or that another VM has too? */
static bool vm_stays_in(const struct pt_judge *j, int group)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *d = &j->host->devices.v[i];

		if (d->iommu_group == group &&
		    (in_others(j, d->bdf) || (!pt_judge_wants(j, d->bdf) && pt_judge_holds(j->vm, d->bdf))))
			return true;
	}
	return false;
}

/* of one attach, or of one command that reserved for nobody in particular */
static bool reserved_along(const struct pt_judge *j, const struct pt_keep *k, const struct pt_device *d)
{
	const struct pt_device *asked = asked_in(j, d->iommu_group);
	const struct pt_keep *with = asked ? pt_keep_by_bdf(&j->host->reserved, asked->bdf) : NULL;

	if (j->vm->uuid)
		return pt_streq(k->vm_uuid, j->vm->uuid);
	return with && with->change == k->change && !k->vm_uuid == !with->vm_uuid &&
	       (!k->vm_uuid || pt_streq(k->vm_uuid, with->vm_uuid));
}

static bool same_model(const struct pt_keep *k, const struct pt_device *d)
{
	return k->id.vendor == d->vendor && k->id.device == d->device && k->id.subvendor == d->subvendor &&
	       k->id.subdevice == d->subdevice;
}

void pt_judge_release_companions(struct pt_judge *j)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *d = &j->host->devices.v[i];
		const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, d->bdf);

		if (!k || !pt_keep_at_boot(k) || !is_companion(j, d) || !same_model(k, d) || !reserved_along(j, k, d) ||
		    vm_stays_in(j, d->iommu_group))
			continue;
		pt_judge_say(j, PT_NOTE, "group-idle", NULL, NULL,
			     "%s goes back too: it was reserved with the rest of IOMMU group %d", pt_bdf_str(d->bdf).s,
			     d->iommu_group);
		(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
		pt_judge_unbind(j, d);
	}
}
