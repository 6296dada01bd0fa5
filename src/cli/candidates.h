/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts as a command's words name them: a libvirt URI, a file of `passthru facts --json`, a folder of such files,
 * or the name of a host whose URI is configured. */
#ifndef PT_CLI_CANDIDATES_H
#define PT_CLI_CANDIDATES_H

#include "cli/cli.h"
#include "model/migrate.h"

/**
 * pt_candidates_add() - the host, or hosts, that @word names
 *
 * One that is a URI is only noted: pt_candidates_ask().  A host that cannot be reached, or whose file holds no facts,
 * is among them with its @why_not: it must not lose the answers of the others.
 *
 * Return: 0; PT_ERROR_USAGE when @word is neither of the three.
 */
int pt_candidates_add(struct pt_cli *cli, const char *word, struct pt_migrate_hosts *l, struct pt_error *err);

/** pt_candidates_ask() - ask the libvirts of those that were noted, side by side: one that is down delays none */
void pt_candidates_ask(struct pt_cli *cli, struct pt_migrate_hosts *l);

/**
 * pt_candidates_add_target() - the one host that is moved to: the URI itself, never a file or folder of its name
 *
 * Return: 0, @l has that host alone (with its @why_not where it cannot be reached); else -EINVAL.
 */
int pt_candidates_add_target(struct pt_cli *cli, const char *uri, struct pt_migrate_hosts *l, struct pt_error *err);

/**
 * pt_candidates_uri() - the URI that @word is, or that [migrate] host has for the host called @word; the caller frees
 *
 * Return: 1; 0 when it is neither; PT_ERROR_USAGE when it may be two.
 */
int pt_candidates_uri(struct pt_cli *cli, const char *word, char **ret_uri, struct pt_error *err);

#endif
