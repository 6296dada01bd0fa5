/* SPDX-License-Identifier: Apache-2.0 */
#include "host/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/altname.h"
#include "host/block-path.h"
#include "host/block.h"
#include "host/pci.h"

#define CANDIDATES_SHOWN 10

/* what several steps of one question need */
struct question {
	const struct pt_root *root;
	const struct pt_devices *devices;
	const char *text;
	const char *shown; /* @text, fit to be printed */
	struct pt_bdf bdf; /* the answer */
	struct pt_error *err;
};

/* "10de:2330"; 0x in front is what libvirt's XML has */
static bool parse_ids(const char *text, unsigned *vendor, unsigned *device)
{
	int end = 0;

	return sscanf(text, "%4x:%4x%n", vendor, device, &end) == 2 && text[end] == '\0' &&
	       isxdigit((unsigned char)text[0]);
}

static bool has_ids(const struct pt_device *d, const char *text)
{
	unsigned vendor;
	unsigned device;

	return parse_ids(text, &vendor, &device) && d->vendor == vendor && d->device == device;
}

/* each word somewhere in the name: "mega raid", "samsung nvme" */
static bool has_words(const char *name, const char *text)
{
	pt_autofree char *words = pt_strdup(text);
	char *save = NULL;
	bool any = false;

	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!strcasestr(name, word))
			return false;
		any = true;
	}
	return any;
}

static bool has_text(const struct pt_device *d, const char *text)
{
	pt_autofree char *name = pt_device_name(d);

	return pt_streq(d->driver, text) || has_words(name, text);
}

bool pt_resolve_matches(const struct pt_device *d, const char *text)
{
	struct pt_bdf bdf;

	if (pt_bdf_parse_loose(text, &bdf) == 0)
		return pt_bdf_eq(bdf, d->bdf);
	return has_ids(d, text) || pt_strv_has(&d->netdevs, text) || pt_strv_has(&d->disks, text) || has_text(d, text);
}

/* does @text try to be an address: hexadecimal digits with ':' and '.', or libvirt's pci_… */
static bool looks_like_address(const char *text)
{
	const char *colon = strchr(text, ':');

	if (pt_startswith(text, "pci_"))
		return true;
	if (!colon || text[strspn(text, "0123456789abcdefABCDEFxX:.")])
		return false;
	return strchr(colon, '.') || strchr(colon + 1, ':');
}

/* another domain may have it: people leave the domain out behind a VMD controller too */
static const struct pt_device *same_in_other_domain(const struct pt_devices *devices, struct pt_bdf bdf)
{
	for (size_t i = 0; i < devices->n; i++) {
		struct pt_bdf other = devices->v[i].bdf;

		other.domain = bdf.domain;
		if (pt_bdf_eq(other, bdf))
			return &devices->v[i];
	}
	return NULL;
}

/* 1 found, 0 no address at all */
static int by_address(struct question *q)
{
	const struct pt_device *other;
	struct pt_bdf bdf = { 0 };
	int r = pt_bdf_parse_loose(q->text, &bdf);

	if (r == -ERANGE)
		return pt_usage(q->err, -EINVAL, "'%s' is no PCI address: a slot is 00 to 1f, a function 0 to 7",
				q->shown);
	if (r < 0 && looks_like_address(q->text)) {
		unsigned ids;

		if (parse_ids(q->text, &ids, &ids))
			return 0;
		return pt_usage(q->err, -EINVAL,
				"'%s' is no PCI address; expected one like 0000:01:00.0, 01:00.0 or pci_0000_01_00_0",
				q->shown);
	}
	if (r < 0)
		return 0;
	if (pt_devices_find(q->devices, bdf)) {
		q->bdf = bdf;
		return 1;
	}
	other = same_in_other_domain(q->devices, bdf);
	r = pt_usage(q->err, -ENODEV, "there is no PCI function %s on this host", pt_bdf_str(bdf).s);
	if (other)
		pt_hint(q->err, "did you mean %s?", pt_bdf_str(other->bdf).s);
	else
		pt_hint(q->err, "`passthru list all` shows every function; addresses move when cards come or go");
	return r;
}

static int no_controller(const struct question *q, const char *what)
{
	int r = pt_usage(q->err, -ENODEV, "%s is on no PCI controller: it is a virtual or stacked disk", what);

	pt_hint(q->err, "name a disk below it (`lsblk -s %s`), or the controller itself", what);
	return r;
}

/* 1 found, 0 no disk, negative errno with a message when it is one but on no controller */
static int by_disk(struct question *q)
{
	PT_AUTO(pt_blocks) blocks = { 0 };
	const struct pt_block *b;
	int r;

	if (strchr(q->text, '/') && !pt_startswith(q->text, "/"))
		return 0;
	r = pt_block_list(q->root, &blocks, q->err);
	if (r < 0)
		return r;
	if (q->text[0] == '/') {
		r = pt_block_lookup(q->root, &blocks, q->text);
		b = r < 0 ? NULL : &blocks.v[r];
	} else {
		b = pt_blocks_by_name(&blocks, q->text);
	}
	if (!b)
		return 0;
	if (!b->has_controller || !pt_devices_find(q->devices, b->controller))
		return no_controller(q, q->shown);
	q->bdf = b->controller;
	return 1;
}

/* /sys/bus/pci/devices/0000:01:00.0, /sys/class/drm/card0 and the like: the link's target counts */
static int by_sysfs(struct question *q)
{
	pt_autofree char *target = NULL;
	struct pt_bdf bdf;

	if (pt_file_link(q->root->sys_fd, q->text + strlen("/sys/"), &target) < 0)
		target = pt_strdup(q->text);
	if (pt_pci_of_path(target, &bdf) != 1 || !pt_devices_find(q->devices, bdf))
		return 0;
	q->bdf = bdf;
	return 1;
}

/* the device path of a character device by its number, whatever its node is called; NULL when it is none */
static char *path_of_number(const struct pt_root *root, const char *node)
{
	pt_autoclose int fd = root->captured || root->dev_fd < 0 ? -EBADF : pt_file_open(root->dev_fd, node, O_PATH);
	pt_autofree char *number = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return NULL;
	number = pt_strf("%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return pt_path_of_link(root->sys_fd, "dev/char", number);
}

/* the same by its name, in whichever class it is: a capture has no nodes */
static char *path_of_name(const struct pt_root *root, const char *name)
{
	PT_AUTO(pt_strv) classes = { 0 };
	char *path = NULL;

	/* no such directory: a capture without classes */
	if (!*name || name[0] == '.' || pt_file_list(root->sys_fd, "class", &classes) < 0)
		return NULL;
	for (size_t i = 0; i < classes.n && !path; i++) {
		pt_autofree char *dir = pt_strf("class/%s", classes.v[i]);

		path = pt_path_of_link(root->sys_fd, dir, name);
	}
	return path;
}

/* /dev/sg3, /dev/nvme0, /dev/dri/card0, /dev/st0, or their names alone */
static int by_node(struct question *q)
{
	const char *node = pt_startswith(q->text, "/dev/") ? q->text + strlen("/dev/") : q->text;
	const char *slash = strrchr(node, '/');
	pt_autofree char *path = NULL;
	struct pt_bdf bdf;

	if (node == q->text && slash)
		return 0;
	path = node == q->text ? NULL : path_of_number(q->root, node);
	if (!path)
		path = path_of_name(q->root, slash ? slash + 1 : node);
	if (!path || pt_path_controller(q->root, path, &bdf) != 1 || !pt_devices_find(q->devices, bdf))
		return 0;
	q->bdf = bdf;
	return 1;
}

static int by_path(struct question *q)
{
	int r;

	if (q->text[0] != '/')
		return 0;
	r = pt_startswith(q->text, "/sys/") ? by_sysfs(q) : by_disk(q);
	if (r == 0)
		r = by_node(q);
	if (r != 0)
		return r;
	r = pt_usage(q->err, -ENODEV, "%s leads to no device of this host", q->shown);
	pt_hint(q->err,
		"`ls -l /dev/disk/by-id` shows the disks that are there now; a disk whose controller is held for a "
		"guest is not");
	return r;
}

/* 1 found, 0 no interface of that name, negative errno when it is a virtual one */
static int by_interface_name(struct question *q, const char *name)
{
	pt_autofree char *path = NULL;
	pt_autofree char *target = NULL;
	struct pt_bdf bdf;
	int r;

	if (strchr(name, '/') || name[0] == '.')
		return 0;
	path = pt_strf("class/net/%s", name);
	if (pt_file_link(q->root->sys_fd, path, &target) < 0)
		return 0;
	if (pt_pci_of_path(target, &bdf) == 1 && pt_devices_find(q->devices, bdf)) {
		q->bdf = bdf;
		return 1;
	}
	r = pt_usage(q->err, -ENODEV, "the network interface %s is on no PCI function: it is a virtual one", q->shown);
	pt_hint(q->err, "name the card's own interface below it (`ip -d link show %s`)", q->shown);
	return r;
}

static int by_interface(struct question *q)
{
	pt_autofree char *name = NULL;
	int r = by_interface_name(q, q->text);

	/* a capture has no kernel to ask */
	if (r != 0 || q->root->captured || pt_altname_find(q->text, &name) < 0)
		return r;
	return by_interface_name(q, name);
}

static int too_many(const struct question *q, const struct pt_device *const *found, size_t n)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf list = { 0 };
	int r;

	for (size_t i = 0; i < n && i < CANDIDATES_SHOWN; i++) {
		pt_autofree char *name = pt_device_name(found[i]);

		pt_buf_addf(&list, "\n  %s  %s%s%s", pt_bdf_str(found[i]->bdf).s, name,
			    found[i]->driver ? ", driver " : "", found[i]->driver ? found[i]->driver : "");
	}
	if (n > CANDIDATES_SHOWN)
		pt_buf_addf(&list, "\n  and %zu more", n - CANDIDATES_SHOWN);
	r = pt_usage(q->err, -EMLINK, "'%s' means %zu devices:%s", q->shown, n, list.s);
	pt_hint(q->err, "name one by its address");
	return r;
}

/* those that match, bridges only when nothing else does: nobody who says "Intel" means the chipset's bridges */
static size_t gather(const struct question *q, bool (*has)(const struct pt_device *, const char *),
		     const struct pt_device **found)
{
	size_t n = 0;

	for (int bridges = 0; bridges < 2 && n == 0; bridges++)
		for (size_t i = 0; i < q->devices->n; i++)
			if (pt_device_is_bridge(&q->devices->v[i]) == bridges && has(&q->devices->v[i], q->text))
				found[n++] = &q->devices->v[i];
	return n;
}

static int by_match(struct question *q, bool (*has)(const struct pt_device *, const char *))
{
	pt_autofree const struct pt_device **found = pt_alloc((q->devices->n + 1) * sizeof(struct pt_device *));
	size_t n = gather(q, has, found);

	if (n == 0)
		return 0;
	if (n > 1)
		return too_many(q, found, n);
	q->bdf = found[0]->bdf;
	return 1;
}

static int by_ids(struct question *q)
{
	return by_match(q, has_ids);
}

static int by_text(struct question *q)
{
	return by_match(q, has_text);
}

int pt_resolve_device(const struct pt_root *root, const struct pt_devices *devices, const char *text,
		      struct pt_bdf *ret_bdf, struct pt_error *err)
{
	static int (*const ways[])(struct question *) = { by_address, by_path, by_ids, by_interface,
							  by_disk,    by_node, by_text };
	pt_autofree char *shown = pt_text_clean(pt_strndup(text, PATH_MAX));
	struct question q = { .root = root, .devices = devices, .text = text, .shown = shown, .err = err };
	int r = 0;

	if (!*text)
		return pt_usage(err, -EINVAL, "a device is missing: the argument is empty");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && r == 0; i++)
		r = ways[i](&q);
	if (r < 0)
		return r;
	if (r == 1) {
		*ret_bdf = q.bdf;
		return 0;
	}
	r = pt_usage(err, -ENODEV, "no device of this host is called '%s'", shown);
	pt_hint(err, "`passthru list all` shows every device; name one by address, network interface, disk, ids "
		     "(10de:2330) or a part of its name");
	return r;
}
