/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that an agent asks of its host: to look, and to be changed.  The real ones look by host/ and vm/, and have every
 * change made by the program `passthru` in a process of its own; a test passes others.
 */
#ifndef PT_AGENT_HANDS_H
#define PT_AGENT_HANDS_H

#include "agent/program.h"
#include "base/error.h"
#include "base/root.h"
#include "model/domain.h"
#include "model/inventory.h"

/**
 * struct pt_agent_wish - a change that is wanted; borrows
 * @vm: UUID of the VM; NULL: of none
 * @network: of this host, that its one device is put into when a VM gets it; NULL: it is given as it is
 * @devices: functions of one claim
 */
struct pt_agent_wish {
	const char *vm;
	const char *network;
	const struct pt_bdf *devices;
	size_t n;
};

/**
 * struct pt_agent_done - what came of it; owns its string
 * @change: its number in the host's history; 0: there was nothing to do
 * @proved: what was to be proved of a running guest was
 * @told: what the change does without, or what was not proved; NULL: nothing
 */
struct pt_agent_done {
	long long change;
	bool proved;
	char *told;
};

void pt_agent_done_done(struct pt_agent_done *done);

/* a card without the virtual functions that are kept of it, and why; owns its string */
struct pt_agent_lack {
	struct pt_bdf pf;
	char *why;
};

struct pt_agent_lacks {
	struct pt_agent_lack *v;
	size_t n;
	size_t cap;
};

void pt_agent_lacks_done(struct pt_agent_lacks *list);

/**
 * struct pt_agent_hands
 * @facts: what this host has, with what must not be given away as owned; 1: something in it is being changed now, and
 * is to be looked at again soon
 * @vms: every VM, as far as vms.h tells; -ETIMEDOUT, -ECONNREFUSED and others when nobody can be asked
 * @recover: finish or unwind what was cut off
 * @prepare: virtual functions that this host keeps across reboots and has not got are made; 1 some were, 0 there was
 * nothing to make; @ret_missed: of which cards they are missing still.  May be NULL
 * @keep: reserve devices for guests
 * @attach: give them to the VM, for good; @detach: take them from it, reset them, and give them back to the host: while
 * it runs if it runs when that is done, and it is never shut down
 * @give_back: reset what was kept, and give it back to the host
 * @stop: called by another thread: what is under way is to end soon, and takes itself back
 * @meanwhile: what to call while VMs are listed or a change is made: so that all else goes on; may be NULL
 *
 * A change: 0, or a negative errno with the reason: then everything is as it was.  -EPERM: a check says no, and would
 * say so again; -EINTR: it was cut off, or an earlier one was that these devices or this VM were in; all others: it may
 * be done later.
 */
struct pt_agent_hands {
	void *ctx;
	int (*facts)(void *ctx, struct pt_inv_host *ret_host, struct pt_error *err);
	int (*vms)(void *ctx, struct pt_domains *ret_vms, struct pt_error *err);
	int (*recover)(void *ctx, struct pt_error *err);
	int (*prepare)(void *ctx, struct pt_agent_lacks *ret_missed, struct pt_error *err);
	int (*keep)(void *ctx, const struct pt_agent_wish *wish, struct pt_agent_done *ret, struct pt_error *err);
	int (*attach)(void *ctx, const struct pt_agent_wish *wish, struct pt_agent_done *ret, struct pt_error *err);
	int (*detach)(void *ctx, const struct pt_agent_wish *wish, struct pt_agent_done *ret, struct pt_error *err);
	int (*give_back)(void *ctx, const struct pt_agent_wish *wish, struct pt_agent_done *ret, struct pt_error *err);
	void (*stop)(void *ctx);
	void (*meanwhile)(void *ctx, const struct pt_meanwhile *meanwhile);
};

struct pt_own_hands;

/**
 * struct pt_own_config - borrowed for the hands' life
 * @passthru: absolute path of the program that makes changes
 * @lister: the one that lists VMs when it is called with PT_OWN_LIST: passthrud itself
 * @uri: libvirt's, NULL for its default
 * @journal: the directory of this host's history
 * @vms_ms: how long libvirt may take to tell of its VMs
 */
struct pt_own_config {
	const struct pt_root *root;
	const char *passthru;
	const char *lister;
	const char *uri;
	const char *journal;
	unsigned vms_ms;
};

#define PT_OWN_LIST "--list-vms"

/* a libvirt with a thousand VMs answers within seconds */
#define PT_OWN_VMS_MS 20000u

/** pt_own_hands_new() - this host's */
struct pt_own_hands *pt_own_hands_new(const struct pt_own_config *config, struct pt_agent_hands *ret_hands);
void pt_own_hands_free(struct pt_own_hands *hands); /* NULL is allowed */

#endif
