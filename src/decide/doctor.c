/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void judge_cpu(const struct pt_platform *p, struct pt_findings *f)
{
	const char *flag = p->cpu.maker == PT_CPU_AMD ? "svm" : "vmx";
	const char *model = p->cpu.model ? p->cpu.model : "the processor";

	if (p->cpu.arch == PT_ARCH_UNKNOWN)
		pt_findings_add(f, PT_UNKNOWN, "cpu-virtualisation", "/proc/cpuinfo", NULL,
				"the processor cannot be told from it");
	else if (p->cpu.virt == PT_KNOWN_YES)
		pt_findings_add(f, PT_OK, "cpu-virtualisation", "/proc/cpuinfo", NULL, "%s has %s", model, flag);
	else if (p->cpu.virt == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_NOTE, "cpu-virtualisation", "/proc/cpuinfo", NULL,
				"no flag tells on this kind of processor; /dev/kvm does");
	else if (p->kernel.dev_kvm == PT_KNOWN_YES)
		pt_findings_add(f, PT_NOTE, "cpu-virtualisation", "/proc/cpuinfo", NULL,
				"%s shows no %s, but /dev/kvm is there: KVM works by other means", model, flag);
	else if (p->cpu.guest)
		pt_findings_add(f, PT_FAIL, "cpu-virtualisation", "/proc/cpuinfo",
				"on the hypervisor below: allow nesting (kvm_intel or kvm_amd, nested=1) and give this "
				"virtual machine <cpu mode='host-passthrough'/>",
				"this host is itself a virtual machine, and %s shows no %s: no KVM here", model, flag);
	else if (p->cpu.maker == PT_CPU_AMD)
		pt_findings_add(
			f, PT_FAIL, "cpu-virtualisation", "/proc/cpuinfo",
			"turn on SVM (\"SVM Mode\", \"AMD-V\") in the firmware's set-up and power-cycle the host",
			"%s shows no svm: the firmware has it turned off", model);
	else
		pt_findings_add(f, PT_FAIL, "cpu-virtualisation", "/proc/cpuinfo",
				"turn on VT-x (\"Intel Virtualization Technology\") in the firmware's set-up and "
				"power-cycle the host",
				"%s shows no vmx: the firmware has it turned off, or the processor lacks it", model);
}

static void kvm_missing(const struct pt_platform *p, struct pt_findings *f)
{
	const char *module = p->kernel.kvm_module;
	const char *setting = p->cpu.maker == PT_CPU_AMD ? "SVM" : "VT-x";
	pt_autofree char *fix = NULL;

	if (module && p->kernel.kvm == PT_MODULE_AVAILABLE) {
		fix = pt_strf("`modprobe %s`; if that says \"Operation not supported\", turn on %s in the firmware's "
			      "set-up",
			      module, setting);
		pt_findings_add(f, PT_FAIL, "kvm", "/dev/kvm", fix, "there is no /dev/kvm: %s is not loaded", module);
	} else if (module && p->kernel.kvm == PT_MODULE_MISSING) {
		pt_findings_add(f, PT_FAIL, "kvm", "/dev/kvm", "boot a kernel that has KVM",
				"there is no /dev/kvm: the kernel has no module %s", module);
	} else {
		fix = pt_strf(
			"see what the kernel says about it: `journalctl -k -g kvm`; in a container, hand the node "
			"in");
		pt_findings_add(f, PT_FAIL, "kvm", "/dev/kvm", fix, "there is no /dev/kvm");
	}
}

static void judge_kvm(const struct pt_platform *p, struct pt_findings *f)
{
	if (p->cpu.virt == PT_KNOWN_NO && p->kernel.dev_kvm != PT_KNOWN_YES)
		return;
	if (p->kernel.dev_kvm == PT_KNOWN_UNKNOWN) {
		pt_findings_add(f, PT_UNKNOWN, "kvm", "/dev/kvm", NULL, "%s",
				p->captured ? "a capture does not tell" : "/dev cannot be read");
		return;
	}
	if (p->kernel.dev_kvm == PT_KNOWN_NO) {
		kvm_missing(p, f);
		return;
	}
	pt_findings_add(f, PT_OK, "kvm", "/dev/kvm", NULL, "/dev/kvm is there");
	if (p->kernel.nested != PT_KNOWN_UNKNOWN) {
		pt_autofree char *where = pt_strf("/sys/module/%s/parameters/nested", p->kernel.kvm_module);

		pt_findings_add(f, PT_NOTE, "nesting", where, NULL, "guests %s run virtual machines of their own",
				p->kernel.nested == PT_KNOWN_YES ? "may" : "may not");
	}
}

static void judge_libvirt(const struct pt_platform *p, struct pt_findings *f)
{
	const struct pt_libvirt *l = &p->libvirt;

	if (l->reachable == PT_KNOWN_UNKNOWN)
		pt_findings_add(f, PT_UNKNOWN, "libvirt", NULL, NULL, "not asked: this is a captured host");
	else if (l->reachable == PT_KNOWN_NO)
		pt_findings_add(f, PT_FAIL, "libvirt", l->uri, l->fix, "%s", l->error);
	else if (!l->hypervisor)
		pt_findings_add(f, PT_FAIL, "libvirt", l->uri,
				"install QEMU (Debian: qemu-system-x86, Fedora: qemu-kvm)",
				"libvirt %s is there, but finds no QEMU", l->version);
	else
		pt_findings_add(f, PT_OK, "libvirt", l->uri, NULL, "libvirt %s, %s", l->version, l->hypervisor);
}

static void judge_lockdown(const struct pt_platform *p, struct pt_findings *f)
{
	const char *lockdown = p->kernel.lockdown;

	if (!lockdown)
		pt_findings_add(f, PT_UNKNOWN, "lockdown", "/sys/kernel/security/lockdown", NULL,
				"cannot be seen: the kernel has none, or securityfs is not mounted");
	else if (strcmp(lockdown, "none") == 0)
		pt_findings_add(f, PT_OK, "lockdown", "/sys/kernel/security/lockdown", NULL,
				"the kernel is not locked down");
	else
		pt_findings_add(f, PT_NOTE, "lockdown", "/sys/kernel/security/lockdown", NULL,
				"%s: VFIO works, but unsigned modules, setpci and firmware tools that write to devices "
				"are refused",
				lockdown);
}

static char *kib(uint64_t n)
{
	if (n >= UINT64_C(10) << 20)
		return pt_strf("%llu GiB", (unsigned long long)(n >> 20));
	return n >= UINT64_C(1) << 20 ? pt_strf("%.1f GiB", (double)n / (1 << 20))
				      : pt_strf("%llu MiB", (unsigned long long)(n >> 10));
}

static void judge_memory(const struct pt_memory *m, bool known, struct pt_findings *f)
{
	pt_autofree char *total = kib(m->total_kib);
	pt_autofree char *available = kib(m->available_kib);

	if (!known) {
		pt_findings_add(f, PT_UNKNOWN, "memory", "/proc/meminfo", NULL, "cannot be read");
		return;
	}
	/* a guest with a device has all of its memory pinned: it is in use from the start and cannot be swapped */
	pt_findings_add(f, m->available_kib < (UINT64_C(1) << 20) ? PT_WARN : PT_OK, "memory", "/proc/meminfo", NULL,
			"%s of %s can be pinned for guests now", available, total);
	for (size_t i = 0; i < m->hugepages.n; i++) {
		const struct pt_hugepages *h = &m->hugepages.v[i];
		pt_autofree char *size = kib(h->size_kib);

		if (h->total)
			pt_findings_add(f, PT_NOTE, "hugepages", "/sys/kernel/mm/hugepages", NULL,
					"%llu of %s, %llu free", (unsigned long long)h->total, size,
					(unsigned long long)h->free);
	}
}

void pt_doctor_host(const struct pt_platform *p, const struct pt_host *host, bool memory_known,
		    struct pt_findings *ret_findings)
{
	judge_cpu(p, ret_findings);
	pt_doctor_iommu(p, host, ret_findings);
	pt_doctor_vfio(p, host, ret_findings);
	judge_kvm(p, ret_findings);
	judge_libvirt(p, ret_findings);
	judge_lockdown(p, ret_findings);
	judge_memory(&host->memory, memory_known, ret_findings);
}

const struct pt_finding *pt_doctor_first(const struct pt_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		if (findings->v[i].verdict == PT_FAIL)
			return &findings->v[i];
	return NULL;
}

const struct pt_finding *pt_doctor_undecided(const struct pt_findings *findings)
{
	static const char *const decisive[] = { "iommu-active", "iommu-group", "interrupt-remapping", "vfio-modules" };

	for (size_t i = 0; i < findings->n; i++)
		for (size_t n = 0; n < sizeof(decisive) / sizeof(*decisive); n++)
			if (findings->v[i].verdict == PT_UNKNOWN && strcmp(findings->v[i].name, decisive[n]) == 0)
				return &findings->v[i];
	return NULL;
}
