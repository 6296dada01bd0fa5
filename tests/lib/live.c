/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

void live_is(const struct stage *w, const char *expected, const char *when, unsigned n)
{
	char *now = stage_text(w);

	if (strcmp(now, expected) != 0)
		fail_msg("%s write %u:\n%s\ninstead of\n%s", when, n, now, expected);
	free(now);
}

static int make(struct stage *w, void (*plan_of)(struct stage *w, struct pt_plan *plan), struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	*err = (struct pt_error){ 0 };
	plan_of(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

int live_attach(struct stage *w, struct pt_error *err)
{
	return make(w, stage_attach, err);
}

int live_detach(struct stage *w, struct pt_error *err)
{
	return make(w, stage_detach, err);
}

int live_undo(struct stage *w, struct pt_error *err)
{
	return stage_make_undo(w, 0, err);
}

unsigned live_recover(struct stage *w)
{
	struct pt_error err = { 0 };
	unsigned n = 0;

	if (pt_change_recover(&w->env, &n, &err) < 0)
		fail_msg("%s", err.msg);
	return n;
}

void live_given(struct stage *w)
{
	struct pt_error err = { 0 };

	stage_open(w);
	live_must(live_attach(w, &err), &err);
}

void live_unanswered(struct stage *w, struct pt_error *err)
{
	live_given(w);
	w->cvm->ignores_unplug = true;
	assert_int_equal(live_detach(w, err), -ETIMEDOUT);
}

void live_lets_go(struct stage *w)
{
	w->cvm->ignores_unplug = false;
	fakevm_let_go(w->vm, w->cvm, w->network ? (struct pt_bdf){ .bus = 2, .slot = 0x10 } : w->nic->bdf);
}

void live_must(int r, const struct pt_error *err)
{
	if (r < 0)
		fail_msg("%s", err->msg);
}
