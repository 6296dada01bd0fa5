/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of this host, one after the other: what each says, what was said of it, and what is; then the next step. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "shape/claim.h"

/* so often claims are looked at again at once when somebody writes meanwhile */
#define RACES 4

/* one claim, with all that bears on it; @claimed, @acked: revisions, 0 when there is no such record */
struct one {
	const char *id;
	struct pt_claim claim;
	long long claimed;
	struct pt_ack ack;
	long long acked;
	const struct pt_holds *holds;
};

static void one_done(struct one *o)
{
	pt_claim_done(&o->claim);
	pt_ack_done(&o->ack);
}

static bool is_ending(const struct pt_agent *a)
{
	return a->ending && atomic_load(a->ending);
}

static void set(struct one *o, enum pt_ack_state state, const char *reason)
{
	(void)snprintf(o->ack.id, sizeof(o->ack.id), "%s", o->id);
	o->ack.state = state;
	o->ack.when = (long long)time(NULL);
	pt_strset(&o->ack.reason, reason);
}

static void tell(struct pt_agent *a, const struct one *o)
{
	pt_agent_say(a, o->ack.state == PT_ACK_FAILED ? LOG_WARNING : LOG_INFO, o->id, NULL, "%s: %s%s%s%s%s", o->id,
		     pt_ack_state_str(o->ack.state), o->ack.vm ? " to " : "", o->ack.vm ? o->ack.vm : "",
		     o->ack.reason ? ": " : "", o->ack.reason ? o->ack.reason : "");
}

static int set_and_put(struct pt_agent *a, struct one *o, enum pt_ack_state state, const char *reason,
		       struct pt_error *err)
{
	int r;

	set(o, state, reason);
	r = pt_fleet_ack_put(a->store, a->host, &o->ack, &o->acked, err);
	if (r == 1)
		tell(a, o);
	return r < 0 ? r : 0;
}

/*
 * Said before anything is touched, each time, also where it was said before: what this agent said last and had no
 * answer to lands now or never, and that claim and word are still what was read is seen at the same time.
 */
static int announce(struct pt_agent *a, struct one *o, enum pt_ack_state state, struct pt_error *err)
{
	bool same = o->acked && o->ack.state == state;
	pt_autofree char *reason = same ? pt_strdup_opt(o->ack.reason) : NULL;
	int r;

	set(o, state, reason);
	r = pt_fleet_ack_take(a->store, a->host, &o->ack, o->claimed, &o->acked, err);
	if (r == 1 && !same)
		tell(a, o);
	return r < 0 ? r : 0;
}

/* one change at a time: all others wait until it is made */
static bool must_wait(struct pt_agent *a)
{
	a->deferred = a->deferred || a->changing;
	return a->changing;
}

/* of a claim: all; on the way back only what is still there to be taken: one of two may be elsewhere by now */
enum part { ALL, OF_VM, ON_VFIO };

static bool is_part(const struct pt_agent *a, struct pt_bdf bdf, const struct pt_domain *vm, enum part part)
{
	const struct pt_domain *user = pt_agent_user(a, bdf);
	int64_t at = pt_inv_host_find(&a->facts, bdf);

	if (part == OF_VM)
		return user && vm && pt_streq(user->uuid, vm->uuid);
	return part == ALL || (at >= 0 && pt_agent_on_vfio(&a->facts.v[at]));
}

/* functions of a claim as a wish; the caller frees @devices */
static struct pt_agent_wish wish_of(const struct pt_agent *a, const struct pt_claim *c, const struct pt_domain *vm,
				    enum part part)
{
	struct pt_bdf *devices = pt_alloc((c->devices.n + 1) * sizeof(*devices));
	size_t n = 0;

	for (size_t i = 0; i < c->devices.n; i++)
		if (is_part(a, c->devices.v[i].bdf, vm, part))
			devices[n++] = c->devices.v[i].bdf;
	return (struct pt_agent_wish){ vm ? vm->uuid : NULL, pt_claim_network(c), devices, n };
}

typedef int change_fn(void *ctx, const struct pt_agent_wish *wish, struct pt_agent_done *ret, struct pt_error *err);

/* 0, also when it failed: @err says so then; the host is looked at again afterwards */
static int change(struct pt_agent *a, struct one *o, enum part part, change_fn *make, const struct pt_domain *vm,
		  int *ret_made, struct pt_error *ret_why, struct pt_error *err)
{
	struct pt_agent_wish wish = wish_of(a, &o->claim, vm, part);
	/* the VMs are looked at anew while it is made */
	pt_autofree char *uuid = pt_strdup_opt(wish.vm);
	pt_autofree char *network = pt_strdup_opt(wish.network);
	PT_AUTO(pt_agent_done) done = { 0 };
	int made;

	wish.vm = uuid;
	wish.network = network;
	a->changing = o->id;
	made = make(a->hands->ctx, &wish, &done, ret_why);
	a->changing = NULL;
	free((void *)(uintptr_t)wish.devices);
	*ret_made = made;
	if (made == -EINTR)
		pt_agent_unsettled(a, ret_why->msg);
	if (made == 0) {
		o->ack.proved = done.proved;
		if (done.change)
			o->ack.change = done.change;
		pt_strset(&o->ack.reason, done.told);
	}
	return pt_agent_look(a, true, err);
}

/*
 * Cards that are not where they were given, with another one in their place: that one is not the claim's.  What is left
 * of the claim is what is where it was; -EPERM while a card that was moved is used where it is now.
 */
static int leave_strangers(const struct pt_agent *a, struct pt_claim *c, struct pt_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < c->devices.n; i++) {
		int64_t now = pt_claim_device_at(&c->devices.v[i], &a->facts);

		if (pt_agent_identity(a, &c->devices.v[i], err) < 0 && now >= 0 &&
		    (pt_agent_user(a, a->facts.v[now].bdf) || pt_agent_on_vfio(&a->facts.v[now])))
			return -EPERM;
	}
	for (size_t i = 0; i < c->devices.n; i++) {
		struct pt_claim_device d = c->devices.v[i];

		if (pt_agent_identity(a, &d, NULL) == 0)
			c->devices.v[n++] = d;
		else
			pt_claim_device_done(&d);
	}
	c->devices.n = n;
	return 0;
}

/* kept for guests, and for nobody in particular; @waits: why the VM that they are for has not got them */
static int keep(struct pt_agent *a, struct one *o, const char *waits, struct pt_error *err)
{
	pt_autofree char *told = NULL;
	struct pt_error why = { 0 };
	int made = 0;
	int r = change(a, o, ALL, a->hands->keep, NULL, &made, &why, err);

	if (r < 0)
		return r;
	pt_strset(&o->ack.vm, NULL);
	if (made < 0 && made != -EINTR)
		pt_agent_failed(a, o->id, "nobody's", false);
	/* what may be half made, or done later, goes on: a claim that has failed is given to others at once */
	if (made < 0 && (made != -EPERM || !pt_agent_untouched(a, &o->claim)))
		return set_and_put(a, o, PT_ACK_TAKING, why.msg, err);
	if (made < 0) {
		/* whoever is given it next would fare no better */
		pt_agent_refuse(a, &o->claim, why.msg);
		/* its device is free as soon as that is said */
		r = pt_agent_publish(a, err);
		return r < 0 ? r : set_and_put(a, o, PT_ACK_FAILED, waits ? waits : why.msg, err);
	}
	told = pt_strdup_opt(waits ? waits : o->ack.reason);
	return set_and_put(a, o, PT_ACK_BOUND, told, err);
}

/* what it cannot have now waits for it, kept: it is tried again once the VM is another way */
static int attach(struct pt_agent *a, struct one *o, const struct pt_domain *vm, struct pt_error *err)
{
	pt_autofree char *way = pt_agent_way(vm);
	pt_autofree char *name = pt_strdup(vm->name);
	pt_autofree char *reason = NULL;
	struct pt_error why = { 0 };
	int made = 0;
	int r;

	if (pt_agent_waits(a, o->id, way) || is_ending(a) || must_wait(a))
		return 0;
	if (o->ack.state == PT_ACK_BOUND) {
		r = announce(a, o, PT_ACK_BOUND, err);
		if (r < 0)
			return r;
	}
	r = change(a, o, ALL, a->hands->attach, vm, &made, &why, err);
	if (r < 0)
		return r;
	if (made < 0 && made != -EINTR)
		pt_agent_failed(a, o->id, way, false);
	if (made == -EINTR || made == -EAGAIN)
		return set_and_put(a, o, o->ack.state, why.msg, err);
	/* an exit status is not believed: what it has, it has */
	if (made < 0 && pt_agent_count_used(a, &o->claim, pt_agent_holder(a, &o->claim)) == o->claim.devices.n) {
		pt_strset(&o->ack.vm, name);
		o->ack.proved = false;
		return set_and_put(a, o, PT_ACK_ATTACHED, why.msg, err);
	}
	if (made == 0) {
		reason = pt_strdup_opt(o->ack.reason);
		pt_strset(&o->ack.vm, name);
		return set_and_put(a, o, PT_ACK_ATTACHED, reason, err);
	}
	reason = pt_strf("%s cannot have them: %s", name, why.msg);
	if (o->ack.state == PT_ACK_BOUND)
		return set_and_put(a, o, PT_ACK_BOUND, reason, err);
	return keep(a, o, reason, err);
}

static int take(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	bool mine = o->acked && o->ack.state == PT_ACK_TAKING;
	pt_autofree char *way = NULL;
	bool early;
	struct pt_error why = { 0 };
	const struct pt_domain *vm;
	int r;

	/* whom they are for, and who has them, is not known: nothing new is taken */
	if (!a->asked || a->blind) {
		pt_agent_say_once(a, LOG_WARNING, o->id, NULL, "%s waits: libvirt cannot be asked", o->id);
		return 0;
	}
	vm = pt_agent_holder(a, &o->claim);
	way = pt_agent_way(vm);
	early = pt_agent_waits(a, o->id, way);
	if (mine && early && o->ack.reason)
		return 0;
	r = pt_agent_check(a, &o->claim, o->holds, mine, &why);
	/* a change has them now: when that is made they are decided on */
	if (r == -EAGAIN || (a->changing && (r == 0 || pt_streq(why.refusal, "claim-not-free")) && must_wait(a))) {
		pt_agent_say_once(a, LOG_INFO, o->id, NULL, "%s waits: %s", o->id,
				  r < 0 ? why.msg : "another claim's devices are being changed");
		return 0;
	}
	if (r < 0)
		/* what was begun and cannot go on may have been half made: a person must look */
		return set_and_put(a, o, mine && !pt_agent_untouched(a, &o->claim) ? PT_ACK_ORPHAN : PT_ACK_FAILED,
				   why.msg, err);
	r = announce(a, o, PT_ACK_TAKING, err);
	if (r < 0)
		return r;
	/* it was attached, and that was not said */
	if (mine && pt_agent_count_used(a, &o->claim, vm) == o->claim.devices.n) {
		pt_strset(&o->ack.vm, vm->name);
		return set_and_put(a, o, PT_ACK_ATTACHED, NULL, err);
	}
	/* too early for the VM: it was tried, and what came of it was not said */
	return vm && !early ? attach(a, o, vm, err) : keep(a, o, NULL, err);
}

static int given_back(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	int r;

	/* first what the host is now, a device that could not be reset among it; then it may be claimed */
	r = pt_agent_publish(a, err);
	if (r < 0)
		return r;
	set(o, PT_ACK_RELEASED, NULL);
	pt_strset(&o->ack.vm, NULL);
	o->ack.proved = false;
	r = pt_fleet_ack_released(a->store, a->host, &o->ack, o->claimed, o->acked, err);
	if (r == 1)
		pt_agent_say(a, LOG_INFO, o->id, NULL, "%s: released", o->id);
	return r < 0 ? r : 0;
}

/* in use is in use: a device that another VM was given by hand stays */
static int refuse_to_take(struct pt_agent *a, struct one *o, const struct pt_domain *user, struct pt_bdf bdf,
			  struct pt_error *err)
{
	pt_autofree char *reason = pt_strf("VM %s has %s, which is not the claim's: `passthru detach %s %s`",
					   user->name, pt_bdf_str(bdf).s, pt_shell(user->name).s, pt_bdf_str(bdf).s);

	return set_and_put(a, o, PT_ACK_RELEASING, reason, err);
}

/* what held/HOST has not for this claim is not its own any more: another claim may have it by now */
static void leave_to_others(struct one *o)
{
	struct pt_claim *c = &o->claim;
	size_t n = 0;

	for (size_t i = 0; i < c->devices.n; i++) {
		struct pt_claim_device d = c->devices.v[i];

		if (pt_streq(pt_holds_find(o->holds, d.bdf), o->id))
			c->devices.v[n++] = d;
		else
			pt_claim_device_done(&d);
	}
	c->devices.n = n;
}

static int give_back(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	const struct pt_domain *vm = pt_agent_holder(a, &o->claim);
	const struct pt_domain *other;
	pt_autofree char *now = pt_agent_way(vm);
	/* who asks for it again has reason to think that it works now */
	pt_autofree char *way = pt_strf("back %lld %s", o->claimed, now);
	struct pt_error why = { 0 };
	struct pt_bdf bdf;
	int made = 0;
	int r;

	if (is_ending(a))
		return 0;
	leave_to_others(o);
	if (!o->claim.devices.n)
		return set_and_put(a, o, PT_ACK_RELEASED, NULL, err);
	if (!a->asked || a->blind)
		return set_and_put(a, o, PT_ACK_RELEASING, "libvirt cannot be asked who has them", err);
	if (leave_strangers(a, &o->claim, &why) < 0)
		return set_and_put(a, o, PT_ACK_RELEASING, why.msg, err);
	other = pt_agent_stranger(a, &o->claim, vm, &bdf);
	if (other)
		return refuse_to_take(a, o, other, bdf, err);
	if (pt_agent_given_back(a, &o->claim, NULL) == 0)
		return given_back(a, o, err);
	if (pt_agent_find_changed(a, &o->claim, &why) < 0)
		return set_and_put(a, o, PT_ACK_RELEASING, why.msg, err);
	if (pt_agent_waits(a, o->id, way))
		return 0;
	if (must_wait(a))
		return set_and_put(a, o, PT_ACK_RELEASING, "another claim's devices are being changed: this is next",
				   err);
	r = announce(a, o, PT_ACK_RELEASING, err);
	if (r == 0 && pt_agent_count_used(a, &o->claim, vm))
		r = change(a, o, OF_VM, a->hands->detach, vm, &made, &why, err);
	if (r == 0 && made == 0 && pt_agent_given_back(a, &o->claim, NULL) < 0)
		r = change(a, o, ON_VFIO, a->hands->give_back, NULL, &made, &why, err);
	if (r < 0)
		return r;
	if (made == 0)
		made = pt_agent_given_back(a, &o->claim, &why);
	if (made < 0 && made != -EINTR)
		pt_agent_failed(a, o->id, way, false);
	return made < 0 ? set_and_put(a, o, PT_ACK_RELEASING, why.msg, err) : given_back(a, o, err);
}

/* what was made is as it was made, or it is said what it is */
static int see(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	const struct pt_domain *vm = pt_agent_holder(a, &o->claim);
	size_t used = pt_agent_count_used(a, &o->claim, vm);
	pt_autofree char *way = NULL;
	struct pt_error why = { 0 };
	struct pt_bdf bdf;

	if (!a->asked || a->blind)
		return 0;
	for (size_t i = 0; i < o->claim.devices.n; i++)
		if (pt_agent_identity(a, &o->claim.devices.v[i], &why) < 0) {
			pt_agent_say_once(a, LOG_WARNING, o->id, pt_bdf_str(o->claim.devices.v[i].bdf).s, "%s: %s",
					  o->id, why.msg);
			return 0;
		}
	if (pt_agent_stranger(a, &o->claim, vm, &bdf)) {
		pt_agent_say_once(a, LOG_WARNING, o->id, pt_bdf_str(bdf).s,
				  "%s is claimed for %s, and VM %s has it: %s", pt_bdf_str(bdf).s, o->claim.holder,
				  pt_agent_user(a, bdf)->name, o->id);
		return 0;
	}
	if (used == o->claim.devices.n && o->ack.state != PT_ACK_ATTACHED) {
		pt_strset(&o->ack.vm, vm->name);
		return set_and_put(a, o, PT_ACK_ATTACHED, NULL, err);
	}
	if (used == o->claim.devices.n)
		return 0;
	/* pulled, or its driver took it away: that is told (heal.c), and nobody has given it back */
	for (size_t i = 0; i < o->claim.devices.n; i++)
		if (pt_inv_host_find(&a->facts, o->claim.devices.v[i].bdf) < 0)
			return 0;
	if (used == 0 && pt_agent_given_back(a, &o->claim, &why) == 0)
		/* by hand: what the claim says is not so any more, and is not fought over */
		return set_and_put(a, o, PT_ACK_FAILED, "they were given back to the host by somebody else", err);
	if (o->ack.state == PT_ACK_ATTACHED && used == 0) {
		pt_strset(&o->ack.vm, NULL);
		o->ack.proved = false;
		/* nor is that */
		way = pt_agent_way(vm);
		pt_agent_failed(a, o->id, way, true);
		return set_and_put(a, o, PT_ACK_BOUND, "the VM was made to let go of them by somebody else", err);
	}
	if (used)
		pt_agent_say_once(a, LOG_WARNING, o->id, NULL,
				  "%s: VM %s has %zu of its %zu devices; somebody took the others, and they are not "
				  "given again: `passthru release %s` gives back what is left",
				  o->id, vm->name, used, o->claim.devices.n, o->id);
	if (o->ack.state != PT_ACK_BOUND || !vm)
		return 0;
	/* the VM was shut down, or defined, since; and what this host offers may have changed */
	if (pt_agent_check(a, &o->claim, o->holds, true, &why) < 0) {
		pt_autofree char *reason = pt_strf("%s does not get them: %s", vm->name, why.msg);

		return set_and_put(a, o, PT_ACK_BOUND, reason, err);
	}
	return attach(a, o, vm, err);
}

/* the claim went without this agent: evacuated, or its record lost */
static int left_over(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	if (!o->acked)
		return 0;
	if (o->ack.state == PT_ACK_RELEASED || o->ack.state == PT_ACK_FAILED) {
		int r = pt_fleet_ack_drop(a->store, a->host, o->id, o->claimed, o->acked, err);

		return r < 0 ? r : 0;
	}
	return set_and_put(a, o, PT_ACK_ORPHAN,
			   "the claim is gone, and what was done for it is not undone by itself: `passthru list` shows "
			   "who has what",
			   err);
}

/* nothing is begun before what was cut off is settled; what waits for that says so */
static int hold(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	if (!o->claimed || !o->acked || o->ack.state == PT_ACK_RELEASED || o->ack.state == PT_ACK_FAILED)
		return 0;
	if (o->claim.releasing)
		return set_and_put(a, o, PT_ACK_RELEASING, a->unsettled, err);
	return o->ack.state == PT_ACK_TAKING ? set_and_put(a, o, PT_ACK_TAKING, a->unsettled, err) : 0;
}

static int handle(struct pt_agent *a, struct one *o, bool look, struct pt_error *err)
{
	if (!a->recovered)
		return hold(a, o, err);
	/* what is being changed for it comes to its own end */
	if (pt_streq(a->changing, o->id))
		return 0;
	if (!o->claimed || !pt_streq(o->claim.host, a->host))
		return left_over(a, o, err);
	if (!o->acked)
		return o->claim.releasing ? 0 : take(a, o, err);
	switch (o->ack.state) {
	case PT_ACK_FAILED:
	case PT_ACK_RELEASED:
	case PT_ACK_STATES:
		return 0;
	case PT_ACK_TAKING:
		return o->claim.releasing ? give_back(a, o, err) : take(a, o, err);
	case PT_ACK_RELEASING:
	case PT_ACK_ORPHAN:
		return o->claim.releasing ? give_back(a, o, err) : 0;
	case PT_ACK_BOUND:
	case PT_ACK_ATTACHED:
		break;
	}
	if (o->claim.releasing)
		return give_back(a, o, err);
	return look ? see(a, o, err) : 0;
}

static int read_claim(struct pt_agent *a, struct one *o, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r = pt_fleet_get(a->store, o->id, &o->claim, &o->claimed, &why);

	if (r == -EBADMSG) {
		pt_agent_say_once(a, LOG_WARNING, o->id, NULL, "%s", why.msg);
		return 0;
	}
	if (r < 0)
		*err = why;
	return r < 0 ? r : 1;
}

static int look_at(struct pt_agent *a, const char *id, const struct pt_records *acks, const struct pt_holds *holds,
		   bool look, struct pt_error *err)
{
	PT_AUTO(one) o = { .id = id, .holds = holds };
	pt_autofree char *key = pt_strf("acks/%s/%s", a->host, id);
	const struct pt_record *said = pt_records_find(acks, key);
	int r = read_claim(a, &o, err);

	if (r <= 0)
		return r;
	if (said && pt_ack_read(said->value, key, &o.ack, err) < 0)
		/* what is not understood is not touched, and what is under it not either */
		return pt_agent_say_once(a, LOG_WARNING, id, NULL, "%s", err->msg), 0;
	if (said)
		o.acked = said->revision;
	return handle(a, &o, look, err);
}

/* every claim that is held here or was spoken of, once each */
static void list_ids(const char *host, const struct pt_holds *holds, const struct pt_records *acks, struct pt_strv *ids)
{
	size_t before = strlen("acks/") + strlen(host) + 1;

	for (size_t i = 0; i < holds->n; i++)
		if (!pt_strv_has(ids, holds->v[i].id))
			pt_strv_add(ids, holds->v[i].id);
	for (size_t i = 0; i < acks->n; i++)
		if (pt_claim_id_valid(acks->v[i].key + before) && !pt_strv_has(ids, acks->v[i].key + before))
			pt_strv_add(ids, acks->v[i].key + before);
}

/* a trouble with one claim's records holds up no other; a store that is away is everybody's */
static bool is_its_own(struct pt_agent *a, const char *id, int r, const struct pt_error *err)
{
	if (r >= 0 || (r != -E2BIG && r != -EBUSY && r != -EBADMSG && r != -EINVAL))
		return false;
	pt_agent_say_once(a, LOG_WARNING, id, NULL, "%s: %s", id, err->msg);
	return true;
}

/* 0; 1 something was not as it was read: once more */
static int reconcile(struct pt_agent *a, bool look, struct pt_error *err)
{
	pt_autofree char *held_key = pt_strf("held/%s", a->host);
	pt_autofree char *acks_key = pt_strf("acks/%s/", a->host);
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_records) acks = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	PT_AUTO(pt_strv) ids = { 0 };
	bool again = false;
	int r = pt_store_list(a->store, acks_key, &acks, err);

	/* held later than acks: a claim that is new here has not been spoken of */
	r = r < 0 ? r : pt_store_get(a->store, held_key, &held, err);
	if (r == 1)
		r = pt_holds_read(held.value, held_key, &holds, err);
	if (r < 0)
		return r;
	list_ids(a->host, &holds, &acks, &ids);
	if (look)
		r = pt_agent_heal(a, &holds, err);
	for (size_t i = 0; i < ids.n && r >= 0 && !is_ending(a); i++) {
		r = look_at(a, ids.v[i], &acks, &holds, look, err);
		again = again || r == -ESTALE;
		r = r == -ESTALE || is_its_own(a, ids.v[i], r, err) ? 0 : r;
	}
	if (!a->recovered)
		pt_strv_add(&ids, PT_AGENT_RECOVER);
	if (r >= 0 && !is_ending(a))
		pt_agent_forget(a, &ids);
	return r < 0 ? r : again;
}

int pt_agent_reconcile(struct pt_agent *a, bool look, struct pt_error *err)
{
	int r = 1;

	for (unsigned i = 0; i < RACES && r == 1; i++)
		r = reconcile(a, look, err);
	/* others write all the time: the next round is not far */
	if (r == 1)
		return -ESTALE;
	return r < 0 ? r : pt_agent_publish(a, err);
}
