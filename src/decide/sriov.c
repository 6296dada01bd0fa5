/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/sriov.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/group.h"
#include "decide/judge.h"
#include "decide/sriov-why.h"

#define CLASS_NVME 0x010802 /* PCI Code and ID Assignment Specification 1.9 */

static const struct pt_domain nobody = { 0 };

/* how it is now, of what was looked at */
static void state_now(const struct pt_sriov_facts *f, const struct pt_device *pf, struct pt_sriov_state *ret)
{
	ret->vfs = pf->vfs_now > 0 ? pf->vfs_now : 0;
	ret->autoprobe = f->sriov->autoprobe == PT_KNOWN_UNKNOWN ? -1 : f->sriov->autoprobe == PT_KNOWN_YES;
	for (size_t i = 0; i < f->host->devices.n; i++) {
		const struct pt_device *d = &f->host->devices.v[i];
		const struct pt_vf_settings *settings = pt_pf_link_vf(&f->sriov->link, d->vf_index);
		struct pt_vf_state *vf;

		if (d->sriov != PT_SRIOV_VF || !pt_bdf_eq(d->pf, pf->bdf) || d->vf_index < 0)
			continue;
		vf = pt_sriov_state_add(ret, (unsigned)d->vf_index);
		vf->has_address = true;
		vf->bdf = d->bdf;
		pt_strset(&vf->driver, d->driver);
		pt_strset(&vf->override, d->driver_override);
		if (settings)
			vf->settings = *settings;
	}
	if (f->sriov->nvme.manages)
		pt_nvme_state(&f->sriov->nvme, ret);
}

static int find_pf(const struct pt_sriov_facts *f, struct pt_bdf bdf, const struct pt_device **ret_pf,
		   struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(&f->host->devices, bdf);
	pt_autofree char *title = d ? pt_judge_title(d) : NULL;
	int r;

	if (!d)
		return pt_usage(err, -ENODEV, "there is no PCI function %s", pt_bdf_str(bdf).s);
	if (d->sriov == PT_SRIOV_VF) {
		r = pt_usage(err, -EINVAL, "%s is a virtual function itself", title);
		pt_hint(err, "name its physical function: %s", pt_bdf_str(d->pf).s);
		return r;
	}
	if (d->sriov == PT_SRIOV_NONE && f->sriov->capability != PT_KNOWN_YES)
		return pt_usage(err, -EINVAL, "%s has no virtual functions: SR-IOV is not supported", title);
	*ret_pf = d;
	return 0;
}

/* what stands against VFs at all is a refusal of this host, a number that is not offered is a mistake of the request */
static int check_range(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf, unsigned vfs,
		       struct pt_error *err)
{
	int r;

	if (vfs > 0)
		pt_sriov_why(pf, f->sriov, &j->plan->findings);
	r = pt_judge_verdict(j, err);
	if (r < 0 || vfs <= pf->vfs_total)
		return r;
	r = pt_usage(err, -ERANGE, "%u asked; %s offers 1 to %u virtual functions", vfs, pt_bdf_str(pf->bdf).s,
		     pf->vfs_total);
	pt_hint(err, "the number that a card offers is often a setting of its firmware");
	return r;
}

/* VFs that came from elsewhere, or will again at the next boot, are somebody's who does not know of us */
static void judge_foreign(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf)
{
	pt_autofree char *fix = pt_strf("take %s out of that tool's settings first, or there will be two masters",
					pt_bdf_str(pf->bdf).s);

	if (f->manager)
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "foreign-vfs", NULL, fix,
				"the virtual functions of %s are managed by %s", pt_bdf_str(pf->bdf).s, f->manager);
	else if (pf->vfs_now > 0 && !f->kept)
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "foreign-vfs", "sriov_numvfs",
				"if nobody else needs them, take them over: --force-foreign-vfs",
				"%s has %d virtual functions that passthru did not make", pt_bdf_str(pf->bdf).s,
				pf->vfs_now);
}

/*
 * A namespace may be attached to the PF's controller and a VF's at once, and the PF cannot see whether: a guest then
 * writes to the disk that this host has mounted.
 */
static void judge_use(struct pt_judge *j, const struct pt_device *pf, const struct pt_use *u)
{
	if (pf->class_code == CLASS_NVME)
		pt_judge_refuse(
			j, PT_FORCE_BY_NAME, "shared-namespace", u->where,
			"end that use, or see with `nvme list-ctrl` that its namespace is attached to no other "
			"controller",
			"this host uses a namespace of %s (%s), and guests with its virtual functions may have the "
			"same",
			pt_bdf_str(pf->bdf).s, u->chain);
	else
		pt_judge_say(j, PT_WARN, "pf-in-use", u->where, NULL,
			     "this host uses %s (%s), and many drivers reset the card when its VFs change",
			     pt_bdf_str(pf->bdf).s, u->chain);
}

/* what is given to VFs is taken from the PF, where it has more than it needs */
static void judge_nvme(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf, unsigned vfs)
{
	const struct pt_nvme_virt *n = &f->sriov->nvme;
	unsigned own;

	if (!n->manages || !vfs)
		return;
	if (pt_nvme_most_vfs(n) < vfs) {
		pt_judge_refuse(j, PT_FORCE_NEVER, "nvme-resources", NULL,
				"ask for fewer; the card's own tool may tell how it gets more",
				"%s has queues and interrupts for %u virtual functions: each needs %u and %u",
				pt_bdf_str(pf->bdf).s, pt_nvme_most_vfs(n), PT_NVME_QUEUES_LEAST,
				PT_NVME_INTERRUPTS_LEAST);
		return;
	}
	own = pt_nvme_own(&n->queues, vfs, PT_NVME_QUEUES_LEAST);
	if (n->queues.flexible && own != n->queues.own)
		pt_judge_say(j, PT_NOTE, "nvme-reset", NULL, NULL,
			     "%s gives %u of its own %u queues to them, and is reset for that: what is under way waits",
			     pt_bdf_str(pf->bdf).s, n->queues.own - own, n->queues.own + n->queues.fixed);
}

static void judge_pf(struct pt_judge *j, const struct pt_device *pf)
{
	for (size_t i = 0; i < j->others->n; i++)
		if (pt_judge_holds(&j->others->v[i], pf->bdf))
			pt_judge_refuse(j,
					j->others->v[i].state == PT_DOMAIN_SHUTOFF ? PT_FORCE_BY_NAME : PT_FORCE_NEVER,
					"pf-in-use", NULL, "detach it from that VM first",
					"VM %s has %s as a whole: PF or VFs, not both", j->others->v[i].name,
					pt_bdf_str(pf->bdf).s);
	for (size_t i = 0; i < j->host->uses.n; i++) {
		const struct pt_use *u = &j->host->uses.v[i];

		if (!pt_bdf_eq(u->bdf, pf->bdf) || u->kind == PT_USE_VFIO)
			continue;
		judge_use(j, pf, u);
		return;
	}
}

/* a VF that goes, if only for the moment through 0 */
static void judge_vf(struct pt_judge *j, const struct pt_device *vf, bool comes_back)
{
	const struct pt_keep *keep = pt_keep_by_bdf(&j->host->reserved, vf->bdf);
	struct pt_bdf_text bdf = pt_bdf_str(vf->bdf);

	for (size_t i = 0; i < j->others->n; i++) {
		const struct pt_domain *vm = &j->others->v[i];
		bool off = vm->state == PT_DOMAIN_SHUTOFF;

		if (!pt_judge_holds(vm, vf->bdf))
			continue;
		if (off && comes_back)
			pt_judge_say(j, PT_NOTE, "other-vm", NULL, NULL,
				     "VM %s, which is shut off, has VF %d (%s); it comes back", vm->name, vf->vf_index,
				     bdf.s);
		else
			pt_judge_refuse(j, off ? PT_FORCE_BY_NAME : PT_FORCE_NEVER, "other-vm", NULL,
					off ? "detach it from that VM first" : "shut that VM down first",
					"VM %s, which is %s, has VF %d (%s)", vm->name, off ? "shut off" : "running",
					vf->vf_index, bdf.s);
	}
	for (size_t i = 0; i < j->host->uses.n; i++) {
		const struct pt_use *u = &j->host->uses.v[i];

		if (pt_bdf_eq(u->bdf, vf->bdf))
			pt_judge_refuse(j, u->kind == PT_USE_VFIO ? PT_FORCE_NEVER : PT_FORCE_BY_NAME, "vf-in-use",
					u->where, "end that use first", "this host uses VF %d (%s): %s", vf->vf_index,
					bdf.s, u->chain);
	}
	/* what is only remembered of a VM goes with the VM's definition */
	if (!comes_back && keep && pt_keep_at_boot(keep))
		pt_judge_refuse(j, PT_FORCE_BY_NAME, "reserved", NULL, "`passthru release` it first",
				"VF %d (%s) is reserved for guests", vf->vf_index, bdf.s);
}

/* those that stay keep their settings, and a VFIO driver that somebody gave them */
static void carry_over(const struct pt_sriov_state *now, const struct pt_sriov_state *kept, struct pt_sriov_state *want)
{
	for (size_t i = 0; i < now->v.n; i++) {
		const struct pt_vf_state *old = &now->v.v[i];
		struct pt_vf_state *vf;

		if (old->index >= (unsigned)want->vfs)
			continue;
		vf = pt_sriov_state_add(want, old->index);
		pt_vf_settings_merge(&vf->settings, &old->settings);
		if (kept && pt_sriov_state_vf(kept, old->index))
			vf->settings.must = pt_sriov_state_vf(kept, old->index)->settings.must & vf->settings.has;
		if (!pt_driver_is_vfio(old->driver))
			continue;
		vf->has_address = true;
		vf->bdf = old->bdf;
		pt_strset(&vf->driver, old->driver);
		pt_strset(&vf->override, old->override);
	}
}

static void name_card(struct pt_sriov_state *s, const struct pt_device *pf)
{
	s->has_pf = true;
	s->pf = pf->bdf;
	s->vendor = pf->vendor;
	s->device = pf->device;
	s->subvendor = pf->subvendor;
	s->subdevice = pf->subdevice;
}

static void add_keep(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf,
		     const struct pt_sriov_state *keep)
{
	pt_autofree char *text = keep ? pt_sriov_state_text(keep) : NULL;
	struct pt_step *s;

	if (pt_streq(text, f->kept_text) || (!text && !f->kept_text))
		return;
	s = pt_judge_device_step(j, PT_STEP_SRIOV_KEEP, pf);
	s->state_before = pt_strdup_opt(f->kept_text);
	s->state_after = pt_strdup_opt(text);
}

static void keep_vf(struct pt_sriov_state *keep, const struct pt_vf_state *kept)
{
	struct pt_vf_state *vf = pt_sriov_state_add(keep, kept->index);

	vf->settings = kept->settings;
	vf->mtu = kept->mtu;
}

/* what is kept: the number, and the settings that somebody asked for */
static void keep_count(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf,
		       const struct pt_sriov_request *request)
{
	PT_AUTO(pt_sriov_state) keep = PT_SRIOV_STATE_UNSAID;

	name_card(&keep, pf);
	keep.vfs = (int)request->vfs;
	keep.autoprobe = request->autoprobe;
	/* what the primary controller had before, for the day when it has no VFs again */
	if (f->sriov->nvme.manages) {
		PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;

		pt_nvme_state(&f->sriov->nvme, &now);
		keep.own_queues = f->kept ? f->kept->own_queues : now.own_queues;
		keep.own_interrupts = f->kept ? f->kept->own_interrupts : now.own_interrupts;
	}
	for (size_t i = 0; f->kept && i < f->kept->v.n; i++)
		if (f->kept->v.v[i].index < request->vfs)
			keep_vf(&keep, &f->kept->v.v[i]);
	add_keep(j, f, pf, request->vfs ? &keep : NULL);
}

static void add_count(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf,
		      const struct pt_sriov_request *request)
{
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) want = PT_SRIOV_STATE_UNSAID;
	bool autoprobe_same = f->sriov->autoprobe == PT_KNOWN_UNKNOWN || request->vfs == 0 ||
			      (f->sriov->autoprobe == PT_KNOWN_YES) == request->autoprobe;
	struct pt_step *s;

	state_now(f, pf, &now);
	if (now.vfs == (int)request->vfs && autoprobe_same)
		return;
	want.vfs = (int)request->vfs;
	/* none left: the switch goes back to the kernel's own default */
	want.autoprobe = request->vfs ? request->autoprobe : 1;
	if (f->sriov->autoprobe == PT_KNOWN_UNKNOWN)
		want.autoprobe = -1;
	if (!request->vfs && f->kept && f->sriov->nvme.manages) {
		want.own_queues = f->kept->own_queues;
		want.own_interrupts = f->kept->own_interrupts;
	}
	carry_over(&now, f->kept, &want);
	s = pt_judge_device_step(j, PT_STEP_SRIOV, pf);
	s->state_before = pt_sriov_state_text(&now);
	s->state_after = pt_sriov_state_text(&want);
}

int pt_decide_sriov(const struct pt_sriov_facts *f, const struct pt_sriov_request *request, struct pt_plan *ret_plan,
		    struct pt_error *err)
{
	const struct pt_attach_request asked = { .forced = request->forced };
	struct pt_judge j = { .host = f->host, .vm = &nobody, .others = f->vms, .request = &asked, .plan = ret_plan };
	pt_autofree char *title = NULL;
	const struct pt_device *pf = NULL;
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	r = find_pf(f, request->pf, &pf, err);
	if (r < 0 || !pf)
		return r;
	title = pt_judge_title(pf);
	ret_plan->verb = pt_strdup("sriov");
	ret_plan->summary = pt_strf("%u virtual function%s of %s", request->vfs, request->vfs == 1 ? "" : "s", title);
	r = check_range(&j, f, pf, request->vfs, err);
	if (r < 0)
		return r;
	judge_foreign(&j, f, pf);
	judge_pf(&j, pf);
	judge_nvme(&j, f, pf, request->vfs);
	for (size_t i = 0; i < f->host->devices.n && pf->vfs_now != (int)request->vfs; i++) {
		const struct pt_device *d = &f->host->devices.v[i];

		if (d->sriov == PT_SRIOV_VF && pt_bdf_eq(d->pf, pf->bdf))
			judge_vf(&j, d, d->vf_index >= 0 && (unsigned)d->vf_index < request->vfs);
	}
	add_count(&j, f, pf, request);
	keep_count(&j, f, pf, request);
	return pt_judge_verdict(&j, err);
}

static void judge_setting(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *vf,
			  const struct pt_vf_settings *want)
{
	for (size_t i = 0; i < f->vms->n; i++)
		if (pt_judge_holds(&f->vms->v[i], vf->bdf))
			pt_judge_say(j, f->vms->v[i].state == PT_DOMAIN_SHUTOFF ? PT_NOTE : PT_WARN, "other-vm", NULL,
				     NULL, "VM %s, which is %s, has it%s", f->vms->v[i].name,
				     f->vms->v[i].state == PT_DOMAIN_SHUTOFF ? "shut off" : "running",
				     f->vms->v[i].state == PT_DOMAIN_SHUTOFF
					     ? ""
					     : ": its network changes at once, a MAC when its driver starts anew");
	for (size_t i = 0; (want->has & PT_VF_MAC) && i < f->sriov->link.vfs.n; i++) {
		const struct pt_vf_settings *other = &f->sriov->link.vfs.v[i];

		if ((int)i != vf->vf_index && (other->has & PT_VF_MAC) && memcmp(other->mac, want->mac, 6) == 0)
			pt_judge_refuse(j, PT_FORCE_NEVER, "same-mac", NULL, "give it another one",
					"VF %zu of the same card has the MAC %s already", i, pt_mac_str(want->mac).s);
	}
}

/* igb and others compare a rate with the link's, and have none to compare with while it is down */
static void judge_link(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_vf_settings *want)
{
	const struct pt_pf_link *link = &f->sriov->link;

	if ((want->has & PT_VF_RATE) && link->name && !link->carrier)
		pt_judge_say(j, PT_NOTE, "link-down", NULL, NULL,
			     "%s %s: where its driver sets a rate only with the link up, it is set up and its carrier "
			     "waited for",
			     link->name, link->up ? "has no carrier" : "is down");
}

/* the setting kept with the others of its PF, when these are kept at all */
static void keep_setting(struct pt_judge *j, const struct pt_sriov_facts *f, const struct pt_device *pf,
			 const struct pt_device *vf, const struct pt_vf_settings *want,
			 const struct pt_network *network)
{
	PT_AUTO(pt_sriov_state) keep = PT_SRIOV_STATE_UNSAID;
	struct pt_vf_state *kept;

	if (!f->kept) {
		pt_judge_say(j, PT_WARN, "not-kept", NULL, "`passthru sriov` with --vfs takes them over",
			     "this does not outlive a reboot: the virtual functions of %s were made by somebody else",
			     pt_bdf_str(pf->bdf).s);
		return;
	}
	pt_sriov_state_copy(&keep, f->kept);
	kept = pt_sriov_state_add(&keep, (unsigned)vf->vf_index);
	pt_vf_settings_merge(&kept->settings, want);
	if (network)
		kept->mtu = network->mtu;
	add_keep(j, f, pf, &keep);
}

static void add_setting(struct pt_judge *j, const struct pt_device *pf, const struct pt_device *vf,
			const struct pt_vf_settings *now, const struct pt_vf_settings *want)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;
	struct pt_vf_state *old = pt_sriov_state_add(&before, (unsigned)vf->vf_index);
	struct pt_vf_state *new = pt_sriov_state_add(&after, (unsigned)vf->vf_index);
	struct pt_step *s;

	old->has_address = new->has_address = true;
	old->bdf = new->bdf = vf->bdf;
	old->settings = *now;
	old->settings.has = want->has;
	new->settings = *want;
	new->settings.must = 0; /* of what is asked for, everything must be had */
	s = pt_judge_device_step(j, PT_STEP_SRIOV, pf);
	s->state_before = pt_sriov_state_text(&before);
	s->state_after = pt_sriov_state_text(&after);
}

/* what the driver does not tell cannot be put back, nor seen to be set */
static int check_told(const struct pt_sriov_facts *f, const struct pt_device *vf, const struct pt_vf_settings *now,
		      const struct pt_vf_settings *want, struct pt_error *err)
{
	unsigned missing = want->has & ~(now ? now->has : 0);

	if (!missing)
		return 0;
	if (!now && f->sriov->link_why)
		return pt_refuse(err, "vf-settings-unseen",
				 "how the virtual functions of %s are set cannot be seen: %s", pt_bdf_str(vf->pf).s,
				 f->sriov->link_why);
	(void)pt_refuse(err, "vf-settings-unseen",
			"the driver of %s tells no %s of its virtual functions, so %s cannot be set safely",
			pt_bdf_str(vf->pf).s, pt_vf_has_str((enum pt_vf_has)(missing & -missing)),
			pt_bdf_str(vf->bdf).s);
	pt_hint(err, now ? "leave that setting out"
			 : "its PF must have a network interface on this host, with the card's own driver");
	return -EPERM;
}

int pt_decide_vf(const struct pt_sriov_facts *f, struct pt_bdf bdf, const struct pt_vf_settings *want,
		 const struct pt_network *network, struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request asked = { 0 };
	struct pt_judge j = { .host = f->host, .vm = &nobody, .others = f->vms, .request = &asked, .plan = ret_plan };
	const struct pt_device *vf = pt_devices_find(&f->host->devices, bdf);
	const struct pt_device *pf = vf ? pt_devices_find(&f->host->devices, vf->pf) : NULL;
	const struct pt_vf_settings *now;
	pt_autofree char *title = vf ? pt_judge_title(vf) : NULL;
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	if (!vf || vf->sriov != PT_SRIOV_VF || !pf || vf->vf_index < 0)
		return pt_usage(err, -EINVAL, "%s is no virtual function", title ? title : pt_bdf_str(bdf).s);
	ret_plan->verb = pt_strdup("vf");
	ret_plan->summary = pt_strf("settings of VF %d of %s", vf->vf_index, pt_bdf_str(pf->bdf).s);
	now = pt_pf_link_vf(&f->sriov->link, vf->vf_index);
	r = check_told(f, vf, now, want, err);
	if (r < 0)
		return r;
	judge_setting(&j, f, vf, want);
	judge_link(&j, f, want);
	if (pt_vf_settings_differ(want, now))
		add_setting(&j, pf, vf, now, want);
	keep_setting(&j, f, pf, vf, want, network);
	return pt_judge_verdict(&j, err);
}
