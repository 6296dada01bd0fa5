/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/migrate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/migrate-ask.h"

static bool asks_for(const struct pt_cpu_def *cpu, const char *feature)
{
	const char *policy = pt_cpu_def_feature(cpu, feature);

	return pt_streq(policy, "require") || pt_streq(policy, "force");
}

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
	struct pt_shell_word vm = pt_shell(ask->look->vm.name);

	if (d->network)
		return pt_strf(
			"a virtio interface that stands in for it: `passthru detach %s %s`, then `passthru attach %s "
			"%s --failover`, and it is exchanged for one there; or detach it, and attach one of its kind "
			"there",
			vm.s, pt_bdf_str(bdf).s, vm.s, pt_bdf_str(bdf).s);
	return pt_strf("`passthru detach %s %s` first, and attach one of its kind there", vm.s, pt_bdf_str(bdf).s);
}

/* the kernel answers who has opened the device: that is QEMU, which hears it when it starts and blocks itself */
static void judge_variant(const struct pt_migrate_ask *ask, const char *title, const char *driver, const char *fix,
			  struct pt_findings *l)
{
	pt_autofree char *how = pt_strf(
		"`--ask-qemu` has its QEMU tell, which has asked the kernel (libvirt then marks %s as tainted until "
		"it is shut off); or %s",
		ask->look->vm.name, fix);

	if (ask->now && ask->now->asked && !ask->now->blockers.n)
		pt_findings_add(
			l, PT_WARN, "device", NULL,
			"see that the target has the same function at this address, held by the same driver",
			"%s is held by %s, and QEMU says that it can move its state: to a function like it at the "
			"same address there",
			title, driver);
	else if (ask->now && ask->now->asked)
		pt_findings_add(
			l, PT_UNKNOWN, "device", NULL, fix,
			"%s is held by %s, which may be able to move its state; what QEMU says it cannot move is "
			"told apart",
			title, driver);
	else
		pt_findings_add(l, PT_UNKNOWN, "device", NULL, ask->look->running ? how : fix,
				"%s is held by %s, which may be able to move its state; the kernel was not asked",
				title, driver);
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
		judge_variant(ask, title, driver, fix, l);
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
			      pt_shell(vm->name).s, pt_bdf_str(h->bdf).s);
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

/* a mirror that libvirt told of as a job, too */
static bool tells_of(const struct pt_migrate_now *now, const char *target)
{
	size_t n = target ? strlen(target) : 0;

	for (size_t i = 0; n && now && i < now->block_jobs.n; i++)
		if (strncmp(now->block_jobs.v[i], target, n) == 0 && now->block_jobs.v[i][n] == ':')
			return true;
	return false;
}

/* @target: of a disk, and what may follow behind a colon; the caller frees */
static char *end_block_job(const char *vm, const char *target)
{
	return pt_strf("`virsh blockjob %s %.*s --info`; it ends, or --abort ends it", pt_shell(vm).s,
		       (int)strcspn(target, ":"), target);
}

/* what goes on with it now, and ends some time */
static void judge_jobs(const struct pt_migrate_now *now, const char *vm, struct pt_findings *l)
{
	struct pt_shell_word word = pt_shell(vm);
	pt_autofree char *job_fix =
		pt_strf("`virsh domjobinfo %s`; it ends, or `virsh domjobabort %s` ends it", word.s, word.s);
	pt_autofree char *silent = pt_strv_join(&now->silent, "; ");

	if (now->job)
		pt_findings_add(l, PT_FAIL, "job", NULL, job_fix,
				"libvirt is at work on %s, %s: it moves no VM meanwhile", vm, now->job);
	for (size_t i = 0; i < now->block_jobs.n; i++) {
		const char *job = now->block_jobs.v[i];
		pt_autofree char *fix = end_block_job(vm, job);

		pt_findings_add(l, PT_FAIL, "block-job", NULL, fix,
				"a block job goes on at disk %s: libvirt moves no VM that has one", job);
	}
	for (size_t i = 0; i < now->blockers.n; i++)
		pt_findings_add(l, PT_FAIL, "qemu", NULL, "take out of the VM what it names",
				"its QEMU cannot move it: %s", now->blockers.v[i]);
	if (now->silent.n)
		pt_findings_add(l, PT_UNKNOWN, "job", NULL, "ask again", "what goes on with %s is not known: %s", vm,
				silent);
}

/* libvirt lets them be, and forgets them here when the VM is gone; the bitmaps in the images go along */
static void judge_checkpoints(const struct pt_migrate_now *now, const char *vm, struct pt_findings *l)
{
	pt_autofree char *fix = pt_strf(
		"before: `virsh checkpoint-dumpxml %s NAME` of each into a file; there, when it has moved: `virsh "
		"checkpoint-create %s FILE --redefine`, parents first; or begin with a full backup",
		pt_shell(vm).s, pt_shell(vm).s);

	if (now->checkpoints)
		pt_findings_add(
			l, PT_WARN, "checkpoints", NULL, fix,
			"%s has %u checkpoint%s: libvirt does not take them along, and the next incremental backup "
			"there fails on the bitmaps that they left in the images",
			vm, now->checkpoints, now->checkpoints == 1 ? "" : "s");
}

/*
 * The kernel's own words (Documentation/virt/kvm/x86/running-nested-guests.rst): works on Intel since Linux 5.3 and
 * QEMU 4.2; on AMD, undefined behaviour.
 */
static void judge_nested(const struct pt_migrate_ask *ask, struct pt_findings *l)
{
	const struct pt_strv *flags = &ask->needs->given.flags;
	const char *vm = ask->look->vm.name;

	if (pt_strv_has(flags, "svm"))
		pt_findings_add(
			l, PT_WARN, "nested", NULL, "shut the guests in its guest down before it moves",
			"%s can run guests of its own (svm): if one runs while it is moved, what becomes of it is, "
			"by the kernel's documentation, undefined on AMD; with none it moves as any other",
			vm);
	else if (pt_strv_has(flags, "vmx"))
		pt_findings_add(
			l, PT_NOTE, "nested", NULL, NULL,
			"%s can run guests of its own (vmx): they move with it where both hosts have Linux 5.3 and "
			"QEMU 4.2 at least",
			vm);
}

/* what qemuMigrationSrcIsAllowed() refuses besides, and what is bound to this host's own chips */
static void judge_refused(const struct pt_domain *vm, const struct pt_migrate_now *now, struct pt_findings *l)
{
	pt_autofree char *list =
		pt_strf("`virsh snapshot-list %s`, then `virsh snapshot-delete`", pt_shell(vm->name).s);

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
	for (size_t i = 0; i < vm->disks.n; i++) {
		const struct pt_domain_disk *d = &vm->disks.v[i];
		pt_autofree char *end = NULL;

		if (!d->mirrored || tells_of(now, d->target))
			continue;
		end = end_block_job(vm->name, d->target ? d->target : "");
		pt_findings_add(l, PT_FAIL, "block-job", NULL, end,
				"disk %s is being copied by a block job: libvirt moves no VM that has one", d->target);
	}
	if (vm->host_tpm)
		pt_findings_add(l, PT_FAIL, "device", NULL, "take it out of the VM first, or have it emulated",
				"the TPM %s of this host belongs to the VM, and stays here", vm->host_tpm);
	if (vm->launch_secured)
		pt_findings_add(
			l, PT_FAIL, "launch-security", NULL, NULL,
			"its memory is encrypted by this host's processor (<launchSecurity type='%s'>): QEMU cannot "
			"move it",
			vm->launch_secured);
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
				"the target must have these bridges (a host that is a URI is asked): %s", bridges);
	if (vm->networks.n)
		pt_findings_add(l, PT_NOTE, "network", NULL, NULL,
				"libvirt there must have these networks, active (a host that is a URI is asked): %s",
				networks);
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
	judge_nested(ask, ret_findings);
	judge_refused(vm, ask->now, ret_findings);
	if (ask->now)
		judge_jobs(ask->now, ask->look->vm.name, ret_findings);
	if (ask->now)
		judge_checkpoints(ask->now, ask->look->vm.name, ret_findings);
	tell_networks(vm, ret_findings);
	if (!ask->look->running)
		pt_findings_add(ret_findings, PT_NOTE, "off", NULL, NULL,
				"%s does not run: it is judged by its definition", vm->name);
}
