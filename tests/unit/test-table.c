/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/table.h"

static struct pt_table *make(size_t width)
{
	struct pt_table *t = pt_table_new(width);
	struct pt_table_line *line;

	pt_table_column(t, "ADDRESS", PT_TABLE_TREE, 0);
	pt_table_column(t, "NAME", PT_TABLE_CUT, 0);
	pt_table_column(t, "GROUP", PT_TABLE_RIGHT, 1);
	pt_table_column(t, "NOTE", 0, 2);
	line = pt_table_line(t, NULL);
	pt_table_cell(t, line, 0, "0000:00:01.0");
	pt_table_cell(t, line, 1, "a bridge with a name that is long");
	pt_table_cell(t, line, 2, "1");
	line = pt_table_line(t, line);
	pt_table_cell(t, line, 0, "0000:01:00.0");
	pt_table_cell(t, line, 1, "M\xc3\xbcller");
	pt_table_cell(t, line, 2, "14");
	pt_table_cell(t, line, 3, "and so on");
	return t;
}

static char *print(size_t width)
{
	struct pt_table *t = make(width);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(pt_table_print(t, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	pt_table_free(t);
	return text;
}

static void a_table_is_as_wide_as_it_needs_to_be_when_nobody_watches(void **state)
{
	pt_autofree char *text = print(0);

	(void)state;
	assert_string_equal(text, "ADDRESS        NAME                              GROUP NOTE\n"
				  "0000:00:01.0   a bridge with a name that is long     1 \n"
				  "\xe2\x94\x94\xe2\x94\x80"
				  "0000:01:00.0 M\xc3\xbcller"
				  "                               14 and so on\n");
}

static void a_narrow_terminal_loses_columns_in_their_order_and_then_names_are_cut(void **state)
{
	pt_autofree char *wide = print(70);
	pt_autofree char *less = print(50);
	pt_autofree char *narrow = print(40);

	(void)state;
	assert_non_null(strstr(wide, "NOTE"));
	assert_null(strstr(less, "NOTE"));
	assert_non_null(strstr(less, "GROUP"));
	assert_null(strstr(narrow, "GROUP"));
	assert_non_null(strstr(narrow, "NAME"));
	assert_null(strstr(narrow, "that is long"));
	/* no line is longer than the terminal */
	for (const char *p = narrow; *p; p = strchr(p, '\n') + 1)
		assert_true(strcspn(p, "\n") <= 40 + strlen("\xe2\x94\x94\xe2\x94\x80") - 2);
}

static void a_table_without_lines_prints_nothing(void **state)
{
	struct pt_table *t = pt_table_new(0);

	(void)state;
	pt_table_column(t, "ADDRESS", 0, 0);
	assert_int_equal(pt_table_print(t, stdout, NULL), 0);
	pt_table_free(t);
}

static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_ALL, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_as_wide_as_it_needs_to_be_when_nobody_watches),
		cmocka_unit_test(a_narrow_terminal_loses_columns_in_their_order_and_then_names_are_cut),
		cmocka_unit_test(a_table_without_lines_prints_nothing),
	};

	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
