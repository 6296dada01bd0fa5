/* SPDX-License-Identifier: Apache-2.0 */
#include "host/platform.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/acpi.h"
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

void pt_platform_device(const struct pt_root *root, const struct pt_device *device, struct pt_device_platform *ret)
{
	struct pt_bdf_text bdf = pt_bdf_str(device->bdf);
	pt_autofree char *vga = pt_strf("bus/pci/devices/%s/boot_vga", bdf.s);
	pt_autofree char *module = pt_strf("bus/pci/devices/%s/driver/module", bdf.s);
	pt_autofree char *name = NULL;
	uint64_t first = 0;
	int r;

	*ret = (struct pt_device_platform){ 0 };
	if (pt_file_read_u64(root->sys_fd, vga, &first) == 0)
		ret->boot_vga = first == 1 ? PT_KNOWN_YES : PT_KNOWN_NO;
	if (!device->driver)
		return;
	r = pt_file_link_name(root->sys_fd, module, &name);
	if (r == 0 && !strchr(name, '/')) {
		pt_autofree char *initstate = pt_strf("module/%s/initstate", name);

		ret->driver_builtin = pt_file_exists(root->sys_fd, initstate) == 1 ? PT_KNOWN_NO : PT_KNOWN_YES;
	} else if (r == -ENOENT && !root->captured) {
		ret->driver_builtin = PT_KNOWN_YES;
	}
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
