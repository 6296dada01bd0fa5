/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What change/ may do to a VM.  vm/libvirt.h is the real one; a test passes its own, made to fail at every call in
 * turn. VMs are named by UUID: a name can be given to another VM meanwhile.
 */
#ifndef PT_VM_OPS_H
#define PT_VM_OPS_H

#include <stdbool.h>

#include "base/error.h"
#include "model/domain.h"
#include "model/migrate.h"

/**
 * struct pt_vm_ops
 * @get_xml: the persistent definition, INACTIVE | SECURE; caller frees; -ENOENT when there is no such VM
 * @define: replace the persistent definition of this very VM; never undefines; -EINVAL with libvirt's reason when it
 *          will not have it
 * @state: running, shut off, …
 * @start: start it; returns when libvirt says it runs; 0 when it runs already
 * @alive: 1 when it still runs (asked repeatedly after @start), 0 when it is gone, with the cause in @err's message
 *         (the end of QEMU's log) though the return is 0; @err's code is then -ECANCELED when its guest or somebody
 *         shut it down, and another when it ended of itself
 * @stop: ask the guest to shut down (agent, then ACPI) and wait; -ETIMEDOUT when it did not within @timeout_ms;
 *        with @force destroys it instead
 * @autostart: read (@ret) and, when @set is 0 or 1, write the flag; @set < 0 only reads
 * @managed_save: 1 when it has a managed save image
 * @live_xml: what it runs with; -ESHUTDOWN when it does not run
 * @which_run: a name for this run of it, from its start to its end, not a guest's reboot; the caller frees; -ESHUTDOWN
 * @busy: 1 while libvirt is at work on it for somebody, who may be dead by now
 * @plug: give it the device in @element while it runs; the definition stays as it is
 * @unplug: ask the guest to let go of the function and wait until it has; 0 also when it does not have it; -ETIMEDOUT
 *          when it did not within @timeout_ms, -EINTR: what was asked cannot be unasked, it may still let go later.
 *          -EBUSY when it says no; any other errno: it was not asked
 * @migrate: move it to another host while it runs, its definition too; 0: it runs there and is gone from here.  -EINTR
 *           when that was broken off, -ETIMEDOUT when it was not done within @timeout_ms (0: no limit): in both cases,
 *           and with any other errno, it runs here as before unless @settle says otherwise
 * @settle: break off what libvirt may still be moving, and see where it is: 1 there, 0 here, where it runs or is shut
 *          off; -EHOSTUNREACH when that host does not answer, and it does not run here; -EBUSY or another errno when
 *          it cannot be told otherwise, as when it runs on both.  @ret_doubt: of one that runs here, what is not
 *          certain (that host does not answer); the caller frees; NULL: nothing
 * @leave: it runs there: what is left of it here is ended for good, autostart, a QEMU that the migration left paused,
 *         the definition; 0 when nothing is, or was; any errno: something is, and the message says what
 * @arrive: what is to be done there once it runs there: 0 also when that is done already; @element of a device of that
 *          host to give to it, in its definition too; NULL: none, then what @to says besides
 * All return 0 (or 1 where said) or a negative errno with @err filled in; -EPERM (PT_ERROR_USAGE) when libvirt does not
 * let this user do it.  Who wants to show progress or break a wait off says so to the implementation
 * (pt_vm_set_poll() in vm/libvirt.h); a wait that was broken off ends in -EINTR.
 */
struct pt_vm_ops {
	void *ctx;
	int (*get_xml)(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err);
	int (*define)(void *ctx, const char *uuid, const char *xml, struct pt_error *err);
	int (*state)(void *ctx, const char *uuid, enum pt_domain_state *ret_state, struct pt_error *err);
	int (*start)(void *ctx, const char *uuid, struct pt_error *err);
	int (*alive)(void *ctx, const char *uuid, struct pt_error *err);
	int (*stop)(void *ctx, const char *uuid, unsigned timeout_ms, bool force, struct pt_error *err);
	int (*autostart)(void *ctx, const char *uuid, int set, bool *ret, struct pt_error *err);
	int (*managed_save)(void *ctx, const char *uuid, struct pt_error *err);
	int (*live_xml)(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err);
	int (*which_run)(void *ctx, const char *uuid, char **ret_run, struct pt_error *err);
	int (*busy)(void *ctx, const char *uuid, struct pt_error *err);
	int (*plug)(void *ctx, const char *uuid, const char *element, struct pt_error *err);
	int (*unplug)(void *ctx, const char *uuid, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err);
	int (*migrate)(void *ctx, const char *uuid, const struct pt_migrate_to *to, unsigned timeout_ms,
		       struct pt_error *err);
	int (*settle)(void *ctx, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt,
		      struct pt_error *err);
	int (*leave)(void *ctx, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err);
	int (*arrive)(void *ctx, const char *uuid, const struct pt_migrate_to *to, const char *element,
		      struct pt_error *err);
};

#endif
