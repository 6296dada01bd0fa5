/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: a libvirt connection and how its errors become ours.  Not for other rooms. */
#ifndef PT_VM_CONN_H
#define PT_VM_CONN_H

#include <assert.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "vm/lazy-libvirt.h"
#include "vm/libvirt.h"

/**
 * struct pt_vm_conn - one connection
 * @root: borrowed
 * @poll, @poll_ctx: see pt_vm_set_poll(); @tell, @tell_ctx: see pt_vm_set_tell()
 * @patience_ms, @patience_set: see pt_vm_set_patience()
 * @calm_ms: for how long what is seen of a VM that was to move has to last; 0: as long as is sensible
 */
struct pt_vm_conn {
	virConnectPtr conn;
	char *uri;
	bool readonly;
	const struct pt_root *root;
	int (*poll)(void *ctx);
	void *poll_ctx;
	void (*tell)(void *ctx, const char *how_far);
	void *tell_ctx;
	unsigned patience_ms;
	bool patience_set;
	unsigned calm_ms;
};

static inline void pt_vm_domain_freep(virDomainPtr *dom)
{
	/* only drops a reference; there is nothing to do about an error */
	if (*dom)
		(void)virDomainFree(*dom);
}

#define pt_autodomain PT_CLEANUP(pt_vm_domain_freep)

/**
 * pt_vm_fail() - libvirt's last error as ours: "FORMATTED: libvirt's words"; returns a negative errno that fits it
 *
 * A macro, since each call into libvirt, virDomainGetName() among the arguments too, forgets the last error.
 */
#define pt_vm_fail(err, ...)                                                                                           \
	({                                                                                                             \
		virErrorPtr pt_last_ = virSaveLastError();                                                             \
		int pt_failed_ = pt_vm_fail_with(pt_last_, err, __VA_ARGS__);                                          \
		assert(pt_failed_ < 0);                                                                                \
		pt_failed_;                                                                                            \
	})

/* @last is consumed */
int pt_vm_fail_with(virErrorPtr last, struct pt_error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * pt_vm_lookup() - the domain with this UUID; connects again when libvirt was restarted meanwhile
 *
 * Return: 0; -ENOENT when there is no such VM.
 */
int pt_vm_lookup(struct pt_vm_conn *conn, const char *uuid, virDomainPtr *ret_dom, struct pt_error *err);

/** pt_vm_state_of() - libvirt's state as ours; @ret_reason may be NULL */
int pt_vm_state_of(virDomainPtr dom, enum pt_domain_state *ret_state, int *ret_reason, struct pt_error *err);

/**
 * pt_vm_log_tail() - the last words that QEMU left in its log, on one line; NULL when there is no log to read
 *
 * The name is hostile: one that is no plain file name has no log.
 */
char *pt_vm_log_tail(const struct pt_root *root, const char *name);

/** pt_vm_plain_name() - may a VM's name (hostile) be a part of a path? */
bool pt_vm_plain_name(const char *name);

/* the operations that take time: power.c */
int pt_vm_start(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_error *err);
int pt_vm_stop(struct pt_vm_conn *conn, virDomainPtr dom, unsigned timeout_ms, bool force, struct pt_error *err);
int pt_vm_alive(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_error *err);

/* a running VM's devices: plug.c; see struct pt_vm_ops */
int pt_vm_live_xml(virDomainPtr dom, char **ret_xml, struct pt_error *err);
int pt_vm_which_run(struct pt_vm_conn *conn, virDomainPtr dom, char **ret_run, struct pt_error *err);
int pt_vm_busy(virDomainPtr dom, struct pt_error *err);
int pt_vm_plug(virDomainPtr dom, const char *element, struct pt_error *err);
int pt_vm_unplug(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_bdf bdf, unsigned timeout_ms,
		 struct pt_error *err);

/* a VM moves to another host: migrate.c and settle.c; see struct pt_vm_ops */
int pt_vm_migrate(struct pt_vm_conn *conn, virDomainPtr dom, const struct pt_migrate_to *to, unsigned timeout_ms,
		  struct pt_error *err);
int pt_vm_settle(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt,
		 struct pt_error *err);
int pt_vm_leave(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err);
int pt_vm_arrive(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, const char *element,
		 struct pt_error *err);

#endif
