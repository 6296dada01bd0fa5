/* SPDX-License-Identifier: Apache-2.0 */
/* One device: what it is, who holds it, what its firmware asks for. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/doctor.h"
#include "decide/group.h"
#include "decide/use-fix.h"

static char *attribute(const struct pt_device *d, const char *name)
{
	return pt_strf("/sys/bus/pci/devices/%s/%s", pt_bdf_str(d->bdf).s, name);
}

static void judge_driver(const struct pt_device *d, const struct pt_device_platform *more, struct pt_findings *f)
{
	pt_autofree char *where = attribute(d, "driver");

	if ((!d->driver || pt_driver_is_vfio(d->driver)) && more->builtin[0])
		pt_findings_add(f, PT_WARN, "driver", where,
				"boot a kernel that has it as a module, if the host must never touch the device",
				"%s holds it now, and %s, part of the kernel, has it first at every boot, until "
				"passthru-boot.service takes what is reserved",
				d->driver ? d->driver : "no driver", more->builtin);
	else if (!d->driver)
		pt_findings_add(f, PT_OK, "driver", where, NULL, "no driver holds it");
	else if (pt_driver_is_vfio(d->driver))
		pt_findings_add(f, PT_OK, "driver", where, NULL, "%s holds it already", d->driver);
	else if (more->driver_builtin == PT_KNOWN_YES)
		pt_findings_add(
			f, PT_WARN, "driver", where, NULL,
			"%s, part of the kernel: it uses the device at every boot before anything can take it away",
			d->driver);
	else
		pt_findings_add(f, PT_OK, "driver", where, NULL, "%s, which gives it up for a guest", d->driver);
	if (d->vfio_variant)
		pt_findings_add(f, PT_NOTE, "vfio-driver", "/lib/modules", NULL,
				"the kernel has a VFIO driver of its own for this device: %s", d->vfio_variant);
}

static void judge_reset(const struct pt_device *d, struct pt_findings *f)
{
	pt_autofree char *where = attribute(d, "reset_method");

	if (!d->reset_methods)
		pt_findings_add(f, PT_UNKNOWN, "reset", where, NULL,
				"the kernel does not tell how it resets the device (5.15 and later do)");
	else if (!d->reset_methods[0])
		pt_findings_add(f, PT_WARN, "reset", where,
				"give it to guests that are trusted with each other's data, and expect to reboot the "
				"host when a guest leaves it in a bad state",
				"it cannot be reset: what one guest leaves in it, the next one and the host find");
	else if (strcmp(d->reset_methods, "bus") == 0)
		pt_findings_add(f, PT_OK, "reset", where, NULL,
				"the kernel can reset it, but only by its bus: all functions behind the same port are "
				"reset together");
	else
		pt_findings_add(f, PT_OK, "reset", where, NULL, "the kernel can reset it: %s", d->reset_methods);
}

/* a VM that has it is no fault of the host's, and neither is an address that would go with it */
static enum pt_verdict use_verdict(enum pt_use_kind kind)
{
	return kind == PT_USE_ADDRESS || kind == PT_USE_VFIO ? PT_WARN : PT_FAIL;
}

static void judge_uses(const struct pt_host *host, const struct pt_device *d, struct pt_findings *f)
{
	size_t found = 0;

	for (size_t i = 0; i < host->uses.n; i++) {
		const struct pt_use *u = &host->uses.v[i];
		struct pt_finding *added;

		if (!pt_bdf_eq(u->bdf, d->bdf))
			continue;
		added = pt_findings_add(f, use_verdict(u->kind), pt_use_kind_str(u->kind), u->where,
					pt_use_fix(u->kind), "%s", u->chain);
		added->forceable = added->verdict == PT_FAIL;
		found++;
	}
	if (!found)
		pt_findings_add(f, PT_OK, "users", NULL, NULL, "nothing was found that uses it on this host");
}

/* the kernel lets these go (drivers/iommu/intel: device_rmrr_is_relaxable()): they serve the firmware's keyboard,
 * screen */
static bool relaxable(const struct pt_device *d)
{
	return d->class_code >> 8 == 0x0c03 || pt_device_is_display(d);
}

/* the kernel's own word about the group, which needs no root */
static bool judge_regions(const struct pt_platform *p, const struct pt_device *d, const char *fix,
			  struct pt_findings *f)
{
	pt_autofree char *where = pt_strf("/sys/kernel/iommu_groups/%d/reserved_regions", d->iommu_group);

	for (size_t i = 0; i < p->iommu.direct.n; i++) {
		const struct pt_region *r = &p->iommu.direct.v[i];

		if (r->group != d->iommu_group || r->relaxable)
			continue;
		pt_findings_add(f, PT_FAIL, "reserved-memory", where, fix,
				"the firmware ties its group to memory at 0x%llx-0x%llx for its own use (RMRR, IVMD); "
				"the kernel refuses to give such a device to a guest",
				(unsigned long long)r->base, (unsigned long long)r->limit);
		return true;
	}
	return false;
}

void pt_doctor_rmrr(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *d,
		    struct pt_findings *f)
{
	static const char fix[] =
		"look in the firmware's set-up for what keeps hold of this card (out-of-band management, "
		"on HPE servers \"shared memory\" of the slot), update the firmware, or move the card";
	pt_autofree char *table =
		pt_strf("/sys/firmware/acpi/tables/%s", p->acpi.dmar == PT_KNOWN_YES ? "DMAR" : "IVRS");

	if (d->iommu_group != PT_GROUP_NONE && judge_regions(p, d, fix, f))
		return;
	for (size_t i = 0; i < p->acpi.reserved.n; i++) {
		const struct pt_reserved *r = &p->acpi.reserved.v[i];
		bool lets_go = p->acpi.dmar == PT_KNOWN_YES && relaxable(d);

		if (!pt_reserved_names(r, &host->devices, d))
			continue;
		pt_findings_add(f, lets_go ? PT_NOTE : PT_FAIL, "reserved-memory", table, lets_go ? NULL : fix,
				"the firmware ties it to memory at 0x%llx-0x%llx for its own use; %s",
				(unsigned long long)r->base, (unsigned long long)r->limit,
				lets_go ? "for USB and graphics the kernel lets that go"
					: "the kernel refuses to give such a device to a guest");
		return;
	}
	if (p->acpi.read || (d->iommu_group != PT_GROUP_NONE && pt_doctor_iommu_on(p) == PT_KNOWN_YES))
		pt_findings_add(f, PT_OK, "reserved-memory", p->acpi.read ? table : "/sys/kernel/iommu_groups", NULL,
				"the firmware ties no memory to it");
}

static size_t count_vfs(const struct pt_host *host, struct pt_bdf pf)
{
	size_t n = 0;

	for (size_t i = 0; i < host->devices.n; i++)
		n += host->devices.v[i].sriov == PT_SRIOV_VF && pt_bdf_eq(host->devices.v[i].pf, pf);
	return n;
}

static void judge_sriov(const struct pt_host *host, const struct pt_device *d, struct pt_findings *f)
{
	pt_autofree char *where = attribute(d, d->sriov == PT_SRIOV_VF ? "physfn" : "sriov_totalvfs");
	size_t vfs = d->sriov == PT_SRIOV_PF ? count_vfs(host, d->bdf) : 0;

	if (d->sriov == PT_SRIOV_VF)
		pt_findings_add(f, PT_NOTE, "sriov", where, NULL,
				"a virtual function of %s, which stays with the host and must stay up",
				pt_bdf_str(d->pf).s);
	else if (d->sriov == PT_SRIOV_PF && vfs)
		pt_findings_add(f, PT_FAIL, "sriov", where,
				"pass virtual functions through instead, or take them down first (`passthru sriov` "
				"with --vfs 0)",
				"%zu of its %u virtual functions are up; it goes to a guest only without them", vfs,
				d->vfs_total);
	else if (d->sriov == PT_SRIOV_PF)
		pt_findings_add(
			f, PT_NOTE, "sriov", where, NULL,
			"up to %u virtual functions, none is up: it can serve many guests, or go to one as a whole",
			d->vfs_total);
}

/* the console's own users are among the uses; this is about what the guest will see */
static void judge_console(const struct pt_device *d, const struct pt_device_platform *more, struct pt_findings *f)
{
	pt_autofree char *where = attribute(d, "boot_vga");

	if (!pt_device_is_display(d) || more->boot_vga != PT_KNOWN_YES)
		return;
	pt_findings_add(
		f, PT_WARN, "boot-display", where,
		"keep another way in (ssh, a serial console), and give the guest a ROM file of the card if its "
		"screen stays dark",
		"the host started on this display: the console goes with it, and its ROM was already changed by "
		"the firmware");
}

void pt_doctor_device(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *device,
		      const struct pt_device_platform *more, struct pt_findings *ret_findings)
{
	if (pt_device_is_bridge(device)) {
		pt_findings_add(ret_findings, PT_FAIL, "bridge", NULL, "name a device behind it",
				"%s is a bridge (class %04x): bridges stay with the host", pt_bdf_str(device->bdf).s,
				device->class_code >> 8);
		return;
	}
	pt_doctor_group(p, host, device, ret_findings);
	judge_uses(host, device, ret_findings);
	judge_driver(device, more, ret_findings);
	judge_reset(device, ret_findings);
	pt_doctor_bar(p, device, ret_findings);
	pt_doctor_rmrr(p, host, device, ret_findings);
	judge_sriov(host, device, ret_findings);
	judge_console(device, more, ret_findings);
}
