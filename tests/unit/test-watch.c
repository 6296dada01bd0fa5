/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/watch.h"
#include "change/timed.h"

static int sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	return nanosleep(&ts, NULL);
}

static void time_counts_for_the_kind_that_runs(void **state)
{
	struct pt_watch w;

	pt_watch_start(&w);
	assert_int_equal(PT_WATCHED(&w, PT_WATCH_LIBVIRT, sleep_ms(30)), 0);
	assert_true(pt_watch_ms(&w, PT_WATCH_LIBVIRT) >= 30);
	assert_true(pt_watch_ms(&w, PT_WATCH_OWN) < pt_watch_ms(&w, PT_WATCH_LIBVIRT));
	assert_true(pt_watch_ms(&w, PT_WATCH_KERNEL) == 0);
	assert_int_equal(w.kind, PT_WATCH_OWN);
}

static int wait_for_kernel(struct pt_watch *w)
{
	return PT_WATCHED(w, PT_WATCH_KERNEL, sleep_ms(30));
}

static void waiting_inside_of_waiting_belongs_to_the_inner_one(void **state)
{
	struct pt_watch w;

	pt_watch_start(&w);
	assert_int_equal(PT_WATCHED(&w, PT_WATCH_LIBVIRT, wait_for_kernel(&w)), 0);
	assert_true(pt_watch_ms(&w, PT_WATCH_KERNEL) >= 30);
	assert_true(pt_watch_ms(&w, PT_WATCH_LIBVIRT) < pt_watch_ms(&w, PT_WATCH_KERNEL));
}

static void a_watch_that_was_not_started_counts_nothing(void **state)
{
	struct pt_watch w = { 0 };

	assert_int_equal(PT_WATCHED(&w, PT_WATCH_DISK, sleep_ms(2)), 0);
	assert_int_equal(PT_WATCHED((struct pt_watch *)NULL, PT_WATCH_DISK, sleep_ms(2)), 0);
	assert_true(pt_watch_ms(&w, PT_WATCH_DISK) == 0);
}

static int slow_start(void *ctx, const char *uuid, struct pt_error *err)
{
	(void)ctx;
	(void)uuid;
	(void)sleep_ms(30);
	return pt_say(err, -7, "slow");
}

static void a_call_through_the_table_counts_and_its_answer_comes_through(void **state)
{
	const struct pt_vm_ops slow = { .start = slow_start };
	struct pt_watch w;
	struct pt_timed timed = { .vm = &slow, .watch = &w };
	struct pt_error err = { 0 };
	struct pt_vm_ops ops;

	pt_watch_start(&w);
	pt_timed_vm_ops(&timed, &ops);
	assert_int_equal(ops.start(ops.ctx, "x", &err), -7);
	assert_string_equal(err.msg, "slow");
	assert_true(pt_watch_ms(&w, PT_WATCH_LIBVIRT) >= 30);
}

/* a function that was added to a table, and not here, would be called at address 0 */
static void no_function_is_missing(void **state)
{
	void *vm_words[sizeof(struct pt_vm_ops) / sizeof(void *)];
	void *host_words[sizeof(struct pt_host_ops) / sizeof(void *)];
	struct pt_host_ops host;
	struct pt_vm_ops vm;
	struct pt_timed timed = { .host = &host, .vm = &vm };
	struct pt_host_ops timed_host;
	struct pt_vm_ops timed_vm;

	(void)memset(&host, 0xff, sizeof(host));
	(void)memset(&vm, 0xff, sizeof(vm));
	pt_timed_host_ops(&timed, &timed_host);
	pt_timed_vm_ops(&timed, &timed_vm);
	(void)memcpy(host_words, &timed_host, sizeof(host_words));
	(void)memcpy(vm_words, &timed_vm, sizeof(vm_words));
	for (size_t i = 0; i < sizeof(host_words) / sizeof(*host_words); i++)
		if (!host_words[i])
			fail_msg("member %zu of struct pt_host_ops", i);
	for (size_t i = 0; i < sizeof(vm_words) / sizeof(*vm_words); i++)
		if (!vm_words[i])
			fail_msg("member %zu of struct pt_vm_ops", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_counts_for_the_kind_that_runs),
		cmocka_unit_test(waiting_inside_of_waiting_belongs_to_the_inner_one),
		cmocka_unit_test(a_watch_that_was_not_started_counts_nothing),
		cmocka_unit_test(a_call_through_the_table_counts_and_its_answer_comes_through),
		cmocka_unit_test(no_function_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
