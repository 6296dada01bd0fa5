/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kinds.h"

#include <errno.h>
#include <string.h>

/* words that stand for a kind of device; anything else is a part of a name, a driver, an address or ids */
struct kind {
	const char *name;
	const char *means;
	bool (*is)(const struct pt_device *d);
};

static bool is_any(const struct pt_device *d)
{
	return d != NULL;
}

static bool is_usb(const struct pt_device *d)
{
	return d->class_code >> 8 == 0x0c03;
}

static bool is_audio(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x04;
}

/* processing accelerators, and co-processors such as cryptography */
static bool is_accelerator(const struct pt_device *d)
{
	return d->class_code >> 16 == 0x12 || d->class_code >> 8 == 0x0b40;
}

static bool is_sriov(const struct pt_device *d)
{
	return d->sriov != PT_SRIOV_NONE;
}

static const struct kind kinds[] = {
	{ "storage", "controllers of disks", pt_device_is_storage },
	{ "network", "network cards", pt_device_is_network },
	{ "display", "GPUs", pt_device_is_display },
	{ "accelerator", "accelerators and co-processors", is_accelerator },
	{ "usb", "USB controllers", is_usb },
	{ "audio", "sound and video", is_audio },
	{ "sriov", "those with virtual functions, and these", is_sriov },
	{ "vfio", "held for guests", pt_device_is_vfio },
	{ "bridge", "bridges", pt_device_is_bridge },
	{ "all", "everything", is_any },
};

int pt_kind_is(const char *name, const struct pt_device *d)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].is(d);
	return -EINVAL;
}
