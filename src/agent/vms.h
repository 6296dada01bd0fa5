/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMs of this host, as far as an agent looks at them, handed from one process to another: libvirt is asked by a
 * child, which may hang with it, and which takes libvirt's sixty libraries along when it ends.
 */
#ifndef PT_AGENT_VMS_H
#define PT_AGENT_VMS_H

#include "base/error.h"
#include "base/root.h"
#include "model/domain.h"

/** pt_vms_ask() - in the child: what libvirt says, as a text; the caller frees */
int pt_vms_ask(const struct pt_root *root, const char *uri, char **ret_text, struct pt_error *err);

/**
 * pt_vms_read() - in the agent: VMs with their names, UUIDs, states, and the functions that each has, running or in its
 * definition, as its only hostdevs
 *
 * Return: 0, or -EBADMSG.
 */
int pt_vms_read(const char *text, struct pt_domains *ret_vms, struct pt_error *err);

#endif
