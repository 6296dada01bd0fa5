/* SPDX-License-Identifier: Apache-2.0 */
#include "api/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/watch.h"

static int start(const char *const *argv, int out_fd, pid_t *ret_pid)
{
	/* nothing of the daemon's environment: it is not the CLI's user who set it */
	static const char *const env[] = { "LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	/* posix_spawn() writes to neither; its type is older than const */
	r = posix_spawn(ret_pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv,
			(char *const *)(uintptr_t)env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return -r;
}

/* until it closes its output; -ETIMEDOUT, -EFBIG */
static int read_all(int fd, long long until, const atomic_bool *stop, struct pt_buf *out)
{
	char part[65536];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = until - pt_watch_now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (atomic_load(stop))
			return -ESHUTDOWN;
		if (poll(&p, 1, left > 200 ? 200 : (int)left) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (out->n + (size_t)n > PT_CHILD_MAX)
			return -EFBIG;
		pt_buf_addn(out, part, (size_t)n);
	}
}

/* its status; -ETIMEDOUT: it hangs in the kernel, cannot be ended, and is left behind */
static int await(pid_t pid, long long until, int *ret_status)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (;;) {
		pid_t r = waitpid(pid, ret_status, WNOHANG);

		if (r == pid)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (pt_watch_now_ms() > until)
			return -ETIMEDOUT;
		(void)nanosleep(&pause, NULL);
	}
}

static int say(int r, const char *what, int timeout_ms, struct pt_error *err)
{
	if (r == -ETIMEDOUT)
		return pt_say(err, r, "`passthru %s` did not answer within %d s", what, timeout_ms / 1000);
	if (r == -EFBIG)
		return pt_say(err, r, "`passthru %s` answered more than %zu MiB", what, PT_CHILD_MAX >> 20);
	return pt_fail(err, r, "cannot run `passthru %s`", what);
}

int pt_child_run(const char *const *argv, int timeout_ms, const atomic_bool *stop, struct pt_buf *ret_out,
		 struct pt_error *err)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf out = { 0 };
	pt_autoclose int read_fd = -EBADF;
	pt_autoclose int write_fd = -EBADF;
	long long until = pt_watch_now_ms() + timeout_ms;
	int pipe_fd[2];
	int status = 0;
	pid_t pid = 0;
	int r;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return say(-errno, argv[1], timeout_ms, err);
	read_fd = pipe_fd[0];
	write_fd = pipe_fd[1];
	r = start(argv, write_fd, &pid);
	if (r < 0)
		return say(r, argv[1], timeout_ms, err);
	(void)close(pt_take_fd(write_fd));
	r = read_all(read_fd, until, stop, &out);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	if (await(pid, pt_watch_now_ms() + (r < 0 ? 1000 : timeout_ms), &status) < 0 && r == 0)
		r = -ETIMEDOUT;
	if (r == 0 && !WIFEXITED(status))
		r = -EIO;
	if (r < 0)
		return say(r, argv[1], timeout_ms, err);
	*ret_out = pt_take(out);
	return WEXITSTATUS(status);
}
