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

/** pt_agent_user() - the VM that has the function, running or in its definition; NULL: none */
const struct pt_domain *pt_agent_user(const struct pt_agent *a, struct pt_bdf bdf);

/**
 * pt_agent_check() - may this claim have its devices here?  Decided again, on this host's own facts and device_spec
 * @holds: held/HOST
 * @mine: it was begun before: what VFIO holds, and what the VM @holder has, is its own work
 *
 * Return: 0, or -EPERM with the reason.
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
/** pt_agent_forget() - what was tried for all claims but those; NULL: for all */
void pt_agent_forget(struct pt_agent *a, const struct pt_strv *but);

/** pt_agent_reconcile() - every claim that holds something here, and every ack that this agent gave */
int pt_agent_reconcile(struct pt_agent *a, bool look, struct pt_error *err);

/** pt_agent_heal() - what VMs use, compared with what is claimed: told, never changed */
int pt_agent_heal(struct pt_agent *a, const struct pt_holds *holds, struct pt_error *err);

#endif
