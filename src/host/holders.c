/* SPDX-License-Identifier: Apache-2.0 */
#include "host/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

#define NAMED_MAX 4

static const char vfio_device[] = "anon_inode:[vfio-device]";

/* the function that a descriptor of VFIO stands for: "vfio-device-syspath: /sys/devices/…/0000:01:00.0"; NULL: not told
 */
static char *syspath(const struct pt_look *look, const char *pid, const char *fd)
{
	pt_autofree char *path = pt_strf("%s/fdinfo/%s", pid, fd);
	pt_autofree char *text = NULL;
	const char *at;

	if (pt_file_read(look->root->proc_fd, path, PT_FILE_MAX, &text, NULL) < 0)
		return NULL;
	at = strstr(text, "vfio-device-syspath:");
	if (!at)
		return NULL;
	at += strlen("vfio-device-syspath:");
	at += strspn(at, " \t");
	return pt_strndup(at, strcspn(at, "\n"));
}

/* does the path end in the function's address? */
static bool is_of(const char *path, struct pt_bdf bdf)
{
	const char *slash = strrchr(path, '/');

	return slash && pt_streq(slash + 1, pt_bdf_str(bdf).s);
}

/* @sure: it is known to be this function's; else it may be another's */
static void found(struct pt_look *look, const char *pid, bool sure)
{
	int number = (int)strtol(pid, NULL, 10);
	pt_autofree char *comm = pt_look_comm(look, number);
	struct pt_look_how how = { .kind = PT_USE_VFIO, .pid = number, .comm = comm, .where = "/proc/PID/fd" };

	pt_look_use(look, &look->targets.v[0], &how, "%s by %s (pid %s)",
		    sure ? "its VFIO device open" : "a VFIO device, perhaps this one, open", comm, pid);
}

static void walk(struct pt_look *look, const char *pid, bool unsure_too)
{
	pt_autofree char *path = pt_strf("%s/fd", pid);
	pt_autoclose int fd = pt_file_open(look->root->proc_fd, path, O_RDONLY | O_DIRECTORY);
	pt_autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	(void)pt_take_fd(fd);
	while ((entry = readdir(dir))) {
		pt_autofree char *of = NULL;
		char target[sizeof(vfio_device) + 1];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, vfio_device) != 0)
			continue;
		of = syspath(look, pid, entry->d_name);
		if (of ? !is_of(of, look->targets.v[0].at) : !unsure_too)
			continue;
		found(look, pid, of != NULL);
		return;
	}
}

/* descriptors without a node: QEMU keeps the device's after it has closed the group's */
static void look_for_descriptors(struct pt_look *look)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/driver", pt_bdf_str(look->targets.v[0].at).s);
	pt_autofree char *driver = NULL;
	PT_AUTO(pt_strv) pids = { 0 };
	bool vfio = pt_file_link_name(look->root->sys_fd, path, &driver) < 0 || strstr(driver, "vfio");

	pt_look_pids(look, &pids);
	for (size_t i = 0; i < pids.n; i++)
		walk(look, pids.v[i], vfio);
}

static char *join(const struct pt_uses *uses)
{
	struct pt_buf b = { 0 };

	for (size_t i = 0; i < uses->n && i < NAMED_MAX; i++)
		pt_buf_addf(&b, "%s%s", i ? "; " : "", uses->v[i].chain);
	if (uses->n > NAMED_MAX)
		pt_buf_addf(&b, "; and %zu more", uses->n - NAMED_MAX);
	return pt_buf_take(&b);
}

char *pt_holders_name(const struct pt_root *root, struct pt_bdf bdf)
{
	const struct pt_host nothing = { 0 };
	struct pt_look look = { .root = root, .host = &nothing };
	char *text = NULL;

	if (root->proc_fd < 0)
		return NULL;
	pt_array_push(&look.targets, ((struct pt_look_target){ .bdf = bdf, .at = bdf }));
	pt_look_procs(&look);
	pt_look_opens(&look);
	if (!look.uses.n)
		look_for_descriptors(&look);
	if (look.uses.n)
		text = join(&look.uses);
	pt_look_done(&look);
	return text;
}
