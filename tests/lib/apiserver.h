/* SPDX-License-Identifier: Apache-2.0 */
/* An API that serves a made-up fleet, and a client that says whatever it is told to.  For tests only. */
#ifndef PT_TESTS_APISERVER_H
#define PT_TESTS_APISERVER_H

#include <jansson.h>

#include "api/api.h"
#include "store/store.h"

/**
 * struct apiserver
 * @dir: removed at the end; @socket is in it
 * @store: the same store, for the test's own hands
 * @config: may be changed before apiserver_start()
 */
struct apiserver {
	char dir[64];
	char *socket;
	struct pt_store_config store_config;
	struct pt_store *store;
	struct pt_pci_config pci;
	struct pt_api_config config;
	struct pt_api_setup setup;
	struct pt_api *api;
	char *conf;
	const char *files[2];
};

/** apiserver_new() - not yet started; @hosts with @devices GPUs each are published */
struct apiserver *apiserver_new(unsigned hosts, unsigned devices);
/** apiserver_new_etcd() - the same in a store of its own of storestage_etcd */
struct apiserver *apiserver_new_etcd(unsigned hosts, unsigned devices);
/** apiserver_start() - and wait until it knows the store */
void apiserver_start(struct apiserver *s);
void apiserver_free(struct apiserver *s);

/* what was answered; owns everything; @status 0: the connection ended without an answer */
struct answer {
	int status;
	char *head;
	char *body;
	size_t size;
	json_t *json;
};

void answer_done(struct answer *a);
/** answer_header() - its value, the caller frees; NULL when there is none */
char *answer_header(const struct answer *a, const char *name);

/** api_ask() - "GET /healthz", headers with their line ends or "", a body or NULL; on a connection of its own */
void api_ask(struct apiserver *s, const char *request, const char *headers, const char *body, struct answer *ret);
/** api_send() - these bytes, and what comes until the other side closes or 5 s have passed */
void api_send(struct apiserver *s, const char *bytes, size_t size, struct answer *ret);

int api_connect(const struct apiserver *s);
/** api_read() - from a connection until its end or @timeout_ms of silence; the caller frees */
char *api_read(int fd, int timeout_ms, size_t *ret_size);

#endif
