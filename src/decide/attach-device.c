/* SPDX-License-Identifier: Apache-2.0 */
/* May the host give these functions away?  Rules 1, 2 and 8 of docs/design/. */
#include <assert.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/group.h"
#include "decide/judge.h"
#include "decide/use-fix.h"

void pt_judge_host(struct pt_judge *j)
{
	if (j->host->iommu_active == PT_KNOWN_NO) {
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-iommu", "/sys/class/iommu",
				"`passthru doctor` says whether firmware or kernel is the cause, and what to do",
				"no IOMMU is active on this host, so no device can be passed through safely");
		return;
	}
	for (size_t i = 0; i < j->devices.n; i++)
		if (j->devices.v[i]->iommu_group == PT_GROUP_NONE)
			pt_judge_refuse(
				j, PT_FORCE_NEVER, "no-iommu-group", "iommu_group",
				"`passthru doctor DEVICE` says more; a device behind no IOMMU cannot be passed through",
				"%s is in no IOMMU group", pt_bdf_str(j->devices.v[i]->bdf).s);
	if (j->host->intremap == PT_KNOWN_NO)
		pt_judge_refuse(
			j, PT_FORCE_NEVER, "no-interrupt-remapping", NULL,
			"turn on interrupt remapping (x2APIC) in the firmware, or accept that a guest can forge "
			"interrupts: `options vfio_iommu_type1 allow_unsafe_interrupts=1` in /etc/modprobe.d",
			"this host has no interrupt remapping, and VFIO refuses devices without it");
	else if (j->host->intremap == PT_KNOWN_UNKNOWN)
		pt_judge_say(j, PT_UNKNOWN, "no-interrupt-remapping", NULL, NULL,
			     "whether this host remaps interrupts could not be seen");
}

/* every function that must be named for the group to go, as arguments of a command; the VM may have some already */
static char *whole_group(const struct pt_judge *j, const struct pt_group_members *l)
{
	struct pt_buf out = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if ((l->v[i].role == PT_GROUP_WANTED || l->v[i].role == PT_GROUP_BLOCKS) &&
		    !pt_judge_holds(j->vm, l->v[i].device->bdf))
			pt_buf_addf(&out, " %s", pt_bdf_str(l->v[i].device->bdf).s);
	return pt_buf_take(&out);
}

static void judge_group(struct pt_judge *j, int group, const struct pt_group_members *l)
{
	pt_autofree char *blocks = pt_group_list(l, PT_GROUP_BLOCKS);
	pt_autofree char *bridges = pt_group_list(l, PT_GROUP_BLOCKS_BRIDGE);
	pt_autofree char *wanted = pt_group_list(l, PT_GROUP_WANTED);
	pt_autofree char *idle = pt_group_list(l, PT_GROUP_FREE);
	pt_autofree char *behind = pt_group_list(l, PT_GROUP_GOES);
	pt_autofree char *others = pt_group_others_list(j->host, group);
	pt_autofree char *all = whole_group(j, l);
	pt_autofree char *where = pt_strf("/sys/kernel/iommu_groups/%d/devices", group);
	pt_autofree char *fix = NULL;

	if (blocks[0]) {
		fix = pt_strf("%s the whole group: `passthru %s%s%s`%s", j->vm->name ? "give the VM" : "reserve",
			      j->vm->name ? "attach " : "reserve", j->vm->name ? pt_shell(j->vm->name).s : "", all,
			      pt_group_apart_in_another_slot(l) ? "; or move the card to another slot" : "");
		pt_judge_refuse(j, PT_FORCE_NEVER, "group", where, fix,
				"IOMMU group %d can only go as a whole: beside %s it has %s", group, wanted, blocks);
	}
	if (bridges[0])
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "group-bridge", where,
			"take the driver off the bridge (write its address to the driver's `unbind`), or move the "
			"card to another slot; kernels before 5.19 let such a group pass",
			"IOMMU group %d has a bridge that a host driver holds: %s", group, bridges);
	if (others[0])
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "group-other", where,
				"take its driver off it (write its name to the driver's `unbind`), if the host can do "
				"without; kernels before 5.19 let such a group pass",
				"IOMMU group %d has a device that is no PCI function, and a host driver holds it: %s",
				group, others);
	if (behind[0])
		pt_judge_say(j, PT_NOTE, "group", where, NULL, "what is behind %s goes along with it: %s", wanted,
			     behind);
	if (idle[0])
		pt_judge_say(j, PT_NOTE, "group", where, NULL,
			     "IOMMU group %d also has %s: the host cannot use it while %s has the group", group, idle,
			     j->vm->name ? j->vm->name : "a guest");
}

/* Linux: pci_real_dma_dev(): VMD's own address is what the IOMMU sees of all that is behind it */
static bool judge_carrier(struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_device *carrier = pt_device_carrier(&j->host->devices, d);
	pt_autofree char *fix = NULL;

	if (!carrier)
		return false;
	fix = pt_strf("name %s itself: all that is behind it goes along; or switch it (VMD) off in the firmware's "
		      "set-up, so that this has an address and a group of its own",
		      pt_bdf_str(carrier->bdf).s);
	pt_judge_refuse(
		j, PT_FORCE_NEVER, "behind-vmd", "/sys/bus/pci/devices", fix,
		"%s is behind the controller %s (%s), which does its DMA: no guest can have the one without the "
		"other",
		pt_bdf_str(d->bdf).s, pt_bdf_str(carrier->bdf).s, carrier->driver ? carrier->driver : "no driver");
	return true;
}

static bool group_seen(const struct pt_judge *j, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (j->devices.v[k]->iommu_group == j->devices.v[i]->iommu_group)
			return true;
	return false;
}

void pt_judge_groups(struct pt_judge *j)
{
	PT_ARRAY(struct pt_bdf) with = { 0 };

	/* what the VM has already goes along, whichever driver has it while the VM is off */
	for (size_t i = 0; i < j->bdfs.n; i++)
		pt_array_push(&with, j->bdfs.v[i]);
	for (size_t i = 0; i < j->vm->hostdevs.n; i++)
		if (j->vm->hostdevs.v[i].kind == PT_HOSTDEV_PCI)
			pt_array_push(&with, j->vm->hostdevs.v[i].bdf);
	for (size_t i = 0; i < j->devices.n; i++) {
		PT_AUTO(pt_group_members) l = { 0 };
		int group = j->devices.v[i]->iommu_group;

		if (judge_carrier(j, j->devices.v[i]) || group == PT_GROUP_NONE || group_seen(j, i))
			continue;
		pt_group_judge(&j->host->devices, group, with.v, with.n, &l);
		judge_group(j, group, &l);
	}
	free(with.v);
}

/* The VM that holds @bdf: a running one rather than one that is shut off; NULL when none does. */
static const struct pt_domain *holder(const struct pt_judge *j, struct pt_bdf bdf)
{
	const struct pt_domain *found = pt_judge_holds(j->vm, bdf) ? j->vm : NULL;

	for (size_t i = 0; i < j->others->n; i++) {
		const struct pt_domain *o = &j->others->v[i];

		assert(o);
		if (pt_judge_holds(o, bdf) && (!found || o->state != PT_DOMAIN_SHUTOFF))
			found = o;
	}
	return found;
}

static void refuse_vfs(struct pt_judge *j, const struct pt_device *pf)
{
	const struct pt_domain *user = NULL;
	const struct pt_device *used = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *vf = &j->host->devices.v[i];
		const struct pt_domain *h;

		if (vf->sriov != PT_SRIOV_VF || !pt_bdf_eq(vf->pf, pf->bdf))
			continue;
		n++;
		h = holder(j, vf->bdf);
		if (h && !user) {
			user = h;
			used = vf;
		}
	}
	if (user)
		pt_judge_refuse(j, user->state == PT_DOMAIN_SHUTOFF ? PT_FORCE_BY_NAME : PT_FORCE_NEVER, "vfs-in-use",
				NULL, "take the virtual functions from the VMs first, or attach one of them instead",
				"%s is a physical function, and VM %s has its virtual function %s: PF or VFs, not both",
				pt_bdf_str(pf->bdf).s, user->name, pt_bdf_str(used->bdf).s);
	else if (n)
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "vfs-enabled", "sriov_numvfs", "`passthru sriov` with --vfs 0 first",
			"%s is a physical function with %u virtual functions enabled, which go when its driver does",
			pt_bdf_str(pf->bdf).s, n);
}

static void refuse_pf(struct pt_judge *j, const struct pt_device *vf)
{
	const struct pt_device *pf = pt_devices_find(&j->host->devices, vf->pf);
	const struct pt_domain *h = holder(j, vf->pf);

	if (pt_judge_wants(j, vf->pf))
		pt_judge_refuse(j, PT_FORCE_NEVER, "pf-in-use", NULL, "name either the one or the other",
				"%s is a virtual function of %s: PF or VFs, not both", pt_bdf_str(vf->bdf).s,
				pt_bdf_str(vf->pf).s);
	else if (h)
		pt_judge_refuse(j, h->state == PT_DOMAIN_SHUTOFF ? PT_FORCE_BY_NAME : PT_FORCE_NEVER, "pf-in-use", NULL,
				"take the physical function from that VM first",
				"%s is a virtual function of %s, which VM %s has: PF or VFs, not both",
				pt_bdf_str(vf->bdf).s, pt_bdf_str(vf->pf).s, h->name);
	else if (pf && pt_driver_is_vfio(pf->driver))
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "pf-in-use", NULL,
			"give the physical function back to its own driver first",
			"%s is a virtual function of %s, which %s holds for a guest: whoever has the PF rules the VF",
			pt_bdf_str(vf->bdf).s, pt_bdf_str(vf->pf).s, pf->driver);
}

void pt_judge_sriov(struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];

		if (d->sriov == PT_SRIOV_PF)
			refuse_vfs(j, d);
		else if (d->sriov == PT_SRIOV_VF)
			refuse_pf(j, d);
	}
}

static void judge_other_vm(struct pt_judge *j, const struct pt_domain *o, const struct pt_device *d)
{
	bool off = o->state == PT_DOMAIN_SHUTOFF;

	if (pt_judge_wants(j, d->bdf))
		pt_judge_refuse(j, off ? PT_FORCE_BY_NAME : PT_FORCE_NEVER, "other-vm", NULL,
				"detach it from that VM first", "%s belongs to VM %s, which is %s",
				pt_bdf_str(d->bdf).s, o->name, off ? "shut off" : "running");
	else if (off)
		pt_judge_say(j, PT_WARN, "other-vm-group", NULL, NULL,
			     "%s in the same IOMMU group %d belongs to VM %s: the two VMs cannot run at the same time",
			     pt_bdf_str(d->bdf).s, d->iommu_group, o->name);
	else
		pt_judge_refuse(
			j, PT_FORCE_NEVER, "other-vm-group", NULL,
			"give both devices to the same VM, or move the card to another slot",
			"%s in the same IOMMU group %d belongs to VM %s, which is running; a group has one owner",
			pt_bdf_str(d->bdf).s, d->iommu_group, o->name);
}

static bool shares_group(const struct pt_judge *j, const struct pt_device *d)
{
	for (size_t i = 0; i < j->devices.n; i++)
		if (d->iommu_group != PT_GROUP_NONE && j->devices.v[i]->iommu_group == d->iommu_group)
			return true;
	return false;
}

void pt_judge_other_vms(struct pt_judge *j)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *d = &j->host->devices.v[i];
		bool wanted = pt_judge_wants(j, d->bdf);

		if (!wanted && !shares_group(j, d))
			continue;
		for (size_t k = 0; k < j->others->n; k++)
			if (pt_judge_holds(&j->others->v[k], d->bdf))
				judge_other_vm(j, &j->others->v[k], d);
	}
}

/*
 * QEMU of the VM itself may have its disks and devices open: it ends before they move.  Its name does not tell it from
 * the QEMU of another libvirt's VM, from one that nobody manages, or from qemu-nbd and qemu-img: its UUID does.
 */
static bool is_own_qemu(const struct pt_judge *j, const struct pt_use *u)
{
	bool qemu = u->vm_uuid && j->vm->uuid && strcasecmp(u->vm_uuid, j->vm->uuid) == 0;

	/* virtlockd holds the disks of this libvirt's running VMs; those of others are refused as theirs */
	if (!pt_judge_runs(j->vm) || !(qemu || (u->kind == PT_USE_OPEN && pt_streq(u->comm, "virtlockd"))))
		return false;
	/* the group that it has open for one device is open for every member */
	if (u->kind == PT_USE_VFIO)
		return true;
	if (u->kind != PT_USE_OPEN)
		return false;
	for (size_t i = 0; i < j->vm->disks.n; i++)
		if (pt_judge_disk_on(j, i, u->bdf) >= 0)
			return true;
	return false;
}

static void judge_use(struct pt_judge *j, const struct pt_device *d, const struct pt_use *u)
{
	const char *bdf_note = pt_judge_wants(j, d->bdf) ? "" : ", which is in the same IOMMU group";

	if (u->kind >= PT_USE_KINDS || is_own_qemu(j, u))
		return;
	if (u->kind == PT_USE_ADDRESS) {
		pt_judge_say(j, PT_WARN, pt_use_kind_str(u->kind), u->where, pt_use_fix(u->kind),
			     "the host would lose %s%s: %s", pt_bdf_str(d->bdf).s, bdf_note, u->chain);
		return;
	}
	pt_judge_refuse(j, PT_FORCE_BY_NAME, pt_use_kind_str(u->kind), u->where, pt_use_fix(u->kind),
			"the host uses %s%s: %s", pt_bdf_str(d->bdf).s, bdf_note, u->chain);
}

static const char *override_owner(const struct pt_host *host, struct pt_bdf bdf)
{
	for (size_t i = 0; i < host->overrides.n; i++)
		if (pt_bdf_eq(host->overrides.v[i].bdf, bdf))
			return host->overrides.v[i].owner;
	return NULL;
}

/* an override is somebody's word on who may hold the device: driverctl's, an administrator's; ours is for VFIO */
void pt_judge_overrides(struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];
		const char *owner = override_owner(j->host, d->bdf);

		if (!d->driver_override || pt_streq(d->driver_override, PT_DRIVER_UNDECIDED))
			continue;
		if (pt_driver_is_vfio(d->driver_override)) {
			if (owner)
				pt_judge_say(j, PT_NOTE, "override", "driver_override", NULL,
					     "%s is kept on %s by %s too: undo and release leave that alone",
					     pt_bdf_str(d->bdf).s, d->driver_override, owner);
			continue;
		}
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "override", "driver_override",
				owner ? "`driverctl unset-override` takes it back"
				      : "write an empty line to its driver_override, if that is no longer meant",
				"driver_override of %s names %s, set by %s: somebody wants only that driver to hold it",
				pt_bdf_str(d->bdf).s, d->driver_override, owner ? owner : "an administrator");
	}
}

void pt_judge_uses(struct pt_judge *j)
{
	pt_judge_overrides(j);
	for (size_t i = 0; i < j->host->uses.n; i++) {
		const struct pt_use *u = &j->host->uses.v[i];
		const struct pt_device *d = pt_devices_find(&j->host->devices, u->bdf);

		if (d && !pt_device_is_bridge(d) && (pt_judge_wants(j, u->bdf) || shares_group(j, d)))
			judge_use(j, d, u);
	}
}
