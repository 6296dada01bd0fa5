/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster of etcd, asked through its members' JSON gateway
 * (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).  Chooses the member, proves who we are, says what went
 * wrong; knows no record.  Private to store/.
 */
#ifndef PT_STORE_ETCD_HTTP_H
#define PT_STORE_ETCD_HTTP_H

#include <jansson.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/storeconf.h"
#include "store/lazy-curl.h"

/* more than this in one answer is refused */
#define PT_ETCD_ANSWER_MAX ((size_t)256 << 20)

/**
 * struct pt_etcd
 * @name: "etcd at https://a:2379": for messages
 * @at: the member asked last; the next one is asked when it does not answer
 * @token: of this user, until the cluster no longer takes it; NULL: none yet
 * @cluster: as the first answer said, or as configured; "" before
 * @proven: the local port of the connection on which the right cluster has answered last; 0: none
 * @writes: what is being sent writes
 */
struct pt_etcd {
	struct pt_store_config config;
	char *name;
	size_t at;
	char *token;
	char cluster[32];
	long proven;
	bool writes;
	CURL *easy;
	struct curl_slist *headers;
	struct pt_buf answer;
};

int pt_etcd_init(struct pt_etcd *etcd, const struct pt_store_config *config, struct pt_error *err);
void pt_etcd_done(struct pt_etcd *etcd);

/**
 * pt_etcd_call() - one question
 * @path: "/v3/kv/range"
 * @changes: it writes: it is sent once, on a connection that pt_etcd_prove() was called for, and to another member only
 * when the one before has surely not taken it
 *
 * Return: 0; -ENOTCONN when @changes and there is no such connection: nothing was sent; -ETIMEDOUT when @changes and
 * nobody knows whether it was done; -EHOSTUNREACH when no member answers; -EACCES, -EREMCHG, -ENOSPC, -E2BIG, -ESTALE
 * (compacted), -ENOENT (no such lease), -EBADMSG.
 */
int pt_etcd_call(struct pt_etcd *etcd, const char *path, const json_t *body, bool changes, json_t **ret_answer,
		 struct pt_error *err);

/** pt_etcd_prove() - the last answer came from where it should: what writes may follow it on its connection */
void pt_etcd_prove(struct pt_etcd *etcd);

/** pt_etcd_unknown() - -ETIMEDOUT: it may be written, or not; @why must not be @err's own text */
int pt_etcd_unknown(const struct pt_etcd *etcd, const char *why, struct pt_error *err);

/* for the watch, which has a connection of its own */

/* what every connection to a member has: certificates, limits, no proxy from the environment */
int pt_etcd_setup(const struct pt_etcd *etcd, CURL *easy, struct pt_error *err);
/* the header lines with the token, made new; NULL with @err filled in when there is no way to get one */
struct curl_slist *pt_etcd_headers(struct pt_etcd *etcd, struct pt_error *err);
/* is the answer of the very cluster that answered before?  -EREMCHG */
int pt_etcd_check_header(struct pt_etcd *etcd, const json_t *answer, struct pt_error *err);
/* a 64-bit number, which the gateway writes as a string and leaves out when it is 0 */
long long pt_etcd_number(const json_t *object, const char *key);
/* the token is no longer taken */
void pt_etcd_forget_token(struct pt_etcd *etcd);
const char *pt_etcd_endpoint(const struct pt_etcd *etcd);
void pt_etcd_next_endpoint(struct pt_etcd *etcd);

#endif
