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

/** pt_agent_reconcile() - every claim that holds something here, and every ack that this agent gave */
int pt_agent_reconcile(struct pt_agent *a, bool look, struct pt_error *err);

/** pt_agent_heal() - what VMs use, compared with what is claimed: told, never changed */
int pt_agent_heal(struct pt_agent *a, const struct pt_holds *holds, struct pt_error *err);

#endif
