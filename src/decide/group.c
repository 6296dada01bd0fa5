/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/group.h"

#include <stdlib.h>

/* every variant driver in the kernel has it in its name: mlx5_vfio_pci, hisi_acc_vfio_pci, nvgrace_gpu_vfio_pci, … */
bool pt_driver_is_vfio(const char *driver)
{
	return driver && strstr(driver, "vfio");
}

bool pt_driver_is_hosts(const char *driver)
{
	return driver && !pt_driver_is_vfio(driver) && !pt_streq(driver, "pci-stub");
}

/* these set driver_managed_dma: they are no owners of the group's DMA */
static bool leaves_dma_alone(const char *driver)
{
	return !driver || pt_driver_is_vfio(driver) || pt_streq(driver, "pci-stub") || pt_streq(driver, "pcieport");
}

static bool is_wanted(struct pt_bdf bdf, const struct pt_bdf *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pt_bdf_eq(wanted[i], bdf))
			return true;
	return false;
}

static enum pt_group_role role_of(const struct pt_devices *l, const struct pt_device *d, const struct pt_bdf *wanted,
				  size_t n)
{
	const struct pt_device *carrier = pt_device_carrier(l, d);
	bool alone = leaves_dma_alone(d->driver);

	if (carrier && is_wanted(carrier->bdf, wanted, n))
		return PT_GROUP_GOES;
	if (pt_device_is_bridge(d))
		return alone ? PT_GROUP_STAYS : PT_GROUP_BLOCKS_BRIDGE;
	if (is_wanted(d->bdf, wanted, n))
		return PT_GROUP_WANTED;
	return alone ? PT_GROUP_FREE : PT_GROUP_BLOCKS;
}

void pt_group_judge(const struct pt_devices *devices, int group, const struct pt_bdf *wanted, size_t n_wanted,
		    struct pt_group_members *ret_members)
{
	struct pt_group_members l = { 0 };

	for (size_t i = 0; i < devices->n && group != PT_GROUP_NONE; i++) {
		const struct pt_device *d = &devices->v[i];
		struct pt_group_member m = { d, role_of(devices, d, wanted, n_wanted) };

		if (d->iommu_group == group)
			pt_array_push(&l, m);
	}
	*ret_members = l;
}

void pt_group_members_done(struct pt_group_members *l)
{
	free(l->v);
	*l = (struct pt_group_members){ 0 };
}

bool pt_group_viable(const struct pt_group_members *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].role == PT_GROUP_BLOCKS || l->v[i].role == PT_GROUP_BLOCKS_BRIDGE)
			return false;
	return true;
}

static bool on_wanted_card(const struct pt_group_members *l, struct pt_bdf bdf)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pt_bdf w = l->v[i].device->bdf;

		if (l->v[i].role == PT_GROUP_WANTED && w.domain == bdf.domain && w.bus == bdf.bus && w.slot == bdf.slot)
			return true;
	}
	return false;
}

bool pt_group_apart_in_another_slot(const struct pt_group_members *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].role == PT_GROUP_BLOCKS && !on_wanted_card(l, l->v[i].device->bdf))
			return true;
	return false;
}

char *pt_group_list(const struct pt_group_members *l, enum pt_group_role role)
{
	struct pt_buf out = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct pt_device *d = l->v[i].device;

		if (l->v[i].role == role)
			pt_buf_addf(&out, "%s%s (%s)", out.n ? ", " : "", pt_bdf_str(d->bdf).s,
				    d->driver ? d->driver : "no driver");
	}
	return pt_buf_take(&out);
}

char *pt_group_others_list(const struct pt_host *host, int group)
{
	struct pt_buf out = { 0 };

	for (size_t i = 0; i < host->group_others.n; i++) {
		const struct pt_host_other *o = &host->group_others.v[i];

		if (o->group == group && !leaves_dma_alone(o->driver))
			pt_buf_addf(&out, "%s%s (%s)", out.n ? ", " : "", o->name, o->driver);
	}
	return pt_buf_take(&out);
}
