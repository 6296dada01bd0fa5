/* SPDX-License-Identifier: Apache-2.0 */
#include "fakesys.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "model/bdf.h"

struct made_path {
	char *name; /* address or block device */
	char *path;
};

/* what was made so far, to find it again by name */
struct fakesys_made {
	PT_ARRAY(struct made_path) pci;
	PT_ARRAY(struct made_path) block;
	PT_ARRAY(struct made_path) bridges; /* name: "0000:01", domain and secondary bus */
	unsigned scsi_hosts;
	unsigned nvmes;
	unsigned nets;
};

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fakesys_rmtree(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct fakesys *fakesys_new(void)
{
	const char *tmp = getenv("TMPDIR");
	struct fakesys *sys = pt_alloc(sizeof(*sys));
	struct pt_error err = { 0 };

	sys->fds_before = count_fds();
	sys->made = pt_alloc(sizeof(*sys->made));
	sys->dir = pt_strf("%s/fakesys.XXXXXX", tmp && *tmp			? tmp
						: access("/dev/shm", W_OK) == 0 ? "/dev/shm"
										: "/tmp");
	if (!mkdtemp(sys->dir))
		fail_msg("cannot make %s", sys->dir);
	fakesys_mkdir(sys, "sys/bus/pci/devices");
	fakesys_mkdir(sys, "sys/bus/pci/drivers");
	fakesys_mkdir(sys, "sys/class/block");
	fakesys_mkdir(sys, "sys/class/net");
	fakesys_mkdir(sys, "sys/class/iommu");
	fakesys_mkdir(sys, "sys/dev/block");
	fakesys_mkdir(sys, "sys/kernel/iommu_groups");
	fakesys_mkdir(sys, "sys/devices/virtual");
	fakesys_mkdir(sys, "proc");
	fakesys_mkdir(sys, "dev");
	if (pt_root_open(sys->dir, &sys->root, &err) < 0)
		fail_msg("%s", err.msg);
	return sys;
}

static void free_paths(struct made_path *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].path);
	}
	free(v);
}

void fakesys_free(struct fakesys *sys)
{
	int before;
	int after;

	if (!sys)
		return;
	before = sys->fds_before;
	pt_root_done(&sys->root);
	fakesys_rmtree(sys->dir);
	free_paths(sys->made->pci.v, sys->made->pci.n);
	free_paths(sys->made->block.v, sys->made->block.n);
	free_paths(sys->made->bridges.v, sys->made->bridges.n);
	free(sys->made);
	free(sys->dir);
	free(sys);
	after = count_fds();
	if (after != before)
		fail_msg("%d descriptors were open before the test, %d after it", before, after);
}

static char *full_path(const struct fakesys *sys, const char *path)
{
	return pt_strf("%s/%s", sys->dir, path);
}

/* the directories above @full, which is changed and put back on the way */
static void make_parents(const struct fakesys *sys, char *full)
{
	for (char *p = full + strlen(sys->dir) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(full, 0755);
		*p = '/';
	}
}

void fakesys_mkdir(struct fakesys *sys, const char *path)
{
	pt_autofree char *full = pt_strf("%s/%s/", sys->dir, path);

	make_parents(sys, full);
	if (access(full, X_OK) < 0)
		fail_msg("cannot make %s", full);
}

void fakesys_data(struct fakesys *sys, const char *path, const void *data, size_t size)
{
	pt_autofree char *full = full_path(sys, path);
	FILE *file;

	make_parents(sys, full);
	(void)unlink(full);
	file = fopen(full, "wxe");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
		fail_msg("cannot write %s", full);
}

void fakesys_file(struct fakesys *sys, const char *path, const char *format, ...)
{
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = pt_strfv(format, ap);
	va_end(ap);
	fakesys_data(sys, path, text, strlen(text));
}

void fakesys_link(struct fakesys *sys, const char *path, const char *target)
{
	pt_autofree char *full = full_path(sys, path);

	make_parents(sys, full);
	(void)unlink(full);
	if (symlink(target, full) < 0)
		fail_msg("cannot make the link %s", full);
}

void fakesys_remove(struct fakesys *sys, const char *path)
{
	pt_autofree char *full = full_path(sys, path);

	fakesys_rmtree(full);
}

/* a link as sysfs makes them: relative, up from the link's directory to the top of sysfs; @to is below sys/ as well */
static void sys_link(struct fakesys *sys, const char *from, const char *to)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf target = { 0 };

	for (const char *p = from; *p; p++)
		if (*p == '/')
			pt_buf_add(&target, "../");
	/* one step fewer than there are slashes: "sys" itself is the top */
	pt_buf_add(&target, to + strlen("sys/"));
	fakesys_link(sys, from, target.s + strlen("../"));
}

static const char *find_made(const struct made_path *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return v[i].path;
	return NULL;
}

const char *fakesys_pci_path(struct fakesys *sys, const char *bdf)
{
	const char *path = find_made(sys->made->pci.v, sys->made->pci.n, bdf);

	if (!path)
		fail_msg("there is no %s in this made-up host", bdf);
	return path;
}

const char *fakesys_block_path(struct fakesys *sys, const char *name)
{
	const char *path = find_made(sys->made->block.v, sys->made->block.n, name);

	if (!path)
		fail_msg("there is no disk %s in this made-up host", name);
	return path;
}

void fakesys_attr(struct fakesys *sys, const char *bdf, const char *name, const char *value)
{
	pt_autofree char *path = pt_strf("%s/%s", fakesys_pci_path(sys, bdf), name);

	fakesys_file(sys, path, "%s\n", value);
}

static void hex_attr(struct fakesys *sys, const char *bdf, const char *name, int digits, unsigned value)
{
	pt_autofree char *text = pt_strf("0x%0*x", digits, value);

	fakesys_attr(sys, bdf, name, text);
}

static char *place(struct fakesys *sys, const struct fakesys_pci *pci)
{
	struct pt_bdf bdf;
	pt_autofree char *bus = NULL;
	const char *above = NULL;

	if (pt_bdf_parse(pci->bdf, &bdf) < 0)
		fail_msg("%s is no address", pci->bdf);
	bus = pt_strf("%04x:%02x", bdf.domain, bdf.bus);
	if (pci->parent)
		above = fakesys_pci_path(sys, pci->parent);
	else
		above = find_made(sys->made->bridges.v, sys->made->bridges.n, bus);
	return above ? pt_strf("%s/%s", above, pci->bdf) : pt_strf("sys/devices/pci%s/%s", bus, pci->bdf);
}

static char *make_modalias(const struct fakesys_pci *p)
{
	return pt_strf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", p->vendor, p->device, p->subvendor, p->subdevice,
		       p->class_code >> 16, p->class_code >> 8 & 0xff, p->class_code & 0xff);
}

static char *read_attr(struct fakesys *sys, const char *bdf, const char *name)
{
	pt_autofree char *full = pt_strf("%s/%s/%s", sys->dir, fakesys_pci_path(sys, bdf), name);
	char text[4096] = "";
	FILE *file = fopen(full, "re");

	if (!file)
		fail_msg("cannot read %s", full);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return pt_strdup(text);
}

static void link_driver(struct fakesys *sys, const char *bdf, const char *driver)
{
	const char *path = fakesys_pci_path(sys, bdf);
	pt_autofree char *dir = pt_strf("sys/bus/pci/drivers/%s", driver);
	pt_autofree char *member = pt_strf("%s/%s", dir, bdf);
	pt_autofree char *link = pt_strf("%s/driver", path);

	fakesys_mkdir(sys, dir);
	sys_link(sys, link, dir);
	sys_link(sys, member, path);
}

static void unlink_driver(struct fakesys *sys, const char *bdf, const char *driver)
{
	pt_autofree char *member = pt_strf("sys/bus/pci/drivers/%s/%s", driver, bdf);
	pt_autofree char *link = pt_strf("%s/driver", fakesys_pci_path(sys, bdf));

	fakesys_remove(sys, member);
	fakesys_remove(sys, link);
}

void fakesys_driver(struct fakesys *sys, const char *bdf, const char *driver)
{
	pt_autofree char *uevent = pt_strf("%s/uevent", fakesys_pci_path(sys, bdf));
	pt_autofree char *old = read_attr(sys, bdf, "uevent");
	const char *rest = old;

	if (pt_startswith(old, "DRIVER=")) {
		rest = strchr(old, '\n') + 1;
		old[strcspn(old, "\n")] = '\0';
		unlink_driver(sys, bdf, old + strlen("DRIVER="));
	}
	if (driver)
		link_driver(sys, bdf, driver);
	fakesys_file(sys, uevent, "%s%s%s%s", driver ? "DRIVER=" : "", driver ? driver : "", driver ? "\n" : "", rest);
}

static void join_group(struct fakesys *sys, const char *bdf, int group)
{
	const char *path = fakesys_pci_path(sys, bdf);
	pt_autofree char *dir = pt_strf("sys/kernel/iommu_groups/%d", group);
	pt_autofree char *member = pt_strf("%s/devices/%s", dir, bdf);
	pt_autofree char *link = pt_strf("%s/iommu_group", path);
	pt_autofree char *type = pt_strf("%s/type", dir);

	fakesys_file(sys, type, "DMA\n");
	sys_link(sys, member, path);
	sys_link(sys, link, dir);
}

static void write_ids(struct fakesys *sys, const struct fakesys_pci *pci)
{
	pt_autofree char *modalias = make_modalias(pci);
	pt_autofree char *uevent =
		pt_strf("PCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
			"PCI_SLOT_NAME=%s\nMODALIAS=%s",
			pci->class_code, pci->vendor, pci->device, pci->subvendor, pci->subdevice, pci->bdf, modalias);

	fakesys_attr(sys, pci->bdf, "uevent", uevent);
	fakesys_attr(sys, pci->bdf, "modalias", modalias);
	hex_attr(sys, pci->bdf, "vendor", 4, pci->vendor);
	hex_attr(sys, pci->bdf, "device", 4, pci->device);
	hex_attr(sys, pci->bdf, "subsystem_vendor", 4, pci->subvendor);
	hex_attr(sys, pci->bdf, "subsystem_device", 4, pci->subdevice);
	hex_attr(sys, pci->bdf, "class", 6, pci->class_code);
	hex_attr(sys, pci->bdf, "revision", 2, pci->revision);
}

static void write_state(struct fakesys *sys, const struct fakesys_pci *pci)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf resource = { 0 };
	char node[16];

	(void)snprintf(node, sizeof(node), "%d", pci->numa_node);
	if (!pci->no_numa)
		fakesys_attr(sys, pci->bdf, "numa_node", node);
	fakesys_attr(sys, pci->bdf, "driver_override", pci->driver_override ? pci->driver_override : "(null)");
	if (pci->reset_method)
		fakesys_attr(sys, pci->bdf, "reset_method", pci->reset_method);
	for (int i = 0; i < 13; i++)
		pt_buf_addf(&resource, "%s0x%016x 0x%016x 0x%016x", i ? "\n" : "", 0, 0, 0);
	fakesys_attr(sys, pci->bdf, "resource", pci->resource ? pci->resource : resource.s);
	if (pci->group >= 0)
		join_group(sys, pci->bdf, pci->group);
}

void fakesys_add_pci_full(struct fakesys *sys, const struct fakesys_pci *pci)
{
	char *path = place(sys, pci);
	pt_autofree char *bus_link = pt_strf("sys/bus/pci/devices/%s", pci->bdf);
	pt_autofree char *subsystem = pt_strf("%s/subsystem", path);

	pt_array_push(&sys->made->pci, ((struct made_path){ pt_strdup(pci->bdf), path }));
	fakesys_mkdir(sys, path);
	sys_link(sys, bus_link, path);
	sys_link(sys, subsystem, "sys/bus/pci");
	write_ids(sys, pci);
	write_state(sys, pci);
	if (pci->driver)
		fakesys_driver(sys, pci->bdf, pci->driver);
}

void fakesys_add_pci(struct fakesys *sys, const char *bdf, unsigned vendor, unsigned device, unsigned class_code,
		     const char *driver, int group)
{
	struct fakesys_pci pci = {
		.bdf = bdf,
		.vendor = (uint16_t)vendor,
		.device = (uint16_t)device,
		.class_code = class_code,
		.driver = driver,
		.group = group,
		.numa_node = -1,
	};

	fakesys_add_pci_full(sys, &pci);
}

void fakesys_bridge(struct fakesys *sys, const char *bdf, unsigned secondary, int group)
{
	struct pt_bdf address;
	char number[16];

	fakesys_add_pci(sys, bdf, 0x8086, 0x2f02, 0x060400, "pcieport", group);
	(void)snprintf(number, sizeof(number), "%u", secondary);
	fakesys_attr(sys, bdf, "secondary_bus_number", number);
	fakesys_attr(sys, bdf, "subordinate_bus_number", number);
	if (pt_bdf_parse(bdf, &address) < 0)
		fail_msg("%s is no address", bdf);
	pt_array_push(&sys->made->bridges, ((struct made_path){ pt_strf("%04x:%02x", address.domain, secondary),
								pt_strdup(fakesys_pci_path(sys, bdf)) }));
}

void fakesys_sriov(struct fakesys *sys, const char *pf, unsigned total)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", total);
	fakesys_attr(sys, pf, "sriov_totalvfs", number);
	fakesys_attr(sys, pf, "sriov_numvfs", "0");
	fakesys_attr(sys, pf, "sriov_drivers_autoprobe", "1");
}

void fakesys_add_vf(struct fakesys *sys, const char *pf, unsigned index, const char *bdf, unsigned device,
		    const char *driver, int group)
{
	const char *pf_path = fakesys_pci_path(sys, pf);
	const char *slash = strrchr(pf_path, '/');
	pt_autofree char *path = pt_strf("%.*s/%s", (int)(slash - pf_path), pf_path, bdf);
	pt_autofree char *down = pt_strf("%s/virtfn%u", pf_path, index);
	pt_autofree char *up = pt_strf("%s/physfn", path);
	pt_autofree char *parent = NULL;
	pt_autofree char *vendor = read_attr(sys, pf, "vendor");
	pt_autofree char *class_code = read_attr(sys, pf, "class");
	pt_autofree char *node = read_attr(sys, pf, "numa_node");
	char number[16];
	const char *above;

	/* beside the PF, below the same bridge */
	parent = pt_strndup(pf_path, (size_t)(slash - pf_path));
	above = strrchr(parent, '/') + 1;
	fakesys_add_pci_full(sys, &(struct fakesys_pci){
					  .bdf = bdf,
					  .parent = pt_startswith(above, "pci") ? NULL : above,
					  .vendor = (uint16_t)strtoul(vendor, NULL, 16),
					  .device = (uint16_t)device,
					  .class_code = (uint32_t)strtoul(class_code, NULL, 16),
					  .driver = driver,
					  .group = group,
					  .numa_node = (int)strtol(node, NULL, 10),
				  });
	sys_link(sys, down, path);
	sys_link(sys, up, pf_path);
	(void)snprintf(number, sizeof(number), "%u", index + 1);
	fakesys_attr(sys, pf, "sriov_numvfs", number);
}

static void register_block(struct fakesys *sys, const char *name, const char *path, unsigned major, unsigned minor)
{
	pt_autofree char *class_link = pt_strf("sys/class/block/%s", name);
	pt_autofree char *number_link = pt_strf("sys/dev/block/%u:%u", major, minor);
	pt_autofree char *node = pt_strf("dev/%s", name);
	pt_autofree char *dev = pt_strf("%s/dev", path);
	pt_autofree char *size = pt_strf("%s/size", path);
	pt_autofree char *subsystem = pt_strf("%s/subsystem", path);
	pt_autofree char *holders = pt_strf("%s/holders", path);
	pt_autofree char *uevent = pt_strf("%s/uevent", path);

	pt_array_push(&sys->made->block, ((struct made_path){ pt_strdup(name), pt_strdup(path) }));
	fakesys_file(sys, dev, "%u:%u\n", major, minor);
	fakesys_file(sys, uevent, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", major, minor, name);
	fakesys_file(sys, size, "2097152\n");
	fakesys_mkdir(sys, holders);
	sys_link(sys, subsystem, "sys/class/block");
	sys_link(sys, class_link, path);
	sys_link(sys, number_link, path);
	fakesys_file(sys, node, "%s", "");
}

/* the directory of the SCSI device or NVMe controller that a new disk belongs to */
static char *disk_device_dir(struct fakesys *sys, const char *bdf, const char *name)
{
	const char *pci = fakesys_pci_path(sys, bdf);
	unsigned host;

	if (pt_startswith(name, "nvme"))
		return pt_strf("%s/nvme/nvme%u", pci, sys->made->nvmes++);
	host = sys->made->scsi_hosts++;
	return pt_strf("%s/host%u/target%u:0:0/%u:0:0:0", pci, host, host, host);
}

/* the SCSI device on its bus, or the NVMe controller in its class */
static void register_disk_device(struct fakesys *sys, const char *device, const char *name)
{
	bool nvme = pt_startswith(name, "nvme");
	const char *home = nvme ? "sys/class/nvme" : "sys/bus/scsi";
	pt_autofree char *link = pt_strf("%s%s/%s", home, nvme ? "" : "/devices", strrchr(device, '/') + 1);
	pt_autofree char *subsystem = pt_strf("%s/subsystem", device);
	pt_autofree char *uevent = pt_strf("%s/uevent", device);

	fakesys_file(sys, uevent, "%s", nvme ? "" : "DEVTYPE=scsi_device\n");
	sys_link(sys, link, device);
	sys_link(sys, subsystem, home);
}

static void write_disk_identity(struct fakesys *sys, const char *device, const char *name, const char *serial)
{
	pt_autofree char *model = pt_strf("%s/model", device);
	pt_autofree char *vendor = pt_strf("%s/vendor", device);
	pt_autofree char *serial_file = pt_strf("%s/serial", device);
	pt_autofree char *vpd = pt_strf("%s/vpd_pg80", device);
	pt_autofree char *page = NULL;
	size_t n;

	if (pt_startswith(name, "nvme")) {
		fakesys_file(sys, model, "%-40s\n", "SAMSUNG MZVL2512");
		if (serial)
			fakesys_file(sys, serial_file, "%-20s\n", serial);
		return;
	}
	fakesys_file(sys, vendor, "%-8s\n", "ATA");
	fakesys_file(sys, model, "%-16s\n", "SAMSUNG MZ7LH1T9");
	if (!serial)
		return;
	/* SPC-4 7.8.16, Unit Serial Number page: code 80h, length in bytes 2 and 3 */
	n = strlen(serial);
	page = pt_alloc(n + 4);
	page[1] = (char)0x80;
	page[3] = (char)n;
	memcpy(page + 4, serial, n);
	fakesys_data(sys, vpd, page, n + 4);
}

void fakesys_add_disk(struct fakesys *sys, const char *bdf, const char *name, unsigned major, unsigned minor,
		      const char *serial)
{
	pt_autofree char *device = NULL;
	pt_autofree char *path = NULL;
	pt_autofree char *slaves = NULL;
	pt_autofree char *link = NULL;

	if (!bdf) {
		path = pt_strf("sys/devices/virtual/block/%s", name);
		slaves = pt_strf("%s/slaves", path);
		fakesys_mkdir(sys, slaves);
		register_block(sys, name, path, major, minor);
		return;
	}
	device = disk_device_dir(sys, bdf, name);
	path = pt_startswith(name, "nvme") ? pt_strf("%s/%s", device, name) : pt_strf("%s/block/%s", device, name);
	link = pt_strf("%s/device", path);
	fakesys_mkdir(sys, path);
	sys_link(sys, link, device);
	register_disk_device(sys, device, name);
	write_disk_identity(sys, device, name, serial);
	register_block(sys, name, path, major, minor);
}

void fakesys_add_partition(struct fakesys *sys, const char *disk, const char *name, unsigned major, unsigned minor)
{
	pt_autofree char *path = pt_strf("%s/%s", fakesys_block_path(sys, disk), name);
	pt_autofree char *partition = pt_strf("%s/partition", path);

	fakesys_file(sys, partition, "1\n");
	register_block(sys, name, path, major, minor);
}

void fakesys_hold(struct fakesys *sys, const char *name, const char *holder)
{
	const char *below = fakesys_block_path(sys, name);
	const char *above = fakesys_block_path(sys, holder);
	pt_autofree char *down = pt_strf("%s/slaves/%s", above, name);
	pt_autofree char *up = pt_strf("%s/holders/%s", below, holder);

	sys_link(sys, down, below);
	sys_link(sys, up, above);
}

void fakesys_dev_link(struct fakesys *sys, const char *link, const char *node)
{
	pt_autofree char *path = pt_strf("dev/%s", link);
	PT_CLEANUP(pt_buf_done) struct pt_buf target = { 0 };

	for (const char *p = link; *p; p++)
		if (*p == '/')
			pt_buf_add(&target, "../");
	pt_buf_add(&target, node);
	fakesys_link(sys, path, target.s);
}

void fakesys_add_net(struct fakesys *sys, const char *bdf, const char *name, const char *mac)
{
	pt_autofree char *device = bdf ? pt_strdup(fakesys_pci_path(sys, bdf)) : NULL;
	pt_autofree char *path =
		device ? pt_strf("%s/net/%s", device, name) : pt_strf("sys/devices/virtual/net/%s", name);
	pt_autofree char *class_link = pt_strf("sys/class/net/%s", name);
	pt_autofree char *device_link = pt_strf("%s/device", path);
	pt_autofree char *subsystem = pt_strf("%s/subsystem", path);
	pt_autofree char *address = pt_strf("%s/address", path);
	pt_autofree char *ifindex = pt_strf("%s/ifindex", path);
	pt_autofree char *operstate = pt_strf("%s/operstate", path);
	pt_autofree char *flags = pt_strf("%s/flags", path);
	pt_autofree char *uevent = pt_strf("%s/uevent", path);

	fakesys_file(sys, uevent, "INTERFACE=%s\n", name);
	fakesys_file(sys, address, "%s\n", mac ? mac : "00:00:00:00:00:00");
	fakesys_file(sys, ifindex, "%u\n", ++sys->made->nets + 1);
	fakesys_file(sys, operstate, "up\n");
	fakesys_file(sys, flags, "0x1003\n");
	sys_link(sys, subsystem, "sys/class/net");
	sys_link(sys, class_link, path);
	if (device)
		sys_link(sys, device_link, device);
}

void fakesys_iommu(struct fakesys *sys, const char *name)
{
	pt_autofree char *path = pt_strf("sys/devices/virtual/iommu/%s", name);
	pt_autofree char *link = pt_strf("sys/class/iommu/%s", name);
	pt_autofree char *ecap = pt_strf("%s/intel-iommu/ecap", path);

	fakesys_mkdir(sys, path);
	if (pt_startswith(name, "dmar"))
		fakesys_file(sys, ecap, "f00f4a\n");
	sys_link(sys, link, path);
}

int fakesys_setup_hba(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_add_pci(sys, FAKESYS_HBA, 0x1000, 0x0079, 0x010400, "vfio-pci", 14);
	*state = sys;
	return 0;
}

int fakesys_teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}
