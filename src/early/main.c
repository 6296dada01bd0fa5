/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passthru-early: udev asks it for every function of the kind of a reservation.  It writes nothing.
 *
 *	passthru-early driver 0000:01:00.0
 *
 * prints "vfio-pci" and exits 0 for a device that is reserved; exits 1, with the reason on stderr, for all others.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "early/early.h"

static void tell(const struct pt_strv *sentences)
{
	for (size_t i = 0; i < sentences->n; i++)
		(void)fprintf(stderr, "passthru-early: %s\n", sentences->v[i]);
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_early) early = { 0 };
	PT_AUTO(pt_strv) why = { 0 };
	struct pt_error err = { 0 };
	const char *driver;
	struct pt_bdf bdf;

	if (argc != 3 || strcmp(argv[1], "driver") != 0 || pt_bdf_parse(argv[2], &bdf) < 0) {
		(void)fprintf(stderr,
			      "usage: passthru-early driver ADDRESS   (udev asks it; see `man passthru-boot`)\n");
		return 2;
	}
	if (pt_root_live(&root, &err) < 0 || pt_early_look(&root, &early, &err) < 0) {
		(void)fprintf(stderr, "passthru-early: %s\n", err.msg);
		return 1;
	}
	driver = pt_early_driver(&root, &early, bdf, &why);
	tell(&early.bad);
	tell(&why);
	if (driver)
		(void)printf("%s\n", driver);
	return driver ? 0 : 1;
}
