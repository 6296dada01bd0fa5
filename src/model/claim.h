/* SPDX-License-Identifier: Apache-2.0 */
/* What a fleet's store holds: hosts with what they offer, who holds which of their devices, and claims.  Plain data. */
#ifndef PT_MODEL_CLAIM_H
#define PT_MODEL_CLAIM_H

#include <stdbool.h>

#include "base/alloc.h"
#include "model/inventory.h"
#include "model/pciconfig.h"
#include "model/request.h"

/* "c-" and twenty hexadecimal digits: longer than any interface's name, and like no address, VM's UUID or serial */
#define PT_CLAIM_ID_LENGTH 22

/** pt_claim_id_valid() - does a text have the form of a claim's id? */
bool pt_claim_id_valid(const char *text);

/**
 * struct pt_claim_device - a device of a claim; owns its strings
 * @alias: that it was asked for as; NULL when without
 * @vendor, @product, @serial: what was given: an address may be another card's by now.  0, NULL: not told
 */
struct pt_claim_device {
	struct pt_bdf bdf;
	char *alias;
	uint16_t vendor;
	uint16_t product;
	char *serial;
};

/**
 * struct pt_claim - owns its members
 * @holder: a VM's name or any other; @asked: "a1:2,a2:1"; @since: seconds since 1970, of the claimer's clock
 * @project: whose limit it counts against, or NULL; @numa: as --numa had it, or NULL
 * @releasing: it ends as soon as its host's agent has given the devices back
 */
struct pt_claim {
	char id[PT_CLAIM_ID_LENGTH + 1];
	char *asked;
	char *holder;
	char *host;
	char *project;
	char *numa;
	long long since;
	bool releasing;
	PT_ARRAY(struct pt_claim_device) devices;
};

/* what a host's agent says of a claim on that host */
enum pt_ack_state {
	PT_ACK_TAKING,	  /* it is about to touch the devices, or was when it was cut off */
	PT_ACK_BOUND,	  /* they are kept for guests */
	PT_ACK_ATTACHED,  /* the VM that the claim names has them */
	PT_ACK_FAILED,	  /* it does not do what the claim says; nothing is touched */
	PT_ACK_RELEASING, /* it is about to give them back; @reason: why they are not yet */
	PT_ACK_RELEASED,  /* the host has them back, and nobody holds them any more */
	PT_ACK_ORPHAN,	  /* the claim is gone, and the devices are not given back: a person must look */
	PT_ACK_STATES
};

/** pt_claim_network() - the network that it is a virtual function of, as its host has it; NULL: of none */
const char *pt_claim_network(const struct pt_claim *claim);

/** pt_claim_identify() - keep with each device of a claim what it is on its host */
void pt_claim_identify(struct pt_claim *claim, const struct pt_inv_host *host);
/** pt_claim_device_is() - is what is at its address now what was given?  What either does not tell is no difference */
bool pt_claim_device_is(const struct pt_claim_device *given, const struct pt_inv_device *now);
/** pt_claim_device_at() - where the card with its serial number is now; -1: nowhere, or it has none */
int64_t pt_claim_device_at(const struct pt_claim_device *given, const struct pt_inv_host *host);
void pt_claim_device_done(struct pt_claim_device *device);

const char *pt_ack_state_str(enum pt_ack_state state); /* "taking", "bound", …: as in JSON */
int pt_ack_state_parse(const char *text);	       /* the enum, or -EINVAL */

/**
 * struct pt_ack - owns its strings
 * @reason: of a failure, or of what is waited for; NULL: none
 * @vm: the VM that has them, by its name; NULL: none
 * @proved: attached, and its guest was seen to have them
 * @change: the newest change in the host's history that was made for it; 0: none
 * @when: seconds since 1970, of the host's clock
 */
struct pt_ack {
	char id[PT_CLAIM_ID_LENGTH + 1];
	enum pt_ack_state state;
	char *reason;
	char *vm;
	bool proved;
	long long change;
	long long when;
};

/**
 * struct pt_alive - a host's agent runs; owns its strings
 * @since: seconds since 1970, of the host's clock; @boot: the kernel's boot id; @version: of the agent
 * @deaf: why it takes nothing new though it runs: nothing is to be given there; NULL: it does
 */
struct pt_alive {
	long long since;
	char *boot;
	char *version;
	char *deaf;
};

/**
 * struct pt_waiting - a request that waits; owns its members
 * @host: only there, or NULL
 * @request: what the asker's aliases meant when it began to wait
 * @revision: of its record: earlier ones come first
 */
struct pt_waiting {
	char id[PT_CLAIM_ID_LENGTH + 1];
	char *asked;
	char *holder;
	char *host;
	char *project;
	char *numa;
	long long since;
	bool spread;
	struct pt_request request;
	long long revision;
};

void pt_waiting_done(struct pt_waiting *waiting);

/**
 * struct pt_host_record - what a host publishes of itself; owns its members
 * @config: its own device_spec, and nothing else: what it offers is its own to say
 * @agent: passthrud keeps alive/HOST there while this host lives: without that record it is lost
 * @note: what it has not got and should have, for people; NULL: nothing
 */
struct pt_host_record {
	struct pt_inv_host host;
	struct pt_pci_config config;
	bool agent;
	char *note;
};

/* who holds a device: one entry a claimed device; @id is a claim's */
struct pt_hold {
	struct pt_bdf bdf;
	char id[PT_CLAIM_ID_LENGTH + 1];
};

struct pt_holds {
	struct pt_hold *v;
	size_t n;
	size_t cap;
};

/** pt_holds_find() - who holds a device, or NULL */
const char *pt_holds_find(const struct pt_holds *list, struct pt_bdf bdf);
/** pt_holds_drop() - all that a claim holds; how many they were */
size_t pt_holds_drop(struct pt_holds *list, const char *id);

void pt_holds_done(struct pt_holds *list);
void pt_claim_done(struct pt_claim *claim);
void pt_ack_done(struct pt_ack *ack);
void pt_alive_done(struct pt_alive *alive);
void pt_host_record_done(struct pt_host_record *record);

#endif
