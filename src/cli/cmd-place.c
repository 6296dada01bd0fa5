/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/commands.h"
#include "cli/place-batch.h"

static const struct pt_option options[] = {
	{ "batch", 0, NULL, "read one JSON question a line, write one JSON answer a line", false },
	{ "spread", 0, NULL, "take VFs from as many PFs as possible, not from as few", false },
	{ NULL, 0, NULL, NULL, false },
};

static int run(struct pt_cli *cli, struct pt_error *err)
{
	struct pt_place_options how = { .spread = pt_cli_flag(cli, "spread") };
	int r;

	if (!pt_cli_flag(cli, "batch"))
		return pt_usage(err, -EINVAL, "passthru place reads its questions with --batch");
	r = pt_batch_run(stdin, cli->out, pt_batch_place, how, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_place = {
	.name = "place",
	.args = "",
	.group = "Fleet",
	.summary = "Say which host and which devices serve a request, and why the others do not",
	.description = "Each line read is a JSON object with a configuration, hosts and a request; each line written "
		       "is the answer "
		       "to it: for each host whether it fits, with which devices, or why not.  Nothing on any host is "
		       "touched.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
