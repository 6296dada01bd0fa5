/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/lazy-curl.h"

#define UNIX	   "unix://"
#define ANSWER_MAX ((size_t)256 << 20)
/* a program there has 30 seconds, and may wait for another one */
#define TIMEOUT_MS 120000L
#define CONNECT_MS 10000L

void pt_client_answer_done(struct pt_client_answer *a)
{
	pt_buf_done(&a->body);
	json_decref(a->json);
	free(a->etag);
	*a = (struct pt_client_answer){ 0 };
}

bool pt_client_is_url(const char *text)
{
	return text && (pt_startswith(text, UNIX) || pt_startswith(text, "https://"));
}

void pt_client_add(struct pt_buf *path, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~:,", c))
			pt_buf_addn(path, text, 1);
		else
			pt_buf_addf(path, "%%%02x", c);
	}
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct pt_client_answer *a = arg;

	if (a->body.n + size * n > ANSWER_MAX)
		return 0;
	pt_buf_addn(&a->body, data, size * n);
	return size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
	static const char etag[] = "ETag:";
	static const char status[] = "Passthru-Exit-Status:";
	struct pt_client_answer *a = arg;
	pt_autofree char *line = pt_strndup(data, size * n);

	if (strncasecmp(line, etag, sizeof(etag) - 1) == 0)
		pt_strset(&a->etag, pt_text_trim(line + sizeof(etag) - 1));
	if (strncasecmp(line, status, sizeof(status) - 1) == 0)
		a->exit_status = (int)strtol(line + sizeof(status) - 1, NULL, 10);
	return size * n;
}

static struct curl_slist *add_header(struct curl_slist *l, const char *name, const char *value)
{
	pt_autofree char *line = value ? pt_strf("%s: %s", name, value) : NULL;
	struct curl_slist *more = line ? curl_slist_append(l, line) : l;

	return more ? more : l;
}

static int set_where(CURL *curl, const struct pt_client_config *c, const char *path, struct pt_error *err)
{
	bool local = pt_startswith(c->url, UNIX);
	size_t n = strlen(c->url);
	pt_autofree char *url = NULL;

	if (local && c->url[strlen(UNIX)] != '/')
		return pt_usage(err, -EINVAL, "--connect %s: expected unix:///PATH", c->url);
	while (!local && n && c->url[n - 1] == '/')
		n--;
	url = local ? pt_strf("http://localhost%s", path) : pt_strf("%.*s%s", (int)n, c->url, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (local)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->url + strlen(UNIX));
	/* not by way of whoever the environment names, and to nowhere else */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	if (c->cert_file)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, c->cert_file);
	if (c->key_file)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, c->key_file);
	if (c->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
	return 0;
}

static int perform(CURL *curl, const struct pt_client_config *c, struct pt_client_answer *a, struct pt_error *err)
{
	char why[CURL_ERROR_SIZE] = "";
	CURLcode r;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
	r = curl_easy_perform(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	if (r != CURLE_OK)
		return pt_say(err, r == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EHOSTUNREACH, "%s: %s", c->url,
			      *why ? why : curl_easy_strerror(r));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
	return 0;
}

int pt_client_ask(const struct pt_client_config *c, const struct pt_client_ask *ask,
		  struct pt_client_answer *ret_answer, struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	char *body = ask->body ? json_dumps(ask->body, JSON_COMPACT) : NULL;
	struct curl_slist *headers = NULL;
	CURL *curl;
	int r = pt_curl_load(err);

	if (r < 0) {
		free(body);
		return r;
	}
	curl = curl_easy_init();
	headers = add_header(headers, "Accept", ask->accept);
	headers = add_header(headers, "If-Match", ask->if_match);
	headers = add_header(headers, "Content-Type", body ? "application/json" : NULL);
	r = curl ? set_where(curl, c, ask->path, err) : pt_say(err, -ENOMEM, "libcurl does not start");
	if (r == 0) {
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		if (body)
			curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		pt_buf_add(&a.body, "");
		r = perform(curl, c, &a, err);
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	free(body);
	if (r < 0)
		return r;
	if (!pt_streq(ask->accept, "text/plain") || a.status >= 400)
		a.json = json_loadb(a.body.s, a.body.n, 0, NULL);
	*ret_answer = pt_take(a);
	return 0;
}

static void take_text(const json_t *o, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	(void)snprintf(to, size, "%s", text ? text : "");
}

int pt_client_problem(const struct pt_client_answer *a, const char *url, struct pt_error *err)
{
	static const char *const kinds[] = { "failed", "usage", "refused", "interrupted" };
	const char *kind = json_string_value(json_object_get(a->json, "kind"));

	if (!json_is_string(json_object_get(a->json, "detail")))
		return pt_say(err, -EPROTO, "%s answers %ld, and not as passthrud does", url, a->status);
	if (!err)
		return -EIO;
	*err = (struct pt_error){ .code = a->status == 504 ? -ETIMEDOUT : -EIO };
	for (unsigned i = 0; kind && i < 4; i++)
		if (strcmp(kind, kinds[i]) == 0)
			err->kind = (enum pt_error_kind)i;
	take_text(a->json, "detail", err->msg, sizeof(err->msg));
	take_text(a->json, "hint", err->hint, sizeof(err->hint));
	take_text(a->json, "refusal", err->refusal, sizeof(err->refusal));
	return err->code;
}
