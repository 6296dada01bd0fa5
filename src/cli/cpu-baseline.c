/* SPDX-License-Identifier: Apache-2.0 */
/* The richest processor that several hosts can all run. */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/candidates.h"
#include "cli/cpuing.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "decide/cpu.h"
#include "shape/cpu.h"
#include "shape/device.h"
#include "vm/cpu.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static int check_host(const struct pt_migrate_hosts *l, size_t i, struct pt_error *err)
{
	const struct pt_migrate_host *h = &l->v[i];
	int r;

	if (h->why_not) {
		/* a baseline without it would not be one of all that were named */
		r = pt_usage(err, -ENODATA, "%s", h->why_not);
		if (h->why_fix)
			pt_hint(err, "%s", h->why_fix);
		return r;
	}
	if (!h->hypervisor.host_model.model) {
		r = pt_usage(err, -ENODATA, "%s: what its libvirt can give VMs under KVM is not known", h->where);
		pt_hint(err, "`passthru facts --json` there, as root, with libvirt running");
		return r;
	}
	if (!h->cpu.vendor || !l->v[0].cpu.vendor || pt_streq(h->cpu.vendor, l->v[0].cpu.vendor))
		return 0;
	r = pt_refuse(err, "cpu-vendors", "the processor of %s is %s, that of %s is %s: no model bridges two vendors",
		      l->v[0].name, l->v[0].cpu.vendor, h->name, h->cpu.vendor);
	pt_hint(err, "make a baseline for each vendor");
	return r;
}

static int answer(struct pt_cli *cli, const struct pt_migrate_hosts *hosts, const struct pt_cpu_def *def,
		  const struct pt_strv *flags, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;
	pt_autofree char *title = NULL;

	for (size_t i = 0; i < hosts->n; i++)
		pt_strv_add(&names, hosts->v[i].name);
	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:o, s:i, s:o, s:o}", "cpu", pt_cpu_def_json(def), "count",
					       (int)flags->n, "flags", pt_json_strv(flags), "hosts",
					       pt_json_strv(&names)),
				     err);
	list = pt_text_clean(pt_strv_join(&names, ", "));
	title = pt_text_clean(pt_strdup(def->model ? def->model : "no model"));
	(void)fprintf(cli->out, "%s: %zu flags, on ", pt_cli_bold(cli, title), flags->n);
	pt_cli_wrap(cli->out, list, 0, 2);
	for (size_t i = 0; i < def->features.n; i++)
		(void)fprintf(cli->out, "  %-8s %s\n", pt_cpu_def_feature(def, def->features.v[i].name),
			      def->features.v[i].name);
	(void)fputs("\nwith --json into a file it is a processor for `passthru cpu VM FILE`\n", cli->out);
	return 0;
}

/* libvirt of this host chose it, by its own list of names */
static int check_known(const struct pt_migrate_hosts *hosts, const struct pt_cpu_def *def, struct pt_error *err)
{
	for (size_t i = 0; def->model && i < hosts->n; i++) {
		const struct pt_migrate_host *h = &hosts->v[i];
		int r;

		if (!h->hypervisor.models.n || pt_strv_has(&h->hypervisor.models, def->model))
			continue;
		r = pt_say(err, -EOPNOTSUPP, "all of them could run %s, but libvirt %s at %s knows no such model",
			   def->model, h->hypervisor.libvirt ? h->hypervisor.libvirt : "", h->name);
		pt_hint(err, "ask there: its own `passthru cpu baseline` chooses among the models that it knows; or "
			     "bring its libvirt and QEMU up to date");
		return r;
	}
	return 0;
}

int pt_cpu_baseline(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_migrate_hosts) hosts = { 0 };
	PT_AUTO(pt_cpu_def) def = { 0 };
	PT_AUTO(pt_strv) flags = { 0 };
	pt_autofree const struct pt_cpu_def **models = NULL;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0 && cli->n_operands < 2) {
		r = pt_usage(err, -EINVAL, "passthru cpu baseline: no host is named");
		pt_hint(err, "usage: passthru cpu baseline HOST…");
	}
	for (int i = 1; i < cli->n_operands && r >= 0; i++)
		r = pt_candidates_add(cli, cli->operands[i], &hosts, err);
	if (r >= 0)
		pt_candidates_ask(cli, &hosts);
	for (size_t i = 0; i < hosts.n && r >= 0; i++)
		r = check_host(&hosts, i, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r < 0)
		return r;
	models = pt_alloc((hosts.n + 1) * sizeof(__typeof__(*models)));
	for (size_t i = 0; i < hosts.n; i++)
		models[i] = &hosts.v[i].hypervisor.host_model;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_cpu_baseline(conn, models, hosts.n, &def, &flags, err));
	if (r >= 0)
		r = check_known(&hosts, &def, err);
	if (r >= 0)
		pt_cpu_spell_out(&def, &flags);
	return r < 0 ? r : answer(cli, &hosts, &def, &flags, err);
}
