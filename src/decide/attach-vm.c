/* SPDX-License-Identifier: Apache-2.0 */
/* Can this VM take a device?  Rules 6 and 10 of docs/design/. */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/judge.h"
#include "decide/memory.h"

void pt_judge_vm_state(struct pt_judge *j)
{
	const struct pt_domain *vm = j->vm;
	pt_autofree char *fix = NULL;

	if (!vm->persistent)
		pt_judge_refuse(j, PT_FORCE_NEVER, "transient", NULL, "define it first (virsh define)",
				"VM %s is transient: it has no definition that could be changed", vm->name);
	if (vm->managed_save) {
		fix = pt_strf(
			"start it and shut it down from within, or drop the image with `virsh managedsave-remove %s`",
			pt_shell(vm->name).s);
		pt_judge_refuse(j, PT_FORCE_NEVER, "managed-save", NULL, fix,
				"VM %s has a managed save image, which would be resumed with its old devices",
				vm->name);
	}
	if (vm->state == PT_DOMAIN_OTHER)
		pt_judge_refuse(
			j, PT_FORCE_NEVER, "vm-state", NULL, "bring it into a clear state first: running, or shut off",
			"VM %s is neither running, paused nor shut off (crashed, or on its way down)", vm->name);
	if (vm->state == PT_DOMAIN_PAUSED)
		pt_judge_say(j, PT_WARN, "vm-paused", NULL, "resume it first",
			     "VM %s is paused: its guest cannot shut itself down, and it runs again afterwards",
			     vm->name);
	for (size_t i = 0; i < vm->disks.n; i++)
		if (vm->disks.v[i].type == PT_DISK_NVME && pt_judge_wants(j, vm->disks.v[i].nvme) && pt_judge_runs(vm))
			pt_judge_refuse(
				j, PT_FORCE_NEVER, "vm-runs", NULL, "shut the VM down first",
				"%s is the disk %s of VM %s, which runs: which driver has it after that cannot be "
				"told now",
				pt_bdf_str(vm->disks.v[i].nvme).s, vm->disks.v[i].target, vm->name);
	if (vm->has_snapshots)
		pt_judge_say(j, PT_WARN, "snapshots", NULL, NULL,
			     "VM %s has snapshots: going back to one brings back the definition of that time",
			     vm->name);
}

/*
 * VFIO has to hear of each mapping that the guest makes: of VT-d that is its caching mode, QEMU refuses the device
 * without it; for AMD's and Arm's it depends on QEMU's version.
 */
static bool lacks_caching(const struct pt_domain *vm)
{
	return pt_streq(vm->viommu.model, "intel") && !pt_streq(vm->viommu.words[PT_VIOMMU_CACHING_MODE], "on");
}

static void judge_viommu(struct pt_judge *j)
{
	/* it gets the device as it runs; its definition may have been edited since it was started */
	const struct pt_domain *vm = j->running ? j->running : j->vm;

	if (j->running && lacks_caching(j->running))
		/* QEMU before 4.2 ends itself when it is plugged in there */
		pt_judge_refuse(j, PT_FORCE_NEVER, "viommu", NULL,
				lacks_caching(j->vm)
					? "add <driver caching_mode='on'/> to the <iommu> of its definition"
					: "leave --live out: its definition has it, from its next start on",
				"VM %s runs with a virtual IOMMU (intel) without caching mode, behind which no device "
				"can be passed through",
				j->vm->name);
	else if (lacks_caching(j->vm))
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "viommu", NULL,
				"add <driver caching_mode='on'/> to the <iommu> of its definition",
				"VM %s has a virtual IOMMU (intel) without caching mode, behind which no device can be "
				"passed through",
				j->vm->name);
	else if (pt_streq(vm->viommu.model, "amd") || pt_streq(vm->viommu.model, "smmuv3"))
		pt_judge_say(j, PT_WARN, "viommu", NULL, "model='virtio' can do it everywhere",
			     "VM %s has a virtual IOMMU (%s), behind which not every QEMU can pass a device through",
			     j->vm->name, vm->viommu.model);
}

/* where its memory is and where the device is: between two nodes each access crosses over */
static void tell_nodes(struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];

		if (d->numa_node == PT_NUMA_NONE)
			continue;
		if (!j->vm->nodes)
			pt_judge_say(j, PT_NOTE, "numa", "numa_node", NULL,
				     "%s is on NUMA node %d; VM %s takes its memory from any node (no <numatune>)",
				     pt_bdf_str(d->bdf).s, d->numa_node, j->vm->name);
		else if (pt_domain_on_node(j->vm, d->numa_node))
			pt_judge_say(j, PT_NOTE, "numa", "numa_node", NULL, "%s is on NUMA node %d, as memory of VM %s",
				     pt_bdf_str(d->bdf).s, d->numa_node, j->vm->name);
		else if (!j->request->network) /* the pick has said it, and why */
			pt_judge_say(j, PT_WARN, "numa", "numa_node",
				     "give the VM memory of that node (<numatune>), or take a device of the VM's",
				     "%s is on NUMA node %d, and VM %s has its memory on %s: each access crosses over",
				     pt_bdf_str(d->bdf).s, d->numa_node, j->vm->name, j->vm->nodes);
	}
}

static void tell_pages(struct pt_judge *j)
{
	if (j->vm->hugepages && j->vm->hugepage_kib)
		pt_judge_say(j, PT_NOTE, "hugepages", NULL, NULL,
			     "VM %s has its memory in huge pages of %" PRIu64 " KiB", j->vm->name, j->vm->hugepage_kib);
	else if (j->vm->hugepages)
		pt_judge_say(j, PT_NOTE, "hugepages", NULL, NULL,
			     "VM %s has its memory in huge pages of this host's default size", j->vm->name);
}

/* libvirt starts no VM with a device that is not there; what is asked for now is, so this is about the others */
static void tell_lost(struct pt_judge *j)
{
	for (size_t i = 0; i < j->vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &j->vm->hostdevs.v[i];
		struct pt_bdf_text bdf = pt_bdf_str(h->bdf);
		pt_autofree char *fix = NULL;

		if (!h->has_bdf || pt_devices_find(&j->host->devices, h->bdf))
			continue;
		fix = pt_strf("`passthru repair` finds a device that has moved; `passthru detach %s %s` takes one that "
			      "is gone out of the definition",
			      pt_shell(j->vm->name).s, bdf.s);
		pt_judge_say(j, PT_WARN, "device-gone", NULL, fix,
			     "VM %s also has %s, which this host does not have now: it cannot start", j->vm->name,
			     bdf.s);
	}
}

void pt_judge_vm(struct pt_judge *j)
{
	const struct pt_domain *vm = j->vm;
	int n = (int)j->devices.n;

	if (pt_streq(vm->type, "qemu"))
		pt_judge_say(j, PT_WARN, "no-kvm", NULL, "change <domain type='qemu'> to 'kvm'",
			     "VM %s is emulated (type='qemu'): a passed-through device works there, but slowly",
			     vm->name);
	else if (vm->type && !pt_streq(vm->type, "kvm"))
		pt_judge_say(j, PT_WARN, "no-kvm", NULL, NULL, "VM %s is of type '%s'; only KVM is tried", vm->name,
			     vm->type);
	if (vm->machine && (pt_streq(vm->machine, "isapc") || pt_streq(vm->machine, "none")))
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-pci", NULL, "use the machine type q35",
				"VM %s has the machine type %s, which has no PCI bus", vm->name, vm->machine);
	tell_lost(j);
	judge_viommu(j);
	pt_judge_tell_ports(j);
	if (!j->running && vm->free_pcie_ports >= 0 && vm->free_pcie_ports < n)
		pt_judge_say(j, PT_NOTE, "pcie-ports", NULL, NULL,
			     "VM %s has %d free PCIe root port(s) for %d device(s): libvirt adds what is missing",
			     vm->name, vm->free_pcie_ports, n);
	tell_pages(j);
	tell_nodes(j);
	if (vm->balloon)
		pt_judge_say(j, PT_NOTE, "balloon", NULL, NULL,
			     "the memory balloon of VM %s leaves its definition: with a passed-through device all its "
			     "memory "
			     "is pinned, and a balloon gives none of it back",
			     vm->name);
	pt_judge_say(j, PT_NOTE, "migration", NULL, NULL,
		     "VM %s cannot be migrated, saved or snapshotted while it runs with this", vm->name);
}

static uint64_t mib(uint64_t kib)
{
	return kib / 1024;
}

/*
 * The pool that the VM draws on.  Where its definition names no page size it is the host's default, which is not known
 * here: then the fullest pool, so that nothing is refused that may work.
 */
static const struct pt_hugepages *pool_of(const struct pt_judge *j, const struct pt_domain *vm)
{
	const struct pt_memory *m = &j->host->memory;
	const struct pt_hugepages *fullest = NULL;

	for (size_t i = 0; i < m->hugepages.n; i++) {
		const struct pt_hugepages *p = &m->hugepages.v[i];

		if (p->size_kib == vm->hugepage_kib)
			return p;
		if (!vm->hugepage_kib && (!fullest || p->size_kib * p->free > fullest->size_kib * fullest->free))
			fullest = p;
	}
	return fullest;
}

static void judge_hugepages(struct pt_judge *j, const struct pt_domain *vm, uint64_t need_kib)
{
	const struct pt_hugepages *p = pool_of(j, vm);
	uint64_t size = p ? p->size_kib : vm->hugepage_kib;
	pt_autofree char *of = size ? pt_strf(" of %" PRIu64 " KiB", size) : pt_strdup("");
	uint64_t have = p ? p->size_kib * p->free : 0;

	/* a running VM has its pages already, and gives them back before it takes them again */
	if (pt_judge_runs(j->vm) || have >= need_kib)
		return;
	pt_judge_refuse(j, PT_FORCE_BY_NAME, "memory", "/sys/kernel/mm/hugepages",
			"reserve more huge pages (vm.nr_hugepages, or hugepages= at boot), or give the VM less memory",
			"VM %s needs %" PRIu64 " MiB in huge pages%s, and %" PRIu64 " MiB are free", j->vm->name,
			mib(need_kib), of, mib(have));
}

/*
 * What the VM holds now comes back when it is shut down: at most its memory, and at most what is in use at all.  Which
 * of it the guest has really touched is known only where libvirt was asked; while it runs that is what needs not be
 * found again.
 */
static void judge_pages(struct pt_judge *j, const struct pt_domain *vm, uint64_t need_kib)
{
	const struct pt_memory *m = &j->host->memory;
	uint64_t in_use = m->total_kib > m->available_kib ? m->total_kib - m->available_kib : 0;
	uint64_t most =
		j->running && j->running->held_kib && j->running->held_kib < in_use ? j->running->held_kib : in_use;
	uint64_t back = !pt_judge_runs(j->vm) ? 0 : vm->memory_kib < most ? vm->memory_kib : most;
	uint64_t have = m->available_kib + back;
	pt_autofree char *more = NULL;

	if (have >= need_kib)
		return;
	more = !back	    ? pt_strdup("")
	       : j->running ? pt_strf(" and at most %" PRIu64 " MiB it has already", mib(back))
			    : pt_strf(" and at most %" PRIu64 " MiB come back when it stops", mib(back));
	pt_judge_refuse(j, PT_FORCE_BY_NAME, "memory", "/proc/meminfo",
			"stop other VMs, or give this one less memory: it is pinned whole, swap does not help",
			"VM %s needs %" PRIu64 " MiB of memory pinned; %" PRIu64 " MiB of %" PRIu64
			" MiB are available%s",
			j->vm->name, mib(need_kib), mib(m->available_kib), mib(m->total_kib), more);
}

void pt_judge_memory(struct pt_judge *j)
{
	unsigned vfio = pt_judge_vfio_count(j);
	const struct pt_domain *vm = j->running ? j->running : j->vm;
	uint64_t pin = pt_memory_to_pin(vm, vfio);
	uint64_t limit = pt_memlock_limit(vm, vfio);

	if (!j->host->memory.total_kib)
		pt_judge_say(j, PT_UNKNOWN, "memory", "/proc/meminfo", NULL,
			     "how much memory this host has could not be seen; VM %s needs %" PRIu64 " MiB pinned",
			     j->vm->name, mib(pin / 1024));
	else if (vm->hugepages)
		judge_hugepages(j, vm, pin / 1024);
	else
		judge_pages(j, vm, pin / 1024);
	if (limit < pin)
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "memory-limit", NULL,
			"remove <hard_limit> from the definition, or raise it to 1 GiB above the guest's memory",
			"VM %s may lock %" PRIu64 " MiB (<hard_limit>), and %" PRIu64 " MiB must be pinned",
			j->vm->name, mib(limit / 1024), mib(pin / 1024));
	else
		pt_judge_say(j, PT_NOTE, "memory", NULL, NULL,
			     "%" PRIu64 " MiB of host memory are pinned while %s runs", mib(pin / 1024), j->vm->name);
}
