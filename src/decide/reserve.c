/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/reserve.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/group.h"
#include "decide/judge.h"

/* a guest to come: it has nothing yet, and does not run */
static const struct pt_domain nobody = { 0 };

static void summarize(struct pt_judge *j, const char *verb)
{
	PT_AUTO(pt_strv) titles = { 0 };
	pt_autofree char *list = NULL;

	for (size_t i = 0; i < j->bdfs.n; i++) {
		const struct pt_device *d = pt_devices_find(&j->host->devices, j->bdfs.v[i]);

		pt_strv_take(&titles, d ? pt_judge_title(d) : pt_strdup(pt_bdf_str(j->bdfs.v[i]).s));
	}
	list = pt_strv_join(&titles, ", ");
	pt_strset(&j->plan->verb, verb);
	j->plan->summary = pt_strf("%s %s", verb, list);
}

static int no_bridges(const struct pt_judge *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		pt_autofree char *title = pt_judge_title(j->devices.v[i]);
		int r;

		if (!pt_device_is_bridge(j->devices.v[i]))
			continue;
		r = pt_usage(err, -EINVAL, "%s is a bridge: a guest cannot have it", title);
		pt_hint(err, "name a device behind it; `passthru tree` shows them");
		return r;
	}
	return 0;
}

/* reserving what a VM has already is what reserving is for; said, so that nobody is surprised when that VM stops */
static void tell_vms(struct pt_judge *j)
{
	for (size_t i = 0; i < j->others->n; i++) {
		const struct pt_domain *vm = &j->others->v[i];

		for (size_t k = 0; k < j->devices.n; k++) {
			const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(vm, j->devices.v[k]->bdf);
			struct pt_bdf_text bdf = pt_bdf_str(j->devices.v[k]->bdf);

			if (h && h->managed)
				pt_judge_say(
					j, PT_WARN, "managed", NULL,
					"detach it and attach it with --managed no, or leave managed='yes' and do "
					"not reserve it",
					"VM %s has %s with managed='yes': libvirt gives it to the host's driver when "
					"the VM stops, reserved or not",
					vm->name, bdf.s);
			else if (h)
				pt_judge_say(j, PT_NOTE, "vm", NULL, NULL, "VM %s has %s", vm->name, bdf.s);
		}
	}
}

static bool all_bound(const struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++)
		if (!pt_judge_is_bound(j->devices.v[i]))
			return false;
	return true;
}

/* disks that a VM uses by their path, and VMs that run, lose the device when its driver does */
static void judge_taking(struct pt_judge *j)
{
	pt_judge_uses(j);
	pt_judge_sriov(j);
	pt_judge_claims(j);
}

static void add_reserve(struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_keep *there = pt_keep_by_bdf(&j->host->reserved, d->bdf);

	if (there && pt_keep_at_boot(there))
		pt_judge_say(j, PT_NOTE, "reserved", NULL, NULL, "%s is reserved already%s%s, by change %lld",
			     pt_bdf_str(d->bdf).s, there->vm ? " for " : "", there->vm ? there->vm : "", there->change);
	else {
		if (there)
			(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
		(void)pt_judge_device_step(j, PT_STEP_RESERVE, d);
	}
}

int pt_decide_reserve(const struct pt_host *host, const struct pt_domains *vms, const struct pt_vm_claim *claims,
		      size_t n_claims, const struct pt_reserve_request *request, struct pt_plan *ret_plan,
		      struct pt_error *err)
{
	const struct pt_attach_request asked = {
		.devices = request->devices, .n_devices = request->n_devices, .forced = request->forced, .managed = 0
	};
	PT_AUTO(pt_judge)
	j = {
		.host = host,
		.vm = &nobody,
		.others = vms,
		.claims = claims,
		.n_claims = n_claims,
		.request = &asked,
		.plan = ret_plan,
	};
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	r = pt_judge_devices(&j, false, err);
	if (r == 0)
		r = no_bridges(&j, err);
	if (r < 0)
		return r;
	summarize(&j, "reserve");
	pt_judge_host(&j);
	pt_judge_recorded(&j);
	if (all_bound(&j))
		pt_judge_overrides(&j);
	else
		judge_taking(&j);
	pt_judge_groups(&j);
	tell_vms(&j);
	for (size_t i = 0; i < j.devices.n; i++)
		add_reserve(&j, j.devices.v[i]);
	for (size_t i = 0; i < j.devices.n; i++)
		pt_judge_bind(&j, j.devices.v[i]);
	pt_judge_reserve_companions(&j);
	return pt_judge_verdict(&j, err);
}

/* one that is only remembered is given up with its VM (detach); where no VM has it any more nothing else would */
static bool may_be_released(const struct pt_judge *j, const struct pt_keep *k)
{
	const struct pt_domain *one = NULL;

	return pt_keep_at_boot(k) || !pt_judge_count_others(j, k->id.last_seen, &one);
}

static int find_reserved(const struct pt_judge *j, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;

	for (size_t i = 0; i < j->host->reserved.n; i++)
		if (pt_keep_at_boot(&j->host->reserved.v[i]))
			pt_strv_add(&names, pt_bdf_str(j->host->reserved.v[i].id.last_seen).s);
	list = pt_strv_join(&names, ", ");
	for (size_t i = 0; i < j->bdfs.n; i++) {
		const struct pt_keep *there = pt_keep_by_bdf(&j->host->reserved, j->bdfs.v[i]);
		int r;

		if (there && may_be_released(j, there))
			continue;
		r = pt_usage(err, -ENOENT, "%s is not reserved", pt_bdf_str(j->bdfs.v[i]).s);
		if (there)
			pt_hint(err, "it is remembered for a VM: `passthru detach` takes it from that one");
		else if (names.n)
			pt_hint(err, "reserved are %s", list);
		else
			pt_hint(err, "nothing is reserved on this host; an override of another tool is that tool's");
		return r;
	}
	return 0;
}

/* what a VM's definition counts on: it could not start, and the host's driver would have the guest's disks */
static void judge_giving_back(struct pt_judge *j)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];

		for (size_t k = 0; k < j->others->n; k++) {
			const struct pt_domain *vm = &j->others->v[k];
			pt_autofree char *fix = NULL;

			if (!pt_judge_holds(vm, d->bdf))
				continue;
			fix = pt_strf("`passthru detach %s %s` takes it from the VM and releases it",
				      pt_shell(vm->name).s, pt_bdf_str(d->bdf).s);
			pt_judge_refuse(j, vm->state == PT_DOMAIN_SHUTOFF ? PT_FORCE_BY_NAME : PT_FORCE_NEVER,
					"other-vm", NULL, fix, "VM %s has %s in its definition, and is %s", vm->name,
					pt_bdf_str(d->bdf).s, vm->state == PT_DOMAIN_SHUTOFF ? "shut off" : "running");
		}
	}
}

/* a member that a running VM has: a host driver beside it would make the group unfit under that VM */
static void judge_group_of(struct pt_judge *j, const struct pt_device *d)
{
	for (size_t i = 0; i < j->host->devices.n; i++) {
		const struct pt_device *m = &j->host->devices.v[i];

		if (d->iommu_group == PT_GROUP_NONE || m->iommu_group != d->iommu_group || pt_judge_wants(j, m->bdf) ||
		    pt_device_is_bridge(m))
			continue;
		for (size_t k = 0; k < j->others->n; k++)
			if (pt_judge_holds(&j->others->v[k], m->bdf))
				pt_judge_refuse(j,
						j->others->v[k].state == PT_DOMAIN_SHUTOFF ? PT_FORCE_BY_NAME
											   : PT_FORCE_NEVER,
						"other-vm-group", NULL, "release them together, or neither",
						"%s and %s are in IOMMU group %d, and VM %s has the latter",
						pt_bdf_str(d->bdf).s, pt_bdf_str(m->bdf).s, d->iommu_group,
						j->others->v[k].name);
	}
}

static void add_release(struct pt_judge *j, const struct pt_keep *r)
{
	const struct pt_device *d = pt_devices_find(&j->host->devices, r->id.last_seen);
	struct pt_device gone = { .bdf = r->id.last_seen,
				  .vendor = r->id.vendor,
				  .device = r->id.device,
				  .subvendor = r->id.subvendor,
				  .subdevice = r->id.subdevice };

	pt_autofree char *why = d ? pt_decide_stranger(j->host, r) : NULL;

	if (d && !why)
		pt_judge_reset(j, d);
	(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, &gone);
	if (!pt_keep_at_boot(r)) {
		pt_judge_say(j, PT_NOTE, "remembered", NULL, NULL, "%s was remembered%s%s, and no VM has it any more",
			     pt_bdf_str(r->id.last_seen).s, r->vm ? " for VM " : "", r->vm ? r->vm : "");
		return;
	}
	if (!d || why) {
		pt_judge_say(j, PT_NOTE, "gone", NULL, NULL, "%s is %s%s%s: only its reservation is given up",
			     pt_bdf_str(r->id.last_seen).s,
			     d ? "another device now, or may be one" : "not there any more", why ? "; " : "",
			     why ? why : "");
		return;
	}
	for (size_t i = 0; i < j->host->overrides.n; i++)
		if (pt_bdf_eq(j->host->overrides.v[i].bdf, d->bdf) && pt_driver_is_vfio(d->driver_override)) {
			pt_judge_say(j, PT_NOTE, "override", NULL, NULL, "%s stays on %s: %s keeps it there",
				     pt_bdf_str(d->bdf).s, d->driver ? d->driver : "no driver",
				     j->host->overrides.v[i].owner);
			return;
		}
	(void)pt_judge_unbind(j, d);
}

int pt_decide_release(const struct pt_host *host, const struct pt_domains *vms,
		      const struct pt_reserve_request *request, struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request asked = { .devices = request->devices,
						 .n_devices = request->n_devices,
						 .forced = request->forced,
						 .reset = request->reset };
	PT_AUTO(pt_judge) j = { .host = host, .vm = &nobody, .others = vms, .request = &asked, .plan = ret_plan };
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	r = pt_judge_devices(&j, true, err);
	if (r == 0)
		r = find_reserved(&j, err);
	if (r < 0)
		return r;
	summarize(&j, "release");
	judge_giving_back(&j);
	for (size_t i = 0; i < j.devices.n; i++)
		judge_group_of(&j, j.devices.v[i]);
	for (size_t i = 0; i < j.bdfs.n; i++)
		add_release(&j, pt_keep_by_bdf(&host->reserved, j.bdfs.v[i]));
	pt_judge_release_companions(&j);
	return pt_judge_verdict(&j, err);
}
