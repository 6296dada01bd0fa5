/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of claims and decisions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/leftover.h"
#include "shape/claim.h"
#include "shape/fields.h"
#include "shape/place.h"

/* of a no: hosts that are told one by one; the summary is of all */
#define WHY_MAX 100
/* a decision on the model that the store's own records do not bear out is made again */
#define TRIES	    8
#define HOLDER_MAX  255
#define CATCH_UP_MS 2000

/* what is asked for; owns its members */
struct wish {
	char *id;
	char *holder;
	char *host;
	char *numa;
	char *project;
	struct pt_request request;
	struct pt_place_options how;
};

static void wish_done(struct wish *w)
{
	free(w->id);
	free(w->holder);
	free(w->host);
	free(w->numa);
	free(w->project);
	pt_request_done(&w->request);
}

static void set_etag(struct pt_call *c, long long revision)
{
	(void)snprintf(c->reply.etag, sizeof(c->reply.etag), "\"%lld\"", revision);
}

/* how long it took goes into the histogram */
#define TIMED(c, op, call)                                                                                             \
	({                                                                                                             \
		double began_ = pt_now_s();                                                                            \
		__typeof__(call) got_ = (call);                                                                        \
		pt_stats_store(&(c)->api->stats, op, pt_now_s() - began_);                                             \
		got_;                                                                                                  \
	})

/* a name is shown, stored and one day looked up: one line of text, of bounded length */
static int check_holder(const char *name, struct pt_error *err)
{
	if (!name || !*name)
		return pt_usage(err, -EINVAL, "for: it is missing: who gets the devices?");
	if (strlen(name) > HOLDER_MAX)
		return pt_usage(err, -EINVAL, "for: a name of %zu bytes; %d are allowed", strlen(name), HOLDER_MAX);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return pt_usage(err, -EINVAL, "for: the name holds a control character");
	return 0;
}

/* "a1,b:2" is "a1:1,b:2"; the caller frees */
static char *with_counts(const char *text)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ",");

		pt_buf_addn(&b, p, n);
		if (n && !memchr(p, ':', n))
			pt_buf_add(&b, ":1");
		p += n;
		if (!*p)
			return pt_buf_take(&b);
		pt_buf_add(&b, ",");
	}
}

static int read_numa(const json_t *o, struct wish *w, struct pt_error *err)
{
	pt_autofree char *policy = NULL;
	int r = pt_field_string(o, "claim", "policy", &policy, err);

	r = r < 0 ? r : pt_field_string(o, "claim", "numa", &w->numa, err);
	if (r < 0)
		return r;
	if (w->numa)
		return policy ? pt_usage(err, -EINVAL, "policy and numa: numa says both, \"POLICY:CELLS\"")
			      : pt_request_numa(&w->request, w->numa, err);
	r = policy ? pt_numa_policy_parse(policy) : 0;
	if (r < 0)
		return pt_usage(err, r, "policy: '%.40s': it is required, legacy, preferred or socket", policy);
	w->request.policy = (enum pt_numa_policy)r;
	w->numa = pt_take_ptr(policy);
	return 0;
}

static int read_wish(const json_t *o, bool decision, struct wish *w, struct pt_error *err)
{
	static const char *const keys[] = { "asked", "for", "host", "policy", "numa", "project", "spread", "id", NULL };
	pt_autofree char *asked = NULL;
	int r = pt_field_only(o, "claim", keys, err);

	r = r < 0 ? r : pt_field_string(o, "claim", "asked", &asked, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "for", &w->holder, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "host", &w->host, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "id", &w->id, err);
	r = r < 0 ? r : pt_field_string(o, "claim", "project", &w->project, err);
	r = r < 0 ? r : pt_field_bool(o, "claim", "spread", &w->how.spread, err);
	r = r < 0 ? r : read_numa(o, w, err);
	if (r == 0 && (!asked || !*asked))
		r = pt_usage(err, -EINVAL, "asked: it is missing: an alias and how many, \"a1:2\"");
	if (r == 0 && (w->holder || !decision))
		r = check_holder(w->holder, err);
	if (r == 0 && w->id && !pt_claim_id_valid(w->id))
		r = pt_usage(err, -EINVAL, "id: '%.40s' is no claim's id: c- and 20 hexadecimal digits", w->id);
	if (r == 0)
		w->request.alias = with_counts(asked);
	return r;
}

/* a wish that makes no sense is 400, whatever errno says so */
static void reply_wrong(struct pt_call *c, const struct pt_error *err)
{
	bool usage = err->kind == PT_ERROR_USAGE && err->code != -ENXIO && err->code != -EEXIST;

	pt_reply_error(c, usage || err->code == -EINVAL || err->code == -E2BIG ? 400 : 0, err);
}

/* what each host says, in words by how many say it, and one by one */
static void ask_why(struct pt_call *c, const struct wish *w, json_t **ret_why, json_t **ret_hosts, char **ret_text)
{
	PT_AUTO(pt_strv) lines = { 0 };
	const char *stage;

	(void)pt_model_why(c->api->model, &w->request, w->host, w->how, WHY_MAX, ret_hosts, &lines, NULL);
	stage = json_string_value(json_object_get(json_object_get(json_array_get(*ret_hosts, 0), "reason"), "stage"));
	pt_stats_decision(&c->api->stats, "no", stage);
	*ret_why = json_array();
	for (size_t i = 0; i < lines.n; i++)
		(void)json_array_append_new(*ret_why, json_string(lines.v[i]));
	*ret_text = pt_strv_join(&lines, "\n");
}

static void reply_fits_nowhere(struct pt_call *c, const struct wish *w)
{
	pt_autofree char *text = NULL;
	json_t *hosts = NULL;
	json_t *why = NULL;

	ask_why(c, w, &why, &hosts, &text);
	pt_reply_json(
		c, 200,
		json_pack("{s:b, s:n, s:[], s:o, s:o}", "fits", 0, "host", "devices", "why", why, "hosts", hosts));
}

/* 409, in the words of `passthru claim` */
static void reply_no(struct pt_call *c, const struct wish *w, const struct pt_fleet_answers *no)
{
	struct pt_error err = { .code = -EPERM, .kind = PT_ERROR_REFUSED };
	pt_autofree char *text = NULL;
	json_t *hosts = NULL;
	json_t *why = NULL;

	if (no->quota || no->ahead) {
		pt_stats_decision(&c->api->stats, "no", no->quota ? "limit" : "queue");
		why = json_array();
		hosts = json_array();
	} else {
		ask_why(c, w, &why, &hosts, &text);
	}
	if (no->quota)
		(void)snprintf(err.msg, sizeof(err.msg), "%s", no->quota);
	else if (no->ahead)
		(void)snprintf(err.msg, sizeof(err.msg),
			       "it would fit, but for %zu earlier request%s that wait%s for what it would take; --wait "
			       "goes behind",
			       no->ahead, no->ahead == 1 ? "" : "s", no->ahead == 1 ? "s" : "");
	else
		(void)snprintf(err.msg, sizeof(err.msg), "%s", text);
	pt_reply_problem(c, 409, &err,
			 json_pack("{s:n, s:o, s:o, s:I, s:s?}", "claim", "why", why, "hosts", hosts, "ahead",
				   (json_int_t)no->ahead, "limit", no->quota));
}

static json_t *devices_json(const struct pt_decision *d, const struct pt_request *request)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->answer.given.n; i++) {
		const struct pt_given *g = &d->answer.given.v[i];
		const char *alias = g->request < request->asks.n ? request->asks.v[g->request].alias : NULL;

		(void)json_array_append_new(list,
					    json_pack("{s:s, s:s?}", "address", pt_bdf_str(g->bdf).s, "alias", alias));
	}
	return list;
}

/*
 * First where it is served, which a yes allows in less than a millisecond; a no is explained by a worker, since that
 * asks every host.  c->store tells which of both this is.
 */
void pt_post_decision(struct pt_call *c)
{
	PT_CLEANUP(wish_done) struct wish w = { 0 };
	PT_AUTO(pt_decision) d = { 0 };
	struct pt_error err = { 0 };
	int r = read_wish(c->json, true, &w, &err);

	r = r < 0 ? r : pt_model_decide(c->api->model, &w.request, w.host, w.how, &d, &err);
	if (r < 0) {
		reply_wrong(c, &err);
	} else if (r == 1) {
		pt_stats_decision(&c->api->stats, "yes", NULL);
		pt_reply_json(c, 200,
			      json_pack("{s:b, s:s, s:o, s:[], s:[]}", "fits", 1, "host", d.host, "devices",
					devices_json(&d, &w.request), "why", "hosts"));
	} else if (c->store) {
		reply_fits_nowhere(c, &w);
	}
}

/* the records of one host, as they are now: what a claim on it is decided on */
static int load_host(struct pt_call *c, const char *name, struct pt_fleet *f, struct pt_error *err)
{
	const struct pt_pci_config names = { .alias = c->api->setup.pci->alias };
	pt_autofree char *facts_key = pt_strf("facts/%s", name);
	pt_autofree char *held_key = pt_strf("held/%s", name);
	pt_autofree char *alive_key = pt_strf("alive/%s", name);
	PT_AUTO(pt_record) facts = { 0 };
	PT_AUTO(pt_record) held = { 0 };
	PT_AUTO(pt_record) alive = { 0 };
	struct pt_fleet_host *h;
	int r = pt_rules_compile(&names, &f->names, NULL, err);

	f->store = c->store;
	f->aliases = c->api->setup.pci;
	r = r < 0 ? r : pt_store_get(c->store, facts_key, &facts, err);
	r = r < 0 ? r : pt_store_get(c->store, held_key, &held, err);
	r = r < 0 ? r : pt_store_get(c->store, alive_key, &alive, err);
	if (r < 0)
		return r;
	h = pt_array_add(&f->hosts);
	h->name = pt_strdup(name);
	pt_fleet_take_facts(f, h, &facts);
	pt_fleet_take_held(h, &held);
	pt_fleet_take_alive(h, &alive);
	return 0;
}

/*
 * On one host, or NULL: on the whole fleet, read for it, where others wait: then what is left to them is decided on
 * all. 1 claimed; 0 not there, after all
 */
static int claim_on(struct pt_call *c, const struct wish *w, const char *host, struct pt_claim *ret,
		    struct pt_fleet_answers *answers, struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { 0 };
	PT_AUTO(pt_request) request = { .alias = pt_strdup(w->request.alias), .policy = w->request.policy };
	const struct pt_claim_ask ask = { .id = w->id,
					  .holder = w->holder,
					  .host = host,
					  .numa = w->numa,
					  .project = w->project,
					  .request = &request,
					  .how = w->how };
	int r = host ? load_host(c, host, &f, err) : pt_fleet_load(c->store, c->api->setup.pci, &f, err);

	/* what it says was taken once already: nothing new can be wrong with it */
	if (r == 0 && w->numa)
		r = pt_request_numa(&request, w->numa, err);
	return r < 0 ? r : TIMED(c, PT_OP_CLAIM, pt_fleet_claim(&f, &ask, ret, answers, err));
}

/* a "no" on what is some milliseconds old is none: the model is to know all that is in the store by now */
static int catch_up(struct pt_call *c, struct pt_error *err)
{
	PT_AUTO(pt_records) none = { 0 };
	int r = pt_store_list(c->store, "claims/c-none", &none, err);

	if (r < 0)
		return r;
	return pt_model_wait(c->api->model, none.revision, CATCH_UP_MS)
		       ? 0
		       : pt_say(err, -EAGAIN, "what the store tells arrives too late: try again");
}

/* the same id again: its claim, made by an earlier request whose answer was not seen.  1; 0: there is none */
static int made_before(struct pt_call *c, const struct wish *w, struct pt_claim *ret, struct pt_error *err)
{
	PT_AUTO(pt_claim) was = { 0 };
	int r = TIMED(c, PT_OP_GET, pt_fleet_get(c->store, w->id, &was, NULL, err));

	if (r <= 0)
		return r;
	if (!pt_streq(was.holder, w->holder) || !pt_streq(was.asked, w->request.alias) ||
	    (w->host && !pt_streq(was.host, w->host)))
		return pt_usage(err, -EEXIST, "%s is another claim: of %s for %s on %s", w->id, was.asked, was.holder,
				was.host);
	*ret = pt_take(was);
	return 1;
}

static int does_anybody_wait(struct pt_call *c, struct pt_error *err)
{
	PT_AUTO(pt_records) waiting = { 0 };
	int r = pt_store_list(c->store, "queue/", &waiting, err);

	return r < 0 ? r : waiting.n > 0;
}

static int decide_and_claim(struct pt_call *c, struct wish *w, struct pt_claim *ret, struct pt_fleet_answers *no,
			    struct pt_error *err)
{
	bool fresh = false;
	int r = does_anybody_wait(c, err);

	if (r != 0)
		return r < 0 ? r : claim_on(c, w, NULL, ret, no, err);
	for (unsigned i = 0; i < TRIES; i++) {
		PT_AUTO(pt_decision) d = { 0 };

		pt_fleet_answers_done(no);
		r = pt_model_decide(c->api->model, &w->request, w->host, w->how, &d, err);
		if (r == 1)
			r = claim_on(c, w, d.host, ret, no, err);
		else if (r == 0 && fresh)
			return 0;
		if (r != 0 || no->quota)
			return r;
		/* none, or it was taken meanwhile */
		r = catch_up(c, err);
		if (r < 0)
			return r;
		fresh = true;
	}
	return pt_say(err, -EBUSY, "others were faster %d times: nothing was claimed", TRIES);
}

void pt_post_claim(struct pt_call *c)
{
	PT_CLEANUP(wish_done) struct wish w = { 0 };
	PT_AUTO(pt_claim) made = { 0 };
	PT_AUTO(pt_fleet_answers) no = { 0 };
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_error err = { 0 };
	bool again = false;
	int r = read_wish(c->json, false, &w, &err);

	if (r == 0 && w.id) {
		r = made_before(c, &w, &made, &err);
		again = r == 1;
	} else if (r == 0) {
		r = pt_claim_id_make(id, &err);
		w.id = pt_strdup(id);
	}
	r = r ? r : decide_and_claim(c, &w, &made, &no, &err);
	if (r == 0) {
		reply_no(c, &w, &no);
		return;
	}
	if (r < 0) {
		pt_stats_decision(&c->api->stats, "failed", NULL);
		reply_wrong(c, &err);
		return;
	}
	if (!again)
		pt_stats_decision(&c->api->stats, "yes", NULL);
	pt_reply_json(c, again ? 200 : 201, json_pack("{s:o}", "claim", pt_claim_json(&made)));
	c->reply.location = pt_strf("/v1/claims/%s", made.id);
}

void pt_get_claims(struct pt_call *c)
{
	PT_AUTO(pt_claims_seen) seen = { 0 };
	const char *ids[PT_API_QUERY_MAX];
	struct pt_claims_asked asked = { .ids = ids,
					 .holder = pt_call_query(c, "for", 0),
					 .host = pt_call_query(c, "host", 0) };
	struct pt_error err = { 0 };
	const char *id;
	int r;

	while (asked.n_ids < PT_API_QUERY_MAX && (id = pt_call_query(c, "id", asked.n_ids)))
		ids[asked.n_ids++] = id;
	r = TIMED(c, PT_OP_CLAIMS, pt_claims_look(c->store, &asked, &seen, &err));
	if (r < 0)
		pt_reply_error(c, 0, &err);
	else
		pt_reply_json(c, 200, pt_claims_seen_json(&seen));
}

/* the claim that the path names: 1; else the reply says why not */
static int get(struct pt_call *c, struct pt_claim *claim, long long *revision)
{
	struct pt_error err = { 0 };
	int r = TIMED(c, PT_OP_GET, pt_fleet_get(c->store, c->args[0], claim, revision, &err));

	if (r == 0) {
		r = pt_usage(&err, -ENOENT, "there is no claim %s", c->args[0]);
		pt_hint(&err, "`passthru claims` lists them");
	}
	if (r < 0)
		pt_reply_error(c, 0, &err);
	return r;
}

void pt_get_claim(struct pt_call *c)
{
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	struct pt_error err = { 0 };
	long long revision = 0;
	json_t *answer;
	int said;

	if (get(c, &claim, &revision) != 1)
		return;
	said = pt_fleet_ack(c->store, claim.host, claim.id, &ack, NULL, &err);
	/* one that is not understood says nothing */
	if (said < 0 && said != -EBADMSG) {
		pt_reply_error(c, 0, &err);
		return;
	}
	answer = pt_claim_json(&claim);
	if (said == 1)
		(void)json_object_set_new(answer, "ack", pt_ack_json(&ack));
	pt_reply_json(c, 200, json_pack("{s:o}", "claim", answer));
	set_etag(c, revision);
}

static void reply_changed(struct pt_call *c, const char *id)
{
	pt_reply_say(c, 412, "GET it again", "%s is not %.60s: it has changed", id, c->headers.if_match);
}

/* 404 when it is certain that there is none: one that was sent, and lands in between, is there */
static int get_to_end(struct pt_call *c, struct pt_claim *claim, long long *revision)
{
	struct pt_error err = { 0 };
	int r = TIMED(c, PT_OP_GET, pt_fleet_get(c->store, c->args[0], claim, revision, &err));
	int never = r == 0 ? TIMED(c, PT_OP_RELEASE, pt_fleet_release_unborn(c->store, c->args[0], &err)) : 1;

	if (r >= 0 && never >= 0)
		return r == 1 ? 1 : get(c, claim, revision);
	pt_reply_error(c, 0, &err);
	return r < 0 ? r : never;
}

void pt_delete_claim(struct pt_call *c)
{
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_claim) gone = { 0 };
	struct pt_error err = { 0 };
	long long revision = 0;
	char etag[32];
	int r;

	if (get_to_end(c, &claim, &revision) != 1)
		return;
	(void)snprintf(etag, sizeof(etag), "\"%lld\"", revision);
	if (!pt_etag_in(c->headers.if_match, etag)) {
		reply_changed(c, claim.id);
		return;
	}
	/* what was named is compared by the transaction that ends it */
	if (pt_etag_any(c->headers.if_match))
		revision = 0;
	r = TIMED(c, PT_OP_RELEASE, pt_fleet_release_seen(c->store, c->args[0], revision, &gone, &err));
	if (r == -ESTALE) {
		reply_changed(c, claim.id);
		return;
	}
	if (r == 0)
		r = pt_usage(&err, -ENOENT, "there is no claim %s any more", c->args[0]);
	if (r < 0)
		pt_reply_error(c, 0, &err);
	else if (r == PT_RELEASE_MARKED)
		/* its host's agent gives the devices back first; asked again, it ends */
		pt_reply_json(c, 202, json_pack("{s:[], s:[o]}", "released", "releasing", pt_claim_json(&gone)));
	else
		pt_reply_json(c, 200, json_pack("{s:[o]}", "released", pt_claim_json(&gone)));
}
