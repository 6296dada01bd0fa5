/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vf-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

/* copper at 10 Gbit/s takes up to eight seconds to agree on its speed */
#define CARRIER_MS 20000u
#define PAUSE_MS   50u
/* igb looks at its link every two seconds */
#define STALE_MS 5000u

/* one setting that was refused */
struct refused {
	const struct pt_vf_state *vf;
	unsigned bit;
	int code;
	char *why;
};

/* what the work on one PF shares; @given_up: by the VF's place in @want, which of its settings are missing for good;
 * @stale_ms: how long a refusal was asked again for because its carrier might not be the truth yet
 */
struct work {
	const struct pt_host_ops *ops;
	struct pt_bdf pf;
	const struct pt_sriov_state *want;
	struct pt_strv *missing;
	PT_ARRAY(struct refused) later;
	unsigned *given_up;
	unsigned stale_ms;
	bool brought_up;
	bool changed;
};

static void work_done(struct work *w)
{
	for (size_t i = 0; i < w->later.n; i++)
		free(w->later.v[i].why);
	free(w->later.v);
	free(w->given_up);
}

static void pause_ms(const struct pt_host_ops *ops, unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	if (ops->pause)
		ops->pause(ops->ctx, ms);
	else
		(void)nanosleep(&ts, NULL);
}

static const struct pt_vf_settings *now_of(const struct pt_pf_link *link, const struct pt_vf_state *vf)
{
	static const struct pt_vf_settings nothing = { 0 };
	const struct pt_vf_settings *now = pt_pf_link_vf(link, (int)vf->index);

	return now ? now : &nothing;
}

/* what a VF has that nobody has given one; nobody may ask for it, and some drivers will not have it put back */
static bool is_no_mac(const struct pt_vf_settings *s, unsigned bit)
{
	static const uint8_t none[6] = { 0 };

	return bit == PT_VF_MAC && memcmp(s->mac, none, sizeof(none)) == 0;
}

static bool can_do_without(const struct work *w, const struct pt_vf_state *vf, unsigned bit)
{
	return w->missing && ((bit & (PT_VF_RATE | PT_VF_LINK)) || is_no_mac(&vf->settings, bit)) &&
	       !(vf->settings.must & bit);
}

/* a driver that says no; a kernel that does not answer, or a card that is gone, is another thing */
static bool is_refusal(int code)
{
	return code != -ETIMEDOUT && code != -EBUSY && code != -ENODEV && code != -ENOMEM;
}

static int give_up(struct work *w, const struct pt_vf_state *vf, unsigned bit, int code, const char *why,
		   struct pt_error *err)
{
	struct pt_vf_settings one = vf->settings;
	pt_autofree char *text = NULL;

	if (!is_refusal(code) || !can_do_without(w, vf, bit))
		return pt_say(err, code, "%s", why);
	one.has = bit;
	one.must = 0;
	text = pt_vf_settings_text(&one);
	w->given_up[vf - w->want->v.v] |= bit;
	if (is_no_mac(&vf->settings, bit))
		pt_strv_addf(w->missing, "VF %u of %s keeps a MAC, and had none before: %s", vf->index,
			     pt_bdf_str(w->pf).s, why);
	else
		pt_strv_addf(w->missing, "VF %u of %s is without its %s (%s): %s", vf->index, pt_bdf_str(w->pf).s,
			     pt_vf_has_str((enum pt_vf_has)bit), text, why);
	return 0;
}

/* -EAGAIN: the VF is in its reset still, which its making began (i40e, ice) */
static int write_one(struct work *w, const struct pt_vf_state *vf, unsigned bit, struct pt_error *err)
{
	struct pt_vf_settings one = vf->settings;
	int r;

	one.has = bit;
	one.must = 0;
	for (unsigned waited = 0;; waited += PAUSE_MS) {
		r = w->ops->vf_write(w->ops->ctx, w->pf, vf->index, &one, err);
		if (r != -EAGAIN || waited >= w->ops->settle_ms)
			break;
		pause_ms(w->ops, PAUSE_MS);
	}
	w->changed = w->changed || r == 0;
	return r;
}

/* igb refuses a rate while the link is down, as every change of the number of VFs leaves it for some seconds */
static bool link_is_down(const struct work *w)
{
	PT_AUTO(pt_pf_link) link = { 0 };

	return w->ops->vf_read(w->ops->ctx, w->pf, &link, NULL) == 0 && !link.carrier;
}

/*
 * A driver says that the carrier is gone some time after the card has lost it, and refuses a rate meanwhile: so it is
 * asked again until the carrier goes, too, or it takes the rate.
 */
static int write_stale(struct work *w, const struct pt_vf_state *vf, unsigned bit, int r, bool *ret_later,
		       struct pt_error *err)
{
	unsigned most = w->ops->settle_ms ? STALE_MS : 0;

	while (r < 0 && is_refusal(r) && r != -EOPNOTSUPP && r != -EPERM) {
		*ret_later = link_is_down(w);
		if (*ret_later || bit != PT_VF_RATE || w->stale_ms >= most)
			break;
		pause_ms(w->ops, PAUSE_MS);
		w->stale_ms += PAUSE_MS;
		*err = (struct pt_error){ 0 };
		r = write_one(w, vf, bit, err);
	}
	return r;
}

/* one attribute a message, so that the one which a driver refuses is named */
static int write_vf(struct work *w, const struct pt_vf_state *vf, const struct pt_vf_settings *now,
		    struct pt_error *err)
{
	int r = 0;

	for (unsigned bit = 1; bit < PT_VF_ALL && r == 0; bit <<= 1) {
		struct pt_vf_settings one = vf->settings;
		struct pt_error why = { 0 };
		bool later = false;

		one.has &= bit;
		if (!one.has || !pt_vf_settings_differ(&one, now))
			continue;
		r = write_one(w, vf, bit, &why);
		r = write_stale(w, vf, bit, r, &later, &why);
		if (later) {
			pt_array_push(&w->later, ((struct refused){ vf, bit, r, pt_strdup(why.msg) }));
			r = 0;
		} else if (r < 0) {
			r = give_up(w, vf, bit, r, why.msg, err);
			pt_hint(err, "%s", why.hint);
		}
	}
	return r;
}

static int write_again(struct work *w, const struct refused *one, const struct pt_error *no_link, struct pt_error *err)
{
	struct pt_error why = { 0 };
	pt_autofree char *text = NULL;
	int r;

	if (no_link->code) {
		text = pt_strf("%s; its driver may want the link up, and %s", one->why, no_link->msg);
		r = give_up(w, one->vf, one->bit, one->code, text, err);
		if (r < 0)
			pt_hint(err, "plug the cable in, or leave that setting out");
		return r;
	}
	r = write_one(w, one->vf, one->bit, &why);
	if (r < 0)
		r = give_up(w, one->vf, one->bit, r, why.msg, err);
	if (r < 0 && one->bit == PT_VF_RATE)
		pt_hint(err, "cards refuse a rate that is more than their link has, and many one that is guaranteed");
	return r;
}

/* what was refused while the link was down, once more with the link up */
static int write_later(struct work *w, struct pt_error *err)
{
	struct pt_error no_link = { 0 };
	int r;

	if (!w->later.n)
		return 0;
	r = w->ops->pf_link(w->ops->ctx, w->pf, true, CARRIER_MS, &no_link);
	if (r < 0 && r != -ENETDOWN)
		return pt_say(err, r, "%s", no_link.msg);
	no_link.code = r < 0 ? r : 0;
	w->brought_up = r == 1;
	r = 0;
	for (size_t i = 0; i < w->later.n && r == 0; i++)
		r = write_again(w, &w->later.v[i], &no_link, err);
	return r;
}

static int check_vf(struct work *w, const struct pt_vf_state *vf, const struct pt_vf_settings *now,
		    struct pt_error *err)
{
	struct pt_vf_settings left = vf->settings;
	int r = 0;

	left.must = 0;
	left.has &= ~w->given_up[vf - w->want->v.v];
	while (r == 0 && left.has) {
		enum pt_vf_has differs = pt_vf_settings_differ(&left, now);
		pt_autofree char *wanted = pt_vf_settings_text(&left);
		pt_autofree char *found = pt_vf_settings_text(now);
		pt_autofree char *why = NULL;

		if (!differs)
			break;
		why = pt_strf("VF %u of %s has another %s than was written: %s, not %s", vf->index, pt_bdf_str(w->pf).s,
			      pt_vf_has_str(differs), found, wanted);
		left.has &= ~(unsigned)differs;
		r = give_up(w, vf, differs, -EIO, why, err);
	}
	return r;
}

static int check(struct work *w, struct pt_error *err)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	int r = w->ops->vf_read(w->ops->ctx, w->pf, &link, err);

	for (size_t i = 0; i < w->want->v.n && r == 0; i++)
		r = check_vf(w, &w->want->v.v[i], now_of(&link, &w->want->v.v[i]), err);
	return r;
}

static int make(struct work *w, struct pt_error *err)
{
	PT_AUTO(pt_pf_link) link = { 0 };
	int r = w->ops->vf_read(w->ops->ctx, w->pf, &link, err);

	for (size_t i = 0; i < w->want->v.n && r == 0; i++)
		r = write_vf(w, &w->want->v.v[i], now_of(&link, &w->want->v.v[i]), err);
	if (r == 0)
		r = write_later(w, err);
	if (r == 0 && w->changed)
		r = check(w, err);
	return r;
}

int pt_vf_set_make(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		   struct pt_strv *missing, struct pt_error *err)
{
	PT_CLEANUP(work_done) struct work w = { .ops = ops, .pf = pf, .want = want, .missing = missing };
	struct pt_error why = { 0 };
	bool any = false;
	int r;

	for (size_t i = 0; i < want->v.n; i++)
		any = any || want->v.v[i].settings.has;
	if (!any)
		return 0;
	w.given_up = pt_alloc(want->v.n * sizeof(*w.given_up));
	r = make(&w, err);
	if (r < 0 && w.brought_up && ops->pf_link(ops->ctx, pf, false, 0, &why) < 0)
		(void)pt_wrap(err, r, "its interface was set up for this, and stays so (%s)", why.msg);
	return r < 0 ? r : w.changed;
}
