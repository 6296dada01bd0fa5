/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

/*
 * proc(5): field 2 is the name in parentheses, which may hold spaces and parentheses; field 3 a letter; the rest are
 * numbers.  A process that is dead but not waited for yet (Z, X) works on nothing any more.
 */
static int start_time(int proc_fd, int pid, unsigned long long *ret_start)
{
	pt_autofree char *path = pt_strf("%d/stat", pid);
	pt_autofree char *line = NULL;
	const char *p;
	char *end;
	int r = pt_file_read_line(proc_fd, path, &line);

	if (r < 0)
		return r;
	p = strrchr(line, ')');
	if (p && p[1] == ' ' && strchr("ZXx", p[2]) && p[2])
		return -ESRCH;
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p)
		return -EINVAL;
	errno = 0;
	*ret_start = strtoull(p, &end, 10);
	return errno || end == p ? -EINVAL : 0;
}

static int boot_id(int proc_fd, char *ret_boot, size_t size)
{
	pt_autofree char *line = NULL;
	int r = pt_file_read_line(proc_fd, "sys/kernel/random/boot_id", &line);

	if (r < 0)
		return r;
	(void)snprintf(ret_boot, size, "%s", line);
	return 0;
}

int pt_owner_self(int proc_fd, struct pt_owner *ret_owner, struct pt_error *err)
{
	struct pt_owner self = { .pid = (int)getpid() };
	int r = start_time(proc_fd, self.pid, &self.start);

	if (r == 0)
		r = boot_id(proc_fd, self.boot, sizeof(self.boot));
	if (r < 0)
		return pt_fail(err, r, "cannot tell when this process began (proc: %d/stat, sys/kernel/random/boot_id)",
			       self.pid);
	*ret_owner = self;
	return 0;
}

bool pt_owner_alive(int proc_fd, const struct pt_owner *owner)
{
	char boot[sizeof(owner->boot)];
	unsigned long long start = 0;
	int r = boot_id(proc_fd, boot, sizeof(boot));

	if (r == 0 && strcmp(boot, owner->boot) != 0)
		return false;
	r = start_time(proc_fd, owner->pid, &start);
	if (r == -ENOENT || r == -ESRCH)
		return false;
	return r < 0 || start == owner->start;
}
