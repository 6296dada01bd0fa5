/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/migrate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "decide/cpuflags.h"

#define NAMES_MAX 16

/* "a, b and 3 more"; the caller frees */
static char *some(const struct pt_strv *l)
{
	struct pt_strv head = { .v = l->v, .n = l->n < NAMES_MAX ? l->n : NAMES_MAX };
	pt_autofree char *names = pt_strv_join(&head, ", ");

	return l->n > head.n ? pt_strf("%s and %zu more", names, l->n - head.n) : pt_strdup(names);
}

static const struct pt_cpu_def *cpu_of(const struct pt_migrate_ask *ask)
{
	return &pt_cpu_look_now(ask->look)->cpu;
}

static bool asks_for(const struct pt_cpu_def *cpu, const char *feature)
{
	const char *policy = pt_cpu_def_feature(cpu, feature);

	return pt_streq(policy, "require") || pt_streq(policy, "force");
}

static bool is_whole_host(const struct pt_migrate_ask *ask)
{
	return cpu_of(ask)->mode == PT_CPU_MODE_HOST_PASSTHROUGH || cpu_of(ask)->mode == PT_CPU_MODE_MAXIMUM;
}

/* --- the VM, wherever it goes --- */

static const struct pt_migrate_device *device_of(const struct pt_migrate_ask *ask, struct pt_bdf bdf)
{
	static const struct pt_migrate_device unknown;

	for (size_t i = 0; i < ask->n_devices; i++)
		if (pt_bdf_eq(ask->devices[i].bdf, bdf))
			return &ask->devices[i];
	return &unknown;
}

/* what would unblock it; the caller frees */
static char *unblock(const struct pt_migrate_ask *ask, const struct pt_migrate_device *d, struct pt_bdf bdf)
{
	const char *vm = ask->look->vm.name;

	if (d->network)
		return pt_strf(
			"a virtio interface that stands in for it: `passthru detach %s %s`, then `passthru attach %s "
			"%s --failover`, and it is exchanged for one there; or detach it, and attach one of its kind "
			"there",
			vm, pt_bdf_str(bdf).s, vm, pt_bdf_str(bdf).s);
	return pt_strf("`passthru detach %s %s` first, and attach one of its kind there", vm, pt_bdf_str(bdf).s);
}

static void judge_pci(const struct pt_migrate_ask *ask, const struct pt_domain_hostdev *h, struct pt_findings *l)
{
	const struct pt_migrate_device *device = device_of(ask, h->bdf);
	const char *name = device->name;
	const char *driver = device->driver;
	pt_autofree char *fix = unblock(ask, device, h->bdf);
	pt_autofree char *title =
		pt_strf("%s%s%s%s", pt_bdf_str(h->bdf).s, name ? " (" : "", name ? name : "", name ? ")" : "");

	if (h->team_of) {
		pt_findings_add(
			l, PT_NOTE, "failover", NULL, NULL,
			"%s stands in for %s: it is taken from the guest before the move, and one that is free there "
			"takes its place",
			title, h->team_of);
		return;
	}
	/* vfio-pci itself has no migration; a driver made for one kind of device may */
	if (driver && !pt_streq(driver, "vfio-pci") &&
	    (pt_startswith(driver, "vfio") || pt_endswith(driver, "vfio_pci")))
		pt_findings_add(l, PT_UNKNOWN, "device", NULL, fix,
				"%s is held by %s, which may be able to move its state; the kernel was not asked",
				title, driver);
	else
		pt_findings_add(l, PT_FAIL, "device", NULL, fix,
				"%s is a device of this host, and %s cannot move its state", title,
				driver ? driver : "vfio-pci");
}

static void judge_hostdevs(const struct pt_migrate_ask *ask, struct pt_findings *l)
{
	static const char *const kinds[] = {
		[PT_HOSTDEV_USB] = "a USB device",
		[PT_HOSTDEV_SCSI] = "a SCSI device",
		[PT_HOSTDEV_SCSI_HOST] = "a vhost-scsi target",
		[PT_HOSTDEV_MDEV] = "a mediated device",
		[PT_HOSTDEV_OTHER] = "a device",
	};
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);

	for (size_t i = 0; i < vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &vm->hostdevs.v[i];

		if (h->kind == PT_HOSTDEV_PCI)
			judge_pci(ask, h, l);
		else
			pt_findings_add(l, PT_FAIL, "device", NULL, "take it out of the VM first",
					"%s%s%s%s of this host belongs to the VM, and stays here", kinds[h->kind],
					h->alias || h->scsi ? " (" : "",
					h->scsi	   ? h->scsi
					: h->alias ? h->alias
						   : "",
					h->alias || h->scsi ? ")" : "");
	}
	if (vm->vdpa_count)
		pt_findings_add(l, PT_FAIL, "device", NULL, "take it out of the VM first",
				"%u vDPA device(s) of this host belong to the VM", vm->vdpa_count);
	for (size_t i = 0; i < vm->macvtap_on.n; i++)
		pt_findings_add(l, PT_WARN, "macvtap", NULL, NULL,
				"the interface %s must be there too: macvtap stands on it", vm->macvtap_on.v[i]);
}

/* its definition goes along: from its next start on it would have whatever is at that address there */
static void judge_defined(const struct pt_migrate_ask *ask, struct pt_findings *l)
{
	const struct pt_domain *vm = &ask->look->vm;

	for (size_t i = 0; ask->look->running && i < vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &vm->hostdevs.v[i];
		pt_autofree char *fix = NULL;

		if (!h->has_bdf || pt_domain_hostdev_by_bdf(&ask->look->live, h->bdf))
			continue;
		fix = pt_strf("`passthru detach %s %s --live` takes it out, or attach --live gives it to what runs",
			      vm->name, pt_bdf_str(h->bdf).s);
		pt_findings_add(l, PT_FAIL, "definition", NULL, fix,
				"the definition of %s has %s, which it does not run with: there it would start with "
				"whatever is at that address",
				vm->name, pt_bdf_str(h->bdf).s);
	}
}

/* @ret_shared: where it is on a file system that other hosts may have too, which is all that is to be said */
static void judge_path(const struct pt_domain_disk *d, const struct pt_migrate_disk *fact, const char **ret_shared,
		       struct pt_findings *l)
{
	if (fact->error)
		pt_findings_add(l, PT_UNKNOWN, "storage", NULL, NULL,
				"disk %s is %s, and where that lies could not be looked at: %s", d->target, fact->path,
				strerror(-fact->error));
	else if (fact->block)
		pt_findings_add(l, PT_WARN, "storage", NULL, NULL,
				"disk %s is %s: the target must reach the very same one under this name", d->target,
				fact->path);
	else if (fact->shared == PT_KNOWN_YES)
		*ret_shared = fact->file_system;
	else if (fact->shared == PT_KNOWN_NO && d->readonly)
		pt_findings_add(l, PT_WARN, "storage", NULL, "copy it to the target under the same name",
				"disk %s is %s on %s, which only this host has; it is read-only, so a copy will do",
				d->target, fact->path, fact->file_system);
	else if (fact->shared == PT_KNOWN_NO)
		pt_findings_add(l, PT_FAIL, "storage", NULL,
				"put it on storage that the hosts share (NFS, Ceph, a cluster file system)",
				"disk %s is %s on %s, which only this host has", d->target, fact->path,
				fact->file_system);
	else
		pt_findings_add(l, PT_UNKNOWN, "storage", NULL, NULL,
				"disk %s is %s on %s: whether other hosts have that is not known", d->target,
				fact->path, fact->file_system);
}

static void judge_disk(const struct pt_migrate_ask *ask, const struct pt_domain_disk *d, struct pt_findings *l)
{
	const char *source = d->source ? d->source : "";
	const char *shared = NULL;
	size_t before = l->n;

	if (d->type == PT_DISK_NVME)
		pt_findings_add(l, PT_FAIL, "storage", NULL, "take it out of the VM first",
				"disk %s is the NVMe controller %s of this host", d->target, pt_bdf_str(d->nvme).s);
	if (d->type == PT_DISK_BLOCK)
		judge_path(d, &(struct pt_migrate_disk){ .path = d->source, .block = true }, &shared, l);
	for (size_t i = 0; i < ask->n_disks; i++)
		if (pt_streq(ask->disks[i].target, d->target))
			judge_path(d, &ask->disks[i], &shared, l);
	/* one file that only this host has is enough */
	if (l->n > before || d->type == PT_DISK_NONE)
		return;
	if (shared)
		pt_findings_add(l, PT_OK, "storage", NULL, NULL, "disk %s is on %s, which hosts can share", d->target,
				shared);
	else if (d->type != PT_DISK_NETWORK)
		pt_findings_add(l, PT_UNKNOWN, "storage", NULL, NULL,
				"disk %s is %s: whether other hosts have that is not known", d->target, source);
}

/* qemuMigrationSrcIsAllowed(): QEMU blocks it unless the frequency is fixed, and so do we before it is asked */
static void judge_invtsc(const struct pt_migrate_ask *ask, struct pt_findings *l)
{
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);

	if (!vm->tsc_hz && (pt_strv_has(&ask->needs->given.flags, "invtsc") || asks_for(&vm->cpu, "invtsc")))
		pt_findings_add(
			l, PT_FAIL, "invtsc", NULL,
			"with the VM shut off, `virsh edit`: <timer name='tsc' frequency='HZ'/> in its <clock>, "
			"or no invtsc in its <cpu>",
			"%s has invtsc and its <clock> fixes no frequency of the TSC: libvirt moves it nowhere",
			vm->name);
}

static void tell_unlisted(const struct pt_migrate_ask *ask, struct pt_findings *l)
{
	pt_autofree char *names = some(&ask->needs->unlisted);

	if (ask->needs->unlisted.n)
		pt_findings_add(l, PT_NOTE, "cpu-unlisted", NULL, NULL,
				"QEMU gives the VM what libvirt lists not even for this host: %s. Another host is not "
				"held to lack it for that; its kernel is asked, where its facts tell",
				names);
}

/* what qemuMigrationSrcIsAllowed() refuses besides */
static void judge_refused(const struct pt_domain *vm, struct pt_findings *l)
{
	pt_autofree char *list = pt_strf("`virsh snapshot-list %s`, then `virsh snapshot-delete`", vm->name);

	if (vm->has_snapshots)
		pt_findings_add(l, PT_FAIL, "snapshots", NULL, list,
				"%s has snapshots: libvirt moves no VM that has them", vm->name);
	for (size_t i = 0; i < vm->virtiofs.n; i++)
		pt_findings_add(l, PT_FAIL, "virtiofs", NULL, "take it out of the VM first",
				"%s is shared with the VM by virtiofs: libvirt moves no VM that has that",
				vm->virtiofs.v[i]);
	for (size_t i = 0; i < vm->shmem.n; i++)
		pt_findings_add(l, PT_FAIL, "shmem", NULL, "take it out of the VM first",
				"the shared memory %s is not role='master': libvirt does not move it", vm->shmem.v[i]);
	for (size_t i = 0; i < vm->disks.n; i++)
		if (vm->disks.v[i].transient)
			pt_findings_add(l, PT_FAIL, "transient", NULL, "take <transient/> out of it, or the disk",
					"disk %s is transient: libvirt moves no VM that has such a one",
					vm->disks.v[i].target);
}

static void tell_networks(const struct pt_domain *vm, struct pt_findings *l)
{
	pt_autofree char *bridges = some(&vm->bridges);
	pt_autofree char *networks = some(&vm->networks);

	if (vm->bridges.n)
		pt_findings_add(l, PT_NOTE, "network", NULL, NULL,
				"the target must have these bridges, which is not looked at: %s", bridges);
	if (vm->networks.n)
		pt_findings_add(l, PT_NOTE, "network", NULL, NULL,
				"libvirt there must have these networks, which is not looked at: %s", networks);
}

void pt_decide_migrate_vm(const struct pt_migrate_ask *ask, struct pt_findings *ret_findings)
{
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);
	const struct pt_cpu_def *cpu = cpu_of(ask);

	judge_hostdevs(ask, ret_findings);
	judge_defined(ask, ret_findings);
	for (size_t i = 0; i < vm->disks.n; i++)
		judge_disk(ask, &vm->disks.v[i], ret_findings);
	if (is_whole_host(ask) && pt_streq(cpu->migratable, "off"))
		pt_findings_add(ret_findings, PT_FAIL, "cpu-migratable", NULL,
				"take migratable='off' out of its <cpu>, with the VM shut off",
				"%s runs with %s and migratable='off': libvirt moves it nowhere", vm->name,
				pt_cpu_mode_str(cpu->mode));
	tell_unlisted(ask, ret_findings);
	judge_invtsc(ask, ret_findings);
	judge_refused(vm, ret_findings);
	tell_networks(vm, ret_findings);
	if (!ask->look->running)
		pt_findings_add(ret_findings, PT_NOTE, "off", NULL, NULL,
				"%s does not run: it is judged by its definition", vm->name);
}

/* --- one host --- */

/* libvirt compares the UUIDs of the hosts, and their names besides: what is alike in one it takes for one host */
static bool is_here(const struct pt_migrate_host *here, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *a = here->hypervisor.host_uuid;
	const char *b = host->hypervisor.host_uuid;

	if (a && b && strcasecmp(a, b) == 0)
		pt_findings_add(l, PT_FAIL, "same-host", host->where,
				pt_streq(here->name, host->name)
					? NULL
					: "if it is another host: host_uuid in libvirt's virtqemud.conf (or "
					  "libvirtd.conf) there, and its facts anew",
				"it is this host: the UUID of both is %s", a);
	else if (pt_streq(here->name, host->name) && a && b)
		pt_findings_add(
			l, PT_FAIL, "same-host", host->where, "give it another host name",
			"it has another UUID, but is called %s like this host, and libvirt takes it for this one",
			here->name);
	else if (pt_streq(here->name, host->name))
		pt_findings_add(l, PT_FAIL, "same-host", host->where, NULL, "it is this host: both are called %s",
				here->name);
	else
		return false;
	return true;
}

/* where libvirt is not known, it is taken for one */
static bool is_x86(const struct pt_migrate_host *host)
{
	const char *arch = host->hypervisor.arch;

	return !arch || pt_streq(arch, "x86_64") || pt_streq(arch, "i686");
}

static void judge_vendor(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *here = ask->look->host.vendor ? ask->look->host.vendor : ask->source->cpu.vendor;

	/* elsewhere the kernel names no vendor, and a difference would be one of models */
	if (!is_x86(ask->source))
		return;
	if (!here || !host->cpu.vendor)
		pt_findings_add(l, PT_UNKNOWN, "cpu-vendor", host->where, NULL, "who made its processor is not known");
	else if (!pt_streq(here, host->cpu.vendor))
		pt_findings_add(l, PT_FAIL, "cpu-vendor", host->where, "no model bridges two vendors while a VM runs",
				"its processor is %s, this one %s", host->cpu.vendor, here);
}

/* libvirt's two lists of this host, for this VM and for any: what neither has it would not list for an equal host */
static void split_by_list(const struct pt_cpu_look *look, const struct pt_migrate_host *source,
			  struct pt_migrate_needs *n)
{
	PT_AUTO(pt_strv) rest = { 0 };

	if (look->host_model.flags.n || source->hypervisor.flags.n) {
		pt_cpu_flags_missing(&n->given.flags, &look->host_model.flags, &rest);
		pt_cpu_flags_missing(&rest, &source->hypervisor.flags, &n->unlisted);
	}
	pt_cpu_flags_missing(&n->given.flags, &n->unlisted, &n->listed);
}

void pt_migrate_needs_of(const struct pt_cpu_look *look, const struct pt_migrate_host *source,
			 struct pt_migrate_needs *ret_needs)
{
	struct pt_migrate_needs n = { 0 };

	pt_cpu_given_of(look, &pt_cpu_look_now(look)->cpu, &n.given);
	split_by_list(look, source, &n);
	/* of the kernel's words those that libvirt gives guests too: constant_tsc and its like no guest gets */
	if (n.given.known)
		pt_cpu_flags_pick(&look->host.flags, &n.given.flags, true, &n.by_kernel);
	else
		pt_strv_copy(&n.by_kernel, &look->host.flags);
	*ret_needs = n;
}

void pt_migrate_needs_done(struct pt_migrate_needs *n)
{
	pt_cpu_given_done(&n->given);
	pt_strv_done(&n->listed);
	pt_strv_done(&n->unlisted);
	pt_strv_done(&n->by_kernel);
	*n = (struct pt_migrate_needs){ 0 };
}

/* of the flags that libvirt does not list: those that this kernel has and the target's has not */
static void add_unlisted(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_strv *missing)
{
	PT_AUTO(pt_strv) here = { 0 };
	PT_AUTO(pt_strv) gone = { 0 };

	if (!ask->needs->unlisted.n || !host->cpu.flags.n)
		return;
	pt_cpu_flags_pick(&ask->needs->unlisted, &ask->look->host.flags, true, &here);
	pt_cpu_flags_pick(&here, &host->cpu.flags, false, &gone);
	for (size_t i = 0; i < gone.n; i++)
		pt_strv_add(missing, gone.v[i]);
	pt_strv_sort(missing);
}

/*
 * With libvirt's list of the target, flag for flag.  Else by the target's kernel, whose list leaves flags out that
 * guests have: of a host-passthrough VM it is compared with this host's kernel's, of any other it is only a hint.
 * Return: above 0 when @ret_missing is sure, below when it is a hint, 0 when nothing is known.
 */
static int missing_flags(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			 struct pt_strv *ret_missing)
{
	const struct pt_cpu_given *given = &ask->needs->given;

	if (given->known && host->known && host->hypervisor.flags.n) {
		pt_cpu_flags_missing(&ask->needs->listed, &host->hypervisor.flags, ret_missing);
		add_unlisted(ask, host, ret_missing);
		return 1;
	}
	if (!host->cpu.flags.n)
		return 0;
	if (is_whole_host(ask) && ask->look->host.flags.n) {
		pt_cpu_flags_pick(&ask->needs->by_kernel, &host->cpu.flags, false, ret_missing);
		/* which of them the VM has is not known, but with all of them there that is nothing to ask */
		return given->known || !ret_missing->n ? 1 : -1;
	}
	if (!given->known)
		return 0;
	pt_cpu_flags_pick(&given->flags, &host->cpu.flags, false, ret_missing);
	return -1;
}

/* libvirt there offers no processor to a VM with KVM */
static void judge_kvm(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_strv *flags = &host->cpu.flags;

	/* elsewhere libvirt offers no host-model, which says nothing of KVM */
	if (!pt_streq(pt_cpu_look_now(ask->look)->type, "kvm") || !is_x86(host))
		return;
	if (flags->n && !pt_strv_has(flags, "vmx") && !pt_strv_has(flags, "svm"))
		pt_findings_add(l, PT_FAIL, "kvm", host->where, "turn virtualisation on in its firmware",
				"its processor has neither vmx nor svm: it runs no VM with KVM");
	else if (host->known && !host->hypervisor.flags.n)
		pt_findings_add(
			l, PT_UNKNOWN, "kvm", host->where,
			"there: is kvm_intel or kvm_amd loaded, and what does `virsh domcapabilities --virttype "
			"kvm` say?",
			"its libvirt tells of no processor for VMs with KVM: whether KVM is usable there is "
			"not known");
}

/* off x86 libvirt lists no flags of a host-model, but names the processor */
static bool is_alike_elsewhere(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host)
{
	const struct pt_cpu_host *a = &ask->source->cpu;
	const struct pt_cpu_host *b = &host->cpu;

	return is_whole_host(ask) && host->known && !is_x86(ask->source) && !is_x86(host) && a->vendor && a->model &&
	       pt_streq(a->vendor, b->vendor) && pt_streq(a->model, b->model);
}

static void judge_flags(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	PT_AUTO(pt_strv) missing = { 0 };
	int sure = missing_flags(ask, host, &missing);
	pt_autofree char *names = some(&missing);
	pt_autofree char *fix = NULL;

	if (sure == 0 && is_alike_elsewhere(ask, host)) {
		pt_findings_add(l, PT_OK, "cpu-flags", host->where, NULL, "its processor is %s, as this one is",
				host->cpu.model);
		return;
	}
	if (sure == 0) {
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"which flags its processor has is not known");
		return;
	}
	if (!missing.n && sure < 0) {
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"its kernel lists every flag that the VM has, but libvirt there was not asked");
		return;
	}
	if (!missing.n) {
		pt_findings_add(l, PT_OK, "cpu-flags", host->where, NULL, "it has every flag that the VM has");
		return;
	}
	if (is_whole_host(ask))
		fix = pt_strf(
			"a processor that both can run: `passthru cpu baseline` with both hosts, then `passthru cpu %s "
			"FILE --restart`",
			ask->look->vm.name);
	if (sure > 0)
		pt_findings_add(l, PT_FAIL, "cpu-flags", host->where, fix, "it lacks %zu flag%s that the VM has: %s",
				missing.n, missing.n == 1 ? "" : "s", names);
	else
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"its kernel does not list %zu flag%s that the VM has: %s; libvirt there was not asked",
				missing.n, missing.n == 1 ? "" : "s", names);
}

static void judge_alike(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_cpu_host *a = &ask->source->cpu;
	const struct pt_cpu_host *b = &host->cpu;

	if (is_whole_host(ask) && a->family >= 0 && b->family >= 0 &&
	    (a->family != b->family || a->number != b->number || a->stepping != b->stepping))
		pt_findings_add(l, PT_WARN, "cpu-model", host->where, NULL,
				"its processor is family %d, model %d, stepping %d, this one %d, %d, %d: a guest with "
				"host-passthrough may have fitted itself to the old one",
				b->family, b->number, b->stepping, a->family, a->number, a->stepping);
	if (a->microcode && b->microcode && strtoull(a->microcode, NULL, 0) != strtoull(b->microcode, NULL, 0))
		pt_findings_add(l, PT_WARN, "microcode", host->where,
				is_whole_host(ask) ? "bring both to the same revision" : NULL,
				"its microcode is %s, this one %s: what one mends the other may not", b->microcode,
				a->microcode);
}

static void judge_tsc(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	uint64_t named = pt_cpu_look_now(ask->look)->tsc_hz;
	uint64_t here = named ? named : ask->source->hypervisor.tsc_hz;
	uint64_t there = host->hypervisor.tsc_hz;
	uint64_t apart = here > there ? here - there : there - here;
	bool bound;

	bound = named || pt_strv_has(&ask->needs->given.flags, "invtsc");
	/* QEMU takes 250 parts in a million for the same (target/i386/kvm/kvm.c) */
	if (!here || !there || apart <= here / 4000)
		return;
	if (host->hypervisor.tsc_scaling == PT_KNOWN_YES)
		pt_findings_add(l, PT_WARN, "tsc", host->where, NULL,
				"its TSC ticks at %" PRIu64 " kHz, the VM's at %" PRIu64
				": its processor has to scale it, which it can",
				there / 1000, here / 1000);
	else
		pt_findings_add(l, bound ? PT_FAIL : PT_WARN, "tsc", host->where, NULL,
				"its TSC ticks at %" PRIu64 " kHz, the VM's at %" PRIu64
				": without TSC scaling the guest's clock goes wrong",
				there / 1000, here / 1000);
}

static void judge_machine(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *machine = pt_cpu_look_now(ask->look)->machine;

	if (!host->known || !host->hypervisor.machines.n || !machine)
		pt_findings_add(l, PT_UNKNOWN, "machine", host->where, NULL,
				"whether it has the machine type %s is not known", machine ? machine : "of the VM");
	else if (!pt_strv_has(&host->hypervisor.machines, machine))
		pt_findings_add(l, PT_FAIL, "machine", host->where, "bring QEMU there to the version of this host",
				"its QEMU%s%s has no machine type %s", host->hypervisor.qemu ? " " : "",
				host->hypervisor.qemu ? host->hypervisor.qemu : "", machine);
}

/* pages of the VM's size; where it names none, those of the only size that the host has */
static const struct pt_hugepages *pages_for(const struct pt_domain *vm, const struct pt_migrate_host *host)
{
	if (!vm->hugepage_kib)
		return host->hugepages.n == 1 ? &host->hugepages.v[0] : NULL;
	for (size_t i = 0; i < host->hugepages.n; i++)
		if (host->hugepages.v[i].size_kib == vm->hugepage_kib)
			return &host->hugepages.v[i];
	return NULL;
}

static void judge_hugepages(const struct pt_domain *vm, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_hugepages *p = pages_for(vm, host);
	uint64_t need;

	if (!p && (!host->hugepages.n || !vm->hugepage_kib)) {
		pt_findings_add(l, PT_UNKNOWN, "memory", host->where, "`passthru facts --json` there tells",
				"how many of the huge pages that the VM's memory is made of it has free is not known");
		return;
	}
	need = p && p->size_kib ? vm->memory_kib / p->size_kib + (vm->memory_kib % p->size_kib != 0) : 0;
	if (!p)
		pt_findings_add(l, PT_FAIL, "memory", host->where, NULL,
				"it has no huge pages of %" PRIu64 " KiB, which the VM's memory is made of",
				vm->hugepage_kib);
	else if (p->free < need)
		pt_findings_add(l, PT_FAIL, "memory", host->where, "set more aside there: vm.nr_hugepages",
				"it has %" PRIu64 " huge pages of %" PRIu64 " KiB free, and the VM needs %" PRIu64,
				p->free, p->size_kib, need);
}

static bool has_twin(const struct pt_migrate_ask *ask)
{
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);

	for (size_t i = 0; i < vm->hostdevs.n; i++)
		if (vm->hostdevs.v[i].team_of)
			return true;
	return false;
}

static void judge_memory(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	uint64_t need = pt_cpu_look_now(ask->look)->memory_kib;

	if (pt_cpu_look_now(ask->look)->hugepages)
		judge_hugepages(pt_cpu_look_now(ask->look), host, l);
	else if (!host->available_kib)
		pt_findings_add(l, PT_UNKNOWN, "memory", host->where, NULL, "how much memory it has free is not known");
	else if (host->available_kib < need)
		pt_findings_add(l, PT_FAIL, "memory", host->where, NULL,
				"it has %" PRIu64 " MiB of memory free, and the VM needs %" PRIu64,
				host->available_kib / 1024, need / 1024);
	else if (host->certain_kib && host->certain_kib < need)
		/* a device has all of it pinned at once */
		pt_findings_add(l, has_twin(ask) ? PT_UNKNOWN : PT_WARN, "memory", host->where,
				"there: MemAvailable in /proc/meminfo, which libvirt does not tell",
				"it has %" PRIu64 " MiB of memory free for certain, and the VM needs %" PRIu64
				"; %" PRIu64 " MiB are in caches, of which those of shared memory do not give way",
				host->certain_kib / 1024, need / 1024,
				(host->available_kib - host->certain_kib) / 1024);
}

/* libvirt refuses a name that another has, and takes the place of a definition that has name and UUID */
static void judge_vm_there(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			   const struct pt_migrate_vm *v, struct pt_findings *l)
{
	const struct pt_domain *vm = &ask->look->vm;
	bool same_uuid = vm->uuid && strcasecmp(v->uuid, vm->uuid) == 0;
	bool same_name = pt_streq(v->name, vm->name);

	if (same_uuid && v->active)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where,
				"see which of them is to be: two with the same disks destroy these",
				"a VM with its UUID runs there already, %s", v->name);
	else if (same_uuid && !same_name)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where, "`virsh undefine` there, if nobody needs it",
				"%s there has the UUID of %s", v->name, vm->name);
	else if (same_uuid)
		pt_findings_add(l, PT_WARN, "vm-there", host->where, NULL,
				"%s is defined there, too, and shut off: that definition is replaced", v->name);
	else if (same_name)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where, "`virsh domrename` one of them, shut off",
				"another VM is called %s there (%s)", v->name, v->uuid);
}

/* a newer libvirt has models that an older one does not know, whatever the processor can do */
static void judge_model(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_cpu_def *cpu = cpu_of(ask);

	if (cpu->mode != PT_CPU_MODE_CUSTOM || !cpu->model || !host->hypervisor.models.n ||
	    pt_strv_has(&host->hypervisor.models, cpu->model))
		return;
	pt_findings_add(
		l, PT_FAIL, "cpu-unknown-model", host->where,
		"bring libvirt and QEMU there to the version of this host; or give the VM a model that both know",
		"its libvirt%s%s knows no processor model %s, which the VM has", host->hypervisor.libvirt ? " " : "",
		host->hypervisor.libvirt ? host->hypervisor.libvirt : "", cpu->model);
}

void pt_decide_migrate_host(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			    struct pt_findings *ret_findings)
{
	const char *a = ask->source->hypervisor.arch;
	const char *b = host->hypervisor.arch;

	if (host->why_not) {
		pt_findings_add(ret_findings, PT_UNKNOWN, "host", host->where, host->why_fix, "%s", host->why_not);
		return;
	}
	if (is_here(ask->source, host, ret_findings))
		return;
	if (a && b && !pt_streq(a, b)) {
		pt_findings_add(ret_findings, PT_FAIL, "arch", host->where, NULL, "it is a host of %s, this one of %s",
				b, a);
		return;
	}
	for (size_t i = 0; i < host->vms.n; i++)
		judge_vm_there(ask, host, &host->vms.v[i], ret_findings);
	judge_vendor(ask, host, ret_findings);
	judge_model(ask, host, ret_findings);
	judge_kvm(ask, host, ret_findings);
	judge_flags(ask, host, ret_findings);
	judge_alike(ask, host, ret_findings);
	judge_tsc(ask, host, ret_findings);
	judge_machine(ask, host, ret_findings);
	judge_memory(ask, host, ret_findings);
}
