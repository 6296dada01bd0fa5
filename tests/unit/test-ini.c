/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/ini.h"

static void read_ok(const char *text, struct pt_ini *ini)
{
	struct pt_error err = { 0 };

	if (pt_ini_parse(text, "t.conf", ini, &err) < 0)
		fail_msg("%s", err.msg);
}

static void equals_and_colon_both_assign(void **state)
{
	PT_AUTO(pt_ini) ini = { 0 };

	read_ok("[a]\nx = 1\ny: 2=3\nz=4:5\n", &ini);
	assert_int_equal(ini.n, 3);
	assert_string_equal(ini.v[0].value, "1");
	assert_string_equal(ini.v[1].key, "y");
	assert_string_equal(ini.v[1].value, "2=3");
	assert_string_equal(ini.v[2].value, "4:5");
}

static void an_indented_line_goes_on_with_the_value(void **state)
{
	PT_AUTO(pt_ini) ini = { 0 };

	read_ok("[a]\nx = [1,\n  2,\n\t3]\ny = 4\n", &ini);
	assert_int_equal(ini.n, 2);
	assert_string_equal(ini.v[0].value, "[1,\n2,\n3]");
	assert_int_equal(ini.v[0].line, 2);
	assert_int_equal(ini.v[1].line, 5);
}

static void repeated_keys_add_up(void **state)
{
	PT_AUTO(pt_ini) ini = { 0 };

	read_ok("x = 1\nx = 2\n", &ini);
	assert_int_equal(ini.n, 2);
	assert_string_equal(ini.v[1].section, "DEFAULT");
	assert_string_equal(ini.v[1].value, "2");
}

static void comments_and_empty_lines_are_passed_over(void **state)
{
	PT_AUTO(pt_ini) ini = { 0 };

	read_ok("# c\n; d\n\n[a]\n\nx = # no comment\n", &ini);
	assert_int_equal(ini.n, 1);
	assert_string_equal(ini.v[0].value, "# no comment");
}

static void one_pair_of_quotes_is_dropped(void **state)
{
	PT_AUTO(pt_ini) ini = { 0 };

	read_ok("x = '{\"a\": 1}'\ny = \"'z'\"\nw = 'open\n", &ini);
	assert_string_equal(ini.v[0].value, "{\"a\": 1}");
	assert_string_equal(ini.v[1].value, "'z'");
	assert_string_equal(ini.v[2].value, "'open");
}

static void what_is_malformed_is_named_with_its_line(void **state)
{
	static const char *const bad[][2] = { { "[a\n", "t.conf:1" },
					      { "x = 1\nnonsense\n", "t.conf:2" },
					      { "  x = 1\n", "t.conf:1" },
					      { "x = 1\n\n  2\n", "t.conf:3" },
					      { "= 1\n", "t.conf:1" } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		PT_AUTO(pt_ini) ini = { 0 };
		struct pt_error err = { 0 };

		assert_int_equal(pt_ini_parse(bad[i][0], "t.conf", &ini, &err), -EINVAL);
		assert_true(pt_startswith(err.msg, bad[i][1]));
		assert_int_equal(err.kind, PT_ERROR_USAGE);
	}
}

static void a_value_without_end_is_bounded(void **state)
{
	struct pt_buf b = { 0 };
	PT_AUTO(pt_ini) ini = { 0 };

	pt_buf_add(&b, "x = 1\n");
	for (int i = 0; i < 20000; i++)
		pt_buf_add(&b, " 2\n");
	assert_int_equal(pt_ini_parse(b.s, "t.conf", &ini, NULL), -EFBIG);
	pt_buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_and_colon_both_assign),
		cmocka_unit_test(an_indented_line_goes_on_with_the_value),
		cmocka_unit_test(repeated_keys_add_up),
		cmocka_unit_test(comments_and_empty_lines_are_passed_over),
		cmocka_unit_test(one_pair_of_quotes_is_dropped),
		cmocka_unit_test(what_is_malformed_is_named_with_its_line),
		cmocka_unit_test(a_value_without_end_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
