/* SPDX-License-Identifier: Apache-2.0 */
/* Which VMs have which functions, as libvirt tells, when it can be asked.  For the commands that only look. */
#ifndef PT_CLI_OWNERS_H
#define PT_CLI_OWNERS_H

#include <stdbool.h>

#include "cli/cli.h"
#include "model/bdf.h"
#include "model/domain.h"
#include "model/reservation.h"

/**
 * struct pt_owners - the VMs of this host
 * @asked: libvirt answered; else nothing is known, which is not "nobody"
 * @why: why it could not be asked, or NULL
 * @reserved: what is kept for guests, for who wants it: host/reserved.h fills it in
 */
struct pt_owners {
	struct pt_domains domains;
	bool asked;
	char *why;
	struct pt_keeps reserved;
};

/** pt_owners_find() - ask libvirt; never fails: a host without libvirt can be looked at too */
void pt_owners_find(const struct pt_cli *cli, struct pt_owners *ret_owners);

/** pt_owners_of() - "cvm (running), spare"; NULL when no VM has it; caller frees */
char *pt_owners_of(const struct pt_owners *owners, struct pt_bdf bdf);

void pt_owners_done(struct pt_owners *owners);

#endif
