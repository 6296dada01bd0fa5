/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passthru-early: which driver shall a PCI function have at boot?  udev asks for every function of the kind of a
 * reservation, in the initramfs too, so this links neither libvirt nor a database, writes nothing and asks nobody.
 *
 *	passthru-early driver 0000:01:00.0
 *
 * prints "vfio-pci" and exits 0 for a device that is reserved; exits 1, with the reason on stderr, for all others.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/whereabouts.h"
#include "host/pci.h"
#include "host/reserved.h"

static int look(const struct pt_root *root, struct pt_keeps *known, struct pt_identities *present, struct pt_error *err)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_strv) bad = { 0 };
	/* behind a controller nothing is looked for: no driver of the host has it yet, and none shall */
	const struct pt_blocks none = { 0 };
	int r = pt_keep_list(root, known, &bad, err);

	for (size_t i = 0; i < bad.n; i++)
		(void)fprintf(stderr, "passthru-early: %s\n", bad.v[i]);
	if (r == 0)
		r = pt_pci_list(root, &devices, err);
	return r < 0 ? r : pt_keep_present(root, known, &devices, &none, present, err);
}

static int answer(const struct pt_keeps *known, const struct pt_identities *present, struct pt_bdf bdf)
{
	PT_AUTO(pt_whereabouts_list) where = { 0 };

	pt_whereabouts_find(known, present, &where);
	for (size_t i = 0; i < where.n; i++) {
		if (!pt_keep_at_boot(&known->v[i]))
			continue;
		if (where.v[i].boot && pt_bdf_eq(where.v[i].bdf, bdf)) {
			(void)printf("%s\n", known->v[i].driver);
			return 0;
		}
		if (where.v[i].why)
			(void)fprintf(stderr, "passthru-early: %s\n", where.v[i].why);
	}
	if (!pt_whereabouts_hold(known, present, &where, bdf))
		return 1;
	(void)printf("%s\n", PT_DRIVER_UNDECIDED);
	return 0;
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_keeps) known = { 0 };
	PT_AUTO(pt_identities) present = { 0 };
	struct pt_error err = { 0 };
	struct pt_bdf bdf;

	if (argc != 3 || strcmp(argv[1], "driver") != 0 || pt_bdf_parse(argv[2], &bdf) < 0) {
		(void)fprintf(stderr,
			      "usage: passthru-early driver ADDRESS   (udev asks it; see `man passthru-boot`)\n");
		return 2;
	}
	if (pt_root_live(&root, &err) < 0 || look(&root, &known, &present, &err) < 0) {
		(void)fprintf(stderr, "passthru-early: %s\n", err.msg);
		return 1;
	}
	return answer(&known, &present, bdf);
}
