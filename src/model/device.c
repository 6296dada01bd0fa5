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
