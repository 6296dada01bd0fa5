/* SPDX-License-Identifier: Apache-2.0 */
/* What VMs have of the devices in other ways than as a <disk> that simply leaves the definition. */
#include "base/cleanup.h"
#include "base/text.h"
#include "decide/group.h"
#include "decide/judge.h"

static const struct pt_block *block_of(const struct pt_judge *j, const struct pt_vm_claim *c)
{
	return c->kind != PT_CLAIM_SCSI && c->block < j->host->blocks.n ? &j->host->blocks.v[c->block] : NULL;
}

/* the device asked for that the claim is behind; NULL when it is none of them */
static const struct pt_device *carrier(const struct pt_judge *j, const struct pt_vm_claim *c)
{
	const struct pt_block *b = block_of(j, c);

	for (size_t i = 0; i < j->devices.n; i++) {
		struct pt_bdf bdf = j->devices.v[i]->bdf;

		if (c->kind == PT_CLAIM_SCSI ? pt_bdf_eq(c->controller, bdf)
					     : b && pt_block_behind(&j->host->blocks, b, bdf))
			return j->devices.v[i];
	}
	return NULL;
}

/* a disk that leaves takes what it stands on along */
static bool leaves(const struct pt_judge *j, const char *target)
{
	for (size_t i = 0; i < j->vm->disks.n; i++)
		for (size_t d = 0; d < j->devices.n; d++)
			if (pt_streq(j->vm->disks.v[i].target, target) &&
			    pt_judge_disk_on(j, i, j->devices.v[d]->bdf) >= 0)
				return true;
	return false;
}

/* what the VM itself would miss at its next start, and no edit of ours takes out */
static void judge_own(struct pt_judge *j, const struct pt_vm_claim *c, const struct pt_device *d)
{
	const struct pt_bdf_text bdf = pt_bdf_str(d->bdf);
	pt_autofree char *fix = NULL;

	switch (c->kind) {
	case PT_CLAIM_CHAIN:
		if (leaves(j, c->target))
			return;
		pt_judge_refuse(
			j, PT_FORCE_NEVER, "disk-chain", NULL,
			"copy what is on it to the disk itself (`virsh blockpull`, or qemu-img while the VM is "
			"off), or take that disk out of the definition first",
			"the disk %s of VM %s cannot do without %s, which is behind %s: its backing file, mirror "
			"or data store is there",
			c->target, c->vm, c->path, bdf.s);
		break;
	case PT_CLAIM_ARGUMENT:
		fix = pt_strf("take it out of the <qemu:commandline> first: `virsh edit %s`", pt_shell(c->vm).s);
		pt_judge_refuse(j, PT_FORCE_NEVER, "qemu-arguments", NULL, fix,
				"VM %s has %s, which is behind %s, among the arguments of its <qemu:commandline>",
				c->vm, c->path, bdf.s);
		break;
	case PT_CLAIM_SCSI:
		fix = pt_strf("take that <hostdev> out of the definition first: `virsh edit %s`", pt_shell(c->vm).s);
		pt_judge_refuse(j, PT_FORCE_NEVER, "scsi-hostdev", NULL, fix,
				"VM %s has the SCSI device %s, which is behind %s, as a host device of its own", c->vm,
				c->path, bdf.s);
		break;
	case PT_CLAIM_SOURCE:
	case PT_CLAIM_UNSEEN:
		break;
	}
}

static void judge_other(struct pt_judge *j, const struct pt_vm_claim *c, const struct pt_device *d)
{
	const struct pt_block *b = block_of(j, c);

	pt_judge_refuse(j, c->running ? PT_FORCE_NEVER : PT_FORCE_BY_NAME, "other-vm-disk", NULL,
			j->vm->name ? "take the disk from that VM first, or give it a disk behind another controller"
				    : "give that VM the controller itself: `passthru attach` takes such a disk out of "
				      "its definition",
			"%s carries the %s %s, which VM %s (%s) uses as %s", pt_bdf_str(d->bdf).s,
			b ? "disk" : "SCSI device", b ? b->name : c->path, c->vm, c->running ? "running" : "shut off",
			b ? c->path : "a host device");
}

/* a storage controller whose disks the host cannot see now, because no driver of its own shows them */
static const struct pt_device *find_blind(const struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];

		if (pt_device_is_storage(d) &&
		    (!d->driver || pt_driver_is_vfio(d->driver) || pt_streq(d->driver, "pci-stub")))
			return d;
	}
	return NULL;
}

static void judge_unseen(struct pt_judge *j, const struct pt_vm_claim *c, const struct pt_device *d)
{
	const char *by = d->driver ? d->driver : "no driver";
	pt_autofree char *fix = NULL;

	if (c->own) {
		fix = pt_strf(
			"give it back to its own driver first, so that this can be told "
			"(`virsh nodedev-reattach pci_%04x_%02x_%02x_%x`), or take the disk out of the definition",
			d->bdf.domain, d->bdf.bus, d->bdf.slot, d->bdf.func);
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "disks-not-seen", "driver", fix,
			"the disk %s of VM %s is not on this host now (%s): it may be behind %s, which %s holds",
			c->target, c->vm, c->path, pt_bdf_str(d->bdf).s, by);
		return;
	}
	pt_judge_say(j, PT_WARN, "disks-not-seen", "driver", NULL,
		     "the disk %s of VM %s is not on this host now (%s): it may be behind %s, which %s holds",
		     c->target, c->vm, c->path, pt_bdf_str(d->bdf).s, by);
}

/* libvirt tells the path of a volume only while its pool is active */
static void judge_volumes(struct pt_judge *j, const struct pt_device *d)
{
	for (size_t i = 0; i < j->vm->disks.n && pt_device_is_storage(d); i++) {
		const struct pt_domain_disk *k = &j->vm->disks.v[i];

		if (k->type != PT_DISK_VOLUME || !k->source || k->also.n)
			continue;
		pt_judge_say(
			j, PT_UNKNOWN, "volume", NULL,
			"start its pool (`virsh pool-start`), then give the command again",
			"the disk %s of VM %s is the volume %s, which libvirt does not know now: whether it is behind "
			"%s cannot be told",
			k->target, j->vm->name, k->source, pt_bdf_str(d->bdf).s);
	}
}

/* a macvtap is made on the host's interface each time that the VM starts */
static void judge_macvtaps(struct pt_judge *j, const struct pt_domain *vm, const struct pt_device *d)
{
	pt_autofree char *fact = NULL;
	const char *on = NULL;

	for (size_t i = 0; i < vm->macvtap_on.n && !on; i++)
		if (pt_strv_has(&d->netdevs, vm->macvtap_on.v[i]))
			on = vm->macvtap_on.v[i];
	if (!on)
		return;
	fact = pt_strf("VM %s has an <interface type='direct'> on %s, which is %s: it cannot start while the host does "
		       "not have that",
		       vm->name, on, pt_bdf_str(d->bdf).s);
	if (vm == j->vm)
		pt_judge_refuse(j, PT_FORCE_NEVER, "macvtap", NULL,
				"put that <interface> on another network, or take it out of the definition", "%s",
				fact);
	else
		pt_judge_say(j, PT_WARN, "macvtap", NULL, NULL, "%s", fact);
}

void pt_judge_claims(struct pt_judge *j)
{
	const struct pt_device *blind = find_blind(j);

	for (size_t i = 0; i < j->n_claims; i++) {
		const struct pt_vm_claim *c = &j->claims[i];
		const struct pt_device *d = c->kind == PT_CLAIM_UNSEEN ? blind : carrier(j, c);

		if (!d)
			continue;
		if (c->kind == PT_CLAIM_UNSEEN)
			judge_unseen(j, c, d);
		else if (c->own)
			judge_own(j, c, d);
		else
			judge_other(j, c, d);
	}
	for (size_t d = 0; d < j->devices.n; d++) {
		judge_volumes(j, j->devices.v[d]);
		judge_macvtaps(j, j->vm, j->devices.v[d]);
		for (size_t i = 0; i < j->others->n; i++)
			judge_macvtaps(j, &j->others->v[i], j->devices.v[d]);
	}
}
