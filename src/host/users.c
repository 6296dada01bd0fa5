/* SPDX-License-Identifier: Apache-2.0 */
#include "host/users.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/users-look.h"

/*
 * A PF takes its VFs with it, so their uses count as its own.  A bridge stays with its driver (DESIGN rule 2), whatever
 * is behind it.
 */
static void add_target(struct pt_look *look, struct pt_bdf bdf)
{
	const struct pt_devices *devices = &look->host->devices;
	const struct pt_device *device = pt_devices_find(devices, bdf);

	if (device && pt_device_is_bridge(device))
		return;
	pt_array_push(&look->targets, ((struct pt_look_target){ .bdf = bdf, .at = bdf }));
	for (size_t i = 0; i < devices->n; i++)
		if (devices->v[i].sriov == PT_SRIOV_VF && pt_bdf_eq(devices->v[i].pf, bdf))
			pt_array_push(&look->targets,
				      ((struct pt_look_target){ .bdf = bdf, .at = devices->v[i].bdf, .is_vf = true }));
}

static void stack_done(struct pt_look_stack *stack)
{
	for (size_t i = 0; i < stack->nodes.n; i++) {
		free(stack->nodes.v[i].name);
		free(stack->nodes.v[i].label);
	}
	free(stack->nodes.v);
	free(stack->edges.v);
}

static void procs_done(struct pt_procs *procs)
{
	for (size_t i = 0; i < procs->opens.n; i++) {
		free(procs->opens.v[i].comm);
		free(procs->opens.v[i].path);
	}
	free(procs->opens.v);
	for (size_t i = 0; i < procs->sockets.n; i++)
		free(procs->sockets.v[i].comm);
	free(procs->sockets.v);
}

void pt_look_done(struct pt_look *look)
{
	free(look->targets.v);
	for (size_t i = 0; i < look->stacks.n; i++)
		stack_done(&look->stacks.v[i]);
	free(look->stacks.v);
	for (size_t i = 0; i < look->mounts.n; i++)
		pt_mount_done(&look->mounts.v[i]);
	free(look->mounts.v);
	procs_done(&look->procs);
	pt_uses_done(&look->uses);
	pt_strv_done(&look->blind);
}

/*
 * The order is that of what a person should read first, and of what explains what: a mount explains why a disk is
 * claimed, so the exclusive open comes last.
 */
static int look_at_storage(struct pt_look *look, struct pt_error *err)
{
	int r;

	pt_look_stacks(look);
	r = pt_look_mounts(look, err);
	if (r < 0)
		return r;
	pt_look_swap(look);
	pt_look_pools(look);
	pt_look_exports(look);
	pt_look_fstab(look);
	pt_look_boot(look);
	pt_look_holders(look);
	return 0;
}

int pt_users_find(const struct pt_root *root, const struct pt_host *host, const struct pt_bdf *of, size_t n,
		  struct pt_uses *ret_uses, struct pt_strv *ret_blind, struct pt_error *err)
{
	PT_AUTO(pt_look) look = { .root = root, .host = host };
	int r;

	assert(ret_uses);
	for (size_t i = 0; i < n; i++)
		add_target(&look, of[i]);
	if (look.targets.n) {
		r = look_at_storage(&look, err);
		if (r < 0)
			return r;
		pt_look_procs(&look);
		pt_look_opens(&look);
		pt_look_busy(&look);
		pt_look_net(&look);
		pt_look_gpu(&look);
		pt_look_mediated(&look);
	}
	*ret_uses = look.uses;
	look.uses = (struct pt_uses){ 0 };
	if (ret_blind)
		pt_strv_copy(ret_blind, &look.blind);
	return 0;
}
