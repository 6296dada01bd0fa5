/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/networks.h"
#include "cli/owners.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/vfs.h"
#include "shape/device.h"

/* @physnets: parallel to the host's devices */
struct nets {
	struct pt_networks networks;
	struct pt_inv_hosts hosts;
	struct pt_strv physnets;
	struct pt_owners owners;
};

static void nets_done(struct nets *n)
{
	pt_networks_done(&n->networks);
	pt_inv_hosts_done(&n->hosts);
	pt_strv_done(&n->physnets);
	pt_owners_done(&n->owners);
}

static int look(struct pt_cli *cli, struct nets *n, struct pt_error *err)
{
	const struct pt_network *found;
	int r = pt_placeable_networks(cli, NULL, 0, &n->networks, err);

	for (int i = 0; i < cli->n_operands && r == 0; i++)
		r = pt_network_of(&n->networks, cli->operands[i], &found, err);
	if (r == 0)
		r = pt_placeable_hosts(cli, &n->hosts, NULL, err);
	if (r == 0)
		r = pt_network_physnets(cli, &n->hosts.v[0], &n->physnets, err);
	if (r == 0)
		pt_owners_find(cli, &n->owners);
	return r;
}

static bool wanted(const struct pt_cli *cli, const struct pt_network *network)
{
	for (int i = 0; i < cli->n_operands; i++)
		if (pt_streq(cli->operands[i], network->name))
			return true;
	return cli->n_operands == 0;
}

/* VFs on its cables, and those of them that no VM has in its definition */
static void count(const struct nets *n, const struct pt_network *network, unsigned *ret_all, unsigned *ret_free)
{
	const struct pt_inv_host *host = &n->hosts.v[0];

	*ret_all = 0;
	*ret_free = 0;
	for (size_t i = 0; i < host->n; i++) {
		pt_autofree char *vm = NULL;

		if (host->v[i].type != PT_DEV_VF ||
		    (network->physical_network && !pt_streq(network->physical_network, n->physnets.v[i])))
			continue;
		(*ret_all)++;
		vm = pt_owners_of(&n->owners, host->v[i].bdf);
		*ret_free += vm == NULL;
	}
}

static void add_line(struct pt_table *table, const struct nets *n, const struct pt_network *network)
{
	struct pt_table_line *line = pt_table_line(table, NULL);
	pt_autofree char *mtu = network->mtu ? pt_strf("%u", network->mtu) : pt_strdup("-");
	pt_autofree char *settings = pt_vf_text(&network->settings);
	pt_autofree char *vfs = NULL;
	pt_autofree char *spare = NULL;
	unsigned all;
	unsigned unused;

	count(n, network, &all, &unused);
	vfs = pt_strf("%u", all);
	spare = n->owners.asked ? pt_strf("%u", unused) : pt_strdup("unknown");
	pt_table_cell(table, line, 0, network->name);
	pt_table_cell(table, line, 1, network->physical_network ? network->physical_network : "any");
	pt_table_cell(table, line, 2, mtu);
	pt_table_cell(table, line, 3, vfs);
	pt_table_cell(table, line, 4, spare);
	pt_table_cell(table, line, 5, settings);
}

static int print_table(const struct pt_cli *cli, const struct nets *n, struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	int r;

	pt_table_column(table, "NETWORK", 0, 0);
	pt_table_column(table, "PHYSICAL", 0, 0);
	pt_table_column(table, "MTU", PT_TABLE_RIGHT, 1);
	pt_table_column(table, "VFS", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "FREE", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "EACH VF", 0, 0);
	for (size_t i = 0; i < n->networks.n; i++)
		if (wanted(cli, &n->networks.v[i]))
			add_line(table, n, &n->networks.v[i]);
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int print_json(struct pt_cli *cli, const struct nets *n, struct pt_error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n->networks.n; i++) {
		const struct pt_network *network = &n->networks.v[i];
		unsigned all;
		unsigned unused;

		if (!wanted(cli, network))
			continue;
		count(n, network, &all, &unused);
		(void)json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "name", pt_json_text(network->name),
					"physical_network", pt_json_text(network->physical_network), "mtu",
					network->mtu ? json_integer(network->mtu) : json_null(), "settings",
					pt_vf_to_json(&network->settings), "vfs", (json_int_t)all, "free",
					n->owners.asked ? json_integer(unused) : json_null(), "where",
					pt_json_text(network->where)));
	}
	return pt_print_json(cli, json_pack("{s:o}", "networks", list), err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(nets_done) struct nets n = { 0 };
	int r = look(cli, &n, err);

	if (r < 0)
		return r;
	if (cli->json)
		return print_json(cli, &n, err);
	if (!n.networks.n) {
		(void)fputs("no network is configured\n", cli->out);
		return PT_EXIT_DONE;
	}
	return print_table(cli, &n, err);
}

const struct pt_command pt_command_network = {
	.name = "network",
	.args = "[NETWORK…]",
	.group = "Look",
	.summary = "Show the networks that virtual functions can be put into",
	.description =
		"Each [network NAME] of /etc/passthru/passthru.conf and conf.d: the physical network it is on, as\n"
		"device_spec names it, the MTU that its cards must have, what each VF in it is set to, how many VFs\n"
		"are on its cables and how many of them no VM has. `passthru vf VF --network NAME` puts one in.",
	.max_operands = -1,
	.run = run,
};
