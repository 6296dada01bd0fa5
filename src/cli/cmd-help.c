/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/commands.h"
#include "cli/help.h"

static const struct pt_option options[] = {
	{ "completion", 0, NULL, "print a completion script for bash", false },
	{ NULL, 0, NULL, NULL, false },
};

static int run(struct pt_cli *cli, struct pt_error *err)
{
	const struct pt_command *command;

	if (pt_cli_flag(cli, "completion")) {
		pt_help_completion(cli->out);
		return PT_EXIT_DONE;
	}
	if (cli->n_operands == 0) {
		pt_help_all(cli->out);
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
	.args = "[COMMAND]",
	.group = "Help",
	.summary = "Explain passthru or one of its commands",
	.options = options,
	.max_operands = 1,
	.run = run,
};
