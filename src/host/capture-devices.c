/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of a capture: which subsystems, and which attributes of each. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-names.h"
#include "host/block-path.h"
#include "host/block.h"
#include "host/capture-parts.h"
#include "host/pci-attr.h"

#define ATTR_MAX      8192
#define CONFIG_LEAST  256
#define CHILDREN_MAX  4096
#define LOCK_LIMIT_MS 1000

/*
 * Attributes by name, never all that are there: reading some of them waits for the device (sriov_numvfs), changes
 * something, or gives away more than a decision needs.  '*' at the end of a link: all of that prefix.
 */
static const struct subsystem {
	const char *name;
	const char *where; /* directory of links, below sys/ */
	const char *attrs;
	const char *links;
} subsystems[] = {
	{ "pci", "bus/pci/devices",
	  "vendor device class revision subsystem_vendor subsystem_device modalias numa_node local_cpulist resource "
	  "config reset_method reset remove boot_vga sriov_totalvfs sriov_drivers_autoprobe sriov_vf_device "
	  "sriov_offset "
	  "sriov_stride secondary_bus_number subordinate_bus_number ari_enabled max_link_speed current_link_speed "
	  "max_link_width current_link_width label acpi_index d3cold_allowed",
	  "driver iommu_group iommu physfn virtfn*" },
	{ "scsi", "bus/scsi/devices", "vendor model rev type wwid vpd_pg80 state", "" },
	{ "virtio", "bus/virtio/devices", "vendor device status", "driver" },
	{ "scsi_host", "class/scsi_host", "proc_name unique_id", "device" },
	{ "nvme", "class/nvme", "model serial firmware_rev cntlid subsysnqn transport address state numa_node",
	  "device" },
	{ "nvme-subsystem", "class/nvme-subsystem", "model serial firmware_rev subsysnqn iopolicy subsystype",
	  "nvme*" },
	{ "block", "class/block",
	  "dev size removable ro hidden partition start wwid serial nsid uuid nguid eui queue/rotational "
	  "queue/logical_block_size dm/name dm/uuid dm/suspended md/level md/array_state md/raid_disks md/uuid "
	  "loop/backing_file loop/offset bcache/label",
	  "device bdi holders/* slaves/* bcache/*" },
	{ "net", "class/net",
	  "address addr_assign_type dev_id dev_port ifindex iflink flags operstate type mtu duplex speed "
	  "phys_port_name "
	  "phys_switch_id name_assign_type tun_flags bonding/slaves bonding/mode bonding/active_slave bridge/bridge_id "
	  "brport/port_no",
	  "device master upper_* lower_* brif/* brport/bridge" },
	{ "iommu", "class/iommu",
	  "intel-iommu/address intel-iommu/cap intel-iommu/ecap intel-iommu/version intel-iommu/domains_supported "
	  "amd-iommu/cap amd-iommu/features",
	  "devices/*" },
	{ "drm", "class/drm", "dev status enabled", "device" },
	{ "graphics", "class/graphics", "name dev", "device" },
	{ "vtconsole", "class/vtconsole", "name bind", "" },
	/* without its serial numbers: no decision needs them */
	{ "dmi", "class/dmi",
	  "sys_vendor product_name product_version product_family board_vendor board_name bios_vendor bios_version "
	  "bios_date chassis_type",
	  "" },
};

static void read_attr(int dev_fd, const char *name, struct pt_mock *m)
{
	pt_autoclose int fd = pt_file_open(dev_fd, name, O_PATH);
	pt_autofree char *text = NULL;
	struct stat st;
	size_t size;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* write-only: that it is there is what matters (reset, remove) */
	if (!(st.st_mode & 0444)) {
		pt_mock_add_attr(m, name, "", 0);
		return;
	}
	/* an attribute may have no value now (speed of a link that is down: EINVAL): then it is left out */
	if (pt_file_read(dev_fd, name, ATTR_MAX, &text, &size) < 0)
		return;
	/* most of configuration space is empty: the conventional part is kept whole, of the rest what says something */
	if (strcmp(name, "config") == 0)
		while (size > CONFIG_LEAST && !text[size - 1])
			size--;
	pt_mock_add_attr(m, name, text, size);
}

static void read_link(int dev_fd, const char *name, struct pt_mock *m)
{
	pt_autofree char *target = NULL;

	if (pt_file_link(dev_fd, name, &target) == 0)
		pt_mock_add_link(m, name, target);
}

/* names that begin as the pattern says, in the directory it names: all in "holders", "virtfn…" in the device's own */
static void read_links(int dev_fd, const char *pattern, struct pt_mock *m)
{
	const char *slash = strrchr(pattern, '/');
	pt_autofree char *dir = slash ? pt_strndup(pattern, (size_t)(slash - pattern)) : pt_strdup(".");
	pt_autofree char *prefix = pt_strdup(slash ? slash + 1 : pattern);
	PT_AUTO(pt_strv) names = { 0 };

	prefix[strlen(prefix) - 1] = '\0';
	if (pt_file_list(dev_fd, dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n && i < CHILDREN_MAX; i++) {
		pt_autofree char *name = slash ? pt_strf("%s/%s", dir, names.v[i]) : pt_strdup(names.v[i]);

		if (pt_startswith(names.v[i], prefix))
			read_link(dev_fd, name, m);
	}
}

static void read_uevent(int dev_fd, const struct subsystem *s, struct pt_mock *m)
{
	pt_autofree char *text = NULL;
	char *save = NULL;

	if (pt_file_read(dev_fd, "uevent", ATTR_MAX, &text, NULL) == 0)
		for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			if (strchr(line, '=') && !pt_startswith(line, "SUBSYSTEM="))
				pt_strv_add(&m->properties, line);
	pt_strv_addf(&m->properties, "SUBSYSTEM=%s", s->name);
}

/* node, links and udev's properties of a disk */
static void read_block(const struct pt_root *root, const struct pt_blocks *blocks, const char *name, struct pt_mock *m)
{
	const struct pt_block *b = pt_blocks_by_name(blocks, name);
	struct pt_udev udev = { 0 };

	if (!b)
		return;
	m->node = pt_strdup(name);
	for (char *p = m->node; *p; p++)
		if (*p == '!')
			*p = '/';
	pt_strv_copy(&m->links, &b->links);
	pt_udev_read(root, b->major, b->minor, &udev);
	for (size_t i = 0; i < udev.properties.n; i++) {
		const char *property = udev.properties.v[i];
		pt_autofree char *key = pt_strndup(property, strcspn(property, "="));

		/* what uevent said already is not said twice */
		if (strchr(property, '=') && *key && !pt_mock_property(m, key))
			pt_strv_add(&m->properties, property);
	}
	pt_udev_done(&udev);
}

/*
 * The one attribute that waits for the device's lock (drivers/pci/pci-sysfs.c, driver_override_show): asked with a
 * limit, so that a device in trouble does not keep the capture from being made.
 */
static void read_override(const struct pt_root *root, int dev_fd, struct pt_mock *m)
{
	char text[256];
	int n = root->captured ? pt_pci_attr_read(dev_fd, "driver_override", text, sizeof(text))
			       : pt_pci_attr_read_within(dev_fd, "driver_override", text, sizeof(text), LOCK_LIMIT_MS);
	pt_autofree char *line = n < 0 ? NULL : pt_strf("%s\n", text);

	if (line)
		pt_mock_add_attr(m, "driver_override", line, strlen(line));
}

/* the number of VFs is that of the virtfn links: reading sriov_numvfs may wait for ever */
static void count_vfs(struct pt_mock *m)
{
	unsigned n = 0;
	char text[16];

	if (!pt_mock_attr(m, "sriov_totalvfs"))
		return;
	for (size_t i = 0; i < m->symlinks.n; i++)
		n += pt_startswith(m->symlinks.v[i].name, "virtfn");
	(void)snprintf(text, sizeof(text), "%u\n", n);
	pt_mock_add_attr(m, "sriov_numvfs", text, strlen(text));
}

static void each_word(int dev_fd, const char *words, void (*each)(int, const char *, struct pt_mock *),
		      struct pt_mock *m)
{
	pt_autofree char *copy = pt_strdup(words);
	char *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		each(dev_fd, word, m);
}

static void read_link_word(int dev_fd, const char *word, struct pt_mock *m)
{
	if (pt_endswith(word, "*"))
		read_links(dev_fd, word, m);
	else
		read_link(dev_fd, word, m);
}

/* what is the same for all devices of one capture */
struct context {
	const struct pt_root *root;
	struct pt_blocks blocks;
	struct pt_capture *c;
};

/* @path: below sys/, found as text from a link */
static int read_device(const struct context *x, const struct subsystem *s, const char *name, const char *path)
{
	const struct pt_root *root = x->root;
	pt_autoclose int dev_fd = pt_file_open(root->sys_fd, path, O_RDONLY | O_DIRECTORY);
	struct pt_mock *m;

	if (dev_fd < 0)
		return dev_fd == -ENOENT ? 0 : dev_fd;
	m = pt_array_add(&x->c->devices);
	m->path = pt_strf("/%s", path);
	read_uevent(dev_fd, s, m);
	each_word(dev_fd, s->attrs, read_attr, m);
	each_word(dev_fd, s->links, read_link_word, m);
	if (strcmp(s->name, "pci") == 0) {
		read_override(root, dev_fd, m);
		count_vfs(m);
	}
	if (strcmp(s->name, "block") == 0)
		read_block(root, &x->blocks, name, m);
	return 0;
}

static int read_subsystem(const struct context *x, const struct subsystem *s, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(x->root->sys_fd, s->where, &names);

	if (r == -ENOENT)
		return 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		pt_autofree char *path = pt_path_of_link(x->root->sys_fd, s->where, names.v[i]);

		/* bonding_masters in class/net is a file; a link that leaves devices/ is none of the kernel's */
		if (path && pt_startswith(path, "devices/"))
			r = read_device(x, s, names.v[i], path);
	}
	return r < 0 ? pt_fail(err, r, "cannot read the devices in sys/%s", s->where) : 0;
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct pt_mock *)a)->path, ((const struct pt_mock *)b)->path);
}

int pt_capture_devices(const struct pt_root *root, struct pt_capture *c, struct pt_error *err)
{
	struct context x = { .root = root, .c = c };
	int r = pt_block_list(root, &x.blocks, err);

	for (size_t i = 0; i < sizeof(subsystems) / sizeof(*subsystems) && r == 0; i++)
		r = read_subsystem(&x, &subsystems[i], err);
	pt_blocks_done(&x.blocks);
	/* a directory's path is the beginning of those in it: parents come first, as umockdev wants them */
	if (c->devices.n)
		qsort(c->devices.v, c->devices.n, sizeof(*c->devices.v), compare_devices);
	return r;
}
