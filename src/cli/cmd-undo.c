/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

int pt_cli_change_id(const char *text, long long *ret_id, struct pt_error *err)
{
	char *end = NULL;
	long long id;
	int r;

	errno = 0;
	id = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && id > 0) {
		*ret_id = id;
		return 0;
	}
	r = pt_usage(err, -EINVAL, "'%s' is no number of a change", text);
	pt_hint(err, "`passthru history` lists them");
	return r;
}

static int make_plan(struct pt_cli *cli, struct pt_vm_conn *conn, long long id, struct pt_plan *ret_plan,
		     struct pt_error *err)
{
	struct pt_changing c = { 0 };
	int r = pt_changing_begin(cli, err);

	if (r == 0)
		r = pt_changing_look(cli, conn, &c, err);
	if (r == 0)
		r = pt_change_undo_plan(&c.env, id, ret_plan, err);
	pt_changing_close(&c);
	return r;
}

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error no_vms = { 0 };
	long long id = 0;
	int r = cli->n_operands ? pt_cli_change_id(cli->operands[0], &id, err) : 0;

	if (r == 0)
		r = pt_cli_need_live(cli, err);
	if (r == 0)
		r = pt_cli_need_root(cli, err);
	/* a change of devices alone can be taken back on a host whose libvirt is down */
	if (r == 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_open(&cli->root, cli->uri, false, &conn, &no_vms));
	if (r == 0 || (no_vms.code && !cli->uri))
		r = make_plan(cli, conn, id, &plan, err);
	if (no_vms.code && (cli->uri || r == -ENOTCONN)) {
		*err = no_vms;
		return no_vms.code;
	}
	return r < 0 ? r : pt_changing_run(cli, conn, &plan, "Take it back?", NULL, err);
}

const struct pt_command pt_command_undo = {
	.name = "undo",
	.args = "[CHANGE]",
	.group = "Change",
	.summary = "Take an earlier change back",
	.description = "Without a number the newest change that still stands.  Definitions of VMs, drivers and "
		       "reservations are put "
		       "back as they were; a VM that runs is shut down first, and started again if it ran before that "
		       "change.\n\n"
		       "Refused where the world has moved on since: a definition that was edited, a device that "
		       "another hand has "
		       "bound, a later change of the same VM or device.  The message says what is and what was "
		       "expected.  An undo "
		       "is a change like any other and can be undone, too.",
	.options = options,
	.max_operands = 1,
	.run = run,
};
