/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/bootfix.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"

/**
 * struct way - how one kind of boot loader is told
 * @tool, @add, @remove: a command that edits, and its options; or NULL, then:
 * @place: what to edit
 * @apply: the command that puts the edit into effect, or NULL when nothing is needed
 */
struct way {
	const char *tool;
	const char *add;
	const char *remove;
	const char *place;
	const char *apply;
};

static const struct way ways[PT_BOOT_KINDS] = {
	[PT_BOOT_UNKNOWN] = { .place = "the kernel's command line in the boot loader's configuration" },
	[PT_BOOT_UPDATE_GRUB] = { .place = "GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub", .apply = "update-grub" },
	[PT_BOOT_GRUB2_MKCONFIG] = { .place = "GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub",
				     .apply = "grub2-mkconfig -o /boot/grub2/grub.cfg" },
	[PT_BOOT_GRUB_MKCONFIG] = { .place = "GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub",
				    .apply = "grub-mkconfig -o /boot/grub/grub.cfg" },
	[PT_BOOT_GRUBBY] = { .tool = "grubby --update-kernel=ALL", .add = "--args", .remove = "--remove-args" },
	[PT_BOOT_KERNEL_INSTALL] = { .place = "/etc/kernel/cmdline",
				     .apply = "kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r)" },
	[PT_BOOT_SYSTEMD_BOOT] = { .place = "the `options` line of the entry in loader/entries of the boot partition" },
	[PT_BOOT_RPM_OSTREE] = { .tool = "rpm-ostree kargs", .add = "--append", .remove = "--delete" },
	[PT_BOOT_BOOTC] = { .place = "a file in /usr/lib/bootc/kargs.d of the image", .apply = "bootc upgrade" },
	[PT_BOOT_PROXMOX] = { .place = "/etc/kernel/cmdline", .apply = "proxmox-boot-tool refresh" },
	[PT_BOOT_PROXMOX_GRUB] = { .place = "GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub", .apply = "update-grub" },
	[PT_BOOT_KERNELSTUB] = { .tool = "kernelstub", .add = "--add-options", .remove = "--delete-options" },
	[PT_BOOT_U_BOOT_MENU] = { .place = "U_BOOT_PARAMETERS in /etc/default/u-boot", .apply = "u-boot-update" },
	[PT_BOOT_EXTLINUX] = { .place = "the APPEND line in /boot/extlinux/extlinux.conf" },
	[PT_BOOT_UPDATE_EXTLINUX] = { .place = "default_kernel_opts in /etc/update-extlinux.conf",
				      .apply = "update-extlinux" },
	[PT_BOOT_NIXOS] = { .place = "boot.kernelParams in configuration.nix", .apply = "nixos-rebuild boot" },
};

/* the file in which the loader's configuration has a word, or NULL */
static const char *configured_in(const struct pt_boot *boot, const char *word)
{
	size_t n = word ? strlen(word) : 0;

	for (size_t i = 0; n && i < boot->configured.n; i++)
		if (strncmp(boot->configured.v[i], word, n) == 0 && boot->configured.v[i][n] == '\t')
			return boot->configured.v[i] + n + 1;
	return NULL;
}

static char *by_tool(const struct way *way, const char *add, const char *remove)
{
	struct pt_buf b = { 0 };

	pt_buf_addf(&b, "run `%s", way->tool);
	if (remove)
		pt_buf_addf(&b, " %s=\"%s\"", way->remove, remove);
	if (add)
		pt_buf_addf(&b, " %s=\"%s\"", way->add, add);
	pt_buf_add(&b, "` and reboot");
	return pt_buf_take(&b);
}

static void then(struct pt_buf *b, const struct way *way)
{
	if (way->apply)
		pt_buf_addf(b, ", run `%s`", way->apply);
	pt_buf_add(b, " and reboot");
}

static char *by_hand(const struct way *way, const char *add, const char *remove, const char *removed_from)
{
	const char *place = removed_from ? removed_from : way->place;
	struct pt_buf b = { 0 };

	if (add && remove)
		pt_buf_addf(&b, "replace %s by %s in %s", remove, add, place);
	else if (add)
		pt_buf_addf(&b, "add %s to %s", add, way->place);
	else
		pt_buf_addf(&b, "take %s out of %s", remove, place);
	then(&b, way);
	return pt_buf_take(&b);
}

/* the edit is made and not in effect: the loader was not told, or the host not rebooted since */
static char *waiting(const struct way *way, const char *add, const char *where)
{
	struct pt_buf b = { 0 };

	pt_buf_addf(&b, "%s is in %s already and waits", add, where);
	if (way->apply)
		pt_buf_addf(&b, ": run `%s` if that was not done, and reboot", way->apply);
	else
		pt_buf_add(&b, " for a reboot");
	return pt_buf_take(&b);
}

char *pt_bootfix(const struct pt_platform *p, const char *add, const char *remove)
{
	const struct way *way = &ways[p->boot.kind];
	const char *add_in = configured_in(&p->boot, add);
	const char *remove_in = configured_in(&p->boot, remove);

	assert(add || remove);
	if (add_in && !remove_in)
		return waiting(way, add, add_in);
	return way->tool ? by_tool(way, add, remove) : by_hand(way, add, remove, remove_in);
}
