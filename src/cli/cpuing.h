/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at processors: this host's, and what libvirt gives a VM.  Looks only; decide/cpu.h judges. */
#ifndef PT_CLI_CPUING_H
#define PT_CLI_CPUING_H

#include "cli/cli.h"
#include "decide/cpu.h"
#include "vm/libvirt.h"

/**
 * pt_cpu_look() - host, VM and all models in play
 * @vm: name, UUID or number
 * @also: another definition whose flags shall be known, or NULL
 *
 * Return: 0; -ENOENT without such a VM.  What libvirt cannot tell is noted in @ret_look with the reason.
 */
int pt_cpu_look(struct pt_cli *cli, struct pt_vm_conn *conn, const char *vm, const struct pt_cpu_def *also,
		struct pt_cpu_look *ret_look, struct pt_error *err);

/** pt_cpu_look_model() - the same for one more definition, later */
void pt_cpu_look_model(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_def *def,
		       struct pt_cpu_look *look);

/**
 * pt_cpu_look_guest() - what the guest's kernel lists; @ret_silent: why it does not, the caller frees
 *
 * Return: 1; a negative errno when it does not tell; -EACCES when its agent may not: it never will.
 */
int pt_cpu_look_guest(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_look *look,
		      struct pt_cpu_host *ret_guest, char **ret_silent);

/** pt_cpu_baseline() - `passthru cpu baseline HOST…`: an enum pt_exit or a negative errno */
int pt_cpu_baseline(struct pt_cli *cli, struct pt_error *err);

/* cpu-show.c: the answers of `passthru cpu` and `passthru cpu VM`; an enum pt_exit or a negative errno */
int pt_cpu_show_host(struct pt_cli *cli, const struct pt_cpu_host *host, struct pt_error *err);
int pt_cpu_show_vm(struct pt_cli *cli, const struct pt_cpu_look *look, const struct pt_cpu_host *guest,
		   const char *silent, struct pt_error *err);

#endif
