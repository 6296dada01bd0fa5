/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of agent/ share.  For agent/ alone. */
#ifndef PT_AGENT_PARTS_H
#define PT_AGENT_PARTS_H

#include "agent/agent.h"

/** pt_agent_say() - told to whoever listens */
void pt_agent_say(struct pt_agent *a, int priority, const char *claim, const char *device, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/** pt_agent_say_once() - unless it was said before, word by word */
void pt_agent_say_once(struct pt_agent *a, int priority, const char *claim, const char *device, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/** pt_agent_unsettled() - a change was cut off: nothing is begun before that is settled */
void pt_agent_unsettled(struct pt_agent *a, const char *why);

/** pt_agent_look() - the facts as they are now; @vms: ask for the VMs, too */
int pt_agent_look(struct pt_agent *a, bool vms, struct pt_error *err);
/** pt_agent_publish() - what was looked at; 1 written, 0 it says so already */
int pt_agent_publish(struct pt_agent *a, struct pt_error *err);

/* the beginning of an owner that is a change of this host: "change 12 (attach)" */
#define PT_AGENT_CHANGE "change "

/**
 * pt_agent_mark_busy() - what a change that is open, or could not be settled, has in its hands is owned by it
 * @host: finished; what has an owner keeps it
 *
 * Return: how many changes are open; 0, also where there is no journal; a negative errno where it cannot be read.
 */
int pt_agent_mark_busy(const char *journal_dir, struct pt_inv_host *host, struct pt_error *err);

/** pt_agent_is_changed() - has a change got it in its hands? */
bool pt_agent_is_changed(const struct pt_inv_device *device);

/** pt_agent_user() - the VM that has the function, running or in its definition; NULL: none */
const struct pt_domain *pt_agent_user(const struct pt_agent *a, struct pt_bdf bdf);

/* of a claim's devices: claimed.c */
/** pt_agent_holder() - the VM of this host that a claim is for: the one with exactly this name or UUID; NULL: there is
 * none */
const struct pt_domain *pt_agent_holder(const struct pt_agent *a, const struct pt_claim *c);
/** pt_agent_on_vfio() - does a VFIO driver hold it? */
bool pt_agent_on_vfio(const struct pt_inv_device *d);
/** pt_agent_count_used() - how many of its devices the VM has; of NULL none */
size_t pt_agent_count_used(const struct pt_agent *a, const struct pt_claim *c, const struct pt_domain *vm);
/** pt_agent_stranger() - the first VM that has one of its devices and is not @vm; NULL: none has */
const struct pt_domain *pt_agent_stranger(const struct pt_agent *a, const struct pt_claim *c,
					  const struct pt_domain *vm, struct pt_bdf *ret_bdf);
/** pt_agent_untouched() - nobody has them, and nothing was done to them: only then is a claim that cannot be done over
 */
bool pt_agent_untouched(const struct pt_agent *a, const struct pt_claim *c);
/** pt_agent_find_changed() - -EBUSY: somebody else's change has one of them now, or could not put it back */
int pt_agent_find_changed(const struct pt_agent *a, const struct pt_claim *c, struct pt_error *err);
/** pt_agent_given_back() - -EBUSY with what is not yet the host's again */
int pt_agent_given_back(const struct pt_agent *a, const struct pt_claim *c, struct pt_error *err);

/**
 * pt_agent_check() - may this claim have its devices here?  Decided again, on this host's own facts and device_spec
 * @holds: held/HOST
 * @mine: it was begun before: what VFIO holds, and what the VM @holder has, is its own work
 *
 * Return: 0, or -EPERM with the reason; -EAGAIN a change has one of them in its hands.
 */
int pt_agent_check(const struct pt_agent *a, const struct pt_claim *claim, const struct pt_holds *holds, bool mine,
		   struct pt_error *err);

/** pt_agent_identity() - is what is at the address the card that was given, if anything is?  0, or -EPERM */
int pt_agent_identity(const struct pt_agent *a, const struct pt_claim_device *given, struct pt_error *err);

/** pt_agent_way() - how a VM is (NULL: there is none): what failed is tried again at once when it is another way */
char *pt_agent_way(const struct pt_domain *vm);
/** pt_agent_waits() - was this tried for the claim, and is it too early for the next time? */
bool pt_agent_waits(const struct pt_agent *a, const char *id, const char *how);
/** pt_agent_failed() - the next time is later than the last time; @for_good: never, as long as this agent lives */
void pt_agent_failed(struct pt_agent *a, const char *id, const char *how, bool for_good);
/* in place of a claim: the settling of what was cut off */
#define PT_AGENT_RECOVER "recover"
/** pt_agent_refuse() - this host does not let the claim's one device be taken: nobody is offered it for a while */
void pt_agent_refuse(struct pt_agent *a, const struct pt_claim *claim, const char *why);
/** pt_agent_mark_refused() - they are owned by that, for as long */
void pt_agent_mark_refused(struct pt_agent *a);
/** pt_agent_allow() - nothing is refused any more */
void pt_agent_allow(struct pt_agent *a);
/** pt_agent_forget() - what was tried for all claims but those; NULL: for all */
void pt_agent_forget(struct pt_agent *a, const struct pt_strv *but);

/** pt_agent_reconcile() - every claim that holds something here, and every ack that this agent gave */
int pt_agent_reconcile(struct pt_agent *a, bool look, struct pt_error *err);

/** pt_agent_heal() - what VMs use, compared with what is claimed: told, never changed */
int pt_agent_heal(struct pt_agent *a, const struct pt_holds *holds, struct pt_error *err);

#endif
