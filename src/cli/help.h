/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, made from the table of commands; prints only. */
#ifndef PT_CLI_HELP_H
#define PT_CLI_HELP_H

#include "cli/cli.h"

void pt_help_all(FILE *out);
void pt_help_command(FILE *out, const struct pt_command *command);

/** pt_help_find() - the command called @name, or NULL */
const struct pt_command *pt_help_find(const char *name);

/** pt_help_guess() - the command or option most like @name, for "did you mean"; NULL when nothing is near */
const char *pt_help_guess_command(const char *name);
const char *pt_help_guess_option(const struct pt_command *command, const char *name);

/** pt_help_completion() - a bash completion script on @out */
/** pt_help_refusals() - every refusal by its name, with its flag or what to do instead */
void pt_help_refusals(FILE *out);

void pt_help_completion(FILE *out);

#endif
