/* SPDX-License-Identifier: Apache-2.0 */
/* Killed before and after every write, and once more while recovering: afterwards the host is before or after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

/* in the child, as stage_child_attach() */
static int undo(struct stage *w)
{
	struct pt_plan plan;
	long long id;

	stage_open(w);
	if (pt_change_undo_plan(&w->env, 0, &plan, NULL) < 0)
		return 2;
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

static int recover(struct stage *w)
{
	unsigned n;

	stage_open(w);
	return pt_change_recover(&w->env, &n, NULL) == 0 ? 0 : 1;
}

struct story {
	struct stage *w;
	int (*change)(struct stage *w);
	char *before;
	char *after;
	bool goal; /* found "after" last time */
};

/* before or after, never between; and the journal says so too */
static void assert_whole(struct story *s, const char *when, unsigned n, unsigned m)
{
	struct stage *w = s->w;
	struct pt_change_list list = { 0 };
	struct pt_error err = { 0 };
	unsigned settled;
	char *now;
	int r;

	*w->fault = (struct fault){ 0 };
	stage_open(w);
	r = pt_change_recover(&w->env, &settled, &err);
	if (r < 0)
		fail_msg("killed %s write %u (recover: %u): %s", when, n, m, err.msg);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(settled, 0);
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	pt_change_list_done(&list);
	stage_close(w);
	now = stage_text(w);
	s->goal = strcmp(now, s->after) == 0;
	if (strcmp(now, s->before) != 0 && !s->goal)
		fail_msg("killed %s write %u (recover: %u): between\n%s", when, n, m, now);
	free(now);
}

/* the shared state of the fakes, to begin again from */
struct saved {
	struct fakekernel kernel;
	struct fakevm vm;
};

static void save(const struct stage *w, struct saved *s)
{
	s->kernel = *w->kernel;
	s->vm = *w->vm;
}

static void restore(struct stage *w, const struct saved *s)
{
	*w->kernel = s->kernel;
	*w->vm = s->vm;
}

static void kill_recover_too(struct story *s, const struct fault *f, const char *when, unsigned n,
			     const struct saved *start)
{
	for (unsigned m = 1;; m++) {
		int ended;

		restore(s->w, start);
		*s->w->fault = *f;
		assert_int_equal(stage_in_child(s->w, s->change), FAULT_EXIT);
		*s->w->fault = (struct fault){ .die_after = m };
		ended = stage_in_child(s->w, recover);
		assert_whole(s, when, n, m);
		/* what is done cannot be begun again from the start: only the journal knows, so undo's turn ends here
		 */
		if (ended != FAULT_EXIT || s->goal)
			return;
	}
}

/* returns how many writes the change has */
static unsigned kill_each(struct story *s, bool recover_too)
{
	struct saved *start = malloc(sizeof(*start));
	unsigned n;

	assert_non_null(start);
	save(s->w, start);
	for (n = 1;; n++) {
		const struct fault before = { .die_before = n };
		const struct fault after = { .die_after = n };
		int ended;

		restore(s->w, start);
		*s->w->fault = before;
		ended = stage_in_child(s->w, s->change);
		assert_whole(s, "before", n, 0);
		if (ended == 0)
			break;
		assert_int_equal(ended, FAULT_EXIT);
		assert_false(s->goal);

		/* recovering may leave a module loaded, which is a write less */
		restore(s->w, start);
		*s->w->fault = after;
		assert_int_equal(stage_in_child(s->w, s->change), FAULT_EXIT);
		assert_whole(s, "after", n, 0);
		/* each of these is two dozen processes: every other write tells as much */
		if (recover_too && n % 2)
			kill_recover_too(s, &after, "after", n, start);
	}
	free(start);
	return n - 1;
}

static char *text_after(struct stage *w, int (*change)(struct stage *w))
{
	*w->fault = (struct fault){ 0 };
	assert_int_equal(stage_in_child(w, change), 0);
	return stage_text(w);
}

static void kill_attach(struct stage *w, bool recover_too, unsigned least, unsigned most)
{
	struct story s = { .w = w, .change = stage_child_attach };

	s.before = stage_text(w);
	s.after = text_after(w, stage_child_attach);
	/* back to the beginning, by undo, so that the journal agrees */
	free(text_after(w, undo));
	assert_in_range(kill_each(&s, recover_too), least, most);
	free(s.before);
	free(s.after);
}

/* @first makes what @change starts from */
static void kill_each_from(struct stage *w, int (*first)(struct stage *w), int (*change)(struct stage *w),
			   bool recover_too, unsigned least, unsigned most)
{
	struct story s = { .w = w, .change = change };
	struct saved *start = malloc(sizeof(*start));

	assert_non_null(start);
	s.before = first ? text_after(w, first) : stage_text(w);
	save(w, start);
	s.after = text_after(w, change);
	assert_string_not_equal(s.before, s.after);
	restore(w, start);
	assert_in_range(kill_each(&s, recover_too), least, most);
	free(start);
	free(s.before);
	free(s.after);
}

static void a_change_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	kill_attach(*state, true, 9, 12);
}

static void a_group_of_two_killed_at_any_write_is_before_or_after(void **state)
{
	kill_attach(*state, false, 15, 20);
}

static void an_undo_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	struct story s = { .w = *state, .change = undo };

	s.after = stage_text(s.w);
	s.before = text_after(s.w, stage_child_attach);
	assert_in_range(kill_each(&s, false), 9, 12);
	free(s.before);
	free(s.after);
}

static void a_detach_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	kill_each_from(*state, stage_child_attach, stage_child_detach, false, 7, 10);
}

static void a_network_killed_at_any_write_is_before_or_after_once_recovered(void **state)
{
	/* stop, link, MAC, VLAN, trust, kept, reservation, define, start */
	kill_attach(*state, true, 9, 12);
}

static void a_network_given_back_killed_at_any_write_is_before_or_after(void **state)
{
	kill_each_from(*state, stage_child_attach, stage_child_detach, false, 8, 11);
}

static void a_reservation_killed_at_any_write_is_before_or_after(void **state)
{
	kill_each_from(*state, NULL, stage_child_reserve, true, 6, 12);
}

static void a_release_killed_at_any_write_is_before_or_after(void **state)
{
	kill_each_from(*state, stage_child_reserve, stage_child_release, true, 5, 11);
}

static void a_record_that_is_handed_over_is_one_vms_or_the_others(void **state)
{
	kill_each_from(*state, stage_child_remember, stage_child_hand_over, true, 2, 4);
}

static void a_repair_killed_at_any_write_is_before_or_after(void **state)
{
	kill_each_from(*state, stage_child_move, stage_child_repair, true, 8, 14);
}

static void a_change_killed_while_it_takes_itself_back_is_before_once_recovered(void **state)
{
	struct story s = { .w = *state, .change = stage_child_attach };
	struct saved *start = malloc(sizeof(*start));
	unsigned killed = 0;

	assert_non_null(start);
	s.before = stage_text(s.w);
	s.after = s.before;
	save(s.w, start);
	for (unsigned n = 3; n < 10; n += 3) {
		for (unsigned m = n + 1;; m++) {
			int ended;

			restore(s.w, start);
			*s.w->fault = (struct fault){ .fail_at = n, .die_after = m };
			ended = stage_in_child(s.w, stage_child_attach);
			assert_whole(&s, "while taking back, after", m, 0);
			if (ended != FAULT_EXIT)
				break;
			killed++;
		}
	}
	assert_in_range(killed, 9, 30);
	free(start);
	free(s.before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_killed_at_any_write_is_before_or_after_once_recovered,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_group_of_two_killed_at_any_write_is_before_or_after, stage_setup_both,
						stage_teardown),
		cmocka_unit_test_setup_teardown(an_undo_killed_at_any_write_is_before_or_after_once_recovered,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_detach_killed_at_any_write_is_before_or_after_once_recovered,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_reservation_killed_at_any_write_is_before_or_after, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_release_killed_at_any_write_is_before_or_after, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_record_that_is_handed_over_is_one_vms_or_the_others, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_repair_killed_at_any_write_is_before_or_after, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_network_killed_at_any_write_is_before_or_after_once_recovered,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(a_network_given_back_killed_at_any_write_is_before_or_after,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(a_change_killed_while_it_takes_itself_back_is_before_once_recovered,
						stage_setup, stage_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
