/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs as struct pt_vm_ops sees them, for what libvirt's own test driver cannot do: fail or die at the n-th call, and
 * refuse to start without the device on vfio-pci.  Like libvirt it completes a definition when it keeps it.
 */
#ifndef PT_TESTS_FAKEVM_H
#define PT_TESTS_FAKEVM_H

#include <stdbool.h>

#include "fakekernel.h"
#include "fault.h"
#include "vm/ops.h"

#define FAKEVM_VMS 2
#define FAKEVM_XML 8192

/**
 * struct fakevm_one
 * @ignores_shutdown: the guest does not react
 * @late_shutdown: it reacts only after the request was given up
 * @dies: QEMU ends right after a start that has a host device
 * @unwell: libvirt cannot say how it is after a start: it runs all the same
 * @wont_start: libvirt answers with an error
 * @wont_stop: not even by force: libvirt answers with an error
 * @ignores_unplug: the guest does not hear that it is to let go of a device; @late_unplug: it does so only after the
 * request was given up; @refuses_unplug: it says no
 * @forgets_plug: libvirt says yes, and the VM runs without the device
 * @plug_kills: QEMU ends while it is given a device; @plug_kills_later: after it has said that it has it;
 * @unplug_kills: when it is to lose one
 * @slow_plug: who asks for a device is killed; libvirt is at it for so many more looks, and then the VM has it
 * @not_asked: libvirt does not even ask the guest
 * @away: it runs on another host, and is not known here any more; @arrived: what it was given there
 * @leaves: the move leaves it defined here, with its autostart, and in the state @leaves_as; @remains: it has;
 * @wont_leave: libvirt does not undefine it; @leave_lies: it says that it has
 * @move_fails: libvirt does not move it; @move_lies: it has, and says that it has not
 * @both: it was not moved, and runs there all the same
 * @silent: that host does not answer, or not with what it was to give; @lost: QEMU ends of it
 * @run: counts its starts, for which_run
 * @starts, @stops: how often
 */
struct fakevm_one {
	char name[32];
	char uuid[40];
	char xml[FAKEVM_XML];
	char live[FAKEVM_XML]; /* what it was started with */
	enum pt_domain_state state;
	bool autostart;
	bool managed_save;
	bool ignores_shutdown;
	bool late_shutdown;
	bool dies;
	bool unwell;
	bool wont_stop;
	bool wont_start;
	bool ignores_unplug;
	bool late_unplug;
	bool refuses_unplug;
	bool forgets_plug;
	bool plug_kills;
	bool plug_kills_later;
	bool unplug_kills;
	bool not_asked;
	bool crashed;
	bool away;
	bool leaves;
	enum pt_domain_state leaves_as;
	bool remains;
	bool wont_leave;
	bool leave_lies;
	bool move_fails;
	bool move_lies;
	bool silent;
	bool both;
	bool lost;
	char arrived[FAKEVM_XML];
	unsigned slow_plug;
	char coming[FAKEVM_XML];
	unsigned run;
	unsigned defines;
	unsigned starts;
	unsigned stops;
};

/**
 * struct fakevm - shared memory, too
 * @hook: what libvirt asks before each start, with @hook_ctx; none: nobody has a word in it
 */
struct fakevm {
	struct fault *fault;
	struct fakekernel *kernel;
	struct fakevm_one vms[FAKEVM_VMS];
	unsigned n;
	int (*hook)(void *ctx, const char *name, const char *xml, struct pt_error *err);
	void *hook_ctx;
};

struct fakevm *fakevm_new(struct fault *fault, struct fakekernel *kernel);
void fakevm_free(struct fakevm *vm);

/** fakevm_add() - a VM with the three disks of a controller on virtio-scsi, one of its own on virtio, and a password */
struct fakevm_one *fakevm_add(struct fakevm *vm, const char *name, const char *uuid, enum pt_domain_state state);

/** fakevm_off() - it shut itself down: nothing of it is open any more */
void fakevm_off(struct fakevm *vm, struct fakevm_one *one);

/** fakevm_let_go() - the guest answers at last: it runs without the function */
void fakevm_let_go(struct fakevm *vm, struct fakevm_one *one, struct pt_bdf bdf);

/** fakevm_reboot() - all are off; what libvirt's autostart does is the test's affair */
void fakevm_reboot(struct fakevm *vm);

void fakevm_ops(struct fakevm *vm, struct pt_vm_ops *ret_ops);

/** fakevm_text() - all that matters of their state, for comparing; the caller frees */
char *fakevm_text(const struct fakevm *vm);

#endif
