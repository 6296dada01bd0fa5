/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last word on a block device: an exclusive open.  Whoever mounted, mapped or assembled it has claimed it, and the
 * kernel then answers EBUSY (open(2): O_EXCL without O_CREAT on a block device), also where nothing above named the
 * use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-path.h"
#include "host/users-look.h"

static bool state_is(const struct pt_look *look, const char *path, const char *good, const char *also_good)
{
	pt_autofree char *state = NULL;

	/* no such attribute: this kind of disk has no state in which an open would wait */
	if (pt_file_read_line(look->root->sys_fd, path, &state) < 0)
		return true;
	return pt_streq(state, good) || pt_streq(state, also_good);
}

/*
 * The SCSI disk driver's open waits for the end of error handling, which can take minutes: a disk that is not running,
 * or whose host is being recovered, is not opened.
 */
static bool answers(const struct pt_look *look, const struct pt_block *b)
{
	pt_autofree char *state = pt_strf("class/block/%s/device/state", b->disk);
	pt_autofree char *path = pt_path_of_link(look->root->sys_fd, "class/block", b->disk);
	const char *host = path ? strstr(path, "/host") : NULL;
	pt_autofree char *host_state = NULL;
	unsigned number;

	if (!state_is(look, state, "running", "live"))
		return false;
	if (!host || sscanf(host, "/host%9u/", &number) != 1)
		return true;
	host_state = pt_strf("class/scsi_host/host%u/state", number);
	return state_is(look, host_state, "running", NULL);
}

/* the node of a device, checked to be that device, not opened: O_PATH; -ENODEV when it is another one */
static int find_node(const struct pt_look *look, const struct pt_block *b)
{
	pt_autofree char *name = pt_strdup(b->name);
	pt_autoclose int fd = -EBADF;
	struct stat st;

	for (char *p = name; *p; p++)
		if (*p == '!')
			*p = '/';
	fd = pt_file_open(look->root->dev_fd, name, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || major(st.st_rdev) != b->major ||
	    minor(st.st_rdev) != b->minor)
		return -ENODEV;
	return pt_take_fd(fd);
}

/* Return: 0 free, -EBUSY claimed, another errno when it cannot be told */
static int try_exclusive(const struct pt_look *look, const struct pt_block *b)
{
	pt_autoclose int node = find_node(look, b);
	pt_autoclose int fd = -EBADF;
	char path[32];

	if (node < 0)
		return node;
	if (!answers(look, b))
		return -EAGAIN;
	/* the very node that was checked; O_NONBLOCK: no medium is waited for, no tray is drawn in */
	(void)snprintf(path, sizeof(path), "self/fd/%d", node);
	fd = openat(look->root->proc_fd, path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static void judge(struct pt_look *look, const char *name, bool is_disk)
{
	const struct pt_block *b = pt_blocks_by_name(&look->host->blocks, name);
	pt_autofree char *where = pt_strf("O_EXCL open of /dev/%s", name);
	int r = b ? try_exclusive(look, b) : 0;

	if (r == -EBUSY)
		pt_look_block_use(look, name, &(struct pt_look_how){ .kind = PT_USE_BUSY, .where = where },
				  is_disk ? "in use, the kernel does not say by what"
					  : "partition in use, the kernel does not say by what");
	else if (r < 0 && r != -ENOMEDIUM && r != -ENXIO)
		pt_look_blind(look, "whether /dev/%s is claimed could not be tried: %s", name,
			      r == -EAGAIN ? "the disk is not running, an open could hang" : strerror(-r));
}

/*
 * Partitions before their disk: a claimed partition makes the disk busy, and a claimed disk its partitions, which is
 * then no news.  Of what stands on them the holders link tells.
 */
static void judge_stack(struct pt_look *look, size_t t)
{
	for (size_t i = look->stacks.v[t].nodes.n; i-- > 0;) {
		const struct pt_look_node *node = &look->stacks.v[t].nodes.v[i];

		if (node->is_holder || node->claimed)
			continue;
		if (node->is_partition) {
			const struct pt_look_node *disk = &look->stacks.v[t].nodes.v[node->below];

			if (!disk->claimed && !disk->is_holder)
				judge(look, node->name, false);
		} else if (!node->parts_claimed) {
			judge(look, node->name, true);
		}
	}
}

void pt_look_busy(struct pt_look *look)
{
	if (!pt_look_can_see_all(look)) {
		if (!look->root->captured && pt_look_any_block(look))
			pt_look_blind(look,
				      "whether a disk is claimed by something unnamed was not tried (O_EXCL open): "
				      "not root");
		return;
	}
	for (size_t t = 0; t < look->stacks.n; t++)
		judge_stack(look, t);
}
