/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm-now.h"

#include <errno.h>

int pt_vm_now(struct pt_cli *cli, struct pt_vm_conn *conn, const char *vm, struct pt_domain *ret_vm,
	      struct pt_domain *ret_live, bool *ret_running, struct pt_error *err)
{
	int r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_find(conn, vm, ret_vm, err));

	*ret_running = false;
	if (r < 0 || ret_vm->state == PT_DOMAIN_SHUTOFF)
		return r;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_live(conn, ret_vm->uuid, ret_live, err));
	if (r == -ENOTCONN) {
		/* it has stopped since */
		*err = (struct pt_error){ 0 };
		ret_vm->state = PT_DOMAIN_SHUTOFF;
		return 0;
	}
	if (r < 0)
		return r;
	*ret_running = true;
	return 0;
}
