/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that another host's passthrud answers: `--connect unix://…` or `https://…`.  The output is the local one. */
#ifndef PT_CLI_REMOTE_H
#define PT_CLI_REMOTE_H

#include "cli/cli.h"

/** pt_remote_run() - have cli->command answered there; as a command's run(); PT_ERROR_USAGE where it cannot be */
int pt_remote_run(struct pt_cli *cli, struct pt_error *err);

#endif
