/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decide/memory.h"
#include "domains.h"
#include "domxml/domxml.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static void a_guest_without_devices_locks_nothing(void **state)
{
	struct pt_domain vm = { .memory_kib = 384 * 1024 };

	(void)state;
	assert_int_equal(pt_memlock_limit(&vm, 0), 0);
	assert_int_equal(pt_memory_to_pin(&vm, 0), 0);
}

/* measured with libvirt 11.3: a guest of 384 MiB with two VFIO devices */
static void the_limit_is_what_libvirt_sets(void **state)
{
	struct pt_domain vm = { .memory_kib = 384 * 1024 };
	char model[] = "intel";

	(void)state;
	assert_int_equal(pt_memlock_limit(&vm, 2), 1476395008);
	vm.viommu.model = model;
	assert_int_equal(pt_memlock_limit(&vm, 2), 1879048192);
	assert_int_equal(pt_memlock_limit(&vm, 1), 1476395008);
}

static void memory_is_pinned_once_however_many_devices_there_are(void **state)
{
	struct pt_domain vm = { .memory_kib = 384 * 1024 };
	char model[] = "intel";

	(void)state;
	assert_int_equal(pt_memory_to_pin(&vm, 1), 384 * MIB);
	vm.viommu.model = model;
	assert_int_equal(pt_memory_to_pin(&vm, 8), 384 * MIB);
}

static void a_hard_limit_wins_over_all(void **state)
{
	struct pt_domain vm = { .memory_kib = 1 << 20, .hard_limit_kib = 5 << 20, .memory_locked = true };

	(void)state;
	assert_int_equal(pt_memlock_limit(&vm, 1), 5 * GIB);
	assert_int_equal(pt_memlock_limit(&vm, 0), 5 * GIB);
}

static void locked_memory_is_unlimited(void **state)
{
	struct pt_domain vm = { .memory_kib = 1 << 20, .memory_locked = true };

	(void)state;
	assert_true(pt_memlock_limit(&vm, 0) == PT_MEMLOCK_UNLIMITED);
}

static void nvme_disks_and_vdpa_count_each(void **state)
{
	struct pt_domain_disk disks[] = { { .type = PT_DISK_NVME },
					  { .type = PT_DISK_FILE },
					  { .type = PT_DISK_NVME } };
	struct pt_domain vm = { .memory_kib = 1 << 20, .vdpa_count = 1, .disks = { disks, 3, 3 } };

	(void)state;
	assert_int_equal(pt_memlock_limit(&vm, 0), 3 * GIB + GIB);
	assert_int_equal(pt_memlock_limit(&vm, 5), 4 * GIB + GIB);
}

static void power_has_a_formula_of_its_own(void **state)
{
	struct pt_domain vm = { 0 };
	char *text = domains_text("ppc64-pseries");

	(void)state;
	assert_int_equal(pt_domxml_read(text, &vm, NULL), 0);
	free(text);
	/* 16 GiB at most, 8 GiB now, two host bridges: 128 + 8 + 8 MiB, then 8 GiB + 2 * 16 MiB + 8 MiB */
	assert_int_equal(pt_memlock_limit(&vm, 0), 144 * MIB);
	assert_int_equal(pt_memlock_limit(&vm, 1), 144 * MIB + 8 * GIB + 40 * MIB);
	pt_domain_done(&vm);
}

static void sizes_past_all_bounds_do_not_wrap(void **state)
{
	struct pt_domain vm = { .memory_kib = UINT64_MAX / 2, .vdpa_count = 9 };

	(void)state;
	assert_true(pt_memlock_limit(&vm, 1) == UINT64_MAX);
	assert_true(pt_memory_to_pin(&vm, 1) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_without_devices_locks_nothing),
		cmocka_unit_test(the_limit_is_what_libvirt_sets),
		cmocka_unit_test(memory_is_pinned_once_however_many_devices_there_are),
		cmocka_unit_test(a_hard_limit_wins_over_all),
		cmocka_unit_test(locked_memory_is_unlimited),
		cmocka_unit_test(nvme_disks_and_vdpa_count_each),
		cmocka_unit_test(power_has_a_formula_of_its_own),
		cmocka_unit_test(sizes_past_all_bounds_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
