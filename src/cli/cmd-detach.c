/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/networking.h"
#include "cli/prove.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	PT_LIVE_OPTIONS,
	{ "reset", 0, NULL, "reset the devices before this host's drivers have them", false },
	{ "start", 0, NULL, "start the VM afterwards even if it did not run", false },
	{ "stop-timeout", 0, "SECONDS", "how long the guest may take to shut down (180)", false },
	{ NULL, 0, NULL, NULL, false },
};

static int detach(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_attach_request *asked,
		  struct pt_error *err)
{
	struct pt_attach_request request = *asked;
	PT_AUTO(pt_networking) n = { 0 };
	PT_AUTO(pt_giving) g = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_attach_facts facts = { .host = &g.host, .vm = &g.vm, .others = &g.others };
	int r = pt_giving_look(cli, conn, &g, err);

	if (r >= 0)
		r = pt_giving_live(cli, conn, &g, err);
	if (r >= 0)
		r = pt_networking_detach(cli, &g, &n, err);
	if (r < 0)
		return r;
	request.settings = &n.settings;
	request.devices = g.wanted.v;
	request.n_devices = g.wanted.n;
	facts.running = g.runs ? &g.running : NULL;
	r = pt_decide_detach(&facts, &request, &plan, err);
	if (r < 0)
		return pt_giving_refused(cli, &plan, r, err);
	return pt_changing_run(cli, conn, &plan, NULL, NULL, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	pt_autofree const char **forced = NULL;
	struct pt_attach_request request;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_giving_options(cli, &request, &forced, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	return r < 0 ? r : detach(cli, conn, &request, err);
}

const struct pt_command pt_command_detach = {
	.name = "detach",
	.args = "VM DEVICE…",
	.group = "Change",
	.summary = "Take devices from a VM and give them back to this host's own drivers",
	.description =
		"The VM is shut down, the devices are taken out of its definition and given back to the drivers that\n"
		"the kernel chooses, their reservation ends, and the VM is started again if it ran. Disks that "
		"`passthru\n"
		"attach` took out of the definition do not come back: `passthru undo` does that. A device that this\n"
		"host no longer has is named by its address: it leaves the definition, and its record goes.\n\n"
		"With --live the VM runs on: its guest is asked to let go of the devices. Where it does not in time,\n"
		"everything is left as it was.\n\n"
		"With --reset what the guest left in a device goes. One that cannot be reset goes back to this host,\n"
		"and is not offered to the fleet until a reset succeeds or the host is rebooted.",
	.options = options,
	.min_operands = 2,
	.max_operands = -1,
	.run = run,
};
