/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/boot-step.h"

#include "base/cleanup.h"

/* what an undo writes back says itself whom it is for */
static bool reserves(const struct pt_step *s)
{
	PT_AUTO(pt_keep) k = { 0 };

	if (s->reservation && pt_reservation_parse(s->reservation, &k, NULL) == 0)
		return pt_keep_at_boot(&k);
	return !pt_streq(s->driver_after, PT_DRIVER_LIBVIRT);
}

static bool releases(const struct pt_step *s, const struct pt_keeps *known)
{
	const struct pt_keep *k = pt_keep_by_bdf(known, s->bdf);

	return k ? pt_keep_at_boot(k) : !pt_streq(s->driver_before, PT_DRIVER_LIBVIRT);
}

const struct pt_step *pt_boot_step(const struct pt_plan *plan, const struct pt_keeps *known)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct pt_step *s = &plan->steps.v[i];

		/* it was so already */
		if (s->flag)
			continue;
		if ((s->kind == PT_STEP_RESERVE && reserves(s)) || (s->kind == PT_STEP_UNRESERVE && releases(s, known)))
			return s;
	}
	return NULL;
}
