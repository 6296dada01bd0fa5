/* SPDX-License-Identifier: Apache-2.0 */
/* `passthru migrate VM --to HOST`, after its check has said yes: a plan, its making and its proof.  Holds no rule. */
#ifndef PT_CLI_MOVING_H
#define PT_CLI_MOVING_H

#include "cli/cli.h"
#include "decide/cpu.h"
#include "model/migrate.h"
#include "vm/libvirt.h"

/* rows for the options of a VM that is moved */
#define PT_MOVING_OPTIONS                                                                                              \
	{ "device", 0, "ADDRESS", "which function of that host takes the place of the one that cannot move", true },   \
		{ "timeout", 0, "SECONDS", "give up when it takes longer; the VM stays here then", false },            \
		{ "bandwidth", 0, "MIB", "copy at most so many MiB a second", false },                                 \
		{ "data-uri", 0, "URI",                                                                                \
		  "send its memory there: tcp://ADDRESS, of a network for that (by default to "                        \
		  "the name that host calls itself)",                                                                  \
		  false },                                                                                             \
		{ "tls", 0, NULL, "send its memory encrypted; both hosts' QEMU need certificates", false },            \
		{ "converge", 0, NULL, "slow the guest down when it writes faster than is copied", false },            \
		{ "unplug-timeout", 0, "SECONDS", "how long a guest may take to let go of a device (60)", false },     \
		{ "force-twin-in-use", 0, NULL, "take one there whose interface is up, too", false },                  \
		{ "force-unknown", 0, NULL, "although the check could not tell everything", false },                   \
		{ "dry-run", 'n', NULL, "print the plan and touch nothing", false },                                   \
		{ "yes", 'y', NULL, "do not ask", false },                                                             \
	{                                                                                                              \
		"wait", 0, "SECONDS", "how long to wait for another change to end (60)", false                         \
	}

/** pt_moving_options() - what is no number, address or URI is said before anything is asked: 0 or PT_ERROR_USAGE */
int pt_moving_options(const struct pt_cli *cli, struct pt_error *err);

/**
 * pt_moving_run() - move the VM that the first operand names
 * @conn: libvirt of this host, open for writing
 * @look: the VM as the check saw it, running; @there: the other host, which a URI names
 * @check: what the check warned of, appended to the plan's findings; emptied
 *
 * pt_changing_begin() has to be called before the look.
 *
 * Return: an enum pt_exit, or a negative errno with @err filled in.
 */
int pt_moving_run(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_look *look,
		  const struct pt_migrate_host *there, struct pt_findings *check, struct pt_error *err);

#endif
