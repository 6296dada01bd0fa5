/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/reserving.h"

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	PT_FORCE_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

static int reserve(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_reserving) l = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	pt_autofree const char **forced = pt_giving_forced(cli);
	struct pt_reserve_request request = { .forced = forced };
	int r = pt_reserving_look(cli, &l, err);

	if (r < 0)
		return r;
	request.devices = l.wanted.v;
	request.n_devices = l.wanted.n;
	r = pt_decide_reserve(&l.host, &l.vms, l.claims.found.v, l.claims.found.n, &request, &plan, err);
	return pt_reserving_run(cli, &l, &plan, r, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	return r < 0 ? r : reserve(cli, err);
}

const struct pt_command pt_command_reserve = {
	.name = "reserve",
	.args = "DEVICE…",
	.group = "Change",
	.summary = "Keep devices for guests, across reboots",
	.description =
		"The devices are bound to VFIO now and at each boot, before a driver of this host touches them. The\n"
		"IOMMU group goes as a whole, and what the host uses is refused, as with `passthru attach`.\n\n"
		"Remembered is not the address but what the device is recognised by: its serial number where it tells\n"
		"one, else its ids and its slot, and what was behind it. At boot it is bound where that is certain.\n"
		"Another device at its address is left alone; `passthru repair` finds one that has moved.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
