/* SPDX-License-Identifier: Apache-2.0 */
/* One declaration a command; each is defined in the file that carries its name. */
#ifndef PT_CLI_COMMANDS_H
#define PT_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct pt_command pt_command_list;
extern const struct pt_command pt_command_show;
extern const struct pt_command pt_command_tree;
extern const struct pt_command pt_command_doctor;
extern const struct pt_command pt_command_facts;
extern const struct pt_command pt_command_undo;
extern const struct pt_command pt_command_history;
extern const struct pt_command pt_command_recover;
extern const struct pt_command pt_command_verify;
extern const struct pt_command pt_command_attach;
extern const struct pt_command pt_command_detach;
extern const struct pt_command pt_command_sriov;
extern const struct pt_command pt_command_vf;
extern const struct pt_command pt_command_network;
extern const struct pt_command pt_command_help;
extern const struct pt_command pt_command_config;
extern const struct pt_command pt_command_reserve;
extern const struct pt_command pt_command_release;
extern const struct pt_command pt_command_boot;
extern const struct pt_command pt_command_repair;
extern const struct pt_command pt_command_cpu;
extern const struct pt_command pt_command_viommu;
extern const struct pt_command pt_command_migrate;
extern const struct pt_command pt_command_place;
extern const struct pt_command pt_command_providers;
extern const struct pt_command pt_command_claim;
extern const struct pt_command pt_command_claims;
extern const struct pt_command pt_command_fleet;

#endif
