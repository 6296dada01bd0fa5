/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "host/resolve.h"
#include "shape/device.h"

/* a real host has a few levels; a forged capture must not exhaust the stack */
#define DEPTH_MAX 64
#define NOBODY	  ((size_t)-1)

/*
 * The functions as a forest: first child and next sibling of each, by index.
 * @wanted: the function asked about and its neighbours up and down; all when none was asked about
 */
struct forest {
	const struct pt_devices *devices;
	size_t *child;
	size_t *next;
	size_t first_root;
	bool *wanted;
	bool *placed;
};

static void forest_done(struct forest *f)
{
	free(f->child);
	free(f->next);
	free(f->wanted);
	free(f->placed);
}

static size_t parent_of(const struct forest *f, size_t i)
{
	const struct pt_device *d = &f->devices->v[i];
	const struct pt_device *p = d->has_parent ? pt_devices_find(f->devices, d->parent) : NULL;

	return p && p != d ? (size_t)(p - f->devices->v) : NOBODY;
}

static void plant(struct forest *f, const struct pt_devices *devices)
{
	size_t n = devices->n;

	*f = (struct forest){ .devices = devices, .first_root = NOBODY };
	f->child = pt_alloc((n + 1) * sizeof(*f->child));
	f->next = pt_alloc((n + 1) * sizeof(*f->next));
	f->wanted = pt_alloc(n + 1);
	f->placed = pt_alloc(n + 1);
	for (size_t i = 0; i < n; i++)
		f->child[i] = NOBODY;
	/* from the end, so that each list comes out in the order of addresses */
	for (size_t i = n; i-- > 0;) {
		size_t parent = parent_of(f, i);
		size_t *list = parent == NOBODY ? &f->first_root : &f->child[parent];

		f->next[i] = *list;
		*list = i;
	}
}

static void want_below(struct forest *f, size_t i, int depth)
{
	f->wanted[i] = true;
	for (size_t c = f->child[i]; c != NOBODY && depth < DEPTH_MAX; c = f->next[c])
		want_below(f, c, depth + 1);
}

static void want_above(struct forest *f, size_t i)
{
	for (int depth = 0; i != NOBODY && depth < DEPTH_MAX; depth++, i = parent_of(f, i))
		f->wanted[i] = true;
}

static int choose(struct pt_cli *cli, struct forest *f, struct pt_error *err)
{
	struct pt_bdf bdf;
	size_t i;
	int r;

	if (cli->n_operands == 0) {
		memset(f->wanted, true, f->devices->n);
		return 0;
	}
	r = pt_resolve_device(&cli->root, f->devices, cli->operands[0], &bdf, err);
	if (r < 0)
		return r;
	i = (size_t)(pt_devices_find(f->devices, bdf) - f->devices->v);
	want_above(f, i);
	want_below(f, i, 0);
	return 0;
}

static char *carried(const struct pt_device *d)
{
	pt_autofree char *nets = pt_strv_join(&d->netdevs, ", ");
	pt_autofree char *disks = pt_strv_join(&d->disks, ", ");

	return pt_strf("%s%s%s", nets, *nets && *disks ? ", " : "", disks);
}

static struct pt_table_line *add_line(struct pt_table *table, struct pt_table_line *above, const struct pt_device *d)
{
	struct pt_table_line *line = pt_table_line(table, above);
	pt_autofree char *name = pt_device_name(d);
	pt_autofree char *group = d->iommu_group >= 0 ? pt_strf("%d", d->iommu_group) : pt_strdup("-");
	pt_autofree char *on_it = carried(d);

	pt_table_cell(table, line, 0, pt_bdf_str(d->bdf).s);
	pt_table_cell(table, line, 1, group);
	pt_table_cell(table, line, 2, d->driver ? d->driver : "-");
	pt_table_cell(table, line, 3, name);
	pt_table_cell(table, line, 4, *on_it ? on_it : "-");
	return line;
}

static void add_branch(struct forest *f, struct pt_table *table, struct pt_table_line *above, size_t i, int depth)
{
	struct pt_table_line *line;

	if (!f->wanted[i] || f->placed[i])
		return;
	f->placed[i] = true;
	line = add_line(table, above, &f->devices->v[i]);
	for (size_t c = f->child[i]; c != NOBODY && depth < DEPTH_MAX; c = f->next[c])
		add_branch(f, table, line, c, depth + 1);
}

/* "0000:00": the root bus that a function's way begins on; NULL when its place is unknown */
static char *root_bus(const struct pt_device *d)
{
	struct pt_bdf bdf;
	pt_autofree char *first = d->slot_path ? pt_strndup(d->slot_path, strcspn(d->slot_path, "/")) : NULL;

	if (!first || pt_bdf_parse(first, &bdf) < 0)
		return NULL;
	return pt_strf("%04x:%02x", bdf.domain, bdf.bus);
}

static int print_table(struct pt_cli *cli, struct forest *f, struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	struct pt_table_line *bus_line = NULL;
	pt_autofree char *bus = NULL;
	int r;

	pt_table_column(table, "ADDRESS", PT_TABLE_TREE, 0);
	pt_table_column(table, "GROUP", PT_TABLE_RIGHT, 1);
	pt_table_column(table, "DRIVER", 0, 2);
	pt_table_column(table, "NAME", PT_TABLE_CUT, 0);
	pt_table_column(table, "USED BY", 0, 3);
	for (size_t i = f->first_root; i != NOBODY; i = f->next[i]) {
		pt_autofree char *own = root_bus(&f->devices->v[i]);

		if (!f->wanted[i])
			continue;
		if (!bus_line || !pt_streq(own, bus)) {
			bus_line = pt_table_line(table, NULL);
			pt_table_cell(table, bus_line, 0, own ? own : "unknown bus");
			pt_strset(&bus, own);
		}
		add_branch(f, table, bus_line, i, 0);
	}
	/* what a forged capture hangs below itself has no root: it is shown, but nowhere in the tree */
	for (size_t i = 0; i < f->devices->n; i++)
		if (f->wanted[i] && !f->placed[i]) {
			f->placed[i] = true;
			(void)add_line(table, NULL, &f->devices->v[i]);
		}
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r < 0 ? r : PT_EXIT_DONE;
}

static json_t *branch_json(struct forest *f, size_t i, int depth)
{
	json_t *o = pt_device_to_json(&f->devices->v[i], false);
	json_t *below = json_array();

	f->placed[i] = true;
	for (size_t c = f->child[i]; c != NOBODY && depth < DEPTH_MAX; c = f->next[c])
		if (f->wanted[c] && !f->placed[c])
			json_array_append_new(below, branch_json(f, c, depth + 1));
	json_object_set_new(o, "below", below);
	return o;
}

static int print_json(struct pt_cli *cli, struct forest *f, struct pt_error *err)
{
	json_t *list = json_array();

	for (size_t i = f->first_root; i != NOBODY; i = f->next[i])
		if (f->wanted[i])
			json_array_append_new(list, branch_json(f, i, 0));
	for (size_t i = 0; i < f->devices->n; i++)
		if (f->wanted[i] && !f->placed[i])
			json_array_append_new(list, branch_json(f, i, DEPTH_MAX));
	return pt_print_json(cli, json_pack("{s:o}", "tree", list), err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_CLEANUP(forest_done) struct forest f = { 0 };
	int r = pt_look_devices(cli, &devices, err);

	if (r < 0)
		return r;
	plant(&f, &devices);
	r = choose(cli, &f, err);
	if (r < 0)
		return r;
	return cli->json ? print_json(cli, &f, err) : print_table(cli, &f, err);
}

const struct pt_command pt_command_tree = {
	.name = "tree",
	.args = "[DEVICE]",
	.group = "Look",
	.summary = "Show bridges and devices as they hang together",
	.description =
		"Every function below the bridge it is behind, with its IOMMU group.  With DEVICE only the way to it\n"
		"and what is below it.  Functions behind an Intel VMD controller are shown below that controller.",
	.max_operands = 1,
	.run = run,
};
