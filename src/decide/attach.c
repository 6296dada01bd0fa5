/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/attach.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/group.h"
#include "decide/judge.h"
#include "model/vf.h"

/* what no plan could be made for: the request itself is wrong */
static int check_request(const struct pt_judge *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct pt_device *d = j->devices.v[i];
		pt_autofree char *title = pt_judge_title(d);
		int r = 0;

		if (pt_device_is_bridge(d)) {
			r = pt_usage(err, -EINVAL, "%s is a bridge: a guest cannot have it", title);
			pt_hint(err, d->class_code >> 8 == 0x0604
					     ? "name a device behind it; `passthru tree` shows them"
					     : "it is a part of the machine itself; `passthru list` shows what may go");
		} else if (pt_judge_holds(j->vm, d->bdf)) {
			const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(j->vm, d->bdf);
			bool as_disk = !h;

			for (size_t k = 0; k < j->vm->hostdevs.n; k++)
				as_disk = as_disk && !(j->vm->hostdevs.v[k].has_bdf &&
						       pt_bdf_eq(j->vm->hostdevs.v[k].bdf, d->bdf));
			/* an NVMe drive that is a disk of the VM becomes a device of it */
			if (as_disk)
				continue;
			/* in its definition only: it is plugged in */
			if (h && j->running && !pt_judge_runs_with(j, d->bdf))
				continue;
			r = pt_usage(err, -EEXIST, "VM %s has %s already", j->vm->name, title);
			pt_hint(err,
				h ? "`passthru verify %s` says what its guest sees of it"
				  : "it is in the <qemu:commandline> or a backing chain of %s",
				h ? pt_shell(j->vm->name).s : j->vm->name);
		} else if (pt_judge_runs_with(j, d->bdf)) {
			r = pt_usage(err, -EEXIST, "VM %s runs with %s already, though its definition does not have it",
				     j->vm->name, title);
			pt_hint(err, "`passthru detach %s %s --live` takes it from there", pt_shell(j->vm->name).s,
				pt_bdf_str(d->bdf).s);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void note_managed(struct pt_judge *j, const struct pt_device *d, bool managed)
{
	const struct pt_bdf_text bdf = pt_bdf_str(d->bdf);
	bool storage = pt_device_is_storage(d);

	if (managed && storage)
		pt_judge_say(j, PT_WARN, "managed", NULL, NULL,
			     "%s is managed='yes', as told: when %s stops, the host's driver takes it back, and the "
			     "host may "
			     "activate the guest's own disks",
			     bdf.s, j->vm->name);
	else if (managed)
		pt_judge_say(j, PT_NOTE, "managed", NULL, NULL,
			     "%s is managed='yes': libvirt binds it when %s starts and gives it back when it stops",
			     bdf.s, j->vm->name);
	else
		pt_judge_say(
			j, PT_NOTE, "managed", NULL, NULL,
			"%s is managed='no' and reserved: it stays with guests while %s is off and across reboots%s",
			bdf.s, j->vm->name, storage ? ", so that the host never touches the guest's disks" : "");
}

bool pt_judge_is_bound(const struct pt_device *d)
{
	const char *target = d->vfio_variant ? d->vfio_variant : "vfio-pci";

	return pt_streq(d->driver, target) && pt_streq(d->driver_override, target);
}

void pt_judge_bind(struct pt_judge *j, const struct pt_device *d)
{
	const char *target = d->vfio_variant ? d->vfio_variant : "vfio-pci";
	struct pt_step *s;

	if (pt_judge_is_bound(d))
		return;
	s = pt_judge_device_step(j, PT_STEP_DRIVER, d);
	s->driver_before = pt_strdup_opt(d->driver);
	s->override_before = pt_strdup_opt(d->driver_override);
	s->driver_after = pt_strdup(target);
	s->override_after = pt_strdup(target);
}

void pt_judge_reset(struct pt_judge *j, const struct pt_device *d)
{
	if (j->request->reset && pt_driver_is_vfio(d->driver))
		(void)pt_judge_device_step(j, PT_STEP_RESET, d);
}

struct pt_step *pt_judge_unbind(struct pt_judge *j, const struct pt_device *d)
{
	struct pt_step *s;

	if (!d->driver_override && !pt_driver_is_vfio(d->driver))
		return NULL;
	s = pt_judge_device_step(j, PT_STEP_DRIVER, d);
	s->driver_before = pt_strdup_opt(d->driver);
	s->override_before = pt_strdup_opt(d->driver_override);
	s->reprobe = true;
	return s;
}

/* one that keeps it from the host at boot says more than ours would, and stays; but it must count for this VM, too */
static bool is_anothers(const struct pt_judge *j, const struct pt_keep *k, const struct pt_device *d)
{
	return pt_keep_at_boot(k) && k->vm_uuid && !pt_streq(k->vm_uuid, j->vm->uuid) && pt_judge_is_recorded(k, d);
}

/*
 * Reserved, or with managed='yes' remembered: its address may be another device's after the next boot.  Then none of
 * the VMs that have it may start with that one, so where there are more the record is nobody's in particular.
 */
static void add_reserve_step(struct pt_judge *j, const struct pt_device *d, bool managed)
{
	const struct pt_keep *there = pt_keep_by_bdf(&j->host->reserved, d->bdf);
	const struct pt_domain *other = NULL;
	const struct pt_domain *to = pt_judge_count_others(j, d->bdf, &other) ? NULL : j->vm;
	struct pt_step *s;

	if (there && is_anothers(j, there, d)) {
		pt_judge_hand_over(j, d, there, there->driver, to);
		return;
	}
	/* what is only remembered, of an earlier VM, is no reservation */
	if (there && !pt_keep_at_boot(there))
		(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
	s = pt_judge_device_step(j, PT_STEP_RESERVE, d);
	s->vm = to ? pt_strdup_opt(to->name) : NULL;
	s->vm_uuid = to ? pt_strdup_opt(to->uuid) : NULL;
	if (managed)
		s->driver_after = pt_strdup(PT_DRIVER_LIBVIRT);
}

/* what only the definition has is there with all that belongs to it */
static bool is_defined(const struct pt_judge *j, const struct pt_device *d)
{
	return pt_domain_hostdev_by_bdf(j->vm, d->bdf) != NULL;
}

static void put_in_network(struct pt_judge *j, const struct pt_device *d, struct pt_hostdev_add *add)
{
	const struct pt_attach_network *n = j->request->network;
	pt_autofree char *vlan = n->vlan ? pt_strf("VLAN %u", n->vlan) : pt_strdup("no VLAN: the guest may tag");

	add->is_interface = true;
	memcpy(add->mac, n->mac, sizeof(add->mac));
	add->vlan = n->vlan;
	pt_judge_say(j, PT_NOTE, "network", NULL, NULL, "in network %s %s has VF %d of %s (%s) with the MAC %s, %s",
		     n->name, j->vm->name, d->vf_index, pt_bdf_str(d->pf).s, pt_bdf_str(d->bdf).s, pt_mac_str(n->mac).s,
		     vlan);
}

static void add_hostdevs(struct pt_judge *j, struct pt_domain_edit *edit)
{
	for (size_t i = 0; i < j->devices.n; i++) {
		struct pt_hostdev_add add = { j->devices.v[i]->bdf, pt_judge_managed(j, j->devices.v[i]) };

		if (is_defined(j, j->devices.v[i]))
			continue;
		if (j->request->network)
			put_in_network(j, j->devices.v[i], &add);
		if (j->request->failover)
			memcpy(add.team_of, j->request->failover->alias, sizeof(add.team_of));
		add.guest_bus = pt_judge_guest_bus(j, i);
		note_managed(j, j->devices.v[i], add.managed);
		add_reserve_step(j, j->devices.v[i], add.managed);
		pt_array_push(&edit->add_hostdevs, add);
	}
}

static void add_steps(struct pt_judge *j, struct pt_domain_edit *edit)
{
	pt_judge_stop(j);
	pt_judge_settings(j);
	add_hostdevs(j, edit);
	for (size_t i = 0; i < j->devices.n; i++)
		if (!pt_judge_managed(j, j->devices.v[i]))
			pt_judge_bind(j, j->devices.v[i]);
	pt_judge_reserve_companions(j);
	pt_judge_failover(j, edit);
	pt_judge_spare_ports(j, edit);
	edit->drop_balloon = j->vm->balloon && edit->add_hostdevs.n;
	if (!pt_domain_edit_empty(edit))
		pt_judge_vm_step(j, PT_STEP_VM_DEFINE)->edit = *edit;
	*edit = (struct pt_domain_edit){ 0 };
	if (j->request->autostart && !j->vm->autostart)
		pt_judge_vm_step(j, PT_STEP_VM_AUTOSTART)->flag = true;
	pt_judge_plug(j);
	pt_judge_start(j);
}

int pt_decide_attach(const struct pt_attach_facts *facts, const struct pt_attach_request *asked,
		     struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request request = pt_judge_request(facts, asked);
	PT_AUTO(pt_domain_edit) edit = { 0 };
	PT_AUTO(pt_judge)
	j = {
		.host = facts->host,
		.vm = facts->vm,
		.running = facts->running,
		.others = facts->others,
		.disk_of = facts->disk_of,
		.claims = facts->claims,
		.n_claims = facts->n_claims,
		.request = &request,
		.plan = ret_plan,
	};
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	if (!request.n_devices && request.spare_ports)
		return pt_decide_ports(&j, err);
	r = pt_judge_devices(&j, false, err);
	if (r < 0)
		return r;
	pt_judge_summary(&j, "attach", "to");
	r = check_request(&j, err);
	if (r < 0)
		return r;
	pt_judge_host(&j);
	pt_judge_recorded(&j);
	pt_judge_vm_state(&j);
	pt_judge_live(&j);
	pt_judge_uses(&j);
	pt_judge_other_vms(&j);
	pt_judge_claims(&j);
	pt_judge_sriov(&j);
	pt_judge_groups(&j);
	pt_judge_memory(&j);
	pt_judge_losses(&j, &edit);
	pt_judge_vm(&j);
	pt_judge_live_attach(&j, &edit);
	add_steps(&j, &edit);
	return pt_judge_verdict(&j, err);
}
