/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "model/refusal.h"

#define REFUSALS "refusals"

static const struct pt_option options[] = {
	{ "completion", 0, NULL, "print a completion script for bash", false },
	{ NULL, 0, NULL, NULL, false },
};

static json_t *options_json(const struct pt_option *l)
{
	json_t *a = json_array();

	for (; l && l->name; l++) {
		char letter[2] = { l->letter, '\0' };

		json_array_append_new(a, json_pack("{s:s, s:s*, s:s*, s:s, s:b}", "name", l->name, "letter",
						   l->letter ? letter : NULL, "arg", l->arg, "help", l->help, "repeat",
						   l->repeat));
	}
	return a;
}

static json_t *refusals_json(void)
{
	json_t *a = json_array();

	for (const struct pt_refusal *r = pt_refusals; r->name; r++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s*, s:s}", "name", r->name, "what", r->what,
						   "commands", r->commands, "instead", r->instead));
	return a;
}

/* the table itself, for the manual pages and for other programs */
static int print_table(const struct pt_cli *cli, struct pt_error *err)
{
	json_t *commands = json_array();
	json_t *all;
	int r;

	for (size_t i = 0; pt_commands[i]; i++) {
		const struct pt_command *c = pt_commands[i];

		json_array_append_new(commands,
				      json_pack("{s:s, s:s, s:s, s:s, s:s*, s:o}", "name", c->name, "args", c->args,
						"group", c->group, "summary", c->summary, "description", c->description,
						"options", options_json(c->options)));
	}
	all = json_pack("{s:s, s:o, s:o, s:o}", "version", PT_VERSION, "commands", commands, "options",
			options_json(pt_global_options), "refusals", refusals_json());
	r = all ? json_dumpf(all, cli->out, JSON_INDENT(2)) : -1;
	json_decref(all);
	if (r < 0)
		return pt_fail(err, -EIO, "cannot write the table of commands");
	(void)fputc('\n', cli->out);
	return PT_EXIT_DONE;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	const struct pt_command *command;

	if (pt_cli_flag(cli, "completion")) {
		pt_help_completion(cli->out);
		return PT_EXIT_DONE;
	}
	if (cli->json)
		return print_table(cli, err);
	if (cli->n_operands == 0) {
		pt_help_all(cli->out);
		return PT_EXIT_DONE;
	}
	if (strcmp(cli->operands[0], REFUSALS) == 0) {
		pt_help_refusals(cli->out);
		return PT_EXIT_DONE;
	}
	command = pt_help_find(cli->operands[0]);
	if (!command)
		return pt_usage(err, -EINVAL, "there is no command '%s'; `passthru --help` lists them",
				cli->operands[0]);
	pt_help_command(cli->out, command);
	return PT_EXIT_DONE;
}

const struct pt_command pt_command_help = {
	.name = "help",
	.args = "[COMMAND|" REFUSALS "]",
	.group = "Help",
	.summary = "Explain passthru or one of its commands",
	.description = "Without an argument the list of commands.  With `refusals` the names of all refusals: what "
		       "each says, and "
		       "which commands have the flag that passes it over.  With --json the whole table of all that.",
	.options = options,
	.max_operands = 1,
	.run = run,
};
