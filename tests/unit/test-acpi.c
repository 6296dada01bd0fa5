/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/acpi.h"
#include "tree.h"

struct table {
	char bytes[4096];
	size_t size;
};

static struct table load(const char *name)
{
	struct table t = { .size = 0 };
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/acpi/%s", getenv("PT_TEST_DATA"), name);
	f = fopen(path, "rb");
	assert_non_null(f);
	t.size = fread(t.bytes, 1, sizeof(t.bytes), f);
	(void)fclose(f);
	assert_true(t.size > 48);
	return t;
}

/* 00:01.0 and 00:1c.0 are root ports, 00:14.0 is USB; 01:00.0 is behind the first, 02:00.0 and its VF behind the other
 */
static struct pt_device functions[] = {
	{ .bdf = { 0, 0, 0x01, 0 }, .class_code = 0x060400 },
	{ .bdf = { 0, 0, 0x14, 0 }, .class_code = 0x0c0330 },
	{ .bdf = { 0, 0, 0x1c, 0 }, .class_code = 0x060400 },
	{ .bdf = { 0, 1, 0, 0 }, .has_parent = true, .parent = { 0, 0, 0x01, 0 } },
	{ .bdf = { 0, 2, 0, 0 }, .has_parent = true, .parent = { 0, 0, 0x1c, 0 } },
	{ .bdf = { 0, 3, 0, 0 }, .has_parent = true, .parent = { 0, 0, 0x01, 0 }, .sriov = PT_SRIOV_VF },
	{ .bdf = { 1, 1, 0, 0 } },
};
static const struct pt_devices devices = { .v = functions, .n = sizeof(functions) / sizeof(*functions) };

static void dmar_tells_units_flags_and_reserved_regions(void **state)
{
	struct table t = load("dmar-rmrr");
	struct pt_acpi a = { .dmar = PT_KNOWN_YES };

	assert_int_equal(pt_dmar_parse(t.bytes, t.size, &a, NULL), 0);
	assert_true(a.read);
	assert_int_equal(a.dmar, PT_KNOWN_YES);
	assert_int_equal(a.units, 2);
	assert_true(a.intremap);
	assert_true(a.opt_in);
	assert_int_equal(a.reserved.n, 3);
	assert_true(a.reserved.v[1].base == 0xbf820000);
	assert_true(a.reserved.v[1].limit == 0xbf83ffff);
	pt_acpi_done(&a);
}

static void a_path_through_a_bridge_names_the_card_behind_it(void **state)
{
	struct table t = load("dmar-rmrr");
	struct pt_acpi a = { 0 };
	struct pt_bdf bdf;

	assert_int_equal(pt_dmar_parse(t.bytes, t.size, &a, NULL), 0);
	assert_int_equal(pt_scope_resolve(&a.reserved.v[1].scopes.v[0], &devices, &bdf), 0);
	assert_string_equal(pt_bdf_str(bdf).s, "0000:01:00.0");
	assert_true(pt_reserved_names(&a.reserved.v[1], &devices, &devices.v[3]));
	assert_false(pt_reserved_names(&a.reserved.v[1], &devices, &devices.v[0]));
	assert_false(pt_reserved_names(&a.reserved.v[1], &devices, &devices.v[5]));
	assert_false(pt_reserved_names(&a.reserved.v[1], &devices, &devices.v[6]));
	pt_acpi_done(&a);
}

static void a_named_bridge_means_all_that_is_behind_it(void **state)
{
	struct table t = load("dmar-rmrr");
	struct pt_acpi a = { 0 };

	assert_int_equal(pt_dmar_parse(t.bytes, t.size, &a, NULL), 0);
	assert_true(a.reserved.v[2].scopes.v[0].bridge);
	assert_true(pt_reserved_names(&a.reserved.v[2], &devices, &devices.v[4]));
	assert_false(pt_reserved_names(&a.reserved.v[2], &devices, &devices.v[3]));
	pt_acpi_done(&a);
}

static void a_scope_that_leads_nowhere_names_nothing(void **state)
{
	struct pt_scope scope = { .bus = 0, .n = 2, .path = { { 0x01, 0 }, { 5, 0 } } };
	struct pt_bdf bdf;

	assert_int_equal(pt_scope_resolve(&scope, &devices, &bdf), -ENOENT);
	scope.n = 0;
	assert_int_equal(pt_scope_resolve(&scope, &devices, &bdf), -ENOENT);
}

static void dmar_without_the_flag_offers_no_interrupt_remapping(void **state)
{
	struct table t = load("dmar-no-intremap");
	struct pt_acpi a = { 0 };

	assert_int_equal(pt_dmar_parse(t.bytes, t.size, &a, NULL), 0);
	assert_false(a.intremap);
	assert_int_equal(a.units, 1);
	pt_acpi_done(&a);
}

static void one_iommu_in_three_blocks_is_one_unit(void **state)
{
	struct table t = load("ivrs-well");
	struct pt_acpi a = { 0 };

	assert_int_equal(pt_ivrs_parse(t.bytes, t.size, &a, NULL), 0);
	assert_int_equal(a.units, 1);
	assert_true(a.intremap);
	assert_int_equal(a.reserved.n, 1);
	assert_true(pt_reserved_names(&a.reserved.v[0], &devices, &devices.v[3]));
	assert_false(pt_reserved_names(&a.reserved.v[0], &devices, &devices.v[4]));
	assert_false(pt_reserved_names(&a.reserved.v[0], &devices, &devices.v[6]));
	pt_acpi_done(&a);
}

static void ivrs_without_an_io_apic_cannot_remap(void **state)
{
	struct table t = load("ivrs-no-ioapic");
	struct pt_acpi a = { 0 };

	assert_int_equal(pt_ivrs_parse(t.bytes, t.size, &a, NULL), 0);
	assert_false(a.intremap);
	pt_acpi_done(&a);
}

static void refused(const struct table *t, const char *message)
{
	struct pt_acpi a = { .units = 7 };
	struct pt_error err = { 0 };

	assert_int_equal(pt_dmar_parse(t->bytes, t->size, &a, &err), -EBADMSG);
	assert_string_equal(err.msg, message);
	assert_int_equal(a.units, 7);
	assert_false(a.read);
}

static void a_malformed_table_is_refused_with_the_offset(void **state)
{
	struct table t = load("dmar-rmrr");

	t.size = 47;
	refused(&t, "the DMAR table is malformed: an impossible size at byte 0");
	t = load("dmar-rmrr");
	t.bytes[4] = 0x7f;
	t.bytes[5] = 0x7f;
	refused(&t, "the DMAR table is malformed: a length beyond the table at byte 0");
	t = load("dmar-rmrr");
	t.bytes[50] = 0;
	refused(&t, "the DMAR table is malformed: a structure with an impossible length at byte 48");
	t = load("ivrs-well");
	refused(&t, "the DMAR table is malformed: another signature at byte 0");
	t = load("dmar-rmrr");
	/* the first RMRR's scope: 48 + 24 (DRHD) + 16 (DRHD) + 24 (RMRR), its length */
	t.bytes[48 + 24 + 16 + 24 + 1] = 5;
	refused(&t, "the DMAR table is malformed: a device scope with an impossible length at byte 112");
	t.bytes[48 + 24 + 16 + 24 + 1] = 8;
	t.bytes[48 + 24 + 16 + 24 + 6] = 0x20;
	refused(&t, "the DMAR table is malformed: a device scope with an impossible device or function at byte 112");
}

static void every_table_cut_anywhere_is_refused_and_read_no_further(void **state)
{
	static const char *const names[] = { "dmar-rmrr", "ivrs-well" };

	for (size_t i = 0; i < 2; i++) {
		struct table t = load(names[i]);

		for (size_t size = 0; size < t.size; size++) {
			char *exact = malloc(size ? size : 1);
			struct pt_acpi a = { 0 };

			memcpy(exact, t.bytes, size);
			if (size >= 8) {
				uint32_t length = (uint32_t)size;

				memcpy(exact + 4, &length, 4);
			}
			if (pt_dmar_parse(exact, size, &a, NULL) == 0 || pt_ivrs_parse(exact, size, &a, NULL) == 0)
				pt_acpi_done(&a);
			free(exact);
		}
	}
}

static void the_folder_tells_which_tables_there_are(void **state)
{
	struct tree *tree = *state;
	struct table t = load("dmar-well");
	struct pt_acpi a = { 0 };

	tree_bytes(tree, "sys/firmware/acpi/tables/DMAR", t.bytes, t.size);
	tree_file(tree, "sys/firmware/acpi/tables/IORT", "IORT");
	pt_acpi_read(&tree->root, &a);
	assert_int_equal(a.dmar, PT_KNOWN_YES);
	assert_int_equal(a.ivrs, PT_KNOWN_NO);
	assert_int_equal(a.iort, PT_KNOWN_YES);
	assert_true(a.read);
	assert_null(a.why_not);
	pt_acpi_done(&a);
}

static void a_table_that_cannot_be_parsed_is_there_with_the_reason(void **state)
{
	struct tree *tree = *state;
	struct pt_acpi a = { 0 };

	tree_file(tree, "sys/firmware/acpi/tables/IVRS", "IVRS and then nothing of the kind, just some more text");
	pt_acpi_read(&tree->root, &a);
	assert_int_equal(a.ivrs, PT_KNOWN_YES);
	assert_false(a.read);
	assert_string_equal(a.why_not, "the IVRS table is malformed: a length beyond the table at byte 0");
	pt_acpi_done(&a);
}

static void a_capture_without_the_folder_knows_of_no_table(void **state)
{
	struct tree *tree = *state;
	struct pt_acpi a = { 0 };

	pt_acpi_read(&tree->root, &a);
	assert_int_equal(a.dmar, PT_KNOWN_UNKNOWN);
	pt_acpi_done(&a);
	tree->root.captured = false;
	pt_acpi_read(&tree->root, &a);
	assert_int_equal(a.dmar, PT_KNOWN_NO);
	pt_acpi_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dmar_tells_units_flags_and_reserved_regions),
		cmocka_unit_test(a_path_through_a_bridge_names_the_card_behind_it),
		cmocka_unit_test(a_named_bridge_means_all_that_is_behind_it),
		cmocka_unit_test(a_scope_that_leads_nowhere_names_nothing),
		cmocka_unit_test(dmar_without_the_flag_offers_no_interrupt_remapping),
		cmocka_unit_test(one_iommu_in_three_blocks_is_one_unit),
		cmocka_unit_test(ivrs_without_an_io_apic_cannot_remap),
		cmocka_unit_test(a_malformed_table_is_refused_with_the_offset),
		cmocka_unit_test(every_table_cut_anywhere_is_refused_and_read_no_further),
		cmocka_unit_test_setup_teardown(the_folder_tells_which_tables_there_are, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_table_that_cannot_be_parsed_is_there_with_the_reason, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(a_capture_without_the_folder_knows_of_no_table, tree_setup,
						tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
