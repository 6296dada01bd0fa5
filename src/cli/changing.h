/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command that changes something does the same way: show the plan, stop there for --dry-run, ask, apply it
 * with progress and with Ctrl-C under control, and say how it ended.  Holds no rule: decide/ and change/ do.
 */
#ifndef PT_CLI_CHANGING_H
#define PT_CLI_CHANGING_H

#include <jansson.h>

#include "base/error.h"
#include "change/change.h"
#include "cli/cli.h"
#include "host/ops.h"
#include "vm/libvirt.h"

/* rows for the options of a command that calls pt_changing_run() */
#define PT_CHANGING_OPTIONS                                                                                            \
	{ "dry-run", 'n', NULL, "print the plan and touch nothing", false },                                           \
		{ "yes", 'y', NULL, "do not ask", false },                                                             \
		{ "force-stop", 0, NULL, "power a guest off that does not shut down in time", false },                 \
	{                                                                                                              \
		"wait", 0, "SECONDS", "how long to wait for another change to end (60)", false                         \
	}

/* where this host's files of ours are */
extern const struct pt_host_paths pt_changing_paths;

/**
 * pt_changing_begin() - call before looking at what a plan will be made from
 *
 * Another passthru may be in the middle of a change, and end it before this one's plan is applied: what is noted here
 * lets pt_changing_run() refuse a plan that was made from such a sight.
 */
int pt_changing_begin(struct pt_cli *cli, struct pt_error *err);

/**
 * struct pt_changing_proof - how to see what came of a change
 * @prove: called when it is made; waits as long as it likes; 0 or a negative errno
 */
struct pt_changing_proof {
	int (*prove)(void *ctx, struct pt_findings *ret_findings, struct pt_error *err);
	void *ctx;
};

/**
 * pt_changing_run() - from a decided plan to its end
 * @conn: open for writing (for --dry-run, for reading secrets too); borrowed; NULL where the plan touches no VM
 * @plan: decided, not refused; its edits become definitions here
 * @question: asked before anything is done unless --yes; NULL: "Go ahead?"
 * @proof: NULL when there is nothing to prove; a proof that fails is PT_EXIT_NO, and the change stays made
 *
 * Prints the plan (and with --dry-run the differences of definitions, masked) and the outcome, as text or JSON.
 *
 * Return: an enum pt_exit, or a negative errno with @err filled in, for the command to return as it is.
 */
int pt_changing_run(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_plan *plan, const char *question,
		    const struct pt_changing_proof *proof, struct pt_error *err);

/** pt_changing_print() - a plan for a person; @differences: of definitions, masked */
void pt_changing_print(struct pt_cli *cli, const struct pt_plan *plan, bool differences);

/** pt_changing_json() - a plan for a program: steps with their "difference" instead of definitions; NULL: see @err */
json_t *pt_changing_json(const struct pt_plan *plan, struct pt_error *err);

/**
 * struct pt_changing - the engine's environment, for commands that need more than pt_changing_run(): undo, recover
 * Opened by pt_changing_open(), closed by pt_changing_close(); members are read only.
 */
struct pt_changing {
	struct pt_cli *cli;
	struct pt_change_env env;
	struct pt_vm_ops vm;
	struct pt_changing_parts *parts;
};

/** pt_changing_open() - with --dry-run only for looking: no lock, and no journal is made where there is none */
int pt_changing_open(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_changing *ret_changing,
		     struct pt_error *err);

/** pt_changing_look() - the same only for looking, whatever the options say: to make a plan from the journal */
int pt_changing_look(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_changing *ret_changing,
		     struct pt_error *err);

void pt_changing_close(struct pt_changing *changing);

/** pt_cli_change_id() - the number of a change; PT_ERROR_USAGE */
int pt_cli_change_id(const char *text, long long *ret_id, struct pt_error *err);

#endif
