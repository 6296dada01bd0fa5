/* SPDX-License-Identifier: Apache-2.0 */
/* Asking kernel, libvirt and guest whether a VM has its devices: for verify, and for attach when it is done.  Looks
 * only. */
#ifndef PT_CLI_PROVE_H
#define PT_CLI_PROVE_H

#include "cli/cli.h"
#include "model/finding.h"
#include "vm/libvirt.h"

/** pt_prove_open() - libvirt of this very host, for writing; PT_ERROR_USAGE for another host's */
int pt_prove_open(struct pt_cli *cli, struct pt_vm_conn **ret_conn, struct pt_error *err);

/**
 * struct pt_prove - what to ask; borrows
 * @vm: name, UUID or number
 * @qmp: also QEMU's monitor, which taints the VM
 * @silent: leave the guest agent alone
 * @wait_s: ask again until all is proved, at most so long: a guest takes its time to boot
 * @agent_wait_s: how long of that to wait for nothing but the guest agent, which many guests do not have
 */
struct pt_prove {
	const char *vm;
	bool qmp;
	bool silent;
	long wait_s;
	long agent_wait_s;
};

/**
 * pt_prove() - one finding a proof, see decide/verify.h
 *
 * Return: 0, whatever was found; a negative errno when there is nobody to ask (no such VM, PT_ERROR_USAGE).
 */
int pt_prove(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_prove *ask, struct pt_findings *ret_findings,
	     struct pt_error *err);

/** pt_prove_pause() - say on a terminal that the guest agent of @vm is waited for, and let a little time pass */
void pt_prove_pause(struct pt_cli *cli, const char *vm);

#endif
