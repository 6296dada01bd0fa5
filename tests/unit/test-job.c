/* SPDX-License-Identifier: Apache-2.0 */
/* Work that a child does: its answer however long, its failure, its death, and that nobody waits for one that hangs. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/job.h"

/* many times what a pipe holds, as the settings of a card with hundreds of VFs are */
#define LONG ((size_t)1 << 20)

static int answer_long(const struct pt_job *job, int answer_fd)
{
	char part[1000];
	size_t left = LONG;

	(void)job;
	memset(part, 'x', sizeof(part));
	while (left > 0) {
		ssize_t n = write(answer_fd, part, left < sizeof(part) ? left : sizeof(part));

		if (n < 0)
			return -errno;
		left -= (size_t)n;
	}
	return 0;
}

static int answer_and_fail(const struct pt_job *job, int answer_fd)
{
	(void)!write(answer_fd, "half", 4);
	return *(const int *)job->arg;
}

static int hang(const struct pt_job *job, int answer_fd)
{
	(void)!write(answer_fd, "half", 4);
	while (job)
		(void)pause();
	return 0;
}

static int die(const struct pt_job *job, int answer_fd)
{
	(void)job;
	(void)answer_fd;
	_exit(3);
}

static void an_answer_longer_than_a_pipe_comes_whole(void **state)
{
	struct pt_job job = { .work = answer_long, .fd = -1, .mark_fd = -1, .timeout_ms = 20000 };
	PT_AUTO(pt_buf) answer = { 0 };

	(void)state;
	assert_int_equal(pt_job_run(&job, &answer), 0);
	assert_int_equal(answer.n, LONG);
	assert_int_equal(strspn(answer.s, "x"), LONG);
}

static void a_failure_is_told_without_its_half_answer(void **state)
{
	int code = -EOPNOTSUPP;
	struct pt_job job = { .work = answer_and_fail, .arg = &code, .fd = -1, .mark_fd = -1, .timeout_ms = 20000 };
	PT_AUTO(pt_buf) answer = { 0 };

	(void)state;
	assert_int_equal(pt_job_run(&job, &answer), -EOPNOTSUPP);
	assert_null(answer.s);
}

static void one_that_hangs_is_left_behind(void **state)
{
	struct pt_job job = { .work = hang, .fd = -1, .mark_fd = -1, .timeout_ms = 100 };
	struct timespec begin;
	struct timespec end;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(pt_job_run(&job, NULL), -ETIMEDOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 10);
	/* it is there still: nobody killed it in the middle of what it does */
	assert_int_equal(waitpid(job.pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(job.pid, SIGKILL), 0);
	assert_int_equal(waitpid(job.pid, NULL, 0), job.pid);
}

static void one_that_dies_has_failed(void **state)
{
	struct pt_job job = { .work = die, .fd = -1, .mark_fd = -1, .timeout_ms = 20000 };

	(void)state;
	assert_int_equal(pt_job_run(&job, NULL), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_longer_than_a_pipe_comes_whole),
		cmocka_unit_test(a_failure_is_told_without_its_half_answer),
		cmocka_unit_test(one_that_hangs_is_left_behind),
		cmocka_unit_test(one_that_dies_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
