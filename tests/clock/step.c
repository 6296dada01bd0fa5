/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock as of somebody who sets it all the time: each reading is right, or an hour before or after.  Loaded
 * before libc into a whole test program and what that starts (tests/meson.build), since a library that we call reads
 * it, too; the clocks that nobody sets are left alone.  A kernel's clock that really steps: tests/lab/clock-steps.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STEP_S 3600

static long step(void)
{
	static __thread unsigned seed;

	if (!seed)
		seed = (unsigned)syscall(SYS_gettid) * 2654435761U + 1;
	return ((rand_r(&seed) >> 8) % 3 - 1) * STEP_S;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += step();
	return (int)r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}
