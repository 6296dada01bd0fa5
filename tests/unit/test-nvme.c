/* SPDX-License-Identifier: Apache-2.0 */
/* What an NVMe controller tells of its secondaries, and how their queues are shared out. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/nvme-virt.h"

struct pages {
	unsigned char controller[PT_NVME_PAGE];
	unsigned char capabilities[PT_NVME_PAGE];
	unsigned char secondaries[PT_NVME_PAGE];
};

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)value;
	at[1] = (unsigned char)(value >> 8);
}

static int setup(void **state)
{
	struct pages *p = pt_alloc(sizeof(*p));

	put16(p->controller + 256, 1 << 7 | 1 << 3);
	put16(p->capabilities, 0x11);
	p->capabilities[4] = 3;
	put16(p->capabilities + 32, 8);
	put16(p->capabilities + 40, 6);
	put16(p->capabilities + 42, 5);
	put16(p->capabilities + 44, 4);
	put16(p->capabilities + 46, 2);
	put16(p->capabilities + 64, 4);
	put16(p->capabilities + 76, 1);
	p->secondaries[0] = 2;
	put16(p->secondaries + 32, 0x12);
	put16(p->secondaries + 34, 0x11);
	p->secondaries[36] = 1;
	put16(p->secondaries + 40, 1);
	put16(p->secondaries + 42, 2);
	put16(p->secondaries + 44, 1);
	put16(p->secondaries + 64, 0x13);
	put16(p->secondaries + 72, 2);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void the_pages_are_read_as_the_specification_lays_them_out(void **state)
{
	const struct pages *p = *state;
	PT_AUTO(pt_nvme_virt) n = { 0 };

	pt_nvme_parse(p->controller, p->capabilities, p->secondaries, &n);
	assert_true(n.manages);
	assert_int_equal(n.id, 0x11);
	assert_true(n.queues.flexible && n.interrupts.flexible);
	assert_int_equal(n.queues.total, 8);
	assert_int_equal(n.queues.own, 6);
	assert_int_equal(n.queues.fixed, 5);
	assert_int_equal(n.queues.most, 4);
	assert_int_equal(n.queues.step, 2);
	assert_int_equal(n.interrupts.total, 4);
	assert_int_equal(n.interrupts.most, 1);
	assert_int_equal(n.v.n, 2);
	assert_int_equal(pt_nvme_of_vf(&n, 0)->id, 0x12);
	assert_true(pt_nvme_of_vf(&n, 0)->online);
	assert_int_equal(pt_nvme_of_vf(&n, 0)->queues, 2);
	assert_int_equal(pt_nvme_of_vf(&n, 0)->interrupts, 1);
	assert_false(pt_nvme_of_vf(&n, 1)->online);
	assert_null(pt_nvme_of_vf(&n, 2));
}

static void a_controller_without_the_command_has_vfs_that_need_nothing(void **state)
{
	struct pages *p = *state;
	PT_AUTO(pt_nvme_virt) n = { 0 };

	put16(p->controller + 256, 1 << 3);
	pt_nvme_parse(p->controller, p->capabilities, p->secondaries, &n);
	assert_false(n.manages);
	assert_int_equal(n.v.n, 0);
	assert_int_equal(pt_nvme_most_vfs(&n), UINT_MAX);
}

static void a_list_that_says_more_than_a_page_holds_is_cut(void **state)
{
	struct pages *p = *state;
	PT_AUTO(pt_nvme_virt) n = { 0 };

	memset(p->secondaries, 0xff, sizeof(p->secondaries));
	memset(p->capabilities, 0xff, sizeof(p->capabilities));
	pt_nvme_parse(p->controller, p->capabilities, p->secondaries, &n);
	assert_int_equal(n.v.n, 127);
	assert_true(pt_nvme_most_vfs(&n) <= UINT_MAX);
	assert_true(pt_nvme_share(&n.queues, 127, pt_nvme_own(&n.queues, 127, 2)) <= n.queues.most);
}

static void queues_are_shared_in_steps_and_the_primary_keeps_what_it_needs(void **state)
{
	struct pt_nvme_pool pool = { .flexible = true, .total = 8, .own = 8, .fixed = 5, .most = 4, .step = 2 };
	struct pt_nvme_virt n = { .manages = true, .queues = pool };

	(void)state;
	/* two with four each take all; one leaves four with the primary */
	assert_int_equal(pt_nvme_own(&pool, 2, 2), 0);
	assert_int_equal(pt_nvme_share(&pool, 2, 0), 4);
	assert_int_equal(pt_nvme_own(&pool, 1, 2), 4);
	assert_int_equal(pt_nvme_share(&pool, 1, 4), 4);
	/* 8 / 3 is 2 in steps of 2 */
	assert_int_equal(pt_nvme_share(&pool, 3, 0), 2);
	assert_int_equal(pt_nvme_most_vfs(&n), 4);
	/* it is never given more than it has, and never left with too few */
	pool.own = 1;
	assert_int_equal(pt_nvme_own(&pool, 1, 2), 1);
	pool.own = 8;
	pool.fixed = 0;
	assert_int_equal(pt_nvme_own(&pool, 4, 2), 2);
	n.queues = pool;
	assert_int_equal(pt_nvme_most_vfs(&n), 3);
	/* a step that is more than a VF may have */
	n.queues.step = 8;
	assert_int_equal(pt_nvme_most_vfs(&n), 0);
	pool.flexible = false;
	assert_int_equal(pt_nvme_share(&pool, 2, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_pages_are_read_as_the_specification_lays_them_out),
		TEST(a_controller_without_the_command_has_vfs_that_need_nothing),
		TEST(a_list_that_says_more_than_a_page_holds_is_cut),
		TEST(queues_are_shared_in_steps_and_the_primary_keeps_what_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
