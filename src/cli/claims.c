/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/claims.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/block.h"

struct search {
	const struct pt_root *root;
	const struct pt_blocks *blocks;
	struct pt_claims *claims;
};

/* the block device that is a disk's source; of a volume libvirt told the path; -1 */
static int source_of(const struct search *s, const struct pt_domain_disk *d)
{
	int index = d->source ? pt_block_lookup(s->root, s->blocks, d->source) : -ENOENT;

	for (size_t i = 0; i < d->also.n && index < 0 && d->type == PT_DISK_VOLUME; i++)
		index = pt_block_lookup(s->root, s->blocks, d->also.v[i]);
	return index < 0 ? -1 : index;
}

/* @what: all of the claim but the block, which is looked up by its path */
static void claim(const struct search *s, struct pt_vm_claim what)
{
	int index = pt_block_lookup(s->root, s->blocks, what.path);

	if (index < 0)
		return;
	what.block = (size_t)index;
	pt_array_push(&s->claims->found, what);
}

static void match_disk(const struct search *s, struct pt_vm_claim what, const struct pt_domain_disk *d)
{
	int source = source_of(s, d);

	what.target = d->target;
	what.path = d->source;
	if (what.own) {
		pt_array_push(&s->claims->disk_of, source);
	} else if (source >= 0) {
		what.block = (size_t)source;
		pt_array_push(&s->claims->found, what);
	}
	/* a drive may be empty, a disk cannot be missing */
	if (source < 0 && d->type == PT_DISK_BLOCK && (pt_streq(d->device, "disk") || pt_streq(d->device, "lun"))) {
		what.kind = PT_CLAIM_UNSEEN;
		pt_array_push(&s->claims->found, what);
	}
	what.kind = PT_CLAIM_CHAIN;
	what.block = SIZE_MAX;
	for (size_t i = 0; i < d->also.n; i++) {
		what.path = d->also.v[i];
		if (d->type != PT_DISK_VOLUME)
			claim(s, what);
	}
}

static void match_vm(const struct search *s, const struct pt_domain *vm, bool own)
{
	struct pt_vm_claim what = {
		.vm = vm->name,
		.block = SIZE_MAX,
		.running = vm->state != PT_DOMAIN_SHUTOFF,
		.own = own,
	};

	for (size_t i = 0; i < vm->disks.n; i++)
		match_disk(s, what, &vm->disks.v[i]);
	what.kind = PT_CLAIM_ARGUMENT;
	for (size_t i = 0; i < vm->arguments.n; i++) {
		what.path = vm->arguments.v[i];
		claim(s, what);
	}
	what.kind = PT_CLAIM_SCSI;
	for (size_t i = 0; i < vm->hostdevs.n; i++) {
		what.path = vm->hostdevs.v[i].scsi;
		if (what.path && pt_block_scsi(s->root, what.path, &what.controller) == 1)
			pt_array_push(&s->claims->found, what);
	}
}

void pt_claims_find(const struct pt_root *root, const struct pt_blocks *blocks, const struct pt_domain *own,
		    const struct pt_domains *others, struct pt_claims *ret_claims)
{
	const struct search s = { root, blocks, ret_claims };

	if (own)
		match_vm(&s, own, true);
	for (size_t i = 0; i < others->n; i++)
		match_vm(&s, &others->v[i], false);
}

void pt_claims_done(struct pt_claims *claims)
{
	free(claims->disk_of.v);
	free(claims->found.v);
	*claims = (struct pt_claims){ 0 };
}
