/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/pci.h"

int pt_print_json(struct pt_cli *cli, json_t *answer, struct pt_error *err)
{
	int r = json_dumpf(answer, cli->out, JSON_INDENT(2));

	json_decref(answer);
	if (r < 0 || fputc('\n', cli->out) == EOF)
		return pt_fail(err, -EIO, "cannot write the answer");
	return PT_EXIT_DONE;
}

int pt_look_devices(const struct pt_cli *cli, struct pt_devices *ret_devices, struct pt_error *err)
{
	PT_AUTO(pt_devices) devices = { 0 };
	int r = pt_pci_list(&cli->root, &devices, err);

	if (r == 0)
		r = pt_names_fill(&cli->root, &devices, err);
	if (r == 0)
		r = pt_pci_carried(&cli->root, &devices, err);
	if (r < 0)
		return r;
	*ret_devices = devices;
	devices = (struct pt_devices){ 0 };
	return 0;
}

char *pt_print_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	/* one digit after the point where it says something: 1.8 TiB, 16 MiB, 512 B */
	if (value < 10 && value * 10 != (double)(uint64_t)value * 10)
		return pt_strf("%.1f %s", value, units[unit]);
	return pt_strf("%.0f %s", value, units[unit]);
}
