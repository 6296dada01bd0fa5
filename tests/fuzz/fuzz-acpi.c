/* SPDX-License-Identifier: Apache-2.0 */
/* DMAR and IVRS from a firmware or a capture that means harm, and what is asked of them afterwards. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "host/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* a small host: root ports 00:01.0 and 00:1c.0, a card behind each */
static struct pt_devices host(struct pt_device v[4])
{
	v[0] = (struct pt_device){ .bdf = { 0, 0, 0x01, 0 } };
	v[1] = (struct pt_device){ .bdf = { 0, 0, 0x1c, 0 } };
	v[2] = (struct pt_device){ .bdf = { 0, 1, 0, 0 }, .has_parent = true, .parent = { 0, 0, 0x01, 0 } };
	/* a bridge that stands behind itself: a capture's links may say so */
	v[3] = (struct pt_device){ .bdf = { 0, 2, 0, 0 }, .has_parent = true, .parent = { 0, 2, 0, 0 } };
	return (struct pt_devices){ .v = v, .n = 4 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pt_device v[4];
	struct pt_devices devices = host(v);
	struct pt_acpi acpi = { 0 };
	struct pt_error err = { 0 };
	unsigned named = 0;

	if (pt_dmar_parse(data, size, &acpi, &err) < 0)
		(void)pt_ivrs_parse(data, size, &acpi, &err);
	for (size_t i = 0; i < acpi.reserved.n; i++)
		for (size_t d = 0; d < devices.n; d++)
			named += pt_reserved_names(&acpi.reserved.v[i], &devices, &devices.v[d]);
	/* an error without a message would leave the user without a reason */
	if (named && !acpi.read)
		abort();
	if (!acpi.read && !err.msg[0])
		abort();
	pt_acpi_done(&acpi);
	return 0;
}
