/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"

#define SAID_MAX ((size_t)4 << 20)

void pt_program_init(struct pt_program *p)
{
	*p = (struct pt_program){ 0 };
	(void)pthread_mutex_init(&p->mutex, NULL);
}

void pt_program_done(struct pt_program *p)
{
	(void)pthread_mutex_destroy(&p->mutex);
}

void pt_program_stop(struct pt_program *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->stopped = true;
	if (p->pid)
		(void)kill(p->pid, SIGTERM);
	(void)pthread_mutex_unlock(&p->mutex);
}

/* a group of its own: Ctrl-C on a terminal is for the agent, which passes it on once */
static int spawn_it(struct pt_program *p, const char *const *argv, int out, int err_fd, struct pt_error *err)
{
	static char locale[] = "LC_ALL=C.UTF-8";
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, locale, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	(void)pthread_mutex_lock(&p->mutex);
	r = p->stopped ? -ECANCELED
		       : -posix_spawn(&p->pid, argv[0], &actions, &attributes, (char **)(uintptr_t)argv, env);
	if (r < 0)
		p->pid = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return r < 0 ? pt_fail(err, r, "cannot run %s", argv[0]) : 0;
}

static void take(int *fd, struct pt_buf *b)
{
	char part[16384];
	ssize_t n = read(*fd, part, sizeof(part));

	if (n > 0 && b->n < SAID_MAX)
		pt_buf_addn(b, part, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		(void)close(*fd);
		*fd = -EBADF;
	}
}

/* between two calls of what is done meanwhile, where nothing else is heard */
#define TICK_MS 5000
/* to one that is killed */
#define DYING_MS 1000

static int sooner(long long a, long long b)
{
	long long ms = a < b ? a : b;

	return ms < 0 ? 0 : (int)ms;
}

/* 0; -ETIMEDOUT it was killed, and has not ended */
static int read_all(struct pt_program *p, int fds[2], struct pt_buf said[2], unsigned timeout_ms)
{
	long long until = pt_watch_now_ms() + timeout_ms;
	bool told = false;

	while (fds[0] >= 0 || fds[1] >= 0) {
		int also = p->meanwhile.call ? p->meanwhile.fd : -EBADF;
		struct pollfd polled[3] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 }, { also, POLLIN, 0 } };
		long long left = until - pt_watch_now_ms();
		int n;

		if (left <= 0 && told && p->looks)
			return -ETIMEDOUT;
		if (left <= 0 && !told) {
			told = true;
			until = p->looks ? pt_watch_now_ms() + DYING_MS : LLONG_MAX;
			left = until - pt_watch_now_ms();
			(void)kill(p->pid, p->looks ? SIGKILL : SIGTERM);
		}
		n = poll(polled, 3, sooner(left, TICK_MS));
		for (int i = 0; i < 2 && n > 0; i++)
			if (polled[i].revents)
				take(&fds[i], &said[i]);
		if (p->meanwhile.call && (n == 0 || polled[2].revents))
			p->meanwhile.call(p->meanwhile.ctx);
	}
	return 0;
}

static int wait_for(struct pt_program *p)
{
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)pthread_mutex_lock(&p->mutex);
	p->pid = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* it is nobody's any more: its end is heard of when the next one is to run */
static int leave(struct pt_program *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->left = p->pid;
	p->pid = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	return -ETIMEDOUT;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -EBADF;
}

int pt_program_run(struct pt_program *p, const char *const *argv, unsigned timeout_ms, char **ret_out, char **ret_err,
		   struct pt_error *err)
{
	struct pt_buf said[2] = { { 0 } };
	int out[2] = { -EBADF, -EBADF };
	int diag[2] = { -EBADF, -EBADF };
	int fds[2];
	int status;
	int r;

	if (p->left && waitpid(p->left, NULL, WNOHANG) == 0)
		return pt_say(err, -ETIMEDOUT, "an earlier %s hangs still, process %d", argv[0], (int)p->left);
	p->left = 0;
	if (pipe2(out, O_CLOEXEC) < 0)
		return pt_fail(err, -errno, "cannot make a pipe");
	if (pipe2(diag, O_CLOEXEC) < 0) {
		r = pt_fail(err, -errno, "cannot make a pipe");
		(void)close(out[0]);
		(void)close(out[1]);
		return r;
	}
	r = spawn_it(p, argv, out[1], diag[1], err);
	(void)close(out[1]);
	(void)close(diag[1]);
	fds[0] = out[0];
	fds[1] = diag[0];
	if (r < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return r;
	}
	r = read_all(p, fds, said, timeout_ms);
	drop(&fds[0]);
	drop(&fds[1]);
	status = r < 0 ? leave(p) : wait_for(p);
	if (r == 0 && p->looks && status == 128 + SIGKILL)
		status = -ETIMEDOUT;
	if (status < 0) {
		for (int i = 0; i < 2; i++)
			free(pt_buf_take(&said[i]));
		return pt_say(err, status, "%s did not end within %u seconds", argv[0], timeout_ms / 1000);
	}
	*ret_out = pt_buf_take(&said[0]);
	*ret_err = pt_buf_take(&said[1]);
	return status;
}
