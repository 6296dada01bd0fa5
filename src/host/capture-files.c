/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a capture outside of devices.  Whoever reads a new file for a decision adds it here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/alias.h"
#include "host/capture-parts.h"

#define MATCHES_MAX 16384

enum place { SYS, PROC, ROOT };

enum take {
	WHOLE,	/* the file */
	FOLDER, /* only that this directory is there, be it empty; goes to `folders` */
	THERE,	/* only that it is there: a program, a write-only attribute */
	LINK,	/* a link, which goes to `links` */
	PCI,	/* modules.alias: the lines that speak of devices of this host */
	VFIO,	/* modules.dep, modules.builtin: the lines that speak of vfio, kvm and IOMMU modules */
};

/* '*' stands for any one name, KERNEL for the release of the kernel that runs */
static const struct row {
	enum place place;
	const char *path;
	enum take take;
} rows[] = {
	{ PROC, "cmdline", WHOLE },
	{ PROC, "consoles", WHOLE },
	{ PROC, "cpuinfo", WHOLE },
	{ PROC, "devices", WHOLE },
	{ PROC, "filesystems", WHOLE },
	{ PROC, "interrupts", WHOLE },
	{ PROC, "mdstat", WHOLE },
	{ PROC, "meminfo", WHOLE },
	{ PROC, "misc", WHOLE },
	{ PROC, "modules", WHOLE },
	{ PROC, "net/if_inet6", WHOLE },
	{ PROC, "net/ipv6_route", WHOLE },
	{ PROC, "net/route", WHOLE },
	{ PROC, "partitions", WHOLE },
	{ PROC, "self/mountinfo", WHOLE },
	{ PROC, "self/mounts", WHOLE },
	{ PROC, "swaps", WHOLE },
	{ PROC, "sys/kernel/hostname", WHOLE },
	{ PROC, "sys/kernel/modules_disabled", WHOLE },
	{ PROC, "sys/kernel/osrelease", WHOLE },
	{ PROC, "version", WHOLE },
	{ SYS, "bus/pci/drivers/*/bind", THERE },
	{ SYS, "bus/pci/drivers/*/module", LINK },
	{ SYS, "class/iommu", FOLDER },
	{ SYS, "devices/system/cpu/online", WHOLE },
	{ SYS, "devices/system/node/*/cpulist", WHOLE },
	{ SYS, "devices/system/node/*/distance", WHOLE },
	{ SYS, "devices/system/node/*/meminfo", WHOLE },
	{ SYS, "devices/system/node/*/hugepages/*/free_hugepages", WHOLE },
	{ SYS, "devices/system/node/*/hugepages/*/nr_hugepages", WHOLE },
	{ SYS, "firmware/acpi/tables", FOLDER },
	{ SYS, "firmware/acpi/tables/DMAR", WHOLE },
	{ SYS, "firmware/acpi/tables/IORT", WHOLE },
	{ SYS, "firmware/acpi/tables/IVRS", WHOLE },
	{ SYS, "firmware/acpi/tables/VIOT", WHOLE },
	{ SYS, "firmware/devicetree/base/compatible", WHOLE },
	{ SYS, "firmware/efi", FOLDER },
	{ SYS, "firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", WHOLE },
	{ SYS, "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", WHOLE },
	{ SYS, "firmware/efi/fw_platform_size", WHOLE },
	{ SYS, "kernel/iommu_groups", FOLDER },
	{ SYS, "kernel/iommu_groups/*/name", WHOLE },
	{ SYS, "kernel/iommu_groups/*/reserved_regions", WHOLE },
	{ SYS, "kernel/iommu_groups/*/type", WHOLE },
	{ SYS, "kernel/mm/hugepages/*/free_hugepages", WHOLE },
	{ SYS, "kernel/mm/hugepages/*/nr_hugepages", WHOLE },
	{ SYS, "kernel/mm/hugepages/*/resv_hugepages", WHOLE },
	{ SYS, "kernel/mm/hugepages/*/surplus_hugepages", WHOLE },
	{ SYS, "kernel/security/lockdown", WHOLE },
	{ SYS, "module/*", FOLDER },
	{ SYS, "module/*/initstate", WHOLE },
	{ SYS, "module/kvm/parameters/*", WHOLE },
	{ SYS, "module/kvm_amd/parameters/*", WHOLE },
	{ SYS, "module/kvm_intel/parameters/*", WHOLE },
	{ SYS, "module/nvme_core/parameters/multipath", WHOLE },
	{ SYS, "module/vfio/parameters/*", WHOLE },
	{ SYS, "module/vfio_iommu_type1/parameters/*", WHOLE },
	{ SYS, "module/vfio_pci/parameters/*", WHOLE },
	{ ROOT, "dev/kvm", THERE },
	{ ROOT, "dev/vfio/vfio", THERE },
	{ ROOT, "boot/config-KERNEL", WHOLE },
	{ ROOT, "boot/efi/loader/loader.conf", WHOLE },
	{ ROOT, "boot/extlinux/extlinux.conf", WHOLE },
	{ ROOT, "boot/grub/grub.cfg", THERE },
	{ ROOT, "boot/grub2/grub.cfg", THERE },
	{ ROOT, "boot/loader/entries/*", WHOLE },
	{ ROOT, "boot/loader/loader.conf", WHOLE },
	{ ROOT, "efi/loader/loader.conf", WHOLE },
	{ ROOT, "etc/NIXOS", THERE },
	{ ROOT, "etc/default/grub", WHOLE },
	{ ROOT, "etc/default/grub.d/*", WHOLE },
	{ ROOT, "etc/default/u-boot", WHOLE },
	{ ROOT, "etc/hostname", WHOLE },
	{ ROOT, "etc/kernel/cmdline", WHOLE },
	{ ROOT, "etc/kernel/proxmox-boot-uuids", WHOLE },
	{ ROOT, "etc/modprobe.d/*", WHOLE },
	{ ROOT, "etc/os-release", WHOLE },
	{ ROOT, "etc/update-extlinux.conf", WHOLE },
	{ ROOT, "lib/modprobe.d/*", WHOLE },
	{ ROOT, "run/modprobe.d/*", WHOLE },
	{ ROOT, "run/ostree-booted", THERE },
	{ ROOT, "usr/lib/modprobe.d/*", WHOLE },
	{ ROOT, "usr/lib/modules/KERNEL/config", WHOLE },
	{ ROOT, "usr/lib/modules/KERNEL/modules.alias", PCI },
	{ ROOT, "usr/lib/modules/KERNEL/modules.builtin", VFIO },
	{ ROOT, "usr/lib/modules/KERNEL/modules.dep", VFIO },
	{ ROOT, "usr/lib/os-release", WHOLE },
	{ ROOT, "usr/local/lib/modprobe.d/*", WHOLE },
	{ ROOT, "usr/bin/rpm-ostree", THERE },
	{ ROOT, "usr/sbin/grub2-mkconfig", THERE },
	{ ROOT, "usr/sbin/grub-mkconfig", THERE },
	{ ROOT, "usr/sbin/grubby", THERE },
	{ ROOT, "usr/sbin/proxmox-boot-tool", THERE },
	{ ROOT, "usr/sbin/update-grub", THERE },
};

static int fd_of(const struct pt_root *root, enum place place)
{
	switch (place) {
	case SYS:
		return root->sys_fd;
	case PROC:
		return root->proc_fd;
	case ROOT:
		break;
	}
	return root->root_fd;
}

/* where it stands in the capture */
static char *captured_path(enum place place, const char *path)
{
	if (place == SYS && pt_startswith(path, "firmware/"))
		return pt_strdup(path);
	return pt_strf("%s%s", place == SYS ? "sys/" : place == PROC ? "proc/" : "", path);
}

static bool speaks_of_our_devices(const struct pt_capture *c, const char *line)
{
	PT_AUTO(pt_strv) words = { 0 };
	pt_autofree char *copy = pt_strdup(line);
	char *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		pt_strv_add(&words, word);
	if (words.n != 3 || !(pt_startswith(words.v[1], "pci:") || pt_startswith(words.v[1], "vfio_pci:")))
		return false;
	for (size_t i = 0; i < c->devices.n; i++) {
		const char *modalias = pt_mock_property(&c->devices.v[i], "MODALIAS");
		const char *pattern = words.v[1] + (pt_startswith(words.v[1], "vfio_") ? strlen("vfio_") : 0);

		if (modalias && pt_alias_match(pattern, modalias))
			return true;
	}
	return false;
}

static bool speaks_of_vfio(const char *line)
{
	return strstr(line, "vfio") || strstr(line, "kvm") || strstr(line, "iommu");
}

static void add_lines(struct pt_capture *c, const char *path, char *text, enum take take)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf kept = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (take == PCI ? speaks_of_our_devices(c, line) : speaks_of_vfio(line))
			pt_buf_addf(&kept, "%s\n", line);
	pt_capture_add(c, path, kept.s ? kept.s : "", kept.n);
}

static void add_link(int fd, const char *path, const char *name, struct pt_buf *links)
{
	pt_autofree char *target = NULL;

	if (pt_file_link(fd, path, &target) == 0 && !strpbrk(target, " \n"))
		pt_buf_addf(links, "%s %s\n", name, target);
}

/* what is shared by the files of one capture */
struct context {
	const struct pt_root *root;
	struct pt_capture *c;
	struct pt_strv *blind;
	struct pt_buf links;
	struct pt_buf folders;
	const char *release;
	size_t left;
};

static void take_one(struct context *x, const struct row *row, const char *path)
{
	int fd = fd_of(x->root, row->place);
	pt_autofree char *name = captured_path(row->place, path);
	pt_autofree char *text = NULL;
	size_t size = 0;
	int r;

	if (row->take == LINK) {
		add_link(fd, path, name, &x->links);
		return;
	}
	if (row->take == FOLDER) {
		pt_autoclose int folder = pt_file_open(fd, path, O_PATH | O_DIRECTORY);

		if (folder >= 0)
			pt_buf_addf(&x->folders, "sys/%s\n", path);
		return;
	}
	if (row->take == THERE) {
		if (pt_file_exists(fd, path) == 1)
			pt_capture_add(x->c, name, "", 0);
		return;
	}
	r = pt_file_read(fd, path, (size_t)32 << 20, &text, &size);
	if (r == -EACCES || r == -EPERM) {
		if (x->blind)
			pt_strv_addf(x->blind, "%s: not readable without root", name);
		return;
	}
	/* absent, a directory, or an attribute that has no value now: not a part of this host */
	if (r < 0)
		return;
	if (row->take == WHOLE)
		pt_capture_add(x->c, name, text, size);
	else
		add_lines(x->c, name, text, row->take);
}

/* @done: the part of the path already fixed, "" at first; @rest: what may still hold a '*' */
static void expand(struct context *x, const struct row *row, const char *done, const char *rest)
{
	const char *star = strchr(rest, '*');
	pt_autofree char *dir = NULL;
	PT_AUTO(pt_strv) names = { 0 };

	if (!star) {
		pt_autofree char *path = pt_strf("%s%s", done, rest);

		if (x->left) {
			x->left--;
			take_one(x, row, path);
		}
		return;
	}
	dir = pt_strf("%s%.*s", done, (int)(star - rest), rest);
	if (pt_file_list(fd_of(x->root, row->place), dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *next = pt_strf("%s%s", dir, names.v[i]);

		expand(x, row, next, star + 1);
	}
}

void pt_capture_files(const struct pt_root *root, struct pt_capture *c, struct pt_strv *blind)
{
	struct context x = { .root = root, .c = c, .blind = blind };
	pt_autofree char *release = NULL;

	if (root->proc_fd >= 0)
		(void)pt_file_read_line(root->proc_fd, "sys/kernel/osrelease", &release);
	/* it becomes a part of paths */
	if (release && (strchr(release, '/') || release[0] == '.' || strchr(release, '*')))
		*release = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *kernel = strstr(rows[i].path, "KERNEL");
		pt_autofree char *path = NULL;

		if (fd_of(root, rows[i].place) < 0 || (kernel && (!release || !*release)))
			continue;
		path = kernel ? pt_strf("%.*s%s%s", (int)(kernel - rows[i].path), rows[i].path, release,
					kernel + strlen("KERNEL"))
			      : pt_strdup(rows[i].path);
		x.left = MATCHES_MAX;
		expand(&x, &rows[i], "", path);
	}
	if (x.links.n)
		pt_capture_add(c, "links", x.links.s, x.links.n);
	if (x.folders.n)
		pt_capture_add(c, "folders", x.folders.s, x.folders.n);
	pt_buf_done(&x.links);
	pt_buf_done(&x.folders);
}
