/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decide/group.h"
#include "world.h"

struct fixture {
	struct world *w;
	struct pt_group_members members;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->w = world_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_group_members_done(&f->members);
	world_free(f->w);
	free(f);
	return 0;
}

static void judge(struct fixture *f, int group)
{
	pt_group_members_done(&f->members);
	pt_group_judge(&f->w->host.devices, group, f->w->asked.v, f->w->asked.n, &f->members);
}

static enum pt_group_role role(const struct fixture *f, const char *bdf)
{
	for (size_t i = 0; i < f->members.n; i++)
		if (pt_bdf_eq(f->members.v[i].device->bdf, world_bdf(bdf)))
			return f->members.v[i].role;
	fail_msg("%s is not in the group", bdf);
	return PT_GROUP_BLOCKS;
}

static void a_device_alone_in_its_group_may_go(void **state)
{
	struct fixture *f = *state;

	world_ask(f->w, "0000:01:00.0");
	judge(f, 14);
	assert_int_equal(f->members.n, 1);
	assert_int_equal(role(f, "0000:01:00.0"), PT_GROUP_WANTED);
	assert_true(pt_group_viable(&f->members));
}

static void bridges_stay_and_companions_block(void **state)
{
	struct fixture *f = *state;
	char *list;

	world_ask(f->w, "0000:05:01.0");
	judge(f, 20);
	assert_int_equal(f->members.n, 3);
	assert_int_equal(role(f, "0000:05:00.0"), PT_GROUP_STAYS);
	assert_int_equal(role(f, "0000:05:02.0"), PT_GROUP_BLOCKS);
	assert_false(pt_group_viable(&f->members));
	list = pt_group_list(&f->members, PT_GROUP_BLOCKS);
	assert_string_equal(list, "0000:05:02.0 (e1000)");
	free(list);
	world_ask(f->w, "0000:05:02.0");
	judge(f, 20);
	assert_true(pt_group_viable(&f->members));
}

static void drivers_that_do_no_dma_for_the_host_do_not_block(void **state)
{
	static const char *const harmless[] = { "vfio-pci", "pci-stub", "mlx5_vfio_pci", NULL };
	struct fixture *f = *state;

	world_ask(f->w, "0000:05:01.0");
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		pt_strset(&world_device(f->w, "0000:05:02.0")->driver, harmless[i]);
		judge(f, 20);
		assert_int_equal(role(f, "0000:05:02.0"), PT_GROUP_FREE);
		assert_true(pt_group_viable(&f->members));
	}
}

static void a_bridge_that_a_host_driver_holds_blocks(void **state)
{
	struct fixture *f = *state;

	world_ask(f->w, "0000:00:1f.2");
	world_ask(f->w, "0000:00:1f.3");
	judge(f, 9);
	assert_int_equal(role(f, "0000:00:1f.0"), PT_GROUP_BLOCKS_BRIDGE);
	assert_false(pt_group_viable(&f->members));
	pt_strset(&world_device(f->w, "0000:00:1f.0")->driver, NULL);
	judge(f, 9);
	assert_int_equal(role(f, "0000:00:1f.0"), PT_GROUP_STAYS);
	assert_true(pt_group_viable(&f->members));
}

static void no_group_has_no_members(void **state)
{
	struct fixture *f = *state;

	world_device(f->w, "0000:01:00.0")->iommu_group = PT_GROUP_NONE;
	judge(f, PT_GROUP_NONE);
	assert_int_equal(f->members.n, 0);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(a_device_alone_in_its_group_may_go),
		t(bridges_stay_and_companions_block),
		t(drivers_that_do_no_dma_for_the_host_do_not_block),
		t(a_bridge_that_a_host_driver_holds_blocks),
		t(no_group_has_no_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
