/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sriov.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/netlink-vf.h"
#include "host/nvme-virt.h"

#define CONFIG_SIZE    4096
#define CAPS_MOST      48	  /* 192 bytes from 40h, four at least each */
#define EXT_CAPS_MOST  480	  /* 3840 bytes, eight at least each */
#define RESOURCE_UNSET 0x20000000 /* include/linux/ioport.h: IORESOURCE_UNSET */
#define IOV_RESOURCES  7	  /* include/linux/pci.h: PCI_IOV_RESOURCES comes after six BARs and the ROM */

struct config {
	unsigned char b[CONFIG_SIZE];
	size_t n;
};

static unsigned get16(const struct config *c, size_t at)
{
	return at + 2 <= c->n ? c->b[at] | (unsigned)c->b[at + 1] << 8 : 0;
}

static uint32_t get32(const struct config *c, size_t at)
{
	return get16(c, at) | (uint32_t)get16(c, at + 2) << 16;
}

/* without root the first 64 bytes only */
static void read_config(int dev_fd, struct config *ret)
{
	pt_autoclose int fd = pt_file_open(dev_fd, "config", O_RDONLY | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret->b, sizeof(ret->b), 0);

	ret->n = n > 0 ? (size_t)n : 0;
}

/* where an extended capability begins, 0 when it is not there */
static size_t find_extended(const struct config *c, unsigned id)
{
	size_t at = PCI_CFG_SPACE_SIZE;

	for (int i = 0; i < EXT_CAPS_MOST && at >= PCI_CFG_SPACE_SIZE && at + 4 <= c->n; i++) {
		uint32_t header = get32(c, at);

		if (PCI_EXT_CAP_ID(header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

static size_t find_capability(const struct config *c, unsigned id)
{
	size_t at = c->n > PCI_CAPABILITY_LIST ? c->b[PCI_CAPABILITY_LIST] & 0xfcu : 0;

	for (int i = 0; i < CAPS_MOST && at >= PCI_STD_HEADER_SIZEOF && at + 2 <= c->n; i++) {
		if (c->b[at] == id)
			return at;
		at = c->b[at + 1] & 0xfcu;
	}
	return 0;
}

static int read_int(int dev_fd, const char *name)
{
	uint64_t value;

	return pt_file_read_u64(dev_fd, name, &value) == 0 && value <= PT_VF_MAX ? (int)value : -1;
}

/* 0 when it is not told */
static unsigned read_count(int dev_fd, const char *name)
{
	int value = read_int(dev_fd, name);

	return value < 0 ? 0 : (unsigned)value;
}

static int open_device(const struct pt_root *root, struct pt_bdf bdf)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s", pt_bdf_str(bdf).s);

	return pt_file_open(root->sys_fd, path, O_PATH | O_DIRECTORY);
}

/*
 * A VF BAR's register keeps its type bits when it has no address (bit 2: 64 bit), and is 0 when the card has none.
 * sriov_enable() refuses when one that the card has is not in the resource tree; then its line is unset or all zero.
 */
static bool bar_lacks_room(const struct config *c, size_t cap, unsigned bar, const char *line)
{
	uint32_t reg = cap ? get32(c, cap + PCI_SRIOV_BAR + (size_t)4 * bar) : 0;
	char *end = NULL;
	uint64_t from = strtoull(line, &end, 16);
	uint64_t to = strtoull(end, &end, 16);
	uint64_t flags = strtoull(end, NULL, 16);

	if (flags & RESOURCE_UNSET)
		return true;
	if (from == 0 && to == 0 && flags == 0)
		return reg != 0;
	return from == 0;
}

static bool lacks_room(int dev_fd, const struct config *c, size_t cap)
{
	pt_autofree char *text = NULL;
	char *save = NULL;
	char *line;
	bool upper = false; /* half of a 64 bit BAR has a register, and no line of its own */

	if (pt_file_read(dev_fd, "resource", CONFIG_SIZE, &text, NULL) < 0)
		return false;
	line = strtok_r(text, "\n", &save);
	for (unsigned i = 0; line && i < IOV_RESOURCES + PCI_SRIOV_NUM_BARS; i++, line = strtok_r(NULL, "\n", &save)) {
		if (i < IOV_RESOURCES)
			continue;
		if (!upper && bar_lacks_room(c, cap, i - IOV_RESOURCES, line))
			return true;
		upper = !upper && cap &&
			(get32(c, cap + PCI_SRIOV_BAR + (size_t)4 * (i - IOV_RESOURCES)) &
			 PCI_BASE_ADDRESS_MEM_TYPE_64);
	}
	return false;
}

static void read_bridge(const struct pt_root *root, struct pt_sriov *s)
{
	pt_autoclose int dev_fd = open_device(root, s->bridge);
	struct config c = { 0 };
	size_t cap;

	if (dev_fd < 0)
		return;
	s->bus_end = read_int(dev_fd, "subordinate_bus_number");
	read_config(dev_fd, &c);
	cap = find_capability(&c, PCI_CAP_ID_EXP);
	if (cap && cap + PCI_EXP_DEVCTL2 + 2 <= c.n)
		s->ari = get16(&c, cap + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI ? PT_KNOWN_YES : PT_KNOWN_NO;
}

void pt_sriov_read(const struct pt_root *root, const struct pt_device *d, struct pt_sriov *ret)
{
	pt_autoclose int dev_fd = open_device(root, d->bdf);
	struct pt_error why = { 0 };
	struct config c = { 0 };
	size_t cap;
	int autoprobe;

	*ret = (struct pt_sriov){ .pf = d->bdf, .offered = -1, .bus_end = -1 };
	if (dev_fd < 0)
		return;
	read_config(dev_fd, &c);
	cap = find_extended(&c, PCI_EXT_CAP_ID_SRIOV);
	/* a card of the old PCI has no more than that */
	if (c.n >= PCI_CFG_SPACE_SIZE)
		ret->capability = cap ? PT_KNOWN_YES : PT_KNOWN_NO;
	ret->cap_total = cap ? get16(&c, cap + PCI_SRIOV_TOTAL_VF) : 0;
	ret->offered = read_int(dev_fd, "sriov_totalvfs");
	if (ret->offered >= 0)
		ret->no_room = lacks_room(dev_fd, &c, cap);
	autoprobe = read_int(dev_fd, "sriov_drivers_autoprobe");
	ret->autoprobe = autoprobe < 0 ? PT_KNOWN_UNKNOWN : autoprobe ? PT_KNOWN_YES : PT_KNOWN_NO;
	ret->offset = read_count(dev_fd, "sriov_offset");
	ret->stride = read_count(dev_fd, "sriov_stride");
	ret->has_bridge = d->has_parent;
	ret->bridge = d->parent;
	if (d->has_parent)
		read_bridge(root, ret);
	/* the class is NVMe's (PCI Code and ID Assignment Specification 1.9) */
	if (d->class_code == 0x010802 && d->sriov == PT_SRIOV_PF)
		(void)pt_nvme_read(root, d->bdf, &ret->nvme, NULL);
	/* an interface that is in another network namespace, or gone meanwhile, tells nothing */
	if (!root->captured && d->netdevs.n && pt_pf_link_of(&d->netdevs, &ret->link, &why) < 0)
		ret->link_why = pt_strdup(why.msg);
}
