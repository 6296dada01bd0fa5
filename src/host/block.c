/* SPDX-License-Identifier: Apache-2.0 */
#include "host/block.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-names.h"
#include "host/block-path.h"

/* vendor, model and serial are fixed fields padded with blanks; a device may put anything there, so only what prints */
static char *tidy(const char *s, size_t n)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };

	while (n && isspace((unsigned char)*s)) {
		s++;
		n--;
	}
	for (; n && *s; s++, n--)
		pt_buf_addf(&text, "%c", isprint((unsigned char)*s) ? *s : '?');
	while (text.n && isspace((unsigned char)text.s[text.n - 1]))
		text.s[--text.n] = '\0';
	return text.n ? pt_buf_take(&text) : NULL;
}

static char *read_tidy(const struct pt_root *root, const char *name, const char *attribute)
{
	pt_autofree char *path = pt_strf("class/block/%s/%s", name, attribute);
	pt_autofree char *line = NULL;

	if (pt_file_read_line(root->sys_fd, path, &line) < 0)
		return NULL;
	return tidy(line, strlen(line));
}

/* SPC-4 7.8.16, Unit Serial Number page: code 80h, the length in bytes 2 and 3, the text */
static char *read_vpd_serial(const struct pt_root *root, const char *name)
{
	pt_autofree char *path = pt_strf("class/block/%s/device/vpd_pg80", name);
	pt_autofree char *page = NULL;
	size_t size;
	size_t length;

	if (pt_file_read(root->sys_fd, path, 65536 + 4, &page, &size) < 0 || size < 4)
		return NULL;
	length = (size_t)(unsigned char)page[2] << 8 | (unsigned char)page[3];
	return tidy(page + 4, length < size - 4 ? length : size - 4);
}

/* "naa.5002538e00000001" becomes what udev and libvirt call it, 0x5002538e00000001; others stay as they are */
static char *read_wwn(const struct pt_root *root, const char *name)
{
	char *wwid = read_tidy(root, name, "wwid");
	char *wwn;

	if (!wwid)
		wwid = read_tidy(root, name, "device/wwid");
	if (!wwid || !pt_startswith(wwid, "naa."))
		return wwid;
	wwn = pt_strf("0x%s", wwid + strlen("naa."));
	free(wwid);
	return wwn;
}

static void fall_back(char **value, const struct pt_udev *udev, const char *key)
{
	const char *known = *value ? NULL : pt_udev_get(udev, key);

	if (known)
		*value = tidy(known, strlen(known));
}

/*
 * The kernel's own word first: udev's ID_SERIAL_SHORT is for a SCSI disk made of page 83h, not the serial that the
 * guest will see.
 */
static void read_identity(const struct pt_root *root, const struct pt_udev *udev, struct pt_block *b)
{
	b->model = read_tidy(root, b->name, "device/model");
	b->vendor = read_tidy(root, b->name, "device/vendor");
	/* a virtio device's vendor is the id of its transport, not of a disk */
	if (b->vendor && pt_startswith(b->vendor, "0x"))
		pt_strset(&b->vendor, NULL);
	b->serial = read_vpd_serial(root, b->name);
	if (!b->serial)
		b->serial = read_tidy(root, b->name, "device/serial");
	if (!b->serial)
		b->serial = read_tidy(root, b->name, "serial");
	b->wwn = read_wwn(root, b->name);
	fall_back(&b->serial, udev, "ID_SCSI_SERIAL");
	fall_back(&b->serial, udev, "ID_SERIAL_SHORT");
	fall_back(&b->wwn, udev, "ID_WWN");
	fall_back(&b->model, udev, "ID_MODEL");
	fall_back(&b->vendor, udev, "ID_VENDOR");
}

/* the nearest function of a path first, then those farther up (VMD); @path is cut off above each */
static void add_controllers(const struct pt_root *root, char *path, struct pt_block *b)
{
	struct pt_bdf bdf;

	while (pt_path_controller(root, path, &bdf) == 1) {
		*strstr(path, pt_bdf_str(bdf).s) = '\0';
		if (b->has_controller)
			pt_array_push(&b->further, bdf);
		else
			b->controller = bdf;
		b->has_controller = true;
	}
}

static void find_controller(const struct pt_root *root, struct pt_block *b)
{
	PT_AUTO(pt_strv) paths = { 0 };

	pt_block_paths(root, b->disk, &paths);
	for (size_t i = 0; i < paths.n; i++)
		add_controllers(root, paths.v[i], b);
}

/* the disk of a partition is the directory above it */
static char *disk_of(const struct pt_root *root, const char *name)
{
	pt_autofree char *attribute = pt_strf("class/block/%s/partition", name);
	pt_autofree char *path = NULL;
	char *slash;

	if (pt_file_exists(root->sys_fd, attribute) != 1)
		return pt_strdup(name);
	path = pt_path_of_link(root->sys_fd, "class/block", name);
	slash = path ? strrchr(path, '/') : NULL;
	if (!slash)
		return pt_strdup(name);
	*slash = '\0';
	slash = strrchr(path, '/');
	return pt_strdup(slash ? slash + 1 : path);
}

/* false for what has no device number: the hidden paths of NVMe multipath, which nobody can open */
static bool read_number(const struct pt_root *root, const char *name, unsigned *ret_major, unsigned *ret_minor)
{
	pt_autofree char *path = pt_strf("class/block/%s/dev", name);
	pt_autofree char *line = NULL;
	int end = 0;

	return pt_file_read_line(root->sys_fd, path, &line) == 0 &&
	       sscanf(line, "%9u:%9u%n", ret_major, ret_minor, &end) == 2 && line[end] == '\0';
}

static void read_block(const struct pt_root *root, const char *name, struct pt_blocks *blocks)
{
	pt_autofree char *size = pt_strf("class/block/%s/size", name);
	struct pt_udev udev = { 0 };
	uint64_t sectors = 0;
	struct pt_block *b;
	unsigned major;
	unsigned minor;

	if (!read_number(root, name, &major, &minor))
		return;
	b = pt_array_add(blocks);
	b->name = pt_strdup(name);
	b->disk = disk_of(root, name);
	b->major = major;
	b->minor = minor;
	/* Documentation/ABI/stable/sysfs-block: in sectors of 512 bytes whatever the disk's own are */
	if (pt_file_read_u64(root->sys_fd, size, &sectors) == 0 && sectors <= UINT64_MAX / 512)
		b->size = sectors * 512;
	find_controller(root, b);
	pt_udev_read(root, major, minor, &udev);
	if (pt_streq(b->name, b->disk))
		read_identity(root, &udev, b);
	pt_strv_copy(&b->links, &udev.links);
	pt_udev_done(&udev);
}

int pt_block_list(const struct pt_root *root, struct pt_blocks *ret_blocks, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	struct pt_blocks blocks = { 0 };
	int r = pt_file_list(root->sys_fd, "class/block", &names);

	if (r < 0 && r != -ENOENT)
		return pt_fail(err, r, "cannot list the disks of this host (/sys/class/block)");
	for (size_t i = 0; i < names.n; i++)
		read_block(root, names.v[i], &blocks);
	pt_block_add_links(root, &blocks);
	*ret_blocks = blocks;
	return 0;
}

/*
 * A node or link outside /dev, as a VM's definition may name one.  Links there are often absolute (/var/run), so they
 * are followed as seen from the host's own "/"; O_PATH opens no device.
 */
static int find_elsewhere(const struct pt_root *root, const struct pt_blocks *blocks, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	pt_autoclose int fd = (int)syscall(SYS_openat2, root->root_fd, path, &how, sizeof(how));
	const struct pt_block *b;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return -ENOENT;
	b = pt_blocks_by_number(blocks, major(st.st_rdev), minor(st.st_rdev));
	return b ? (int)(b - blocks->v) : -ENOENT;
}

int pt_block_lookup(const struct pt_root *root, const struct pt_blocks *blocks, const char *path)
{
	pt_autofree char *plain = path[0] == '/' ? pt_path_join("", path + 1 + strspn(path + 1, "/")) : NULL;

	if (!plain)
		return -ENOENT;
	if (pt_startswith(plain, "dev/")) {
		int found = pt_block_find_dev(root, blocks, plain + strlen("dev/"));

		if (found >= 0)
			return found;
	}
	return root->captured ? -ENOENT : find_elsewhere(root, blocks, plain);
}

int pt_block_scsi(const struct pt_root *root, const char *address, struct pt_bdf *ret_bdf)
{
	pt_autofree char *path = pt_path_of_link(root->sys_fd, "class/scsi_device", address);

	return path ? pt_path_controller(root, path, ret_bdf) : 0;
}
