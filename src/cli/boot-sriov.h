/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual functions that are kept across reboots, made again: the part of `passthru boot` before reservations. */
#ifndef PT_CLI_BOOT_SRIOV_H
#define PT_CLI_BOOT_SRIOV_H

#include <jansson.h>

#include "cli/cli.h"
#include "host/ops.h"

/**
 * pt_boot_sriov() - make what is kept; says of each PF how it went
 * @ops: NULL: only look
 * @missing: only of a PF that has none, that a driver of the host has, and that no earlier one of this boot has seen to
 * @told: [{"kept", "state", "text"}]: "made", "there" or "left-alone"; with @cli->json nothing is printed
 *
 * Return: how many PFs could not be given their VFs; a negative errno when nothing can be read.
 */
int pt_boot_sriov(struct pt_cli *cli, const struct pt_host_ops *ops, bool missing, json_t *told, struct pt_error *err);

#endif
