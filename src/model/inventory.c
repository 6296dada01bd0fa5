/* SPDX-License-Identifier: Apache-2.0 */
#include "model/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const types[] = { "type-PCI", "type-PF", "type-VF", "vdpa" };

const char *pt_dev_type_str(enum pt_dev_type type)
{
	return types[type];
}

int pt_dev_type_parse(const char *text)
{
	for (int i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++)
		if (strcmp(types[i], text) == 0)
			return i;
	return -EINVAL;
}

struct pt_inv_device *pt_inv_host_add(struct pt_inv_host *h)
{
	struct pt_inv_device *d = pt_array_add(h);

	d->numa_node = PT_NOT_GIVEN;
	d->totalvfs = PT_NOT_GIVEN;
	d->vf_product = PT_NOT_GIVEN;
	return d;
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_inv_device *)a)->bdf, ((const struct pt_inv_device *)b)->bdf);
}

/* VFs mostly show no VPD of their own; then the card is known by its PF's */
static void inherit_serials(struct pt_inv_host *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct pt_inv_device *d = &h->v[i];
		int64_t pf = d->has_parent && !d->card_serial ? pt_inv_host_find(h, d->parent) : -1;

		if (pf >= 0)
			d->card_serial = pt_strdup_opt(h->v[pf].card_serial);
	}
}

int pt_inv_host_finish(struct pt_inv_host *h, struct pt_bdf *ret_twice)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].bdf.domain > 0xffff) {
			pt_inv_device_done(&h->v[i]);
			h->ignored++;
		} else {
			h->v[kept++] = h->v[i];
		}
	}
	h->n = kept;
	if (h->n)
		qsort(h->v, h->n, sizeof(*h->v), by_address);
	for (size_t i = 1; i < h->n; i++) {
		if (pt_bdf_eq(h->v[i - 1].bdf, h->v[i].bdf)) {
			*ret_twice = h->v[i].bdf;
			return -EEXIST;
		}
	}
	inherit_serials(h);
	return 0;
}

int64_t pt_inv_host_find(const struct pt_inv_host *h, struct pt_bdf bdf)
{
	size_t low = 0;
	size_t high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = pt_bdf_cmp(h->v[middle].bdf, bdf);

		if (c == 0)
			return (int64_t)middle;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

void pt_inv_device_done(struct pt_inv_device *d)
{
	free(d->ifname);
	free(d->parent_ifname);
	free(d->owner);
	free(d->serial);
	free(d->card_serial);
	free(d->rp_uuid);
	*d = (struct pt_inv_device){ 0 };
}

const struct pt_inv_network *pt_inv_host_network(const struct pt_inv_host *h, const char *name)
{
	for (size_t i = 0; i < h->networks.n; i++)
		if (strcmp(h->networks.v[i].name, name) == 0)
			return &h->networks.v[i];
	return NULL;
}

bool pt_inv_host_is_parent(const struct pt_inv_host *h, struct pt_bdf bdf)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].has_parent && pt_bdf_eq(h->v[i].parent, bdf))
			return true;
	return false;
}

void pt_inv_host_done(struct pt_inv_host *h)
{
	for (size_t i = 0; i < h->networks.n; i++) {
		free(h->networks.v[i].name);
		free(h->networks.v[i].physical_network);
	}
	free(h->networks.v);
	for (size_t i = 0; i < h->n; i++)
		pt_inv_device_done(&h->v[i]);
	free(h->v);
	free(h->cells);
	free(h->name);
	*h = (struct pt_inv_host){ 0 };
}

void pt_inv_hosts_done(struct pt_inv_hosts *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_inv_host_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_inv_hosts){ 0 };
}
