/* SPDX-License-Identifier: Apache-2.0 */
/* A device's IOMMU group: can it go to a guest as the whole that it is? */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/doctor.h"

/* who stands with a device in its group */
struct company {
	struct pt_strv bridges;	 /* PCI-to-PCI: stay */
	struct pt_strv quiet;	 /* no driver, or a VFIO driver */
	struct pt_strv siblings; /* other functions of the same card, with a host driver */
	struct pt_strv busy;	 /* other cards with a host driver */
	struct pt_strv chipset;	 /* host and ISA bridges with a driver: cannot go to a guest */
};

static void company_done(struct company *c)
{
	pt_strv_done(&c->bridges);
	pt_strv_done(&c->quiet);
	pt_strv_done(&c->siblings);
	pt_strv_done(&c->busy);
	pt_strv_done(&c->chipset);
}

/* PCI class 0x0604: the only bridges that the kernel lets stay with a driver of their own (pcieport) */
static bool stays(const struct pt_device *d)
{
	return d->class_code >> 8 == 0x0604;
}

static bool is_quiet(const struct pt_device *d)
{
	return !d->driver || strcmp(d->driver, "pci-stub") == 0 || pt_device_is_vfio(d);
}

static bool same_slot(struct pt_bdf a, struct pt_bdf b)
{
	return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

static void look_around(const struct pt_host *host, const struct pt_device *d, struct company *c)
{
	for (size_t i = 0; i < host->devices.n; i++) {
		const struct pt_device *o = &host->devices.v[i];
		struct pt_strv *l = &c->busy;

		if (o->iommu_group != d->iommu_group || pt_bdf_eq(o->bdf, d->bdf))
			continue;
		if (stays(o))
			l = &c->bridges;
		else if (is_quiet(o))
			l = &c->quiet;
		else if (pt_device_is_bridge(o))
			l = &c->chipset;
		else if (same_slot(o->bdf, d->bdf))
			l = &c->siblings;
		pt_strv_addf(l, "%s%s%s%s", pt_bdf_str(o->bdf).s, o->driver ? " (" : "", o->driver ? o->driver : "",
			     o->driver ? ")" : "");
	}
}

static void judge_company(const struct pt_device *d, const struct company *c, const char *where, struct pt_findings *f)
{
	pt_autofree char *chipset = pt_strv_join(&c->chipset, ", ");
	pt_autofree char *busy = pt_strv_join(&c->busy, ", ");
	pt_autofree char *siblings = pt_strv_join(&c->siblings, ", ");
	pt_autofree char *quiet = pt_strv_join(&c->quiet, ", ");

	if (c->chipset.n)
		pt_findings_add(
			f, PT_FAIL, "iommu-group", where,
			"move the card to a slot with a group of its own; a device on the chip set itself cannot "
			"be passed through alone",
			"group %d also has parts of the chip set that stay with the host: %s", d->iommu_group, chipset);
	else if (c->busy.n)
		pt_findings_add(f, PT_FAIL, "iommu-group", where,
				"attach them to the same VM in one command, or move the card to another slot",
				"group %d also has devices that the host uses: %s; a group goes to one VM as a whole",
				d->iommu_group, busy);
	else if (c->siblings.n)
		pt_findings_add(f, PT_WARN, "iommu-group", where, "attach them together, in one command",
				"group %d also has the card's other functions: %s; they leave the host with it",
				d->iommu_group, siblings);
	else if (c->quiet.n)
		pt_findings_add(f, PT_OK, "iommu-group", where, NULL,
				"group %d; the others in it have no driver of the host's: %s", d->iommu_group, quiet);
	else
		pt_findings_add(f, PT_OK, "iommu-group", where, NULL, "group %d, alone in it%s", d->iommu_group,
				c->bridges.n ? " but for bridges, which stay" : "");
}

void pt_doctor_group(const struct pt_platform *p, const struct pt_host *host, const struct pt_device *d,
		     struct pt_findings *f)
{
	enum pt_known on = pt_doctor_iommu_on(p);
	pt_autofree char *where = pt_strf("/sys/kernel/iommu_groups/%d", d->iommu_group);
	PT_CLEANUP(company_done) struct company c = { 0 };

	if (d->iommu_group != PT_GROUP_NONE) {
		look_around(host, d, &c);
		judge_company(d, &c, where, f);
	} else if (on == PT_KNOWN_YES) {
		pt_findings_add(f, PT_FAIL, "iommu-group", "/sys/kernel/iommu_groups",
				"use a device behind an IOMMU; the processor's graphics may be left out by "
				"intel_iommu=igfx_off, NVMe behind VMD by the firmware's set-up",
				"the kernel has put it into no group: no IOMMU stands before it");
	} else {
		pt_findings_add(f, PT_UNKNOWN, "iommu-group", NULL, NULL,
				"not judged: without an active IOMMU there are no groups");
	}
}
