/* SPDX-License-Identifier: Apache-2.0 */
/* Which open descriptors (users-proc.c) lead to the devices asked about. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-names.h"
#include "host/block-path.h"
#include "host/users-look.h"

static const struct pt_block *block_of(const struct pt_look *look, const struct pt_open *o)
{
	const struct pt_blocks *blocks = &look->host->blocks;
	const char *name = NULL;
	int i;

	if (o->has_number)
		return o->is_block ? pt_blocks_by_number(blocks, o->major, o->minor) : NULL;
	/* by its text: the last "/dev/", for a node in the /dev of a chroot */
	for (const char *p = strstr(o->path, "/dev/"); p; p = strstr(p + 1, "/dev/"))
		name = p + strlen("/dev/");
	if (!name || pt_startswith(o->path, "/sys/"))
		return NULL;
	i = pt_block_find_dev(look->root, blocks, name);
	return i < 0 ? NULL : &blocks->v[i];
}

/* the device path of a character device: by its number, in a capture by the class its name belongs to */
static char *device_path(const struct pt_look *look, const struct pt_open *o)
{
	static const struct {
		const char *prefix;
		const char *class_dir;
	} classes[] = {
		{ "/dev/dri/", "class/drm" },
		{ "/dev/snd/", "class/sound" },
		{ "/dev/vfio/devices/", "class/vfio-dev" },
		{ "/dev/vfio/", "class/vfio" },
		{ "/dev/sg", "class/scsi_generic" },
		{ "/dev/fb", "class/graphics" },
		{ "/dev/ttyS", "class/tty" },
		{ "/dev/input/", "class/input" },
		{ "/dev/nvme", "class/nvme" },
		{ "/dev/ng", "class/nvme-generic" },
	};
	const char *slash = strrchr(o->path, '/');

	if (o->has_number) {
		pt_autofree char *number = pt_strf("%u:%u", o->major, o->minor);

		return pt_path_of_link(look->root->sys_fd, o->is_block ? "dev/block" : "dev/char", number);
	}
	for (size_t i = 0; slash && i < sizeof(classes) / sizeof(*classes); i++)
		if (pt_startswith(o->path, classes[i].prefix))
			return pt_path_of_link(look->root->sys_fd, classes[i].class_dir, slash + 1);
	return NULL;
}

/* a group of VFIO is a virtual device; its functions are in the IOMMU group of that number, mediated devices below them
 */
static bool group_has(const struct pt_look *look, const char *group, struct pt_bdf function)
{
	pt_autofree char *dir = pt_strf("kernel/iommu_groups/%s/devices", group);
	PT_AUTO(pt_strv) names = { 0 };

	/* no such group: the node is from another time */
	(void)pt_file_list(look->root->sys_fd, dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_path_of_link(look->root->sys_fd, dir, names.v[i]);

		if (path && pt_path_has_function(path, function))
			return true;
	}
	return false;
}

static void judge_vfio_group(struct pt_look *look, const struct pt_open *o, const char *group)
{
	struct pt_look_how how = { .kind = PT_USE_VFIO, .pid = o->pid, .comm = o->comm };
	pt_autofree char *where = pt_strf("/proc/%d/fd", o->pid);

	how.where = where;
	for (size_t t = 0; t < look->targets.n; t++)
		if (group_has(look, group, look->targets.v[t].at))
			pt_look_use(look, &look->targets.v[t], &how,
				    "IOMMU group %s > /dev/vfio/%s open by %s (pid %d)", group, group, o->comm, o->pid);
}

static enum pt_use_kind kind_of(const char *device_path)
{
	if (strstr(device_path, "/drm/"))
		return PT_USE_DRM;
	if (strstr(device_path, "/vfio-dev/"))
		return PT_USE_VFIO;
	return PT_USE_OPEN;
}

/* any node whose device is the function or something below it: DRM, sound, VFIO, a SCSI disk's sg, a serial port, USB
 */
static void judge_device(struct pt_look *look, const struct pt_open *o, const char *path)
{
	struct pt_look_how how = { .kind = kind_of(path), .pid = o->pid, .comm = o->comm };
	pt_autofree char *where = pt_strf("/proc/%d/fd", o->pid);

	/* logind listens to every keyboard for its power key: it lets go when the device goes */
	if (strstr(path, "/input/"))
		return;
	how.where = where;
	for (size_t t = 0; t < look->targets.n; t++)
		if (pt_path_has_function(path, look->targets.v[t].at))
			pt_look_use(look, &look->targets.v[t], &how, "%.300s open by %s (pid %d)", o->path, o->comm,
				    o->pid);
}

/* the generic node ng0n1 of a namespace with several paths is a virtual device, as the disk nvme0n1 is */
static bool judge_namespace(struct pt_look *look, const struct pt_open *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	pt_autofree char *disk = NULL;
	pt_autofree char *where = NULL;

	if (!pt_startswith(path, "devices/virtual/nvme-subsystem/") || !pt_startswith(slash, "/ng"))
		return false;
	disk = pt_strf("nvme%s", slash + strlen("/ng"));
	where = pt_strf("/proc/%d/fd", o->pid);
	pt_look_block_use(look, disk,
			  &(struct pt_look_how){ .kind = PT_USE_OPEN, .where = where, .pid = o->pid, .comm = o->comm },
			  "%.300s open by %s (pid %d)", o->path, o->comm, o->pid);
	return true;
}

/* "Device Minor: 	 3" of /proc/driver/nvidia/gpus/ADDRESS/information */
static bool is_nvidia(const struct pt_look *look, struct pt_bdf bdf, unsigned number)
{
	static const char key[] = "Device Minor:";
	pt_autofree char *path = pt_strf("driver/nvidia/gpus/%s/information", pt_bdf_str(bdf).s);
	pt_autofree char *text = NULL;
	const char *at;
	unsigned here;

	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, path, PT_FILE_MAX, &text, NULL) < 0)
		return false;
	at = strstr(text, key);
	return at && sscanf(at + strlen(key), " %9u", &here) == 1 && here == number;
}

/* NVIDIA's own driver has nodes that sysfs knows nothing of; an unbind waits until the last one is closed */
static void judge_nvidia(struct pt_look *look, const struct pt_open *o)
{
	pt_autofree char *where = pt_strf("/proc/%d/fd", o->pid);
	struct pt_look_how how = { .kind = PT_USE_DRM, .where = where, .pid = o->pid, .comm = o->comm };
	unsigned number;
	int end = 0;

	/* nvidiactl and nvidia-uvm are of no one card */
	if (sscanf(o->path, "/dev/nvidia%9u%n", &number, &end) != 1 || o->path[end])
		return;
	for (size_t t = 0; t < look->targets.n; t++)
		if (is_nvidia(look, look->targets.v[t].at, number))
			pt_look_use(look, &look->targets.v[t], &how, "%s open by %s (pid %d)", o->path, o->comm,
				    o->pid);
}

/* a driver in a process (DPDK, SPDK) maps the function's registers out of sysfs */
static void judge_registers(struct pt_look *look, const struct pt_open *o)
{
	const char *slash = strrchr(o->path, '/');

	if (slash && pt_startswith(slash, "/resource"))
		judge_device(look, o, o->path + strlen("/sys/"));
}

static void judge(struct pt_look *look, const struct pt_open *o)
{
	static const char vfio[] = "devices/virtual/vfio/";
	const struct pt_block *b;
	pt_autofree char *path = NULL;
	pt_autofree char *where = NULL;

	if (o->passing)
		return;
	if (pt_startswith(o->path, "/sys/")) {
		judge_registers(look, o);
		return;
	}
	b = block_of(look, o);
	if (b) {
		where = pt_strf("/proc/%d/fd", o->pid);
		pt_look_block_use(
			look, b->name,
			&(struct pt_look_how){ .kind = PT_USE_OPEN, .where = where, .pid = o->pid, .comm = o->comm },
			"open by %s (pid %d)", o->comm, o->pid);
		return;
	}
	judge_nvidia(look, o);
	path = device_path(look, o);
	if (path && pt_startswith(path, vfio))
		judge_vfio_group(look, o, path + sizeof(vfio) - 1);
	else if (path && !judge_namespace(look, o, path))
		judge_device(look, o, path);
}

void pt_look_opens(struct pt_look *look)
{
	for (size_t i = 0; i < look->procs.opens.n; i++)
		judge(look, &look->procs.opens.v[i]);
}
