/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece of work done by a child, with a limit: what may hang in the kernel (an attribute's write, a module, a netlink
 * request behind a lock that somebody keeps) then hangs without us.  Knows nothing of what the work is.
 */
#ifndef PT_HOST_JOB_H
#define PT_HOST_JOB_H

#include <sys/types.h>

#include "base/alloc.h"

/**
 * struct pt_job
 * @work: called in the child; returns 0 or a negative errno; may write an answer to @answer_fd
 * @arg: for @work
 * @fd: what else the child keeps open, or -1
 * @mark_fd: held locked while the job is under way, and told the child's number; or -1
 * @pid: the child; set by pt_job_run()
 */
struct pt_job {
	int (*work)(const struct pt_job *job, int answer_fd);
	const void *arg;
	int fd;
	int mark_fd;
	unsigned timeout_ms;
	pid_t pid;
};

/* a driver answers at once, or waits for its card's firmware some seconds */
#define PT_NETLINK_MS 10000u

/**
 * pt_job_run() - have it done
 * @ret_answer: what @work wrote, bytes, where it did all; NULL when it writes nothing
 *
 * Return: what @work returned; -ETIMEDOUT when it did not within the limit: the child goes on by itself, and keeps
 * nothing of ours open but @fd and @mark_fd; -EIO when it died.
 */
int pt_job_run(struct pt_job *job, struct pt_buf *ret_answer);

#endif
