/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/giving.h"
#include "cli/owners.h"
#include "cli/print.h"
#include "cli/vfing.h"
#include "cli/vfs.h"
#include "decide/sriov-why.h"
#include "host/pci.h"
#include "host/resolve.h"
#include "host/sriov-kept.h"
#include "host/sriov.h"

static const struct pt_option options[] = {
	{ "vfs", 0, "N", "give the one PF named so many virtual functions; 0: none", false },
	{ "autoprobe", 0, NULL, "let this host's drivers take them", false },
	PT_CHANGING_OPTIONS,
	{ "force-foreign-vfs", 0, NULL, "although another tool made, or makes, its VFs", false },
	{ "force-other-vm", 0, NULL, "although a VM that is off has one that goes", false },
	{ "force-vf-in-use", 0, NULL, "although this host uses one", false },
	{ "force-pf-in-use", 0, NULL, "although a VM that is off has the PF", false },
	{ "force-shared-namespace", 0, NULL, "although this host uses a disk of an NVMe card", false },
	{ "force-reserved", 0, NULL, "although one that goes is reserved", false },
	{ NULL, 0, NULL, NULL, false },
};

/* what is shown: network cards, and what else has VFs, could have them or was made for them; or the ones named */
struct seen {
	struct pt_devices devices;
	struct pt_owners owners;
	struct pt_sriov_states kept;
	struct {
		struct pt_sriov *v;
		size_t n;
		size_t cap;
	} pfs;
};

static void seen_done(struct seen *s)
{
	pt_devices_done(&s->devices);
	pt_owners_done(&s->owners);
	pt_sriov_states_done(&s->kept);
	for (size_t i = 0; i < s->pfs.n; i++)
		pt_sriov_done(&s->pfs.v[i]);
	free(s->pfs.v);
}

/* a file about another card is about none that is here */
static const struct pt_sriov_state *kept_of(const struct seen *s, const struct pt_device *pf)
{
	for (size_t i = 0; i < s->kept.n; i++)
		if (pt_sriov_kept_is(&s->kept.v[i], pf))
			return &s->kept.v[i];
	return NULL;
}

static bool seen_already(const struct seen *s, struct pt_bdf bdf)
{
	for (size_t i = 0; i < s->pfs.n; i++)
		if (pt_bdf_eq(s->pfs.v[i].pf, bdf))
			return true;
	return false;
}

static void add(const struct pt_cli *cli, struct seen *s, const struct pt_device *d)
{
	struct pt_sriov one;

	if (seen_already(s, d->bdf))
		return;
	pt_sriov_read(&cli->root, d, &one);
	/* who looks for a network card finds it here, be it to read that it has none */
	if (cli->n_operands || d->sriov == PT_SRIOV_PF || one.capability == PT_KNOWN_YES || pt_device_is_network(d))
		pt_array_push(&s->pfs, one);
	else
		pt_sriov_done(&one);
}

/* a VF stands for its PF */
static int add_named(struct pt_cli *cli, struct seen *s, const char *text, struct pt_error *err)
{
	const struct pt_device *d;
	struct pt_bdf bdf;
	int r = pt_resolve_device(&cli->root, &s->devices, text, &bdf, err);

	if (r < 0)
		return r;
	d = pt_devices_find(&s->devices, bdf);
	if (d->sriov == PT_SRIOV_VF && pt_devices_find(&s->devices, d->pf))
		d = pt_devices_find(&s->devices, d->pf);
	add(cli, s, d);
	return 0;
}

static int look(struct pt_cli *cli, struct seen *s, struct pt_error *err)
{
	int r = pt_look_devices(cli, &s->devices, err);

	for (int i = 0; i < cli->n_operands && r == 0; i++)
		r = add_named(cli, s, cli->operands[i], err);
	for (size_t i = 0; i < s->devices.n && r == 0 && cli->n_operands == 0; i++)
		if (s->devices.v[i].sriov != PT_SRIOV_VF && !pt_device_is_bridge(&s->devices.v[i]))
			add(cli, s, &s->devices.v[i]);
	if (r == 0)
		pt_owners_find(cli, &s->owners);
	/* it is shown beside the rest; what cannot be read of it, `passthru boot` tells */
	if (r == 0)
		(void)pt_sriov_kept_list(&cli->root, &s->kept, NULL, NULL);
	return r;
}

static void add_vf(struct pt_table *table, struct pt_table_line *above, const struct pt_device *vf,
		   const struct pt_sriov *pf, const struct pt_owners *owners)
{
	struct pt_table_line *line = pt_table_line(table, above);
	pt_autofree char *name = pt_strf("VF %d", vf->vf_index);
	pt_autofree char *group = vf->iommu_group >= 0 ? pt_strf("%d", vf->iommu_group) : pt_strdup("-");
	pt_autofree char *vm = pt_owners_of(owners, vf->bdf);
	pt_autofree char *settings = pt_vf_text(pt_pf_link_vf(&pf->link, vf->vf_index));
	pt_autofree char *controller = pt_vf_nvme_text(&pf->nvme, vf->vf_index);

	pt_table_cell(table, line, 0, pt_bdf_str(vf->bdf).s);
	pt_table_cell(table, line, 1, name);
	pt_table_cell(table, line, 2, vf->driver ? vf->driver : "-");
	pt_table_cell(table, line, 3, group);
	pt_table_cell(table, line, 4, vm ? vm : owners->asked ? "-" : "unknown");
	pt_table_cell(table, line, 5, *settings ? settings : *controller ? controller : "-");
}

static void add_pf(struct pt_table *table, const struct seen *s, const struct pt_sriov *pf)
{
	const struct pt_device *d = pt_devices_find(&s->devices, pf->pf);
	struct pt_table_line *line = pt_table_line(table, NULL);
	pt_autofree char *status = pt_sriov_status(d, pf);
	pt_autofree char *group = d->iommu_group >= 0 ? pt_strf("%d", d->iommu_group) : pt_strdup("-");
	pt_autofree char *vm = pt_owners_of(&s->owners, d->bdf);
	pt_autofree char *nets = pt_pf_link_text(d, &pf->link);

	pt_table_cell(table, line, 0, pt_bdf_str(d->bdf).s);
	pt_table_cell(table, line, 1, status);
	pt_table_cell(table, line, 2, d->driver ? d->driver : "-");
	pt_table_cell(table, line, 3, group);
	pt_table_cell(table, line, 4, vm ? vm : s->owners.asked ? "-" : "unknown");
	pt_table_cell(table, line, 5, *nets ? nets : "-");
	for (size_t i = 0; i < s->devices.n; i++)
		if (s->devices.v[i].sriov == PT_SRIOV_VF && pt_bdf_eq(s->devices.v[i].pf, pf->pf))
			add_vf(table, line, &s->devices.v[i], pf, &s->owners);
}

/* configuration space beyond its first 64 bytes is for root, and in no capture of a card that has no virtual functions
 */
static void tell_unseen(const struct pt_cli *cli, const struct seen *s, struct pt_findings *why)
{
	for (size_t i = 0; i < s->pfs.n && !cli->root.captured; i++) {
		const struct pt_device *d = pt_devices_find(&s->devices, s->pfs.v[i].pf);

		if (d->sriov != PT_SRIOV_NONE || s->pfs.v[i].capability != PT_KNOWN_UNKNOWN)
			continue;
		pt_findings_add(why, PT_UNKNOWN, "sriov-unseen", NULL, "ask again as root",
				"whether a card that is not supported now is made for SR-IOV is not seen: its "
				"configuration space cannot be read");
		return;
	}
}

static int print_table(const struct pt_cli *cli, const struct seen *s, struct pt_error *err)
{
	struct pt_table *table;
	PT_AUTO(pt_findings) why = { 0 };
	int r;

	if (!s->pfs.n) {
		(void)fputs("no card of this host has virtual functions or could have some\n", cli->out);
		return PT_EXIT_DONE;
	}
	table = pt_table_new(0);
	pt_table_column(table, "ADDRESS", PT_TABLE_TREE, 0);
	pt_table_column(table, "SR-IOV", 0, 0);
	pt_table_column(table, "DRIVER", 0, 0);
	pt_table_column(table, "GROUP", PT_TABLE_RIGHT, 1);
	pt_table_column(table, "VM", 0, 0);
	pt_table_column(table, "SETTINGS", 0, 0);
	for (size_t i = 0; i < s->pfs.n; i++) {
		const struct pt_device *d = pt_devices_find(&s->devices, s->pfs.v[i].pf);

		add_pf(table, s, &s->pfs.v[i]);
		pt_sriov_why(d, &s->pfs.v[i], &why);
		pt_sriov_unlike_kept(d, &s->pfs.v[i], kept_of(s, d), &why);
	}
	tell_unseen(cli, s, &why);
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	if (r < 0)
		return r;
	if (why.n) {
		(void)fputc('\n', cli->out);
		pt_cli_findings(cli, &why);
	}
	return PT_EXIT_DONE;
}

static int print_json(struct pt_cli *cli, const struct seen *s, struct pt_error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->pfs.n; i++) {
		const struct pt_device *d = pt_devices_find(&s->devices, s->pfs.v[i].pf);

		(void)json_array_append_new(list,
					    pt_sriov_json(d, &s->pfs.v[i], kept_of(s, d), &s->devices, &s->owners));
	}
	return pt_print_json(cli, json_pack("{s:o}", "functions", list), err);
}

static int change(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_vfing) v = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	pt_autofree const char **forced = pt_giving_forced(cli);
	struct pt_sriov_request request = { .autoprobe = pt_cli_flag(cli, "autoprobe"), .forced = forced };
	long vfs = 0;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_cli_number(cli, "vfs", 0, PT_VF_MAX, 0, &vfs, err);
	if (r >= 0)
		r = pt_vfing_look(cli, &v, err);
	if (r < 0)
		return r;
	request.pf = v.bdf;
	request.vfs = (unsigned)vfs;
	r = pt_decide_sriov(&v.facts, &request, &plan, err);
	return pt_vfing_run(cli, &v, &plan, r, err);
}

/* options of a change without the number that they are about would be passed over in silence */
static int check_options(const struct pt_cli *cli, struct pt_error *err)
{
	if (pt_cli_value(cli, "vfs") && cli->n_operands != 1) {
		int r = cli->n_operands
				? pt_usage(err, -EINVAL, "--vfs is about one physical function, and %d are named",
					   cli->n_operands)
				: pt_usage(err, -EINVAL, "--vfs is about one physical function, and none is named");

		pt_hint(err, "`passthru sriov` lists those that can have virtual functions");
		return r;
	}
	for (size_t i = 0; i < cli->n_values && !pt_cli_value(cli, "vfs"); i++)
		for (size_t k = 0; options[k].name; k++)
			if (strcmp(cli->values[i].name, options[k].name) == 0)
				return pt_usage(err, -EINVAL, "--%s does nothing without --vfs", options[k].name);
	return 0;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(seen_done) struct seen s = { 0 };
	int r = check_options(cli, err);

	if (r < 0)
		return r;
	if (pt_cli_value(cli, "vfs"))
		return change(cli, err);
	r = look(cli, &s, err);
	if (r < 0)
		return r;
	return cli->json ? print_json(cli, &s, err) : print_table(cli, &s, err);
}

const struct pt_command pt_command_sriov = {
	.name = "sriov",
	.args = "[PF…]",
	.group = "Change",
	.summary = "Show virtual functions, and say how many a card shall have",
	.description =
		"Every network card, and whatever else has virtual functions, could have them or is made for them:\n"
		"Not supported, Disabled, or Enabled with their number; each VF's address, driver, IOMMU group and "
		"VM,\n"
		"and what its PF sets for it: MAC, VLAN, trust, spoof check, link state and rate. Where a card that "
		"is\n"
		"made for SR-IOV offers nothing, the reason stands below the table.\n\n"
		"With --vfs the one PF named gets so many: through 0, waited for and counted, kept across reboots\n"
		"and made again at boot before guests start. It is refused while a VM or this host uses one of those\n"
		"that are there; VFs that stay keep their settings. The host's drivers do not take them unless\n"
		"--autoprobe. `passthru undo` takes it back, with the old VFs and their MACs and VLANs.",
	.options = options,
	.max_operands = -1,
	.run = run,
};
