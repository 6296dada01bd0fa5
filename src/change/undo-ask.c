/* SPDX-License-Identifier: Apache-2.0 */
/* Before an undo gives a device to a guest again, or takes it from one: is it that device, and who uses it? */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "decide/group.h"

#define HELD_MS 5000u

/* what the change said the device is: the record that it gave up; NULL: that is kept, or there was none */
static const char *record_of(const struct pt_change_record *record, struct pt_bdf bdf)
{
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		if (s->kind == PT_STEP_UNRESERVE && s->reservation && pt_bdf_eq(s->bdf, bdf))
			return s->reservation;
	}
	return NULL;
}

/* of the same model, and yet another card: the ids that the step has do not tell it */
int pt_undo_check_twin(const struct pt_change_env *env, const struct pt_change_record *record, struct pt_bdf bdf,
		       struct pt_error *err)
{
	pt_autofree char *why = NULL;
	int r;

	if (!env->stranger)
		return 0;
	why = env->stranger(env->ctx, bdf, NULL);
	if (!why && record_of(record, bdf))
		why = env->stranger(env->ctx, bdf, record_of(record, bdf));
	if (!why)
		return 0;
	r = pt_refuse(err, "identity",
		      "change %lld cannot be undone: %s is not certain to be the device that it is about: %s",
		      record->head.id, pt_bdf_str(bdf).s, why);
	pt_hint(err, "`passthru repair` finds where that one is now");
	return r;
}

/* udev opens each disk that has just come back for a moment */
static char *who_holds(const struct pt_change_env *env, struct pt_bdf bdf)
{
	PT_AUTO(pt_run) probe = { .env = env };
	long long end = pt_watch_now_ms() + (env->grace_ms < HELD_MS ? env->grace_ms : HELD_MS);
	char *who = env->held(env->ctx, bdf);

	while (who && pt_watch_now_ms() < end) {
		free(who);
		pt_run_pause(&probe, PT_WATCH_KERNEL);
		who = env->held(env->ctx, bdf);
	}
	return who;
}

/* a guest gets it again: whoever on this host has come to use it since is asked first, as for an attach */
int pt_undo_check_unused(const struct pt_change_env *env, const struct pt_change_record *record,
			 const struct pt_step *s, const char *now, struct pt_error *err)
{
	pt_autofree char *who = NULL;
	int r;

	if (!env->held || !now || pt_driver_is_vfio(now) || !pt_driver_is_vfio(s->driver_before))
		return 0;
	who = who_holds(env, s->bdf);
	if (!who)
		return 0;
	r = pt_refuse(err, "in-use", "change %lld cannot be undone: %s is with %s now, and %s", record->head.id,
		      pt_bdf_str(s->bdf).s, now, who);
	pt_hint(err, "end that use first");
	return r;
}
