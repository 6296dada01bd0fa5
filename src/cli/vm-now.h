/* SPDX-License-Identifier: Apache-2.0 */
/* A VM twice: as it is defined, and as it runs.  Looks only. */
#ifndef PT_CLI_VM_NOW_H
#define PT_CLI_VM_NOW_H

#include "cli/cli.h"
#include "vm/libvirt.h"

/**
 * pt_vm_now() - what a VM is defined as, and what it runs with
 * @vm: name, UUID or number
 * @ret_live: filled in when @ret_running says so; what a look owns already, so nothing of it is lost on failure
 *
 * Return: 0; -ENOENT without such a VM (PT_ERROR_USAGE).
 */
int pt_vm_now(struct pt_cli *cli, struct pt_vm_conn *conn, const char *vm, struct pt_domain *ret_vm,
	      struct pt_domain *ret_live, bool *ret_running, struct pt_error *err);

#endif
