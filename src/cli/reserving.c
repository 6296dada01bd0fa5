/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reserving.h"

#include <errno.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/giving.h"
#include "cli/identify.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "decide/verify.h"
#include "host/block.h"
#include "host/gather.h"
#include "host/reserved.h"
#include "host/resolve.h"

void pt_reserving_done(struct pt_reserving *r)
{
	pt_domains_done(&r->vms);
	pt_host_done(&r->host);
	free(r->wanted.v);
	pt_claims_done(&r->claims);
	pt_strv_done(&r->blind);
	pt_vm_close(r->conn);
	*r = (struct pt_reserving){ 0 };
}

/* a device that was pulled can be named by the address that it was reserved at */
static int resolve(struct pt_cli *cli, const struct pt_reserving *l, const struct pt_keeps *reserved, const char *text,
		   struct pt_bdf *ret_bdf, struct pt_error *err)
{
	if (pt_bdf_parse_loose(text, ret_bdf) == 0 && pt_keep_by_bdf(reserved, *ret_bdf))
		return 0;
	return pt_resolve_device(&cli->root, &l->host.devices, text, ret_bdf, err);
}

static int find_devices(struct pt_cli *cli, struct pt_reserving *l, struct pt_error *err)
{
	PT_AUTO(pt_keeps) reserved = { 0 };
	int r = pt_keep_list(&cli->root, &reserved, NULL, err);

	for (int i = 0; i < cli->n_operands && r == 0; i++) {
		struct pt_bdf bdf;

		r = resolve(cli, l, &reserved, cli->operands[i], &bdf, err);
		if (r == 0)
			pt_array_push(&l->wanted, bdf);
	}
	return r;
}

/* a host can keep devices for guests before it has a libvirt; but then nobody says whose they are */
static int ask_libvirt(struct pt_cli *cli, struct pt_reserving *l, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r = pt_prove_open(cli, &l->conn, &why);

	if (r == 0)
		return pt_vm_list(l->conn, NULL, &l->vms, err);
	/* another host's libvirt is a mistake of the request; one that does not answer is not */
	if (r == -EREMOTE || cli->uri) {
		*err = why;
		return r;
	}
	pt_strv_addf(&l->blind, "which VMs have these devices: %s", why.msg);
	return 0;
}

int pt_reserving_look(struct pt_cli *cli, struct pt_reserving *ret, struct pt_error *err)
{
	PT_AUTO(pt_reserving) l = { 0 };
	int r = pt_changing_begin(cli, err);

	if (r >= 0)
		r = pt_look_devices(cli, &l.host.devices, err);
	if (r == 0)
		r = find_devices(cli, &l, err);
	if (r == 0)
		r = ask_libvirt(cli, &l, err);
	if (r == 0)
		r = pt_gather(&cli->root, l.wanted.v, l.wanted.n, &l.host, &l.blind, err);
	if (r < 0)
		return r;
	/* none of the VMs is given anything: all of them are others */
	pt_claims_find(&cli->root, &l.host.blocks, NULL, &l.vms, &l.claims);
	*ret = l;
	l = (struct pt_reserving){ 0 };
	return 0;
}

/* the host's side only: the disks that a driver brings back are waited for by the engine */
static void keep_carried(struct pt_plan *plan, const struct pt_host *host)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].kind == PT_STEP_DRIVER && !plan->steps.v[i].carried)
			plan->steps.v[i].carried = pt_carried(host, plan->steps.v[i].bdf);
}

int pt_reserving_run(struct pt_cli *cli, struct pt_reserving *l, struct pt_plan *plan, int decided,
		     struct pt_error *err)
{
	int r;

	for (size_t i = 0; i < l->blind.n; i++)
		pt_findings_add(&plan->findings, PT_UNKNOWN, "not-seen", NULL, NULL, "%s", l->blind.v[i]);
	if (decided < 0)
		return pt_giving_refused(cli, plan, decided, err);
	keep_carried(plan, &l->host);
	r = pt_identify_steps(cli, &l->host, plan, err);
	return r < 0 ? r : pt_changing_run(cli, l->conn, plan, NULL, NULL, err);
}
