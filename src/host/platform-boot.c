/* SPDX-License-Identifier: Apache-2.0 */
/* Which boot loader keeps the kernel's command line, and what its configuration already says. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/platform-parts.h"

/* systemd's Boot Loader Interface: UTF-16, after four bytes of attributes */
#define LOADER_INFO "firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

/* words of a boot configuration that concern passthrough */
static const char *const interesting[] = {
	"intel_iommu",	     "amd_iommu",	  "iommu",
	"iommu.passthrough", "intremap",	  "nointremap",
	"vfio-pci.ids",	     "pcie_acs_override", "vfio_iommu_type1.allow_unsafe_interrupts"
};

static bool there(const struct pt_root *root, const char *path)
{
	return pt_file_exists(root->root_fd, path) == 1;
}

static bool tool(const struct pt_root *root, const char *name)
{
	static const char *const folders[] = { "usr/sbin", "usr/bin", "sbin", "bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		pt_autofree char *path = pt_strf("%s/%s", folders[i], name);

		if (there(root, path))
			return true;
	}
	return false;
}

/* did systemd-boot start this kernel: the loader's own word, or its configuration when the word cannot be read */
static bool systemd_boot(const struct pt_root *root)
{
	pt_autofree char *info = NULL;
	char ascii[64] = "";
	size_t size = 0;

	if (pt_file_read(root->sys_fd, LOADER_INFO, 4096, &info, &size) < 0)
		return there(root, "boot/loader/loader.conf") || there(root, "efi/loader/loader.conf") ||
		       there(root, "boot/efi/loader/loader.conf");
	for (size_t i = 4, n = 0; i < size && n < sizeof(ascii) - 1; i += 2)
		ascii[n++] = info[i];
	return pt_startswith(ascii, "systemd-boot");
}

static enum pt_boot_kind proxmox(const struct pt_root *root)
{
	/* proxmox-boot-tool: systemd-boot when started by UEFI without Secure Boot, else GRUB */
	return systemd_boot(root) ? PT_BOOT_PROXMOX : PT_BOOT_PROXMOX_GRUB;
}

static enum pt_boot_kind grub(const struct pt_root *root)
{
	if (tool(root, "update-grub"))
		return PT_BOOT_UPDATE_GRUB;
	/* without the settings there is nothing to edit; with them, and in a capture without the tools, GRUB it is */
	if (!there(root, "etc/default/grub"))
		return PT_BOOT_UNKNOWN;
	if (there(root, "etc/debian_version"))
		return PT_BOOT_UPDATE_GRUB;
	return tool(root, "grub2-mkconfig") || there(root, "boot/grub2") ? PT_BOOT_GRUB2_MKCONFIG
									 : PT_BOOT_GRUB_MKCONFIG;
}

/*
 * The most particular first: an image-based system has a GRUB too, but whoever edits its configuration there loses the
 * change with the next image.
 */
static enum pt_boot_kind kind_of(const struct pt_root *root, const struct pt_strv *cmdline)
{
	enum pt_boot_kind kind;

	if (there(root, "run/ostree-booted") || pt_cmdline_value(cmdline, "ostree"))
		return tool(root, "rpm-ostree") ? PT_BOOT_RPM_OSTREE : PT_BOOT_BOOTC;
	if (there(root, "etc/NIXOS"))
		return PT_BOOT_NIXOS;
	if (there(root, "etc/kernel/proxmox-boot-uuids"))
		return proxmox(root);
	if (tool(root, "kernelstub"))
		return PT_BOOT_KERNELSTUB;
	if (systemd_boot(root) && !tool(root, "grubby"))
		return there(root, "etc/kernel/cmdline") ? PT_BOOT_KERNEL_INSTALL : PT_BOOT_SYSTEMD_BOOT;
	if (tool(root, "grubby"))
		return PT_BOOT_GRUBBY;
	kind = grub(root);
	if (kind != PT_BOOT_UNKNOWN)
		return kind;
	if (there(root, "etc/kernel/cmdline"))
		return PT_BOOT_KERNEL_INSTALL;
	if (tool(root, "u-boot-update"))
		return PT_BOOT_U_BOOT_MENU;
	if (there(root, "etc/update-extlinux.conf"))
		return PT_BOOT_UPDATE_EXTLINUX;
	return there(root, "boot/extlinux/extlinux.conf") ? PT_BOOT_EXTLINUX : PT_BOOT_UNKNOWN;
}

static void keep_interesting(struct pt_boot *boot, const char *word, const char *path)
{
	PT_AUTO(pt_strv) one = { 0 };

	pt_strv_add(&one, word);
	for (size_t i = 0; i < sizeof(interesting) / sizeof(*interesting); i++)
		if (pt_cmdline_value(&one, interesting[i]))
			pt_strv_addf(&boot->configured, "%s\t/%s", word, path);
}

/* shell assignments, APPEND lines or a bare command line: in each the parameters are separate words */
static void read_configured(const struct pt_root *root, struct pt_boot *boot, const char *path)
{
	pt_autofree char *text = NULL;
	char *rest = NULL;

	if (pt_file_read(root->root_fd, path, (size_t)1 << 20, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *rest_words = NULL;

		if (line[strspn(line, " \t")] == '#')
			continue;
		for (char *word = strtok_r(line, " \t\"'", &rest_words); word;
		     word = strtok_r(NULL, " \t\"'", &rest_words))
			keep_interesting(boot, word, path);
	}
}

static void read_folder(const struct pt_root *root, struct pt_boot *boot, const char *folder, const char *suffix)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no folder, no settings in it */
	(void)pt_file_list(root->root_fd, folder, &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("%s/%s", folder, names.v[i]);

		if (pt_endswith(names.v[i], suffix))
			read_configured(root, boot, path);
	}
}

void pt_platform_boot_read(const struct pt_root *root, struct pt_platform *p)
{
	static const char *const files[] = { "etc/default/grub", "etc/kernel/cmdline", "etc/default/u-boot",
					     "etc/update-extlinux.conf", "boot/extlinux/extlinux.conf" };

	p->boot.kind = kind_of(root, &p->cmdline);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		read_configured(root, &p->boot, files[i]);
	read_folder(root, &p->boot, "etc/default/grub.d", ".cfg");
	read_folder(root, &p->boot, "boot/loader/entries", ".conf");
}
