/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the store and nobody comes for any more: claims that were given back and not ended, and what is said or
 * held for claims that are gone.  Touches no host.
 */
#ifndef PT_FLEET_LEFTOVER_H
#define PT_FLEET_LEFTOVER_H

#include <jansson.h>

#include "fleet/fleet.h"

/* what an agent says of a claim; owns both */
struct pt_word {
	char *host;
	struct pt_ack ack;
};

struct pt_words {
	struct pt_word *v;
	size_t n;
	size_t cap;
};

void pt_words_done(struct pt_words *list);

/** pt_fleet_words() - what all agents say, in one question; a record that is not understood says nothing */
int pt_fleet_words(struct pt_store *store, struct pt_words *ret_words, struct pt_error *err);
/* pt_words_find() - or NULL */
const struct pt_ack *pt_words_find(const struct pt_words *list, const char *host, const char *id);

/**
 * pt_fleet_sweep() - end claims of @list that are to end and whose devices are given back
 *
 * Whoever released them did not live, or wait, to do it.  They leave @list; what a store does not let us end stays.
 * Return: how many.
 */
size_t pt_fleet_sweep(struct pt_store *store, struct pt_claims_list *list, const struct pt_words *words);

/**
 * struct pt_leftover - of a claim that is gone; owns its members
 * @said: its agent's last word is there; else only held/HOST names it
 */
struct pt_leftover {
	char id[PT_CLAIM_ID_LENGTH + 1];
	char *host;
	bool said;
	struct pt_ack ack;
	struct pt_holds holds;
};

struct pt_leftovers {
	struct pt_leftover *v;
	size_t n;
	size_t cap;
};

void pt_leftovers_done(struct pt_leftovers *list);
/* pt_leftovers_json() - a list, as `passthru claims --json` has it */
json_t *pt_leftovers_json(const struct pt_leftovers *list);

/**
 * pt_fleet_leftovers() - whatever is said or held for no claim
 * @claims: those that there are; each that is missing here is asked for
 * @ids: only of these; @n: how many, 0: of all
 */
int pt_fleet_leftovers(struct pt_store *store, const struct pt_claims_list *claims, const struct pt_words *words,
		       const char *const *ids, size_t n, struct pt_leftovers *ret_list, struct pt_error *err);

/**
 * struct pt_claims_asked - what is to be told; all borrowed
 * @ids: only these; @n_ids: how many, 0: all
 * @holder, @host: only of this VM or name, only there; NULL: whichever
 * @each: an id that leads to nothing is an error (-ENOENT, PT_ERROR_USAGE)
 * @sweep: who asks may end what only waits for that: pt_fleet_sweep()
 */
struct pt_claims_asked {
	const char *const *ids;
	size_t n_ids;
	const char *holder;
	const char *host;
	bool each;
	bool sweep;
};

/**
 * struct pt_claims_seen - all that the store has of claims; owns its members
 * @acks: of each claim what its host's agent says, out of @words, or NULL; @lost: is its host?
 * @left: what is said or held for claims that are gone; of whom they were is not known
 */
struct pt_claims_seen {
	struct pt_claims_list claims;
	struct pt_words words;
	PT_ARRAY(const struct pt_ack *) acks;
	PT_ARRAY(bool) lost;
	struct pt_leftovers left;
};

void pt_claims_seen_done(struct pt_claims_seen *seen);
/** pt_claims_look() - the one view of claims, for people and for programs */
int pt_claims_look(struct pt_store *store, const struct pt_claims_asked *asked, struct pt_claims_seen *ret_seen,
		   struct pt_error *err);
/* pt_claims_seen_json() - {"claims", "orphans"}, as docs/json.md has it */
json_t *pt_claims_seen_json(const struct pt_claims_seen *seen);

/**
 * pt_fleet_forget() - what is said or held for a claim that is gone goes, too: the word of somebody who has looked
 *
 * Where the claim itself is now, on another host, nothing is touched.  Return: 1, 0 when there is nothing of it; -EBUSY
 * when there is nothing but the claim.
 */
int pt_fleet_forget(struct pt_store *store, const char *id, struct pt_error *err);

#endif
