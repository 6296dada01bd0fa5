/* SPDX-License-Identifier: Apache-2.0 */
/* history, undo and recover from outside, on a captured journal and with bad requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "journal/journal.h"
#include "tree.h"

static const char uuid[] = "c7a5fdbd-edaf-9455-926a-d65c16db1809";

/* runs `passthru ARGUMENTS`, both outputs together; returns the exit status */
static int passthru(const char *arguments, char *output, size_t size)
{
	char *command = pt_strf("{ %s %s; } 2>&1 </dev/null", getenv("PT_PASSTHRU"), arguments);
	FILE *p = popen(command, "r");
	size_t n;

	free(command);
	assert_non_null(p);
	n = fread(output, 1, size - 1, p);
	output[n] = '\0';
	return WEXITSTATUS(pclose(p));
}

static int on(const struct tree *t, const char *format, char *output, size_t size)
{
	char *arguments = pt_strf("%s --sysroot %s", format, t->path);
	int status = passthru(arguments, output, size);

	free(arguments);
	return status;
}

static void fill(const struct tree *t)
{
	struct pt_plan plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("attach \033[31m to cvm") };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_VM_DEFINE);
	struct pt_owner owner = { .pid = 1, .boot = "none" };
	struct pt_journal *j = NULL;
	struct pt_error err = { 0 };
	char *dir = pt_strf("%s/var/lib/passthru", t->path);
	long long id;

	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
	s->xml_before = pt_strdup("<domain><graphics passwd='sesame'/><name>a</name></domain>");
	s->xml_after = pt_strdup("<domain><graphics passwd='sesame'/><name>b</name></domain>");
	if (pt_journal_open(dir, PT_JOURNAL_WRITE, &j, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(pt_journal_begin(j, &plan, &owner, &id, &err), 0);
	assert_int_equal(pt_journal_step_start(j, id, 0, s, &err), 0);
	assert_int_equal(pt_journal_step_done(j, id, 0, NULL, &err), 0);
	assert_int_equal(pt_journal_finish(j, id, PT_CHANGE_DONE, NULL, &err), 0);
	assert_int_equal(pt_journal_begin(j, &plan, &owner, &id, &err), 0);
	assert_int_equal(pt_journal_finish(j, id, PT_CHANGE_FAILED, "cvm did not start", &err), 0);
	pt_journal_close(j);
	pt_plan_done(&plan);
	free(dir);
}

static void history_lists_the_changes_of_a_captured_host(void **state)
{
	char out[8192];

	fill(*state);
	assert_int_equal(on(*state, "history", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "CHANGE"));
	assert_non_null(strstr(out, "done"));
	assert_non_null(strstr(out, "failed"));
	assert_null(strchr(out, '\033'));
	assert_int_equal(on(*state, "history --json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"state\": \"failed\""));
	assert_non_null(strstr(out, "cvm did not start"));
}

static void history_of_one_change_shows_its_steps_and_no_password(void **state)
{
	char out[8192];

	fill(*state);
	assert_int_equal(on(*state, "history 1 -v", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "change the definition of cvm"));
	assert_non_null(strstr(out, "<name>b</name>"));
	assert_null(strstr(out, "sesame"));
	assert_int_equal(on(*state, "history 1 --json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"vm-define\""));
	assert_null(strstr(out, "sesame"));
	assert_int_equal(on(*state, "history 2", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "cause:   cvm did not start"));
}

static void a_number_that_is_none_or_unknown_is_a_usage_error(void **state)
{
	char out[8192];

	fill(*state);
	assert_int_equal(on(*state, "history 0x1", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "'0x1' is no number of a change"));
	assert_int_equal(on(*state, "history 99", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "there is no change 99"));
	assert_int_equal(passthru("undo -1", out, sizeof(out)), 2);
	assert_int_equal(passthru("undo twelve", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "'twelve' is no number of a change"));
}

static void without_a_journal_history_is_empty(void **state)
{
	char out[8192];

	assert_int_equal(on(*state, "history", out, sizeof(out)), 0);
	assert_string_equal(out, "nothing was changed on this host\n");
	assert_int_equal(on(*state, "history 1", out, sizeof(out)), 2);
	assert_int_equal(on(*state, "history --json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"changes\": []"));
}

static void a_damaged_journal_is_reported(void **state)
{
	struct tree *t = *state;
	char out[8192];

	tree_file(t, "var/lib/passthru/journal.db",
		  "this is not a database, whatever its name says; 0123456789 0123456789");
	assert_int_equal(on(t, "history", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "is damaged"));
}

static void a_captured_host_cannot_be_changed(void **state)
{
	char out[8192];

	fill(*state);
	assert_int_equal(on(*state, "undo", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "changes the running host"));
	assert_int_equal(on(*state, "recover", out, sizeof(out)), 2);
	assert_int_equal(passthru("recover now", out, sizeof(out)), 2);
	assert_int_equal(passthru("recover --boot sideways", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "expected host or vms"));
	assert_int_equal(passthru("recover --wait -1", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--wait -1: expected a number"));
	assert_int_equal(passthru("recover --stop-timeout 0", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--stop-timeout 0: expected a number"));
}

static void giving_up_needs_a_number_and_goes_with_no_part_of_a_boot(void **state)
{
	char out[8192];

	(void)state;
	assert_int_equal(passthru("recover --give-up", out, sizeof(out)), 2);
	assert_int_equal(passthru("recover --give-up all", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "'all' is no number of a change"));
	assert_int_equal(passthru("recover --give-up 3 --boot vms", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "does not go with --boot"));
	/* it would be read as consent to whatever recover does */
	assert_int_equal(passthru("recover --yes", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--give-up CHANGE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(history_lists_the_changes_of_a_captured_host, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(history_of_one_change_shows_its_steps_and_no_password, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(a_number_that_is_none_or_unknown_is_a_usage_error, tree_setup,
						tree_teardown),
		cmocka_unit_test(giving_up_needs_a_number_and_goes_with_no_part_of_a_boot),
		cmocka_unit_test_setup_teardown(without_a_journal_history_is_empty, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_journal_is_reported, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_captured_host_cannot_be_changed, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
