/* SPDX-License-Identifier: Apache-2.0 */
#include "host/users-look.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block.h"

/* a mount point or a process may be called anything, and all of it ends up on somebody's terminal */
static void tidy(char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
}

static bool known(const struct pt_uses *uses, struct pt_bdf bdf, enum pt_use_kind kind, const char *chain)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->v[i].kind == kind && pt_bdf_eq(uses->v[i].bdf, bdf) && pt_streq(uses->v[i].chain, chain))
			return true;
	return false;
}

/* the word behind "-uuid" of a process's arguments, which end in NUL each; NULL when there is none */
static char *vm_of(const struct pt_look *look, int pid)
{
	pt_autofree char *path = pt_strf("%d/cmdline", pid);
	pt_autofree char *text = NULL;
	size_t size = 0;
	char *uuid;

	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, path, PT_FILE_MAX, &text, &size) < 0)
		return NULL;
	for (const char *p = text; p < text + size; p += strlen(p) + 1) {
		const char *word = p + strlen(p) + 1;

		if (strcmp(p, "-uuid") != 0 || word >= text + size)
			continue;
		uuid = pt_strdup(word);
		tidy(uuid);
		return uuid;
	}
	return NULL;
}

void pt_look_use(struct pt_look *look, const struct pt_look_target *target, const struct pt_look_how *how,
		 const char *chain, ...)
{
	pt_autofree char *text = NULL;
	struct pt_use *use;
	va_list ap;

	va_start(ap, chain);
	text = pt_strfv(chain, ap);
	va_end(ap);
	tidy(text);
	if (target->is_vf) {
		char *longer = pt_strf("VF %s > %s", pt_bdf_str(target->at).s, text);

		free(text);
		text = longer;
	}
	if (known(&look->uses, target->bdf, how->kind, text))
		return;
	use = pt_uses_add(&look->uses, target->bdf, how->kind, how->where, "%s", text);
	use->pid = how->pid;
	use->comm = pt_strdup_opt(how->comm);
	if (use->comm)
		tidy(use->comm);
	if (use->pid)
		use->vm_uuid = vm_of(look, use->pid);
}

static int find_node(const struct pt_look_stack *stack, const char *name)
{
	for (size_t i = 0; i < stack->nodes.n; i++)
		if (pt_streq(stack->nodes.v[i].name, name))
			return (int)i;
	return -1;
}

/* what is below a claimed device is claimed too: as a whole by what stands on it as a whole, in part by a partition */
static void mark(struct pt_look_stack *stack, int i)
{
	struct pt_look_node *node = &stack->nodes.v[i];

	for (size_t e = 0; e < stack->edges.n; e++) {
		struct pt_look_node *below;

		if (stack->edges.v[e].above != i)
			continue;
		below = &stack->nodes.v[stack->edges.v[e].below];
		if (node->is_partition ? below->parts_claimed : below->claimed)
			continue;
		if (node->is_partition)
			below->parts_claimed = true;
		else
			below->claimed = true;
		mark(stack, stack->edges.v[e].below);
	}
}

/* "sda > sda2 > vg0-root (LVM vg0/root)" */
static char *chain_to(const struct pt_look_stack *stack, int i)
{
	char *chain = pt_strdup(stack->nodes.v[i].label);

	while ((i = stack->nodes.v[i].below) >= 0) {
		char *longer = pt_strf("%s > %s", stack->nodes.v[i].label, chain);

		free(chain);
		chain = longer;
	}
	return chain;
}

static void add_block_use(struct pt_look *look, const char *name, const struct pt_look_how *how, bool claims,
			  const char *end)
{
	for (size_t t = 0; t < look->targets.n; t++) {
		struct pt_look_stack *stack = &look->stacks.v[t];
		int i = find_node(stack, name);
		pt_autofree char *chain = NULL;

		if (i < 0)
			continue;
		chain = chain_to(stack, i);
		pt_look_use(look, &look->targets.v[t], how, "%s > %s", chain, end);
		if (!claims)
			continue;
		stack->nodes.v[i].claimed = true;
		stack->nodes.v[i].mounted |= how->kind == PT_USE_MOUNT;
		mark(stack, i);
	}
}

void pt_look_block_use(struct pt_look *look, const char *name, const struct pt_look_how *how, const char *text, ...)
{
	pt_autofree char *end = NULL;
	va_list ap;

	va_start(ap, text);
	end = pt_strfv(text, ap);
	va_end(ap);
	add_block_use(look, name, how, how->kind != PT_USE_OPEN, end);
}

void pt_look_block_intent(struct pt_look *look, const char *name, const struct pt_look_how *how, const char *text, ...)
{
	pt_autofree char *end = NULL;
	va_list ap;

	va_start(ap, text);
	end = pt_strfv(text, ap);
	va_end(ap);
	add_block_use(look, name, how, false, end);
}

bool pt_look_has_block(const struct pt_look *look, const char *name)
{
	for (size_t t = 0; t < look->stacks.n; t++)
		if (find_node(&look->stacks.v[t], name) >= 0)
			return true;
	return false;
}

bool pt_look_any_block(const struct pt_look *look)
{
	for (size_t t = 0; t < look->stacks.n; t++)
		if (look->stacks.v[t].nodes.n)
			return true;
	return false;
}

bool pt_look_claimed(const struct pt_look *look, const char *name)
{
	for (size_t t = 0; t < look->stacks.n; t++) {
		int i = find_node(&look->stacks.v[t], name);

		if (i >= 0 && (look->stacks.v[t].nodes.v[i].claimed || look->stacks.v[t].nodes.v[i].parts_claimed))
			return true;
	}
	return false;
}

bool pt_look_mounted(const struct pt_look *look, const char *name)
{
	for (size_t t = 0; t < look->stacks.n; t++) {
		int i = find_node(&look->stacks.v[t], name);

		if (i >= 0 && look->stacks.v[t].nodes.v[i].mounted)
			return true;
	}
	return false;
}

const struct pt_block *pt_look_path(const struct pt_look *look, const char *path)
{
	int i;

	/* other sources ("tmpfs", "server:/export") are not looked up: a lookup could wait for a server */
	if (!pt_startswith(path, "/dev/"))
		return NULL;
	i = pt_block_lookup(look->root, &look->host->blocks, path);
	return i < 0 ? NULL : &look->host->blocks.v[i];
}

char *pt_look_tag_path(const char *tag, size_t n)
{
	static const struct {
		const char *key;
		const char *dir;
	} tags[] = {
		{ "UUID=", "uuid" },
		{ "PARTUUID=", "partuuid" },
		{ "LABEL=", "label" },
		{ "PARTLABEL=", "partlabel" },
	};
	pt_autofree char *text = pt_strndup(tag, n);

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		const char *value = text + strlen(tags[i].key);

		if (!pt_startswith(text, tags[i].key))
			continue;
		/* fstab(5) allows UUID="1-2" */
		value += *value == '"';
		return pt_strf("/dev/disk/by-%s/%.*s", tags[i].dir, (int)strcspn(value, "\""), value);
	}
	return pt_take_ptr(text);
}

void pt_look_blind(struct pt_look *look, const char *sentence, ...)
{
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, sentence);
	text = pt_strfv(sentence, ap);
	va_end(ap);
	tidy(text);
	if (!pt_strv_has(&look->blind, text))
		pt_strv_add(&look->blind, text);
}

bool pt_look_can_see_all(const struct pt_look *look)
{
	return !look->root->captured && geteuid() == 0;
}

/* ptrace(2), access mode checking: also root may not look into a process that has more capabilities than itself */
const char *pt_look_denied(void)
{
	return geteuid() == 0 ? "the kernel denies it" : "not root";
}

char *pt_look_comm(const struct pt_look *look, int pid)
{
	pt_autofree char *path = pt_strf("%d/comm", pid);
	char *comm = NULL;

	if (look->root->proc_fd < 0 || pt_file_read_line(look->root->proc_fd, path, &comm) < 0)
		return pt_strdup("?");
	return comm;
}

void pt_look_pids(const struct pt_look *look, struct pt_strv *ret_pids)
{
	PT_AUTO(pt_strv) names = { 0 };

	if (look->root->proc_fd < 0 || pt_file_list(look->root->proc_fd, ".", &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (strlen(names.v[i]) < 10 && strspn(names.v[i], "0123456789") == strlen(names.v[i]))
			pt_strv_add(ret_pids, names.v[i]);
}
