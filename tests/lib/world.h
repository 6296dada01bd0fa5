/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for decisions, without a file: the seed's server.  A MegaRAID (0000:01:00.0, alone in group 14) with sda, sdb
 * (and sdb1) and sdc; an AHCI controller (0000:00:1f.2, with an ISA bridge and an SMBus in group 9) with the boot disk
 * sdd; two NICs (0000:05:01.0, 05:02.0) behind one bridge in group 20; an SR-IOV NIC (0000:41:00.0) with two VFs;
 * 32 GiB of memory.  The VM "cvm" runs and has sda, sdb1 and sdc on a virtio-scsi controller; a test bends what it
 * needs.
 */
#ifndef PT_TESTS_WORLD_H
#define PT_TESTS_WORLD_H

#include "decide/attach.h"

#define WORLD_DISKS_MAX 16

struct world {
	struct pt_host host;
	struct pt_domain vm;
	const struct pt_domain *running; /* with --live; the test's */
	struct pt_domains others;
	int disk_of[WORLD_DISKS_MAX];
	PT_ARRAY(struct pt_vm_claim) claims;
	PT_ARRAY(struct pt_bdf) asked;
	PT_ARRAY(const char *) forced;
	struct pt_attach_request request;
	struct pt_plan plan;
	struct pt_error err;
};

struct world *world_new(void);
void world_free(struct world *w);

/* cmocka's setup and teardown with a fresh world as the state */
int world_setup(void **state);
int world_teardown(void **state);

/* "0000:01:00.0"; fails the test when it is none */
struct pt_bdf world_bdf(const char *text);
struct pt_device *world_device(struct world *w, const char *bdf);

/* keeps the list sorted; pointers to other devices become invalid */
struct pt_device *world_add_device(struct world *w, const char *bdf, unsigned class_code, const char *driver,
				   int group);
struct pt_domain_disk *world_add_disk(struct world *w, const char *target, const char *bus, const char *source,
				      int block);
struct pt_domain_hostdev *world_add_hostdev(struct pt_domain *vm, const char *bdf, bool managed);
struct pt_domain *world_add_vm(struct world *w, const char *name, enum pt_domain_state state);
struct pt_use *world_use(struct world *w, const char *bdf, enum pt_use_kind kind);

void world_ask(struct world *w, const char *bdf);
void world_force(struct world *w, const char *name);

int world_attach(struct world *w);
int world_detach(struct world *w);

const struct pt_finding *world_finding(const struct world *w, const char *name);
/* the i-th step of a kind, or NULL */
const struct pt_step *world_step(const struct world *w, enum pt_step_kind kind, size_t i);
/* "vm-stop reserve driver vm-define vm-start"; the caller frees */
char *world_steps(const struct world *w);

/* must be refused by this name, as the first refusal; @forceable: with --force-NAME it must not be refused any more */
void world_refused(struct world *w, const char *name, bool forceable);

#endif
