/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a guest what it has: the QEMU guest agent, and QEMU's monitor when told to.  Asks only, runs no command inside
 * and changes nothing there.
 *
 * The agent is asked command by command with a limit for each: virDomainGetGuestInfo() waits without one for a guest
 * that falls silent after its first word, and tells neither drivers nor a disk's controller.  The price: libvirt notes
 * "custom guest agent control commands issued" for this VM until it is shut off.
 */
#ifndef PT_VM_AGENT_H
#define PT_VM_AGENT_H

#include "base/error.h"
#include "model/guest.h"
#include "vm/libvirt.h"

/**
 * struct pt_agent - a way to the agent of one guest
 * @ask: send @command, wait at most @timeout_s seconds for the reply, which the caller frees; a negative errno with the
 *       cause when there is none
 */
struct pt_agent {
	void *ctx;
	int (*ask)(void *ctx, const char *command, int timeout_s, char **ret_reply, struct pt_error *err);
};

/**
 * pt_agent_ask() - all that the agent can tell of disks, interfaces and PCI functions
 *
 * Whatever the guest cannot or will not tell is noted in @ret_guest with the reason; so this cannot fail.
 */
void pt_agent_ask(const struct pt_agent *agent, struct pt_guest *ret_guest);

/**
 * pt_guest_ask() - pt_agent_ask() for a VM of this libvirt
 * @uuid: the VM; one without an agent, or that does not run, is silent with that reason
 */
void pt_guest_ask(struct pt_vm_conn *conn, const char *uuid, struct pt_guest *ret_guest);

/**
 * pt_agent_file() - the beginning of a file of the guest's, of at least @enough bytes if it has them (hostile text)
 *
 * Return: 0; -EACCES when the agent answers and may not read files: its configuration says so, it never will; another
 * negative errno.
 */
int pt_agent_file(const struct pt_agent *agent, const char *path, size_t enough, char **ret_text, struct pt_error *err);

/**
 * pt_guest_cpuinfo() - the beginning of a Linux guest's /proc/cpuinfo (hostile text); the caller frees
 *
 * Return: 0; -EOPNOTSUPP without a channel for an agent, -ETIMEDOUT or another errno when it does not answer, -EACCES
 * when it answers and may not read files: it never will.
 */
int pt_guest_cpuinfo(struct pt_vm_conn *conn, const char *uuid, char **ret_text, struct pt_error *err);

/**
 * pt_guest_iommu() - how a Linux guest's kernel uses its first IOMMU group ("DMA-FQ", "identity"); the caller frees
 *
 * Return: 1; 0 when it has no group, so uses no IOMMU; a negative errno when it does not answer; -EACCES as above.
 */
int pt_guest_iommu(struct pt_vm_conn *conn, const char *uuid, char **ret_type, struct pt_error *err);

/**
 * pt_qmp_functions() - the PCI functions with an id that QEMU shows to its guest (query-pci)
 *
 * libvirt marks the VM as tainted ("custom-monitor") until it is shut off: only for a user who asked for it.
 */
int pt_qmp_functions(struct pt_vm_conn *conn, const char *uuid, struct pt_qmp_functions *ret_functions,
		     struct pt_error *err);

#endif
