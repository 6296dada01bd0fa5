/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-path.h"
#include "host/users-look.h"

/* far more than any host has on one controller; a capture may claim anything */
#define NODES_MAX 16384

/* a loop device over another block device: the kernel links no holder for it */
struct loop {
	const char *name;
	const char *below;
};

/* what is read once, for all targets; @paths: parallel to the host's blocks, of whole disks only */
struct facts {
	PT_ARRAY(struct loop) loops;
	struct pt_strv *paths;
};

static void find_loops(const struct pt_look *look, struct facts *facts)
{
	const struct pt_blocks *blocks = &look->host->blocks;

	for (size_t i = 0; i < blocks->n; i++) {
		pt_autofree char *path = pt_strf("class/block/%s/loop/backing_file", blocks->v[i].name);
		pt_autofree char *file = NULL;
		const struct pt_block *below;

		if (!pt_startswith(blocks->v[i].name, "loop") || pt_file_read_line(look->root->sys_fd, path, &file) < 0)
			continue;
		/* over a file it is the mount of the file's filesystem that counts */
		below = pt_look_path(look, file);
		if (below)
			pt_array_push(&facts->loops, ((struct loop){ blocks->v[i].name, below->name }));
	}
}

static char *read_attr(const struct pt_look *look, const char *name, const char *attribute)
{
	pt_autofree char *path = pt_strf("class/block/%s/%s", name, attribute);
	char *line = NULL;

	return pt_file_read_line(look->root->sys_fd, path, &line) < 0 ? NULL : line;
}

/* LVM joins group and volume by "-" and doubles each "-" inside them: "vg0-my--lv" is vg0/my-lv (lvm(8), dm names) */
static char *lvm_name(const char *dm_name)
{
	struct pt_buf name = { 0 };
	bool split = false;

	for (const char *p = dm_name; *p; p++) {
		if (*p == '-' && p[1] == '-')
			p++;
		else if (*p == '-' && !split) {
			split = true;
			pt_buf_add(&name, "/");
			continue;
		}
		pt_buf_addn(&name, p, 1);
	}
	return pt_buf_take(&name);
}

/* who made a device-mapper device stands before the first "-" of its uuid (dmsetup(8)) */
static void describe_dm(const struct pt_look *look, struct pt_look_node *node)
{
	pt_autofree char *name = read_attr(look, node->name, "dm/name");
	pt_autofree char *uuid = read_attr(look, node->name, "dm/uuid");
	const char *label = name && *name ? name : node->name;
	pt_autofree char *lv = NULL;

	node->holder_kind = PT_USE_DM;
	free(node->label);
	if (uuid && pt_startswith(uuid, "LVM-")) {
		lv = lvm_name(label);
		node->holder_kind = PT_USE_LVM;
		node->label = pt_strf("%s (LVM %s)", label, lv);
	} else if (uuid && pt_startswith(uuid, "mpath-")) {
		node->holder_kind = PT_USE_MULTIPATH;
		node->label = pt_strf("%s (multipath)", label);
	} else if (uuid && pt_startswith(uuid, "part")) {
		node->label = pt_strf("%s (partition)", label);
	} else if (uuid && pt_startswith(uuid, "CRYPT-")) {
		node->label = pt_strf("%s (encrypted)", label);
	} else {
		node->label = pt_strf("%s (device-mapper)", label);
	}
}

static void describe_holder(const struct pt_look *look, struct pt_look_node *node)
{
	pt_autofree char *level = NULL;

	node->is_holder = true;
	/* whatever else links itself as a holder (DRBD): it has the device, and its name is all there is to say */
	node->holder_kind = PT_USE_BUSY;
	if (pt_startswith(node->name, "dm-")) {
		describe_dm(look, node);
	} else if (pt_startswith(node->name, "md")) {
		level = read_attr(look, node->name, "md/level");
		node->holder_kind = PT_USE_MD;
		free(node->label);
		node->label = pt_strf("%s (%s)", node->name, level && *level ? level : "md");
	} else if (pt_startswith(node->name, "bcache")) {
		node->holder_kind = PT_USE_BCACHE;
	} else if (pt_startswith(node->name, "loop")) {
		node->holder_kind = PT_USE_LOOP;
	}
}

/* @below -1: a disk of the target itself; a device that is already in the stack only gets one more line below it */
static struct pt_look_node *add_node(struct pt_look_stack *stack, const char *name, int below)
{
	struct pt_look_node *node = NULL;
	int index = -1;

	for (size_t i = 0; i < stack->nodes.n && index < 0; i++)
		if (pt_streq(stack->nodes.v[i].name, name))
			index = (int)i;
	if (index < 0) {
		index = (int)stack->nodes.n;
		node = pt_array_add(&stack->nodes);
		node->name = pt_strdup(name);
		node->label = pt_strdup(name);
		node->below = below;
	}
	if (below >= 0)
		pt_array_push(&stack->edges, ((struct pt_look_edge){ below, index }));
	return node;
}

static void add_partitions(const struct pt_look *look, struct pt_look_stack *stack, int below, const char *name)
{
	const struct pt_blocks *blocks = &look->host->blocks;

	for (size_t i = 0; i < blocks->n; i++) {
		const struct pt_block *b = &blocks->v[i];
		struct pt_look_node *node;

		if (!pt_streq(b->disk, name) || pt_streq(b->name, name))
			continue;
		node = add_node(stack, b->name, below);
		if (node)
			node->is_partition = true;
	}
}

/* what the host does to the disk by another way than over the target, it does to the disk all the same */
static void add_twins(const struct pt_look *look, struct pt_look_stack *stack, int below, const char *name)
{
	const struct pt_block *disk = pt_blocks_by_name(&look->host->blocks, name);

	for (size_t i = 0; i < look->host->blocks.n && disk; i++) {
		const struct pt_block *b = &look->host->blocks.v[i];
		struct pt_look_node *node;

		if (b == disk || !pt_streq(b->name, b->disk) || !pt_block_same_disk(b, disk))
			continue;
		node = add_node(stack, b->name, below);
		if (!node)
			continue;
		free(node->label);
		node->label = pt_strf("%s (the same disk over another path)", b->name);
	}
}

static void add_holders(const struct pt_look *look, const struct facts *facts, struct pt_look_stack *stack, int below,
			const char *name)
{
	pt_autofree char *dir = pt_strf("class/block/%s/holders", name);
	PT_AUTO(pt_strv) holders = { 0 };

	/* no such directory: nothing can hold it (a device that went away in between) */
	(void)pt_file_list(look->root->sys_fd, dir, &holders);
	for (size_t i = 0; i < facts->loops.n; i++)
		if (pt_streq(facts->loops.v[i].below, name))
			pt_strv_add(&holders, facts->loops.v[i].name);
	for (size_t i = 0; i < holders.n; i++) {
		struct pt_look_node *node = add_node(stack, holders.v[i], below);

		if (node)
			describe_holder(look, node);
	}
}

static bool hangs_on(const struct pt_block *b, const struct pt_strv *paths, struct pt_bdf function)
{
	if (b->has_controller && pt_bdf_eq(b->controller, function))
		return true;
	/* farther up: a disk behind a VMD function, the second controller of a multipath namespace */
	for (size_t i = 0; i < paths->n; i++)
		if (pt_path_has_function(paths->v[i], function))
			return true;
	return false;
}

static void build(struct pt_look *look, const struct facts *facts, struct pt_bdf function, struct pt_look_stack *stack)
{
	const struct pt_blocks *blocks = &look->host->blocks;

	for (size_t i = 0; i < blocks->n; i++)
		if (pt_streq(blocks->v[i].name, blocks->v[i].disk) &&
		    hangs_on(&blocks->v[i], &facts->paths[i], function))
			(void)add_node(stack, blocks->v[i].name, -1);
	/* the list grows while it is walked; a device enters once, so that a capture that goes in circles ends */
	for (size_t i = 0; i < stack->nodes.n && i < NODES_MAX; i++) {
		pt_autofree char *name = pt_strdup(stack->nodes.v[i].name);

		if (stack->nodes.v[i].below < 0)
			add_twins(look, stack, (int)i, name);
		if (!stack->nodes.v[i].is_partition)
			add_partitions(look, stack, (int)i, name);
		add_holders(look, facts, stack, (int)i, name);
	}
	if (stack->nodes.n > NODES_MAX)
		pt_look_blind(look, "%s carries more than %d block devices; not all of them were looked at",
			      pt_bdf_str(function).s, NODES_MAX);
}

void pt_look_stacks(struct pt_look *look)
{
	const struct pt_blocks *blocks = &look->host->blocks;
	struct facts facts = { .paths = pt_alloc((blocks->n + 1) * sizeof(*facts.paths)) };

	find_loops(look, &facts);
	for (size_t i = 0; i < blocks->n; i++)
		if (pt_streq(blocks->v[i].name, blocks->v[i].disk))
			pt_block_paths(look->root, blocks->v[i].name, &facts.paths[i]);
	for (size_t t = 0; t < look->targets.n; t++) {
		struct pt_look_stack *stack = pt_array_add(&look->stacks);

		build(look, &facts, look->targets.v[t].at, stack);
	}
	for (size_t i = 0; i < blocks->n; i++)
		pt_strv_done(&facts.paths[i]);
	free(facts.paths);
	free(facts.loops.v);
}

static const char *holder_text(enum pt_use_kind kind)
{
	switch (kind) {
	case PT_USE_LVM:
		return "active logical volume";
	case PT_USE_MULTIPATH:
		return "active multipath map";
	case PT_USE_MD:
		return "assembled array";
	case PT_USE_BCACHE:
		return "active bcache device";
	case PT_USE_LOOP:
		return "loop device on it";
	case PT_USE_DM:
		return "active mapping";
	default:
		return "held by it";
	}
}

/*
 * Last of all: what stands on a disk and is in no better known use.  From the top of the stack down, so that of
 * md0 > vg0/data only vg0/data is named.
 */
void pt_look_holders(struct pt_look *look)
{
	for (size_t t = 0; t < look->stacks.n; t++) {
		for (size_t i = look->stacks.v[t].nodes.n; i-- > 0;) {
			const struct pt_look_node *node = &look->stacks.v[t].nodes.v[i];
			pt_autofree char *where = NULL;

			if (!node->is_holder || node->claimed || node->parts_claimed || node->below < 0)
				continue;
			where = pt_strf("/sys/class/block/%s/holders", look->stacks.v[t].nodes.v[node->below].name);
			pt_look_block_use(look, node->name,
					  &(struct pt_look_how){ .kind = node->holder_kind, .where = where }, "%s",
					  holder_text(node->holder_kind));
		}
	}
}
