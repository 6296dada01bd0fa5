/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts could a VM move to while it runs, and why not the others?  Pure: facts of both sides in, a yes or no a
 * host out, with every reason.
 *
 * Decides from what is told of processors, machine types, memory, devices and disks.  What is not known is said to be
 * unknown, and is neither a yes nor a no: libvirt asks again before it moves anything.
 */
#ifndef PT_DECIDE_MIGRATE_H
#define PT_DECIDE_MIGRATE_H

#include "decide/cpu.h"
#include "model/migrate.h"

/* a function that the VM holds, and the driver that holds it on this host; NULL: not known; @network: a network card's
 */
struct pt_migrate_device {
	struct pt_bdf bdf;
	char *name;
	char *driver;
	bool network;
};

/*
 * Where a file of a disk is; a disk may have several: its image, those below it, a mirror.
 * @target: the disk's; @path: the file; @shared: on a file system that other hosts may have too
 * @block: it is a block device; @error: the file could not be looked at, a negative errno
 */
struct pt_migrate_disk {
	char *target;
	char *path;
	char *file_system;
	enum pt_known shared;
	bool block;
	int error;
};

/**
 * struct pt_migrate_needs - what a VM asks of a processor, reckoned once for all hosts; owns everything in it
 * @given: the flags that it has, in libvirt's words
 * @listed: those of them that libvirt lists for this host too, by which it can be asked of another's list; @unlisted:
 * the rest, which QEMU adds by itself (topoext): that another list lacks them says nothing of that host
 * @by_kernel: this host's flags in the kernel's words, where @given is known only those that guests get
 */
struct pt_migrate_needs {
	struct pt_cpu_given given;
	struct pt_strv listed;
	struct pt_strv unlisted;
	struct pt_strv by_kernel;
};

/** pt_migrate_needs_of() - @source: this host's libvirt */
void pt_migrate_needs_of(const struct pt_cpu_look *look, const struct pt_migrate_host *source,
			 struct pt_migrate_needs *ret_needs);
void pt_migrate_needs_done(struct pt_migrate_needs *n);

/**
 * struct pt_migrate_ask - all that is known of the VM where it is; borrows
 * @look: the VM, its host's processor, and what it runs with
 * @needs: of the VM in @look
 * @source: this host's libvirt
 * @there: of each candidate what its libvirt says of functions that could take the place of the VM's; NULL: not asked
 * @now: what libvirt knows besides of a VM that runs; NULL: not asked
 * @devices, @disks: for those that the VM has now (pt_cpu_look_now()) that there is something to say of
 */
struct pt_migrate_ask {
	const struct pt_cpu_look *look;
	const struct pt_migrate_needs *needs;
	const struct pt_migrate_host *source;
	const struct pt_findings *there;
	const struct pt_migrate_now *now;
	const struct pt_migrate_device *devices;
	size_t n_devices;
	const struct pt_migrate_disk *disks;
	size_t n_disks;
};

/** pt_decide_migrate_vm() - what holds it back wherever it goes; a PT_FAIL among @ret_findings: nowhere */
void pt_decide_migrate_vm(const struct pt_migrate_ask *ask, struct pt_findings *ret_findings);

/** pt_decide_migrate_host() - what this one host is short of; a PT_FAIL: not there */
void pt_decide_migrate_host(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			    struct pt_findings *ret_findings);

#endif
