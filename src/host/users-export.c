/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block devices that this host serves to others: LIO, NVMe over Fabrics, SCST.  A directory that is not there means
 * that this kind of server is not set up, so the listings' results are dropped.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

#define LIO   "kernel/config/target/core"
#define NVMET "kernel/config/nvmet/subsystems"
#define SCST  "kernel/scst_tgt/devices"

static char *read_below(const struct pt_look *look, const char *dir, const char *name)
{
	pt_autofree char *path = pt_strf("%s/%s", dir, name);
	char *line = NULL;

	return pt_file_read_line(look->root->sys_fd, path, &line) < 0 ? NULL : line;
}

/* @dir/@attribute names a path; is it one of ours? */
static const struct pt_block *exported(const struct pt_look *look, const char *dir, const char *attribute)
{
	pt_autofree char *path = read_below(look, dir, attribute);
	pt_autofree char *enabled = read_below(look, dir, "enable");

	/* set up but not yet enabled, it holds nothing */
	if (!path || pt_streq(enabled, "0"))
		return NULL;
	return pt_look_path(look, path);
}

static void judge(struct pt_look *look, const char *dir, const char *attribute, const char *text)
{
	const struct pt_block *b = exported(look, dir, attribute);
	pt_autofree char *where = pt_strf("/sys/%s/%s", dir, attribute);

	if (b)
		pt_look_block_use(look, b->name, &(struct pt_look_how){ .kind = PT_USE_EXPORT, .where = where }, "%s",
				  text);
}

/* Documentation/target: core/iblock_0/NAME/udev_path; fileio_0 and pscsi_0 may name a block device as well */
static void judge_lio(struct pt_look *look)
{
	PT_AUTO(pt_strv) backends = { 0 };

	(void)pt_file_list(look->root->sys_fd, LIO, &backends);
	for (size_t i = 0; i < backends.n; i++) {
		pt_autofree char *backend = pt_strf(LIO "/%s", backends.v[i]);
		PT_AUTO(pt_strv) names = { 0 };

		(void)pt_file_list(look->root->sys_fd, backend, &names);
		for (size_t k = 0; k < names.n; k++) {
			pt_autofree char *dir = pt_strf("%s/%s", backend, names.v[k]);
			pt_autofree char *text = pt_strf("exported by LIO as %s/%s", backends.v[i], names.v[k]);

			judge(look, dir, "udev_path", text);
		}
	}
}

/* Documentation/nvme: subsystems/NQN/namespaces/ID/device_path */
static void judge_nvmet(struct pt_look *look)
{
	PT_AUTO(pt_strv) subsystems = { 0 };

	(void)pt_file_list(look->root->sys_fd, NVMET, &subsystems);
	for (size_t i = 0; i < subsystems.n; i++) {
		pt_autofree char *subsystem = pt_strf(NVMET "/%s/namespaces", subsystems.v[i]);
		PT_AUTO(pt_strv) ids = { 0 };

		(void)pt_file_list(look->root->sys_fd, subsystem, &ids);
		for (size_t k = 0; k < ids.n; k++) {
			pt_autofree char *dir = pt_strf("%s/%s", subsystem, ids.v[k]);
			pt_autofree char *text =
				pt_strf("exported over NVMe as namespace %s of %s", ids.v[k], subsystems.v[i]);

			judge(look, dir, "device_path", text);
		}
	}
}

static void judge_scst(struct pt_look *look)
{
	PT_AUTO(pt_strv) names = { 0 };

	(void)pt_file_list(look->root->sys_fd, SCST, &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *dir = pt_strf(SCST "/%s", names.v[i]);
		pt_autofree char *text = pt_strf("exported by SCST as %s", names.v[i]);

		judge(look, dir, "filename", text);
	}
}

void pt_look_exports(struct pt_look *look)
{
	judge_lio(look);
	judge_nvmet(look);
	judge_scst(look);
}
