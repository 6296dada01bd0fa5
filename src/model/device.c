/* SPDX-License-Identifier: Apache-2.0 */
#include "model/device.h"

#include <stdlib.h>

struct pt_device *pt_devices_find(const struct pt_devices *l, struct pt_bdf bdf)
{
	size_t low = 0;
	size_t high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = pt_bdf_cmp(l->v[middle].bdf, bdf);

		if (c == 0)
			return &l->v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct pt_device *pt_device_carrier(const struct pt_devices *l, const struct pt_device *d)
{
	const struct pt_device *found = NULL;

	/* a list that somebody made may go in circles */
	for (size_t i = 0; i < l->n && d->has_parent; i++) {
		d = pt_devices_find(l, d->parent);
		if (!d)
			break;
		if (!pt_device_is_bridge(d))
			found = d;
	}
	return found;
}

char *pt_device_name(const struct pt_device *d)
{
	if (d->vendor_name && d->device_name)
		return pt_strf("%s %s", d->vendor_name, d->device_name);
	if (d->vendor_name)
		return pt_strf("%s device %04x", d->vendor_name, d->device);
	return pt_strf("%04x:%04x", d->vendor, d->device);
}

char *pt_device_sriov_text(const struct pt_device *d)
{
	if (d->sriov == PT_SRIOV_NONE)
		return pt_strdup("Not supported");
	if (d->sriov == PT_SRIOV_VF && d->vf_index < 0)
		return pt_strf("VF of %s", pt_bdf_str(d->pf).s);
	if (d->sriov == PT_SRIOV_VF)
		return pt_strf("VF %d of %s", d->vf_index, pt_bdf_str(d->pf).s);
	if (d->vfs_now <= 0)
		return pt_strdup("Disabled");
	return pt_strf("Enabled %d of %u", d->vfs_now, d->vfs_total);
}

/* vfio-pci; variants are called NAME-vfio-pci or NAME_vfio_pci (Documentation/driver-api/vfio.rst names no rule) */
bool pt_device_is_vfio(const struct pt_device *d)
{
	return d->driver && (pt_endswith(d->driver, "vfio-pci") || pt_endswith(d->driver, "vfio_pci"));
}

void pt_device_done(struct pt_device *d)
{
	free(d->driver);
	free(d->driver_override);
	free(d->modalias);
	free(d->vendor_name);
	free(d->device_name);
	free(d->class_name);
	free(d->reset_methods);
	free(d->vfio_variant);
	free(d->slot_path);
	free(d->serial);
	pt_strv_done(&d->netdevs);
	pt_strv_done(&d->disks);
	*d = (struct pt_device){ 0 };
}

void pt_devices_done(struct pt_devices *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_device_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_devices){ 0 };
}
