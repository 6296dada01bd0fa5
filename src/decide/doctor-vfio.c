/* SPDX-License-Identifier: Apache-2.0 */
/* VFIO on this host: its modules and node, and settings that take more devices than was meant. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/bootfix.h"
#include "decide/doctor.h"

/* each has a finding of its own; more than this are counted */
#define IDS_SHOWN 16

static bool in_kernel(enum pt_module_state state)
{
	return state == PT_MODULE_LOADED || state == PT_MODULE_BUILTIN;
}

/* the type 1 driver is for x86 and ARM; POWER and s390 have others or need none by that name */
static bool needs_type1(const struct pt_platform *p)
{
	return p->cpu.arch != PT_ARCH_PPC && p->cpu.arch != PT_ARCH_S390;
}

static void module_missing(const struct pt_platform *p, const char *module, struct pt_findings *f)
{
	const char *release = p->kernel.release ? p->kernel.release : "?";
	pt_autofree char *where = pt_strf("/lib/modules/%s", release);

	if (p->kernel.modules_gone == PT_KNOWN_YES)
		pt_findings_add(f, PT_FAIL, "vfio-modules", where,
				"reboot into the kernel that is installed now, or install the modules of this one",
				"%s is not loaded, and there are no modules for the running kernel (%s)", module,
				release);
	else
		pt_findings_add(f, PT_FAIL, "vfio-modules", where,
				"boot a kernel that has it; small flavours (cloud, virtual) often leave VFIO out, on "
				"Ubuntu linux-modules-extra may have it",
				"kernel %s has no module %s", release, module);
}

/* a module that is on disk and not in the kernel: can it be loaded when it is needed */
static bool judge_loadable(const struct pt_platform *p, struct pt_findings *f)
{
	pt_autofree char *fix = NULL;

	if (p->kernel.modules_disabled) {
		pt_findings_add(f, PT_FAIL, "vfio-modules", "/proc/sys/kernel/modules_disabled",
				"let it be loaded at boot (vfio-pci in /etc/modules-load.d/vfio-pci.conf) and reboot",
				"vfio-pci is not loaded, and this host loads no modules any more");
		return false;
	}
	if (p->kernel.vfio_blocked) {
		fix = pt_strf("take the `install vfio-pci` line out of %s", p->kernel.vfio_blocked);
		pt_findings_add(f, PT_FAIL, "vfio-modules", p->kernel.vfio_blocked, fix,
				"vfio-pci is not loaded, and modprobe is told not to load it");
		return false;
	}
	return true;
}

static bool judge_modules(const struct pt_platform *p, struct pt_findings *f)
{
	const struct pt_kernel *k = &p->kernel;
	enum pt_module_state type1 = needs_type1(p) ? k->vfio_type1 : k->vfio_pci;

	if (in_kernel(k->vfio_pci) && in_kernel(type1)) {
		pt_findings_add(f, PT_OK, "vfio-modules", "/sys/module", NULL, "vfio-pci is %s",
				k->vfio_pci == PT_MODULE_LOADED ? "loaded" : "part of the kernel");
		return true;
	}
	if (k->vfio_pci == PT_MODULE_MISSING || type1 == PT_MODULE_MISSING || k->modules_gone == PT_KNOWN_YES) {
		module_missing(p, in_kernel(k->vfio_pci) ? "vfio_iommu_type1" : "vfio-pci", f);
		return false;
	}
	if (k->vfio_pci == PT_MODULE_UNKNOWN || type1 == PT_MODULE_UNKNOWN) {
		pt_findings_add(f, PT_UNKNOWN, "vfio-modules", "/sys/module", NULL,
				"vfio-pci is not loaded; whether the kernel has it cannot be seen");
		return false;
	}
	if (!judge_loadable(p, f))
		return false;
	pt_findings_add(f, PT_OK, "vfio-modules", "/lib/modules", NULL,
			"vfio-pci is there and is loaded when it is needed");
	return true;
}

static void judge_node(const struct pt_platform *p, struct pt_findings *f)
{
	if (p->kernel.dev_vfio == PT_KNOWN_YES)
		pt_findings_add(f, PT_OK, "vfio-node", "/dev/vfio/vfio", NULL, "it is there%s",
				p->kernel.dev_iommu == PT_KNOWN_YES ? ", and /dev/iommu (iommufd)" : "");
	else if (p->kernel.dev_vfio == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_UNKNOWN, "vfio-node", "/dev/vfio/vfio", NULL, "%s",
				p->captured ? "a capture does not tell" : "/dev cannot be read");
	else if (in_kernel(p->kernel.vfio) && p->kernel.dev_iommu == PT_KNOWN_YES)
		pt_findings_add(
			f, PT_FAIL, "vfio-node", "/dev/vfio/vfio",
			"boot a kernel with CONFIG_VFIO_GROUP and CONFIG_VFIO_CONTAINER (or "
			"CONFIG_IOMMUFD_VFIO_CONTAINER), such as a distribution's standard one",
			"it is not there, only /dev/iommu (iommufd): this kernel has VFIO without groups or their "
			"container, and by these a device is given to a VM here");
	else if (in_kernel(p->kernel.vfio))
		pt_findings_add(f, PT_FAIL, "vfio-node", "/dev/vfio/vfio",
				"see whether devtmpfs is mounted on /dev and udev runs; in a container, hand the node "
				"in",
				"vfio is in the kernel, but its node is not there");
	else
		pt_findings_add(f, PT_NOTE, "vfio-node", "/dev/vfio/vfio", NULL, "it comes with the module");
}

static void judge_noiommu(const struct pt_platform *p, struct pt_findings *f)
{
	if (p->iommu.noiommu != PT_KNOWN_YES)
		return;
	pt_findings_add(
		f, PT_WARN, "vfio-noiommu", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		"turn it off unless a program such as DPDK needs it (vfio.enable_unsafe_noiommu_mode=0)",
		"VFIO hands out devices without an IOMMU; such a device can write to all of memory, and no VM can "
		"have it");
}

/* the functions with an id, by address */
static void with_id(const struct pt_host *host, const struct pt_vfio_id *id, struct pt_strv *names)
{
	for (size_t i = 0; i < host->devices.n; i++) {
		const struct pt_device *d = &host->devices.v[i];

		if (d->vendor == id->vendor && d->device == id->device)
			pt_strv_add(names, pt_bdf_str(d->bdf).s);
	}
}

static void judge_ids(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f)
{
	for (size_t i = 0; i < p->vfio_ids.n && i < IDS_SHOWN; i++) {
		const struct pt_vfio_id *id = &p->vfio_ids.v[i];
		PT_AUTO(pt_strv) names = { 0 };
		pt_autofree char *list = NULL;

		with_id(host, id, &names);
		list = pt_strv_join(&names, ", ");
		pt_findings_add(f, names.n > 1 ? PT_WARN : PT_NOTE, "vfio-ids", id->where,
				"name the one device instead: `passthru reserve DEVICE`, and take the id out",
				"vfio-pci takes every %04x:%04x from the host at boot, now and when more are added%s%s",
				id->vendor, id->device, names.n ? "; here: " : "; none is here", list);
	}
	if (p->vfio_ids.n > IDS_SHOWN)
		pt_findings_add(f, PT_WARN, "vfio-ids", p->vfio_ids.v[IDS_SHOWN].where, NULL,
				"vfio-pci takes %zu more kinds of device from the host at boot",
				p->vfio_ids.n - IDS_SHOWN);
}

void pt_doctor_vfio(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f)
{
	if (judge_modules(p, f))
		judge_node(p, f);
	judge_noiommu(p, f);
	judge_ids(p, host, f);
}
