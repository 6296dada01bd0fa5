/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `passthru migrate --check`.  Prints; decide/migrate.h judges. */
#ifndef PT_CLI_MIGRATING_H
#define PT_CLI_MIGRATING_H

#include "cli/cli.h"
#include "decide/migrate.h"

/** pt_migrate_tell() - host by host, as text or JSON; PT_EXIT_DONE when the VM can move to one, else PT_EXIT_NO */
int pt_migrate_tell(struct pt_cli *cli, const struct pt_migrate_ask *ask, const struct pt_migrate_hosts *hosts,
		    struct pt_error *err);

/** pt_migrate_judge() - the answer for one host: above 0 yes, 0 no, below 0 unknown; with all that was found */
int pt_migrate_judge(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
		     struct pt_findings *ret_found);

#endif
