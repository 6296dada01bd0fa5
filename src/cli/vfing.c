/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vfing.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/giving.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "host/gather.h"
#include "host/resolve.h"
#include "host/sriov-kept.h"
#include "host/sriov.h"
#include "host/vm-files.h"

void pt_vfing_done(struct pt_vfing *v)
{
	pt_vm_close(v->conn);
	pt_domains_done(&v->vms);
	pt_host_done(&v->host);
	pt_sriov_done(&v->sriov);
	pt_sriov_states_done(&v->kept);
	free(v->kept_text);
	free(v->manager);
	pt_strv_done(&v->blind);
	*v = (struct pt_vfing){ 0 };
}

/* a host can have VFs before it has a libvirt; but then nobody says whose they are */
static int ask_libvirt(struct pt_cli *cli, struct pt_vfing *v, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r;

	/* nobody has a device: no VM's definition could say anything about this one */
	if (!cli->uri && pt_vm_files_silent(&cli->root))
		return 0;
	r = pt_prove_open(cli, &v->conn, &why);

	if (r == 0)
		return pt_vm_list(v->conn, NULL, &v->vms, err);
	/* another host's libvirt is a mistake of the request; one that does not answer is not */
	if (r == -EREMOTE || cli->uri) {
		*err = why;
		return r;
	}
	pt_strv_addf(&v->blind, "which VMs have these functions: %s", why.msg);
	return 0;
}

/* the PF and every VF of it: who uses them, what they are bound to */
static int gather(struct pt_cli *cli, struct pt_vfing *v, struct pt_bdf pf, struct pt_error *err)
{
	pt_autofree struct pt_bdf *all = pt_alloc((v->host.devices.n + 1) * sizeof(*all));
	size_t n = 0;

	all[n++] = pf;
	for (size_t i = 0; i < v->host.devices.n; i++)
		if (v->host.devices.v[i].sriov == PT_SRIOV_VF && pt_bdf_eq(v->host.devices.v[i].pf, pf))
			all[n++] = v->host.devices.v[i].bdf;
	return pt_gather_users(&cli->root, all, n, &v->host, &v->blind, err);
}

static int read_kept(struct pt_cli *cli, struct pt_vfing *v, const struct pt_device *pf, struct pt_error *err)
{
	PT_AUTO(pt_strv) bad = { 0 };
	int r = pt_sriov_kept_text(&cli->root, pf->bdf, &v->kept_text, err);

	if (r == 0)
		r = pt_sriov_kept_list(&cli->root, &v->kept, &bad, err);
	for (size_t i = 0; i < v->kept.n; i++)
		if (pt_sriov_kept_is(&v->kept.v[i], pf))
			v->facts.kept = &v->kept.v[i];
	for (size_t i = 0; i < bad.n; i++)
		pt_strv_add(&v->blind, bad.v[i]);
	return r;
}

int pt_vfing_look(struct pt_cli *cli, struct pt_vfing *v, struct pt_error *err)
{
	const struct pt_device *d;
	int r = pt_changing_begin(cli, err);

	if (r == 0)
		r = pt_look_devices(cli, &v->host.devices, err);
	if (r == 0)
		r = pt_resolve_device(&cli->root, &v->host.devices, cli->operands[0], &v->bdf, err);
	if (r < 0)
		return r;
	d = pt_devices_find(&v->host.devices, v->bdf);
	if (d->sriov == PT_SRIOV_VF && pt_devices_find(&v->host.devices, d->pf))
		d = pt_devices_find(&v->host.devices, d->pf);
	r = ask_libvirt(cli, v, err);
	if (r == 0)
		r = gather(cli, v, d->bdf, err);
	if (r == 0)
		r = read_kept(cli, v, d, err);
	if (r < 0)
		return r;
	pt_sriov_read(&cli->root, d, &v->sriov);
	v->manager = pt_sriov_manager(&cli->root, d);
	v->facts.host = &v->host;
	v->facts.vms = &v->vms;
	v->facts.sriov = &v->sriov;
	v->facts.kept_text = v->kept_text;
	v->facts.manager = v->manager;
	return 0;
}

int pt_vfing_run(struct pt_cli *cli, struct pt_vfing *v, struct pt_plan *plan, int decided, struct pt_error *err)
{
	/* a request that makes no sense does not hang on what could not be seen */
	for (size_t i = 0; i < v->blind.n && !(decided < 0 && err->kind == PT_ERROR_USAGE); i++)
		pt_findings_add(&plan->findings, PT_UNKNOWN, "not-seen", NULL, NULL, "%s", v->blind.v[i]);
	if (decided < 0)
		return pt_giving_refused(cli, plan, decided, err);
	return pt_changing_run(cli, v->conn, plan, NULL, NULL, err);
}
