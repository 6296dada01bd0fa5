/* SPDX-License-Identifier: Apache-2.0 */
/* The API over TLS: who is let in by which certificate, and as what. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "program.h"

/* how certificates are made: name, subject, extensions, by whom, for how many days */
static const struct {
	const char *name;
	const char *subject;
	const char *ext;
	const char *ca;
	int days;
} certs[] = {
	{ "server", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1", "ca", 30 },
	{ "viewer", "/CN=viewer", "extendedKeyUsage=clientAuth", "ca", 30 },
	{ "claimer", "/CN=nobody", "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:claimer.example", "ca", 30 },
	{ "boss", "/CN=boss", "extendedKeyUsage=clientAuth", "ca", 30 },
	{ "stranger", "/CN=stranger", "extendedKeyUsage=clientAuth", "ca", 30 },
	{ "old", "/CN=boss", "extendedKeyUsage=clientAuth", "ca", -1 },
	{ "purpose", "/CN=boss", "extendedKeyUsage=serverAuth", "ca", 30 },
	{ "foreign", "/CN=boss", "extendedKeyUsage=clientAuth", "other", 30 },
};

struct desk {
	struct apiserver *s;
	char *url;
};

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	va_list ap;
	pt_autofree char *line = NULL;

	va_start(ap, format);
	line = pt_strfv(format, ap);
	va_end(ap);
	if (system(line) != 0)
		fail_msg("%s", line);
}

static void make_certificates(const char *dir)
{
	static const char *const cas[] = { "ca", "other" };

	for (size_t i = 0; i < 2; i++)
		shell("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "
		      "/CN=%s -keyout %s.key -out %s.pem 2>/dev/null",
		      dir, cas[i], cas[i], cas[i]);
	for (size_t i = 0; i < sizeof(certs) / sizeof(*certs); i++)
		shell("cd %s && printf '%s\\n' >ext && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		      "-subj %s -keyout %s.key -out csr 2>/dev/null && openssl x509 -req -in csr -CA %s.pem -CAkey "
		      "%s.key -CAcreateserial -extfile ext -days %d -out %s.pem 2>/dev/null",
		      dir, certs[i].ext, certs[i].subject, certs[i].name, certs[i].ca, certs[i].ca, certs[i].days,
		      certs[i].name);
	shell("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=boss "
	      "-addext extendedKeyUsage=clientAuth -keyout self.key -out self.pem 2>/dev/null",
	      dir);
	shell("chmod 600 %s/*.key", dir);
}

static void give_role(struct pt_api_config *c, const char *name, enum pt_role role)
{
	struct pt_cert_role *one = pt_array_add(&c->certs);

	one->name = pt_strdup(name);
	one->role = role;
}

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));
	struct pt_api_config *c;

	*state = d;
	d->s = apiserver_new(1, 4);
	c = &d->s->config;
	make_certificates(d->s->dir);
	c->listen = pt_strdup("127.0.0.1:0");
	c->head_ms = 4000;
	c->cert_file = pt_strf("%s/server.pem", d->s->dir);
	c->key_file = pt_strf("%s/server.key", d->s->dir);
	c->ca_file = pt_strf("%s/ca.pem", d->s->dir);
	give_role(c, "viewer", PT_ROLE_VIEW);
	give_role(c, "claimer.example", PT_ROLE_CLAIM);
	give_role(c, "boss", PT_ROLE_ADMIN);
	apiserver_start(d->s);
	d->url = pt_strf("https://127.0.0.1:%u", pt_api_port(d->s->api));
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	apiserver_free(d->s);
	free(d->url);
	free(d);
	return 0;
}

static size_t keep(char *data, size_t size, size_t n, void *to)
{
	pt_buf_addn(to, data, size * n);
	return size * n;
}

static void use(CURL *curl, CURLoption option, const char *dir, const char *name, const char *suffix)
{
	pt_autofree char *path = pt_strf("%s/%s%s", dir, name, suffix);

	curl_easy_setopt(curl, option, path);
}

/* status of a request with this certificate; NULL: with none; 0: there was no answer */
static long ask(const struct desk *d, const char *cert, const char *path, const char *body, char **ret_body)
{
	pt_autofree char *url = pt_strf("%s%s", d->url, path);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	PT_CLEANUP(pt_buf_done) struct pt_buf got = { 0 };
	CURL *curl = curl_easy_init();
	long status = 0;

	pt_buf_add(&got, "");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
	use(curl, CURLOPT_CAINFO, d->s->dir, "ca", ".pem");
	if (cert) {
		use(curl, CURLOPT_SSLCERT, d->s->dir, cert, ".pem");
		use(curl, CURLOPT_SSLKEY, d->s->dir, cert, ".key");
	}
	if (body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (ret_body)
		*ret_body = pt_buf_take(&got);
	return status;
}

#define CLAIM "{\"asked\": \"gpu\", \"for\": \"vm1\"}"

static void each_role_may_what_it_may(void **state)
{
	const struct desk *d = *state;

	assert_int_equal(ask(d, "viewer", "/v1/claims", NULL, NULL), 200);
	assert_int_equal(ask(d, "viewer", "/v1/claims", CLAIM, NULL), 403);
	assert_int_equal(ask(d, "viewer", "/v1/changes", NULL, NULL), 403);
	assert_int_equal(ask(d, "claimer", "/v1/claims", CLAIM, NULL), 201);
	assert_int_equal(ask(d, "claimer", "/v1/plans", "{}", NULL), 403);
	assert_int_equal(ask(d, "boss", "/v1/plans", "{}", NULL), 400);
	assert_int_equal(ask(d, "boss", "/v1/claims", CLAIM, NULL), 201);
}

static void who_is_not_known_is_told_why(void **state)
{
	static const struct {
		const char *cert;
		long status;
		const char *said;
	} cases[] = {
		{ NULL, 401, "no certificate" },   { "old", 401, "expired" },	      { "self", 401, "NOT trusted" },
		{ "foreign", 401, "NOT trusted" }, { "purpose", 401, "certificate" }, { "stranger", 403, "stranger" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pt_autofree char *body = NULL;
		long status = ask(*state, cases[i].cert, "/healthz", NULL, &body);

		if (status != cases[i].status || !strstr(body, cases[i].said))
			fail_msg("%s: %ld, not %ld: %s", cases[i].cert ? cases[i].cert : "none", status,
				 cases[i].status, body);
	}
}

/* plain HTTP at the TLS port, half a handshake, noise: no answer, and the next one is served */
/* a handshake that does not go on holds nothing for ever, and nobody else up */
static void who_never_ends_his_handshake_is_cut_off(void **state)
{
	const struct desk *d = *state;
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)pt_api_port(d->s->api)),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	long long until = pt_watch_now_ms() + 30000;
	size_t open_ones = 20;
	int fds[20];

	for (size_t i = 0; i < 20; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (const struct sockaddr *)&at, sizeof(at)), 0);
		/* some say nothing at all */
		if (i % 2)
			assert_true(send(fds[i], hello, sizeof(hello) - 1, MSG_NOSIGNAL) > 0);
	}
	assert_int_equal(ask(d, "viewer", "/healthz", NULL, NULL), 200);
	while (open_ones && pt_watch_now_ms() < until) {
		char part[64];

		(void)usleep(50000);
		for (size_t i = 0; i < 20; i++) {
			/* a byte now and then */
			if (fds[i] < 0 || ((i % 2 == 0 || send(fds[i], "", 1, MSG_NOSIGNAL) == 1) &&
					   recv(fds[i], part, sizeof(part), MSG_DONTWAIT) != 0))
				continue;
			(void)close(fds[i]);
			fds[i] = -1;
			open_ones--;
		}
	}
	assert_int_equal(open_ones, 0);
	assert_int_equal(ask(d, "viewer", "/healthz", NULL, NULL), 200);
}

static void what_is_no_tls_gets_nothing(void **state)
{
	const struct desk *d = *state;
	pt_autofree char *line = pt_strf("printf 'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' | timeout 5 bash -c "
					 "'exec 3<>/dev/tcp/127.0.0.1/%u; cat >&3; cat <&3' | grep -q 200",
					 pt_api_port(d->s->api));

	assert_int_not_equal(system(line), 0);
	assert_int_equal(ask(d, "viewer", "/healthz", NULL, NULL), 200);
}

/* `passthru LINE` by way of --connect, with a certificate, or none; the status must be @status and @said be said */
static void expect_remote(const struct desk *d, const char *cert, const char *line, int status, const char *said)
{
	pt_autofree char *who =
		cert ? pt_strf(" --cert %s/%s.pem --key %s/%s.key", d->s->dir, cert, d->s->dir, cert) : pt_strdup("");
	pt_autofree char *whole = pt_strf("%s --connect %s --cacert %s/ca.pem%s", line, d->url, d->s->dir, who);
	struct program p = { 0 };

	program_run(&p, whole, NULL);
	if (p.status != status || !(strstr(p.out, said) || strstr(p.err, said)))
		fail_msg("%s: %d, not %d and \"%s\"\n%s%s", whole, p.status, status, said, p.out, p.err);
	program_done(&p);
}

#define ID "c-0123456789abcdef0123"

static void the_program_at_the_other_end_has_its_certificates_role(void **state)
{
	const struct desk *d = *state;

	expect_remote(d, "viewer", "passthru claims --json", 0, "\"claims\"");
	expect_remote(d, "viewer", "passthru claim gpu --for vm7", 3, "needs the role claim");
	expect_remote(d, "claimer", "passthru claim gpu --for vm7 --id " ID, 0, ID "  gpu:1 for vm7 on host-000");
	expect_remote(d, "viewer", "passthru claims --json --for vm7", 0, ID);
	expect_remote(d, "viewer", "passthru release " ID, 3, "needs the role claim");
	expect_remote(d, "claimer", "passthru fleet limit red gpu 1", 3, "needs the role admin");
	expect_remote(d, "claimer", "passthru fleet evacuate host-000 --fenced", 3, "needs the role admin");
	expect_remote(d, "claimer", "passthru fleet withdraw host-000", 3, "needs the role admin");
	expect_remote(d, "boss", "passthru fleet limit red gpu 1", 0, "project red may have 1 gpu");
	expect_remote(d, "boss", "passthru fleet withdraw host-000", 1, "are claimed");
	expect_remote(d, "claimer", "passthru release " ID, 0, "released " ID);
}

static void the_program_at_the_other_end_says_who_was_not_let_in(void **state)
{
	const struct desk *d = *state;
	pt_autofree char *wrong_ca =
		pt_strf("passthru claims --connect %s --cert %s/boss.pem --key %s/boss.key --cacert "
			"%s/other.pem",
			d->url, d->s->dir, d->s->dir, d->s->dir);
	pt_autofree char *elsewhere = pt_strf("passthru claims --connect https://localhost:%u --cert %s/boss.pem --key "
					      "%s/boss.key --cacert %s/ca.pem",
					      pt_api_port(d->s->api), d->s->dir, d->s->dir, d->s->dir);
	struct program p = { 0 };

	expect_remote(d, NULL, "passthru claims", 1, "no certificate");
	expect_remote(d, "old", "passthru claims", 1, "expired");
	expect_remote(d, "foreign", "passthru claims", 1, "NOT trusted");
	expect_remote(d, "stranger", "passthru claims", 3, "stranger");
	/* and who is at the other end is looked at, too: signed by ours, and of that name */
	program_run(&p, wrong_ca, NULL);
	assert_int_equal(p.status, 1);
	assert_non_null(strstr(p.err, "certificate"));
	program_done(&p);
	program_run(&p, elsewhere, NULL);
	assert_int_equal(p.status, 1);
	assert_non_null(strstr(p.err, "localhost"));
	program_done(&p);
}

static void certificates_of_the_configuration_serve_too(void **state)
{
	const struct desk *d = *state;
	pt_autofree char *conf = pt_strf("%s/connect.conf", d->s->dir);
	pt_autofree char *line = pt_strf("passthru claims --json --connect %s --config %s", d->url, conf);
	struct program p = { 0 };
	FILE *f = fopen(conf, "we");

	assert_non_null(f);
	(void)fprintf(f, "[connect]\ncert_file = %s/viewer.pem\nkey_file = %s/viewer.key\nca_file = %s/ca.pem\n",
		      d->s->dir, d->s->dir, d->s->dir);
	(void)fclose(f);
	program_run(&p, line, NULL);
	if (p.status)
		fail_msg("%s%s", p.out, p.err);
	program_done(&p);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	const struct desk *d = *state;
	struct pt_api_setup setup = d->s->setup;
	struct pt_api_config config = d->s->config;
	pt_autofree char *key = pt_strf("%s/open.key", d->s->dir);
	struct pt_error err = { 0 };
	char none[] = "";
	struct pt_api *api = NULL;

	shell("cp %s %s && chmod 644 %s", config.key_file, key, key);
	config.key_file = key;
	config.socket = none;
	setup.config = &config;
	assert_true(pt_api_start(&setup, &api, &err) < 0);
	assert_non_null(strstr(err.msg, "mode 0644"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_may_what_it_may),
		cmocka_unit_test(who_is_not_known_is_told_why),
		cmocka_unit_test(who_never_ends_his_handshake_is_cut_off),
		cmocka_unit_test(what_is_no_tls_gets_nothing),
		cmocka_unit_test(the_program_at_the_other_end_has_its_certificates_role),
		cmocka_unit_test(the_program_at_the_other_end_says_who_was_not_let_in),
		cmocka_unit_test(certificates_of_the_configuration_serve_too),
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
