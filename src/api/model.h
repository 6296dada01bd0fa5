/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's contents in memory, kept by its watch: hosts and what is free there, indexed for decisions, and the
 * latest events.  It may be some milliseconds old; who writes compares.  Writes nothing.  Private to api/.
 */
#ifndef PT_API_MODEL_H
#define PT_API_MODEL_H

#include <jansson.h>

#include "fleet/fleet.h"

struct pt_model;

/** pt_model_start() - @wake is called after events were added, from the model's own thread */
int pt_model_start(const struct pt_store_config *store, const struct pt_pci_config *pci, void (*wake)(void *arg),
		   void *arg, struct pt_model **ret_model, struct pt_error *err);
void pt_model_stop(struct pt_model *model); /* NULL is allowed */

/** pt_model_ready() - has everything been read once?  -EAGAIN with the reason */
int pt_model_ready(struct pt_model *model, struct pt_error *err);
/* why it hears nothing at the moment; the caller frees; NULL: it does */
char *pt_model_trouble(struct pt_model *model);
/* up to which of the store's revisions it knows */
long long pt_model_revision(struct pt_model *model);
/** pt_model_wait() - until it knows @revision; false when @timeout_ms has passed first */
bool pt_model_wait(struct pt_model *model, long long revision, int timeout_ms);

/* @host: a copy; the devices are in @answer, whose own host is not to be used */
struct pt_decision {
	char *host;
	struct pt_host_answer answer;
};

void pt_decision_done(struct pt_decision *d);

/**
 * pt_model_decide() - where, and which devices
 * @request: its alias is expanded here
 * @host: only there; NULL
 *
 * Return: 1, 0 no host fits; -ENXIO there is no such host, -EINVAL, -E2BIG the request makes no sense; -EAGAIN not
 * ready.
 */
int pt_model_decide(struct pt_model *model, struct pt_request *request, const char *host, struct pt_place_options how,
		    struct pt_decision *ret, struct pt_error *err);

/**
 * pt_model_why() - each host's reason, as `passthru claim` tells it
 * @ret_hosts: the first @max of them; @ret_lines: of all, by how many hosts have each
 */
int pt_model_why(struct pt_model *model, const struct pt_request *request, const char *host,
		 struct pt_place_options how, size_t max, json_t **ret_hosts, struct pt_strv *ret_lines,
		 struct pt_error *err);

/** pt_model_hosts() - as `passthru fleet hosts --json` has them */
json_t *pt_model_hosts(struct pt_model *model);

/* devices of one host that are alike in what is counted; @kind: "10de:2330"; all borrowed during the call */
struct pt_model_count {
	const char *host;
	const char *type;
	const char *state;
	uint16_t vendor;
	uint16_t product;
	size_t n;
};

/** pt_model_count() - devices by host, class and state: one call a line, hosts in order; and claims of each host */
void pt_model_count(struct pt_model *model, void (*line)(void *arg, const struct pt_model_count *count),
		    void (*claims)(void *arg, const char *host, size_t n), void *arg);

/**
 * pt_model_events() - what happened after @at
 * @at: moved behind what is returned; begins as pt_model_resume() says
 *
 * Return: text in the form of server-sent events, at most some 16 KiB; the caller frees; NULL: nothing yet.
 */
char *pt_model_events(struct pt_model *model, unsigned long long *at);

/** pt_model_resume() - where a stream begins: after the event with this id; NULL: now.  1; 0: that is too long ago */
int pt_model_resume(struct pt_model *model, const char *last_event_id, unsigned long long *ret_at);

#endif
