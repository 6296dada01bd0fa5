/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet as its store has it: hosts, what is held of them, and claims made on that by decide/'s rules.  A view is a
 * copy: it may be old, and every write compares what was seen, so that an old one costs a second attempt and nothing
 * else.  Touches no host.
 *
 * facts/HOST    what a host offers, written by that host
 * held/HOST     which of its devices are claimed: the record that every claim on that host changes
 * claims/ID     the claim
 * alive/HOST    its agent runs: there as long as that keeps its lease (fleet/agent.h)
 * acks/HOST/ID  what its agent says of a claim (fleet/agent.h)
 * queue/ID      a request that waits (fleet/queue.h)
 * ended/ID      released before it was there: a sending of it that comes late does not land
 * quota/…       what projects may have (fleet/quota.h)
 */
#ifndef PT_FLEET_FLEET_H
#define PT_FLEET_FLEET_H

#include "decide/index.h"
#include "decide/place.h"
#include "decide/pools.h"
#include "model/claim.h"
#include "store/store.h"

/**
 * struct pt_fleet_host - owns its members
 * @host: its devices, each with the claim that holds it as owner
 * @rules: index of the rules of its own device_spec
 * @facts, @held: revisions; 0: there is no such record
 * @wrong: why nothing is given of it, or NULL: its record is not understood, or its device_spec does not work;
 * @wrong_facts, @wrong_held, @wrong_alive: because of which record
 * @note: what it lacks by its own word, for people; NULL: nothing
 * @agent: passthrud runs there; @alive: alive/HOST is there: its agent renews it
 */
struct pt_fleet_host {
	char *name;
	struct pt_inv_host host;
	struct pt_holds holds;
	size_t rules;
	long long facts;
	long long held;
	char *wrong;
	char *wrong_facts;
	char *wrong_held;
	char *wrong_alive;
	char *note;
	bool agent;
	bool alive;
	/* for choose.c: where it is in which rules' index, and whether that is as the view is */
	int64_t at;
	size_t in;
	bool stale;
	bool apart;
};

/* hosts with the same device_spec share their rules; @members: of the index, each's number in the fleet */
struct pt_fleet_rules {
	char *device_spec;
	struct pt_rules rules;
	struct pt_index index;
	PT_ARRAY(uint32_t) members;
};

/**
 * struct pt_fleet
 * @aliases: the claimer's own configuration: what the names in a request mean
 * @hosts: sorted by name
 * @waiting: requests that wait, the earliest first; as they were when this was read
 * @revision: of the store, when it was begun to read: changes since may not be in here
 */
struct pt_fleet {
	struct pt_store *store;
	const struct pt_pci_config *aliases;
	struct pt_rules names;
	PT_ARRAY(struct pt_fleet_host) hosts;
	PT_ARRAY(struct pt_fleet_rules) rules;
	PT_ARRAY(struct pt_waiting) waiting;
	long long revision;
};

/** pt_fleet_load() - read everything; @store and @aliases are borrowed */
int pt_fleet_load(struct pt_store *store, const struct pt_pci_config *aliases, struct pt_fleet *ret_fleet,
		  struct pt_error *err);
void pt_fleet_done(struct pt_fleet *fleet);

struct pt_fleet_host *pt_fleet_find_host(struct pt_fleet *fleet, const char *name);

/** pt_fleet_read_host() - take in a record as it is now; one that is gone leaves a host without devices */
void pt_fleet_take_facts(struct pt_fleet *fleet, struct pt_fleet_host *host, const struct pt_record *record);
void pt_fleet_take_held(struct pt_fleet_host *host, const struct pt_record *record);

void pt_fleet_take_alive(struct pt_fleet_host *host, const struct pt_record *record);

/* pt_fleet_is_lost() - it has an agent, and that is not heard of: nothing more is given of it */
bool pt_fleet_is_lost(const struct pt_fleet_host *host);

/** pt_fleet_check_name() - -EINVAL (PT_ERROR_USAGE) for what cannot be a host's name in a store */
int pt_fleet_check_name(const char *name, struct pt_error *err);

/**
 * pt_fleet_publish() - a host's own record; 1 written, 0 it said so already
 *
 * -EPERM (PT_ERROR_REFUSED) for one that is no agent's (@record->agent) where an agent publishes, or has published: it
 * knows of VMs what the record does not say, and whoever does not hear of it takes the host for lost.
 */
int pt_fleet_publish(struct pt_store *store, const struct pt_host_record *record, struct pt_error *err);

/**
 * pt_fleet_withdraw() - take it out, with what its agent said; 1, or 0 when there was none
 * @seen: the revision of its record, when only that one is to go (-ESTALE: it has changed); 0: whatever it is
 *
 * -EBUSY while claims hold devices of it, and while its agent runs, which would write it anew.
 */
int pt_fleet_withdraw(struct pt_store *store, const char *name, long long seen, struct pt_error *err);

/** pt_claim_id_make() - a new one: random, the client's own, before anything is sent */
int pt_claim_id_make(char ret_id[PT_CLAIM_ID_LENGTH + 1], struct pt_error *err);

/**
 * struct pt_claim_ask - what is wanted; all borrowed
 * @request: @alias set; the rest is filled in here
 * @host: only there; NULL: wherever it fits
 * @numa: what pt_request_numa() was given, to be kept with the claim; NULL: nothing
 * @project: whose limits apply; NULL: nobody's
 * @queued: revision of its own queue/ID, which ends with the claim; 0: it does not wait
 */
struct pt_claim_ask {
	const char *id;
	const char *holder;
	const char *host;
	const char *numa;
	const char *project;
	long long queued;
	struct pt_request *request;
	struct pt_place_options how;
};

/**
 * struct pt_fleet_answers - one a host, in the fleet's order
 * @ahead: it fits, and so many earlier requests wait for what it would take
 * @quota: the limit that is in the way, in words, or NULL
 */
struct pt_fleet_answers {
	struct pt_host_answer *v;
	size_t n;
	size_t cap;
	size_t ahead;
	char *quota;
};

void pt_fleet_answers_done(struct pt_fleet_answers *list);

/**
 * pt_fleet_claim() - decide on what the store holds, and write it there
 * @ret_claim: when it is claimed
 * @ret_answers: when it is not: each host's answer, or the limit
 *
 * A lost race decides again, a bounded number of times.  An id that is there already, for the same holder and request,
 * is that claim: so asking again after a failure finds its own.
 *
 * Return: 1 claimed, 0 no host fits, or not now; -ESTALE @ask->queued is no longer there; -EEXIST the id is another
 * claim's; -EBUSY others were faster each time; -ETIMEDOUT unknown: the claim may be made, and its id tells; else as
 * pt_store_commit().
 */
int pt_fleet_claim(struct pt_fleet *fleet, const struct pt_claim_ask *ask, struct pt_claim *ret_claim,
		   struct pt_fleet_answers *ret_answers, struct pt_error *err);

/**
 * pt_fleet_try() - the same on the view alone, for one who keeps it up to date: nothing is read to say no
 * @ask: was expanded by pt_fleet_claim()
 * @ret_ahead: earlier requests that something is kept for
 */
int pt_fleet_try(struct pt_fleet *fleet, const struct pt_claim_ask *ask, struct pt_claim *ret_claim, size_t *ret_ahead,
		 struct pt_error *err);

/**
 * pt_fleet_why() - each host's answer, claiming nothing; @ask needs no id and no holder
 *
 * Return: how many fit, or a negative errno for a request that makes no sense.
 */
int pt_fleet_why(struct pt_fleet *fleet, const struct pt_claim_ask *ask, struct pt_fleet_answers *ret_answers,
		 struct pt_error *err);

/** pt_fleet_get() - a claim by its id: 1, or 0 when there is none; @ret_revision: its record's; may be NULL */
int pt_fleet_get(struct pt_store *store, const char *id, struct pt_claim *ret_claim, long long *ret_revision,
		 struct pt_error *err);

/* an agent has the claim: it gives the devices back first */
#define PT_RELEASE_MARKED 2

/**
 * pt_fleet_release() - end a claim
 *
 * Where an agent has it (acks/HOST/ID) it is only marked: pt_fleet_release_wait().  One that its agent has given back,
 * or has refused, ends here.
 *
 * Return: 1 it has ended; PT_RELEASE_MARKED; 0 when there is no such claim (any more); -ETIMEDOUT unknown: asking again
 * does no harm.
 */
int pt_fleet_release(struct pt_store *store, const char *id, struct pt_claim *ret_claim, struct pt_error *err);

/**
 * pt_fleet_release_seen() - the same, of the claim as it was seen: the transaction that ends it compares that
 * @seen: its record's revision; 0: whatever it is
 *
 * Return: as above; -ESTALE it has changed since: nothing was done.
 */
int pt_fleet_release_seen(struct pt_store *store, const char *id, long long seen, struct pt_claim *ret_claim,
			  struct pt_error *err);

/* @offered: what its device_spec offers; @free: nobody has it */
struct pt_fleet_counts {
	size_t offered;
	size_t free;
};

/** pt_fleet_count() - of a host without @wrong; an errno of pt_view_make() when its rules do not fit its devices */
int pt_fleet_count(const struct pt_fleet *f, const struct pt_fleet_host *h, struct pt_fleet_counts *ret,
		   struct pt_error *err);

/** pt_fleet_agent_str() - "alive", "lost"; NULL: none was ever there, and nobody knows how the host is */
const char *pt_fleet_agent_str(const struct pt_fleet_host *h);

/**
 * pt_fleet_release_unborn() - there is no claim of that id, and there will be none: not by a sending of it, either,
 * whose client was killed and that is still on its way
 *
 * Holds for an hour, longer than anything is on its way; a record with a lease keeps it.  Return: 1 it is so; 0 the
 * claim is there (by now): release it; -ETIMEDOUT unknown: asking again does no harm; else as pt_store_commit().
 */
int pt_fleet_release_unborn(struct pt_store *store, const char *id, struct pt_error *err);

/**
 * pt_fleet_release_wait() - until the agent of its host has given a marked claim's devices back; then end it
 * @ret_ack: the agent's last word; yours; zeroed before
 *
 * Return: 1 it has ended, 0 not within @timeout_ms: it stays marked; else as pt_store_get().
 */
int pt_fleet_release_wait(struct pt_store *store, const struct pt_claim *claim, unsigned timeout_ms,
			  struct pt_ack *ret_ack, struct pt_error *err);

/* @wrong: what there is to say of records that are not understood */
struct pt_claims_list {
	struct pt_claim *v;
	size_t n;
	size_t cap;
	struct pt_strv wrong;
};

void pt_claims_list_done(struct pt_claims_list *list);

/** pt_fleet_claims() - all of them, by id; one that is not understood stops no other: it is named in @ret_list->wrong
 */
int pt_fleet_claims(struct pt_store *store, struct pt_claims_list *ret_list, struct pt_error *err);

#endif
