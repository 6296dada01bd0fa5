/* SPDX-License-Identifier: Apache-2.0 */
/* The part of host/pci.h that is asked of few devices at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/alias.h"
#include "host/pci-attr.h"
#include "host/pci.h"

/* PCI Express Base Specification: configuration space, extended capabilities, Device Serial Number (7.9.3) */
#define CONFIG_SIZE	 4096
#define EXTENDED_START	 0x100
#define EXTENDED_DSN	 0x0003
#define EXTENDED_MOST	 ((CONFIG_SIZE - EXTENDED_START) / 8)
#define RESOURCES	 7
#define LOCK_LIMIT_MS	 1000	/* a device that is well answers in microseconds */
#define RESOURCE_PRESENT 0x1f00 /* IORESOURCE_TYPE_BITS, include/linux/ioport.h */

/* lines of "start end flags": six BARs and the expansion ROM; what follows are SR-IOV BARs and bridge windows */
static void parse_resources(struct pt_device *d, char *text)
{
	char *save = NULL;
	char *line = strtok_r(text, "\n", &save);

	for (size_t i = 0; i < RESOURCES && line; i++, line = strtok_r(NULL, "\n", &save)) {
		char *end = NULL;
		uint64_t from = strtoull(line, &end, 16);
		uint64_t to = strtoull(end, &end, 16);
		uint64_t flags = strtoull(end, NULL, 16);
		bool present = (flags & RESOURCE_PRESENT) != 0 && to >= from && !(from == 0 && to == UINT64_MAX);

		d->bars[i] = (struct pt_bar){ present ? to - from + 1 : 0, present ? flags : 0 };
	}
}

static char *read_opt(int dev_fd, const char *name)
{
	char text[PATH_MAX + 1];

	if (pt_pci_attr_read(dev_fd, name, text, sizeof(text)) < 0)
		return NULL;
	return pt_text_trim(pt_text_clean(pt_strdup(text)));
}

/* an attribute that is shown under the device's lock; notes when the device does not give it back */
static int read_locked(const struct pt_root *root, int dev_fd, struct pt_device *d, const char *name, char *text,
		       size_t size)
{
	int r;

	if (root->captured)
		return pt_pci_attr_read(dev_fd, name, text, size);
	if (d->stuck)
		return -ETIMEDOUT;
	r = pt_pci_attr_read_within(dev_fd, name, text, size, LOCK_LIMIT_MS);
	d->stuck = r == -ETIMEDOUT;
	return r;
}

static void read_override(const struct pt_root *root, int dev_fd, struct pt_device *d)
{
	char text[512];

	pt_strset(&d->driver_override, NULL);
	if (read_locked(root, dev_fd, d, "driver_override", text, sizeof(text)) > 0 && strcmp(text, "(null)") != 0)
		d->driver_override = pt_text_trim(pt_text_clean(pt_strdup(text)));
}

static uint32_t little32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* without root sysfs gives the first 64 bytes only, and there is nothing to find */
static void read_dsn(int dev_fd, struct pt_device *d)
{
	pt_autoclose int fd = openat(dev_fd, "config", O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	unsigned char config[CONFIG_SIZE];
	ssize_t n = fd < 0 ? -1 : pread(fd, config, sizeof(config), 0);
	size_t at = EXTENDED_START;

	/* each capability is 8 bytes at least, so a list that goes in circles ends here */
	for (size_t i = 0; i < EXTENDED_MOST && at >= EXTENDED_START && n >= (ssize_t)at + 12; i++) {
		uint32_t header = little32(config + at);

		if ((header & 0xffff) == EXTENDED_DSN) {
			const unsigned char *s = config + at + 4;

			free(d->serial);
			d->serial = pt_strf("%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x", s[7], s[6], s[5], s[4], s[3],
					    s[2], s[1], s[0]);
			return;
		}
		at = header >> 20 & 0xffc;
	}
}

static void read_sriov_detail(const struct pt_root *root, int dev_fd, struct pt_device *d, bool with_vfs_now)
{
	char text[PATH_MAX];
	const char *pf;

	if (d->sriov == PT_SRIOV_PF && with_vfs_now && read_locked(root, dev_fd, d, "sriov_numvfs", text, 32) > 0) {
		unsigned long now = strtoul(text, NULL, 10);

		d->vfs_now = now > d->vfs_total ? (int)d->vfs_total : (int)now;
	}
	if (d->sriov == PT_SRIOV_PF)
		return;
	/* a VF whose PF is not in the list, as a capture may have it */
	pf = pt_pci_attr_link(dev_fd, "physfn", text, sizeof(text));
	if (pf && pt_bdf_parse(pf, &d->pf) == 0)
		d->sriov = PT_SRIOV_VF;
}

static int read_variant(const struct pt_root *root, struct pt_device *d, struct pt_error *err)
{
	PT_AUTO(pt_aliases) aliases = { 0 };
	const char *variant;
	int r = d->modalias ? pt_aliases_read(root, &aliases, err) : 0;

	if (r < 0)
		return r;
	variant = d->modalias ? pt_aliases_vfio(&aliases, d->modalias) : NULL;
	pt_strset(&d->vfio_variant, variant);
	return 0;
}

int pt_pci_read_plain(const struct pt_root *root, struct pt_device *d, bool with_vfs_now, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s", pt_bdf_str(d->bdf).s);
	pt_autoclose int dev_fd = pt_file_open(root->sys_fd, path, O_PATH | O_DIRECTORY);
	char text[PATH_MAX + 1];

	if (dev_fd < 0)
		return pt_fail(err, dev_fd == -ENOENT ? -ENODEV : dev_fd, "cannot open PCI function %s",
			       pt_bdf_str(d->bdf).s);
	if (pt_pci_attr_read(dev_fd, "revision", text, sizeof(text)) > 0)
		d->revision = (uint8_t)strtoul(text, NULL, 16);
	if (pt_pci_attr_read(dev_fd, "resource", text, sizeof(text)) > 0)
		parse_resources(d, text);
	d->stuck = false;
	read_override(root, dev_fd, d);
	free(d->reset_methods);
	d->reset_methods = read_opt(dev_fd, "reset_method");
	/* before Linux 5.15 there is no list: the attribute `reset` says that there is one at all */
	if (!d->reset_methods && pt_file_exists(dev_fd, "reset") == 0 && pt_file_exists(dev_fd, "remove") == 1)
		d->reset_methods = pt_strdup("");
	read_sriov_detail(root, dev_fd, d, with_vfs_now);
	read_dsn(dev_fd, d);
	return pt_pci_carried(root, &(struct pt_devices){ d, 1, 1 }, err);
}

int pt_pci_read(const struct pt_root *root, struct pt_device *d, bool with_vfs_now, struct pt_error *err)
{
	int r = pt_pci_read_plain(root, d, with_vfs_now, err);

	return r < 0 ? r : read_variant(root, d, err);
}
