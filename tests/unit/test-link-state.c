/* SPDX-License-Identifier: Apache-2.0 */
/* What a step says of a network interface comes back the same, and anything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/link-state.h"

static void what_is_said_comes_back(void **state)
{
	static const char *const texts[] = { "", "up=on", "up=off mtu=1500", "mtu=9000" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pt_link_state s;
		pt_autofree char *text = NULL;

		assert_int_equal(pt_link_state_parse(texts[i], &s, NULL), 0);
		text = pt_link_state_text(&s);
		assert_string_equal(text, texts[i]);
	}
}

static void what_no_interface_has_is_refused_by_its_word(void **state)
{
	static const char *const bad[] = {
		"up", "up=yes", "mtu=", "mtu=67", "mtu=65536", "mtu=15x", "mtu=-1", "down=on"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pt_link_state s;
		struct pt_error err = { 0 };

		assert_int_equal(pt_link_state_parse(bad[i], &s, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, bad[i]));
	}
}

static void what_is_not_said_may_be_as_it_likes(void **state)
{
	struct pt_link_state now = { true, true, 9000 };

	(void)state;
	assert_true(pt_link_state_is(&(struct pt_link_state){ 0 }, &now));
	assert_true(pt_link_state_is(&(struct pt_link_state){ true, true, 0 }, &now));
	assert_false(pt_link_state_is(&(struct pt_link_state){ true, false, 0 }, &now));
	assert_false(pt_link_state_is(&(struct pt_link_state){ false, false, 1500 }, &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_comes_back),
		cmocka_unit_test(what_no_interface_has_is_refused_by_its_word),
		cmocka_unit_test(what_is_not_said_may_be_as_it_likes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
