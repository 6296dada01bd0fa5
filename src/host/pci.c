/* SPDX-License-Identifier: Apache-2.0 */
/* The cheap part: pt_pci_list().  At most eleven system calls a function; what costs more is in pci-detail.c. */
#include "host/pci.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/pci-attr.h"

/* far more than any machine has; a capture with more is refused */
#define FUNCTIONS_MAX ((size_t)1 << 20)
/* SR-IOV capability, TotalVFs: a 16 bit field */
#define VFS_MAX 65535

#define FUNCTIONS_A_THREAD 512
#define THREADS_MAX	   8

int pt_pci_of_path(const char *path, struct pt_bdf *ret_bdf)
{
	const char *end = path + strlen(path);
	char part[24];

	while (end > path) {
		const char *start = end;

		while (start > path && start[-1] != '/')
			start--;
		if ((size_t)(end - start) < sizeof(part)) {
			memcpy(part, start, (size_t)(end - start));
			part[end - start] = '\0';
			if (pt_bdf_parse(part, ret_bdf) == 0)
				return 1;
		}
		end = start > path ? start - 1 : path;
	}
	return 0;
}

/* "VVVV:DDDD" as in uevent */
static void parse_ids(const char *value, uint16_t *first, uint16_t *second)
{
	char *end = NULL;
	unsigned long a = strtoul(value, &end, 16);
	unsigned long b = *end == ':' ? strtoul(end + 1, NULL, 16) : 0;

	*first = (uint16_t)a;
	*second = (uint16_t)b;
}

static void parse_uevent(struct pt_device *d, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(line, "DRIVER") == 0)
			pt_strset(&d->driver, pt_text_clean(value));
		else if (strcmp(line, "PCI_CLASS") == 0)
			d->class_code = (uint32_t)strtoul(value, NULL, 16) & 0xffffff;
		else if (strcmp(line, "PCI_ID") == 0)
			parse_ids(value, &d->vendor, &d->device);
		else if (strcmp(line, "PCI_SUBSYS_ID") == 0)
			parse_ids(value, &d->subvendor, &d->subdevice);
		else if (strcmp(line, "MODALIAS") == 0)
			pt_strset(&d->modalias, pt_text_clean(value));
	}
}

/* "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0": the addresses in it are the way from the root bus */
static void parse_place(struct pt_device *d, const char *target)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf path = { 0 };
	pt_autofree char *copy = pt_strdup(target);
	char *save = NULL;
	struct pt_bdf last = { 0 };
	struct pt_bdf above = { 0 };
	size_t n = 0;

	for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		struct pt_bdf bdf;

		if (pt_bdf_parse(part, &bdf) < 0)
			continue;
		pt_buf_addf(&path, "%s%s", n++ ? "/" : "", pt_bdf_str(bdf).s);
		above = last;
		last = bdf;
	}
	if (n == 0 || !pt_bdf_eq(last, d->bdf))
		return;
	d->has_parent = n > 1;
	d->parent = above;
	d->slot_path = pt_buf_take(&path);
}

static int read_group(int dev_fd)
{
	char target[PATH_MAX];
	const char *name = pt_pci_attr_link(dev_fd, "iommu_group", target, sizeof(target));
	char *end = NULL;
	unsigned long group;

	if (!name || *name < '0' || *name > '9')
		return PT_GROUP_NONE;
	errno = 0;
	group = strtoul(name, &end, 10);
	return errno || *end || group > INT_MAX ? PT_GROUP_NONE : (int)group;
}

/*
 * With enable_unsafe_noiommu_mode VFIO makes a group for a device that no IOMMU stands before, so that a program can
 * have it (drivers/vfio/group.c, vfio_noiommu_group_alloc()); no VM can.
 */
static bool is_noiommu(const struct pt_root *root, const struct pt_device *d)
{
	pt_autofree char *path = pt_strf("kernel/iommu_groups/%d/name", d->iommu_group);
	pt_autofree char *name = NULL;

	return d->iommu_group != PT_GROUP_NONE && d->driver && strstr(d->driver, "vfio") &&
	       pt_file_read_line(root->sys_fd, path, &name) == 0 && pt_streq(name, "vfio-noiommu");
}

/* what a PF says of a VF of its own */
struct vf_claim {
	struct pt_bdf pf;
	size_t vf;
	int index;
};

/*
 * A run of functions that one thread reads.  It writes to these alone; what it learns of others is kept in @claims.
 */
struct range {
	const struct pt_root *root;
	const struct pt_devices *all;
	int bus_fd;
	size_t start;
	size_t end;
	PT_ARRAY(struct vf_claim) claims;
	bool *there;
	size_t failed; /* at which function */
	int r;
};

/*
 * The VFs of a PF are its links virtfn0, virtfn1, …: counting them never waits, while sriov_numvfs waits for the lock
 * that a change in progress holds (drivers/pci/iov.c, sriov_numvfs_show).  A VF's address is above its PF's (SR-IOV
 * specification 1.1, 3.3.9: First VF Offset is positive), so the VFs come later in the sorted list and need not be
 * asked themselves.
 */
static void read_vfs(int dev_fd, struct pt_device *pf, struct range *range)
{
	for (pf->vfs_now = 0; pf->vfs_now < VFS_MAX; pf->vfs_now++) {
		char link[24];
		char target[PATH_MAX];
		struct vf_claim claim = { .pf = pf->bdf, .index = pf->vfs_now };
		const struct pt_device *vf;
		const char *name;
		struct pt_bdf bdf;

		(void)snprintf(link, sizeof(link), "virtfn%d", pf->vfs_now);
		name = pt_pci_attr_link(dev_fd, link, target, sizeof(target));
		if (!name)
			return;
		vf = pt_bdf_parse(name, &bdf) == 0 ? pt_devices_find(range->all, bdf) : NULL;
		if (!vf)
			continue;
		claim.vf = (size_t)(vf - range->all->v);
		pt_array_push(&range->claims, claim);
		if (claim.vf >= range->start && claim.vf < range->end && vf->sriov == PT_SRIOV_NONE)
			range->all->v[claim.vf].sriov = PT_SRIOV_VF;
	}
}

/* after all have been read; the first claim counts, a second one exists only in a forged capture */
static void settle_claims(const struct range *range, struct pt_devices *all)
{
	for (size_t i = 0; i < range->claims.n; i++) {
		const struct vf_claim *claim = &range->claims.v[i];
		struct pt_device *vf = &all->v[claim->vf];

		if (vf->sriov == PT_SRIOV_PF || vf->vf_index >= 0)
			continue;
		vf->sriov = PT_SRIOV_VF;
		vf->pf = claim->pf;
		vf->vf_index = claim->index;
	}
}

static void read_sriov(int dev_fd, struct pt_device *d, struct range *range)
{
	char text[32];
	unsigned long total;

	if (d->sriov == PT_SRIOV_VF || pt_pci_attr_read(dev_fd, "sriov_totalvfs", text, sizeof(text)) < 0)
		return;
	total = strtoul(text, NULL, 10);
	d->sriov = PT_SRIOV_PF;
	d->vfs_total = total > VFS_MAX ? VFS_MAX : (unsigned)total;
	read_vfs(dev_fd, d, range);
}

/*
 * The function's directory.  @target, where its link in bus/pci/devices leads, is opened rather than the link: the
 * kernel then walks five names and not thirteen.
 */
static int open_one(const struct pt_root *root, struct pt_bdf bdf, const char *target)
{
	static const char up[] = "../../../"; /* from bus/pci/devices */
	pt_autofree char *path = NULL;

	if (target && pt_startswith(target, up) && !strstr(target + sizeof(up) - 1, "../"))
		return pt_file_open(root->sys_fd, target + sizeof(up) - 1, O_PATH | O_DIRECTORY);
	path = pt_strf("bus/pci/devices/%s", pt_bdf_str(bdf).s);
	return pt_file_open(root->sys_fd, path, O_PATH | O_DIRECTORY);
}

/* 1, 0 when the function has gone meanwhile, negative errno */
static int read_one(struct range *range, struct pt_device *d)
{
	char text[PATH_MAX + 1];
	bool linked = pt_pci_attr_link(range->bus_fd, pt_bdf_str(d->bdf).s, text, sizeof(text)) != NULL;
	pt_autoclose int dev_fd = open_one(range->root, d->bdf, linked ? text : NULL);
	int r;

	if (linked)
		parse_place(d, text);
	if (dev_fd < 0)
		return dev_fd == -ENOENT ? 0 : dev_fd;
	r = pt_pci_attr_read(dev_fd, "uevent", text, sizeof(text));
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	parse_uevent(d, text);
	if (pt_pci_attr_read(dev_fd, "numa_node", text, sizeof(text)) > 0)
		d->numa_node = (int)strtol(text, NULL, 10);
	if (d->numa_node < 0)
		d->numa_node = PT_NUMA_NONE;
	d->iommu_group = read_group(dev_fd);
	if (is_noiommu(range->root, d))
		d->iommu_group = PT_GROUP_NONE;
	read_sriov(dev_fd, d, range);
	return 1;
}

static void *read_range(void *arg)
{
	struct range *range = arg;

	for (size_t i = range->start; i < range->end && range->r >= 0; i++) {
		range->r = read_one(range, &range->all->v[i]);
		range->there[i] = range->r == 1;
		range->failed = i;
	}
	return NULL;
}

/* a thread a processor; a machine of the usual size is read sooner than a second one has started */
static size_t count_threads(size_t functions)
{
	cpu_set_t set;
	size_t n = functions / FUNCTIONS_A_THREAD;
	size_t cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;

	n = n < cpus ? n : cpus;
	n = n < THREADS_MAX ? n : THREADS_MAX;
	return n ? n : 1;
}

static int read_all(int bus_fd, const struct pt_root *root, struct pt_devices *l, bool *there, struct pt_error *err)
{
	struct range ranges[THREADS_MAX] = { 0 };
	pthread_t threads[THREADS_MAX];
	bool started[THREADS_MAX] = { false };
	size_t n = count_threads(l->n);
	int r = 0;

	for (size_t t = 0; t < n; t++) {
		ranges[t] = (struct range){ .root = root, .all = l, .bus_fd = bus_fd, .there = there };
		ranges[t].start = l->n * t / n;
		ranges[t].end = l->n * (t + 1) / n;
		started[t] = t > 0 && pthread_create(&threads[t], NULL, read_range, &ranges[t]) == 0;
	}
	for (size_t t = 0; t < n; t++)
		if (started[t])
			(void)pthread_join(threads[t], NULL); /* fails only for a thread that is none */
		else
			(void)read_range(&ranges[t]);
	for (size_t t = 0; t < n; t++) {
		if (ranges[t].r < 0 && r == 0)
			r = pt_fail(err, ranges[t].r, "cannot read PCI function %s",
				    pt_bdf_str(l->v[ranges[t].failed].bdf).s);
		settle_claims(&ranges[t], l);
		free(ranges[t].claims.v);
	}
	return r;
}

static int compare_devices(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_device *)a)->bdf, ((const struct pt_device *)b)->bdf);
}

static int list_addresses(int bus_fd, const struct pt_root *root, struct pt_devices *l, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(bus_fd, ".", &names);

	if (r < 0)
		return pt_fail(err, r, "cannot list the PCI devices of %s", root->path);
	if (names.n > FUNCTIONS_MAX)
		return pt_say(err, -E2BIG, "%s: sys/bus/pci/devices has %zu entries; more than %zu is no real machine",
			      root->path, names.n, FUNCTIONS_MAX);
	for (size_t i = 0; i < names.n; i++) {
		struct pt_bdf bdf;
		struct pt_device *d;

		if (pt_bdf_parse(names.v[i], &bdf) < 0)
			continue;
		d = pt_array_add(l);
		d->bdf = bdf;
		d->iommu_group = PT_GROUP_NONE;
		d->numa_node = PT_NUMA_NONE;
		d->vfs_now = -1;
		d->vf_index = -1;
	}
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_devices);
	return 0;
}

/* two names of one address ("0000:01:00.0" and "00000:01:00.0") exist only in a forged capture: the first counts */
static void drop(struct pt_devices *l, size_t *kept, size_t i, bool keep)
{
	if (!keep || (*kept && pt_bdf_eq(l->v[*kept - 1].bdf, l->v[i].bdf))) {
		pt_device_done(&l->v[i]);
		return;
	}
	if (*kept != i) {
		l->v[*kept] = l->v[i];
		l->v[i] = (struct pt_device){ 0 };
	}
	(*kept)++;
}

int pt_pci_list(const struct pt_root *root, struct pt_devices *ret_devices, struct pt_error *err)
{
	PT_AUTO(pt_devices) l = { 0 };
	pt_autofree bool *there = NULL;
	pt_autoclose int bus_fd = pt_file_open(root->sys_fd, "bus/pci/devices", O_RDONLY | O_DIRECTORY);
	size_t kept = 0;
	int r;

	if (bus_fd < 0) {
		r = pt_fail(err, bus_fd, "cannot see a PCI bus (%s%ssys/bus/pci/devices)", root->path,
			    pt_endswith(root->path, "/") ? "" : "/");
		pt_hint(err, "a container often has no PCI bus; a machine without one has nothing to pass through");
		return r;
	}
	r = list_addresses(bus_fd, root, &l, err);
	if (r < 0)
		return r;
	there = pt_alloc(l.n + 1);
	r = read_all(bus_fd, root, &l, there, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++)
		drop(&l, &kept, i, there[i]);
	l.n = kept;
	*ret_devices = l;
	l = (struct pt_devices){ 0 };
	return 0;
}
