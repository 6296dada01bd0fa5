/* SPDX-License-Identifier: Apache-2.0 */
/* Swap, and the device that a hibernated host is resumed from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

/* a swap file belongs to the block device of the filesystem that holds it */
static const struct pt_block *block_of_file(const struct pt_look *look, const char *path)
{
	const struct pt_mount *m = pt_mount_of_file(&look->mounts, path);

	if (!m)
		return NULL;
	if (m->major)
		return pt_blocks_by_number(&look->host->blocks, m->major, m->minor);
	return pt_look_path(look, m->source);
}

/* "/dev/dm-1   partition   8388604   0   -2"; the name is escaped as in mountinfo, proc(5) */
static void judge_line(struct pt_look *look, const char *line)
{
	static const struct pt_look_how how = { .kind = PT_USE_SWAP, .where = "/proc/swaps" };
	size_t n = strcspn(line, " \t\n");
	pt_autofree char *path = pt_mount_unescape(line, n);
	const struct pt_block *b = pt_look_path(look, path);

	if (b) {
		pt_look_block_use(look, b->name, &how, "swap");
		return;
	}
	b = path[0] == '/' ? block_of_file(look, path) : NULL;
	if (b)
		pt_look_block_use(look, b->name, &how, "swap file %.300s", path);
}

static void judge_swaps(struct pt_look *look)
{
	pt_autofree char *text = NULL;
	int r = look->root->proc_fd < 0 ? -ENOENT
					: pt_file_read(look->root->proc_fd, "swaps", PT_FILE_MAX, &text, NULL);

	/* a kernel without swap has no such file */
	if (r == -ENOENT && !look->root->captured)
		return;
	if (r < 0) {
		pt_look_blind(look, "what is used as swap could not be read (/proc/swaps)");
		return;
	}
	/* the first line names the columns */
	for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
		judge_line(look, line + 1);
}

/* Documentation/ABI/testing/sysfs-power: "8:2", or "0:0" when no device is set */
static void judge_resume(struct pt_look *look)
{
	pt_autofree char *line = NULL;
	const struct pt_block *b;
	unsigned major;
	unsigned minor;

	/* a kernel without hibernation has no such file */
	if (pt_file_read_line(look->root->sys_fd, "power/resume", &line) < 0 ||
	    sscanf(line, "%9u:%9u", &major, &minor) != 2 || major == 0)
		return;
	b = pt_blocks_by_number(&look->host->blocks, major, minor);
	if (b)
		pt_look_block_use(look, b->name,
				  &(struct pt_look_how){ .kind = PT_USE_SWAP, .where = "/sys/power/resume" },
				  "resumed from after hibernation");
}

/* resume=/dev/sda3, resume=UUID=… (Documentation/admin-guide/kernel-parameters) */
static void judge_cmdline(struct pt_look *look)
{
	pt_autofree char *text = NULL;

	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, "cmdline", PT_FILE_MAX, &text, NULL) < 0)
		return;
	for (const char *p = text; *p; p += strcspn(p, " \n"), p += strspn(p, " \n")) {
		pt_autofree char *path = NULL;
		const struct pt_block *b;

		if (!pt_startswith(p, "resume="))
			continue;
		p += strlen("resume=");
		path = pt_look_tag_path(p, strcspn(p, " \n"));
		b = pt_look_path(look, path);
		if (b)
			pt_look_block_use(look, b->name,
					  &(struct pt_look_how){ .kind = PT_USE_SWAP, .where = "/proc/cmdline" },
					  "resumed from after hibernation");
	}
}

void pt_look_swap(struct pt_look *look)
{
	judge_swaps(look);
	judge_resume(look);
	judge_cmdline(look);
}
