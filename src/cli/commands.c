/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: a new verb is one file, one row here, one manual page, one test. */
#include "cli/cli.h"

#include "cli/commands.h"

const struct pt_option pt_global_options[] = {
	{ "json", 'j', NULL, "answer in JSON, one document, for programs", false },
	{ "sysroot", 0, "DIR", "read a captured host instead of this one", false },
	{ "connect", 'c', "URI", "libvirt connection (qemu:///system), or a passthrud: unix:///PATH, https://HOST:PORT",
	  false },
	{ "cert", 0, "FILE", "with --connect https: this client's certificate, PEM", false },
	{ "key", 0, "FILE", "with --connect https: its key", false },
	{ "cacert", 0, "FILE", "with --connect https: who signed the server's, instead of what the system trusts",
	  false },
	{ "color", 0, "WHEN", "auto, always or never", false },
	{ "verbose", 'v', NULL, "say more", false },
	{ "help", 'h', NULL, "show this help, or a command's", false },
	{ "version", 'V', NULL, "show the version", false },
	{ NULL, 0, NULL, NULL, false },
};

/* one row a command, so that two branches can each add one; the order is that of the help */
/* clang-format off */
const struct pt_command *const pt_commands[] = {
	&pt_command_doctor,
	&pt_command_list,
	&pt_command_show,
	&pt_command_tree,
	&pt_command_network,
	&pt_command_facts,
	&pt_command_config,
	&pt_command_verify,
	&pt_command_attach,
	&pt_command_detach,
	&pt_command_reserve,
	&pt_command_release,
	&pt_command_repair,
	&pt_command_sriov,
	&pt_command_vf,
	&pt_command_undo,
	&pt_command_history,
	&pt_command_recover,
	&pt_command_boot,
	&pt_command_cpu,
	&pt_command_viommu,
	&pt_command_migrate,
	&pt_command_place,
	&pt_command_providers,
	&pt_command_claim,
	&pt_command_claims,
	&pt_command_fleet,
	&pt_command_help,
	NULL,
};
/* clang-format on */
