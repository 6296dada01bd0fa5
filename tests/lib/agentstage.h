/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for an agent to work on: the stage's fake kernel and fake VMs as its hands, changed by the real engine; a real
 * store.  For tests only.
 */
#ifndef PT_TESTS_AGENTSTAGE_H
#define PT_TESTS_AGENTSTAGE_H

#include "agent/agent.h"
#include "claiming.h"
#include "stage.h"

/**
 * struct agentstage - the network card 0000:02:00.0 (igb) is offered, as alias "nic"; cvm runs, "other" is off
 * @blind: libvirt does not answer
 * @said: what the agent told, a line each
 * @wishes: how many changes it asked for
 */
struct agentstage {
	struct stage *s;
	struct pt_store_config config;
	struct pt_store *store;
	struct pt_pci_config pci;
	struct pt_agent_hands hands;
	struct pt_agent agent;
	bool blind;
	char said[16384];
	unsigned wishes;
	struct pt_error err;
};

/** agentstage_new() - @config: of the store; taken; zeroed: SQLite in the stage's directory */
struct agentstage *agentstage_new(struct pt_store_config *config);
void agentstage_free(struct agentstage *a);

/** agentstage_round() - one round of everything, which must end well; a new agent each time: it remembers nothing */
void agentstage_round(struct agentstage *a);
/* as it ends; the agent goes on being the same */
int agentstage_go(struct agentstage *a, unsigned what);
/** agentstage_restart() - another process would begin so */
void agentstage_restart(struct agentstage *a);

/** agentstage_claim() - @asked for @holder, which must be given; its id, 23 bytes */
void agentstage_claim(struct agentstage *a, const char *asked, const char *holder, char *ret_id);

/** agentstage_ack() - what the agent says of it; fails the test when that is not @state */
void agentstage_ack(struct agentstage *a, const char *id, enum pt_ack_state state, struct pt_ack *ret_ack);

/** agentstage_put() - a record as somebody else would write it; NULL: taken out */
void agentstage_put(struct agentstage *a, const char *key, const char *value);

/* is a claim holding it, in the store? */
bool agentstage_is_held(struct agentstage *a, struct pt_bdf bdf);
/* does the VM have it in its definition, or running? */
bool agentstage_vm_has(const struct fakevm_one *vm, struct pt_bdf bdf);

#endif
