/* SPDX-License-Identifier: Apache-2.0 */
/* A library that is loaded late: found, missing, or too old. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/lazy.h"

struct table {
	size_t (*length)(const char *text);
	void *unknown;
};

static const struct pt_lazy_function known[] = { { "strlen", offsetof(struct table, length) }, { NULL, 0 } };

static void the_first_name_that_is_there_is_loaded(void **state)
{
	static const char *const files[] = { "libpassthru-nobody-has-this.so.7", "libc.so.6", NULL };
	struct table t = { 0 };
	atomic_bool loaded = false;

	(void)state;
	assert_int_equal(pt_lazy_load(files, known, &t, &loaded, NULL), 0);
	assert_int_equal(t.length("four"), 4);
	assert_true(loaded);
	/* what is there is not looked for again */
	t.length = NULL;
	assert_int_equal(pt_lazy_load(files, known, &t, &loaded, NULL), 0);
	assert_null(t.length);
}

static void a_missing_library_is_named(void **state)
{
	static const char *const files[] = { "libpassthru-nobody-has-this.so.7", "libnor-this.so.8", NULL };
	struct pt_error err = { 0 };
	struct table t = { 0 };
	atomic_bool loaded = false;

	(void)state;
	assert_int_equal(pt_lazy_load(files, known, &t, &loaded, &err), -ELIBACC);
	assert_non_null(strstr(err.msg, "libpassthru-nobody-has-this.so.7"));
	assert_null(t.length);
	assert_false(loaded);
}

static void a_function_that_it_lacks_is_named_and_nothing_is_filled_in(void **state)
{
	static const char *const files[] = { "libc.so.6", NULL };
	static const struct pt_lazy_function functions[] = {
		{ "strlen", offsetof(struct table, length) },
		{ "pt_no_libc_has_this", offsetof(struct table, unknown) },
		{ NULL, 0 },
	};
	struct pt_error err = { 0 };
	struct table t = { 0 };
	atomic_bool loaded = false;

	(void)state;
	assert_int_equal(pt_lazy_load(files, functions, &t, &loaded, &err), -ELIBBAD);
	assert_string_equal(err.msg, "libc.so.6 is too old: it has no function pt_no_libc_has_this");
	assert_null(t.length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_name_that_is_there_is_loaded),
		cmocka_unit_test(a_missing_library_is_named),
		cmocka_unit_test(a_function_that_it_lacks_is_named_and_nothing_is_filled_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
