/* SPDX-License-Identifier: Apache-2.0 */
#include "host/gather.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/alias.h"
#include "host/block.h"
#include "host/group-others.h"
#include "host/memory.h"
#include "host/pci.h"
#include "host/platform.h"
#include "host/reserved.h"
#include "host/users.h"

static bool concerned(const struct pt_device *d, const struct pt_devices *all, const struct pt_bdf *of, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pt_device *asked = pt_devices_find(all, of[i]);

		if (pt_bdf_eq(d->bdf, of[i]))
			return true;
		if (asked && asked->iommu_group != PT_GROUP_NONE && asked->iommu_group == d->iommu_group)
			return true;
	}
	return false;
}

/*
 * Only an address that the card was made with (addr_assign_type 0, NET_ADDR_PERM) goes along to the guest's driver
 * (Documentation/ABI/testing/sysfs-class-net).
 */
static void add_nics(const struct pt_root *root, const struct pt_device *d, struct pt_host *host)
{
	for (size_t i = 0; i < d->netdevs.n; i++) {
		pt_autofree char *type_path = pt_strf("class/net/%s/addr_assign_type", d->netdevs.v[i]);
		pt_autofree char *path = pt_strf("class/net/%s/address", d->netdevs.v[i]);
		char *mac = NULL;
		uint64_t type;

		if (pt_file_read_u64(root->sys_fd, type_path, &type) < 0 || type != 0 ||
		    pt_file_read_line(root->sys_fd, path, &mac) < 0)
			continue;
		pt_array_push(&host->nics, ((struct pt_host_nic){ d->bdf, pt_strdup(d->netdevs.v[i]), mac }));
	}
}

static void add_override(const struct pt_root *root, const struct pt_device *d, struct pt_host *host)
{
	char *owner = pt_override_owner(root, d->bdf);

	if (owner)
		pt_array_push(&host->overrides, ((struct pt_host_override){ d->bdf, owner }));
}

struct members {
	struct pt_bdf *v;
	size_t n;
	size_t cap;
};

static void members_done(struct members *m)
{
	free(m->v);
}

int pt_gather_users(const struct pt_root *root, const struct pt_bdf *of, size_t n, struct pt_host *host,
		    struct pt_strv *ret_blind, struct pt_error *err)
{
	PT_CLEANUP(members_done) struct members members = { 0 };
	int r = 0;

	for (size_t i = 0; i < host->devices.n && r >= 0; i++) {
		struct pt_device *d = &host->devices.v[i];

		if (!concerned(d, &host->devices, of, n))
			continue;
		r = pt_pci_read_plain(root, d, false, err);
		pt_array_push(&members, d->bdf);
		if (r < 0)
			break;
		pt_group_others(root, d->iommu_group, host);
		add_nics(root, d, host);
		add_override(root, d, host);
	}
	if (r >= 0)
		r = pt_block_list(root, &host->blocks, err);
	if (r >= 0)
		r = pt_memory_read(root, &host->memory, err);
	if (r >= 0)
		r = pt_keep_list(root, &host->reserved, ret_blind, err);
	if (r >= 0)
		r = pt_keep_present(root, &host->reserved, &host->devices, &host->blocks, &host->present, err);
	if (r < 0)
		return r;
	pt_platform_iommu(root, host);
	return pt_users_find(root, host, members.v, members.n, &host->uses, ret_blind, err);
}

/* the file is read once for all of them */
static int add_variants(const struct pt_root *root, const struct pt_bdf *of, size_t n, struct pt_host *host,
			struct pt_error *err)
{
	PT_AUTO(pt_aliases) aliases = { 0 };
	int r = pt_aliases_read(root, &aliases, err);

	for (size_t i = 0; i < host->devices.n && r == 0; i++) {
		struct pt_device *d = &host->devices.v[i];

		if (d->modalias && concerned(d, &host->devices, of, n))
			pt_strset(&d->vfio_variant, pt_aliases_vfio(&aliases, d->modalias));
	}
	return r;
}

int pt_gather(const struct pt_root *root, const struct pt_bdf *of, size_t n, struct pt_host *host,
	      struct pt_strv *ret_blind, struct pt_error *err)
{
	int r = pt_gather_users(root, of, n, host, ret_blind, err);

	return r < 0 ? r : add_variants(root, of, n, host, err);
}
