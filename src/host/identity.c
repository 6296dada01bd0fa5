/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/pci.h"

/* the kernel stops at 32 KiB as well: the address field in the VPD capability has 15 bits */
#define VPD_MAX ((size_t)32 << 10)
/* PCI local bus specification 3.0, appendix I: large resource tags */
#define VPD_STRING     0x82
#define VPD_READ_ONLY  0x90
#define VPD_SMALL_MASK 0x80
#define VPD_END	       0x78
#define VPD_HEADER     3
#define VPD_KEYWORD    3

static int keyword_serial(const unsigned char *p, size_t size, char **ret_serial)
{
	while (size >= VPD_KEYWORD) {
		size_t length = p[2];

		if (length > size - VPD_KEYWORD)
			return 0;
		if (p[0] == 'S' && p[1] == 'N' && length) {
			pt_autofree char *serial = pt_strndup((const char *)p + VPD_KEYWORD, length);

			(void)pt_text_trim(pt_text_clean(serial));
			if (!*serial)
				return 0;
			*ret_serial = pt_take_ptr(serial);
			return 1;
		}
		p += VPD_KEYWORD + length;
		size -= VPD_KEYWORD + length;
	}
	return 0;
}

int pt_identity_vpd_serial(const unsigned char *vpd, size_t size, char **ret_serial)
{
	while (size) {
		size_t length;

		if (!(vpd[0] & VPD_SMALL_MASK)) {
			if ((vpd[0] & 0xf8) == VPD_END)
				return 0;
			length = 1 + (size_t)(vpd[0] & 7);
		} else {
			if (size < VPD_HEADER)
				return 0;
			length = VPD_HEADER + ((size_t)vpd[1] | (size_t)vpd[2] << 8);
		}
		if (length > size)
			return 0;
		if (vpd[0] == VPD_READ_ONLY)
			return keyword_serial(vpd + VPD_HEADER, length - VPD_HEADER, ret_serial);
		vpd += length;
		size -= length;
	}
	return 0;
}

static void read_serial(const struct pt_root *root, const struct pt_device *device, struct pt_identity *id)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/vpd", pt_bdf_str(device->bdf).s);
	pt_autofree char *dsn = device->serial ? pt_strf("dsn:%s", device->serial) : NULL;
	pt_autofree char *vpd = NULL;
	pt_autofree char *serial = NULL;
	size_t size = 0;
	int r;

	if (dsn && !pt_serial_is_common(dsn)) {
		id->serial = pt_take_ptr(dsn);
		return;
	}
	r = pt_file_read(root->sys_fd, path, VPD_MAX, &vpd, &size);
	if (r == 0 && pt_identity_vpd_serial((const unsigned char *)vpd, size, &serial) == 1) {
		pt_autofree char *named = pt_strf("vpd:%s", serial);

		if (!pt_serial_is_common(named)) {
			id->serial = pt_take_ptr(named);
			return;
		}
	}
	/*
	 * Only root sees past the first 64 bytes of configuration space.  The attribute is there for a device that has
	 * vital product data: where reading it fails (EIO, a time-out, not root), they may still hold a serial number.
	 */
	id->serial_unread = (!root->captured && geteuid() != 0) || (r < 0 && r != -ENOENT);
}

static void read_behind(const struct pt_root *root, const struct pt_device *device, const struct pt_blocks *blocks,
			struct pt_identity *id)
{
	for (size_t i = 0; i < blocks->n; i++) {
		const struct pt_block *b = &blocks->v[i];

		if (!b->has_controller || !pt_bdf_eq(b->controller, device->bdf) || !pt_streq(b->name, b->disk))
			continue;
		if (b->serial)
			pt_strv_addf(&id->behind, "disk:%s", b->serial);
		else if (b->wwn)
			pt_strv_addf(&id->behind, "wwn:%s", b->wwn);
	}
	for (size_t i = 0; i < device->netdevs.n; i++) {
		pt_autofree char *path = pt_strf("class/net/%s/address", device->netdevs.v[i]);
		pt_autofree char *assigned = pt_strf("class/net/%s/addr_assign_type", device->netdevs.v[i]);
		pt_autofree char *mac = NULL;
		uint64_t type = 0;

		/* Documentation/ABI/testing/sysfs-class-net: 0 is the card's own; a random or set one says nothing */
		if (strchr(device->netdevs.v[i], '/') || pt_file_read_u64(root->sys_fd, assigned, &type) < 0 || type)
			continue;
		if (pt_file_read_line(root->sys_fd, path, &mac) == 0 && *mac)
			pt_strv_addf(&id->behind, "mac:%s", pt_text_clean(mac));
	}
	pt_strv_sort(&id->behind);
}

/*
 * "0000:00:02.0/00.0": the function on the root bus as a whole, below it only slot and function.  The bus numbers in
 * between are dealt out at each boot anew, and shift when a bridge comes or goes.
 */
static char *bus_free_path(const char *slot_path)
{
	struct pt_buf out = { 0 };
	const char *at = slot_path;

	if (!slot_path)
		return NULL;
	for (size_t n = 0; *at; n++) {
		pt_autofree char *part = pt_strndup(at, strcspn(at, "/"));
		struct pt_bdf bdf;

		at += strlen(part) + (at[strlen(part)] == '/');
		if (n == 0)
			pt_buf_add(&out, part);
		else if (pt_bdf_parse(part, &bdf) == 0)
			pt_buf_addf(&out, "/%02x.%x", bdf.slot, bdf.func);
	}
	return pt_buf_take(&out);
}

int pt_identity_read(const struct pt_root *root, const struct pt_device *device, const struct pt_blocks *blocks,
		     struct pt_identity *ret_identity, struct pt_error *err)
{
	struct pt_identity id = {
		.last_seen = device->bdf,
		.vendor = device->vendor,
		.device = device->device,
		.subvendor = device->subvendor,
		.subdevice = device->subdevice,
		.is_vf = device->sriov == PT_SRIOV_VF,
		.vf_index = device->sriov == PT_SRIOV_VF ? device->vf_index : -1,
		.pf_func = device->sriov == PT_SRIOV_VF ? device->pf.func : -1,
		.slot_path = bus_free_path(device->slot_path),
	};

	if (id.is_vf) {
		PT_AUTO(pt_device) pf = { .bdf = device->pf };
		int r = pt_pci_read(root, &pf, false, err);

		if (r < 0 && r != -ENODEV) {
			pt_identity_done(&id);
			return r;
		}
		if (r == 0)
			read_serial(root, &pf, &id);
	} else {
		read_serial(root, device, &id);
		read_behind(root, device, blocks, &id);
	}
	*ret_identity = id;
	return 0;
}
