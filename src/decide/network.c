/* SPDX-License-Identifier: Apache-2.0 */
/* What is set for a virtual function that goes into a network, and how it is given back. */
#include "decide/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/link-state.h"

static void take_findings(struct pt_plan *to, struct pt_plan *from)
{
	for (size_t i = 0; i < from->findings.n; i++)
		pt_array_push(&to->findings, from->findings.v[i]);
	from->findings.n = 0;
}

static struct pt_step *pf_step(struct pt_plan *plan, enum pt_step_kind kind, const struct pt_device *pf)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->bdf = pf->bdf;
	s->vendor = pf->vendor;
	s->device = pf->device;
	s->subvendor = pf->subvendor;
	s->subdevice = pf->subdevice;
	return s;
}

/* `passthru boot` brings up the PFs whose VFs we keep, with the MTU that is kept with them */
static void tell_link(const struct pt_sriov_facts *f, const struct pt_device *pf, bool up, unsigned mtu,
		      struct pt_plan *plan)
{
	const char *name = f->sriov->link.name;
	pt_autofree char *fix = pt_strf("say so where this host's network is configured%s",
					up ? ": the VM does not start while its card's link is down" : "");
	bool lasts = f->kept != NULL;

	pt_findings_add(&plan->findings, PT_NOTE, "pf-link", NULL, lasts ? NULL : fix,
			"%s, the network interface of %s, %s%s%s%s", name, pt_bdf_str(pf->bdf).s,
			up ? "is brought up" : "", up && mtu ? ", and " : "",
			mtu ? "gets the MTU that the network needs" : "",
			lasts ? "" : "; that does not outlive a reboot by itself");
}

/* libvirt refuses a VF whose PF is down ("the PF is not online") */
static void add_link(const struct pt_sriov_facts *f, const struct pt_network *n, const struct pt_device *pf,
		     struct pt_plan *plan)
{
	const struct pt_pf_link *link = &f->sriov->link;
	unsigned mtu = n->mtu && link->mtu < n->mtu ? n->mtu : 0;
	struct pt_link_state before = { .says_up = !link->up, .up = false, .mtu = mtu ? link->mtu : 0 };
	struct pt_link_state after = { .says_up = !link->up, .up = true, .mtu = mtu };
	struct pt_step *s;

	if (link->up && !mtu)
		return;
	s = pf_step(plan, PT_STEP_LINK, pf);
	s->state_before = pt_link_state_text(&before);
	s->state_after = pt_link_state_text(&after);
	tell_link(f, pf, !link->up, mtu, plan);
}

/* would it say nothing? */
static bool is_neutral(enum pt_vf_has one, const struct pt_vf_settings *s)
{
	switch (one) {
	case PT_VF_VLAN:
		return s->vlan == 0;
	case PT_VF_TRUST:
		return !s->trust;
	case PT_VF_SPOOFCHK:
		return !s->spoofchk;
	case PT_VF_LINK:
		return s->link == PT_VF_LINK_AUTO;
	case PT_VF_RATE:
		return s->max_rate == 0 && s->min_rate == 0;
	default:
		return false;
	}
}

static void leave_out_unknown(const struct pt_sriov_facts *f, const struct pt_vf_settings *now,
			      struct pt_vf_settings *want, struct pt_plan *plan)
{
	for (unsigned bit = 1; now && bit < PT_VF_ALL; bit <<= 1) {
		enum pt_vf_has one = (enum pt_vf_has)bit;

		if (!(want->has & bit) || (now->has & bit) || !is_neutral(one, want))
			continue;
		want->has &= ~bit;
		pt_findings_add(&plan->findings, PT_NOTE, "not-known", NULL, NULL,
				"the driver of %s tells no %s of its virtual functions: what the network says of it is "
				"so anyway",
				f->sriov->link.name, pt_vf_has_str(one));
	}
}

/* what a guest may do that the network says nothing of is what somebody set by hand */
static void tell_left(const struct pt_vf_settings *now, const struct pt_vf_settings *want, struct pt_bdf vf,
		      struct pt_plan *plan)
{
	if (now && !(want->has & PT_VF_TRUST) && (now->has & PT_VF_TRUST) && now->trust)
		pt_findings_add(&plan->findings, PT_WARN, "trust", NULL, "trust = off in the network's section",
				"%s is trusted, which the network does not say: it stays so", pt_bdf_str(vf).s);
	if (now && !(want->has & PT_VF_SPOOFCHK) && (now->has & PT_VF_SPOOFCHK) && !now->spoofchk)
		pt_findings_add(&plan->findings, PT_WARN, "spoofchk", NULL, "spoofchk = on in the network's section",
				"the spoof check of %s is off, which the network does not say: it stays so",
				pt_bdf_str(vf).s);
}

int pt_network_settings(const struct pt_sriov_facts *f, const struct pt_network *network, struct pt_bdf vf,
			const uint8_t mac[6], struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(&f->host->devices, vf);
	const struct pt_device *pf = d ? pt_devices_find(&f->host->devices, d->pf) : NULL;
	const struct pt_vf_settings *now = d ? pt_pf_link_vf(&f->sriov->link, d->vf_index) : NULL;
	struct pt_vf_settings want = network->settings;
	PT_AUTO(pt_plan) set = { 0 };
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	if (!d || !pf)
		return pt_say(err, -ENODEV, "%s is no virtual function of this host", pt_bdf_str(vf).s);
	if (want.vlan && want.qos) {
		r = pt_refuse(err, "network-qos",
			      "network %s has the priority %u in its VLAN tag, which no VM can have: libvirt "
			      "sets the VLAN of a VF without one each time the VM starts",
			      network->name, want.qos);
		pt_hint(err, "take qos out of the section (%s)", network->where);
		return r;
	}
	memcpy(want.mac, mac, sizeof(want.mac));
	want.has |= PT_VF_MAC;
	add_link(f, network, pf, ret_plan);
	leave_out_unknown(f, now, &want, ret_plan);
	/* at boot, too */
	want.must = want.has;
	tell_left(now, &want, vf, ret_plan);
	r = pt_decide_vf(f, vf, &want, network, &set, err);
	take_findings(ret_plan, &set);
	for (size_t i = 0; i < set.steps.n; i++)
		pt_array_push(&ret_plan->steps, set.steps.v[i]);
	set.steps.n = 0;
	return r;
}

static void drop_vf(struct pt_sriov_state *s, unsigned index)
{
	struct pt_vf_state *vf = pt_sriov_state_vf(s, index);
	size_t i = vf ? (size_t)(vf - s->v.v) : 0;

	if (!vf)
		return;
	free(vf->driver);
	free(vf->override);
	s->v.n--;
	memmove(&s->v.v[i], &s->v.v[i + 1], (s->v.n - i) * sizeof(*s->v.v));
}

/* what is kept of the PF, with the one VF as it was kept before; what others changed since stays */
static int kept_before(const struct pt_sriov_state *now, const char *before_text, unsigned index, char **ret_text,
		       struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;
	const struct pt_vf_state *old;
	struct pt_vf_state *vf;
	int r = pt_sriov_state_parse(before_text ? before_text : "", &before, err);

	if (r < 0)
		return r;
	old = pt_sriov_state_vf(&before, index);
	pt_sriov_state_copy(&after, now);
	if (old) {
		vf = pt_sriov_state_add(&after, index);
		vf->settings = old->settings;
		vf->mtu = old->mtu;
	} else {
		drop_vf(&after, index);
	}
	*ret_text = pt_sriov_state_text(&after);
	return 0;
}

static int add_keep(const struct pt_sriov_facts *f, const struct pt_device *pf, unsigned index, const char *before,
		    char **kept_text, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	pt_autofree char *text = NULL;
	struct pt_step *s;
	int r;

	/* nothing is kept any more, or of another card: there is nothing of ours to take out */
	if (!*kept_text || !f->kept)
		return 0;
	r = pt_sriov_state_parse(*kept_text, &now, err);
	if (r == 0)
		r = kept_before(&now, before, index, &text, err);
	if (r < 0 || pt_streq(text, *kept_text))
		return r;
	s = pf_step(plan, PT_STEP_SRIOV_KEEP, pf);
	s->state_before = pt_strdup(*kept_text);
	s->state_after = pt_strdup(text);
	pt_strset(kept_text, text);
	return 0;
}

static void add_settings(const struct pt_sriov_facts *f, const struct pt_device *pf, const struct pt_device *vf,
			 const struct pt_vf_settings *old, struct pt_plan *plan)
{
	const struct pt_vf_settings *now = pt_pf_link_vf(&f->sriov->link, vf->vf_index);
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;
	struct pt_vf_state *from = pt_sriov_state_add(&before, (unsigned)vf->vf_index);
	struct pt_vf_state *to = pt_sriov_state_add(&after, (unsigned)vf->vf_index);
	struct pt_step *s;

	if (!now) {
		pt_findings_add(&plan->findings, PT_WARN, "not-put-back", NULL, NULL,
				"the settings of %s cannot be put back: %s does not tell of its virtual functions now",
				pt_bdf_str(vf->bdf).s, pt_bdf_str(pf->bdf).s);
		return;
	}
	to->settings = *old;
	to->settings.has &= now->has;
	if (!pt_vf_settings_differ(&to->settings, now))
		return;
	from->settings = *now;
	from->settings.has = to->settings.has;
	from->has_address = to->has_address = true;
	from->bdf = to->bdf = vf->bdf;
	s = pf_step(plan, PT_STEP_SRIOV, pf);
	s->state_before = pt_sriov_state_text(&before);
	s->state_after = pt_sriov_state_text(&after);
}

int pt_network_give_back(const struct pt_sriov_facts *f, struct pt_bdf bdf, const struct pt_vf_before *before,
			 char **kept_text, struct pt_plan *plan, struct pt_error *err)
{
	const struct pt_device *vf = pt_devices_find(&f->host->devices, bdf);
	const struct pt_device *pf = vf ? pt_devices_find(&f->host->devices, vf->pf) : NULL;
	PT_AUTO(pt_sriov_state) was = PT_SRIOV_STATE_UNSAID;
	const struct pt_vf_state *old;
	int r = pt_sriov_state_parse(before->state, &was, err);

	if (r < 0 || !pf || vf->vf_index < 0)
		return r;
	old = pt_sriov_state_vf(&was, (unsigned)vf->vf_index);
	if (old)
		add_settings(f, pf, vf, &old->settings, plan);
	if (!before->kept_changed)
		return 0;
	return add_keep(f, pf, (unsigned)vf->vf_index, before->kept, kept_text, plan, err);
}
