/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/link-state.h"
#include "model/migrate.h"
#include "model/sriov-state.h"

#include "model/reservation.h"

static const char *const step_names[PT_STEP_KINDS] = {
	[PT_STEP_VM_STOP] = "vm-stop",	     [PT_STEP_VM_START] = "vm-start",
	[PT_STEP_VM_DEFINE] = "vm-define",   [PT_STEP_VM_AUTOSTART] = "vm-autostart",
	[PT_STEP_DRIVER] = "driver",	     [PT_STEP_RESERVE] = "reserve",
	[PT_STEP_UNRESERVE] = "unreserve",   [PT_STEP_SRIOV] = "sriov",
	[PT_STEP_SRIOV_KEEP] = "sriov-keep", [PT_STEP_LINK] = "link",
	[PT_STEP_VM_PLUG] = "vm-plug",	     [PT_STEP_VM_UNPLUG] = "vm-unplug",
	[PT_STEP_VM_MIGRATE] = "vm-migrate",
	[PT_STEP_RESET] = "reset",
};

const char *pt_step_kind_str(enum pt_step_kind kind)
{
	return step_names[kind];
}

int pt_step_kind_parse(const char *text, enum pt_step_kind *ret_kind)
{
	for (int i = 0; i < PT_STEP_KINDS; i++) {
		if (strcmp(step_names[i], text) != 0)
			continue;
		*ret_kind = (enum pt_step_kind)i;
		return 0;
	}
	return -EINVAL;
}

struct pt_step *pt_plan_step(struct pt_plan *p, enum pt_step_kind kind)
{
	struct pt_step *s = pt_array_add(&p->steps);

	s->kind = kind;
	return s;
}

static enum pt_step_kind inverse_kind(enum pt_step_kind kind)
{
	switch (kind) {
	case PT_STEP_VM_STOP:
		return PT_STEP_VM_START;
	case PT_STEP_VM_START:
		return PT_STEP_VM_STOP;
	case PT_STEP_RESERVE:
		return PT_STEP_UNRESERVE;
	case PT_STEP_UNRESERVE:
		return PT_STEP_RESERVE;
	case PT_STEP_VM_PLUG:
		return PT_STEP_VM_UNPLUG;
	case PT_STEP_VM_UNPLUG:
		return PT_STEP_VM_PLUG;
	default:
		return kind;
	}
}

void pt_step_invert(const struct pt_step *step, struct pt_step *ret_inverse)
{
	*ret_inverse = (struct pt_step){
		.kind = inverse_kind(step->kind),
		.vm = pt_strdup_opt(step->vm),
		.vm_uuid = pt_strdup_opt(step->vm_uuid),
		.xml_before = pt_strdup_opt(step->xml_after),
		.xml_after = pt_strdup_opt(step->xml_before),
		.flag = step->kind == PT_STEP_VM_AUTOSTART ? !step->flag : step->flag,
		.bdf = step->bdf,
		.driver_before = pt_strdup_opt(step->driver_after),
		.driver_after = pt_strdup_opt(step->driver_before),
		.override_before = pt_strdup_opt(step->override_after),
		.override_after = pt_strdup_opt(step->override_before),
		.vendor = step->vendor,
		.device = step->device,
		.subvendor = step->subvendor,
		.subdevice = step->subdevice,
		.timeout_ms = step->timeout_ms,
		.carried = pt_strdup_opt(step->carried),
		.identity = pt_strdup_opt(step->identity),
		.reservation = pt_strdup_opt(step->reservation),
		.state_before = pt_strdup_opt(step->state_after),
		.state_after = pt_strdup_opt(step->state_before),
		.element = pt_strdup_opt(step->element),
	};
}

void pt_step_copy(const struct pt_step *step, struct pt_step *ret_copy)
{
	*ret_copy = *step;
	ret_copy->vm = pt_strdup_opt(step->vm);
	ret_copy->vm_uuid = pt_strdup_opt(step->vm_uuid);
	ret_copy->xml_before = pt_strdup_opt(step->xml_before);
	ret_copy->xml_after = pt_strdup_opt(step->xml_after);
	ret_copy->driver_before = pt_strdup_opt(step->driver_before);
	ret_copy->driver_after = pt_strdup_opt(step->driver_after);
	ret_copy->override_before = pt_strdup_opt(step->override_before);
	ret_copy->override_after = pt_strdup_opt(step->override_after);
	ret_copy->carried = pt_strdup_opt(step->carried);
	ret_copy->identity = pt_strdup_opt(step->identity);
	ret_copy->reservation = pt_strdup_opt(step->reservation);
	ret_copy->state_before = pt_strdup_opt(step->state_before);
	ret_copy->state_after = pt_strdup_opt(step->state_after);
	ret_copy->element = pt_strdup_opt(step->element);
	ret_copy->edit = (struct pt_domain_edit){ 0 };
	pt_domain_edit_copy(&ret_copy->edit, &step->edit);
}

static char *describe_driver(const struct pt_step *s)
{
	const char *before = s->driver_before ? s->driver_before : "no driver";

	if (s->reprobe)
		return pt_strf("give %s back to the driver that the kernel chooses (now %s)", pt_bdf_str(s->bdf).s,
			       before);
	if (pt_streq(s->driver_before, s->driver_after))
		return pt_strf("keep %s on %s, with driver_override %s", pt_bdf_str(s->bdf).s, before,
			       s->override_after ? s->override_after : "none");
	if (!s->driver_after)
		return pt_strf("take %s from %s and leave it without a driver", pt_bdf_str(s->bdf).s, before);
	return pt_strf("bind %s to %s (now %s)", pt_bdf_str(s->bdf).s, s->driver_after, before);
}

static void describe_vf(struct pt_buf *b, const struct pt_vf_state *vf)
{
	pt_autofree char *settings = pt_vf_settings_text(&vf->settings);

	if (*settings)
		pt_buf_addf(b, "%sVF %u: %s", b->n ? "; " : "", vf->index, settings);
}

/* settings that only come back with the VFs are not told: the number is what changes */
static char *describe_sriov(const struct pt_step *s)
{
	PT_AUTO(pt_sriov_state) before = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) after = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_buf) b = { 0 };

	if (pt_sriov_state_parse(s->state_before ? s->state_before : "", &before, NULL) < 0 ||
	    pt_sriov_state_parse(s->state_after ? s->state_after : "", &after, NULL) < 0)
		return pt_strf("change the virtual functions of %s", pt_bdf_str(s->bdf).s);
	if (after.vfs >= 0 && after.vfs != before.vfs)
		return pt_strf("give %s %d virtual function%s (now %d)%s", pt_bdf_str(s->bdf).s, after.vfs,
			       after.vfs == 1 ? "" : "s", before.vfs,
			       after.vfs && after.autoprobe == 1   ? ", with this host's drivers"
			       : after.vfs && after.autoprobe == 0 ? ", without a driver of this host"
								   : "");
	for (size_t i = 0; i < after.v.n; i++)
		describe_vf(&b, &after.v.v[i]);
	return pt_strf("set for %s: %s", pt_bdf_str(s->bdf).s, b.n ? b.s : "which drivers take new virtual functions");
}

static char *describe_link(const struct pt_step *s)
{
	struct pt_link_state after = { 0 };
	pt_autofree char *mtu = NULL;

	if (pt_link_state_parse(s->state_after ? s->state_after : "", &after, NULL) < 0)
		return pt_strf("change the network interface of %s", pt_bdf_str(s->bdf).s);
	mtu = after.mtu ? pt_strf("set its MTU to %u", after.mtu) : NULL;
	return pt_strf("the network interface of %s: %s%s%s", pt_bdf_str(s->bdf).s,
		       !after.says_up ? ""
		       : after.up     ? "bring it up"
				      : "bring it down",
		       after.says_up && mtu ? ", " : "", mtu ? mtu : "");
}

static char *describe_migrate(const struct pt_step *s)
{
	PT_AUTO(pt_migrate_to) to = { 0 };
	PT_AUTO(pt_strv) devices = { 0 };
	pt_autofree char *list = NULL;

	if (pt_migrate_to_parse(s->state_after ? s->state_after : "", &to, NULL) < 0)
		return pt_strf("move %s to another host while it runs", s->vm);
	for (size_t i = 0; i < to.devices.n; i++)
		pt_strv_add(&devices, pt_bdf_str(to.devices.v[i]).s);
	list = pt_strv_join(&devices, ", ");
	return pt_strf("move %s to %s while it runs%s%s%s", s->vm, to.uri, devices.n ? ", and give it " : "", list,
		       devices.n ? " of that host" : "");
}

bool pt_step_is_device(enum pt_step_kind kind)
{
	return kind == PT_STEP_DRIVER || kind == PT_STEP_RESERVE || kind == PT_STEP_UNRESERVE ||
	       kind == PT_STEP_SRIOV || kind == PT_STEP_SRIOV_KEEP || kind == PT_STEP_LINK || kind == PT_STEP_RESET;
}

bool pt_step_is_plug(enum pt_step_kind kind)
{
	return kind == PT_STEP_VM_PLUG || kind == PT_STEP_VM_UNPLUG;
}

char *pt_step_describe(const struct pt_step *s)
{
	switch (s->kind) {
	case PT_STEP_VM_STOP:
		return pt_strf("shut down %s", s->vm);
	case PT_STEP_VM_START:
		return pt_strf("start %s and see that it stays up", s->vm);
	case PT_STEP_VM_DEFINE:
		return pt_strf("change the definition of %s", s->vm);
	case PT_STEP_VM_AUTOSTART:
		return pt_strf("turn autostart of %s %s", s->vm, s->flag ? "on" : "off");
	case PT_STEP_VM_PLUG:
		return pt_strf("give %s to %s while it runs", pt_bdf_str(s->bdf).s, s->vm);
	case PT_STEP_VM_UNPLUG:
		return pt_strf("ask the guest of %s to let go of %s, and wait until it does", s->vm,
			       pt_bdf_str(s->bdf).s);
	case PT_STEP_VM_MIGRATE:
		return describe_migrate(s);
	case PT_STEP_DRIVER:
		return describe_driver(s);
	case PT_STEP_RESERVE:
		return pt_strf(pt_streq(s->driver_after, PT_DRIVER_LIBVIRT) ? "remember what %s is recognised by"
									    : "reserve %s for guests, across reboots",
			       pt_bdf_str(s->bdf).s);
	case PT_STEP_UNRESERVE:
		return pt_strf("give up the reservation of %s", pt_bdf_str(s->bdf).s);
	case PT_STEP_RESET:
		return pt_strf("reset %s", pt_bdf_str(s->bdf).s);
	case PT_STEP_SRIOV:
		return describe_sriov(s);
	case PT_STEP_LINK:
		return describe_link(s);
	case PT_STEP_SRIOV_KEEP:
		return pt_strf(s->state_after ? "keep the virtual functions of %s across reboots"
					      : "keep nothing of the virtual functions of %s across reboots",
			       pt_bdf_str(s->bdf).s);
	case PT_STEP_KINDS:
		break;
	}
	return pt_strdup("?");
}

bool pt_plan_has(const struct pt_plan *p, enum pt_step_kind kind)
{
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.v[i].kind == kind)
			return true;
	return false;
}

const struct pt_finding *pt_plan_refusal(const struct pt_plan *p)
{
	for (size_t i = 0; i < p->findings.n; i++)
		if (p->findings.v[i].verdict == PT_FAIL)
			return &p->findings.v[i];
	return NULL;
}

void pt_step_done(struct pt_step *s)
{
	free(s->vm);
	free(s->vm_uuid);
	free(s->xml_before);
	free(s->xml_after);
	pt_domain_edit_done(&s->edit);
	free(s->driver_before);
	free(s->driver_after);
	free(s->override_before);
	free(s->override_after);
	free(s->carried);
	free(s->identity);
	free(s->reservation);
	free(s->state_before);
	free(s->state_after);
	free(s->element);
	*s = (struct pt_step){ 0 };
}

void pt_plan_done(struct pt_plan *p)
{
	free(p->verb);
	free(p->summary);
	pt_findings_done(&p->findings);
	for (size_t i = 0; i < p->steps.n; i++)
		pt_step_done(&p->steps.v[i]);
	free(p->steps.v);
	*p = (struct pt_plan){ 0 };
}
