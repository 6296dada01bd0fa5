/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/regex.h"

static int match(const char *pattern, const char *text)
{
	struct pt_error err = { 0 };
	struct pt_regex *regex;
	int r = pt_regex_compile(pattern, &regex, &err);

	if (r < 0)
		fail_msg("%s: %s", pattern, err.msg);
	r = pt_regex_match(regex, text);
	pt_regex_free(regex);
	return r;
}

static void it_is_anchored_at_the_start_only(void **state)
{
	assert_int_equal(match("0", "0a"), 1);
	assert_int_equal(match("a", "0a"), 0);
	assert_int_equal(match("^0a$", "0a"), 1);
	assert_int_equal(match("", "0a"), 1);
	assert_int_equal(match("0|a", "a0"), 1);
}

static void it_reads_what_python_reads(void **state)
{
	assert_int_equal(match("0{,2}1", "001"), 1);
	assert_int_equal(match("0{,}", "0"), 1);
	assert_int_equal(match("\\x30\\u0031\\Z", "01"), 1);
	assert_int_equal(match("(?P<x>0)(?P=x)", "00"), 1);
	assert_int_equal(match("(?a:0)(?u:1)", "01"), 1);
	assert_int_equal(match("(?i)A", "a"), 1);
	assert_int_equal(match("[]0]", "]"), 1);
	assert_int_equal(match("[[0]", "["), 1);
	assert_int_equal(match("[[:digit:]]", "d]"), 1);
	assert_int_equal(match("[\\d]", "7"), 1);
	assert_int_equal(match("(?#note)0", "0"), 1);
}

static void what_python_refuses_is_refused(void **state)
{
	static const char *const bad[] = { "(",	   "[",	    "*",      "a**b(",	 "\\",	    "\\K0",    "\\Q*\\E",
					   "\\h",  "(?R)",  "(?1)",   "(?|a)",	 "(*FAIL)", "(?",      "(?)",
					   "\\x0", "\\u00", "(?P>x)", "(?<x>0)", "\\N{}",   "(?'x'0)", "(?q:x)" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pt_error err = { 0 };
		struct pt_regex *regex = NULL;

		if (pt_regex_compile(bad[i], &regex, &err) != -EINVAL || !err.msg[0])
			fail_msg("'%s' was read", bad[i]);
	}
}

static void nested_repeats_come_to_an_end(void **state)
{
	static const char *const evil[] = { "(((((0*)*)*)*)*)*x", "(0|0)*(0|0)*(0|0)*(0|0)*x", "(?:(?:0?){30}){30}x" };
	struct timespec start;
	struct timespec end;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
		int r = match(evil[i], "00000000");

		assert_true(r == 0 || r == -ETIME);
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_true(end.tv_sec - start.tv_sec < 5);
}

static void a_pattern_without_end_is_not_read(void **state)
{
	struct pt_buf b = { 0 };
	struct pt_regex *regex = NULL;

	while (b.n <= PT_REGEX_MAX)
		pt_buf_add(&b, "0123");
	assert_int_equal(pt_regex_compile(b.s, &regex, NULL), -E2BIG);
	pt_buf_done(&b);
}

static void letters_of_any_script_are_the_same_in_either_case(void **state)
{
	assert_true(pt_text_same_nocase("Net", "nET"));
	assert_true(pt_text_same_nocase("Ünal", "üNAL"));
	assert_true(pt_text_same_nocase("сеть", "СЕТЬ"));
	assert_false(pt_text_same_nocase("сеть", "сет"));
	assert_false(pt_text_same_nocase("a", "ä"));
	assert_false(pt_text_same_nocase("\xff\xfe", "\xff"));
	assert_true(pt_text_same_nocase("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_anchored_at_the_start_only),
		cmocka_unit_test(it_reads_what_python_reads),
		cmocka_unit_test(what_python_refuses_is_refused),
		cmocka_unit_test(nested_repeats_come_to_an_end),
		cmocka_unit_test(a_pattern_without_end_is_not_read),
		cmocka_unit_test(letters_of_any_script_are_the_same_in_either_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
