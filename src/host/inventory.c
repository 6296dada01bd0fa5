/* SPDX-License-Identifier: Apache-2.0 */
#include "host/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/pci.h"
#include "host/reserved.h"

/* below the host's top: see host/ops.h */
#define MARKS "run/passthru"

/* "nodeN", "cpuN": the number, or -1 for other names */
static int number_after(const char *name, const char *prefix)
{
	char *end;
	long n;

	if (!pt_startswith(name, prefix) || name[strlen(prefix)] < '0' || name[strlen(prefix)] > '9')
		return -1;
	n = strtol(name + strlen(prefix), &end, 10);
	return *end || n > 65535 ? -1 : (int)n;
}

/* the socket of a node is that of its first CPU; a node without CPUs has none */
static void read_socket(int sys_fd, const char *node, struct pt_inv_cell *cell)
{
	pt_autofree char *folder = pt_strf("devices/system/node/%s", node);
	PT_AUTO(pt_strv) names = { 0 };

	/* a host that does not show its CPUs here has cells without sockets, which the policies know how to read */
	if (pt_file_list(sys_fd, folder, &names) < 0)
		return;
	cell->cpus = 0;
	for (size_t i = 0; i < names.n; i++) {
		int cpu = number_after(names.v[i], "cpu");
		pt_autofree char *path = pt_strf("devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
		int64_t socket;

		if (cpu < 0)
			continue;
		cell->cpus++;
		if (cell->socket == PT_NOT_GIVEN && pt_file_read_i64(sys_fd, path, &socket) == 0 && socket >= 0)
			cell->socket = (int)socket;
	}
}

static void read_cells(int sys_fd, struct pt_inv_host *host)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* a kernel without NUMA has no such folder, and the host then no cells */
	if (pt_file_list(sys_fd, "devices/system/node", &names) < 0)
		return;
	host->cells = pt_alloc((names.n + 1) * sizeof(*host->cells));
	for (size_t i = 0; i < names.n; i++) {
		int id = number_after(names.v[i], "node");
		struct pt_inv_cell *cell = &host->cells[host->n_cells];

		if (id < 0)
			continue;
		*cell = (struct pt_inv_cell){ id, PT_NOT_GIVEN, PT_NOT_GIVEN, PT_NOT_GIVEN };
		read_socket(sys_fd, names.v[i], cell);
		host->n_cells++;
	}
}

static void add_device(const struct pt_device *from, const struct pt_devices *all, struct pt_inv_host *host)
{
	struct pt_inv_device *d = pt_inv_host_add(host);
	const struct pt_device *pf = from->sriov == PT_SRIOV_VF ? pt_devices_find(all, from->pf) : NULL;

	d->bdf = from->bdf;
	d->vendor = from->vendor;
	d->product = from->device;
	d->class_code = from->class_code;
	d->type = from->sriov == PT_SRIOV_PF ? PT_DEV_PF : from->sriov == PT_SRIOV_VF ? PT_DEV_VF : PT_DEV_PCI;
	d->numa_node = from->numa_node < 0 ? PT_NOT_GIVEN : from->numa_node;
	d->has_parent = from->sriov == PT_SRIOV_VF;
	d->parent = from->pf;
	d->totalvfs = from->sriov == PT_SRIOV_PF ? (int)from->vfs_total : PT_NOT_GIVEN;
	d->serial = pt_strdup_opt(from->serial);
	if (from->netdevs.n)
		d->ifname = pt_strdup(from->netdevs.v[0]);
	if (pf && pf->netdevs.n)
		d->parent_ifname = pt_strdup(pf->netdevs.v[0]);
	if (from->driver && strstr(from->driver, "vfio"))
		d->owner = pt_strdup(from->driver);
}

void pt_inventory_add(const struct pt_devices *devices, struct pt_inv_host *host)
{
	for (size_t i = 0; i < devices->n; i++)
		if (!pt_device_is_bridge(&devices->v[i]))
			add_device(&devices->v[i], devices, host);
}

/* what could not be reset is owned by its trouble: every decision leaves it alone */
static void mark_unusable(const struct pt_root *root, struct pt_inv_host *host)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* nothing was marked in this boot */
	if (pt_file_list(root->root_fd, MARKS, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("%s/%s", MARKS, names.v[i]);
		pt_autofree char *why = NULL;
		pt_autofree char *was = NULL;
		struct pt_bdf bdf;
		int64_t at;

		if (!pt_startswith(names.v[i], PT_UNUSABLE_PREFIX) ||
		    pt_bdf_parse(names.v[i] + strlen(PT_UNUSABLE_PREFIX), &bdf) < 0)
			continue;
		at = pt_inv_host_find(host, bdf);
		if (at < 0)
			continue;
		was = pt_take_ptr(host->v[at].owner);
		/* who holds it still is not hidden by it */
		host->v[at].owner =
			pt_strf("unusable%s%s%s%s%s", pt_file_read_line(root->root_fd, path, &why) == 0 ? ": " : "",
				why ? pt_text_clean(why) : "", was ? " (on " : "", was ? was : "", was ? ")" : "");
	}
}

static void name_host(const struct pt_root *root, struct pt_inv_host *host)
{
	char name[256] = "";

	if (!root->captured && gethostname(name, sizeof(name) - 1) == 0 && name[0])
		host->name = pt_strdup(name);
	else
		host->name = pt_strdup("host");
}

int pt_inventory_read(const struct pt_root *root, struct pt_inv_host *ret_host, struct pt_error *err)
{
	PT_AUTO(pt_inv_host) host = { 0 };
	PT_AUTO(pt_devices) devices = { 0 };
	struct pt_bdf twice;
	int r = pt_pci_list(root, &devices, err);

	if (r < 0)
		return r;
	name_host(root, &host);
	read_cells(root->sys_fd, &host);
	/* interface names are for devname and parent_ifname; a device that went away meanwhile has none */
	for (size_t i = 0; i < devices.n; i++)
		if (pt_device_is_network(&devices.v[i]))
			(void)pt_pci_read_plain(root, &devices.v[i], false, NULL);
	pt_inventory_add(&devices, &host);
	r = pt_inv_host_finish(&host, &twice);
	if (r < 0)
		return pt_fail(err, r, "sysfs lists %s twice", pt_bdf_str(twice).s);
	mark_unusable(root, &host);
	*ret_host = host;
	host = (struct pt_inv_host){ 0 };
	return 0;
}
