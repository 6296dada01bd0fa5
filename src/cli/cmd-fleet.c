/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/storing.h"
#include "decide/pools.h"

static const struct pt_option options[] = {
	{ "facts", 0, "FILE", "publish: hosts as JSON (as `passthru place` reads them), instead of this host", false },
	{ "name", 0, "HOST", "publish: under this name, instead of the host's own", false },
	PT_STORING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

static int publish(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	const char *name = pt_cli_value(cli, "name");
	json_t *list = json_array();
	int r = pt_placeable_hosts(cli, &hosts, NULL, err);

	if (r == 0 && name && hosts.n != 1)
		r = pt_usage(err, -EINVAL, "--name %s: there are %zu hosts", name, hosts.n);
	for (size_t i = 0; i < hosts.n && r >= 0; i++) {
		struct pt_host_record record = { .host = hosts.v[i] };

		if (name)
			pt_strset(&hosts.v[i].name, name);
		/* both are borrowed: what is published is written from them and not kept */
		record.host.name = hosts.v[i].name;
		record.config.device_spec = s->config.device_spec;
		r = pt_fleet_publish(s->store, &record, err);
		if (r >= 0 && cli->json)
			(void)json_array_append_new(list,
						    json_pack("{s:s, s:b}", "name", hosts.v[i].name, "changed", r));
		else if (r >= 0)
			(void)fprintf(cli->out, "%s: %zu devices, %s\n", hosts.v[i].name, hosts.v[i].n,
				      r ? "published" : "as published before");
	}
	if (r < 0 || !cli->json) {
		json_decref(list);
		return r < 0 ? r : PT_EXIT_DONE;
	}
	return pt_print_json(cli, json_pack("{s:o}", "hosts", list), err);
}

/* @offered: what its device_spec offers; @free: nobody has it; @claimed: claims hold it, offered or not */
struct counts {
	size_t offered;
	size_t free;
};

static struct counts count(const struct pt_fleet *f, struct pt_fleet_host *h)
{
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error why = { 0 };
	struct counts n = { 0 };

	if (h->wrong)
		return n;
	if (pt_view_make(&f->rules.v[h->rules].rules, &h->host, &view, &why) < 0) {
		pt_strset(&h->wrong, why.msg);
		return n;
	}
	for (size_t i = 0; i < h->host.n; i++) {
		n.offered += view.spec[i] >= 0;
		n.free += view.spec[i] >= 0 && pt_view_is_free(&view, i);
	}
	return n;
}

static void add_line(struct pt_table *table, const struct pt_fleet_host *h, struct counts n)
{
	const size_t numbers[] = { h->host.n, n.offered, n.free, h->holds.n };
	struct pt_table_line *line = pt_table_line(table, NULL);

	pt_table_cell(table, line, 0, h->name);
	for (size_t i = 0; i < 4; i++) {
		pt_autofree char *text = pt_strf("%zu", numbers[i]);

		pt_table_cell(table, line, 1 + i, text);
	}
	pt_table_cell(table, line, 5, h->wrong);
}

static struct pt_table *new_table(void)
{
	struct pt_table *table = pt_table_new(0);

	pt_table_column(table, "HOST", 0, 0);
	pt_table_column(table, "DEVICES", PT_TABLE_RIGHT, 3);
	pt_table_column(table, "OFFERED", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "FREE", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "CLAIMED", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "WRONG", PT_TABLE_CUT, 2);
	return table;
}

static int hosts(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { 0 };
	json_t *list;
	struct pt_table *table;
	int r = pt_fleet_load(s->store, &s->config, &f, err);

	if (r < 0)
		return r;
	list = json_array();
	table = new_table();
	for (size_t i = 0; i < f.hosts.n; i++) {
		struct pt_fleet_host *h = &f.hosts.v[i];
		struct counts n = count(&f, h);

		add_line(table, h, n);
		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s?}", "name", h->name,
							    "devices", (json_int_t)h->host.n, "offered",
							    (json_int_t)n.offered, "free", (json_int_t)n.free,
							    "claimed", (json_int_t)h->holds.n, "wrong", h->wrong));
	}
	if (cli->json)
		r = pt_print_json(cli, json_pack("{s:O}", "hosts", list), err);
	else
		r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	json_decref(list);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int withdraw(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *name = cli->operands[1];
	int r = pt_fleet_withdraw(s->store, name, err);

	if (r < 0)
		return r;
	if (r == 0) {
		r = pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", name, pt_store_name(s->store));
		pt_hint(err, "`passthru fleet hosts` lists them");
		return r;
	}
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:s}", "withdrawn", name), err);
	(void)fprintf(cli->out, "%s is no longer in the fleet\n", name);
	return PT_EXIT_DONE;
}

static const struct {
	const char *name;
	int operands;
	int (*run)(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
} verbs[] = {
	{ "publish", 1, publish },
	{ "hosts", 1, hosts },
	{ "withdraw", 2, withdraw },
};

static int run(struct pt_cli *cli, struct pt_error *err)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		PT_AUTO(pt_storing) s = { 0 };
		int r;

		if (strcmp(cli->operands[0], verbs[i].name) != 0)
			continue;
		if (cli->n_operands != verbs[i].operands)
			return pt_usage(err, -EINVAL, "passthru fleet %s: %s", verbs[i].name,
					verbs[i].operands == 1 ? "no operand is expected" : "one HOST is expected");
		r = pt_storing_open(cli, &s, err);
		return r < 0 ? r : verbs[i].run(cli, &s, err);
	}
	return pt_usage(err, -EINVAL, "passthru fleet %s: there are publish, hosts and withdraw HOST",
			cli->operands[0]);
}

const struct pt_command pt_command_fleet = {
	.name = "fleet",
	.args = "publish | hosts | withdraw HOST",
	.group = "Fleet",
	.summary = "Put this host into the fleet's store, and list the hosts there",
	.description =
		"publish writes what this host has, and what its own device_spec offers, for others to claim; nothing "
		"is\n"
		"written when nothing has changed. hosts lists all. withdraw takes one out that nobody has a claim on.",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
