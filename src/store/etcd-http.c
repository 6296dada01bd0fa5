/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd-http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define TIMEOUT_MS 5000

/* gRPC's status codes, as the gateway's "code" has them (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) */
enum {
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_NOT_FOUND = 5,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNAUTHENTICATED = 16,
};

/* what to do after an attempt that gave no answer to hand out */
enum {
	ANOTHER_MEMBER = 1,
	ANOTHER_TOKEN = 2,
	WAIT_A_LITTLE = 3,
};

static size_t collect(char *data, size_t size, size_t n, void *user)
{
	struct pt_buf *b = user;

	if (size * n > PT_ETCD_ANSWER_MAX - b->n)
		return 0;
	pt_buf_addn(b, data, size * n);
	return size * n;
}

const char *pt_etcd_endpoint(const struct pt_etcd *e)
{
	return e->config.endpoints.v[e->at];
}

void pt_etcd_next_endpoint(struct pt_etcd *e)
{
	e->at = (e->at + 1) % e->config.endpoints.n;
	e->proven = 0;
}

void pt_etcd_forget_token(struct pt_etcd *e)
{
	free(pt_take_ptr(e->token));
}

long long pt_etcd_number(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (json_is_integer(v))
		return (long long)json_integer_value(v);
	return json_is_string(v) ? strtoll(json_string_value(v), NULL, 10) : 0;
}

int pt_etcd_setup(const struct pt_etcd *e, CURL *easy, struct pt_error *err)
{
	const struct pt_store_config *c = &e->config;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");

	/* one option that this libcurl does not have, a certificate's above all, must not be passed over */
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->timeout_ms);
	if (!code && c->ca_file)
		code = curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
	if (!code && c->cert_file)
		code = curl_easy_setopt(easy, CURLOPT_SSLCERT, c->cert_file);
	if (!code && c->key_file)
		code = curl_easy_setopt(easy, CURLOPT_SSLKEY, c->key_file);
	return code ? pt_say(err, -EINVAL, "cannot set up connections to %s: %s", e->name, curl_easy_strerror(code))
		    : 0;
}

/*
 * Asked by libcurl when it has a connection, before it sends.  What writes goes out where the right cluster has
 * answered, and nowhere else: neither to whom a new connection may have led, nor a second time, as libcurl does by
 * itself when a connection that was in use before ends without an answer.
 */
static int may_send(void *user, char *remote, char *local, int remote_port, int local_port)
{
	const struct pt_etcd *e = user;

	(void)remote;
	(void)local;
	(void)remote_port;
	return !e->writes || e->proven == local_port ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

void pt_etcd_prove(struct pt_etcd *e)
{
	long port = 0;

	e->proven = curl_easy_getinfo(e->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK ? port : 0;
}

/* one attempt at one member; CURLE_OK with @ret_status, and the body in e->answer */
static CURLcode post(struct pt_etcd *e, const char *path, const char *text, const struct curl_slist *headers,
		     long *ret_status)
{
	pt_autofree char *url = pt_strf("%s%s", pt_etcd_endpoint(e), path);
	CURLcode code;

	e->answer.n = 0;
	(void)curl_easy_setopt(e->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(e->easy, CURLOPT_POSTFIELDS, text);
	(void)curl_easy_setopt(e->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
	code = curl_easy_perform(e->easy);
	if (!code)
		code = curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, ret_status);
	return code;
}

/* has a member got something of the question?  What libcurl says of its last attempt alone does not tell */
static bool was_sent(const struct pt_etcd *e)
{
	long bytes = 0;

	return curl_easy_getinfo(e->easy, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0;
}

int pt_etcd_unknown(const struct pt_etcd *e, const char *why, struct pt_error *err)
{
	int r = pt_say(err, -ETIMEDOUT, "%s was asked to write and did not say whether it did: %s", e->name, why);

	pt_hint(err, "it may be written, now or a little later: look before asking again");
	return r;
}

static int space_exceeded(const struct pt_etcd *e, struct pt_error *err)
{
	int r = pt_say(err, -ENOSPC, "%s is full (its quota, --quota-backend-bytes): nothing was written", e->name);

	pt_hint(err, "etcdctl compact, etcdctl defrag on every member, then etcdctl alarm disarm; or a larger quota");
	return r;
}

static int not_allowed(const struct pt_etcd *e, const char *said, struct pt_error *err)
{
	int r = pt_say(err, -EACCES, "%s refuses this to user '%s': %s", e->name,
		       e->config.user ? e->config.user : "(none)", said);

	pt_hint(err, "[store] user and password_file say who asks; etcdctl role get shows what a role may");
	return r;
}

/* a refusal of the cluster: a final errno, or what to do next (> 0) */
static int judge_refusal(const struct pt_etcd *e, long long code, const char *said, bool changes, struct pt_error *err)
{
	if (code == GRPC_UNAUTHENTICATED || strstr(said, "invalid auth token") ||
	    strstr(said, "revision of auth store is old"))
		return ANOTHER_TOKEN;
	/* without a user where one is needed: "etcdserver: user name is empty" */
	if (code == GRPC_PERMISSION_DENIED || strstr(said, "user name is empty") ||
	    strstr(said, "authentication failed"))
		return not_allowed(e, said, err);
	if (strstr(said, "space exceeded"))
		return space_exceeded(e, err);
	if (strstr(said, "too large") || strstr(said, "larger than max"))
		return pt_say(err, -E2BIG, "%s: what is to be written is too large: %s", e->name, said);
	if (strstr(said, "too many requests"))
		return WAIT_A_LITTLE;
	if (code == GRPC_OUT_OF_RANGE)
		return pt_say(err, -ESTALE, "%s: %s", e->name, said);
	if (code == GRPC_NOT_FOUND)
		return pt_say(err, -ENOENT, "%s: %s", e->name, said);
	if (code == GRPC_INVALID_ARGUMENT || code == GRPC_FAILED_PRECONDITION)
		return pt_say(err, -EINVAL, "%s: %s", e->name, said);
	return changes ? pt_etcd_unknown(e, said, err) : ANOTHER_MEMBER;
}

static int changed_cluster(const struct pt_etcd *e, const char *found, struct pt_error *err)
{
	int r = pt_say(err, -EREMCHG, "%s is another cluster than before: %s, where %s was", pt_etcd_endpoint(e), found,
		       e->cluster);

	pt_hint(err,
		"nothing was written; if it was made anew or restored, start again, and set [store] cluster = %s "
		"where an id is configured",
		found);
	return r;
}

int pt_etcd_check_header(struct pt_etcd *e, const json_t *answer, struct pt_error *err)
{
	const json_t *header = json_object_get(answer, "header");
	const char *cluster = json_string_value(json_object_get(header, "cluster_id"));

	if (!cluster || strlen(cluster) >= sizeof(e->cluster))
		return 0;
	if (!*e->cluster)
		(void)snprintf(e->cluster, sizeof(e->cluster), "%s", cluster);
	if (strcmp(e->cluster, cluster) != 0)
		return changed_cluster(e, cluster, err);
	return 0;
}

static int no_gateway(const struct pt_etcd *e, const char *said, struct pt_error *err)
{
	int r = pt_say(err, -EBADMSG, "%s does not answer as etcd's JSON gateway does: %s", pt_etcd_endpoint(e), said);

	/* with users on, its gateway takes no certificate that could be mistaken for a user */
	if (strstr(said, "CommonName"))
		pt_hint(err,
			"the subject of [store] cert_file has a CN: etcd wants one without, and the user from [store] "
			"user");
	else
		pt_hint(err, "etcd 3.4 or newer with its gateway on is needed; is this a member's client URL?");
	return r;
}

/* an answer without a refusal; to a write it must be etcd's, and of this cluster, or it tells nothing */
static int take(struct pt_etcd *e, json_t *answer, bool changes, json_t **ret_answer, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r = pt_etcd_check_header(e, answer, &why);

	if (changes && r == 0 && !json_object_get(answer, "header"))
		r = pt_say(&why, -EBADMSG, "its answer is none of etcd's");
	if (r == 0)
		*ret_answer = json_incref(answer);
	else if (changes)
		r = pt_etcd_unknown(e, why.msg, err);
	else if (err)
		*err = why;
	return r;
}

/* what a member answered: 0 with the answer, a final errno, or what to do next */
static int judge(struct pt_etcd *e, long status, bool changes, json_t **ret_answer, struct pt_error *err)
{
	pt_autofree char *said = NULL;
	json_t *answer = json_loadb(e->answer.s ? e->answer.s : "", e->answer.n, JSON_REJECT_DUPLICATES, NULL);
	const char *message;
	int r;

	if (status == 200 && (changes || json_is_object(answer))) {
		r = take(e, answer, changes, ret_answer, err);
		json_decref(answer);
		return r;
	}
	message = json_string_value(json_object_get(answer, "message"));
	if (!message)
		message = json_string_value(json_object_get(answer, "error"));
	said = message ? pt_strndup(message, 200)
		       : pt_strf("HTTP status %ld, %.160s", status, e->answer.n ? e->answer.s : "nothing");
	(void)pt_text_clean(pt_text_trim(said));
	if (answer || (status >= 500 && status < 600)) {
		r = judge_refusal(e, pt_etcd_number(answer, "code"), said, changes, err);
		if (r > 0)
			(void)pt_say(err, -EHOSTUNREACH, "%s: %s", pt_etcd_endpoint(e), said);
	} else {
		r = no_gateway(e, said, err);
	}
	json_decref(answer);
	return r;
}

static struct curl_slist *with_header(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	/* out of memory ends the process (docs/design/rooms.md, Memory) */
	if (!longer)
		abort();
	return longer;
}

/* as often as needed until a member has said something final */
static int ask(struct pt_etcd *e, const char *path, const char *text, const struct curl_slist *headers, bool changes,
	       json_t **ret_answer, struct pt_error *err)
{
	struct pt_error why = { 0 };
	PT_CLEANUP(pt_buf_done) struct pt_buf all = { 0 };

	if (changes && !e->proven)
		return -ENOTCONN;
	e->writes = changes;
	/* each member, and the first one once more: it may have been in the middle of an election */
	for (size_t i = 0; i <= e->config.endpoints.n; i++) {
		long status = 0;
		CURLcode code = post(e, path, text, headers, &status);
		int r;

		if (code == CURLE_OK) {
			r = judge(e, status, changes, ret_answer, &why);
		} else {
			const char *reason = curl_easy_strerror(code);

			if (changes && was_sent(e)) {
				r = pt_etcd_unknown(e, reason, err);
				pt_etcd_next_endpoint(e);
				return r;
			}
			if (changes)
				return -ENOTCONN;
			r = ANOTHER_MEMBER;
			(void)pt_say(&why, -EHOSTUNREACH, "%s: %s", pt_etcd_endpoint(e), reason);
		}
		if (r <= 0 || r == ANOTHER_TOKEN) {
			if (err && r < 0)
				*err = why;
			/* what is asked next is asked of one that may know more */
			if (r == -ETIMEDOUT)
				pt_etcd_next_endpoint(e);
			return r;
		}
		pt_buf_addf(&all, "%s%s", all.n ? "; " : "", why.msg);
		if (r == ANOTHER_MEMBER)
			pt_etcd_next_endpoint(e);
		if (r == WAIT_A_LITTLE || i + 1 == e->config.endpoints.n)
			(void)usleep(100000);
	}
	(void)pt_say(err, -EHOSTUNREACH, "no member of %s answers: %s", e->name, all.s);
	pt_hint(err, "nothing was changed; are they running, and reachable from here?");
	return -EHOSTUNREACH;
}

static int authenticate(struct pt_etcd *e, struct pt_error *err)
{
	json_t *body = json_pack("{s:s, s:s}", "name", e->config.user, "password", e->config.password);
	pt_autofree char *text = json_dumps(body, JSON_COMPACT);
	struct curl_slist *headers = with_header(NULL, "Content-Type: application/json");
	json_t *answer = NULL;
	const char *token;
	int r;

	json_decref(body);
	headers = with_header(headers, "Expect:");
	r = ask(e, "/v3/auth/authenticate", text ? text : "", headers, false, &answer, err);
	curl_slist_free_all(headers);
	if (text)
		explicit_bzero(text, strlen(text));
	if (r == -EINVAL || r == ANOTHER_TOKEN) {
		r = pt_say(err, -EACCES, "%s does not take user '%s' and its password", e->name, e->config.user);
		pt_hint(err, "etcdctl user list; and etcdctl auth enable, where authentication is off");
	}
	token = json_string_value(json_object_get(answer, "token"));
	if (r == 0 && !token)
		r = pt_say(err, -EBADMSG, "%s gave user '%s' no token", e->name, e->config.user);
	if (r == 0)
		pt_strset(&e->token, token);
	json_decref(answer);
	return r;
}

struct curl_slist *pt_etcd_headers(struct pt_etcd *e, struct pt_error *err)
{
	struct curl_slist *list;

	if (e->config.user && !e->token && authenticate(e, err) < 0)
		return NULL;
	list = with_header(NULL, "Content-Type: application/json");
	/* libcurl would wait a second for a "100 Continue" that the gateway does not send */
	list = with_header(list, "Expect:");
	if (e->token) {
		pt_autofree char *line = pt_strf("Authorization: %s", e->token);

		list = with_header(list, line);
	}
	return list;
}

int pt_etcd_call(struct pt_etcd *e, const char *path, const json_t *body, bool changes, json_t **ret_answer,
		 struct pt_error *err)
{
	pt_autofree char *text = json_dumps(body, JSON_COMPACT);
	int r = ANOTHER_TOKEN;

	if (!text)
		return pt_say(err, -EILSEQ, "a request to %s holds text that is no UTF-8", e->name);
	for (unsigned i = 0; i < 3 && r == ANOTHER_TOKEN; i++) {
		if (!e->headers) {
			e->headers = pt_etcd_headers(e, err);
			if (!e->headers)
				return err && err->code ? err->code : -EACCES;
		}
		r = ask(e, path, text, e->headers, changes, ret_answer, err);
		if (r == ANOTHER_TOKEN) {
			/* refused before it was looked at, so it may be sent again, once, whatever it is */
			curl_slist_free_all(pt_take_ptr(e->headers));
			pt_etcd_forget_token(e);
		}
	}
	return r == ANOTHER_TOKEN ? not_allowed(e, "its token is not taken, a new one neither", err) : r;
}

static int check_config(const struct pt_store_config *c, struct pt_error *err)
{
	if (!c->endpoints.n)
		return pt_usage(err, -EINVAL, "[store] endpoints: none, where etcd is to be the store");
	for (size_t i = 0; i < c->endpoints.n; i++)
		if (!pt_startswith(c->endpoints.v[i], "http://") && !pt_startswith(c->endpoints.v[i], "https://"))
			return pt_usage(err, -EINVAL, "[store] endpoints: '%s' does not begin with https:// or http://",
					c->endpoints.v[i]);
	if (!c->user != !c->password)
		return pt_usage(err, -EINVAL, "[store] user and password_file: one without the other");
	if (!c->cert_file != !c->key_file)
		return pt_usage(err, -EINVAL, "[store] cert_file and key_file: one without the other");
	return 0;
}

int pt_etcd_init(struct pt_etcd *e, const struct pt_store_config *config, struct pt_error *err)
{
	int r = check_config(config, err);

	if (r < 0)
		return r;
	*e = (struct pt_etcd){ 0 };
	pt_store_config_copy(&e->config, config);
	if (!e->config.timeout_ms)
		e->config.timeout_ms = TIMEOUT_MS;
	for (size_t i = 0; i < e->config.endpoints.n; i++) {
		char *url = e->config.endpoints.v[i];

		while (pt_endswith(url, "/"))
			url[strlen(url) - 1] = '\0';
	}
	e->name = pt_strf("etcd at %s%s", e->config.endpoints.v[0], e->config.endpoints.n > 1 ? ", …" : "");
	if (e->config.cluster)
		(void)snprintf(e->cluster, sizeof(e->cluster), "%s", e->config.cluster);
	r = pt_curl_load(err);
	if (r < 0)
		return r;
	e->easy = curl_easy_init();
	if (!e->easy)
		return pt_say(err, -ENOMEM, "libcurl cannot be started");
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEFUNCTION, collect);
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEDATA, &e->answer);
	(void)curl_easy_setopt(e->easy, CURLOPT_TIMEOUT_MS, (long)e->config.timeout_ms);
	if (curl_easy_setopt(e->easy, CURLOPT_PREREQFUNCTION, may_send) ||
	    curl_easy_setopt(e->easy, CURLOPT_PREREQDATA, e))
		return pt_say(err, -EINVAL, "libcurl 7.80 or newer is needed to write to %s", e->name);
	return pt_etcd_setup(e, e->easy, err);
}

void pt_etcd_done(struct pt_etcd *e)
{
	/* without libcurl there are neither of these */
	if (e->easy)
		curl_easy_cleanup(e->easy);
	if (e->headers)
		curl_slist_free_all(e->headers);
	pt_buf_done(&e->answer);
	free(e->token);
	free(e->name);
	pt_store_config_done(&e->config);
	*e = (struct pt_etcd){ 0 };
}
