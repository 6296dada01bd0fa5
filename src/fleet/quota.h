/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many devices a project may have, by alias; counted in the transaction that claims them.
 *
 * quota/limit/PROJECT  its limits, written by an administrator; a project without has none, and pays nothing
 * quota/used/PROJECT   the claims that count, each with its devices: so a claim that ended is found out, too
 */
#ifndef PT_FLEET_QUOTA_H
#define PT_FLEET_QUOTA_H

#include <jansson.h>

#include "model/claim.h"
#include "model/pciconfig.h"
#include "model/request.h"
#include "store/store.h"

/* most devices of one limit: the record that every claim of the project writes names each claim */
#define PT_QUOTA_MAX 10000

/**
 * struct pt_quota - what the store says of a project; owns everything
 * @limit, @used: revisions of the two records; 0: there is none
 * @limits: alias to number; NULL: it has no limit
 * @claims: id to an object of alias and number
 */
struct pt_quota {
	char *project;
	char *limit_key;
	char *used_key;
	long long limit;
	long long used;
	json_t *limits;
	json_t *claims;
};

void pt_quota_done(struct pt_quota *quota);

/** pt_quota_check_name() - letters, digits, '.', '-' and '_', at most 100; PT_ERROR_USAGE */
int pt_quota_check_name(const char *project, struct pt_error *err);

/** pt_quota_check_alias() - a name that a request could have, by what @names says: another one would limit nothing */
int pt_quota_check_alias(const struct pt_pci_config *names, const char *alias, struct pt_error *err);

/**
 * pt_quota_read() - as it is now
 *
 * A limit that is new is not yet counted: whoever meets it first counts what the project has, here.
 */
int pt_quota_read(struct pt_store *store, const char *project, struct pt_quota *ret_quota, struct pt_error *err);

/**
 * pt_quota_allows() - may the project have what @request asks for, as the claim @id?
 * @ret_why: when not: "project p has 3 of its 4 a1, and 2 are asked for"; may be NULL; the caller frees
 */
bool pt_quota_allows(const struct pt_quota *quota, const struct pt_request *request, const char *id, char **ret_why);

/** pt_quota_sweep() - forget claims that are no more, for this decision: how many, or a negative errno */
int pt_quota_sweep(struct pt_store *store, struct pt_quota *quota, struct pt_error *err);

/* the text of quota/used/PROJECT with this claim; the caller frees */
char *pt_quota_with(const struct pt_quota *quota, const struct pt_claim *claim);

/**
 * pt_quota_without() - the same without a claim that ends
 * @ret_revision, @ret_text: of that record, to compare and to write; only when there is something to write
 *
 * Return: 1 when there is, 0; no limit is looked at.
 */
int pt_quota_without(struct pt_store *store, const struct pt_claim *claim, char **ret_key, long long *ret_revision,
		     char **ret_text, struct pt_error *err);

/**
 * pt_quota_set() - an administrator's word: at most @n devices of @alias; -1: no limit
 *
 * A number below what the project has refuses new claims, and takes nothing away.  Return: 0.
 */
int pt_quota_set(struct pt_store *store, const char *project, const char *alias, long n, struct pt_error *err);

struct pt_quotas {
	struct pt_quota *v;
	size_t n;
	size_t cap;
};

/** pt_quota_list() - all projects that have limits, by name */
int pt_quota_list(struct pt_store *store, struct pt_quotas *ret_quotas, struct pt_error *err);
void pt_quotas_done(struct pt_quotas *quotas);

/* what of an alias the project has, by its claims */
unsigned pt_quota_count(const struct pt_quota *quota, const char *alias);

#endif
