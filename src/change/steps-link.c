/* SPDX-License-Identifier: Apache-2.0 */
/* The step about a PF's network interface: up, and its MTU.  Neither outlives a boot. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "model/link-state.h"
#include "model/sriov.h"

/* a switch port takes seconds to agree on a speed; some settings of VFs are refused before it has */
#define CARRIER_MS 10000u

static int look(const struct pt_run *run, const struct pt_step *s, struct pt_pf_link *ret_link,
		struct pt_link_state *ret_now, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	int r = host->vf_read(host->ctx, s->bdf, ret_link, err);

	*ret_now = (struct pt_link_state){ .says_up = true, .up = ret_link->up, .mtu = ret_link->mtu };
	return r;
}

int pt_step_check_link(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state before = { 0 };
	struct pt_link_state now = { 0 };
	pt_autofree char *is = NULL;
	int r = pt_bind_check(run->env->host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(s->state_before, &before, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || pt_link_state_is(&before, &now))
		return r;
	is = pt_link_state_text(&now);
	(void)pt_say(err, -ESTALE, "%s, the interface of %s, was changed meanwhile: %s now; expected was %s", link.name,
		     pt_bdf_str(s->bdf).s, is, s->state_before);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return -ESTALE;
}

/* a cable that is not plugged in is no failure: who needs the carrier says so */
static void wait_for_carrier(struct pt_run *run, const struct pt_step *s)
{
	const struct pt_host_ops *host = run->env->host;
	long long end = pt_run_now_ms() + CARRIER_MS;

	for (;;) {
		PT_AUTO(pt_pf_link) link = { 0 };

		if (host->vf_read(host->ctx, s->bdf, &link, NULL) < 0 || link.carrier || pt_run_now_ms() >= end)
			return;
		pt_run_pause(run, PT_WATCH_KERNEL);
	}
}

static int make(struct pt_run *run, const struct pt_step *s, const char *text, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	PT_AUTO(pt_pf_link) link = { 0 };
	PT_AUTO(pt_pf_link) after = { 0 };
	struct pt_bind card = pt_step_bind_before(s);
	struct pt_link_state want = { 0 };
	struct pt_link_state now = { 0 };
	int r = pt_bind_check(host, &card, err);

	if (r == 0)
		r = pt_link_state_parse(text, &want, err);
	if (r == 0)
		r = look(run, s, &link, &now, err);
	if (r < 0 || pt_link_state_is(&want, &now))
		return r;
	r = host->link_write(host->ctx, s->bdf, &want, err);
	if (r == 0)
		r = look(run, s, &after, &now, err);
	if (r == 0 && !pt_link_state_is(&want, &now))
		return pt_say(err, -EIO, "%s was told %s, and is not so", after.name, text);
	if (r == 0 && want.says_up && want.up)
		wait_for_carrier(run, s);
	return r;
}

int pt_step_make_link(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	return make(run, s, s->state_after, err);
}

/* after another boot the interface is as that boot made it */
int pt_step_unmake_link(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	return run->rebooted ? 0 : make(run, s, s->state_before, err);
}
