/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of the API: requests to a passthrud, over its unix socket or TLS.  Prints nothing. */
#ifndef PT_CLIENT_CLIENT_H
#define PT_CLIENT_CLIENT_H

#include <jansson.h>

#include "base/alloc.h"
#include "base/error.h"

/**
 * struct pt_client_config - all borrowed
 * @url: "unix:///run/passthru/passthrud.sock", "https://host:7443"
 * @cert_file, @key_file, @ca_file: PEM, of https; NULL: none, none, what the system trusts
 */
struct pt_client_config {
	const char *url;
	const char *cert_file;
	const char *key_file;
	const char *ca_file;
};

/**
 * struct pt_client_ask - one request; all borrowed
 * @path: "/v1/claims?for=vm1", encoded: pt_client_add()
 * @accept: the type that is wanted
 * @body: NULL: none
 */
struct pt_client_ask {
	const char *method;
	const char *path;
	const char *accept;
	const char *if_match;
	const json_t *body;
};

/**
 * struct pt_client_answer - owns its members
 * @json: the body, when it is JSON, problems too
 * @exit_status: what the command would have ended with there: 3 when a check says no
 */
struct pt_client_answer {
	long status;
	struct pt_buf body;
	json_t *json;
	char *etag;
	int exit_status;
};

void pt_client_answer_done(struct pt_client_answer *answer);

/** pt_client_is_url() - is this an address of the API, rather than of a libvirt? */
bool pt_client_is_url(const char *text);

/**
 * pt_client_ask() - have it answered; each time a connection of its own
 *
 * Return: 0 whatever the status is; -EHOSTUNREACH nobody answers there, or the certificate of one side does not hold;
 * -ETIMEDOUT; -EINVAL the URL makes no sense.
 */
int pt_client_ask(const struct pt_client_config *config, const struct pt_client_ask *ask,
		  struct pt_client_answer *ret_answer, struct pt_error *err);

/** pt_client_problem() - an answer of 400 and more as the error that it is there; its code */
int pt_client_problem(const struct pt_client_answer *answer, const char *url, struct pt_error *err);

/* append a part of a path or a value of a query, encoded */
void pt_client_add(struct pt_buf *path, const char *text);

#endif
