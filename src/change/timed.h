/* SPDX-License-Identifier: Apache-2.0 */
/* The two tables of functions with a stop watch before them: what is spent in libvirt or in the kernel is theirs. */
#ifndef PT_CHANGE_TIMED_H
#define PT_CHANGE_TIMED_H

#include "base/watch.h"
#include "host/ops.h"
#include "vm/ops.h"

/** struct pt_timed - borrows all three; must stay where it is while its tables are used */
struct pt_timed {
	const struct pt_host_ops *host;
	const struct pt_vm_ops *vm;
	struct pt_watch *watch;
};

void pt_timed_vm_ops(struct pt_timed *timed, struct pt_vm_ops *ret_ops);
void pt_timed_host_ops(struct pt_timed *timed, struct pt_host_ops *ret_ops);

#endif
