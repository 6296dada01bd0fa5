/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt and QEMU know of a running VM that holds it back, and that no definition says.  Asks only. */
#ifndef PT_VM_NOW_H
#define PT_VM_NOW_H

#include "model/migrate.h"
#include "vm/libvirt.h"

/**
 * pt_vm_now_holds() - jobs, block jobs, checkpoints
 * @live: what it runs with: its disks are asked for by their targets
 *
 * What libvirt does not answer is in @ret_now->silent; what its driver does not have is not there.
 *
 * Return: 0; -ENOENT when there is no such VM.
 */
int pt_vm_now_holds(struct pt_vm_conn *conn, const char *uuid, const struct pt_domain *live,
		    struct pt_migrate_now *ret_now, struct pt_error *err);

/**
 * pt_vm_now_ask_qemu() - what its QEMU itself cannot move, VFIO devices of which the kernel says so among them
 *
 * libvirt marks the VM as tainted until it is shut off.
 *
 * Return: 0, with @now->asked and its blockers; a negative errno when QEMU does not answer.
 */
int pt_vm_now_ask_qemu(struct pt_vm_conn *conn, const char *uuid, struct pt_migrate_now *now, struct pt_error *err);

#endif
