/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/attach.h"
#include "decide/group.h"
#include "decide/judge.h"

static int not_in_vm(const struct pt_judge *j, struct pt_bdf bdf, struct pt_error *err)
{
	pt_autofree char *list = NULL;
	PT_AUTO(pt_strv) has = { 0 };
	int r;

	for (size_t i = 0; i < j->vm->hostdevs.n; i++)
		if (j->vm->hostdevs.v[i].kind == PT_HOSTDEV_PCI)
			pt_strv_add(&has, pt_bdf_str(j->vm->hostdevs.v[i].bdf).s);
	list = pt_strv_join(&has, ", ");
	if (pt_judge_holds(j->vm, bdf)) {
		r = pt_usage(err, -ENOENT, "VM %s has %s, but not as a host device that could be detached", j->vm->name,
			     pt_bdf_str(bdf).s);
		pt_hint(err, "it is an NVMe disk, or in its <qemu:commandline>: `virsh edit %s`",
			pt_shell(j->vm->name).s);
		return r;
	}
	r = pt_usage(err, -ENOENT, "VM %s does not have %s", j->vm->name, pt_bdf_str(bdf).s);
	if (has.n)
		pt_hint(err, "it has %s", list);
	else
		pt_hint(err, "it has no host device at all");
	return r;
}

/* as the definition has it, or with --live only what runs */
static const struct pt_domain_hostdev *hostdev_of(const struct pt_judge *j, struct pt_bdf bdf)
{
	const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(j->vm, bdf);

	return h || !j->running ? h : pt_domain_hostdev_by_bdf(j->running, bdf);
}

static int check_request(const struct pt_judge *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->bdfs.n; i++)
		if (!hostdev_of(j, j->bdfs.v[i]))
			return not_in_vm(j, j->bdfs.v[i], err);
	return 0;
}

#define COLD "leave --live out: the VM is then shut down for the change"

/* from where no guest can let go of a device, and libvirt does not even ask it */
static void judge_place(struct pt_judge *j, const struct pt_domain_hostdev *h)
{
	if (j->running->pcie_ports >= 0 && h->on_root)
		/* the PCIe root complex itself knows no hot-plug */
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-hotplug", NULL, COLD,
				"%s is on the PCIe root of VM %s, behind no root port: a guest cannot let go of "
				"it there",
				pt_bdf_str(h->bdf).s, j->vm->name);
	else if (h->shares_slot)
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-hotplug", NULL, COLD,
				"%s shares its slot in VM %s (bus %u, slot %u) with another device: libvirt takes none "
				"of several from there while the VM runs",
				pt_bdf_str(h->bdf).s, j->vm->name, h->guest_bus, h->guest_slot);
	else if (h->fixed)
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-hotplug", NULL, COLD,
				"%s is behind a root port of VM %s (index %u) that takes and gives nothing while it "
				"runs (hotplug='off')",
				pt_bdf_str(h->bdf).s, j->vm->name, h->guest_bus);
}

static void judge_places(struct pt_judge *j)
{
	for (size_t i = 0; j->running && i < j->bdfs.n; i++) {
		const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(j->running, j->bdfs.v[i]);

		if (h)
			judge_place(j, h);
	}
}

/* A group has one owner: what stays with the VM could not start beside a member that a host driver holds. */
static void judge_what_stays(struct pt_judge *j)
{
	for (size_t i = 0; i < j->vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &j->vm->hostdevs.v[i];
		const struct pt_device *stays = pt_devices_find(&j->host->devices, h->bdf);

		if (h->kind != PT_HOSTDEV_PCI || pt_judge_wants(j, h->bdf) || !stays ||
		    stays->iommu_group == PT_GROUP_NONE)
			continue;
		for (size_t k = 0; k < j->devices.n; k++) {
			if (j->devices.v[k]->iommu_group != stays->iommu_group)
				continue;
			pt_judge_refuse(
				j, PT_FORCE_NEVER, "group", NULL, "detach both",
				"%s and %s are in IOMMU group %d: VM %s cannot keep one while the host gets the other",
				pt_bdf_str(j->devices.v[k]->bdf).s, pt_bdf_str(stays->bdf).s, stays->iommu_group,
				j->vm->name);
		}
	}
}

/* The same for what another VM runs with: the kernel lets no host driver into a group that VFIO has. */
static void judge_what_others_run_with(struct pt_judge *j)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *d = &j->host->devices.v[i];

		for (size_t k = 0; k < j->devices.n; k++) {
			const struct pt_domain *o = pt_judge_runner(j, d->bdf);

			if (!o || pt_judge_wants(j, d->bdf) || d->iommu_group == PT_GROUP_NONE ||
			    d->iommu_group != j->devices.v[k]->iommu_group)
				continue;
			pt_judge_refuse(j, PT_FORCE_NEVER, "other-vm-group", NULL, "shut that VM down first",
					"%s cannot go back to the host: VM %s runs with %s of the same IOMMU group %d",
					pt_bdf_str(j->devices.v[k]->bdf).s, o->name, pt_bdf_str(d->bdf).s,
					d->iommu_group);
		}
	}
}

/* does another VM need the device where it is?  With managed='yes' libvirt fetches it when that VM starts. */
static bool is_kept_for_another(struct pt_judge *j, struct pt_bdf bdf)
{
	const struct pt_domain *o = pt_judge_runner(j, bdf);

	for (size_t i = 0; i < j->others->n && !o; i++) {
		const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(&j->others->v[i], bdf);

		if (pt_judge_holds(&j->others->v[i], bdf) && !(h && h->managed))
			o = &j->others->v[i];
	}
	if (o)
		pt_judge_say(j, PT_NOTE, "other-vm", NULL, NULL,
			     "%s is not given back to the host: VM %s has it too, %s", pt_bdf_str(bdf).s, o->name,
			     o->state == PT_DOMAIN_SHUTOFF ? "with managed='no'" : "and runs");
	return o != NULL;
}

/*
 * With managed='yes' libvirt gave it back when the VM stopped, and we only remember it, so that no VM that has it is
 * started with another device in its place.  A record of a device that this boot has not recognised is left as it is.
 */
static void forget(struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, d->bdf);
	const struct pt_domain *other = NULL;
	unsigned n = pt_judge_count_others(j, d->bdf, &other);

	if (!k)
		return;
	if (!n) {
		(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
		return;
	}
	pt_judge_say(j, PT_NOTE, "remembered", NULL, NULL, "%s stays remembered: VM %s has it too",
		     pt_bdf_str(d->bdf).s, other->name);
	if (!pt_keep_at_boot(k) && pt_streq(k->vm_uuid, j->vm->uuid) && pt_judge_is_recorded(k, d))
		pt_judge_hand_over(j, d, k, k->driver, n == 1 ? other : NULL);
}

/* the host gets it, at boot too; another VM that fetches it when it starts must fetch no stranger: as in forget() */
static void let_go(struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, d->bdf);
	const struct pt_domain *other = NULL;
	unsigned n = pt_judge_count_others(j, d->bdf, &other);

	if (!k || !n || !pt_judge_is_recorded(k, d)) {
		(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
		return;
	}
	pt_judge_say(j, PT_NOTE, "remembered", NULL, NULL, "%s stays remembered: VM %s has it too",
		     pt_bdf_str(d->bdf).s, other->name);
	/* what is nobody's in particular is for the other, too, and may be for more that are not here now */
	pt_judge_hand_over(j, d, k, PT_DRIVER_LIBVIRT, n == 1 && k->vm_uuid ? other : NULL);
}

/* only the record goes, if nobody else counts on it: what is at the address, if anything, may be anybody's */
static void give_up_record(struct pt_judge *j, const struct pt_keep *k, struct pt_bdf bdf)
{
	struct pt_device gone = { .bdf = bdf,
				  .vendor = k->id.vendor,
				  .device = k->id.device,
				  .subvendor = k->id.subvendor,
				  .subdevice = k->id.subdevice };
	const struct pt_domain *other = NULL;

	if (!pt_judge_count_others(j, bdf, &other) && (!k->vm_uuid || pt_streq(k->vm_uuid, j->vm->uuid)))
		(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, &gone);
}

static void leave_stranger(struct pt_judge *j, const struct pt_keep *k, const struct pt_device *d, const char *why)
{
	pt_judge_say(j, PT_NOTE, "identity", "/etc/passthru/reserved.d",
		     "`passthru repair` finds where the device of the record is now",
		     "%s is left as it is, since it may be another device than VM %s was given: %s",
		     pt_bdf_str(d->bdf).s, j->vm->name, why);
	give_up_record(j, k, d->bdf);
}

/* what has been taken out of the host, or has moved, and is wanted no more */
static void forget_gone(struct pt_judge *j)
{
	for (size_t i = 0; i < j->bdfs.n; i++) {
		const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, j->bdfs.v[i]);

		if (k && !pt_devices_find(&j->host->devices, j->bdfs.v[i]))
			give_up_record(j, k, j->bdfs.v[i]);
	}
}

static void give_back(struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_domain_hostdev *h = hostdev_of(j, d->bdf);
	const struct pt_keep *k = pt_keep_by_bdf(&j->host->reserved, d->bdf);
	pt_autofree char *why = k && !pt_judge_runs_with(j, d->bdf) ? pt_decide_stranger(j->host, k) : NULL;

	if (why) {
		leave_stranger(j, k, d, why);
		return;
	}
	if (is_kept_for_another(j, d->bdf))
		return;
	if (h->managed) {
		forget(j, d);
		return;
	}
	pt_judge_reset(j, d);
	let_go(j, d);
	(void)pt_judge_unbind(j, d);
}

static void add_steps(struct pt_judge *j)
{
	PT_AUTO(pt_domain_edit) edit = { 0 };

	pt_judge_stop(j);
	/* first: a guest that does not let go leaves everything as it was */
	pt_judge_unplug(j);
	for (size_t i = 0; i < j->bdfs.n; i++)
		if (pt_domain_hostdev_by_bdf(j->vm, j->bdfs.v[i]))
			pt_array_push(&edit.remove_hostdevs, j->bdfs.v[i]);
	if (!pt_domain_edit_empty(&edit))
		pt_judge_vm_step(j, PT_STEP_VM_DEFINE)->edit = edit;
	edit = (struct pt_domain_edit){ 0 };
	for (size_t i = 0; i < j->devices.n; i++)
		give_back(j, j->devices.v[i]);
	forget_gone(j);
	pt_judge_release_companions(j);
	pt_judge_settings(j);
	pt_judge_start(j);
}

static void add_notes(struct pt_judge *j)
{
	PT_AUTO(pt_strv) gone = { 0 };
	pt_autofree char *list = NULL;
	bool storage = false;

	for (size_t i = 0; i < j->bdfs.n; i++)
		if (!pt_devices_find(&j->host->devices, j->bdfs.v[i]))
			pt_strv_add(&gone, pt_bdf_str(j->bdfs.v[i]).s);
	list = pt_strv_join(&gone, ", ");
	for (size_t i = 0; i < j->devices.n; i++)
		storage = storage || pt_device_is_storage(j->devices.v[i]);
	if (storage)
		pt_judge_say(j, PT_NOTE, "disks", NULL, "`passthru undo` takes back the attach, disks and all",
			     "the disks that VM %s had before the controller came are not given back by this",
			     j->vm->name);
	if (gone.n)
		pt_judge_say(j, PT_NOTE, "gone", NULL, NULL,
			     "this host no longer has %s: only the definition of %s changes for that", list,
			     j->vm->name);
}

int pt_decide_detach(const struct pt_attach_facts *facts, const struct pt_attach_request *asked,
		     struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request request = pt_judge_request(facts, asked);
	PT_AUTO(pt_judge)
	j = {
		.host = facts->host,
		.vm = facts->vm,
		.running = facts->running,
		.others = facts->others,
		.request = &request,
		.plan = ret_plan,
	};
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	r = pt_judge_devices(&j, true, err);
	if (r < 0)
		return r;
	pt_judge_summary(&j, "detach", "from");
	r = check_request(&j, err);
	if (r < 0)
		return r;
	pt_judge_vm_state(&j);
	pt_judge_live(&j);
	judge_places(&j);
	judge_what_stays(&j);
	judge_what_others_run_with(&j);
	add_notes(&j);
	add_steps(&j);
	return pt_judge_verdict(&j, err);
}
