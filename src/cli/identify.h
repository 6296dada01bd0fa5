/* SPDX-License-Identifier: Apache-2.0 */
/* What every plan that reserves a device must carry: by what it is recognised later.  Decides nothing. */
#ifndef PT_CLI_IDENTIFY_H
#define PT_CLI_IDENTIFY_H

#include "cli/cli.h"
#include "model/host.h"
#include "model/plan.h"

/**
 * pt_identify_steps() - fill in the identity of each device that @plan reserves, as it can be seen now
 *
 * Also warns in the plan's findings where nothing would keep a device off the host at the next boot: the program that
 * udev asks is not installed.
 */
int pt_identify_steps(const struct pt_cli *cli, const struct pt_host *host, struct pt_plan *plan, struct pt_error *err);

/** pt_tell_of_initramfs() - a note in @plan where an initramfs would do at the next boot what it changes now */
void pt_tell_of_initramfs(const struct pt_cli *cli, struct pt_plan *plan);

/** pt_early_installed() - is the program there that udev asks at boot?  1, 0 */
int pt_early_installed(const struct pt_root *root);

#endif
