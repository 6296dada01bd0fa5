/* SPDX-License-Identifier: Apache-2.0 */
/* A device's IOMMU group: can it go to a guest as the whole that it is? */
#include "base/cleanup.h"
#include "decide/doctor.h"
#include "decide/group.h"

static void judge_members(const struct pt_host *host, const struct pt_device *d, const struct pt_group_members *members,
			  struct pt_findings *f)
{
	pt_autofree char *others = pt_group_others_list(host, d->iommu_group);
	pt_autofree char *where = pt_strf("/sys/kernel/iommu_groups/%d", d->iommu_group);
	pt_autofree char *bridges = pt_group_list(members, PT_GROUP_BLOCKS_BRIDGE);
	pt_autofree char *busy = pt_group_list(members, PT_GROUP_BLOCKS);
	pt_autofree char *quiet = pt_group_list(members, PT_GROUP_FREE);
	pt_autofree char *staying = pt_group_list(members, PT_GROUP_STAYS);
	pt_autofree char *behind = pt_group_list(members, PT_GROUP_GOES);

	if (bridges[0])
		pt_findings_add(
			f, PT_FAIL, "iommu-group", where,
			"move the card to a slot with a group of its own; a device on the chip set itself cannot "
			"be passed through alone",
			"group %d also has bridges that a driver of the host's holds: %s", d->iommu_group, bridges);
	if (busy[0])
		pt_findings_add(
			f, PT_FAIL, "iommu-group", where,
			pt_group_apart_in_another_slot(members)
				? "attach them together, in one command, or move the card to another slot"
				: "attach them together, in one command: they are functions of one card",
			"group %d also has devices with a driver of the host's: %s; a group goes to one VM as a "
			"whole",
			d->iommu_group, busy);
	if (others[0])
		pt_findings_add(f, PT_FAIL, "iommu-group", where,
				"take its driver off it, if the host can do without; or use a device in another group",
				"group %d also has a device that is no PCI function, with a driver of the host's: %s",
				d->iommu_group, others);
	if (bridges[0] || busy[0] || others[0])
		return;
	if (quiet[0])
		pt_findings_add(f, PT_OK, "iommu-group", where, NULL,
				"group %d; the others in it have no driver of the host's: %s", d->iommu_group, quiet);
	else if (behind[0])
		pt_findings_add(f, PT_OK, "iommu-group", where, NULL, "group %d; what is behind it goes along: %s",
				d->iommu_group, behind);
	else
		pt_findings_add(f, PT_OK, "iommu-group", where, NULL, "group %d, alone in it%s", d->iommu_group,
				staying[0] ? " but for bridges, which stay" : "");
}

void pt_doctor_group(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *d,
		     struct pt_findings *f)
{
	PT_AUTO(pt_group_members) members = { 0 };
	const struct pt_device *carrier = pt_device_carrier(&host->devices, d);

	if (carrier) {
		pt_findings_add(f, PT_FAIL, "iommu-group", "/sys/bus/pci/devices",
				"pass that controller through, with all that is behind it, or switch it (VMD) off in "
				"the firmware's set-up",
				"it is behind the controller %s, which does its DMA: it cannot go alone",
				pt_bdf_str(carrier->bdf).s);
	} else if (d->iommu_group != PT_GROUP_NONE) {
		pt_group_judge(&host->devices, d->iommu_group, &d->bdf, 1, &members);
		judge_members(host, d, &members, f);
	} else if (pt_doctor_iommu_on(p) == PT_KNOWN_YES) {
		pt_findings_add(f, PT_FAIL, "iommu-group", "/sys/kernel/iommu_groups",
				"use a device behind an IOMMU; the processor's graphics may be left out by "
				"intel_iommu=igfx_off, NVMe behind VMD by the firmware's set-up",
				"the kernel has put it into no group: no IOMMU stands before it");
	} else {
		pt_findings_add(f, PT_UNKNOWN, "iommu-group", NULL, NULL,
				"not judged: without an active IOMMU there are no groups");
	}
}
