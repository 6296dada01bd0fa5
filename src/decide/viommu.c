/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/viommu.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/judge.h"
#include "decide/memory.h"

#define MIB ((uint64_t)1 << 20)

/* above so many processors interrupts need VT-d's extended mode: libvirt asks for it, QEMU too */
#define VCPUS_WITHOUT_EIM 255

/* QEMU's widths; a host that does not tell its own is taken to have the wider one, as Nova does */
#define WIDE   48
#define NARROW 39

/* since which version each is there (docs/formatdomain.rst; virtio-iommu's boot-bypass, for which libvirt looks) */
static const struct model {
	const char *name;
	unsigned long libvirt;
	unsigned long qemu;
	bool on_q35;
	bool on_arm;
	const char *machines;
	const char *table; /* the ACPI table by which a guest finds it; NULL: it does without */
	const char *guest; /* what a Linux guest needs */
} models[] = {
	{ "virtio", 8003000, 7000000, true, true, "q35 and Arm's virt", "VIOT", "the module virtio-iommu" },
	{ "intel", 0, 0, true, false, "q35", "DMAR", "intel_iommu=on on its kernel's command line" },
	{ "smmuv3", 5005000, 0, false, true, "Arm's virt", NULL, "the driver arm-smmu-v3" },
};

void pt_viommu_look_done(struct pt_viommu_look *l)
{
	pt_domain_done(&l->vm);
	pt_domain_done(&l->live);
	free(l->memory.hugepages.v);
	*l = (struct pt_viommu_look){ 0 };
}

static const struct model *model_named(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++)
		if (pt_streq(models[i].name, name))
			return &models[i];
	return NULL;
}

static bool is_q35(const struct pt_domain *vm)
{
	return vm->machine && (strcmp(vm->machine, "q35") == 0 || pt_startswith(vm->machine, "pc-q35-"));
}

static bool is_arm_virt(const struct pt_domain *vm)
{
	bool arm = vm->arch && (strcmp(vm->arch, "aarch64") == 0 || pt_startswith(vm->arch, "arm"));

	return arm && vm->machine && (strcmp(vm->machine, "virt") == 0 || pt_startswith(vm->machine, "virt-"));
}

static bool fits_machine(const struct model *m, const struct pt_domain *vm)
{
	return (m->on_q35 && is_q35(vm)) || (m->on_arm && is_arm_virt(vm));
}

static bool is_offered(const struct model *m, const struct pt_viommu_look *look)
{
	return look->libvirt >= m->libvirt && look->qemu >= m->qemu;
}

/* of x86 alone: Arm's interrupts know more processors */
static bool needs_eim(const struct pt_domain *vm)
{
	return !is_arm_virt(vm) && vm->vcpus > VCPUS_WITHOUT_EIM;
}

/* Nova's: virtio where libvirt (and QEMU) have it, else intel on q35, smmuv3 on Arm; but what could not work is not it
 */
static const struct model *pick(const struct pt_viommu_look *look)
{
	const struct model *virtio = model_named("virtio");

	if (fits_machine(virtio, &look->vm) && is_offered(virtio, look) && look->vm.acpi && !needs_eim(&look->vm))
		return virtio;
	return is_q35(&look->vm) ? model_named("intel") : is_arm_virt(&look->vm) ? model_named("smmuv3") : NULL;
}

static const struct model *model_of(const struct pt_viommu_look *look, const struct pt_viommu_request *request)
{
	return strcmp(request->model, "auto") == 0 ? pick(look) : model_named(request->model);
}

void pt_viommu_wanted(const struct pt_viommu_look *look, const struct pt_viommu_request *request,
		      struct pt_viommu *ret_viommu)
{
	const struct model *m = model_of(look, request);
	struct pt_viommu v = { 0 };

	if (m)
		v.model = pt_strdup(m->name);
	/* the others take no attributes: libvirt refuses them there */
	if (pt_streq(v.model, "intel")) {
		for (int i = 0; i < PT_VIOMMU_AW_BITS; i++)
			v.words[i] = pt_strdup("on");
		v.words[PT_VIOMMU_AW_BITS] = pt_strf("%d", look->host_bits && look->host_bits < WIDE ? NARROW : WIDE);
	}
	*ret_viommu = v;
}

unsigned pt_viommu_vfio_count(const struct pt_domain *vm)
{
	unsigned n = 0;

	for (size_t i = 0; i < vm->hostdevs.n; i++)
		n += vm->hostdevs.v[i].kind == PT_HOSTDEV_PCI || vm->hostdevs.v[i].kind == PT_HOSTDEV_MDEV;
	return n;
}

static char *version_str(unsigned long v)
{
	return v ? pt_strf("%lu.%lu.%lu", v / 1000000, v / 1000 % 1000, v % 1000) : pt_strdup("of an unknown version");
}

static void judge_versions(struct pt_judge *j, const struct pt_viommu_look *look, const struct model *m)
{
	pt_autofree char *need_libvirt = version_str(m->libvirt);
	pt_autofree char *need_qemu = version_str(m->qemu);
	pt_autofree char *libvirt = version_str(look->libvirt);
	pt_autofree char *qemu = version_str(look->qemu);

	if (!is_offered(m, look))
		pt_judge_refuse(
			j, PT_FORCE_NEVER, "version", NULL, "`auto` takes one that this host has",
			"the virtual IOMMU %s needs libvirt %s and QEMU %s; this host has libvirt %s and QEMU %s",
			m->name, m->libvirt ? need_libvirt : "of any version", m->qemu ? need_qemu : "of any version",
			libvirt, qemu);
}

static void judge_model(struct pt_judge *j, const struct pt_viommu_look *look, const struct model *m)
{
	const struct pt_domain *vm = &look->vm;
	const char *machine = vm->machine ? vm->machine : "none that is named";

	if (!pt_streq(vm->type, "kvm") && !pt_streq(vm->type, "qemu"))
		pt_judge_refuse(j, PT_FORCE_NEVER, "domain-type", NULL, NULL,
				"VM %s is of type '%s': a virtual IOMMU is QEMU's", vm->name,
				vm->type ? vm->type : "none");
	if (!m || !fits_machine(m, vm)) {
		pt_judge_refuse(j, PT_FORCE_NEVER, "machine", "<os><type machine=>",
				m && (is_q35(vm) || is_arm_virt(vm))
					? "`auto` takes the one that fits"
					: "it takes a VM made anew, with the machine type q35",
				"VM %s has the machine type %s (%s), and the virtual IOMMU %s is for %s", vm->name,
				machine, vm->arch ? vm->arch : "?", m ? m->name : "intel, smmuv3 or virtio",
				m ? m->machines : "q35 and Arm's virt");
		return;
	}
	judge_versions(j, look, m);
	if (m->table && !vm->acpi)
		pt_judge_refuse(j, PT_FORCE_NEVER, "acpi", "<features>",
				is_arm_virt(vm) ? "`virsh edit`: <acpi/> in <features>, which takes UEFI firmware there"
						: "`virsh edit`: <acpi/> in <features>",
				"VM %s has no ACPI, and a guest finds the virtual IOMMU %s by the ACPI table %s",
				vm->name, m->name, m->table);
}

/* also of a VM that loses its vIOMMU */
static void judge_vcpus(struct pt_judge *j, const struct pt_viommu *want)
{
	if (needs_eim(j->vm) && !pt_streq(want->model, "intel"))
		pt_judge_refuse(j, PT_FORCE_NEVER, "vcpus", "<vcpu>", "intel can; or give it at most 255 processors",
				"VM %s has up to %u processors, and more than %d need interrupts that only the virtual "
				"IOMMU intel brings (eim)",
				j->vm->name, j->vm->vcpus, VCPUS_WITHOUT_EIM);
}

/* VFIO must hear of each mapping that the guest makes (decide/attach-vm.c has the same for a device that comes) */
static void judge_vfio(struct pt_judge *j, const struct pt_viommu *want)
{
	if (pt_streq(want->model, "smmuv3") && pt_viommu_vfio_count(j->vm))
		pt_judge_say(j, PT_WARN, "viommu", NULL, "model virtio can do it everywhere",
			     "VM %s has passed-through devices, and not every QEMU can have these behind an smmuv3: it "
			     "may not start",
			     j->vm->name);
}

static void tell_width(struct pt_judge *j, const struct pt_viommu_look *look, const struct pt_viommu *want)
{
	if (!want->words[PT_VIOMMU_AW_BITS])
		return;
	if (!look->host_bits)
		pt_judge_say(j, PT_NOTE, "width", "/sys/class/iommu", NULL,
			     "addresses of %s bits: this host does not tell how wide its own IOMMU's are",
			     want->words[PT_VIOMMU_AW_BITS]);
	else
		pt_judge_say(j, PT_NOTE, "width", "/sys/class/iommu/*/intel-iommu/cap", NULL,
			     "addresses of %s bits, the widest that QEMU has (%d, %d) and this host's IOMMU translates "
			     "(%u)",
			     want->words[PT_VIOMMU_AW_BITS], NARROW, WIDE, look->host_bits);
}

static void tell_ioapic(struct pt_judge *j, const struct pt_viommu *want, bool split)
{
	if (split)
		pt_judge_say(
			j, PT_NOTE, "ioapic", "<features>", NULL,
			"the I/O APIC of %s is split between QEMU and KVM (<ioapic driver='qemu'/>%s%s%s): remapped "
			"interrupts need that",
			j->vm->name, j->vm->ioapic ? " instead of '" : "", j->vm->ioapic ? j->vm->ioapic : "",
			j->vm->ioapic ? "'" : "");
	else if (pt_streq(j->vm->viommu.model, "intel") && !pt_streq(want->model, "intel") &&
		 pt_streq(j->vm->ioapic, "qemu"))
		pt_judge_say(j, PT_NOTE, "ioapic", "<features>", NULL,
			     "the I/O APIC of %s stays split (<ioapic driver='qemu'/>), which works without too",
			     j->vm->name);
}

static char *limit_str(uint64_t limit)
{
	if (limit == PT_MEMLOCK_UNLIMITED)
		return pt_strdup("without limit");
	return limit ? pt_strf("%" PRIu64 " bytes (%" PRIu64 " MiB)", limit, limit / MIB)
		     : pt_strdup("no more than any program");
}

static void judge_limit(struct pt_judge *j, const struct pt_domain *after)
{
	unsigned vfio = pt_viommu_vfio_count(after);
	struct pt_domain unlimited = *after;
	uint64_t limit = pt_memlock_limit(after, vfio);
	uint64_t before = pt_memlock_limit(j->vm, vfio);
	pt_autofree char *now = limit_str(before);
	pt_autofree char *then = limit_str(limit);
	uint64_t may;

	unlimited.hard_limit_kib = 0;
	may = pt_memlock_limit(&unlimited, vfio);
	if (limit != before)
		pt_judge_say(
			j, PT_NOTE, "lock-limit", NULL, NULL,
			"libvirt lets QEMU lock %s; without this change %s. Devices through VFIO: %u; with a virtual "
			"IOMMU each may map all of the guest's memory by itself",
			then, now, vfio);
	else
		pt_judge_say(j, PT_NOTE, "lock-limit", NULL, NULL,
			     "libvirt lets QEMU lock %s, as without this change. Devices through VFIO: %u", then, vfio);
	if (after->viommu.model && after->hard_limit_kib && limit < may)
		pt_judge_say(j, PT_WARN, "hard-limit", "<memtune><hard_limit>",
			     "raise it, or take it out: libvirt then reckons by itself",
			     "<hard_limit> lets QEMU lock %" PRIu64 " MiB, and %" PRIu64
			     " MiB are what %u devices behind "
			     "a virtual IOMMU may need: a mapping of the guest's may fail",
			     limit / MIB, may / MIB, vfio);
}

static void judge_memory(struct pt_judge *j, const struct pt_viommu *want)
{
	const struct pt_domain *vm = j->vm;
	/* borrows all of it */
	struct pt_domain after = *vm;

	after.viommu = *want;
	judge_limit(j, &after);
	if (!pt_viommu_vfio_count(vm))
		return;
	j->vm = &after;
	pt_judge_memory(j);
	j->vm = vm;
}

static void tell_guest(struct pt_judge *j, const struct model *m)
{
	if (!m)
		return;
	pt_judge_say(
		j, PT_NOTE, "guest", NULL, NULL,
		"a Linux guest uses it with %s; each mapping that it makes then costs it time, so it is for guests "
		"that pass devices on, or drive them from programs (DPDK)",
		m->guest);
}

static void add_steps(struct pt_judge *j, const struct pt_viommu *want, bool split)
{
	struct pt_step *define;

	pt_judge_stop(j);
	define = pt_judge_vm_step(j, PT_STEP_VM_DEFINE);
	define->edit.has_viommu = !pt_viommu_same(want, &j->vm->viommu);
	if (define->edit.has_viommu)
		pt_viommu_copy(&define->edit.viommu, want);
	define->edit.split_ioapic = split;
	pt_judge_start(j);
}

/* @return: nothing to do at all */
static bool so_already(struct pt_judge *j, const struct pt_viommu_look *look, const struct pt_viommu_request *request,
		       const struct pt_viommu *want)
{
	pt_autofree char *have = pt_viommu_str(&look->live.viommu);

	if (!look->running || pt_viommu_same(&look->live.viommu, want)) {
		pt_judge_say(j, PT_NOTE, "so-already", NULL, NULL, "the definition of %s says so already",
			     look->vm.name);
		return true;
	}
	pt_judge_say(j, request->restart ? PT_NOTE : PT_WARN, "so-already", NULL,
		     request->restart ? NULL : "--restart shuts it down and starts it again",
		     "the definition of %s says so already, but it runs with %s: it takes effect at the next start",
		     look->vm.name, have);
	return !request->restart;
}

static void summarize(struct pt_plan *plan, const struct pt_viommu_look *look, const struct pt_viommu *want)
{
	plan->verb = pt_strdup("viommu");
	plan->summary = want->model ? pt_strf("give %s the virtual IOMMU %s", look->vm.name, want->model)
				    : pt_strf("take the virtual IOMMU from %s", look->vm.name);
}

int pt_decide_viommu(const struct pt_viommu_look *look, const struct pt_viommu_request *request,
		     struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request timing = { .start = request->start,
						  .forced = request->forced,
						  .stop_timeout_ms = request->stop_timeout_ms };
	const struct pt_domains nobody = { 0 };
	const struct pt_host host = { .memory = look->memory };
	const struct model *m = model_of(look, request);
	PT_AUTO(pt_viommu) want = { 0 };
	PT_AUTO(pt_judge)
	j = { .host = &host, .vm = &look->vm, .others = &nobody, .request = &timing, .plan = ret_plan };
	bool split;

	*ret_plan = (struct pt_plan){ 0 };
	pt_viommu_wanted(look, request, &want);
	split = pt_streq(want.model, "intel") && !pt_streq(look->vm.ioapic, "qemu");
	summarize(ret_plan, look, &want);
	if (strcmp(request->model, "none") != 0)
		judge_model(&j, look, m);
	judge_vcpus(&j, &want);
	if (pt_plan_refusal(ret_plan))
		return pt_judge_verdict(&j, err);
	if (pt_viommu_same(&want, &look->vm.viommu) && !split) {
		if (so_already(&j, look, request, &want))
			return pt_judge_verdict(&j, err);
		pt_judge_vm_state(&j);
		judge_memory(&j, &want);
		pt_judge_stop(&j);
		pt_judge_start(&j);
		return pt_judge_verdict(&j, err);
	}
	pt_judge_vm_state(&j);
	pt_judge_running(&j, request->restart,
			 "QEMU makes a virtual IOMMU when it starts, and the guest looks for one when it boots");
	judge_vfio(&j, &want);
	tell_width(&j, look, &want);
	tell_ioapic(&j, &want, split);
	judge_memory(&j, &want);
	tell_guest(&j, m);
	add_steps(&j, &want, split);
	return pt_judge_verdict(&j, err);
}

static void prove_lock(const struct pt_viommu_look *look, const struct pt_viommu_seen *seen, struct pt_findings *l)
{
	uint64_t want = pt_memlock_limit(&look->live, pt_viommu_vfio_count(&look->live));
	pt_autofree char *foretold = limit_str(want);

	if (!seen->qemu) {
		pt_findings_add(l, PT_UNKNOWN, "lock-limit", NULL, NULL, "what QEMU may lock could not be seen: %s",
				seen->qemu_silent ? seen->qemu_silent : "it was not asked");
		return;
	}
	if (want && seen->qemu->limit != want) {
		pt_autofree char *has = limit_str(seen->qemu->limit);

		pt_findings_add(l, PT_WARN, "lock-limit", "/proc/PID/limits", NULL,
				"QEMU (process %d) may lock %s; foretold was %s", seen->qemu->pid, has, foretold);
		return;
	}
	pt_findings_add(l, PT_OK, "lock-limit", "/proc/PID/limits", NULL,
			"QEMU (process %d) may lock %s, and has locked %" PRIu64 " KiB", seen->qemu->pid, foretold,
			seen->qemu->locked_kib);
}

static void prove_guest(const struct pt_viommu *wanted, const struct pt_viommu_seen *seen, struct pt_findings *l)
{
	const struct model *m = model_named(wanted->model);
	pt_autofree char *fix = m ? pt_strf("a Linux guest needs %s", m->guest) : NULL;

	if (!m)
		return;
	if (seen->guest_type)
		pt_findings_add(l, PT_OK, "guest-iommu", "/sys/kernel/iommu_groups of the guest", NULL,
				"the guest's kernel has an IOMMU (first group: %s)", seen->guest_type);
	else if (seen->guest_none)
		pt_findings_add(l, PT_WARN, "guest-iommu", "/sys/kernel/iommu_groups of the guest", fix,
				"the guest's kernel uses no IOMMU, though it has one");
	else
		pt_findings_add(l, PT_UNKNOWN, "guest-iommu", NULL, NULL, "what the guest itself sees is not known: %s",
				seen->guest_silent ? seen->guest_silent : "it was not asked");
}

void pt_decide_viommu_proof(const struct pt_viommu_look *look, const struct pt_viommu *wanted,
			    const struct pt_viommu_seen *seen, struct pt_findings *ret_findings)
{
	pt_autofree char *want = pt_viommu_str(wanted);
	pt_autofree char *have = pt_viommu_str(&look->live.viommu);

	if (!look->running) {
		pt_findings_add(ret_findings, PT_FAIL, "live-definition", NULL, NULL, "%s does not run", look->vm.name);
		return;
	}
	if (!pt_viommu_same(&look->live.viommu, wanted))
		pt_findings_add(ret_findings, PT_FAIL, "live-definition", NULL, NULL, "%s runs with %s instead of %s",
				look->vm.name, have, want);
	else
		pt_findings_add(ret_findings, PT_OK, "live-definition", NULL, NULL, "%s runs with %s", look->vm.name,
				have);
	prove_lock(look, seen, ret_findings);
	prove_guest(wanted, seen, ret_findings);
}
