/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/owners.h"
#include "cli/print.h"
#include "host/reserved.h"
#include "host/resolve.h"
#include "shape/device.h"

#define NAMES_SHOWN 3 /* of what uses a device; the rest is counted */

/*
 * What nobody gives to a guest, and servers have by the hundred: bridges, system peripherals, memory controllers
 * (but CXL memory, 0502h) and performance counters; unless one is held for a guest all the same (NVSwitch, 0680h).
 */
static bool is_plumbing(const struct pt_device *d)
{
	unsigned base = d->class_code >> 16;

	if (pt_device_is_vfio(d))
		return false;
	return base == 0x06 || base == 0x08 || (base == 0x05 && d->class_code >> 8 != 0x0502) ||
	       d->class_code >> 8 == 0x1101;
}

static bool matches(const struct pt_device *d, const char *word)
{
	int is = pt_kind_is(word, d);

	return is < 0 ? pt_resolve_matches(d, word) : is;
}

static bool wanted(const struct pt_cli *cli, const struct pt_device *d)
{
	if (cli->n_operands == 0)
		return !is_plumbing(d);
	for (int i = 0; i < cli->n_operands; i++)
		if (matches(d, cli->operands[i]))
			return true;
	return false;
}

/* a word that is no kind and that nothing matches is a mistake, and an empty table would hide it */
static int check_words(const struct pt_cli *cli, const struct pt_devices *devices, struct pt_error *err)
{
	for (int i = 0; i < cli->n_operands; i++) {
		const char *word = cli->operands[i];
		bool found = pt_kind_is(word, &(const struct pt_device){ 0 }) >= 0;
		int r;

		for (size_t j = 0; j < devices->n && !found; j++)
			found = pt_resolve_matches(&devices->v[j], word);
		if (found)
			continue;
		r = pt_usage(err, -ENODEV, "'%s' is no kind of device, and no device here is called so", word);
		pt_hint(err, "kinds: " PT_KIND_NAMES "; else a part of a name, a driver, an address or ids such as "
			     "10de:2330");
		return r;
	}
	return 0;
}

/* "sda, sdb, sdc and 5 more": what the host has on it, in few words; or the VM that has it */
static char *used_by(const struct pt_device *d, const struct pt_owners *owners)
{
	const struct pt_keep *kept = pt_keep_by_bdf(&owners->reserved, d->bdf);
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	pt_autofree char *vm = pt_owners_of(owners, d->bdf);
	size_t n = d->netdevs.n + d->disks.n;

	if (vm)
		pt_buf_addf(&text, "VM %s%s", vm, n ? "; " : "");
	/* a VM that has it says more */
	if (!vm && kept && pt_keep_at_boot(kept))
		pt_buf_addf(&text, "reserved%s", n ? "; " : "");
	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
		pt_buf_addf(&text, "%s%s", i ? ", " : "",
			    i < d->netdevs.n ? d->netdevs.v[i] : d->disks.v[i - d->netdevs.n]);
	if (n > NAMES_SHOWN)
		pt_buf_addf(&text, " and %zu more", n - NAMES_SHOWN);
	return pt_buf_take(&text);
}

static void add_line(struct pt_table *table, const struct pt_device *d, const struct pt_owners *owners)
{
	struct pt_table_line *line = pt_table_line(table, NULL);
	pt_autofree char *ids = pt_strf("%04x:%04x", d->vendor, d->device);
	pt_autofree char *name = pt_device_name(d);
	pt_autofree char *group = d->iommu_group >= 0 ? pt_strf("%d", d->iommu_group) : pt_strdup("-");
	pt_autofree char *node = d->numa_node >= 0 ? pt_strf("%d", d->numa_node) : pt_strdup("-");
	pt_autofree char *sriov = pt_device_sriov_text(d);
	pt_autofree char *user = used_by(d, owners);
	pt_autofree char *class_id = d->class_name ? NULL : pt_strf("class %04x", d->class_code >> 8);

	pt_table_cell(table, line, 0, pt_bdf_str(d->bdf).s);
	pt_table_cell(table, line, 1, ids);
	pt_table_cell(table, line, 2, name);
	pt_table_cell(table, line, 3, d->class_name ? d->class_name : class_id);
	pt_table_cell(table, line, 4, d->driver ? d->driver : "-");
	pt_table_cell(table, line, 5, group);
	pt_table_cell(table, line, 6, node);
	pt_table_cell(table, line, 7, sriov);
	pt_table_cell(table, line, 8, user[0] ? user : "-");
}

static int print_table(const struct pt_cli *cli, const struct pt_devices *devices, const struct pt_owners *owners,
		       struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	int r;

	pt_table_column(table, "ADDRESS", 0, 0);
	pt_table_column(table, "ID", 0, 3);
	pt_table_column(table, "NAME", PT_TABLE_CUT, 0);
	pt_table_column(table, "CLASS", PT_TABLE_CUT, 5);
	pt_table_column(table, "DRIVER", 0, 0);
	pt_table_column(table, "GROUP", PT_TABLE_RIGHT, 1);
	pt_table_column(table, "NUMA", PT_TABLE_RIGHT, 4);
	pt_table_column(table, "SR-IOV", 0, 2);
	pt_table_column(table, "USED BY", 0, 0);
	for (size_t i = 0; i < devices->n; i++)
		if (wanted(cli, &devices->v[i]))
			add_line(table, &devices->v[i], owners);
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int print_json(struct pt_cli *cli, const struct pt_devices *devices, struct pt_error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < devices->n; i++)
		if (wanted(cli, &devices->v[i]))
			json_array_append_new(list, pt_device_to_json(&devices->v[i], false));
	return pt_print_json(cli, json_pack("{s:o}", "devices", list), err);
}

static bool any_for_guests(const struct pt_devices *devices)
{
	for (size_t i = 0; i < devices->n; i++)
		if (pt_device_is_vfio(&devices->v[i]))
			return true;
	return false;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_owners) owners = { 0 };
	int r = pt_look_devices(cli, &devices, err);

	if (r == 0)
		r = check_words(cli, &devices, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(cli, &devices, err);
	/* libvirt is asked only when there is something that a VM may have */
	if (any_for_guests(&devices))
		pt_owners_find(cli, &owners);
	r = pt_keep_list(&cli->root, &owners.reserved, NULL, err);
	if (r < 0)
		return r;
	return print_table(cli, &devices, &owners, err);
}

const struct pt_command pt_command_list = {
	.name = "list",
	.args = "[KIND|TEXT…]",
	.group = "Look",
	.summary = "List the PCI devices of this host",
	.description =
		"Without an argument: every function that somebody might give to a guest.  Bridges, system\n"
		"peripherals, memory controllers and performance counters are left out, unless they are held for a\n"
		"guest; `passthru list all` has them.\n\n"
		"A KIND is storage, network, display, accelerator, usb, audio, sriov, vfio, bridge or all.  Any other\n"
		"word is a part of a name, a driver, an address or ids (10de:2330).  Several words add up.\n\n"
		"USED BY names the VM that has a device, and the network interfaces and disks that this host has on\n"
		"it; `passthru show` tells what they are used for.  On a narrow terminal columns are left out, names\n"
		"are cut.",
	.max_operands = -1,
	.run = run,
};
