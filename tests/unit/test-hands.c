/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent makes of how passthru ended: a script is in its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/hands.h"
#include "base/cleanup.h"
#include "fakesys.h"

struct at_hand {
	char dir[64];
	char *program;
	struct pt_own_hands *own;
	struct pt_agent_hands hands;
	struct pt_error err;
};

static int setup(void **state)
{
	struct at_hand *h = pt_alloc(sizeof(*h));

	(void)strcpy(h->dir, "/tmp/hands.XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	h->program = pt_strf("%s/passthru", h->dir);
	h->own = pt_own_hands_new(NULL, h->program, NULL, &h->hands);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct at_hand *h = *state;

	pt_own_hands_free(h->own);
	fakesys_rmtree(h->dir);
	free(h->program);
	free(h);
	return 0;
}

/* the script notes how it was called, says @out, and ends with @status */
static void put_script(struct at_hand *h, const char *out, int status)
{
	FILE *f = fopen(h->program, "we");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\necho \"$@\" > %s/called\necho '%s'\nexit %d\n", h->dir, out, status);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(h->program, 0700), 0);
}

static int attach(struct at_hand *h, struct pt_agent_done *done)
{
	const struct pt_bdf bdf = { .bus = 2 };
	const struct pt_agent_wish wish = { .vm = "some-uuid", .devices = &bdf, .n = 1 };

	h->err = (struct pt_error){ 0 };
	return h->hands.attach(h->hands.ctx, &wish, done, &h->err);
}

static int ends(struct at_hand *h, const char *out, int status)
{
	struct pt_agent_done done = { 0 };
	int r;

	put_script(h, out, status);
	r = attach(h, &done);
	pt_agent_done_done(&done);
	return r;
}

static void a_no_that_passes_is_told_from_one_that_stays(void **state)
{
	struct at_hand *h = *state;

	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"mounted\"}}", 3), -EPERM);
	assert_string_equal(h->err.msg, "m");
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-open\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-meanwhile\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"vm-off\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\"}}", 1), -EIO);
}

static void what_was_cut_off_is_never_a_no(void **state)
{
	struct at_hand *h = *state;

	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-unsettled\"}}", 3), -EINTR);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"write-hangs\"}}", 3), -EINTR);
	assert_int_equal(ends(h, "", 4), -EINTR);
	assert_int_equal(ends(h, "", 137), -EINTR);
}

static void a_program_that_is_not_there_is_no_no(void **state)
{
	struct at_hand *h = *state;
	struct pt_agent_done done = { 0 };
	int r = attach(h, &done);

	assert_true(r < 0 && r != -EPERM && r != -EINTR);
	assert_non_null(strstr(h->err.msg, h->program));
}

static void no_guest_is_ever_shut_down_by_it(void **state)
{
	struct at_hand *h = *state;
	pt_autofree char *name = pt_strf("%s/called", h->dir);
	char line[512] = "";
	FILE *f;

	assert_int_equal(ends(h, "{\"change\": 7, \"made\": true}", 0), 0);
	f = fopen(name, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	assert_non_null(strstr(line, "attach "));
	assert_non_null(strstr(line, " --no-stop some-uuid 0000:02:00.0"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_no_that_passes_is_told_from_one_that_stays),
		T(what_was_cut_off_is_never_a_no),
		T(a_program_that_is_not_there_is_no_no),
		T(no_guest_is_ever_shut_down_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
