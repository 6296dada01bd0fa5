/* SPDX-License-Identifier: Apache-2.0 */
/* Who works on a change, told apart from a later process with the same number.  Reads only. */
#ifndef PT_JOURNAL_OWNER_H
#define PT_JOURNAL_OWNER_H

#include <stdbool.h>

#include "base/error.h"

/**
 * struct pt_owner - a process
 * @start: field 22 of /proc/PID/stat, clock ticks after boot: a number that is used again starts later
 * @boot: /proc/sys/kernel/random/boot_id
 */
struct pt_owner {
	int pid;
	unsigned long long start;
	char boot[40];
};

/** pt_owner_self() - this process; @proc_fd: procfs */
int pt_owner_self(int proc_fd, struct pt_owner *ret_owner, struct pt_error *err);

/** pt_owner_alive() - does that very process still run?  What cannot be read counts as running: the careful answer */
bool pt_owner_alive(int proc_fd, const struct pt_owner *owner);

#endif
