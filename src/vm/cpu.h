/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt says of processors: what it can give a VM, and which flags a model stands for.  Asks only. */
#ifndef PT_VM_CPU_H
#define PT_VM_CPU_H

#include "model/domain.h"
#include "model/migrate.h"
#include "vm/libvirt.h"

/** pt_vm_cpu_caps() - what a VM with this emulator, machine and type may be given; -EOPNOTSUPP where libvirt cannot
 * tell */
int pt_vm_cpu_caps(struct pt_vm_conn *conn, const struct pt_domain *vm, struct pt_cpu_caps *ret_caps,
		   struct pt_error *err);

/**
 * pt_vm_cpu_flags() - every flag that a model with its features stands for on this host, in libvirt's words, sorted
 * @def: of mode custom, or what host-model stands for
 *
 * What the host cannot give is left out (virConnectBaselineHypervisorCPU() with one processor).
 */
int pt_vm_cpu_flags(struct pt_vm_conn *conn, const struct pt_domain *vm, const struct pt_cpu_def *def,
		    struct pt_strv *ret_flags, struct pt_error *err);

/**
 * pt_vm_hypervisor() - what a host's libvirt offers, its processor as libvirt knows it, and its free memory
 *
 * @ret_host's @name is its hostname.  Host-model and its flags are those of KVM with the default machine type.
 */
int pt_vm_hypervisor(struct pt_vm_conn *conn, struct pt_migrate_host *ret_host, struct pt_error *err);

/**
 * pt_vm_cpu_baseline() - the richest processor that all of @hosts can run, ready for migration between them
 * @conn: whose models are used
 */
int pt_vm_cpu_baseline(struct pt_vm_conn *conn, const struct pt_cpu_def *const *hosts, size_t n,
		       struct pt_cpu_def *ret_def, struct pt_strv *ret_flags, struct pt_error *err);

#endif
