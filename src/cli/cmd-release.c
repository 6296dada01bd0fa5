/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/reserving.h"
#include "cli/storing.h"

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	PT_STORING_OPTIONS,
	{ "reset", 0, NULL, "reset the devices before this host's drivers have them", false },
	{ "no-wait", 0, NULL, "of a claim: do not wait until its host's agent has given the devices back", false },
	{ "force-other-vm", 0, NULL, "although a VM that is off has it in its definition", false },
	{ "force-other-vm-group", 0, NULL, "although a VM that is off has a member of its IOMMU group", false },
	{ NULL, 0, NULL, NULL, false },
};

static int release(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_reserving) l = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	pt_autofree const char **forced = pt_giving_forced(cli);
	struct pt_reserve_request request = { .forced = forced, .reset = pt_cli_flag(cli, "reset") };
	int r = pt_reserving_look(cli, &l, err);

	if (r < 0)
		return r;
	request.devices = l.wanted.v;
	request.n_devices = l.wanted.n;
	r = pt_decide_release(&l.host, &l.vms, &request, &plan, err);
	return pt_reserving_run(cli, &l, &plan, r, err);
}

/* how many of the operands have the form of a claim's id, which no device has */
static int count_claims(const struct pt_cli *cli)
{
	int n = 0;

	for (int i = 0; i < cli->n_operands; i++)
		n += pt_claim_id_valid(cli->operands[i]);
	return n;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	int claims = count_claims(cli);
	int r = claims ? 0 : pt_cli_need_live(cli, err);

	if (claims == cli->n_operands)
		return pt_storing_release(cli, err);
	if (claims)
		return pt_usage(err, -EINVAL,
				"claims and devices are not released in one call: a claim is the fleet's, "
				"a reserved device this host's");

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	return r < 0 ? r : release(cli, err);
}

const struct pt_command pt_command_release = {
	.name = "release",
	.args = "DEVICE… | CLAIM…",
	.group = "Change",
	.summary = "Give reserved devices back to this host's own drivers; or claimed ones to the fleet",
	.description =
		"The reservation ends, and the kernel chooses a driver. A device that a VM has in its definition is\n"
		"refused: `passthru detach` takes it from the VM and releases it. A device that is gone is named by\n"
		"the address that it was reserved at; what is at that address now is left alone.\n\n"
		"A CLAIM (c- and 20 digits, `passthru claims` lists them) ends in the fleet's store, and others may\n"
		"claim its devices. Where its host's agent (passthrud) has bound or attached them, that gives them "
		"back\n"
		"first, and is waited for (--wait SECONDS, 300).",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
