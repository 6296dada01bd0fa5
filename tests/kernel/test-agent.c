/* SPDX-License-Identifier: Apache-2.0 */
/* An agent on a fake host with the real engine and real stores: what it takes, what it leaves alone, what it survives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/parts.h"
#include "agentstage.h"
#include "base/cleanup.h"
#include "etcd.h"
#include "fleet/agent.h"
#include "shape/claim.h"
#include "store/backend.h"

static struct etcd *etcd;
static unsigned tests;

static int start_etcd(void **state)
{
	(void)state;
	if (etcd_installed())
		etcd = etcd_start(1, 0, false);
	return 0;
}

static int stop_etcd(void **state)
{
	(void)state;
	etcd_stop(etcd);
	etcd = NULL;
	return 0;
}

static int on_sqlite(void **state)
{
	struct pt_store_config config = { 0 };

	*state = agentstage_new(&config);
	return 0;
}

static int on_etcd(void **state)
{
	struct pt_store_config config = { 0 };

	*state = NULL;
	if (!etcd)
		return 0;
	etcd_config(etcd, &config);
	config.prefix = pt_strf("/agent-%u/", ++tests);
	*state = agentstage_new(&config);
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		agentstage_free(*state);
	return 0;
}

static struct agentstage *begin(void **state)
{
	if (!*state)
		skip();
	agentstage_round(*state);
	return *state;
}

static struct pt_bdf nic(const struct agentstage *a)
{
	return a->s->nic->bdf;
}

static void is_with_the_host(struct agentstage *a)
{
	assert_string_equal(a->s->nic->driver, "igb");
	assert_string_equal(a->s->nic->override, "");
	assert_false(agentstage_vm_has(a->s->cvm, nic(a)));
	assert_false(agentstage_vm_has(a->s->other, nic(a)));
	assert_int_equal(fakekernel_kept(a->s->kernel), 0);
}

/* the releaser's part: marked, given back in so many rounds, gone */
static void release(struct agentstage *a, const char *id)
{
	PT_AUTO(pt_claim) c = { 0 };

	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	pt_claim_done(&c);
	/* as long as the host has not got it back nobody else gets it */
	assert_true(agentstage_is_held(a, nic(a)));
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	assert_false(agentstage_is_held(a, nic(a)));
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), 1);
	pt_claim_done(&c);
	assert_int_equal(pt_fleet_get(a->store, id, &c, NULL, &a->err), 0);
	agentstage_round(a);
	claiming_check(a->store, &a->pci);
}

static void a_claim_for_nobody_here_is_bound_and_given_back(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	agentstage_claim(a, "nic:1", "somebody", id);
	is_with_the_host(a);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_BOUND, &ack);
	assert_true(ack.change > 0);
	assert_string_equal(a->s->nic->driver, "vfio-pci");
	release(a, id);
	is_with_the_host(a);
	assert_int_equal(a->s->nic->resets, 1);
	/* and it can be claimed again */
	agentstage_claim(a, "nic:1", "another", id);
}

static void a_vm_that_is_named_gets_it_while_it_runs(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };
	unsigned stops = a->s->cvm->stops;

	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &ack);
	assert_string_equal(ack.vm, "cvm");
	assert_true(ack.proved);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	/* nothing more is done to what is so already */
	a->wishes = 0;
	agentstage_round(a);
	assert_int_equal(a->wishes, 0);
	release(a, id);
	is_with_the_host(a);
	assert_int_equal(a->s->cvm->stops, stops);
	assert_int_equal(a->s->cvm->state, PT_DOMAIN_RUNNING);
}

static void a_vm_that_is_off_gets_it_into_its_definition(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	agentstage_claim(a, "nic:1", STAGE_OTHER, id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &ack);
	assert_string_equal(ack.vm, "other");
	assert_int_equal(a->s->other->state, PT_DOMAIN_SHUTOFF);
	release(a, id);
	is_with_the_host(a);
}

static void what_a_running_vm_cannot_take_waits_for_it(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) later = { 0 };

	a->s->cvm->forgets_plug = true;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_restart(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_BOUND, &ack);
	assert_non_null(ack.reason);
	assert_string_equal(a->s->nic->driver, "vfio-pci");
	assert_int_equal(a->s->cvm->state, PT_DOMAIN_RUNNING);
	/* it is not tried each minute */
	a->wishes = 0;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(a->wishes, 0);
	fakevm_off(a->s->vm, a->s->cvm);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &later);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
}

static void a_guest_that_does_not_let_go_keeps_it(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	a->s->cvm->refuses_unplug = true;
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASING, &ack);
	assert_non_null(ack.reason);
	assert_true(agentstage_is_held(a, nic(a)));
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	assert_int_equal(a->s->nic->resets, 0);
	a->s->cvm->refuses_unplug = false;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	is_with_the_host(a);
}

static void what_cannot_be_reset_is_given_to_nobody_else(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	a->s->nic->reset = -ENOTTY;
	release(a, id);
	/* its host has it back */
	assert_string_equal(a->s->nic->driver, "igb");
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &fleet, &a->err), 0);
	assert_int_equal(claiming_claim(&fleet, "nic:1", "vm2", &c, &a->err), 0);
}

/* records that say more than their host grants: nothing is touched */
static void a_claim_that_lies_is_refused(void **state)
{
	static const char id[] = "c-00000000000000000001";
	static const struct {
		const char *device;
		const char *held;
	} lies[] = {
		{ "0000:01:00.0", "{\"0000:01:00.0\": \"c-00000000000000000001\"}" }, /* not in device_spec */
		{ "0000:07:00.0", "{\"0000:07:00.0\": \"c-00000000000000000001\"}" }, /* not there */
		{ "0000:02:00.0", "{\"0000:02:00.0\": \"c-00000000000000000002\","    /* another's */
				  " \"0000:07:00.0\": \"c-00000000000000000001\"}" },
	};
	struct agentstage *a = begin(state);

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		pt_autofree char *before = stage_text(a->s);
		pt_autofree char *after = NULL;
		pt_autofree char *claim =
			pt_strf("{\"id\": \"%s\", \"asked\": \"nic:1\", \"for\": \"cvm\", \"host\": \"h1\", \"since\": "
				"1, \"devices\": [{\"address\": \"%s\", \"alias\": \"nic\"}]}",
				id, lies[i].device);
		PT_AUTO(pt_claim) gone = { 0 };
		PT_AUTO(pt_ack) ack = { 0 };

		agentstage_put(a, "claims/c-00000000000000000001", claim);
		agentstage_put(a, "held/h1", lies[i].held);
		agentstage_round(a);
		agentstage_ack(a, id, PT_ACK_FAILED, &ack);
		assert_non_null(ack.reason);
		after = stage_text(a->s);
		assert_string_equal(before, after);
		/* what was refused has nothing to give back */
		assert_int_equal(pt_fleet_release(a->store, id, &gone, &a->err), 1);
	}
}

static void a_pf_whose_vf_a_vm_has_is_refused(void **state)
{
	static const char id[] = "c-00000000000000000001";
	struct agentstage *a = begin(state);
	struct pt_claim c = { .asked = pt_strdup("nic:1"), .holder = pt_strdup("x"), .host = pt_strdup("h1") };
	struct pt_holds holds = { 0 };
	struct pt_inv_device *vf;
	struct pt_bdf twice;
	struct pt_bdf bdf = { .bus = 2, .slot = 0x10 };

	(void)strcpy(c.id, id);
	pt_array_push(&c.devices, ((struct pt_claim_device){ .bdf = nic(a) }));
	pt_array_push(&holds, ((struct pt_hold){ .bdf = nic(a) }));
	(void)strcpy(holds.v[0].id, id);
	assert_int_equal(pt_agent_round(&a->agent, PT_AGENT_FACTS, &a->err), 0);
	/* as the facts would be with a VF that a guest has */
	a->agent.facts.v[pt_inv_host_find(&a->agent.facts, nic(a))].type = PT_DEV_PF;
	vf = pt_inv_host_add(&a->agent.facts);
	vf->bdf = bdf;
	vf->vendor = 0x8086;
	vf->product = 0x10ca;
	vf->type = PT_DEV_VF;
	vf->has_parent = true;
	vf->parent = nic(a);
	vf->owner = pt_strdup("vfio-pci");
	assert_int_equal(pt_inv_host_finish(&a->agent.facts, &twice), 0);
	assert_int_equal(pt_agent_check(&a->agent, &c, &holds, false, &a->err), -EPERM);
	assert_non_null(strstr(a->err.msg, "virtual function"));
	pt_claim_done(&c);
	pt_holds_done(&holds);
}

static void what_a_vm_uses_without_a_claim_is_nobody_elses(void **state)
{
	struct agentstage *a = begin(state);
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	struct pt_agent_wish wish = { .vm = STAGE_OTHER, .n = 1 };
	struct pt_bdf bdf = nic(a);
	struct pt_agent_done done = { 0 };
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;

	wish.devices = &bdf;
	assert_int_equal(a->hands.attach(a, &wish, &done, &a->err), 0);
	before = stage_text(a->s);
	agentstage_round(a);
	agentstage_round(a);
	after = stage_text(a->s);
	assert_string_equal(before, after);
	assert_non_null(strstr(a->said, "VM other has it without a claim"));
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &fleet, &a->err), 0);
	assert_int_equal(claiming_claim(&fleet, "nic:1", "vm2", &c, &a->err), 0);
	pt_agent_done_done(&done);
}

/* a claim is heard of at once: what VMs were a while ago is not what it is decided on */
static void a_claim_is_decided_on_what_the_vms_are_now(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_agent_wish wish = { .vm = STAGE_OTHER, .n = 1 };
	struct pt_bdf bdf = nic(a);
	struct pt_agent_done done = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };

	wish.devices = &bdf;
	/* into the definition of a VM that is off, where libvirt will bind it: nothing on the host tells */
	assert_int_equal(a->hands.attach(a, &wish, &done, &a->err), 0);
	(void)strcpy(a->s->nic->driver, "igb");
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_FAILED, &ack);
	assert_non_null(strstr(ack.reason, "VM other"));
	assert_false(agentstage_vm_has(a->s->cvm, nic(a)));
	pt_agent_done_done(&done);
}

static void without_libvirt_nothing_new_is_taken(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	a->blind = true;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	is_with_the_host(a);
	assert_int_equal(pt_fleet_ack(a->store, "h1", id, &ack, NULL, &a->err), 0);
	a->blind = false;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

/* a store that is away for writes, or for all */
static const struct pt_store_ops *real;

static int no_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
		     struct pt_error *err)
{
	(void)store;
	(void)txn;
	(void)revision;
	(void)now;
	return pt_say(err, -EHOSTUNREACH, "no member answers");
}

static void cut_off_it_keeps_what_it_has_and_takes_nothing(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_store_ops ops = *a->store->ops;

	real = a->store->ops;
	agentstage_claim(a, "nic:1", "cvm", id);
	ops.commit = no_commit;
	a->store->ops = &ops;
	agentstage_restart(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), -EHOSTUNREACH);
	is_with_the_host(a);
	a->store->ops = real;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
	a->store->ops = &ops;
	agentstage_restart(a);
	(void)agentstage_go(a, PT_AGENT_ALL);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	a->store->ops = real;
}

/* the controller was taken out by hand, and is with its host; the card is still in the guest */
static void what_is_left_of_a_claim_can_be_given_back(void **state)
{
	static const char id[] = "c-00000000000000000001";
	struct agentstage *a = begin(state);
	struct pt_bdf bdf = nic(a);
	const struct pt_agent_wish wish = { .vm = STAGE_CVM, .devices = &bdf, .n = 1 };
	struct pt_agent_done done = { 0 };

	assert_int_equal(a->hands.attach(a, &wish, &done, &a->err), 0);
	agentstage_put(a, "claims/c-00000000000000000001",
		       "{\"id\": \"c-00000000000000000001\", \"asked\": \"nic:2\", \"for\": \"cvm\", \"host\": \"h1\", "
		       "\"since\": 1, \"releasing\": true, \"devices\": [{\"address\": \"0000:01:00.0\"}, "
		       "{\"address\": \"0000:02:00.0\"}]}");
	agentstage_put(a, "held/h1",
		       "{\"0000:01:00.0\": \"c-00000000000000000001\", \"0000:02:00.0\": "
		       "\"c-00000000000000000001\"}");
	agentstage_put(a, "acks/h1/c-00000000000000000001",
		       "{\"id\": \"c-00000000000000000001\", \"state\": \"attached\", \"vm\": \"cvm\"}");
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	is_with_the_host(a);
	assert_false(agentstage_is_held(a, nic(a)));
	pt_agent_done_done(&done);
}

static int (*own_attach)(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err);

/* made, and then nobody could be asked whether it is proved; or the child was killed after it was made */
static int attach_and_fail(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	int r = own_attach(ctx, w, ret, err);

	return r < 0 ? r : pt_say(err, -EIO, "it cannot be proved");
}

static void what_was_attached_is_not_taken_for_a_failure(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	own_attach = a->hands.attach;
	a->hands.attach = attach_and_fail;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &ack);
	assert_false(ack.proved);
	assert_string_equal(ack.reason, "it cannot be proved");
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
}

/* what the hands do when a test says so, instead of what they do */
static struct {
	int attach;
	int keep;
	int recover;
	unsigned asked;
} refusing;

static int failing_attach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	(void)w;
	(void)ret;
	((struct agentstage *)ctx)->wishes++;
	return pt_say(err, refusing.attach, "why it is not attached");
}

static int failing_keep(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	(void)w;
	(void)ret;
	((struct agentstage *)ctx)->wishes++;
	return pt_say(err, refusing.keep, "why it is not kept");
}

static int failing_recover(void *ctx, struct pt_error *err)
{
	(void)ctx;
	refusing.asked++;
	return refusing.recover < 0 ? pt_say(err, refusing.recover, "change 1 is stuck") : 0;
}

static void time_passes(struct agentstage *a)
{
	for (size_t i = 0; i < a->agent.attempts.n; i++)
		a->agent.attempts.v[i].again_at = 0;
}

static void nothing_is_begun_before_what_was_cut_off_is_settled(void **state)
{
	struct agentstage *a = begin(state);
	const struct pt_agent_hands own = a->hands;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) later = { 0 };

	refusing.attach = -EINTR;
	refusing.recover = -EINTR;
	a->hands.attach = failing_attach;
	a->hands.recover = failing_recover;
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_TAKING, &ack);
	assert_non_null(strstr(ack.reason, "why it is not attached"));
	/* another claim, or the same: neither is begun, and the first has not failed */
	a->hands.attach = own.attach;
	a->wishes = 0;
	for (int i = 0; i < 3; i++) {
		refusing.asked = 0;
		time_passes(a);
		assert_int_equal(agentstage_go(a, i == 1 ? PT_AGENT_ALL : PT_AGENT_CLAIMS), 0);
		assert_int_equal(refusing.asked, 1);
	}
	assert_int_equal(a->wishes, 0);
	agentstage_ack(a, id, PT_ACK_TAKING, &later);
	assert_non_null(strstr(later.reason, "change 1 is stuck"));
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	assert_true(agentstage_is_held(a, nic(a)));
	assert_int_equal(a->wishes, 0);
	refusing.recover = 0;
	time_passes(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	is_with_the_host(a);
}

/* settling it may mean to ask a guest to let go: not each minute, for ever */
static void what_cannot_be_settled_is_tried_ever_less_often(void **state)
{
	struct agentstage *a = begin(state);

	refusing.recover = -EINTR;
	refusing.asked = 0;
	a->hands.recover = failing_recover;
	agentstage_restart(a);
	/* before the VMs are known, and while libvirt is away, no guest was asked: at once again */
	a->blind = true;
	for (int i = 0; i < 3; i++)
		(void)agentstage_go(a, PT_AGENT_ALL);
	assert_int_equal(refusing.asked, 3);
	a->blind = false;
	/* it is known to be back only after that */
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(refusing.asked, 4);
	for (int i = 0; i < 5; i++)
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(refusing.asked, 5);
	assert_int_equal(a->agent.attempts.n, 1);
	time_passes(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	assert_int_equal(refusing.asked, 6);
	assert_true(a->agent.attempts.v[0].pause_ms == 120000);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(refusing.asked, 6);
	refusing.recover = 0;
	time_passes(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(refusing.asked, 7);
	/* and nothing of it is left */
	assert_int_equal(a->agent.attempts.n, 0);
}

/* another change is under way, passthru is being upgraded: no claim has failed for that, and nothing is tried each
 * minute */
static void what_is_in_the_way_for_a_while_is_tried_again(void **state)
{
	static const int passing[] = { -EAGAIN, -EIO, -ENOENT };

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++) {
		struct agentstage *a = begin(state);
		const struct pt_agent_hands own = a->hands;
		char id[PT_CLAIM_ID_LENGTH + 1];
		PT_AUTO(pt_ack) ack = { 0 };
		unsigned asked;

		refusing.attach = passing[i];
		refusing.keep = passing[i];
		a->hands.attach = failing_attach;
		a->hands.keep = failing_keep;
		agentstage_claim(a, "nic:1", i == 1 ? "nobody" : "cvm", id);
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
		agentstage_ack(a, id, PT_ACK_TAKING, &ack);
		assert_non_null(ack.reason);
		asked = a->wishes;
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
		assert_int_equal(a->wishes, asked);
		time_passes(a);
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
		assert_true(a->wishes > asked);
		assert_true(a->agent.attempts.v[0].pause_ms == 120000);
		a->hands = own;
		time_passes(a);
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
		agentstage_ack(a, id, i == 1 ? PT_ACK_BOUND : PT_ACK_ATTACHED, NULL);
		release(a, id);
		/* what was tried for a claim goes with it */
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
		assert_int_equal(a->agent.attempts.n, 0);
	}
}

/* it could not be attached, and is kept; the cause goes away, and the VM stays as it is */
static void what_waits_kept_is_tried_again_later(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];

	a->s->cvm->forgets_plug = true;
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
	a->s->cvm->forgets_plug = false;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
	time_passes(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

/* as a change that an earlier agent's child is still making would leave it */
static void what_may_be_half_made_has_not_failed(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) later = { 0 };

	refusing.attach = -EINTR;
	refusing.recover = 0;
	a->hands.attach = failing_attach;
	a->hands.keep = failing_keep;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_TAKING, NULL);
	(void)strcpy(a->s->nic->driver, "vfio-pci");
	refusing.attach = -EPERM;
	refusing.keep = -EPERM;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_TAKING, &ack);
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	/* and one that nothing was done to has */
	pt_claim_done(&c);
	(void)strcpy(a->s->nic->driver, "igb");
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), 1);
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_FAILED, &later);
	assert_non_null(strstr(later.reason, "why it is not attached"));
}

/* hardware was added or moved: another card is at the address that was given */
static void a_stranger_at_the_address_is_neither_given_nor_taken(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) later = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	a->s->nic->ids[1] = 0x10d3;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_FAILED, &ack);
	assert_non_null(strstr(ack.reason, "is another card now (8086:10d3): the claim was given 8086:10c9"));
	is_with_the_host(a);
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), 1);
	pt_claim_done(&c);
	/* the same once it was attached: what is there now is not taken away */
	a->s->nic->ids[1] = 0x10c9;
	agentstage_round(a);
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
	a->s->nic->ids[1] = 0x10d3;
	a->wishes = 0;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &later);
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	assert_int_equal(a->wishes, 0);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
}

static void what_somebody_took_back_by_hand_is_not_fought_over(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_agent_wish wish = { .vm = STAGE_CVM, .n = 1 };
	struct pt_bdf bdf = nic(a);
	struct pt_agent_done done = { 0 };

	wish.devices = &bdf;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	assert_int_equal(a->hands.detach(a, &wish, &done, &a->err), 0);
	agentstage_round(a);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_FAILED, NULL);
	is_with_the_host(a);
	pt_agent_done_done(&done);
}

static void a_claim_that_vanished_leaves_an_orphan_that_nobody_unbinds(void **state)
{
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	pt_autofree char *key = NULL;
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	key = pt_strf("claims/%s", id);
	agentstage_put(a, key, NULL);
	agentstage_put(a, "held/h1", "{}");
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_ORPHAN, NULL);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &fleet, &a->err), 0);
	assert_int_equal(claiming_claim(&fleet, "nic:1", "vm2", &c, &a->err), 0);
}

/* a member that is stopped with a write in its hands: nobody knows of it, and it lands when the member goes on */
static struct {
	unsigned count;
	unsigned at; /* the how-manieth write of the agent it is; 0: none */
	struct pt_saw saw[8];
	size_t n_saw;
	struct pt_write writes[8];
	size_t n_writes;
	bool has;
} stopped;

static int stopped_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
			  struct pt_error *err)
{
	if (++stopped.count != stopped.at)
		return real->commit(store, txn, revision, now, err);
	for (stopped.n_saw = 0; stopped.n_saw < txn->n_saw; stopped.n_saw++)
		stopped.saw[stopped.n_saw] =
			(struct pt_saw){ pt_strdup(txn->saw[stopped.n_saw].key), txn->saw[stopped.n_saw].revision };
	for (stopped.n_writes = 0; stopped.n_writes < txn->n_writes; stopped.n_writes++)
		stopped.writes[stopped.n_writes] =
			(struct pt_write){ pt_strdup(txn->writes[stopped.n_writes].key),
					   pt_strdup_opt(txn->writes[stopped.n_writes].value),
					   txn->writes[stopped.n_writes].lease };
	stopped.has = true;
	return pt_say(err, -ETIMEDOUT, "nobody answers");
}

static void stopped_goes_on(struct agentstage *a)
{
	const struct pt_txn txn = { stopped.saw, stopped.n_saw, stopped.writes, stopped.n_writes };

	if (!stopped.has)
		return;
	assert_true(pt_store_commit(a->store, &txn, NULL, NULL, &a->err) >= 0);
	for (size_t i = 0; i < stopped.n_saw; i++)
		free((void *)(uintptr_t)stopped.saw[i].key);
	for (size_t i = 0; i < stopped.n_writes; i++) {
		free((void *)(uintptr_t)stopped.writes[i].key);
		free((void *)(uintptr_t)stopped.writes[i].value);
	}
	stopped.has = false;
}

/* rounds as the worker has them, the same agent: once more where the store gave no answer */
static void go_on(struct agentstage *a, const struct pt_store_ops *ops, unsigned rounds)
{
	a->store->ops = ops;
	for (unsigned i = 0; i < rounds; i++) {
		int r = agentstage_go(a, PT_AGENT_ALL);

		assert_true(r == 0 || r == -ETIMEDOUT);
	}
	a->store->ops = real;
}

/*
 * The agent's n-th write is kept back, and lands where @when says: 0 once the next claim has the device, 1 one round
 * later than it was sent.  The first claim is given back, and its releaser has not ended it yet.
 */
static bool kept_back(unsigned n, int when, bool fails_first)
{
	struct pt_store_config config = { 0 };
	struct agentstage *a = agentstage_new(&config);
	struct pt_store_ops ops = *a->store->ops;
	char first[PT_CLAIM_ID_LENGTH + 1];
	char second[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) of_first = { 0 };
	bool was;

	real = a->store->ops;
	ops.commit = stopped_commit;
	agentstage_round(a);
	stopped.count = 0;
	stopped.at = n;
	agentstage_claim(a, "nic:1", "cvm", first);
	a->s->cvm->forgets_plug = fails_first;
	for (int i = 0; i < 2; i++) {
		go_on(a, &ops, 1);
		a->s->cvm->forgets_plug = false;
		if (when == 1)
			stopped_goes_on(a);
		if (fails_first && i == 0)
			agentstage_restart(a);
	}
	go_on(a, &ops, 2);
	agentstage_ack(a, first, PT_ACK_ATTACHED, NULL);
	assert_int_equal(pt_fleet_release(a->store, first, &c, &a->err), PT_RELEASE_MARKED);
	for (int i = 0; i < 3; i++) {
		go_on(a, &ops, 1);
		if (when == 1)
			stopped_goes_on(a);
	}
	agentstage_ack(a, first, PT_ACK_RELEASED, NULL);
	agentstage_claim(a, "nic:1", "cvm", second);
	go_on(a, &ops, 2);
	agentstage_ack(a, second, PT_ACK_ATTACHED, NULL);
	was = stopped.has || stopped.count >= n;
	stopped_goes_on(a);
	a->wishes = 0;
	go_on(a, real, 2);
	/* what is the next one's stays so, and nothing is said of the first that is not so */
	assert_int_equal(a->wishes, 0);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	agentstage_ack(a, second, PT_ACK_ATTACHED, &ack);
	assert_true(agentstage_is_held(a, nic(a)));
	assert_int_equal(pt_fleet_ack(a->store, "h1", first, &of_first, NULL, &a->err), 1);
	assert_int_equal(of_first.state, PT_ACK_RELEASED);
	agentstage_free(a);
	return was;
}

static void a_late_word_never_undoes_a_later_one(void **state)
{
	unsigned places = 0;

	(void)state;
	for (int fails = 0; fails < 2; fails++)
		for (int when = 0; when < 2; when++) {
			unsigned n = 1;

			while (kept_back(n, when, fails))
				n++;
			places += n - 1;
			assert_true(n > 5);
		}
	print_message("kept back at %u places\n", places);
}

/* what passthrud keeps is looked at, and nothing that was sent before takes it away later */
static void alive_is_not_taken_away_by_what_comes_late(void **state)
{
	struct agentstage *a = begin(state);
	const struct pt_alive alive = { .since = 1, .boot = (char[]){ "b1" } };
	struct pt_store_ops ops = *a->store->ops;
	struct pt_alive_lease l = { 0 };
	PT_AUTO(pt_record) first = { 0 };
	PT_AUTO(pt_record) after = { 0 };

	agentstage_put(a, "alive/h1", NULL);
	real = a->store->ops;
	ops.commit = stopped_commit;
	stopped.count = 0;
	stopped.at = 1;
	a->store->ops = &ops;
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &alive, 60, &l, &a->err), -ETIMEDOUT);
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &alive, 60, &l, &a->err), 0);
	a->store->ops = real;
	assert_int_equal(pt_store_get(a->store, "alive/h1", &first, &a->err), 1);
	stopped_goes_on(a);
	assert_int_equal(pt_store_get(a->store, "alive/h1", &after, &a->err), 1);
	assert_int_equal(after.revision, first.revision);
	/* and one that went however it did is there again */
	agentstage_put(a, "alive/h1", NULL);
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &alive, 60, &l, &a->err), 0);
	assert_int_equal(pt_fleet_alive(a->store, "h1", NULL, &a->err), 1);
	assert_int_equal(pt_store_end(a->store, l.lease, &a->err), 1);
	assert_int_equal(pt_fleet_alive(a->store, "h1", NULL, &a->err), 0);
}

static void of_two_machines_with_one_name_the_second_does_nothing(void **state)
{
	struct agentstage *a = begin(state);
	const struct pt_alive one = { .since = 1, .boot = (char[]){ "b1" } };
	const struct pt_alive two = { .since = 2, .boot = (char[]){ "b2" } };
	struct pt_alive_lease l1 = { 0 };
	struct pt_alive_lease l2 = { 0 };
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_alive) is = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &one, 60, &l1, &a->err), 0);
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &two, 60, &l2, &a->err), -EBUSY);
	assert_non_null(strstr(a->err.msg, "another machine"));
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &one, 60, &l1, &a->err), 0);
	assert_int_equal(pt_fleet_alive(a->store, "h1", &is, &a->err), 1);
	assert_string_equal(is.boot, "b1");
	a->agent.boot = "b2";
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), -EBUSY);
	assert_int_equal(a->wishes, 0);
	assert_int_equal(pt_fleet_ack(a->store, "h1", id, &ack, NULL, &a->err), 0);
	/* the first is gone: the name is free */
	assert_int_equal(pt_store_end(a->store, l1.lease, &a->err), 1);
	assert_int_equal(pt_fleet_alive_keep(a->store, "h1", &two, 60, &l2, &a->err), 0);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

/* a record that says of an old claim what was so once: what another claim has by now is not touched for it */
static void what_is_held_for_another_claim_is_not_given_back(void **state)
{
	static const char old[] = "c-00000000000000000001";
	struct agentstage *a = begin(state);
	char id[PT_CLAIM_ID_LENGTH + 1];
	pt_autofree char *claim = NULL;

	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	claim = pt_strf("{\"id\": \"%s\", \"asked\": \"nic:1\", \"for\": \"cvm\", \"host\": \"h1\", \"since\": 1, "
			"\"releasing\": true, \"devices\": [{\"address\": \"0000:02:00.0\", \"alias\": \"nic\"}]}",
			old);
	agentstage_put(a, "claims/c-00000000000000000001", claim);
	agentstage_put(a, "acks/h1/c-00000000000000000001",
		       "{\"id\": \"c-00000000000000000001\", \"state\": \"attached\", \"vm\": \"cvm\"}");
	a->wishes = 0;
	agentstage_round(a);
	assert_int_equal(a->wishes, 0);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
	agentstage_ack(a, old, PT_ACK_RELEASED, NULL);
	assert_true(agentstage_is_held(a, nic(a)));
}

/* one life of an agent, in a process that may die in it */
static struct agentstage *current;

static int live_once(struct stage *s)
{
	struct agentstage *a = current;

	(void)s;
	/* a store is not taken over a fork */
	if (pt_store_open(&a->config, &a->store, &a->err) < 0)
		return 1;
	agentstage_restart(a);
	return agentstage_go(a, PT_AGENT_ALL) < 0 ? 2 : 0;
}

static void live(struct agentstage *a, unsigned die_before, unsigned die_after, bool *ret_died)
{
	int status;

	a->s->fault->count = 0;
	a->s->fault->die_before = die_before;
	a->s->fault->die_after = die_after;
	current = a;
	pt_agent_done(&a->agent);
	pt_store_close(a->store);
	a->store = NULL;
	status = stage_in_child(a->s, live_once);
	a->s->fault->die_before = 0;
	a->s->fault->die_after = 0;
	if (pt_store_open(&a->config, &a->store, &a->err) < 0)
		fail_msg("%s", a->err.msg);
	agentstage_restart(a);
	if (status != 0 && status != FAULT_EXIT)
		fail_msg("the agent ended with %d", status);
	*ret_died = status == FAULT_EXIT;
}

/* killed at its n-th change of the host, on the way there or back; the next one ends it */
static bool killed_at(unsigned n, bool after, bool on_the_way_back)
{
	struct pt_store_config config = { 0 };
	struct agentstage *a = agentstage_new(&config);
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };
	bool died = false;
	bool again;

	agentstage_round(a);
	agentstage_claim(a, "nic:1", "cvm", id);
	if (!on_the_way_back)
		live(a, after ? 0 : n, after ? n : 0, &died);
	/* once more: a change that was cut off is settled first */
	for (int i = 0; i < 2; i++)
		live(a, 0, 0, &again);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	if (on_the_way_back)
		live(a, after ? 0 : n, after ? n : 0, &died);
	assert_true(agentstage_is_held(a, nic(a)) || strcmp(a->s->nic->driver, "igb") == 0);
	for (int i = 0; i < 2; i++)
		live(a, 0, 0, &again);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	is_with_the_host(a);
	assert_int_equal(a->s->cvm->state, PT_DOMAIN_RUNNING);
	agentstage_free(a);
	return died;
}

static void killed_anywhere_the_next_one_goes_on(void **state)
{
	unsigned places = 0;

	(void)state;
	for (int back = 0; back < 2; back++)
		for (int after = 0; after < 2; after++) {
			unsigned n = 1;

			while (killed_at(n, after, back))
				n++;
			places += n - 1;
			assert_true(n > 3);
		}
	print_message("killed at %u places\n", places);
}

#define BOTH(test)                                                                                                     \
	{ #test ", SQLite", test, on_sqlite, teardown, NULL },                                                         \
	{                                                                                                              \
#test ", etcd", test, on_etcd, teardown, NULL                                                          \
	}
#define ONE(test)                                                                                                      \
	{                                                                                                              \
#test, test, on_sqlite, teardown, NULL                                                                 \
	}

int main(void)
{
	const struct CMUnitTest all[] = {
		BOTH(a_claim_for_nobody_here_is_bound_and_given_back),
		BOTH(a_vm_that_is_named_gets_it_while_it_runs),
		BOTH(a_vm_that_is_off_gets_it_into_its_definition),
		ONE(what_a_running_vm_cannot_take_waits_for_it),
		ONE(a_guest_that_does_not_let_go_keeps_it),
		ONE(what_cannot_be_reset_is_given_to_nobody_else),
		BOTH(a_claim_that_lies_is_refused),
		ONE(a_pf_whose_vf_a_vm_has_is_refused),
		ONE(what_a_vm_uses_without_a_claim_is_nobody_elses),
		ONE(a_claim_is_decided_on_what_the_vms_are_now),
		ONE(without_libvirt_nothing_new_is_taken),
		BOTH(cut_off_it_keeps_what_it_has_and_takes_nothing),
		ONE(nothing_is_begun_before_what_was_cut_off_is_settled),
		ONE(what_cannot_be_settled_is_tried_ever_less_often),
		ONE(what_is_in_the_way_for_a_while_is_tried_again),
		ONE(what_waits_kept_is_tried_again_later),
		ONE(what_may_be_half_made_has_not_failed),
		ONE(a_stranger_at_the_address_is_neither_given_nor_taken),
		ONE(what_was_attached_is_not_taken_for_a_failure),
		ONE(what_is_left_of_a_claim_can_be_given_back),
		ONE(what_somebody_took_back_by_hand_is_not_fought_over),
		ONE(a_claim_that_vanished_leaves_an_orphan_that_nobody_unbinds),
		BOTH(what_is_held_for_another_claim_is_not_given_back),
		BOTH(alive_is_not_taken_away_by_what_comes_late),
		BOTH(of_two_machines_with_one_name_the_second_does_nothing),
		cmocka_unit_test(a_late_word_never_undoes_a_later_one),
		cmocka_unit_test(killed_anywhere_the_next_one_goes_on),
	};
	int failed = cmocka_run_group_tests(all, start_etcd, stop_etcd);

	/* half of it was not run: said by name */
	return failed || etcd_installed() ? failed : 77;
}
