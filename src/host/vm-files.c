/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vm-files.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* libvirt itself reads no definition above 10 MiB; a host with more than this is asked, which is no slower by then */
#define FILE_MAX  ((size_t)1 << 20)
#define FILES_MAX 500

/*
 * <hostdev>, <interface type='hostdev'>, a network's <forward mode='hostdev'>; <disk type='nvme'>; what is behind
 * libvirt's back on QEMU's command line.  With a document type of its own a file could spell these otherwise.
 */
static const char *const words[] = { "hostdev", "nvme", "vfio", "<!DOCTYPE", "<!ENTITY" };

/* src/util/virpidfile.c in libvirt: RUNSTATEDIR/PROGRAM.pid */
static const char *const daemons[] = { "libvirtd", "virtqemud" };

static const struct {
	const char *folder;
	bool must_be; /* made by the daemon when it starts, or before */
} folders[] = {
	{ "etc/libvirt/qemu", true },
	{ "etc/libvirt/qemu/networks", false },
	{ "run/libvirt/qemu", true },
	{ "run/libvirt/network", false },
};

static bool same_link(const struct pt_root *root, const char *a, const char *b)
{
	pt_autofree char *to_a = NULL;
	pt_autofree char *to_b = NULL;

	return pt_file_link(root->proc_fd, a, &to_a) == 0 && pt_file_link(root->proc_fd, b, &to_b) == 0 &&
	       pt_streq(to_a, to_b);
}

/* 1 when the process is what it should be, sees what we see; 0 when there is none; negative: it is something else */
static int look_at_process(const struct pt_root *root, const char *pid, const char *name)
{
	pt_autofree char *exe_path = pt_strf("%s/exe", pid);
	pt_autofree char *ns_path = pt_strf("%s/ns/mnt", pid);
	pt_autofree char *root_path = pt_strf("%s/root", pid);
	pt_autofree char *sbin = pt_strf("/usr/sbin/%s", name);
	pt_autofree char *bin = pt_strf("/usr/bin/%s", name);
	pt_autofree char *exe = NULL;

	if (!*pid || strspn(pid, "0123456789") != strlen(pid))
		return -EBADMSG;
	if (pt_file_exists(root->proc_fd, pid) == 0)
		return 0;
	if (pt_file_link(root->proc_fd, exe_path, &exe) < 0 || (!pt_streq(exe, sbin) && !pt_streq(exe, bin)))
		return -EXDEV;
	if (!same_link(root, ns_path, "self/ns/mnt") || !same_link(root, root_path, "self/root"))
		return -EXDEV;
	return 1;
}

static bool daemon_is_ours(const struct pt_root *root)
{
	bool runs = false;

	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++) {
		pt_autofree char *path = pt_strf("run/%s.pid", daemons[i]);
		pt_autofree char *pid = NULL;
		int r = pt_file_read_line(root->root_fd, path, &pid);

		if (r == 0)
			r = look_at_process(root, pid, daemons[i]);
		else if (r == -ENOENT)
			r = 0;
		if (r < 0)
			return false;
		runs = runs || r == 1;
	}
	return runs;
}

static bool file_is_silent(const struct pt_root *root, const char *folder, const char *name)
{
	pt_autofree char *path = pt_strf("%s/%s", folder, name);
	pt_autofree char *text = NULL;
	size_t size = 0;

	if (pt_file_read(root->root_fd, path, FILE_MAX, &text, &size) < 0 || strlen(text) != size)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(text, words[i]))
			return false;
	return true;
}

static bool folder_is_silent(const struct pt_root *root, const char *folder, bool must_be, size_t *files)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(root->root_fd, folder, &names);

	if (r < 0)
		return r == -ENOENT && !must_be;
	for (size_t i = 0; i < names.n; i++) {
		if (!pt_endswith(names.v[i], ".xml"))
			continue;
		if (++*files > FILES_MAX || !file_is_silent(root, folder, names.v[i]))
			return false;
	}
	return true;
}

bool pt_vm_files_silent(const struct pt_root *root)
{
	size_t files = 0;

	if (root->captured || root->proc_fd < 0 || !daemon_is_ours(root))
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (!folder_is_silent(root, folders[i].folder, folders[i].must_be, &files))
			return false;
	return true;
}
