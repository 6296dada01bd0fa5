/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/findings.h"
#include "model/refusal.h"

/* what parts the ways to call a command in its synopsis, and how long that may be in the list of all commands */
#define WAYS   " | "
#define NARROW 32

const struct pt_command *pt_help_find(const char *name)
{
	for (size_t i = 0; pt_commands[i]; i++)
		if (strcmp(pt_commands[i]->name, name) == 0)
			return pt_commands[i];
	return NULL;
}

static void print_options(FILE *out, const struct pt_option *options)
{
	for (const struct pt_option *o = options; o && o->name; o++) {
		pt_autofree char *left =
			pt_strf("%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
				o->letter ? "," : " ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");

		(void)fprintf(out, "  %-26s  %s\n", left, o->help);
	}
}

/* printf() pads to bytes; a character like … has three of them and is one column wide */
static int columns(int width, const char *text)
{
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) == 0x80;
	return width;
}

/* one way to call it, of those that " | " parts in a synopsis: its length; @rest: the next one, or NULL */
static size_t one_way(const char *args, const char **rest)
{
	const char *bar = strstr(args, WAYS);

	*rest = bar ? bar + strlen(WAYS) : NULL;
	return bar ? (size_t)(bar - args) : strlen(args);
}

/* of many ways the first, so that the column stays narrow; the command's own help has them all */
static char *short_args(const char *args)
{
	const char *rest;
	size_t first = one_way(args, &rest);

	return rest && strlen(args) > NARROW ? pt_strf("%.*s" WAYS "…", (int)first, args) : pt_strdup(args);
}

void pt_help_all(FILE *out)
{
	const char *group = "";

	(void)fputs("Usage: passthru [OPTION…] COMMAND [ARGUMENT…]\n\n"
		    "Give a virtual machine a physical device, prove that the guest has it, and give it back.\n",
		    out);
	for (size_t i = 0; pt_commands[i]; i++) {
		const struct pt_command *c = pt_commands[i];
		pt_autofree char *args = short_args(c->args);

		if (strcmp(c->group, group) != 0)
			(void)fprintf(out, "\n%s:\n", c->group);
		group = c->group;
		(void)fprintf(out, "  %-10s %-*s  %s\n", c->name, columns(20, args), args, c->summary);
	}
	(void)fputs("\nOptions, before or after the command:\n", out);
	print_options(out, pt_global_options);
	(void)fputs(
		"\nA DEVICE is an address (0000:01:00.0, 01:00.0, pci_0000_01_00_0), a network interface (enp65s0f0),\n"
		"a disk (/dev/sda, /dev/disk/by-id/…: its controller), ids (10de:2330) or a part of a name "
		"(MegaRAID).\n"
		"`passthru help COMMAND` tells more; `passthru doctor` is a good beginning.\n",
		out);
}

void pt_help_command(FILE *out, const struct pt_command *c)
{
	const char *rest = c->args;

	for (const char *way = rest; way; way = rest) {
		size_t n = one_way(way, &rest);

		(void)fprintf(out, "%s passthru %s%s%s%.*s\n", way == c->args ? "Usage:" : "      ", c->name,
			      c->options ? " [OPTION…]" : "", n ? " " : "", (int)n, way);
	}
	(void)fprintf(out, "\n%s.\n", c->summary);
	if (c->description)
		(void)fprintf(out, "\n%s\n", c->description);
	if (c->options) {
		(void)fputs("\nOptions:\n", out);
		print_options(out, c->options);
	}
	(void)fputs("\nGlobal options:\n", out);
	print_options(out, pt_global_options);
}

void pt_help_refusals(FILE *out)
{
	(void)fputs(
		"What passthru refuses, by name.  --force-NAME passes over that one refusal and no other; what has no\n"
		"such flag cannot be forced.\n",
		out);
	for (const struct pt_refusal *r = pt_refusals; r->name; r++) {
		pt_autofree char *flag = r->commands ? pt_strf("--force-%s: %s", r->name, r->commands) : NULL;
		pt_autofree char *text = pt_strf("%s; %s. %s.", r->what, r->instead, flag ? flag : "Cannot be forced");

		(void)fprintf(out, "\n  %s\n      ", r->name);
		pt_cli_wrap(out, text, 6, 6);
	}
}

/* Levenshtein distance, for names far shorter than the table */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);

	if (n >= sizeof(row) / sizeof(*row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
			size_t best = row[j - 1] + 1 < substitute ? row[j - 1] + 1 : substitute;

			diagonal = row[j];
			row[j] = row[j] + 1 < best ? row[j] + 1 : best;
		}
	}
	return row[n];
}

static void nearest(const char *name, const char *candidate, const char **best, size_t *best_distance)
{
	size_t d = distance(name, candidate);

	if (d < *best_distance) {
		*best_distance = d;
		*best = candidate;
	}
}

const char *pt_help_guess_command(const char *name)
{
	const char *best = NULL;
	size_t d = 3;

	for (size_t i = 0; pt_commands[i]; i++)
		nearest(name, pt_commands[i]->name, &best, &d);
	return best;
}

const char *pt_help_guess_option(const struct pt_command *command, const char *name)
{
	const char *best = NULL;
	size_t d = 3;

	for (const struct pt_option *o = command ? command->options : NULL; o && o->name; o++)
		nearest(name, o->name, &best, &d);
	for (const struct pt_option *o = pt_global_options; o->name; o++)
		nearest(name, o->name, &best, &d);
	return best;
}

void pt_help_completion(FILE *out)
{
	(void)fputs("# bash completion for passthru; made from the table of commands\n"
		    "_passthru() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n\tcase ${COMP_WORDS[1]} in\n",
		    out);
	for (size_t i = 0; pt_commands[i]; i++) {
		(void)fprintf(out, "\t%s) words='", pt_commands[i]->name);
		for (const struct pt_option *o = pt_commands[i]->options; o && o->name; o++)
			(void)fprintf(out, "--%s ", o->name);
		(void)fputs("' ;;\n", out);
	}
	(void)fputs("\tesac\n\t[ \"$COMP_CWORD\" -eq 1 ] && words='", out);
	for (size_t i = 0; pt_commands[i]; i++)
		(void)fprintf(out, "%s ", pt_commands[i]->name);
	(void)fputs("'\n\tmapfile -t COMPREPLY < <(compgen -W \"$words", out);
	for (const struct pt_option *o = pt_global_options; o->name; o++)
		(void)fprintf(out, " --%s", o->name);
	(void)fputs("\" -- \"$cur\")\n}\ncomplete -o default -F _passthru passthru\n", out);
}
