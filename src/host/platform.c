/* SPDX-License-Identifier: Apache-2.0 */
#include "host/platform.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/acpi.h"
#include "host/alias.h"
#include "host/platform-parts.h"

void pt_platform_read(const struct pt_root *root, struct pt_platform *ret_platform)
{
	struct pt_platform p = { 0 };

	p.captured = root->captured;
	p.root = geteuid() == 0;
	p.cmdline_read = pt_platform_cmdline_read(root, &p.cmdline);
	pt_platform_cpu_read(root, &p.cpu);
	pt_platform_kernel_read(root, &p.kernel);
	pt_acpi_read(root, &p.acpi);
	pt_platform_iommu_read(root, &p.iommu);
	pt_platform_modules_read(root, &p);
	pt_platform_vfio_read(root, &p.iommu);
	pt_platform_modprobe_read(root, &p);
	pt_platform_boot_read(root, &p);
	*ret_platform = p;
}

/* a module that was loaded has a state (kernel/module/sysfs.c), a part of the image has none; @owner: of "module" */
static enum pt_known is_builtin(const struct pt_root *root, const char *owner)
{
	pt_autofree char *module = pt_strf("%s/module", owner);
	pt_autofree char *name = NULL;
	int r = pt_file_link_name(root->sys_fd, module, &name);

	if (r == 0 && !strchr(name, '/')) {
		pt_autofree char *initstate = pt_strf("module/%s/initstate", name);

		return pt_file_exists(root->sys_fd, initstate) == 1 ? PT_KNOWN_NO : PT_KNOWN_YES;
	}
	return r == -ENOENT && !root->captured ? PT_KNOWN_YES : PT_KNOWN_UNKNOWN;
}

/*
 * Which driver of the image would take a device that none of the host's has now?  Newer kernels list them all.  For
 * older ones there are the drivers that serve a whole class of devices, whoever made them: those are the ones that
 * distributions build in, to boot from.
 */
static void find_builtin(const struct pt_root *root, const struct pt_device *d, char *name, size_t size)
{
	static const struct {
		uint32_t class_code;
		uint32_t mask;
		const char *driver;
	} of_class[] = {
		{ 0x010601, 0xffffff, "ahci" },		 { 0x010802, 0xffffff, "nvme" },
		{ 0x0c0300, 0xffffff, "uhci_hcd" },	 { 0x0c0310, 0xffffff, "ohci-pci" },
		{ 0x0c0320, 0xffffff, "ehci-pci" },	 { 0x0c0330, 0xffffff, "xhci_hcd" },
		{ 0x040300, 0xffff00, "snd_hda_intel" },
	};
	pt_autofree char *module = NULL;

	if (d->modalias && pt_alias_builtin(root, d->modalias, &module) == 1) {
		(void)snprintf(name, size, "%s", module);
		return;
	}
	for (size_t i = 0; i < sizeof(of_class) / sizeof(*of_class); i++) {
		pt_autofree char *driver = pt_strf("bus/pci/drivers/%s", of_class[i].driver);

		if ((d->class_code & of_class[i].mask) == of_class[i].class_code &&
		    pt_file_exists(root->sys_fd, driver) == 1 && is_builtin(root, driver) == PT_KNOWN_YES)
			(void)snprintf(name, size, "%s", of_class[i].driver);
	}
}

void pt_platform_device(const struct pt_root *root, const struct pt_device *device, struct pt_device_platform *ret)
{
	struct pt_bdf_text bdf = pt_bdf_str(device->bdf);
	pt_autofree char *vga = pt_strf("bus/pci/devices/%s/boot_vga", bdf.s);
	pt_autofree char *driver = pt_strf("bus/pci/devices/%s/driver", bdf.s);
	uint64_t first = 0;

	*ret = (struct pt_device_platform){ 0 };
	if (pt_file_read_u64(root->sys_fd, vga, &first) == 0)
		ret->boot_vga = first == 1 ? PT_KNOWN_YES : PT_KNOWN_NO;
	if (device->driver)
		ret->driver_builtin = is_builtin(root, driver);
	if (!device->driver || pt_device_is_vfio(device))
		find_builtin(root, device, ret->builtin, sizeof(ret->builtin));
	else if (ret->driver_builtin == PT_KNOWN_YES)
		(void)snprintf(ret->builtin, sizeof(ret->builtin), "%s", device->driver);
}

void pt_platform_iommu(const struct pt_root *root, struct pt_host *host)
{
	PT_AUTO(pt_platform) p = { 0 };

	p.cmdline_read = pt_platform_cmdline_read(root, &p.cmdline);
	pt_platform_iommu_read(root, &p.iommu);
	pt_platform_vfio_read(root, &p.iommu);
	pt_platform_modprobe_read(root, &p);
	host->iommu_active = p.iommu.active;
	host->intremap = p.iommu.unsafe_interrupts == PT_KNOWN_YES ? PT_KNOWN_YES : p.iommu.intremap;
}
