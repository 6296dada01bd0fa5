/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/watch.h"
#include "host/holders.h"
#include "host/job.h"
#include "host/lazy-kmod.h"
#include "host/netlink-link-set.h"
#include "host/netlink-link.h"
#include "host/netlink-vf-set.h"
#include "host/netlink-vf.h"
#include "host/viable.h"

#define SETTLE_MS 2000u

/* @hung: a write of ours to this function did not return: nobody waits for it a second time */
struct pt_host_writer {
	const struct pt_root *root;
	const struct pt_host_paths *paths;
	bool has_hung;
	struct pt_bdf hung;
};

/* one of our directories; @mode not 0: made when it is missing.  Looking makes none: --dry-run looks, too */
static int open_dir(const char *path, mode_t mode, struct pt_error *err)
{
	int r = mode ? pt_file_mkdir_p(path, mode) : 0;
	int fd;

	if (r < 0)
		return pt_fail(err, r, "cannot make the directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open the directory %s", path);
	return fd;
}

static int write_job(const struct pt_job *job, int answer_fd)
{
	size_t size = strlen(job->arg);
	ssize_t n = write(job->fd, job->arg, size);

	(void)answer_fd;
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* whom the kernel waits for, as the end of a sentence; the caller frees.  And what to do about it */
static char *blame(const struct pt_host_writer *w, struct pt_bdf bdf, pid_t writer, struct pt_error *err)
{
	pt_autofree char *who = pt_holders_name(w->root, bdf);

	if (who) {
		pt_hint(err, "end that, then run `passthru recover`");
		return pt_strf("; it is in use: %s", who);
	}
	pt_hint(err, "`cat %sproc/%d/stack` shows where the kernel waits; when it is done, run `passthru recover`",
		w->root->path, (int)writer);
	return pt_strdup("; no process was found that has a node of it open");
}

static int busy(const struct pt_host_writer *w, int run_fd, struct pt_bdf bdf, const char *mark, struct pt_error *err)
{
	pt_autofree char *pid = NULL;
	pt_autofree char *who = NULL;

	if (pt_file_read_line(run_fd, mark, &pid) < 0 || !*pid || strspn(pid, "0123456789") != strlen(pid))
		pt_strset(&pid, "?");
	who = blame(w, bdf, (pid_t)strtol(pid, NULL, 10), err);
	(void)pt_say(err, -EBUSY,
		     "an earlier write to %s still hangs in the kernel (pid %s): nothing more is written to it%s",
		     pt_bdf_str(bdf).s, pid, who);
	pt_refused_by(err, "write-hangs", false);
	return -EBUSY;
}

/* the mark of a device on which a write is under way, locked; the lock goes with the last process that has it open */
static int take_mark(const struct pt_host_writer *w, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	bool hung = w->has_hung && pt_bdf_eq(w->hung, bdf);
	long long end = pt_watch_now_ms() + (hung ? 0 : timeout_ms ? timeout_ms : PT_HOST_WRITE_MS);
	pt_autofree char *name = pt_strf("writing-%s", pt_bdf_str(bdf).s);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pt_autoclose int run_fd = open_dir(w->paths->run, 0700, err);
	pt_autoclose int fd = -EBADF;

	if (run_fd < 0)
		return run_fd;
	fd = openat(run_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open %s/%s", w->paths->run, name);
	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return pt_fail(err, -errno, "cannot lock %s/%s", w->paths->run, name);
		if (pt_watch_now_ms() >= end)
			return busy(w, run_fd, bdf, name, err);
		(void)poll(NULL, 0, 10);
	}
	return pt_take_fd(fd);
}

static int quiet(void *ctx, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	pt_autoclose int mark_fd = take_mark(ctx, bdf, timeout_ms, err);

	return mark_fd < 0 ? mark_fd : 0;
}

static int write_attr(void *ctx, struct pt_bdf bdf, const char *path, const char *value, unsigned timeout_ms,
		      struct pt_error *err)
{
	struct pt_host_writer *w = ctx;
	pt_autoclose int mark_fd = take_mark(w, bdf, timeout_ms, err);
	pt_autoclose int fd = -EBADF;
	struct pt_job job = { .work = write_job,
			      .arg = value,
			      .timeout_ms = timeout_ms ? timeout_ms : PT_HOST_WRITE_MS };
	int shown = (int)strcspn(value, "\n");
	int r;

	if (mark_fd < 0)
		return mark_fd;
	fd = pt_file_open(w->root->sys_fd, path, O_WRONLY | O_NOCTTY);
	if (fd < 0)
		return pt_fail(err, fd, "cannot open %ssys/%s", w->root->path, path);
	job.fd = fd;
	job.mark_fd = mark_fd;
	r = pt_job_run(&job, NULL);
	if (r == -ETIMEDOUT) {
		pt_autofree char *who = blame(w, bdf, job.pid, err);

		w->has_hung = true;
		w->hung = bdf;
		return pt_say(err, r,
			      "writing '%.*s' to %ssys/%s did not return within %u ms: pid %d hangs in the kernel%s",
			      shown, value, w->root->path, path, job.timeout_ms, (int)job.pid, who);
	}
	if (r < 0)
		return pt_fail(err, r, "the kernel refuses '%.*s' in %ssys/%s", shown, value, w->root->path, path);
	return 0;
}

static int read_attr(void *ctx, const char *path, char **ret_line)
{
	const struct pt_host_writer *w = ctx;

	return pt_file_read_line(w->root->sys_fd, path, ret_line);
}

static int read_link(void *ctx, const char *path, char **ret_name)
{
	const struct pt_host_writer *w = ctx;

	return pt_file_link_name(w->root->sys_fd, path, ret_name);
}

static int attr_exists(void *ctx, const char *path)
{
	const struct pt_host_writer *w = ctx;

	return pt_file_exists(w->root->sys_fd, path);
}

static char *holders(void *ctx, struct pt_bdf bdf)
{
	const struct pt_host_writer *w = ctx;

	return pt_holders_name(w->root, bdf);
}

static int viable(void *ctx, struct pt_bdf bdf, struct pt_error *err)
{
	const struct pt_host_writer *w = ctx;

	return pt_viable_ask(w->root, bdf, err);
}

static int insert_modules(struct kmod_list *list)
{
	struct kmod_list *i;
	int r = -ENOENT;

	kmod_list_foreach(i, list)
	{
		struct kmod_module *module = kmod_module_get_module(i);
		int one = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);

		(void)kmod_module_unref(module);
		if (one >= 0)
			return 0;
		r = one;
	}
	return r;
}

/* libkmod, as modprobe does: aliases, dependencies and the administrator's own lines in modprobe.d */
static int module_job(const struct pt_job *job, int answer_fd)
{
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	struct kmod_list *list = NULL;
	int r;

	(void)answer_fd;
	if (!kmod)
		return -ENOMEM;
	r = kmod_module_new_from_lookup(kmod, job->arg, &list);
	if (r >= 0)
		r = insert_modules(list);
	(void)kmod_module_unref_list(list);
	(void)kmod_unref(kmod);
	return r;
}

static int load_module(void *ctx, const char *name, struct pt_error *err)
{
	struct pt_job job = {
		.work = module_job, .arg = name, .fd = -1, .mark_fd = -1, .timeout_ms = PT_HOST_MODULE_MS
	};
	int r = pt_kmod_load(err);

	(void)ctx;
	if (r < 0)
		return r;
	r = pt_job_run(&job, NULL);
	if (r == -ETIMEDOUT)
		return pt_say(err, r, "loading the module %s did not end within %u ms: pid %d still tries", name,
			      job.timeout_ms, (int)job.pid);
	if (r < 0)
		return pt_fail(err, r, "cannot load the module %s", name);
	return 0;
}

static const char *place_path(const struct pt_host_writer *w, enum pt_host_place place)
{
	switch (place) {
	case PT_HOST_RESERVED:
		return w->paths->reserved;
	case PT_HOST_RULES:
		return w->paths->rules;
	case PT_HOST_SRIOV:
		return w->paths->sriov;
	case PT_HOST_RUN:
		break;
	}
	return w->paths->run;
}

static int file_read(void *ctx, enum pt_host_place place, const char *name, char **ret_text, struct pt_error *err)
{
	const struct pt_host_writer *w = ctx;
	pt_autoclose int fd = open_dir(place_path(w, place), 0, err);
	int r = fd < 0 ? fd : pt_file_read(fd, name, 65536, ret_text, NULL);

	if (r < 0 && fd >= 0)
		return pt_fail(err, r, "cannot read %s/%s", place_path(w, place), name);
	return r;
}

static int file_write(void *ctx, enum pt_host_place place, const char *name, const char *text, struct pt_error *err)
{
	const struct pt_host_writer *w = ctx;
	pt_autoclose int fd = open_dir(place_path(w, place), place == PT_HOST_RUN ? 0700 : 0755, err);
	int r;

	if (fd < 0)
		return fd;
	if (text) {
		r = pt_file_write_atomic(fd, name, text, strlen(text), 0644);
		return r < 0 ? pt_fail(err, r, "cannot write %s/%s", place_path(w, place), name) : 0;
	}
	if (unlinkat(fd, name, 0) < 0 || fsync(fd) < 0)
		return pt_fail(err, -errno, "cannot remove %s/%s", place_path(w, place), name);
	return 0;
}

/* the PF's interface; a card with several ports on one function sets its VFs through the first */
static int pf_netdev(const struct pt_host_writer *w, struct pt_bdf pf, char **ret_name, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/net", pt_bdf_str(pf).s);
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(w->root->sys_fd, path, &names);

	if ((r < 0 && r != -ENOENT) || names.n == 0)
		return pt_say(err, -ENODEV, "%s has no network interface on this host", pt_bdf_str(pf).s);
	pt_strv_sort(&names);
	if (names.n > 1) {
		PT_AUTO(pt_pf_link) link = { 0 };

		r = pt_pf_link_of(&names, &link, err);
		pt_strset(ret_name, r < 0 ? NULL : link.name);
		return r;
	}
	*ret_name = pt_strdup(names.v[0]);
	return 0;
}

static int vf_read(void *ctx, struct pt_bdf pf, struct pt_pf_link *ret_link, struct pt_error *err)
{
	pt_autofree char *netdev = NULL;
	int r = pf_netdev(ctx, pf, &netdev, err);

	return r < 0 ? r : pt_pf_link_read(netdev, ret_link, err);
}

/* a request that hangs holds the lock of every network interface: whoever comes next is told why */
static int hangs(struct pt_host_writer *w, struct pt_bdf pf, const char *netdev, const struct pt_job *job,
		 struct pt_error *err)
{
	pt_autofree char *who = blame(w, pf, job->pid, err);

	w->has_hung = true;
	w->hung = pf;
	return pt_say(err, -ETIMEDOUT,
		      "a netlink request about %s did not return within %u ms: pid %d hangs in the kernel%s", netdev,
		      PT_NETLINK_MS, (int)job->pid, who);
}

static int vf_write(void *ctx, struct pt_bdf pf, unsigned index, const struct pt_vf_settings *one, struct pt_error *err)
{
	struct pt_job job = { .mark_fd = -1 };
	pt_autofree char *netdev = NULL;
	pt_autoclose int mark_fd = take_mark(ctx, pf, 0, err);
	int r = mark_fd < 0 ? mark_fd : pf_netdev(ctx, pf, &netdev, err);

	if (r < 0)
		return r;
	job.mark_fd = mark_fd;
	r = pt_vf_link_set(netdev, index, one, &job, err);
	return r == -ETIMEDOUT ? hangs(ctx, pf, netdev, &job, err) : r;
}

static int pf_link(void *ctx, struct pt_bdf pf, bool up, unsigned timeout_ms, struct pt_error *err)
{
	struct pt_job job = { .mark_fd = -1 };
	pt_autofree char *netdev = NULL;
	pt_autoclose int mark_fd = take_mark(ctx, pf, 0, err);
	int r = mark_fd < 0 ? mark_fd : pf_netdev(ctx, pf, &netdev, err);

	if (r < 0)
		return r;
	job.mark_fd = mark_fd;
	r = up ? pt_link_up(netdev, timeout_ms, &job, err) : pt_link_down(netdev, &job, err);
	return r == -ETIMEDOUT ? hangs(ctx, pf, netdev, &job, err) : r;
}

static int nvme_read(void *ctx, struct pt_bdf pf, struct pt_nvme_virt *ret_virt, struct pt_error *err)
{
	const struct pt_host_writer *w = ctx;

	return pt_nvme_read(w->root, pf, ret_virt, err);
}

static int nvme_act(void *ctx, struct pt_bdf pf, const struct pt_nvme_command *command, struct pt_error *err)
{
	struct pt_host_writer *w = ctx;
	struct pt_job job = { .mark_fd = -1 };
	pt_autoclose int mark_fd = take_mark(w, pf, 0, err);
	int r;

	if (mark_fd < 0)
		return mark_fd;
	job.mark_fd = mark_fd;
	r = pt_nvme_act(w->root, pf, command, &job, err);
	if (r == -ETIMEDOUT) {
		w->has_hung = true;
		w->hung = pf;
		return pt_say(err, r, "a command to the NVMe controller %s did not return within %u ms: pid %d hangs",
			      pt_bdf_str(pf).s, job.timeout_ms, (int)job.pid);
	}
	return r;
}

static int link_write(void *ctx, struct pt_bdf pf, const struct pt_link_state *want, struct pt_error *err)
{
	struct pt_job job = { .mark_fd = -1 };
	pt_autofree char *netdev = NULL;
	pt_autoclose int mark_fd = take_mark(ctx, pf, 0, err);
	int r = mark_fd < 0 ? mark_fd : pf_netdev(ctx, pf, &netdev, err);

	if (r < 0)
		return r;
	job.mark_fd = mark_fd;
	r = pt_link_set(netdev, want, &job, err);
	return r == -ETIMEDOUT ? hangs(ctx, pf, netdev, &job, err) : r;
}

void pt_host_writer_open(const struct pt_root *root, const struct pt_host_paths *paths,
			 struct pt_host_writer **ret_writer, struct pt_host_ops *ret_ops)
{
	struct pt_host_writer *w = pt_alloc(sizeof(*w));

	*w = (struct pt_host_writer){ .root = root, .paths = paths };
	*ret_ops = (struct pt_host_ops){
		.ctx = w,
		.settle_ms = SETTLE_MS,
		.write = write_attr,
		.quiet = quiet,
		.read = read_attr,
		.link = read_link,
		.exists = attr_exists,
		.load_module = load_module,
		.holders = holders,
		.viable = viable,
		.file_read = file_read,
		.file_write = file_write,
		.vf_read = vf_read,
		.vf_write = vf_write,
		.pf_link = pf_link,
		.nvme_read = nvme_read,
		.nvme_act = nvme_act,
		.link_write = link_write,
	};
	*ret_writer = w;
}

void pt_host_writer_close(struct pt_host_writer *w)
{
	free(w);
}
