/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the VM's definition when a controller comes: its disks, and what carried only them. */
#include "base/cleanup.h"
#include "decide/judge.h"

int pt_judge_disk_on(const struct pt_judge *j, size_t i, struct pt_bdf bdf)
{
	int index = j->disk_of ? j->disk_of[i] : -1;
	const struct pt_block *b;

	if (index < 0 || (size_t)index >= j->host->blocks.n)
		return -1;
	b = &j->host->blocks.v[index];
	return pt_block_behind(&j->host->blocks, b, bdf) ? index : -1;
}

/* the device asked for that disk @i stands on, NULL when none does; @ret_block: its index, -1 for type='nvme' */
static const struct pt_device *carrier(const struct pt_judge *j, size_t i, int *ret_block)
{
	const struct pt_domain_disk *k = &j->vm->disks.v[i];

	for (size_t d = 0; d < j->devices.n; d++) {
		*ret_block = pt_judge_disk_on(j, i, j->devices.v[d]->bdf);
		if (*ret_block >= 0 || (k->type == PT_DISK_NVME && pt_bdf_eq(k->nvme, j->devices.v[d]->bdf)))
			return j->devices.v[d];
	}
	return NULL;
}

static void lose_disk(struct pt_judge *j, size_t i, const struct pt_device *d, int block, struct pt_domain_edit *edit)
{
	const struct pt_domain_disk *k = &j->vm->disks.v[i];
	const struct pt_block *b = block >= 0 ? &j->host->blocks.v[block] : NULL;

	pt_strv_add(&edit->remove_disks, k->target);
	if (b)
		pt_judge_say(j, PT_NOTE, "disk-leaves", NULL, NULL,
			     "the disk %s of %s leaves its definition: %s is %s behind %s", k->target, j->vm->name,
			     k->source ? k->source : "its source", b->name, pt_bdf_str(d->bdf).s);
	else
		pt_judge_say(j, PT_NOTE, "disk-leaves", NULL, NULL,
			     "the disk %s of %s leaves its definition: it is %s itself", k->target, j->vm->name,
			     pt_bdf_str(d->bdf).s);
}

static bool is_on(const struct pt_domain_disk *k, const struct pt_domain_controller *c)
{
	return pt_streq(k->bus, c->type) && k->has_controller_index && k->controller_index == c->index;
}

/*
 * Only SCSI controllers, and further SATA ones, exist for their disks alone; libvirt puts the first SATA controller
 * back by itself on q35 (and IDE on i440fx).  What does not say where it hangs may hang here.
 */
static bool is_left_empty(const struct pt_judge *j, const struct pt_domain_controller *c,
			  const struct pt_domain_edit *edit)
{
	bool lost = false;

	if (c->implicit || !(pt_streq(c->type, "scsi") || (pt_streq(c->type, "sata") && c->index > 0)))
		return false;
	for (size_t i = 0; i < j->vm->disks.n; i++) {
		const struct pt_domain_disk *k = &j->vm->disks.v[i];
		bool goes = pt_strv_has(&edit->remove_disks, k->target);

		if (goes && is_on(k, c))
			lost = true;
		if (!goes && (is_on(k, c) || (pt_streq(k->bus, c->type) && !k->has_controller_index)))
			return false;
	}
	for (size_t i = 0; i < j->vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &j->vm->hostdevs.v[i];

		if (pt_streq(c->type, "scsi") && h->kind == PT_HOSTDEV_SCSI &&
		    (!h->has_controller_index || h->controller_index == c->index))
			return false;
	}
	return lost;
}

/*
 * libvirt fills the indexes below the highest one in use with controllers of its own choice (lsilogic on x86), so an
 * empty one below another that stays is better left: in its place would come a stranger
 * (virDomainDefAddImplicitControllers, docs/formatdomain.rst, Controllers).
 */
static bool would_be_filled(const struct pt_judge *j, const struct pt_domain_controller *c,
			    const struct pt_domain_edit *edit)
{
	for (size_t i = 0; i < j->vm->disks.n; i++) {
		const struct pt_domain_disk *k = &j->vm->disks.v[i];

		if (pt_streq(k->bus, c->type) && k->has_controller_index && k->controller_index > c->index &&
		    !pt_strv_has(&edit->remove_disks, k->target))
			return true;
	}
	for (size_t i = 0; i < j->vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &j->vm->hostdevs.v[i];

		if (pt_streq(c->type, "scsi") && h->kind == PT_HOSTDEV_SCSI && h->has_controller_index &&
		    h->controller_index > c->index)
			return true;
	}
	return false;
}

static void lose_controllers(struct pt_judge *j, struct pt_domain_edit *edit)
{
	for (size_t i = 0; i < j->vm->controllers.n; i++) {
		const struct pt_domain_controller *c = &j->vm->controllers.v[i];
		struct pt_controller_ref *ref;

		if (!is_left_empty(j, c, edit))
			continue;
		if (would_be_filled(j, c, edit)) {
			pt_judge_say(j, PT_NOTE, "controller-stays", NULL, NULL,
				     "the %s controller %u%s%s%s of %s stays, empty: a disk hangs on a later one, and "
				     "libvirt would fill the gap with one of its own choice",
				     c->type, c->index, c->model ? " (" : "", c->model ? c->model : "",
				     c->model ? ")" : "", j->vm->name);
			continue;
		}
		ref = pt_array_add(&edit->remove_controllers);
		ref->type = pt_strdup(c->type);
		ref->index = c->index;
		pt_judge_say(j, PT_NOTE, "controller-leaves", NULL, NULL,
			     "the %s controller %u%s%s%s of %s leaves its definition: nothing else uses it", c->type,
			     c->index, c->model ? " (" : "", c->model ? c->model : "", c->model ? ")" : "",
			     j->vm->name);
	}
}

static bool some_disk_stays(const struct pt_judge *j, const struct pt_domain_edit *edit)
{
	for (size_t i = 0; i < j->vm->disks.n; i++)
		if (j->vm->disks.v[i].type != PT_DISK_NONE &&
		    !pt_strv_has(&edit->remove_disks, j->vm->disks.v[i].target))
			return true;
	return false;
}

/* where each device has its own order, the lowest; else <os>'s word, and "hd" is the first disk; NULL: no disk, or
 * unknown */
static const struct pt_domain_disk *boot_disk(const struct pt_domain *vm)
{
	for (size_t i = 0; i < vm->disks.n && !vm->boots_kernel; i++) {
		const struct pt_domain_disk *k = &vm->disks.v[i];

		if (vm->first_boot_order ? k->boot_order == vm->first_boot_order
					 : (!vm->boot_dev || pt_streq(vm->boot_dev, "hd")) &&
						   (pt_streq(k->device, "disk") || pt_streq(k->device, "lun")))
			return k;
	}
	return NULL;
}

static void judge_boot(struct pt_judge *j, const struct pt_domain_edit *edit)
{
	const struct pt_domain_disk *boot = boot_disk(j->vm);

	if (edit->remove_disks.n && !j->vm->boots_kernel && !some_disk_stays(j, edit))
		pt_judge_say(j, PT_WARN, "boot-disk", NULL, "see that its firmware can boot from the controller",
			     "no disk stays in the definition of %s: it must boot from the device itself", j->vm->name);
	else if (boot && pt_strv_has(&edit->remove_disks, boot->target))
		pt_judge_say(j, PT_WARN, "boot-disk", NULL,
			     "see that its firmware can boot from the controller, or give what it boots from a <boot "
			     "order=…>",
			     "%s boots from its disk %s, which leaves the definition", j->vm->name, boot->target);
}

void pt_judge_losses(struct pt_judge *j, struct pt_domain_edit *edit)
{
	for (size_t i = 0; i < j->vm->disks.n; i++) {
		int block = -1;
		const struct pt_device *d = carrier(j, i, &block);

		if (d)
			lose_disk(j, i, d, block, edit);
	}
	lose_controllers(j, edit);
	judge_boot(j, edit);
}
