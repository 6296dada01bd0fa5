/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/placeable.h"
#include "decide/providers.h"

static const struct pt_option options[] = {
	{ "facts", 0, "FILE", "hosts as JSON (as `passthru place --batch` reads them), instead of this host", false },
	{ NULL, 0, NULL, NULL, false },
};

/* which devices a spec offers first; those that an earlier spec took are counted apart, since its tags win */
static void print_spec(const struct pt_cli *cli, const struct pt_view *view, const struct pt_bound *bound, size_t spec)
{
	const struct pt_spec *s = &view->rules->specs.v[spec];
	size_t taken = 0;
	size_t n = 0;

	(void)fprintf(cli->out, "%s: device_spec %s\n", s->where, s->shown);
	for (size_t i = 0; i < view->host->n; i++) {
		const struct pt_inv_device *d = &view->host->v[i];

		if (view->spec[i] == (int32_t)spec) {
			(void)fprintf(cli->out, "  %s  %04x:%04x  %s%s%s\n", pt_bdf_str(d->bdf).s, d->vendor,
				      d->product, pt_dev_type_str(d->type), d->owner ? "  in use: " : "",
				      d->owner ? d->owner : "");
			n++;
		} else if (pt_spec_match(s, &bound[spec], d, NULL) == 1) {
			taken++;
		}
	}
	if (!n)
		(void)fprintf(cli->out, "  matches no device%s\n",
			      taken ? " that an entry above did not match already" : "");
	else if (taken)
		(void)fprintf(cli->out, "  and %zu that an entry above matched already: the first match wins\n", taken);
}

static void print_alias(const struct pt_cli *cli, const struct pt_view *view, const struct pt_pci_alias *a)
{
	struct pt_ask ask = { .specs = a->specs, .n_specs = a->n_specs, .alias = a->name, .policy = a->policy };
	size_t match = 0;
	size_t free_now = 0;

	for (size_t i = 0; i < view->host->n; i++) {
		enum pt_stage stage = pt_view_stage(view, i, &ask);

		match += stage >= PT_STAGE_IN_USE;
		free_now += stage == PT_STAGE_OK;
	}
	(void)fprintf(cli->out, "%s: alias %s (numa_policy=%s): %zu device%s, %zu free\n", a->where, a->name,
		      pt_numa_policy_str(a->policy), match, match == 1 ? "" : "s", free_now);
}

static int check_host(const struct pt_cli *cli, const struct pt_rules *rules, const struct pt_inv_host *host,
		      struct pt_error *err)
{
	pt_autofree struct pt_bound *bound = NULL;
	PT_AUTO(pt_view) view = { 0 };
	int r = pt_specs_bind(&rules->specs, host, &bound, err);

	r = r < 0 ? r : pt_view_make(rules, host, &view, err);
	if (r < 0)
		return r;
	(void)fprintf(cli->out, "%s\n", pt_cli_bold(cli, host->name));
	for (size_t i = 0; i < rules->specs.n; i++)
		print_spec(cli, &view, bound, i);
	for (size_t i = 0; i < rules->aliases.n; i++)
		print_alias(cli, &view, &rules->aliases.v[i]);
	if (host->ignored)
		(void)fprintf(cli->out, "%zu device%s beyond domain FFFF left out: Nova has no name for such\n",
			      host->ignored, host->ignored == 1 ? "" : "s");
	return rules->report_in_placement ? pt_providers_check(&view, err) : 0;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	int r;

	if (strcmp(cli->operands[0], "check") != 0)
		return pt_usage(err, -EINVAL, "passthru config %s: there is only `passthru config check [FILE...]`",
				cli->operands[0]);
	r = pt_placeable_config(cli, cli->operands + 1, (size_t)cli->n_operands - 1, &config, &hints, err);
	r = r < 0 ? r : pt_placeable_check(cli, cli->operands + 1, (size_t)cli->n_operands - 1, err);
	r = r < 0 ? r : pt_rules_compile(&config, &rules, NULL, err);
	r = r < 0 ? r : pt_placeable_hosts(cli, &hosts, NULL, err);
	for (size_t i = 0; i < hosts.n && r == 0; i++)
		r = check_host(cli, &rules, &hosts.v[i], err);
	for (size_t i = 0; i < hints.n && r == 0; i++)
		(void)fprintf(cli->out, "%s\n", hints.v[i]);
	if (r == 0 && !rules.specs.n)
		(void)fprintf(cli->out, "there is no device_spec: no device may be given to a guest by an alias\n");
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_config = {
	.name = "config",
	.args = "check [FILE...]",
	.group = "Look",
	.summary = "Check a configuration, and say what each line of it matches on this host",
	.description =
		"Reads [pci] device_spec and alias of the files, or of /etc/passthru/passthru.conf and conf.d; a "
		"nova.conf is understood as it is. [network NAME], [store] and [migrate] are checked, too.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
