/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of a host: publishes what it has, does what claims on it say after deciding again on its own, and gives
 * back what they give up.  One round is one look at what is and one attempt to make it what it should be; nothing is
 * remembered between two that the store, the host and its history would not tell again.  No thread, no clock that
 * waits: worker.h has those.
 */
#ifndef PT_AGENT_AGENT_H
#define PT_AGENT_AGENT_H

#include <stdatomic.h>

#include "agent/hands.h"
#include "decide/pools.h"
#include "model/claim.h"
#include "model/network.h"
#include "store/store.h"

/* what a round is to look at */
enum {
	PT_AGENT_FACTS = 1 << 0,  /* the host has changed */
	PT_AGENT_CLAIMS = 1 << 1, /* the store has */
	PT_AGENT_LOOK = 1 << 2,	  /* it is time to look at everything, VMs too */
	PT_AGENT_ALL = 7,
};

/* something that happened, for the journal; borrows; @claim and @device may be NULL */
struct pt_agent_news {
	int priority; /* syslog's */
	const char *claim;
	const char *device;
	const char *text;
};

/* what was tried for a claim, and failed: @how a VM was then; not again before @again_at */
struct pt_agent_attempt {
	char *id;
	char *how;
	long long again_at;
	long long pause_ms;
};

/* a device that this host did not let be taken, whoever it is for: it would not the next time, either */
struct pt_agent_refusal {
	struct pt_bdf bdf;
	char *why;
	long long until;
};

/**
 * struct pt_agent - made by its user; pt_agent_done() frees what is below the line
 * @host: its name in the fleet
 * @boot: this host's boot id; NULL: not known
 * @store: for this thread alone
 * @config: this host's own device_spec; @networks: its own networks; NULL: it has none
 * @look_only: publish, and touch nothing
 * @ending: no new change is begun
 * @say: told what happens
 */
struct pt_agent {
	const char *host;
	const char *boot;
	struct pt_store *store;
	const struct pt_pci_config *config;
	const struct pt_networks *networks;
	const struct pt_agent_hands *hands;
	bool look_only;
	atomic_bool *ending;
	void *ctx;
	void (*say)(void *ctx, const struct pt_agent_news *news);

	/* private: */
	struct pt_rules rules;
	bool ruled;
	bool recovered;
	char *unsettled;	     /* why not */
	bool prepared;		     /* what is kept across reboots was seen to */
	struct pt_agent_lacks lacks; /* what of it is missing */
	struct pt_inv_host facts;
	struct pt_domains vms;
	bool moving;	      /* something of it is being changed: to be looked at again soon */
	bool asked;	      /* the VMs are known */
	char *blind;	      /* why they are not */
	bool asking;	      /* libvirt, now */
	const char *changing; /* the claim that a change is made for, now; NULL: none is */
	bool deferred;	      /* something waits for that to end */
	char *published;
	struct pt_strv told; /* said already, so that it is not said each minute */
	PT_ARRAY(struct pt_agent_attempt) attempts;
	PT_ARRAY(struct pt_agent_refusal) refused;
};

/**
 * pt_agent_round() - look, publish, and do what is to be done
 * @what: PT_AGENT_…
 *
 * A claim that cannot be done is no failure: its ack says so.  Return: 0; -EHOSTUNREACH, -ETIMEDOUT and what else
 * pt_store_get() returns when the store cannot be reached: nothing new was taken; the next round begins anew.
 */
int pt_agent_round(struct pt_agent *a, unsigned what, struct pt_error *err);

/**
 * pt_agent_meanwhile() - what can be done while a round of this agent waits: for libvirt, or for a change to be made
 *
 * Called from within that round, by its hands.  Facts are published while libvirt is waited for; while a change is made
 * all is done for all other claims that changes nothing on this host: one change at a time, as its lock has it.
 *
 * Return: PT_AGENT_… that are still to be done when the wait is over.
 */
unsigned pt_agent_meanwhile(struct pt_agent *a, unsigned what);

void pt_agent_done(struct pt_agent *a);

#endif
