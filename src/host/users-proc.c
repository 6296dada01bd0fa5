/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of this host hold open, in one walk over /proc/PID/fd.  Links are read; only what is below /dev is
 * asked for its device number, since a question about a file on a dead server would not return.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

/* processes above this one: a shell, sudo, tmux, sshd, and not many more */
#define ANCESTORS_MAX 64
/* a capture may list any number of open files */
#define OPENS_MAX 65536

struct ancestors {
	int pid[ANCESTORS_MAX];
	int n;
	int own;
};

/* "PID (COMM) S PPID …", proc(5); COMM may hold blanks and parentheses, so from its end */
static int parent_of(const struct pt_look *look, const char *who, int *ret_own)
{
	pt_autofree char *path = pt_strf("%s/stat", who);
	pt_autofree char *text = NULL;
	const char *end;
	int parent;

	if (pt_file_read(look->root->proc_fd, path, PT_FILE_MAX, &text, NULL) < 0)
		return -1;
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %*c %9d", &parent) != 1 || sscanf(text, "%9d", ret_own) != 1)
		return -1;
	return parent;
}

static int parent_by_pid(const struct pt_look *look, int pid)
{
	char who[16];
	int own;

	(void)snprintf(who, sizeof(who), "%d", pid);
	return parent_of(look, who, &own);
}

static void find_ancestors(const struct pt_look *look, struct ancestors *a)
{
	int pid = parent_of(look, "self", &a->own);

	/* the first process is everybody's ancestor: its sockets are no sign of a login */
	while (pid > 1 && a->n < ANCESTORS_MAX) {
		a->pid[a->n++] = pid;
		pid = parent_by_pid(look, pid);
	}
}

static bool is_ancestor(const struct ancestors *a, int pid)
{
	for (int i = 0; i < a->n; i++)
		if (a->pid[i] == pid)
			return true;
	return false;
}

/* many processes hold these, and none of them stands for a PCI function */
static bool is_of_no_interest(const char *path)
{
	static const char *const prefixes[] = {
		"/dev/null", "/dev/zero", "/dev/full",	    "/dev/random", "/dev/urandom", "/dev/kmsg", "/dev/pts/",
		"/dev/shm/", "/dev/ptmx", "/dev/hugepages", "/dev/mqueue", "/dev/fuse",	   "/dev/tty ", "/dev/net/tun",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (pt_startswith(path, prefixes[i]))
			return true;
	return false;
}

/*
 * What the descriptor is, by its number: its name may mean something else in the process's own /dev.  A name that only
 * ends like a node ("/srv/chroot/dev/sda") is left to its text.
 */
static void ask_number(const struct pt_look *look, int fd_dir, const char *fd, struct pt_open *o)
{
	struct stat st;

	if (look->root->captured || !pt_startswith(o->path, "/dev/") || fstatat(fd_dir, fd, &st, 0) < 0)
		return;
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	o->has_number = true;
	o->is_block = S_ISBLK(st.st_mode);
	o->major = major(st.st_rdev);
	o->minor = minor(st.st_rdev);
}

static void collect_open(struct pt_look *look, int fd_dir, const char *fd, int pid, const char *comm,
			 const char *target)
{
	struct pt_open o = { .pid = pid };

	if (look->procs.opens.n >= OPENS_MAX) {
		pt_look_blind(look, "more than %d open files below /dev: not all were looked at", OPENS_MAX);
		return;
	}
	o.comm = pt_strdup(comm);
	o.path = pt_strdup(target);
	ask_number(look, fd_dir, fd, &o);
	pt_array_push(&look->procs.opens, o);
}

static void collect_socket(struct pt_look *look, int pid, const char *comm, const char *target, bool ours)
{
	struct pt_socket s = { .pid = pid, .ours = ours };
	unsigned long long inode;

	/* an administrator's login may hold this command in a tmux that is not below it: every sshd counts */
	if ((!ours && !pt_startswith(comm, "sshd")) || look->procs.sockets.n >= OPENS_MAX ||
	    sscanf(target, "socket:[%19llu]", &inode) != 1)
		return;
	s.inode = inode;
	s.comm = pt_strdup(comm);
	pt_array_push(&look->procs.sockets, s);
}

/* a program of a rule has few others between itself and the worker that it ends with: a shell, and what that runs */
#define BELOW_UDEV 8

static bool is_udev(const char *comm)
{
	return pt_streq(comm, "(udev-worker)") || pt_streq(comm, "systemd-udevd");
}

/*
 * udev opens a disk for a moment, to look at it, each time that one appears, and so do the programs of its rules
 * (scsi_id, ata_id): that ends by itself, at the latest with its event (udev(7)), and holds nothing up.
 */
static bool is_passing(const struct pt_look *look, int pid, const char *comm)
{
	if (is_udev(comm))
		return true;
	for (int i = 0; i < BELOW_UDEV && (pid = parent_by_pid(look, pid)) > 1; i++) {
		pt_autofree char *above = pt_look_comm(look, pid);

		if (is_udev(above))
			return true;
	}
	return false;
}

static void collect(struct pt_look *look, DIR *dir, int pid, bool ours)
{
	pt_autofree char *comm = pt_look_comm(look, pid);
	size_t before = look->procs.opens.n;
	struct dirent *entry;
	bool passing;

	while ((entry = readdir(dir))) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		/* "." and "..", or closed in between */
		if (n < 0)
			continue;
		target[n] = '\0';
		if (pt_startswith(target, "socket:"))
			collect_socket(look, pid, comm, target, ours);
		else if (pt_startswith(target, "/sys/devices/") ||
			 (target[0] == '/' && strstr(target, "/dev/") && !is_of_no_interest(target)))
			collect_open(look, dirfd(dir), entry->d_name, pid, comm, target);
	}
	/* asked of a process that has some, and once */
	passing = look->procs.opens.n > before && is_passing(look, pid, comm);
	for (size_t i = before; i < look->procs.opens.n; i++)
		look->procs.opens.v[i].passing = passing;
}

/* Return: 0, or -EACCES when the process's descriptors may not be seen */
static int walk(struct pt_look *look, const char *pid_text, const struct ancestors *ancestors)
{
	pt_autofree char *path = pt_strf("%s/fd", pid_text);
	pt_autoclose int fd = pt_file_open(look->root->proc_fd, path, O_RDONLY | O_DIRECTORY);
	pt_autoclosedir DIR *dir = NULL;
	/* at most nine digits: pt_look_pids() */
	int pid = (int)strtol(pid_text, NULL, 10);

	if (pid == ancestors->own)
		return 0;
	/* a process that ended in between holds nothing */
	if (fd < 0)
		return fd == -EACCES || fd == -EPERM ? -EACCES : 0;
	dir = fdopendir(fd);
	if (!dir)
		return 0;
	(void)pt_take_fd(fd);
	collect(look, dir, pid, is_ancestor(ancestors, pid));
	return 0;
}

void pt_look_procs(struct pt_look *look)
{
	PT_AUTO(pt_strv) pids = { 0 };
	struct ancestors ancestors = { .own = -1 };
	size_t unseen = 0;

	pt_look_pids(look, &pids);
	if (look->root->captured && !pids.n)
		pt_look_blind(look, "a capture holds no processes: who had it, or anything below it, open is not told");
	if (look->root->proc_fd < 0)
		return;
	find_ancestors(look, &ancestors);
	for (size_t i = 0; i < pids.n; i++)
		if (walk(look, pids.v[i], &ancestors) < 0)
			unseen++;
	if (unseen)
		pt_look_blind(look, "the open files of %zu process%s were not seen (/proc/PID/fd): %s", unseen,
			      unseen == 1 ? "" : "es", pt_look_denied());
}
