/* SPDX-License-Identifier: Apache-2.0 */
/* A fake kernel, fake VMs, a journal in a temporary directory, and the story of the storage controller as a plan. */
#ifndef PT_TESTS_STAGE_H
#define PT_TESTS_STAGE_H

#include "base/root.h"
#include "change/change.h"
#include "change/lock.h"
#include "fakekernel.h"
#include "fakevm.h"
#include "fault.h"
#include "host/ops.h"
#include "journal/journal.h"

#define STAGE_CVM   "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define STAGE_OTHER "11111111-2222-3333-4444-555555555555"

/**
 * struct stage
 * @hba: 0000:01:00.0, alone in its group, on megaraid_sas; @nic: 0000:02:00.0 on igb
 * @cvm: runs; has the controller's disks; @other: is shut off
 * @env: complete but for the journal and the lock: stage_open()
 * @both: stage_attach() and stage_detach() are about both devices
 * @network: stage_attach() and stage_detach() are about VF 0 of the network card, which goes to cvm as an interface,
 * and nothing else: stage_setup_network()
 * @live: stage_attach() and stage_detach() are about the network card, or with @network its VF, and cvm runs on:
 * stage_setup_live(), stage_setup_live_network()
 * @nic_managed: stage_attach() also gives the network card, which libvirt binds itself
 * @taken: what env.held tells is in use while its own driver has it: LVM, md and multipath activate what they know
 * @interrupt: what env.interrupted answers; @force: what env.force_stop answers
 */
struct stage {
	struct fault *fault;
	struct fakekernel *kernel;
	struct fakevm *vm;
	struct fakekernel_device *hba;
	struct fakekernel_device *nic;
	struct fakevm_one *cvm;
	struct fakevm_one *other;
	struct pt_host_ops host;
	struct pt_vm_ops vm_ops;
	struct pt_root root;
	struct pt_change_env env;
	char *dir;
	bool both;
	bool nic_managed;
	bool network;
	bool live;
	const struct fakekernel_device *taken;
	int interrupt;
	int force;
	char waited_for[256];
	int fds_before;
};

struct stage *stage_new(void);
/* fails the test when a descriptor was left open */
void stage_free(struct stage *w);
/* cmocka's setup and teardown: *state is a struct stage */
int stage_setup(void **state);
int stage_teardown(void **state);
/* the NIC is in the controller's group, and goes along */
int stage_setup_both(void **state);
/* the NIC has two VFs, kept, and its link is down */
int stage_setup_network(void **state);
int stage_setup_live(void **state);
int stage_setup_live_network(void **state);

/** stage_hook() - from now on libvirt asks our hook before it starts a VM */
void stage_hook(struct stage *w);

/* opens journal and lock; not across a fork(): each process opens its own */
void stage_open(struct stage *w);
void stage_close(struct stage *w);

/** stage_attach() - stop cvm, reserve and bind the HBA, define, autostart, start; prepared */
void stage_attach(struct stage *w, struct pt_plan *ret_plan);

/** stage_detach() - the way back of an attached HBA: the kernel chooses its driver, the reservation is given up */
void stage_detach(struct stage *w, struct pt_plan *ret_plan);

/** stage_text() - everything that a change changes; the caller frees */
char *stage_text(const struct stage *w);

/** stage_in_child() - run @f in a child; its exit status: FAULT_EXIT when it died at a fault */
int stage_in_child(struct stage *w, int (*f)(struct stage *w));

/** stage_make_attach() - plan it and apply it; stage_attached() - the same, and it must succeed: the change's number */
int stage_make_attach(struct stage *s, long long *ret_id, struct pt_error *err);
long long stage_attached(struct stage *s);

/** stage_make_undo() - plan it and apply it; @id 0: the newest */
int stage_make_undo(struct stage *s, long long id, struct pt_error *err);

/** stage_says() - fails the test unless message or hint holds @what */
void stage_says(const struct pt_error *err, const char *what);

/** stage_reboot() - the power went: every boot so far becomes an earlier one, and nothing fails any more */
void stage_reboot(struct stage *w);

/** stage_child_recover() - for a child that may die in it; _host: its first part, without libvirt */
int stage_child_recover(struct stage *w);
int stage_child_recover_host(struct stage *w);

/** stage_settled() - fails the test where a change is open */
void stage_settled(const struct stage *w);

enum pt_change_state stage_state_of(const struct stage *s, long long id);

/** stage_child_attach(), stage_child_detach() - for a child that may die in it: 0 when made; gives nothing back */
int stage_child_attach(struct stage *w);
int stage_child_detach(struct stage *w);
/* no VM: the HBA reserved and bound; given back; its record, as of a managed device of cvm; that given to other */
int stage_child_reserve(struct stage *w);
int stage_child_release(struct stage *w);
int stage_child_remember(struct stage *w);
int stage_child_hand_over(struct stage *w);
/* the attach, and a boot in which the HBA has come up at 0000:05:00.0, with the host's driver; then it is repaired */
int stage_child_move(struct stage *w);
int stage_child_repair(struct stage *w);
/* of the same, applied here */
int stage_make_repair(struct stage *w, struct pt_error *err);

#endif
