/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems that spread over several block devices of which only one shows up as mounted, or none. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-names.h"
#include "host/users-look.h"

/* the mount of a btrfs: its source is one of the members */
static const struct pt_mount *btrfs_mount(const struct pt_look *look, const struct pt_strv *members)
{
	for (size_t i = 0; i < look->mounts.n; i++) {
		const struct pt_mount *m = &look->mounts.v[i];
		const struct pt_block *b = pt_streq(m->type, "btrfs") ? pt_look_path(look, m->source) : NULL;

		if (b && pt_strv_has(members, b->name))
			return m;
	}
	return NULL;
}

/* Documentation/filesystems/btrfs.rst: a mounted filesystem is a directory, its devices/ has a link to each member */
static void judge_btrfs(struct pt_look *look, const char *uuid)
{
	pt_autofree char *dir = pt_strf("fs/btrfs/%s/devices", uuid);
	pt_autofree char *where = pt_strf("/sys/%s", dir);
	PT_AUTO(pt_strv) members = { 0 };
	const struct pt_mount *m;

	/* "features" and the like have no members */
	if (pt_file_list(look->root->sys_fd, dir, &members) < 0)
		return;
	m = btrfs_mount(look, &members);
	for (size_t i = 0; i < members.n; i++) {
		struct pt_look_how how = { .kind = PT_USE_BTRFS, .where = where };

		if (!pt_look_has_block(look, members.v[i]) || pt_look_mounted(look, members.v[i]))
			continue;
		if (m)
			pt_look_block_use(look, members.v[i], &how, "member of the btrfs mounted on %.300s", m->point);
		else
			pt_look_block_use(look, members.v[i], &how, "member of the mounted btrfs %s", uuid);
	}
}

/* every mounted dataset has the pool's name, alone or before a "/" */
static const struct pt_mount *zfs_mount(const struct pt_look *look, const char *pool)
{
	size_t n = strlen(pool);

	for (size_t i = 0; i < look->mounts.n; i++) {
		const struct pt_mount *m = &look->mounts.v[i];

		if (pt_streq(m->type, "zfs") && pt_startswith(m->source, pool) &&
		    (m->source[n] == '\0' || m->source[n] == '/'))
			return m;
	}
	return NULL;
}

static void judge_zfs_member(struct pt_look *look, const struct pt_block *b, const struct pt_strv *pools)
{
	struct pt_udev udev = { 0 };
	const char *type;
	const char *label;

	pt_udev_read(look->root, b->major, b->minor, &udev);
	type = pt_udev_get(&udev, "ID_FS_TYPE");
	label = pt_udev_get(&udev, "ID_FS_LABEL");
	/* a member of a pool that is not imported is not in use: it may be a guest's own */
	if (pt_streq(type, "zfs_member") && label && pt_strv_has(pools, label)) {
		const struct pt_mount *m = zfs_mount(look, label);
		pt_autofree char *where =
			pt_strf("/proc/spl/kstat/zfs/%s, /run/udev/data/b%u:%u", label, b->major, b->minor);
		struct pt_look_how how = { .kind = PT_USE_ZFS, .where = where };

		pt_look_block_use(look, b->name, &how, "member of the imported ZFS pool %s%s%.300s", label,
				  m ? ", mounted on " : "", m ? m->point : "");
	}
	pt_udev_done(&udev);
}

/* OpenZFS: each imported pool has a directory of statistics; other entries there are files */
static void find_pools(const struct pt_look *look, struct pt_strv *ret_pools)
{
	PT_AUTO(pt_strv) names = { 0 };

	if (look->root->proc_fd < 0 || pt_file_list(look->root->proc_fd, "spl/kstat/zfs", &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("spl/kstat/zfs/%s", names.v[i]);
		PT_AUTO(pt_strv) inside = { 0 };

		if (pt_file_list(look->root->proc_fd, path, &inside) == 0)
			pt_strv_add(ret_pools, names.v[i]);
	}
}

static void judge_zfs(struct pt_look *look)
{
	PT_AUTO(pt_strv) pools = { 0 };

	find_pools(look, &pools);
	for (size_t i = 0; pools.n && i < look->host->blocks.n; i++)
		if (pt_look_has_block(look, look->host->blocks.v[i].name))
			judge_zfs_member(look, &look->host->blocks.v[i], &pools);
}

/*
 * Documentation/admin-guide/bcache.rst: a registered backing or cache device has a directory bcache/.  A backing device
 * also has a holder (bcache0), a cache device has not.
 */
static void judge_bcache(struct pt_look *look, const char *name)
{
	pt_autofree char *dir = pt_strf("class/block/%s/bcache", name);
	pt_autofree char *set = pt_strf("%s/set", dir);
	pt_autofree char *where = pt_strf("/sys/%s", set);

	if (pt_file_exists(look->root->sys_fd, set) == 1)
		pt_look_block_use(look, name, &(struct pt_look_how){ .kind = PT_USE_BCACHE, .where = where },
				  "cache of a registered bcache set");
}

void pt_look_pools(struct pt_look *look)
{
	PT_AUTO(pt_strv) uuids = { 0 };

	/* no such directory: no btrfs in this kernel */
	(void)pt_file_list(look->root->sys_fd, "fs/btrfs", &uuids);
	for (size_t i = 0; i < uuids.n; i++)
		judge_btrfs(look, uuids.v[i]);
	judge_zfs(look);
	for (size_t i = 0; i < look->host->blocks.n; i++)
		if (pt_look_has_block(look, look->host->blocks.v[i].name))
			judge_bcache(look, look->host->blocks.v[i].name);
}
