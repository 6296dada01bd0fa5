/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/place-batch.h"
#include "cli/placeable.h"
#include "decide/providers.h"
#include "shape/place.h"

static const struct pt_option options[] = {
	{ "batch", 0, NULL, "read one JSON question a line, write one JSON answer a line", false },
	{ "config", 0, "FILE", "a configuration, also a nova.conf; instead of this host's", true },
	{ "facts", 0, "FILE", "hosts as JSON (as in a question), instead of this host", false },
	{ NULL, 0, NULL, NULL, false },
};

static void add_lines(struct pt_table *table, const struct pt_providers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct pt_provider *p = &l->v[i];
		struct pt_table_line *line = pt_table_line(table, NULL);
		pt_autofree char *total = pt_strf("%u", p->total);
		pt_autofree char *reserved = pt_strf("%u", p->reserved);
		pt_autofree char *traits = pt_strv_join(&p->traits, ",");

		pt_table_cell(table, line, 0, p->name);
		pt_table_cell(table, line, 1, p->resource_class);
		pt_table_cell(table, line, 2, total);
		pt_table_cell(table, line, 3, reserved);
		pt_table_cell(table, line, 4, traits);
	}
}

static int print_table(const struct pt_cli *cli, const struct pt_providers *l, struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	int r;

	pt_table_column(table, "PROVIDER", 0, 0);
	pt_table_column(table, "CLASS", 0, 0);
	pt_table_column(table, "TOTAL", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "RESERVED", PT_TABLE_RIGHT, 2);
	pt_table_column(table, "TRAITS", PT_TABLE_CUT, 1);
	add_lines(table, l);
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	for (size_t i = 0; i < l->healed.n && r == 0; i++)
		(void)fprintf(cli->out, "healed: %s has %u of %s at %s, not %u\n", l->healed.v[i].consumer,
			      l->healed.v[i].amount, l->healed.v[i].resource_class, l->healed.v[i].provider,
			      l->healed.v[i].was);
	for (size_t i = 0; i < l->notes.n && r == 0; i++)
		(void)fprintf(cli->out, "%s\n", l->notes.v[i]);
	return r;
}

static int print_json(const struct pt_cli *cli, json_t *list, struct pt_error *err)
{
	json_t *json = json_pack("{s:O}", "hosts", list);
	int r = json ? json_dumpf(json, cli->out, JSON_INDENT(2)) : -1;

	json_decref(json);
	if (r < 0)
		return pt_fail(err, -EIO, "cannot write the answer");
	(void)fputc('\n', cli->out);
	return 0;
}

static int show_host(const struct pt_cli *cli, const struct pt_rules *rules, const struct pt_inv_host *host,
		     const struct pt_placement *now, json_t *list, struct pt_error *err)
{
	PT_AUTO(pt_providers) providers = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	json_t *json;
	int r = pt_view_make(rules, host, &view, err);

	r = r < 0 ? r : pt_providers_make(&view, now, &providers, err);
	if (r < 0 || !cli->json)
		return r < 0 ? r : print_table(cli, &providers, err);
	json = pt_place_write_providers(&providers);
	(void)json_object_set_new(json, "name", json_string(host->name));
	(void)json_array_append_new(list, json);
	return 0;
}

static int show_hosts(const struct pt_cli *cli, const struct pt_rules *rules, const struct pt_inv_hosts *hosts,
		      const struct pt_placements *now, struct pt_error *err)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < hosts->n && r == 0; i++)
		r = show_host(cli, rules, &hosts->v[i], &now->v[i], list, err);
	if (r == 0 && cli->json)
		r = print_json(cli, list, err);
	json_decref(list);
	return r;
}

static int show(const struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_placements) now = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	const char *files[64];
	size_t n = 0;
	int r;

	while (n < 64 && (files[n] = pt_cli_value_at(cli, "config", n)))
		n++;
	r = pt_placeable_config(cli, files, n, &config, &hints, err);
	/* what would be reported is asked for: whether it is switched on does not matter */
	config.report_in_placement = true;
	r = r < 0 ? r : pt_rules_compile(&config, &rules, NULL, err);
	r = r < 0 ? r : pt_placeable_hosts(cli, &hosts, &now, err);
	r = r < 0 ? r : show_hosts(cli, &rules, &hosts, &now, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	int r;

	if (!pt_cli_flag(cli, "batch"))
		return show(cli, err);
	r = pt_batch_run(STDIN_FILENO, cli->out, pt_batch_providers, (struct pt_place_options){ 0 }, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_providers = {
	.name = "providers",
	.args = "",
	.group = "Fleet",
	.summary = "Show the devices as OpenStack Placement is told of them",
	.description =
		"Resource providers with their class, total, reserved and traits, as Nova makes them of the same "
		"configuration, and its refusals.  Talks to no service.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
