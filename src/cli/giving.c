/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/giving.h"

#include <errno.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "host/gather.h"
#include "host/resolve.h"
#include "shape/finding.h"

#define FORCE		 "force-"
#define STOP_TIMEOUT_S	 180
#define UNPLUG_TIMEOUT_S 60
#define SPARE_PORTS_MAX	 64

/* by its address only: what a VM still has in its definition may have been taken out of the host */
static bool is_vms(const struct pt_domain *vm, const char *text, struct pt_bdf *ret_bdf)
{
	struct pt_bdf bdf;

	if (pt_bdf_parse_loose(text, &bdf) < 0 || !pt_domain_hostdev_by_bdf(vm, bdf))
		return false;
	*ret_bdf = bdf;
	return true;
}

static int find_devices(struct pt_cli *cli, struct pt_giving *g, struct pt_error *err)
{
	for (int i = 1; i < cli->n_operands; i++) {
		struct pt_bdf bdf;
		bool again = false;
		int r = pt_resolve_device(&cli->root, &g->host.devices, cli->operands[i], &bdf, err);

		if (r == -ENODEV && is_vms(&g->vm, cli->operands[i], &bdf)) {
			*err = (struct pt_error){ 0 };
			r = 0;
		}
		if (r < 0)
			return r;
		for (size_t j = 0; j < g->wanted.n; j++)
			again = again || pt_bdf_eq(g->wanted.v[j], bdf);
		if (!again)
			pt_array_push(&g->wanted, bdf);
	}
	return 0;
}

int pt_giving_look(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_giving *ret_giving, struct pt_error *err)
{
	PT_AUTO(pt_giving) g = { 0 };
	int r = pt_changing_begin(cli, err);

	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_find(conn, cli->operands[0], &g.vm, err));
	if (r >= 0)
		r = pt_look_devices(cli, &g.host.devices, err);
	if (r >= 0)
		r = find_devices(cli, &g, err);
	if (r >= 0)
		r = pt_gather(&cli->root, g.wanted.v, g.wanted.n, &g.host, &g.blind, err);
	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_list(conn, g.vm.uuid, &g.others, err));
	if (r < 0)
		return r;
	pt_claims_find(&cli->root, &g.host.blocks, &g.vm, &g.others, &g.claims);
	*ret_giving = g;
	g = (struct pt_giving){ 0 };
	return 0;
}

int pt_giving_live(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_giving *g, struct pt_error *err)
{
	int r;

	if (!(pt_cli_flag(cli, "live") || pt_cli_flag(cli, "no-stop")) || g->vm.state == PT_DOMAIN_SHUTOFF)
		return 0;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_live(conn, g->vm.uuid, &g->running, err));
	g->runs = r == 0;
	/* it has stopped since: the decision says so */
	if (r != -ENOTCONN)
		return r;
	*err = (struct pt_error){ 0 };
	return 0;
}

void pt_giving_done(struct pt_giving *g)
{
	pt_domain_done(&g->vm);
	pt_domain_done(&g->running);
	pt_domains_done(&g->others);
	pt_host_done(&g->host);
	free(g->wanted.v);
	pt_claims_done(&g->claims);
	pt_strv_done(&g->blind);
	*g = (struct pt_giving){ 0 };
}

int pt_giving_refused(struct pt_cli *cli, const struct pt_plan *plan, int r, struct pt_error *err)
{
	json_t *o;
	int printed;

	if (!cli->json) {
		pt_cli_findings(cli, &plan->findings);
		return r;
	}
	/* one document: the error is told in it, and on the terminal */
	o = json_pack("{s:o, s:o}", "error", pt_error_json(err), "findings", pt_findings_json(&plan->findings));
	printed = pt_print_json(cli, o, err);
	if (printed < 0)
		return printed;
	(void)fprintf(cli->diag, "passthru: %s\n", err->msg);
	return err->kind == PT_ERROR_USAGE ? PT_EXIT_USAGE : PT_EXIT_NO;
}

const char **pt_giving_forced(const struct pt_cli *cli)
{
	const char **forced = pt_alloc((cli->n_values + 1) * sizeof(*forced));
	size_t n = 0;

	for (size_t i = 0; i < cli->n_values; i++)
		if (pt_startswith(cli->values[i].name, FORCE) && strcmp(cli->values[i].name, "force-stop") != 0)
			forced[n++] = cli->values[i].name + strlen(FORCE);
	return forced;
}

static int read_managed(const struct pt_cli *cli, int *ret_managed, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "managed");

	*ret_managed = -1;
	if (!text)
		return 0;
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return pt_usage(err, -EINVAL, "--managed %s: expected yes or no", text);
	*ret_managed = strcmp(text, "yes") == 0;
	return 0;
}

int pt_giving_options(struct pt_cli *cli, struct pt_attach_request *ret_request, const char ***ret_forced,
		      struct pt_error *err)
{
	long stop_timeout_s = 0;
	long unplug_timeout_s = 0;
	long spare_ports = 0;
	int managed = -1;
	int r = read_managed(cli, &managed, err);

	if (r >= 0)
		r = pt_cli_number(cli, "stop-timeout", 1, 86400, STOP_TIMEOUT_S, &stop_timeout_s, err);
	if (r >= 0)
		r = pt_cli_number(cli, "unplug-timeout", 1, 86400, UNPLUG_TIMEOUT_S, &unplug_timeout_s, err);
	if (r >= 0)
		r = pt_cli_number(cli, "spare-ports", 1, SPARE_PORTS_MAX, 0, &spare_ports, err);
	if (r < 0)
		return r;
	*ret_forced = pt_giving_forced(cli);
	*ret_request = (struct pt_attach_request){
		.forced = *ret_forced,
		.managed = managed,
		.start = pt_cli_flag(cli, "start"),
		.autostart = pt_cli_flag(cli, "autostart"),
		.stop_timeout_ms = (unsigned)stop_timeout_s * 1000,
		.spare_ports = (unsigned)spare_ports,
		.live = pt_cli_flag(cli, "live"),
		.no_stop = pt_cli_flag(cli, "no-stop"),
		.reset = pt_cli_flag(cli, "reset"),
		.unplug_timeout_ms = (unsigned)unplug_timeout_s * 1000,
	};
	return 0;
}
