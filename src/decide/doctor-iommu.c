/* SPDX-License-Identifier: Apache-2.0 */
/* The IOMMU: what the firmware offers, what the kernel made of it and why not more, interrupt remapping, mode. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/bootfix.h"
#include "decide/doctor.h"

#define TABLES	"/sys/firmware/acpi/tables"
#define CMDLINE "/proc/cmdline"
/* Intel VT-d specification, Extended Capability Register: Interrupt Remapping support */
#define ECAP_IR (UINT64_C(1) << 3)

enum pt_known pt_doctor_iommu_on(const struct pt_platform *p)
{
	/* POWER's IOMMUs make groups and are in no class */
	if (p->cpu.arch == PT_ARCH_PPC && p->iommu.groups)
		return PT_KNOWN_YES;
	return p->iommu.active;
}

/* the word of the command line that has @option among the values of @name; NULL when there is none */
static const char *word_with(const struct pt_platform *p, const char *name, const char *option)
{
	for (size_t i = p->cmdline.n; i-- > 0;) {
		struct pt_strv one = { .v = &p->cmdline.v[i], .n = 1 };

		if (option ? pt_cmdline_has(&one, name, option) : pt_cmdline_value(&one, name) != NULL)
			return p->cmdline.v[i];
	}
	return NULL;
}

/* what to turn on in the firmware, by the processor's maker */
static char *firmware_fix(const struct pt_platform *p)
{
	const char *what = "the IOMMU (Intel VT-d, AMD-Vi, SMMU)";

	if (p->cpu.guest)
		return pt_strdup(
			"this host is itself a virtual machine: its hypervisor must give it an IOMMU (libvirt: "
			"<iommu model='intel'><driver intremap='on'/></iommu> with <ioapic driver='qemu'/>; "
			"QEMU: -device intel-iommu)");
	if (p->cpu.arch == PT_ARCH_X86 && p->cpu.maker == PT_CPU_INTEL)
		what = "VT-d (\"Intel VT for Directed I/O\"; VT-x alone is not enough)";
	else if (p->cpu.arch == PT_ARCH_X86 && p->cpu.maker == PT_CPU_AMD)
		what = "IOMMU (\"AMD-Vi\"; SVM alone is not enough; \"Auto\" often means off)";
	else if (p->cpu.arch == PT_ARCH_ARM)
		what = "the SMMU";
	return pt_strf("turn on %s in the firmware's set-up and power-cycle the host", what);
}

static void table_missing(const struct pt_platform *p, struct pt_findings *f)
{
	pt_autofree char *fix = firmware_fix(p);

	if (pt_doctor_iommu_on(p) == PT_KNOWN_YES || p->acpi.devicetree || p->cpu.arch == PT_ARCH_PPC ||
	    p->cpu.arch == PT_ARCH_S390) {
		pt_findings_add(f, PT_NOTE, "firmware-table", TABLES, NULL,
				"no ACPI table about IOMMUs; this kind of host does not need one");
		return;
	}
	pt_findings_add(f, PT_FAIL, "firmware-table", TABLES, fix,
			"the firmware offers no IOMMU: neither a DMAR (Intel VT-d) nor an IVRS (AMD-Vi) nor an IORT "
			"(ARM) table is there");
}

static void table_there(const struct pt_platform *p, const char *table, struct pt_findings *f)
{
	const struct pt_acpi *a = &p->acpi;
	pt_autofree char *where = pt_strf(TABLES "/%s", table);
	const char *maker = a->dmar == PT_KNOWN_YES   ? "Intel VT-d"
			    : a->ivrs == PT_KNOWN_YES ? "AMD-Vi"
			    : a->iort == PT_KNOWN_YES ? "ARM SMMU"
						      : "virtio-iommu";

	if (a->read)
		pt_findings_add(f, PT_OK, "firmware-table", where, NULL,
				"%s: %zu unit%s, interrupt remapping %soffered, %zu reserved region%s", maker, a->units,
				a->units == 1 ? "" : "s", a->intremap ? "" : "not ", a->reserved.n,
				a->reserved.n == 1 ? "" : "s");
	else if (a->denied)
		pt_findings_add(f, PT_OK, "firmware-table", where, NULL, "%s (%s)", maker, a->why_not);
	else if (a->why_not)
		pt_findings_add(f, PT_WARN, "firmware-table", where,
				"update the firmware; the kernel may give up on such a table too", "%s", a->why_not);
	else
		pt_findings_add(f, PT_OK, "firmware-table", where, NULL, "%s", maker);
}

static void judge_table(const struct pt_platform *p, struct pt_findings *f)
{
	const char *table = pt_acpi_table(&p->acpi);

	if (table)
		table_there(p, table, f);
	else if (p->acpi.dmar == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_UNKNOWN, "firmware-table", TABLES, NULL, "%s",
				p->captured ? "the capture has no ACPI tables" : "the ACPI tables cannot be listed");
	else
		table_missing(p, f);
}

static void kernel_lacks(const struct pt_platform *p, const char *option, struct pt_findings *f)
{
	pt_autofree char *fix =
		pt_strf("boot a kernel that is built with %s, such as the distribution's standard one", option);

	pt_findings_add(f, PT_FAIL, "iommu-active", p->kernel.config_where, fix,
			"the firmware offers an IOMMU, but kernel %s is built without %s", p->kernel.release, option);
}

static void kernel_rejects(const struct pt_platform *p, const char *told, struct pt_findings *f)
{
	const char *table = pt_acpi_table(&p->acpi);
	pt_autofree char *fix = pt_strf("see what the kernel says about it (`journalctl -k -g '%s'`) and update the "
					"firmware",
					table && table[0] == 'I' ? "AMD-Vi|SMMU" : "DMAR");

	pt_findings_add(
		f, PT_FAIL, "iommu-active", "/sys/class/iommu", fix,
		"the firmware offers an IOMMU and the kernel %s, but none came up: the kernel did not accept it", told);
}

static void told_off(const struct pt_platform *p, const char *word, const char *add, struct pt_findings *f)
{
	/* a word like "iommu=off" goes without replacement; "intel_iommu=off" becomes "intel_iommu=on" */
	pt_autofree char *fix = pt_bootfix(p, add, word);

	pt_findings_add(f, PT_FAIL, "iommu-active", CMDLINE, fix,
			"the kernel is told not to use it: %s; the firmware has it on", word);
}

static void why_not_intel(const struct pt_platform *p, struct pt_findings *f)
{
	bool on = pt_cmdline_has(&p->cmdline, "intel_iommu", "on");
	const char *off = word_with(p, "intel_iommu", "off");
	const char *all_off = word_with(p, "iommu", "off");
	pt_autofree char *fix = NULL;

	if (p->kernel.intel_iommu == PT_KNOWN_NO) {
		kernel_lacks(p, "CONFIG_INTEL_IOMMU", f);
	} else if (off) {
		told_off(p, off, "intel_iommu=on", f);
	} else if (all_off) {
		told_off(p, all_off, on || p->kernel.intel_iommu_on == PT_KNOWN_YES ? NULL : "intel_iommu=on", f);
	} else if (on) {
		kernel_rejects(p, "is told to use it (intel_iommu=on)", f);
	} else if (p->kernel.intel_iommu_on == PT_KNOWN_YES) {
		kernel_rejects(p, "uses it by default", f);
	} else {
		fix = pt_bootfix(p, "intel_iommu=on", NULL);
		pt_findings_add(f, PT_FAIL, "iommu-active", CMDLINE, fix,
				"the firmware offers an IOMMU, but nothing tells the kernel to use it: there is no "
				"intel_iommu=on%s",
				p->kernel.config_where ? ", and this kernel does not do so by default" : "");
	}
}

static void why_not_amd(const struct pt_platform *p, struct pt_findings *f)
{
	const char *off = word_with(p, "amd_iommu", "off");

	if (!off)
		off = word_with(p, "iommu", "off");
	if (p->kernel.amd_iommu == PT_KNOWN_NO)
		kernel_lacks(p, "CONFIG_AMD_IOMMU", f);
	else if (off)
		told_off(p, off, NULL, f);
	else if (pt_cmdline_has(&p->cmdline, "amd_iommu", "on"))
		kernel_rejects(p, "uses it by default (amd_iommu=on is no option and has no effect)", f);
	else
		kernel_rejects(p, "uses it by default", f);
}

static void judge_active(const struct pt_platform *p, struct pt_findings *f)
{
	enum pt_known on = pt_doctor_iommu_on(p);
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;

	for (size_t i = 0; i < p->iommu.units.n && i < 8; i++)
		pt_strv_add(&names, p->iommu.units.v[i].name);
	if (p->iommu.units.n > 8)
		pt_strv_add(&names, "…");
	list = pt_strv_join(&names, ", ");
	if (on == PT_KNOWN_YES && p->iommu.groups)
		pt_findings_add(f, PT_OK, "iommu-active", "/sys/class/iommu", NULL,
				"the kernel uses it: %s%s%zu group%s", list, names.n ? "; " : "", p->iommu.groups,
				p->iommu.groups == 1 ? "" : "s");
	else if (on == PT_KNOWN_YES)
		pt_findings_add(f, p->captured ? PT_UNKNOWN : PT_FAIL, "iommu-active", "/sys/kernel/iommu_groups",
				"see what the kernel says about it: `journalctl -k -g iommu`",
				"the kernel uses it (%s), but there is not one IOMMU group", list);
	else if (on == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_UNKNOWN, "iommu-active", "/sys/class/iommu", NULL,
				"the capture does not tell whether the IOMMU is on");
	else if (p->acpi.dmar == PT_KNOWN_YES)
		why_not_intel(p, f);
	else if (p->acpi.ivrs == PT_KNOWN_YES)
		why_not_amd(p, f);
	else if (pt_acpi_table(&p->acpi) || p->acpi.devicetree)
		kernel_rejects(p, "should use it by default", f);
	else if (p->acpi.dmar == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_FAIL, "iommu-active", "/sys/class/iommu", NULL,
				"no IOMMU is on; why, the "
				"capture does not tell: it has no ACPI tables");
}

/* why interrupts are not remapped; sets @ret_fix to what helps, the caller frees both */
static char *why_not_remapped(const struct pt_platform *p, char **ret_fix)
{
	const char *off = word_with(p, "intremap", "off");
	const char *firmware = p->cpu.guest ? "give this virtual machine an IOMMU with intremap='on'"
					    : "turn on interrupt remapping (often together with x2APIC) in the "
					      "firmware's set-up, or update the firmware";

	if (!off)
		off = word_with(p, "nointremap", NULL);
	if (off) {
		*ret_fix = pt_bootfix(p, NULL, off);
		return pt_strf("the kernel is told not to: %s", off);
	}
	*ret_fix = pt_strdup(firmware);
	for (size_t i = 0; i < p->iommu.units.n; i++)
		if (p->iommu.units.v[i].caps && !(p->iommu.units.v[i].ecap & ECAP_IR))
			return pt_strf("%s cannot (bit 3 of its ecap is 0)", p->iommu.units.v[i].name);
	if (p->acpi.dmar == PT_KNOWN_YES && p->acpi.read && !p->acpi.intremap)
		return pt_strdup("the firmware does not offer it (flags of the DMAR table)");
	if (p->acpi.dmar != PT_KNOWN_YES && p->acpi.ivrs == PT_KNOWN_YES && p->acpi.read && !p->acpi.intremap)
		return pt_strdup("the firmware's IVRS table names no IO-APIC, without which Linux leaves it off");
	free(*ret_fix);
	if (p->acpi.denied && pt_acpi_table(&p->acpi)) {
		*ret_fix = pt_strf("run this as root: the %s table may say why", pt_acpi_table(&p->acpi));
		return pt_strdup("the kernel has left it off");
	}
	*ret_fix = pt_strdup("see what the kernel says about it: `journalctl -k -g remapping`");
	return pt_strdup("the kernel has left it off");
}

static void not_remapped(const struct pt_platform *p, struct pt_findings *f)
{
	pt_autofree char *fix = NULL;
	pt_autofree char *why = why_not_remapped(p, &fix);
	pt_autofree char *choices = NULL;

	if (p->iommu.unsafe_interrupts == PT_KNOWN_YES) {
		pt_findings_add(f, PT_WARN, "interrupt-remapping", p->iommu.unsafe_where, fix,
				"interrupt remapping is off: %s; allow_unsafe_interrupts lets devices be assigned all "
				"the same, and a guest can "
				"then send the host any interrupt",
				why);
		return;
	}
	choices = pt_strf("%s; or, only where every guest is trusted: write `options vfio_iommu_type1 "
			  "allow_unsafe_interrupts=1` to /etc/modprobe.d/vfio-unsafe.conf and reload the module",
			  fix);
	pt_findings_add(f, PT_FAIL, "interrupt-remapping", "/proc/interrupts", choices,
			"interrupt remapping is off: %s; VFIO refuses to assign a device without it", why);
}

static void judge_intremap(const struct pt_platform *p, struct pt_findings *f)
{
	if (p->cpu.arch == PT_ARCH_PPC || p->cpu.arch == PT_ARCH_S390)
		return;
	if (p->iommu.intremap == PT_KNOWN_YES)
		pt_findings_add(f, PT_OK, "interrupt-remapping", "/proc/interrupts", NULL,
				p->cpu.arch == PT_ARCH_ARM ? "devices' interrupts go through the GIC's ITS"
							   : "the kernel remaps interrupts");
	else if (p->iommu.intremap == PT_KNOWN_NO || word_with(p, "intremap", "off"))
		not_remapped(p, f);
	else
		pt_findings_add(f, PT_UNKNOWN, "interrupt-remapping", "/proc/interrupts", NULL,
				"whether interrupt remapping is on cannot be seen");
}

static void judge_mode(const struct pt_platform *p, struct pt_findings *f)
{
	const char *type = p->iommu.default_type;

	if (!type)
		return;
	if (strcmp(type, "identity") == 0)
		pt_findings_add(f, PT_OK, "iommu-mode", "/sys/kernel/iommu_groups/*/type", NULL,
				"the host's own devices bypass translation (iommu=pt), at full speed");
	else
		pt_findings_add(f, PT_NOTE, "iommu-mode", "/sys/kernel/iommu_groups/*/type", NULL,
				"the host's own devices are translated too (%s): safer, and a little slower than with "
				"iommu=pt; guests do not care",
				type);
}

static void judge_acs(const struct pt_platform *p, struct pt_findings *f)
{
	const char *word = word_with(p, "pcie_acs_override", NULL);
	pt_autofree char *fix = NULL;

	if (!word)
		return;
	fix = pt_bootfix(p, NULL, word);
	pt_findings_add(f, PT_WARN, "acs-override", CMDLINE, fix,
			"%s: a patched kernel shows groups that the hardware does not separate; a guest's device may "
			"reach another guest's or the host's",
			word);
}

static void name_reserved(const struct pt_platform *p, const struct pt_host *host, struct pt_strv *names)
{
	for (size_t i = 0; i < p->acpi.reserved.n; i++) {
		const struct pt_reserved *r = &p->acpi.reserved.v[i];

		for (size_t s = 0; s < r->scopes.n && names->n < 16; s++) {
			struct pt_bdf bdf;

			if (pt_scope_resolve(&r->scopes.v[s], &host->devices, &bdf) == 0 &&
			    !pt_strv_has(names, pt_bdf_str(bdf).s))
				pt_strv_add(names, pt_bdf_str(bdf).s);
		}
	}
}

static void judge_reserved(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f)
{
	pt_autofree char *where = pt_strf(TABLES "/%s", p->acpi.dmar == PT_KNOWN_YES ? "DMAR" : "IVRS");
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;

	if (!p->acpi.read || p->acpi.reserved.n == 0)
		return;
	name_reserved(p, host, &names);
	list = pt_strv_join(&names, ", ");
	pt_findings_add(f, PT_NOTE, "reserved-memory", where, NULL,
			"%zu region%s of memory that the firmware wants devices to reach at fixed addresses%s%s; "
			"`passthru doctor DEVICE` says what that means for one",
			p->acpi.reserved.n, p->acpi.reserved.n == 1 ? "" : "s", names.n ? ": " : "", list);
}

void pt_doctor_iommu(const struct pt_platform *p, const struct pt_host *host, struct pt_findings *f)
{
	judge_table(p, f);
	judge_active(p, f);
	if (pt_doctor_iommu_on(p) == PT_KNOWN_YES) {
		judge_intremap(p, f);
		judge_mode(p, f);
	}
	judge_acs(p, f);
	judge_reserved(p, host, f);
}
