/* SPDX-License-Identifier: Apache-2.0 */
/* Which disks of this host the VMs' definitions lead to, by whatever name. */
#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "cli/giving.h"
#include "host/block.h"

/* the block device that is a disk's source; of a volume libvirt told the path; -1 */
static int source_of(const struct pt_root *root, const struct pt_blocks *blocks, const struct pt_domain_disk *d)
{
	int index = d->source ? pt_block_lookup(root, blocks, d->source) : -ENOENT;

	for (size_t i = 0; i < d->also.n && index < 0 && d->type == PT_DISK_VOLUME; i++)
		index = pt_block_lookup(root, blocks, d->also.v[i]);
	return index < 0 ? -1 : index;
}

/* @what: all of the claim but the block, which is looked up by its path */
static void claim(const struct pt_root *root, struct pt_giving *g, struct pt_vm_claim what)
{
	int index = pt_block_lookup(root, &g->host.blocks, what.path);

	if (index < 0)
		return;
	what.block = (size_t)index;
	pt_array_push(&g->claims, what);
}

static void match_disk(const struct pt_root *root, struct pt_giving *g, struct pt_vm_claim what,
		       const struct pt_domain_disk *d)
{
	int source = source_of(root, &g->host.blocks, d);

	what.target = d->target;
	what.path = d->source;
	if (what.own) {
		pt_array_push(&g->disk_of, source);
	} else if (source >= 0) {
		what.block = (size_t)source;
		pt_array_push(&g->claims, what);
	}
	/* a drive may be empty, a disk cannot be missing */
	if (source < 0 && d->type == PT_DISK_BLOCK && (pt_streq(d->device, "disk") || pt_streq(d->device, "lun"))) {
		what.kind = PT_CLAIM_UNSEEN;
		pt_array_push(&g->claims, what);
	}
	what.kind = PT_CLAIM_CHAIN;
	what.block = SIZE_MAX;
	for (size_t i = 0; i < d->also.n; i++) {
		what.path = d->also.v[i];
		if (d->type != PT_DISK_VOLUME)
			claim(root, g, what);
	}
}

static void match_vm(const struct pt_root *root, struct pt_giving *g, const struct pt_domain *vm)
{
	struct pt_vm_claim what = {
		.vm = vm->name,
		.block = SIZE_MAX,
		.running = vm->state != PT_DOMAIN_SHUTOFF,
		.own = vm == &g->vm,
	};

	for (size_t i = 0; i < vm->disks.n; i++)
		match_disk(root, g, what, &vm->disks.v[i]);
	what.kind = PT_CLAIM_ARGUMENT;
	for (size_t i = 0; i < vm->arguments.n; i++) {
		what.path = vm->arguments.v[i];
		claim(root, g, what);
	}
	what.kind = PT_CLAIM_SCSI;
	for (size_t i = 0; i < vm->hostdevs.n; i++) {
		what.path = vm->hostdevs.v[i].scsi;
		if (what.path && pt_block_scsi(root, what.path, &what.controller) == 1)
			pt_array_push(&g->claims, what);
	}
}

void pt_giving_match(const struct pt_root *root, struct pt_giving *g)
{
	match_vm(root, g, &g->vm);
	for (size_t i = 0; i < g->others.n; i++)
		match_vm(root, g, &g->others.v[i]);
}
