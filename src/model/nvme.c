/* SPDX-License-Identifier: Apache-2.0 */
#include "model/nvme.h"

#include <limits.h>
#include <stdlib.h>

const struct pt_nvme_secondary *pt_nvme_of_vf(const struct pt_nvme_virt *n, unsigned index)
{
	for (size_t i = 0; i < n->v.n; i++)
		if (n->v.v[i].vfn == index + 1)
			return &n->v.v[i];
	return NULL;
}

static unsigned left(unsigned total, unsigned taken)
{
	return total > taken ? total - taken : 0;
}

unsigned pt_nvme_own(const struct pt_nvme_pool *pool, unsigned vfs, unsigned least)
{
	unsigned keep = left(least, pool->fixed);
	unsigned rest = left(pool->total, pool->most > pool->total / (vfs ? vfs : 1) ? pool->total : pool->most * vfs);

	/* no more than it has: nobody asked for that */
	rest = rest > keep ? rest : keep;
	return rest < pool->own ? rest : pool->own;
}

unsigned pt_nvme_share(const struct pt_nvme_pool *pool, unsigned vfs, unsigned own)
{
	unsigned each = vfs && pool->flexible ? left(pool->total, own) / vfs : 0;

	if (each > pool->most)
		each = pool->most;
	return pool->step > 1 ? each - each % pool->step : each;
}

/* @least, as it can be given */
static unsigned vfs_of(const struct pt_nvme_pool *pool, unsigned least)
{
	unsigned step = pool->step > 1 ? pool->step : 1;
	unsigned each = (least + step - 1) / step * step;

	if (!pool->flexible)
		return UINT_MAX;
	return each > pool->most ? 0 : left(pool->total, left(least, pool->fixed)) / each;
}

unsigned pt_nvme_most_vfs(const struct pt_nvme_virt *n)
{
	unsigned queues = vfs_of(&n->queues, PT_NVME_QUEUES_LEAST);
	unsigned interrupts = vfs_of(&n->interrupts, PT_NVME_INTERRUPTS_LEAST);

	if (!n->manages)
		return UINT_MAX;
	return queues < interrupts ? queues : interrupts;
}

void pt_nvme_virt_done(struct pt_nvme_virt *n)
{
	free(n->v.v);
	*n = (struct pt_nvme_virt){ 0 };
}
