/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/repair.h"

#include <errno.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "decide/group.h"
#include "decide/judge.h"

struct repair {
	struct pt_judge j;
	const struct pt_identities *present;
	const struct pt_whereabouts_list *where;
	const struct pt_repair_request *request;
};

static const struct pt_domain nobody = { 0 };

static bool same_uuid(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

bool pt_repair_concerns(const struct pt_keep *k, const struct pt_repair_request *request)
{
	if (!request->vm)
		return true;
	return same_uuid(k->vm_uuid, request->vm->uuid) ||
	       (!k->vm_uuid && pt_domain_hostdev_by_bdf(request->vm, k->id.last_seen));
}

static bool concerned(const struct repair *r, size_t i)
{
	return pt_repair_concerns(&r->j.host->reserved.v[i], r->request);
}

static const struct pt_identity *found_at(const struct repair *r, struct pt_bdf bdf)
{
	for (size_t i = 0; i < r->present->n; i++)
		if (pt_bdf_eq(r->present->v[i].last_seen, bdf))
			return &r->present->v[i];
	return NULL;
}

static bool is_found(const struct pt_whereabouts *w)
{
	return w->where == PT_WHERE_HERE || w->where == PT_WHERE_MOVED || w->where == PT_WHERE_LIKELY;
}

static bool is_moved(const struct pt_keep *k, const struct pt_whereabouts *w)
{
	return is_found(w) && !pt_bdf_eq(k->id.last_seen, w->bdf);
}

/*
 * A record is written anew when the device moved, or when this boot had not been sure of it until now: with that the
 * user says that it is the one.  One that libvirt binds must be told, too: the hook refuses what is only likely.
 */
static bool is_rewritten(const struct pt_keep *k, const struct pt_whereabouts *w)
{
	bool unsure = w->where == PT_WHERE_LIKELY || (pt_keep_at_boot(k) && !w->boot);

	return is_moved(k, w) || (is_found(w) && !k->known && unsure);
}

static void judge_one(struct repair *r, const struct pt_keep *k, const struct pt_whereabouts *w)
{
	struct pt_bdf_text bdf = pt_bdf_str(k->id.last_seen);

	if (!is_found(w)) {
		pt_judge_refuse(&r->j, PT_FORCE_NEVER, "identity", "/etc/passthru/reserved.d",
				w->fix ? w->fix
				       : "if it is gone for good, `passthru release` its address, or detach it",
				"where %s is now cannot be told: %s", bdf.s, w->why ? w->why : pt_where_str(w->where));
		return;
	}
	if (w->where == PT_WHERE_LIKELY)
		pt_judge_say(&r->j, PT_WARN, "identity", NULL,
			     "--probe lets the host's driver look at what is behind it, before anything is rewritten",
			     "%s is taken to be at %s now: by its kind alone, of which it is the only one that fits",
			     bdf.s, pt_bdf_str(w->bdf).s);
	else if (is_moved(k, w))
		pt_judge_say(&r->j, PT_NOTE, "moved", NULL, NULL, "%s is at %s now (%s evidence)", bdf.s,
			     pt_bdf_str(w->bdf).s, pt_identity_grade_str(w->grade));
	if (is_moved(k, w) && w->stranger)
		pt_judge_say(&r->j, PT_NOTE, "stranger", NULL, NULL, "another device is at %s now: it is left alone",
			     bdf.s);
}

/* where a device moves to, another that is not found may still be recorded */
static void judge_places(struct repair *r)
{
	const struct pt_keeps *known = &r->j.host->reserved;

	for (size_t i = 0; i < known->n; i++)
		for (size_t k = 0; k < known->n; k++) {
			if (i == k || !concerned(r, i) || !is_moved(&known->v[i], &r->where->v[i]) ||
			    !pt_bdf_eq(r->where->v[i].bdf, known->v[k].id.last_seen) ||
			    (concerned(r, k) && is_moved(&known->v[k], &r->where->v[k])))
				continue;
			pt_judge_refuse(
				&r->j, PT_FORCE_NEVER, "place-taken", "/etc/passthru/reserved.d",
				"repair both: `passthru repair`; or release the one that is gone",
				"%s is at %s now, where another device is recorded that this repair does not move",
				pt_bdf_str(known->v[i].id.last_seen).s, pt_bdf_str(r->where->v[i].bdf).s);
		}
}

static void want(struct repair *r, struct pt_bdf bdf)
{
	const struct pt_device *d = pt_devices_find(&r->j.host->devices, bdf);

	if (!d || pt_judge_is_bound(d))
		return;
	pt_array_push(&r->j.devices, d);
	pt_array_push(&r->j.bdfs, bdf);
}

static void add_unreserve(struct repair *r, const struct pt_keep *k)
{
	const struct pt_device old = { .bdf = k->id.last_seen,
				       .vendor = k->id.vendor,
				       .device = k->id.device,
				       .subvendor = k->id.subvendor,
				       .subdevice = k->id.subdevice };

	(void)pt_judge_device_step(&r->j, PT_STEP_UNRESERVE, &old);
}

/* what is behind it is seen only now and then: what was known of it stays known */
static char *identity_of(const struct repair *r, const struct pt_keep *k, struct pt_bdf bdf)
{
	const struct pt_identity *found = found_at(r, bdf);
	struct pt_identity id = found ? *found : k->id;

	if (!id.behind.n)
		id.behind = k->id.behind;
	if (!id.serial)
		id.serial = k->id.serial;
	return pt_identity_lines(&id);
}

static void add_reserve(struct repair *r, const struct pt_keep *k, const struct pt_whereabouts *w)
{
	const struct pt_device now = { .bdf = w->bdf,
				       .vendor = k->id.vendor,
				       .device = k->id.device,
				       .subvendor = k->id.subvendor,
				       .subdevice = k->id.subdevice };
	struct pt_step *s = pt_judge_device_step(&r->j, PT_STEP_RESERVE, &now);

	s->vm = pt_strdup_opt(k->vm);
	s->vm_uuid = pt_strdup_opt(k->vm_uuid);
	s->driver_after = pt_strdup(k->driver);
	s->identity = identity_of(r, k, w->bdf);
}

/* the records' VM, or with none every VM that has the address */
static bool is_for(const struct pt_keep *k, const struct pt_domain *vm)
{
	return !k->vm_uuid || same_uuid(k->vm_uuid, vm->uuid);
}

static bool has_it(const struct pt_keep *k, const struct pt_domain *vm)
{
	return is_for(k, vm) && pt_domain_hostdev_by_bdf(vm, k->id.last_seen) != NULL;
}

/* what names the address otherwise than as a host device is the user's to edit, and not left to point at a stranger */
static void judge_unfollowed(struct repair *r, const struct pt_keep *k, const struct pt_whereabouts *w,
			     const struct pt_domain *vm)
{
	pt_autofree char *fix = NULL;

	if (!is_for(k, vm) || has_it(k, vm) || !pt_judge_holds(vm, k->id.last_seen))
		return;
	fix = pt_strf("`virsh edit %s`: put %s there, then repair", pt_shell(vm->name).s, pt_bdf_str(w->bdf).s);
	pt_judge_refuse(
		&r->j, PT_FORCE_NEVER, "not-a-hostdev", NULL, fix,
		"VM %s names %s as an NVMe disk or in its <qemu:commandline>, which is not rewritten: the device "
		"is at %s now",
		vm->name, pt_bdf_str(k->id.last_seen).s, pt_bdf_str(w->bdf).s);
}

/* does this repair take the address out of the VM's definition? */
static bool leaves(const struct repair *r, const struct pt_domain *vm, struct pt_bdf bdf)
{
	for (size_t i = 0; i < r->where->n; i++) {
		const struct pt_keep *k = &r->j.host->reserved.v[i];

		if (concerned(r, i) && is_moved(k, &r->where->v[i]) && pt_bdf_eq(k->id.last_seen, bdf) && has_it(k, vm))
			return true;
	}
	return false;
}

/* its definition was written when something else was at the address where the device is now */
static void judge_other_vm(struct repair *r, const struct pt_keep *k, const struct pt_whereabouts *w,
			   const struct pt_domain *vm)
{
	struct pt_bdf_text bdf = pt_bdf_str(w->bdf);

	if (same_uuid(k->vm_uuid, vm->uuid) || pt_domain_hostdev_by_bdf(vm, k->id.last_seen) ||
	    !pt_judge_holds(vm, w->bdf) || leaves(r, vm, w->bdf))
		return;
	if (pt_judge_runs(vm))
		pt_judge_refuse(&r->j, PT_FORCE_NEVER, "other-vm", NULL, "shut that VM down, and detach it from it",
				"%s is where %s is now, and VM %s, which is running, has it", bdf.s,
				pt_bdf_str(k->id.last_seen).s, vm->name);
	else
		pt_judge_say(
			&r->j, PT_WARN, "other-vm", NULL, "detach it from that VM",
			"the definition of VM %s names %s too, where %s is now: started, it would have that device",
			vm->name, bdf.s, pt_bdf_str(k->id.last_seen).s);
}

static void judge_vms(struct repair *r)
{
	for (size_t i = 0; i < r->where->n; i++) {
		const struct pt_keep *k = &r->j.host->reserved.v[i];

		if (!concerned(r, i) || !is_moved(k, &r->where->v[i]))
			continue;
		for (size_t n = 0; n < r->j.others->n; n++) {
			judge_unfollowed(r, k, &r->where->v[i], &r->j.others->v[n]);
			judge_other_vm(r, k, &r->where->v[i], &r->j.others->v[n]);
		}
	}
}

static void add_define(struct repair *r, const struct pt_domain *vm)
{
	struct pt_domain_edit edit = { 0 }; /* becomes the step's, or stays empty */
	struct pt_step *s;

	for (size_t i = 0; i < r->where->n; i++) {
		const struct pt_keep *k = &r->j.host->reserved.v[i];
		struct pt_hostdev_move move = { k->id.last_seen, r->where->v[i].bdf };

		if (concerned(r, i) && is_moved(k, &r->where->v[i]) && has_it(k, vm))
			pt_array_push(&edit.move_hostdevs, move);
	}
	if (!edit.move_hostdevs.n)
		return;
	if (vm->state != PT_DOMAIN_SHUTOFF)
		pt_judge_refuse(&r->j, PT_FORCE_NEVER, "vm-runs", NULL, "shut it down first",
				"VM %s runs, and its definition names an address where another device may be now",
				vm->name);
	s = pt_plan_step(r->j.plan, PT_STEP_VM_DEFINE);
	s->vm = pt_strdup_opt(vm->name);
	s->vm_uuid = pt_strdup_opt(vm->uuid);
	s->edit = edit;
}

enum { LEFT = 1, WRITTEN = 2 };

/* is there still another's record where it is to be written? */
static bool is_in_the_way(const struct repair *r, const char *state, size_t i)
{
	const struct pt_keeps *known = &r->j.host->reserved;

	for (size_t k = 0; k < known->n; k++)
		if (k != i && !(state[k] & LEFT) && pt_bdf_eq(known->v[k].id.last_seen, r->where->v[i].bdf))
			return true;
	return false;
}

static void take_up(struct repair *r, char *state, size_t i)
{
	add_unreserve(r, &r->j.host->reserved.v[i]);
	state[i] |= LEFT;
}

/* the record at the old address is taken up when the new one stands: a power cut in between leaves two, never none */
static void write_anew(struct repair *r, char *state, size_t i)
{
	const struct pt_keep *k = &r->j.host->reserved.v[i];

	/* at the same address the one replaces the other in one write: pt_run_hands_over() */
	if (!is_moved(k, &r->where->v[i]))
		take_up(r, state, i);
	add_reserve(r, k, &r->where->v[i]);
	state[i] |= WRITTEN;
	if (!(state[i] & LEFT))
		take_up(r, state, i);
}

/* each as soon as its place is free; of those that have changed places with each other one is taken up before */
static void add_records(struct repair *r)
{
	const struct pt_keeps *known = &r->j.host->reserved;
	pt_autofree char *state = pt_alloc(known->n + 1);
	bool again = true;

	while (again) {
		size_t stuck = known->n;

		again = false;
		for (size_t i = 0; i < known->n; i++) {
			if (!concerned(r, i) || !is_rewritten(&known->v[i], &r->where->v[i]) || state[i] & WRITTEN)
				continue;
			if (!is_in_the_way(r, state, i)) {
				write_anew(r, state, i);
				again = true;
			} else if (!(state[i] & LEFT) && stuck == known->n) {
				stuck = i;
			}
		}
		if (!again && stuck < known->n) {
			take_up(r, state, stuck);
			again = true;
		}
	}
}

static void add_steps(struct repair *r)
{
	add_records(r);
	for (size_t i = 0; i < r->j.devices.n; i++)
		pt_judge_bind(&r->j, r->j.devices.v[i]);
	for (size_t i = 0; i < r->j.others->n; i++)
		add_define(r, &r->j.others->v[i]);
}

int pt_decide_repair(const struct pt_host *host, const struct pt_identities *present,
		     const struct pt_whereabouts_list *where, const struct pt_domains *vms,
		     const struct pt_repair_request *request, struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_request asked = { .forced = request->forced };
	struct repair r = {
		.j = { .host = host, .vm = &nobody, .others = vms, .request = &asked, .plan = ret_plan },
		.present = present,
		.where = where,
		.request = request,
	};
	int code;

	*ret_plan = (struct pt_plan){ .verb = pt_strdup("repair") };
	ret_plan->summary = request->vm ? pt_strf("repair %s", request->vm->name) : pt_strdup("repair what has moved");
	for (size_t i = 0; i < host->reserved.n; i++) {
		if (!concerned(&r, i))
			continue;
		judge_one(&r, &host->reserved.v[i], &where->v[i]);
		if (is_found(&where->v[i]) && pt_keep_at_boot(&host->reserved.v[i]))
			want(&r, where->v[i].bdf);
	}
	judge_places(&r);
	judge_vms(&r);
	if (r.j.devices.n) {
		pt_judge_uses(&r.j);
		pt_judge_groups(&r.j);
	}
	add_steps(&r);
	code = pt_judge_verdict(&r.j, err);
	pt_judge_done(&r.j);
	return code;
}
