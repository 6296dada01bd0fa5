/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passthru-early: which drivers shall the devices of guests have at boot?
 *
 *	passthru-early hold
 *
 * is run before udev loads the first driver, and writes the driver_override of every device that is certain.  A driver
 * that is loaded for another device of its kind looks at all that it serves as soon as it is there, without udev.
 *
 *	passthru-early driver 0000:01:00.0
 *
 * is run by udev for every function of the kind of a reservation, those that come later included, and writes nothing:
 *it prints "vfio-pci" and exits 0 for a device that is reserved; exits 1, with the reason on stderr, for all others.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "early/early.h"
#include "early/hold.h"

/* several devices may have the same to say */
static void tell(const struct pt_strv *sentences)
{
	for (size_t i = 0; i < sentences->n; i++) {
		bool said = false;

		for (size_t k = 0; k < i; k++)
			said = said || strcmp(sentences->v[i], sentences->v[k]) == 0;
		if (!said)
			(void)fprintf(stderr, "passthru-early: %s\n", sentences->v[i]);
	}
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: passthru-early hold\n"
			      "       passthru-early driver ADDRESS   (udev asks it; see `man passthru-boot`)\n");
	return 2;
}

int main(int argc, char **argv)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_early) early = { 0 };
	PT_AUTO(pt_strv) why = { 0 };
	struct pt_error err = { 0 };
	const char *driver = NULL;
	struct pt_bdf bdf;
	bool hold = argc == 2 && strcmp(argv[1], "hold") == 0;
	int r = 0;

	if (!hold && (argc != 3 || strcmp(argv[1], "driver") != 0 || pt_bdf_parse(argv[2], &bdf) < 0))
		return usage();
	if (pt_root_live(&root, &err) < 0 || pt_early_look(&root, &early, &err) < 0) {
		(void)fprintf(stderr, "passthru-early: %s\n", err.msg);
		return 1;
	}
	if (hold)
		r = pt_early_hold(&root, &early, &why);
	else
		driver = pt_early_driver(&root, &early, bdf, &why);
	tell(&early.bad);
	tell(&why);
	if (driver)
		(void)printf("%s\n", driver);
	return hold ? r < 0 : !driver;
}
