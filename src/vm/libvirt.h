/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to libvirt: which VMs there are, how they are, and struct pt_vm_ops for change/.  Edits no definition
 * (domxml/ does) and decides nothing.  Errors carry libvirt's own words.
 */
#ifndef PT_VM_LIBVIRT_H
#define PT_VM_LIBVIRT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "model/domain.h"
#include "vm/ops.h"

#define PT_VM_DEFAULT_URI "qemu:///system"

struct pt_vm_conn;

/**
 * pt_vm_open() - connect
 * @root: the running host, for hints (which service to start) and for QEMU's logs; borrowed for the connection's life
 * @uri: NULL for PT_VM_DEFAULT_URI; the environment and libvirt.conf have no say
 * @readonly: enough for lists and definitions without secrets; needs no rights on most hosts
 *
 * Return: 0; -ECONNREFUSED, -EACCES or another errno with libvirt's reason and what to start (PT_ERROR_USAGE).
 */
int pt_vm_open(const struct pt_root *root, const char *uri, bool readonly, struct pt_vm_conn **ret_conn,
	       struct pt_error *err);

/* NULL is allowed */
void pt_vm_close(struct pt_vm_conn *conn);

/** pt_vm_uri_is_local() - false when a URI names another host, whose devices cannot be seen from here; NULL is local */
bool pt_vm_uri_is_local(const char *uri);

/**
 * pt_vm_set_poll() - @poll is called several times a second while a VM is waited for; non-zero ends the wait with
 * -EINTR
 */
void pt_vm_set_poll(struct pt_vm_conn *conn, int (*poll)(void *ctx), void *ctx);

/**
 * pt_vm_set_patience() - how long a VM that was to move is looked for where the other host does not answer; 30 s where
 * nothing is said: its libvirt, or the network, may be on its way up
 */
void pt_vm_set_patience(struct pt_vm_conn *conn, unsigned ms);

/** pt_vm_set_tell() - @tell hears about once a second how far a VM that is moved has come, in words */
void pt_vm_set_tell(struct pt_vm_conn *conn, void (*tell)(void *ctx, const char *how_far), void *ctx);

/**
 * struct pt_vm_version - who answers; owns its strings
 * @libvirt, @hypervisor: "11.3.0"; @hypervisor is NULL when libvirt finds no emulator
 */
struct pt_vm_version {
	char *uri;
	char *type; /* "QEMU" */
	char *libvirt;
	char *hypervisor;
};

/** pt_vm_numbers() - the same as libvirt counts them: 11003000 for 11.3.0; 0 for QEMU when libvirt finds none */
int pt_vm_numbers(struct pt_vm_conn *conn, unsigned long *ret_libvirt, unsigned long *ret_qemu, struct pt_error *err);

int pt_vm_version_read(struct pt_vm_conn *conn, struct pt_vm_version *ret_version, struct pt_error *err);
void pt_vm_version_done(struct pt_vm_version *version);

/**
 * pt_vm_find() - the VM that @text names: its name, its UUID, or the number it runs under
 * @ret_domain: its persistent definition (the running one of a VM that has no other) and its state
 *
 * Return: 0; -ENOENT with names that are like it (PT_ERROR_USAGE).
 */
int pt_vm_find(struct pt_vm_conn *conn, const char *text, struct pt_domain *ret_domain, struct pt_error *err);

/**
 * pt_vm_list() - every VM
 * @except_uuid: leave this one out; NULL for all
 *
 * Of a running VM the disks and host devices are those of its definition and those that it has now but that its
 * definition does not have: both are taken.  A VM that vanishes meanwhile is left out.
 */
int pt_vm_list(struct pt_vm_conn *conn, const char *except_uuid, struct pt_domains *ret_domains, struct pt_error *err);

/** pt_vm_live() - what a VM really has now: its running definition; -ENOTCONN when it does not run */
int pt_vm_live(struct pt_vm_conn *conn, const char *uuid, struct pt_domain *ret_domain, struct pt_error *err);

/**
 * pt_vm_qemu_lock() - what the kernel lets the QEMU of a running VM of this host lock, and what it has locked
 *
 * Return: 0; -ENOENT or another errno when its process cannot be seen (another host's, no root).
 */
int pt_vm_qemu_lock(struct pt_vm_conn *conn, const char *name, struct pt_qemu_lock *ret_lock, struct pt_error *err);

/** pt_vm_ops_init() - the real struct pt_vm_ops; it borrows @conn, which must be open for writing */
void pt_vm_ops_init(struct pt_vm_conn *conn, struct pt_vm_ops *ret_ops);

#endif
