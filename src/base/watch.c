/* SPDX-License-Identifier: Apache-2.0 */
#include "base/watch.h"

#include <time.h>

static long long now_us(void)
{
	struct timespec ts;

	/* CLOCK_MONOTONIC is always there */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

long long pt_watch_now_ms(void)
{
	return now_us() / 1000;
}

void pt_watch_start(struct pt_watch *watch)
{
	*watch = (struct pt_watch){ .runs = true, .kind = PT_WATCH_OWN, .since = now_us() };
}

enum pt_watch_kind pt_watch_turn(struct pt_watch *watch, enum pt_watch_kind kind)
{
	enum pt_watch_kind before;
	long long now;

	if (!watch || !watch->runs)
		return kind;
	now = now_us();
	before = watch->kind;
	watch->spent_us[before] += now - watch->since;
	watch->since = now;
	watch->kind = kind;
	return before;
}

double pt_watch_ms(const struct pt_watch *watch, enum pt_watch_kind kind)
{
	long long us = watch->spent_us[kind];

	if (watch->runs && watch->kind == kind)
		us += now_us() - watch->since;
	return (double)us / 1000;
}

const char *pt_watch_kind_str(enum pt_watch_kind kind)
{
	static const char *const names[] = { "own", "libvirt", "kernel", "disk", "others" };

	return names[kind];
}
