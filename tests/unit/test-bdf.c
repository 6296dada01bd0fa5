/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/bdf.h"

static void every_form_that_people_write_is_read(void **state)
{
	static const char *const forms[] = { "0000:c1:1f.7", "c1:1f.7", "pci_0000_c1_1f_7", "0000:C1:1F.7" };
	struct pt_bdf bdf;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		assert_int_equal(pt_bdf_parse_loose(forms[i], &bdf), 0);
		assert_string_equal(pt_bdf_str(bdf).s, "0000:c1:1f.7");
	}
	assert_string_equal(pt_bdf_nodedev(bdf).s, "pci_0000_c1_1f_7");
}

static void a_domain_behind_vmd_has_five_digits(void **state)
{
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse("10000:65:00.0", &bdf), 0);
	assert_int_equal(bdf.domain, 0x10000);
	assert_string_equal(pt_bdf_str(bdf).s, "10000:65:00.0");
}

static void what_is_no_address_is_told_from_one_out_of_range(void **state)
{
	static const char *const none[] = { "",
					    "MegaRAID",
					    "1:00.0",
					    "01:00",
					    "01:00.0 ",
					    "01:00.00",
					    "0000:01:00.0x",
					    "000001:00.0",
					    "123456789:01:00.0",
					    "10de:2330",
					    "pci_0000:01:00.0" };
	struct pt_bdf bdf;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(pt_bdf_parse_loose(none[i], &bdf), -EINVAL);
	assert_int_equal(pt_bdf_parse_loose("01:20.0", &bdf), -ERANGE);
	assert_int_equal(pt_bdf_parse_loose("01:00.8", &bdf), -ERANGE);
	assert_int_equal(pt_bdf_parse("01:00.0", &bdf), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_that_people_write_is_read),
		cmocka_unit_test(a_domain_behind_vmd_has_five_digits),
		cmocka_unit_test(what_is_no_address_is_told_from_one_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
