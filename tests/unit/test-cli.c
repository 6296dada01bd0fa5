/* SPDX-License-Identifier: Apache-2.0 */
/* The program from outside: what a typo gets, and which exit status.  Commands have tests of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* runs `passthru ARGUMENTS`, both outputs together; returns the exit status */
static int passthru(const char *arguments, char *output, size_t size)
{
	char command[1024];
	FILE *p;
	size_t n;

	(void)snprintf(command, sizeof(command), "{ %s %s; } 2>&1", getenv("PT_PASSTHRU"), arguments);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(output, 1, size - 1, p);
	output[n] = '\0';
	return WEXITSTATUS(pclose(p));
}

static void help_lists_the_commands_and_succeeds(void **state)
{
	char out[16384];

	assert_int_equal(passthru("--help", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "Usage: passthru"));
	assert_int_equal(passthru("help", out, sizeof(out)), 0);
	assert_int_equal(passthru("help help", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "Usage: passthru help"));
}

static void without_a_command_the_help_is_a_usage_error(void **state)
{
	char out[16384];

	assert_int_equal(passthru("", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "Usage: passthru"));
}

static void a_typo_is_answered_with_what_was_meant(void **state)
{
	char out[16384];

	assert_int_equal(passthru("hlep", out, sizeof(out)), 2);
	assert_string_equal(out, "passthru: there is no command 'hlep'\n          did you mean `passthru help`?\n");
	assert_int_equal(passthru("help --jsno", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "did you mean --json?"));
	assert_int_equal(passthru("help frobnicate", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "there is no command 'frobnicate'"));
}

static void options_are_checked_for_values_and_operands_for_their_number(void **state)
{
	char out[16384];

	assert_int_equal(passthru("help --sysroot", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--sysroot needs a value: --sysroot DIR"));
	assert_int_equal(passthru("help --json=yes", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--json takes no value"));
	assert_int_equal(passthru("help help help", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "one argument too many"));
	assert_int_equal(passthru("--color=sometimes help", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "expected auto, always or never"));
}

static void a_sysroot_that_is_none_is_named(void **state)
{
	char out[16384];

	assert_int_equal(passthru("help --sysroot /nonexistent", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "/nonexistent"));
}

static void the_table_of_commands_is_there_for_programs(void **state)
{
	static char out[262144];

	(void)state;
	assert_int_equal(passthru("help --json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"commands\""));
}

static void a_full_disk_behind_the_output_is_a_failure(void **state)
{
	char out[1024];

	assert_int_equal(passthru("--version >/dev/full", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "cannot write the answer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_the_commands_and_succeeds),
		cmocka_unit_test(without_a_command_the_help_is_a_usage_error),
		cmocka_unit_test(a_typo_is_answered_with_what_was_meant),
		cmocka_unit_test(options_are_checked_for_values_and_operands_for_their_number),
		cmocka_unit_test(a_sysroot_that_is_none_is_named),
		cmocka_unit_test(the_table_of_commands_is_there_for_programs),
		cmocka_unit_test(a_full_disk_behind_the_output_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
