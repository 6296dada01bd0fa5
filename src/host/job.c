/* SPDX-License-Identifier: Apache-2.0 */
#include "host/job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/watch.h"

#define ANSWER_MAX ((size_t)64 << 20)

/*
 * A child that hangs keeps what it has open: not our lock, not the journal, not the pipe that somebody reads our output
 * from.  Async-signal-safe, since other threads' locks may be held at the fork.
 */
static void close_all_but(int a, int b, int c)
{
	int keep[3] = { a, b, c };
	unsigned from = 0;

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2 - i; k++)
			if (keep[k] > keep[k + 1]) {
				int t = keep[k];

				keep[k] = keep[k + 1];
				keep[k + 1] = t;
			}
	for (int i = 0; i < 3; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, UINT_MAX, 0);
}

static _Noreturn void child(const struct pt_job *job, int answer_fd)
{
	int result;

	/* Ctrl-C on our terminal is for the parent: a write is never broken off half-way */
	(void)setsid();
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	close_all_but(job->fd, job->mark_fd, answer_fd);
	result = job->work(job, answer_fd);
	/* last, so that its coming says that all has come; when the parent gave up there is nobody to tell */
	(void)!write(answer_fd, &result, sizeof(result));
	_exit(0);
}

/* everything that the child writes, up to its end; -ETIMEDOUT when there is none in time */
static int collect(int fd, unsigned timeout_ms, struct pt_buf *all)
{
	long long end = pt_watch_now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = end - pt_watch_now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);
		char part[4096];
		ssize_t got;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
		got = read(fd, part, sizeof(part));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		pt_buf_addn(all, part, (size_t)got);
		if (all->n > ANSWER_MAX)
			return -EFBIG;
	}
}

/* so that a later program can name the one that hangs */
static void write_pid(int mark_fd, pid_t pid)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)pid);

	/* the lock is what counts; without a number the message is poorer, no more */
	if (ftruncate(mark_fd, 0) == 0)
		(void)!pwrite(mark_fd, text, (size_t)n, 0);
}

/* the result is what came last */
static int split(struct pt_buf *all, int *ret_result)
{
	if (all->n < sizeof(*ret_result))
		return -EIO;
	all->n -= sizeof(*ret_result);
	memcpy(ret_result, all->s + all->n, sizeof(*ret_result));
	return 0;
}

int pt_job_run(struct pt_job *job, struct pt_buf *ret_answer)
{
	PT_AUTO(pt_buf) all = { 0 };
	int answer[2];
	int result = 0;
	int r;

	if (pipe2(answer, O_CLOEXEC) < 0)
		return -errno;
	job->pid = fork();
	if (job->pid < 0) {
		r = -errno;
		(void)close(answer[0]);
		(void)close(answer[1]);
		return r;
	}
	if (job->pid == 0)
		child(job, answer[1]);
	(void)close(answer[1]);
	if (job->mark_fd >= 0)
		write_pid(job->mark_fd, job->pid);
	r = collect(answer[0], job->timeout_ms, &all);
	(void)close(answer[0]);
	if (r == -ETIMEDOUT)
		return r;
	/* it answered or died: it ends at once, and with it its hold on the mark */
	while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		r = split(&all, &result);
	if (r < 0)
		return r;
	if (ret_answer && result == 0) {
		*ret_answer = all;
		all = (struct pt_buf){ 0 };
	}
	return result;
}
