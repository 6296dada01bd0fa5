/* SPDX-License-Identifier: Apache-2.0 */
/* Could a device be given to each VM while it runs?  It takes a root port that was there when the VM started. */
#include "base/cleanup.h"
#include "decide/doctor.h"

#define NAMES_SHOWN 5

void pt_doctor_ports(const struct pt_domains *vms, struct pt_findings *f)
{
	PT_AUTO(pt_strv) full = { 0 };
	pt_autofree char *names = NULL;
	size_t express = 0;
	size_t without = 0;

	for (size_t i = 0; i < vms->n; i++) {
		const struct pt_domain *d = &vms->v[i];

		express += d->pcie_ports >= 0;
		if (d->pcie_ports < 0 || d->free_pcie_ports > 0)
			continue;
		if (without++ < NAMES_SHOWN)
			pt_strv_add(&full, d->name);
	}
	if (!express)
		return;
	names = pt_strv_join(&full, ", ");
	if (!without)
		pt_findings_add(
			f, PT_OK, "root-ports", NULL, NULL,
			"%zu VM%s with PCI Express: a free root port in each, for a device that comes while it runs",
			express, express == 1 ? "" : "s");
	else
		pt_findings_add(
			f, PT_NOTE, "root-ports", NULL,
			"`passthru attach VM --spare-ports 2` adds some, which are there from its next start on",
			"%zu of %zu VM%s with PCI Express %s no free root port, so no device can come while %s: "
			"%s%s",
			without, express, express == 1 ? "" : "s", without == 1 ? "has" : "have",
			without == 1 ? "it runs" : "they run", names, without > NAMES_SHOWN ? ", …" : "");
}
