/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command shares: its row in the table, its parsed options, and how it speaks.  A command looks, asks
 * decide/ and change/, and prints; it holds no rule of its own.
 */
#ifndef PT_CLI_CLI_H
#define PT_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/root.h"
#include "base/watch.h"

/* Exit statuses, as DESIGN says: `man passthru`, section EXIT STATUS. */
enum pt_exit {
	PT_EXIT_DONE = 0,
	PT_EXIT_FAILED = 1, /* and the system is as it was */
	PT_EXIT_USAGE = 2,
	PT_EXIT_NO = 3,		 /* a check says no */
	PT_EXIT_INTERRUPTED = 4, /* run `passthru recover` */
};

/**
 * struct pt_option - one option of a command, or a global one
 * @name: without dashes; @arg: what its value is called ("N", "DIR"), NULL for a flag; "[N]" may be left out
 * @repeat: may be given more than once: pt_cli_values()
 * The end of a list is an element with @name NULL.
 */
struct pt_option {
	const char *name;
	char letter; /* 0 when it has no short form */
	const char *arg;
	const char *help;
	bool repeat;
};

struct pt_cli;

/**
 * struct pt_command - one row of the table in commands.c; help, completion and the manual's synopsis come from it
 * @args: operands as in a synopsis: "VM DEVICE…"; where it is called in several ways, " | " between them
 * @group: heading in `passthru --help`: "Look", "Change", ...
 * @description: a paragraph or more for `passthru help COMMAND`
 * @max_operands: -1 for any number
 * @run: returns an enum pt_exit, or a negative errno with @err filled in (main prints it and picks the status)
 */
struct pt_command {
	const char *name;
	const char *args;
	const char *group;
	const char *summary;
	const char *description;
	const struct pt_option *options;
	int min_operands;
	int max_operands;
	int (*run)(struct pt_cli *cli, struct pt_error *err);
};

struct pt_option_value {
	const char *name;
	const char *value; /* NULL for a flag */
};

/**
 * struct pt_cli - one invocation; made by pt_cli_main()
 * @operands: what is not an option, after the command's name
 * @root: where to look: the running host or --sysroot; open
 * @json, @color, @uri: global options; @uri is libvirt's connection, NULL for qemu:///system
 * @as_of: see pt_changing_begin(); 0 before that
 * @warnings: what a change could not have and does without, as it was said
 * @watch: runs from the first line of ours; whoever waits for somebody else turns it meanwhile
 */
struct pt_cli {
	const struct pt_command *command;
	const char **operands;
	int n_operands;
	struct pt_option_value *values;
	size_t n_values;
	struct pt_root root;
	bool json;
	bool color;
	bool verbose;
	const char *uri;
	long long as_of;
	struct pt_strv warnings;
	struct pt_watch watch;
	FILE *out;
	FILE *diag;
};

bool pt_cli_flag(const struct pt_cli *cli, const char *name);
/* the option's value (the last one given), or NULL when it was not given */
const char *pt_cli_value(const struct pt_cli *cli, const char *name);
/* the value number @at of a repeatable option, from 0; NULL past the last */
const char *pt_cli_value_at(const struct pt_cli *cli, const char *name, size_t at);

/** pt_cli_number() - an option's value as a number within [min, max]; @preset when not given; PT_ERROR_USAGE */
int pt_cli_number(const struct pt_cli *cli, const char *name, long min, long max, long preset, long *ret_value,
		  struct pt_error *err);

/**
 * pt_cli_confirm() - ask "QUESTION [y/N]" on the terminal
 *
 * Return: 1 yes, 0 no; -ENOTTY with a message (PT_ERROR_USAGE, names --yes) when there is nobody to ask.
 * --yes answers it without asking.
 */
int pt_cli_confirm(struct pt_cli *cli, const char *question, struct pt_error *err);

/** pt_cli_need_root() - PT_ERROR_USAGE (-EPERM) unless the effective user is root */
int pt_cli_need_root(const struct pt_cli *cli, struct pt_error *err);

/** pt_cli_need_live() - PT_ERROR_USAGE when --sysroot was given to a command that changes things */
int pt_cli_need_live(const struct pt_cli *cli, struct pt_error *err);

/** pt_cli_paint() - @text in the verdict's colour when colour is on; static buffers rotate, use at most four at once */
const char *pt_cli_bold(const struct pt_cli *cli, const char *text);

/** pt_cli_progress() - "where it is" on a terminal's last line; a plain line when stderr is no terminal */
void pt_cli_progress(struct pt_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pt_cli_progress_end(struct pt_cli *cli);

int pt_cli_main(int argc, char **argv);

/* commands.c */
extern const struct pt_command *const pt_commands[]; /* ends in NULL */
extern const struct pt_option pt_global_options[];

#endif
