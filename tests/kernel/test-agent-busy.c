/* SPDX-License-Identifier: Apache-2.0 */
/* An agent while a change is being made, by itself or by somebody else: all else goes on, and nothing else is begun. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/parts.h"
#include "agentstage.h"
#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/devices.h"
#include "shape/claim.h"

#define LIE  "c-00000000000000000001"
#define NEXT "c-00000000000000000002"
#define BACK "c-00000000000000000003"

static int setup(void **state)
{
	struct pt_store_config config = { 0 };

	*state = agentstage_new(&config);
	agentstage_round(*state);
	return 0;
}

static int teardown(void **state)
{
	agentstage_free(*state);
	return 0;
}

static struct pt_bdf nic(const struct agentstage *a)
{
	return a->s->nic->bdf;
}

static void put_claim(struct agentstage *a, const char *id, const char *device, const char *more)
{
	pt_autofree char *key = pt_strf("claims/%s", id);
	pt_autofree char *text = pt_strf("{\"id\": \"%s\", \"asked\": \"nic:1\", \"for\": \"other\", \"host\": \"h1\", "
					 "\"since\": 1%s, \"devices\": [{\"address\": \"%s\"}]}",
					 id, more, device);

	agentstage_put(a, key, text);
}

/* what a device is published as: NULL: free; the caller frees */
static char *owner_of(struct agentstage *a, struct pt_bdf bdf)
{
	PT_AUTO(pt_record) record = { 0 };
	PT_AUTO(pt_host_record) host = { 0 };
	int64_t at;

	assert_int_equal(pt_store_get(a->store, "facts/h1", &record, &a->err), 1);
	assert_int_equal(pt_host_record_read(record.value, "facts/h1", &host, &a->err), 0);
	at = pt_inv_host_find(&host.host, bdf);
	return at < 0 ? pt_strdup("gone") : pt_strdup_opt(host.host.v[at].owner);
}

static void nothing_is_said_of(struct agentstage *a, const char *id)
{
	PT_AUTO(pt_ack) ack = { 0 };

	if (pt_fleet_ack(a->store, "h1", id, &ack, NULL, &a->err) != 0)
		fail_msg("%s: %s: %s", id, pt_ack_state_str(ack.state), ack.reason);
}

/* what is done while the card is being attached, and what of it was left over */
static int (*own_attach)(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err);
static void (*during)(struct agentstage *a);
static unsigned left;

static int slow_attach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	struct agentstage *a = ctx;
	unsigned wishes = a->wishes;
	const char *vm = w->vm;

	during(a);
	left = pt_agent_meanwhile(&a->agent, PT_AGENT_ALL);
	/* one change at a time */
	assert_int_equal(a->wishes, wishes);
	assert_string_equal(vm, STAGE_CVM);
	return own_attach(ctx, w, ret, err);
}

/* from now on it takes a while to attach, and @meanwhile is done then */
static void attach_slowly(struct agentstage *a, void (*meanwhile)(struct agentstage *a))
{
	own_attach = a->hands.attach;
	a->hands.attach = slow_attach;
	during = meanwhile;
}

/* claims come: one that lies, one that fits, one that is given back already */
static void the_world_goes_on(struct agentstage *a)
{
	PT_AUTO(pt_record) held = { 0 };
	pt_autofree char *text = NULL;

	a->s->hba->ids[0] = 0x8086;
	assert_int_equal(pt_store_get(a->store, "held/h1", &held, &a->err), 1);
	text = pt_strf("%.*s, \"0000:01:00.0\": \"" NEXT "\", \"0000:07:00.0\": \"" LIE "\", \"0000:08:00.0\": \"" BACK
		       "\"}",
		       (int)(strrchr(held.value, '}') - held.value), held.value);
	put_claim(a, LIE, "0000:07:00.0", "");
	put_claim(a, NEXT, "0000:01:00.0", "");
	put_claim(a, BACK, "0000:08:00.0", ", \"releasing\": true");
	agentstage_put(a, "acks/h1/" BACK, "{\"id\": \"" BACK "\", \"state\": \"bound\"}");
	agentstage_put(a, "held/h1", text);
}

static void while_one_claim_is_attached_all_else_goes_on(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	attach_slowly(a, the_world_goes_on);
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	/* what needs no change was done during it */
	agentstage_ack(a, LIE, PT_ACK_FAILED, NULL);
	agentstage_ack(a, BACK, PT_ACK_RELEASED, NULL);
	/* what needs one has waited, and is still to be done */
	assert_int_equal(left, PT_AGENT_CLAIMS);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &ack);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	a->hands.attach = own_attach;
	assert_int_equal(agentstage_go(a, left), 0);
	agentstage_ack(a, NEXT, PT_ACK_ATTACHED, NULL);
}

static char *facts_during;

static void note_facts(struct agentstage *a)
{
	a->s->hba->ids[1] = 0x4242;
	assert_int_equal(pt_agent_meanwhile(&a->agent, PT_AGENT_FACTS), 0);
	{
		PT_AUTO(pt_record) record = { 0 };

		assert_int_equal(pt_store_get(a->store, "facts/h1", &record, &a->err), 1);
		facts_during = pt_take_ptr(record.value);
	}
}

static void facts_are_published_while_a_change_is_made(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];

	attach_slowly(a, note_facts);
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	assert_non_null(strstr(facts_during, "4242"));
	free(pt_take_ptr(facts_during));
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

/* the claim whose devices are being changed is let be, whatever is said of it meanwhile */
static void give_it_up(struct agentstage *a)
{
	PT_AUTO(pt_records) claims = { 0 };
	PT_AUTO(pt_claim) c = { 0 };

	assert_int_equal(pt_store_list(a->store, "claims/", &claims, &a->err), 0);
	assert_int_equal(claims.n, 1);
	assert_int_equal(pt_fleet_release(a->store, claims.v[0].key + strlen("claims/"), &c, &a->err),
			 PT_RELEASE_MARKED);
}

static void a_claim_that_is_released_while_it_is_attached_is_given_back_afterwards(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];

	attach_slowly(a, give_it_up);
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	assert_string_equal(a->s->nic->driver, "igb");
}

/* a guest that does not let go is not asked in each round */
static void a_guest_is_not_asked_to_let_go_all_the_time(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) c = { 0 };

	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	a->s->cvm->refuses_unplug = true;
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), PT_RELEASE_MARKED);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_RELEASING, NULL);
	a->wishes = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(a->wishes, 0);
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	a->s->cvm->refuses_unplug = false;
	/* the pause ends */
	a->agent.attempts.v[0].again_at = 0;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
}

/* somebody else's change, as it stands in the journal */
static long long begin_change(struct agentstage *a)
{
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("attach the card") };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_RESERVE);
	struct pt_owner owner = { 0 };
	long long id = 0;

	s->bdf = nic(a);
	s->vendor = a->s->nic->ids[0];
	s->device = a->s->nic->ids[1];
	s->subvendor = a->s->nic->ids[2];
	s->subdevice = a->s->nic->ids[3];
	stage_open(a->s);
	assert_int_equal(pt_owner_self(a->s->env.proc_fd, &owner, &a->err), 0);
	assert_int_equal(pt_journal_begin(a->s->env.journal, &plan, &owner, &id, &a->err), 0);
	stage_close(a->s);
	return id;
}

static void end_change(struct agentstage *a, long long id, enum pt_change_state how)
{
	stage_open(a->s);
	assert_int_equal(pt_journal_finish(a->s->env.journal, id, how, "how it ended", &a->err), 0);
	stage_close(a->s);
}

static int no_recover(void *ctx, struct pt_error *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static void what_a_change_has_in_its_hands_is_nobodys_to_give(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_fleet) later = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	pt_autofree char *open = NULL;
	pt_autofree char *stuck = NULL;
	pt_autofree char *settled = NULL;
	long long change = begin_change(a);

	a->hands.recover = no_recover;
	/* by the view of before it is free: the agent knows better, and neither takes it nor says that it has failed */
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	nothing_is_said_of(a, id);
	assert_true(a->agent.moving);
	open = owner_of(a, nic(a));
	assert_string_equal(open, "change 1 (attach)");
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), 1);
	pt_claim_done(&c);
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &fleet, &a->err), 0);
	assert_int_equal(claiming_claim(&fleet, "nic:1", "vm2", &c, &a->err), 0);
	/* what could not be put back neither */
	end_change(a, change, PT_CHANGE_STUCK);
	assert_int_equal(agentstage_go(a, PT_AGENT_FACTS), 0);
	assert_false(a->agent.moving);
	stuck = owner_of(a, nic(a));
	assert_string_equal(stuck, "change 1 (attach, not settled)");
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &later, &a->err), 0);
	assert_int_equal(claiming_claim(&later, "nic:1", "vm2", &c, &a->err), 0);
	/* and when it is settled it is free */
	end_change(a, change, PT_CHANGE_FAILED);
	assert_int_equal(agentstage_go(a, PT_AGENT_FACTS), 0);
	settled = owner_of(a, nic(a));
	assert_null(settled);
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

static void a_claim_waits_for_the_change_and_is_taken_then(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	long long change;

	a->hands.recover = no_recover;
	agentstage_claim(a, "nic:1", "cvm", id);
	change = begin_change(a);
	for (int i = 0; i < 2; i++)
		assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	nothing_is_said_of(a, id);
	assert_false(agentstage_vm_has(a->s->cvm, nic(a)));
	end_change(a, change, PT_CHANGE_FAILED);
	assert_int_equal(agentstage_go(a, PT_AGENT_CLAIMS), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, NULL);
}

static int refuses(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	(void)ctx;
	(void)w;
	(void)ret;
	return pt_say(err, -EPERM, "the host boots from it");
}

static char *owner_when_failed;

static void note_owner(void *ctx, const struct pt_agent_news *n)
{
	struct agentstage *a = ctx;

	if (!strstr(n->text, ": failed"))
		return;
	free(owner_when_failed);
	owner_when_failed = owner_of(a, nic(a));
}

/* a choice that is always the same would go round in a circle */
static void what_this_host_refuses_is_offered_to_nobody_for_a_while(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) c = { 0 };
	pt_autofree char *owner = NULL;
	pt_autofree char *later = NULL;

	a->hands.attach = refuses;
	a->hands.keep = refuses;
	a->agent.say = note_owner;
	agentstage_claim(a, "nic:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_FAILED, NULL);
	/* whoever reads that it has failed finds it refused */
	assert_non_null(owner_when_failed);
	assert_string_equal(owner_when_failed, "refused: the host boots from it");
	free(owner_when_failed);
	owner_when_failed = NULL;
	assert_int_equal(pt_fleet_release(a->store, id, &c, &a->err), 1);
	pt_claim_done(&c);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	owner = owner_of(a, nic(a));
	assert_string_equal(owner, "refused: the host boots from it");
	assert_int_equal(pt_fleet_load(a->store, &a->pci, &fleet, &a->err), 0);
	assert_int_equal(claiming_claim(&fleet, "nic:1", "vm2", &c, &a->err), 0);
	/* and then it is tried again */
	a->agent.refused.v[0].until = 0;
	assert_int_equal(agentstage_go(a, PT_AGENT_FACTS), 0);
	later = owner_of(a, nic(a));
	assert_null(later);
}

/* its configuration was changed while a claim waited for its VM */
static void what_is_offered_no_more_is_not_attached(void **state)
{
	static const struct pt_pci_config nothing;
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_ack) ack = { 0 };

	a->s->cvm->forgets_plug = true;
	agentstage_claim(a, "nic:1", "cvm", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
	fakevm_off(a->s->vm, a->s->cvm);
	agentstage_restart(a);
	a->agent.config = &nothing;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_BOUND, &ack);
	assert_non_null(strstr(ack.reason, "not offered by the device_spec"));
	assert_false(agentstage_vm_has(a->s->cvm, nic(a)));
}

/* pulled while it was kept: nobody has given it back, and the claim goes on when it is there again */
static void a_card_that_was_pulled_was_not_given_back(void **state)
{
	struct agentstage *a = *state;
	char id[PT_CLAIM_ID_LENGTH + 1];

	agentstage_claim(a, "nic:1", "nobody", id);
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
	a->s->nic->gone = true;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
	assert_non_null(strstr(a->said, "does not have it any more"));
	assert_true(agentstage_is_held(a, nic(a)));
	a->s->nic->gone = false;
	agentstage_round(a);
	agentstage_ack(a, id, PT_ACK_BOUND, NULL);
}

static unsigned prepared;

/* a VF comes to be: what was the other card until then */
static int makes_one(void *ctx, struct pt_agent_lacks *missed, struct pt_error *err)
{
	struct agentstage *a = ctx;

	(void)err;
	assert_int_equal(missed->n, 0);
	prepared++;
	a->s->hba->ids[1] = 0x4242;
	return 1;
}

static void vfs_that_are_kept_are_made_once_and_published(void **state)
{
	struct agentstage *a = *state;
	PT_AUTO(pt_record) record = { 0 };

	a->hands.prepare = makes_one;
	prepared = 0;
	agentstage_restart(a);
	a->agent.look_only = true;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(prepared, 0);
	agentstage_restart(a);
	for (int i = 0; i < 3; i++)
		assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_int_equal(prepared, 1);
	assert_int_equal(pt_store_get(a->store, "facts/h1", &record, &a->err), 1);
	assert_non_null(strstr(record.value, "4242"));
}

static int makes_none(void *ctx, struct pt_agent_lacks *missed, struct pt_error *err)
{
	struct agentstage *a = ctx;
	const struct pt_agent_lack one = { .pf = nic(a), .why = pt_strdup("not made: no driver holds the card") };

	(void)err;
	pt_array_push(missed, one);
	return 0;
}

static int (*facts_of)(void *ctx, struct pt_inv_host *ret, struct pt_error *err);
static int (*attach_of)(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err);
static char asked_network[16];

static int as_a_vf(void *ctx, struct pt_inv_host *ret, struct pt_error *err)
{
	int r = facts_of(ctx, ret, err);
	int64_t at = r < 0 ? -1 : pt_inv_host_find(ret, nic(ctx));

	if (at >= 0)
		ret->v[at].type = PT_DEV_VF;
	return r;
}

static int attach_in_network(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	(void)snprintf(asked_network, sizeof(asked_network), "%s", w->network ? w->network : "none");
	assert_int_equal(w->n, 1);
	return attach_of(ctx, w, ret, err);
}

/* what the network is, is this host's own word, both times */
static void a_claimed_function_goes_into_this_hosts_network(void **state)
{
	struct agentstage *a = *state;
	char name[] = "blue";
	char physnet[] = "physnet1";
	char other_physnet[] = "physnet2";
	struct pt_network blue = { .name = name, .physical_network = physnet };
	struct pt_networks networks = { .v = &blue, .n = 1 };
	PT_AUTO(pt_host_record) own = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	PT_AUTO(pt_ack) other = { 0 };
	char id[PT_CLAIM_ID_LENGTH + 1];
	char late[PT_CLAIM_ID_LENGTH + 1];
	PT_AUTO(pt_claim) gone = { 0 };

	assert_int_equal(pt_host_record_read("{\"host\": {\"name\": \"h1\"}, \"device_spec\": [{\"vendor_id\": "
					     "\"8086\", \"physical_network\": \"physnet1\"}]}",
					     "own", &own, &a->err),
			 0);
	facts_of = a->hands.facts;
	attach_of = a->hands.attach;
	a->hands.facts = as_a_vf;
	a->hands.attach = attach_in_network;
	agentstage_restart(a);
	a->agent.config = &own.config;
	a->agent.networks = &networks;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_claim(a, "network=blue:1", "cvm", id);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_ATTACHED, &ack);
	assert_string_equal(asked_network, "blue");
	assert_true(agentstage_vm_has(a->s->cvm, nic(a)));
	assert_int_equal(pt_fleet_release(a->store, id, &gone, &a->err), PT_RELEASE_MARKED);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, id, PT_ACK_RELEASED, NULL);
	pt_claim_done(&gone);
	assert_int_equal(pt_fleet_release(a->store, id, &gone, &a->err), 1);
	/* on other cables since it was claimed: the claim gives no right to that */
	agentstage_claim(a, "network=blue:1", "cvm", late);
	blue.physical_network = other_physnet;
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	agentstage_ack(a, late, PT_ACK_FAILED, &other);
	assert_non_null(strstr(other.reason, "no virtual function on its cables"));
	assert_false(agentstage_vm_has(a->s->cvm, nic(a)));
}

static void why_vfs_are_missing_is_said_and_published(void **state)
{
	struct agentstage *a = *state;
	PT_AUTO(pt_record) record = { 0 };
	PT_AUTO(pt_host_record) host = { 0 };
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct pt_pci_config none = { 0 };
	struct pt_inv_device *vf;
	struct pt_bdf twice;

	a->hands.prepare = makes_none;
	agentstage_restart(a);
	assert_int_equal(agentstage_go(a, PT_AGENT_ALL), 0);
	assert_non_null(strstr(a->said, "are kept across reboots: not made: no driver holds the card"));
	assert_int_equal(pt_store_get(a->store, "facts/h1", &record, &a->err), 1);
	assert_int_equal(pt_host_record_read(record.value, "facts/h1", &host, &a->err), 0);
	assert_non_null(strstr(host.note, "has no virtual functions: not made: no driver holds the card"));
	/* whoever looks sees it, and the host gives what it has all the same */
	assert_int_equal(pt_fleet_load(a->store, &none, &fleet, &a->err), 0);
	assert_string_equal(fleet.hosts.v[0].note, host.note);
	assert_null(fleet.hosts.v[0].wrong_facts);
	/* made by hand since: nothing is missing any more */
	vf = pt_inv_host_add(&a->agent.facts);
	vf->bdf = (struct pt_bdf){ .bus = 0x77 };
	vf->type = PT_DEV_VF;
	vf->has_parent = true;
	vf->parent = nic(a);
	assert_int_equal(pt_inv_host_finish(&a->agent.facts, &twice), 0);
	assert_int_equal(pt_agent_publish(&a->agent, &a->err), 1);
	pt_record_done(&record);
	record = (struct pt_record){ 0 };
	assert_int_equal(pt_store_get(a->store, "facts/h1", &record, &a->err), 1);
	assert_null(strstr(record.value, "\"note\""));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(while_one_claim_is_attached_all_else_goes_on),
		T(facts_are_published_while_a_change_is_made),
		T(a_claim_that_is_released_while_it_is_attached_is_given_back_afterwards),
		T(a_guest_is_not_asked_to_let_go_all_the_time),
		T(what_a_change_has_in_its_hands_is_nobodys_to_give),
		T(a_claim_waits_for_the_change_and_is_taken_then),
		T(what_this_host_refuses_is_offered_to_nobody_for_a_while),
		T(what_is_offered_no_more_is_not_attached),
		T(vfs_that_are_kept_are_made_once_and_published),
		T(why_vfs_are_missing_is_said_and_published),
		T(a_claimed_function_goes_into_this_hosts_network),
		T(a_card_that_was_pulled_was_not_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
