/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/memory.h"
#include "tree.h"

static void total_available_and_every_huge_page_pool_are_read(void **state)
{
	struct tree *t = *state;
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "MemTotal:       65806480 kB\nMemFree:  1 kB\nMemAvailable:   61234567 kB\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "4\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "0\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.total_kib, 65806480);
	assert_int_equal(m.available_kib, 61234567);
	assert_int_equal(m.hugepages.n, 2);
	assert_int_equal(m.hugepages.v[0].size_kib, 1048576);
	assert_int_equal(m.hugepages.v[0].total, 4);
	assert_int_equal(m.hugepages.v[1].free, 500);
	free(m.hugepages.v);
}

static void huge_pages_that_somebody_else_has_reserved_are_not_free(void **state)
{
	struct tree *t = *state;
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 9 kB\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "480\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.hugepages.v[0].free, 20);
	free(m.hugepages.v);
	m.hugepages.v = NULL;
	/* a moment in which the kernel's two numbers do not fit together */
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "501\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.hugepages.v[0].free, 0);
	free(m.hugepages.v);
}

static void what_zfs_gives_back_under_pressure_is_available(void **state)
{
	struct tree *t = *state;
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 1048576 kB\n");
	tree_file(t, "proc/spl/kstat/zfs/arcstats",
		  "13 1 0x01 147 39984 5372923116 81283417571\nname                            type data\n"
		  "hits                            4    100\nc_min                           4    1073741824\n"
		  "c_max                           4    17179869184\nsize                            4    9663676416\n"
		  "compressed_size                 4    77\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.available_kib, 9437184);
	/* below its minimum it gives nothing back; and never more than there is */
	tree_file(t, "proc/spl/kstat/zfs/arcstats", "c_min 4 1073741824\nsize 4 1024\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.available_kib, 1048576);
	tree_file(t, "proc/spl/kstat/zfs/arcstats", "c_min 4 0\nsize 4 18446744073709551615\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.available_kib, 33554432);
}

static void a_kernel_without_huge_pages_is_no_error(void **state)
{
	struct tree *t = *state;
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 9 kB\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.hugepages.n, 0);
}

static void a_pool_with_a_senseless_name_or_number_is_left_out(void **state)
{
	struct tree *t = *state;
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 9 kB\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kBx/nr_hugepages", "1\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-2048kBx/free_hugepages", "1\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-4096kB/nr_hugepages", "-1\n");
	tree_file(t, "sys/kernel/mm/hugepages/hugepages-4096kB/free_hugepages", "1\n");
	assert_int_equal(pt_memory_read(&t->root, &m, NULL), 0);
	assert_int_equal(m.hugepages.n, 0);
}

static void a_key_inside_another_word_does_not_count(void **state)
{
	struct tree *t = *state;
	struct pt_error err = { 0 };
	struct pt_memory m = { 0 };

	tree_file(t, "proc/meminfo", "NotMemTotal: 1 kB\nMemTotalX: 2 kB\nMemAvailable: 9 kB\n");
	assert_int_equal(pt_memory_read(&t->root, &m, &err), -EBADMSG);
	assert_string_equal(err.msg, "/proc/meminfo has no MemTotal or no MemAvailable in kB");
}

static void a_capture_without_meminfo_says_which_file_is_missing(void **state)
{
	struct tree *t = *state;
	struct pt_error err = { 0 };
	struct pt_memory m = { 0 };

	assert_int_equal(pt_memory_read(&t->root, &m, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot read how much memory the host has (/proc/meminfo): "
				     "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(total_available_and_every_huge_page_pool_are_read, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(huge_pages_that_somebody_else_has_reserved_are_not_free, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(what_zfs_gives_back_under_pressure_is_available, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(a_kernel_without_huge_pages_is_no_error, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_pool_with_a_senseless_name_or_number_is_left_out, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(a_key_inside_another_word_does_not_count, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_capture_without_meminfo_says_which_file_is_missing, tree_setup,
						tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
