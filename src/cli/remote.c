/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "cli/fleeting.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/storing.h"
#include "client/client.h"
#include "shape/claim.h"

#define WAIT_S 300

/**
 * struct remote - where, and with what
 * @files: of [connect], owned
 */
struct remote {
	struct pt_client_config config;
	struct pt_strv files;
};

static void remote_done(struct remote *r)
{
	pt_strv_done(&r->files);
}

/* [connect] cert_file, key_file, ca_file: of this user's side; options win */
static int take_connect(void *arg, const struct pt_ini *ini, const char *name, struct pt_error *err)
{
	struct remote *m = arg;

	for (size_t i = 0; i < ini->n; i++) {
		const struct pt_ini_entry *e = &ini->v[i];
		const char **to = pt_streq(e->key, "cert_file")	 ? &m->config.cert_file
				  : pt_streq(e->key, "key_file") ? &m->config.key_file
				  : pt_streq(e->key, "ca_file")	 ? &m->config.ca_file
								 : NULL;

		if (!pt_streq(e->section, "connect"))
			continue;
		if (!to)
			return pt_usage(err, -EINVAL,
					"%s:%u: [connect] has no '%s'; it has cert_file, key_file and ca_file", name,
					e->line, e->key);
		pt_strv_add(&m->files, e->value);
		*to = m->files.v[m->files.n - 1];
	}
	return 0;
}

static int configure(const struct pt_cli *cli, struct remote *m, struct pt_error *err)
{
	const char *cert = pt_cli_value(cli, "cert");
	const char *key = pt_cli_value(cli, "key");
	const char *ca = pt_cli_value(cli, "cacert");
	const char *files[64];
	size_t n = 0;
	int r = 0;

	while (n < 64 && (files[n] = pt_cli_value_at(cli, "config", n)))
		n++;
	m->config.url = cli->uri;
	/* the socket needs none; and who may not read this host's configuration has its own options */
	if (!pt_startswith(cli->uri, "unix:") && (n || !cert))
		r = pt_placeable_each(cli, files, n, take_connect, m, err);
	m->config.cert_file = cert ? cert : m->config.cert_file;
	m->config.key_file = key ? key : m->config.key_file;
	m->config.ca_file = ca ? ca : m->config.ca_file;
	return r;
}

static void add_query(struct pt_buf *path, const char *name, const char *value)
{
	pt_buf_addf(path, "%s%s%s", strchr(path->s, '?') ? "&" : "?", name, *value ? "=" : "");
	pt_client_add(path, value);
}

/* an option becomes a parameter of the same name; a flag one without a value */
static void add_options(const struct pt_cli *cli, struct pt_buf *path, const char *const *names)
{
	for (; *names; names++)
		if (pt_cli_flag(cli, *names))
			add_query(path, *names, pt_cli_value(cli, *names) ? pt_cli_value(cli, *names) : "");
}

static void add_operands(const struct pt_cli *cli, struct pt_buf *path, const char *name, int from)
{
	for (int i = from; i < cli->n_operands; i++)
		add_query(path, name, cli->operands[i]);
}

/* what is answered there is what is printed here */
static int show(struct pt_cli *cli, const struct remote *m, const struct pt_buf *path, bool only_json,
		struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	bool json = cli->json || only_json;
	const struct pt_client_ask ask = { "GET", path->s, json ? "application/json" : "text/plain", NULL, NULL };
	int r = pt_client_ask(&m->config, &ask, &a, err);

	if (r < 0 || a.status >= 400)
		return r < 0 ? r : pt_client_problem(&a, m->config.url, err);
	if (json && !a.json)
		return pt_say(err, -EPROTO, "%s answers no JSON", m->config.url);
	if (json)
		r = pt_print_json(cli, json_incref(a.json), err);
	else
		r = fwrite(a.body.s, 1, a.body.n, cli->out) == a.body.n ? PT_EXIT_DONE
									: pt_fail(err, -EIO, "cannot write the answer");
	return r < 0 ? r : a.exit_status;
}

static int run_list(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_add(&path, "/v1/devices");
	add_operands(cli, &path, "match", 0);
	return show(cli, m, &path, false, err);
}

static int run_show(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_add(&path, "/v1/devices/");
	pt_client_add(&path, cli->operands[0]);
	return show(cli, m, &path, false, err);
}

static int run_plain(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_addf(&path, "/v1/%s", cli->command->name);
	return show(cli, m, &path, strcmp(cli->command->name, "facts") == 0, err);
}

static int run_history(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_add(&path, cli->n_operands ? "/v1/changes/" : "/v1/changes");
	if (cli->n_operands)
		pt_client_add(&path, cli->operands[0]);
	return show(cli, m, &path, false, err);
}

static int run_claims(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	static const char *const names[] = { "for", "host", NULL };
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_add(&path, "/v1/claims");
	add_options(cli, &path, names);
	add_operands(cli, &path, "id", 0);
	return show(cli, m, &path, false, err);
}

static int withdraw(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	PT_AUTO(pt_buf) path = { 0 };
	struct pt_client_ask ask = { "DELETE", NULL, "application/json", "*", NULL };
	int r;

	pt_buf_add(&path, "/v1/fleet/hosts/");
	pt_client_add(&path, cli->operands[1]);
	ask.path = path.s;
	r = pt_client_ask(&m->config, &ask, &a, err);
	if (r < 0 || a.status >= 400)
		return r < 0 ? r : pt_client_problem(&a, m->config.url, err);
	if (cli->json)
		return pt_print_json(cli, json_incref(a.json), err);
	(void)fprintf(cli->out, "%s is no longer in the fleet\n", cli->operands[1]);
	return PT_EXIT_DONE;
}

/* what it answers is taken apart again, for the same words */
static int read_moved(const json_t *list, struct pt_moved_list *l, struct pt_error *err)
{
	int r = json_is_array(list) ? 0 : pt_say(err, -EPROTO, "the answer names no claims");

	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		const json_t *o = json_array_get(list, i);
		const char *fate = json_string_value(json_object_get(o, "fate"));
		pt_autofree char *text = json_dumps(json_object_get(o, "claim"), JSON_COMPACT);
		struct pt_moved *m = pt_array_add(l);

		m->why = pt_strdup_opt(json_string_value(json_object_get(o, "why")));
		for (unsigned k = PT_MOVED_STAYS; k <= PT_MOVED_ENDED; k++)
			if (pt_streq(fate, pt_moved_fate_str((enum pt_moved_fate)k)))
				m->fate = (enum pt_moved_fate)k;
		r = text ? pt_claim_read(text, "the answer", &m->claim, err)
			 : pt_say(err, -EPROTO, "the answer holds no claim");
	}
	return r;
}

static int evacuate(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	json_t *body = json_pack("{s:b}", "fenced", pt_cli_flag(cli, "fenced"));
	struct pt_client_ask ask = { "POST", NULL, "application/json", NULL, body };
	PT_AUTO(pt_client_answer) a = { 0 };
	PT_AUTO(pt_moved_list) l = { 0 };
	PT_AUTO(pt_buf) path = { 0 };
	int r;

	pt_buf_add(&path, "/v1/fleet/hosts/");
	pt_client_add(&path, cli->operands[1]);
	pt_buf_add(&path, "/evacuate");
	ask.path = path.s;
	r = pt_client_ask(&m->config, &ask, &a, err);
	json_decref(body);
	if (r < 0)
		return r;
	/* also where a later one failed: those before it are placed */
	if (json_object_get(a.json, "claims"))
		r = read_moved(json_object_get(a.json, "claims"), &l, err);
	if (a.status >= 400) {
		for (size_t i = 0; i < l.n && !cli->json; i++)
			pt_fleeting_say_moved(cli, &l.v[i], cli->operands[1]);
		return pt_client_problem(&a, m->config.url, err);
	}
	return r < 0 ? r : pt_fleeting_print_moved(cli, cli->operands[1], &l, err);
}

static int limit(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	PT_AUTO(pt_buf) path = { 0 };
	struct pt_client_ask ask = { "DELETE", NULL, "application/json", NULL, NULL };
	json_t *body = NULL;
	long n = -1;
	int r = cli->n_operands == 4 ? pt_fleeting_parse_limit(cli->operands[3], &n, err) : 0;

	pt_buf_add(&path, "/v1/fleet/limits");
	for (int i = 1; i < cli->n_operands && i < 3; i++) {
		pt_buf_add(&path, "/");
		pt_client_add(&path, cli->operands[i]);
	}
	if (r < 0 || cli->n_operands < 3)
		return r < 0 ? r : show(cli, m, &path, false, err);
	if (n >= 0) {
		body = json_pack("{s:I}", "limit", (json_int_t)n);
		ask.method = "PUT";
		ask.body = body;
	}
	ask.path = path.s;
	r = pt_client_ask(&m->config, &ask, &a, err);
	json_decref(body);
	if (r < 0 || a.status >= 400)
		return r < 0 ? r : pt_client_problem(&a, m->config.url, err);
	return pt_fleeting_print_limit(cli, n, err);
}

static int run_fleet(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	static const char *const of_devices[] = { "host", "class", "free", "claimed", NULL };
	static const char *const of_why[] = { "host", "policy", "numa", "spread", NULL };
	const char *verb = cli->operands[0];
	PT_AUTO(pt_buf) path = { 0 };

	pt_buf_addf(&path, "/v1/fleet/%s", verb);
	if (strcmp(verb, "hosts") == 0 && cli->n_operands == 1)
		return show(cli, m, &path, false, err);
	if (strcmp(verb, "withdraw") == 0 && cli->n_operands == 2)
		return withdraw(cli, m, err);
	if (strcmp(verb, "evacuate") == 0 && cli->n_operands == 2)
		return evacuate(cli, m, err);
	if (strcmp(verb, "limit") == 0 && cli->n_operands != 3)
		return limit(cli, m, err);
	if (strcmp(verb, "devices") == 0 && cli->n_operands == 1) {
		add_options(cli, &path, of_devices);
		return show(cli, m, &path, false, err);
	}
	if (strcmp(verb, "why") == 0 && cli->n_operands == 2) {
		pt_buf_add(&path, "/");
		pt_client_add(&path, cli->operands[1]);
		add_options(cli, &path, of_why);
		return show(cli, m, &path, false, err);
	}
	return pt_usage(
		err, -EINVAL,
		"passthru fleet %s: with --connect there are hosts, devices, why REQUEST, limit [PROJECT [ALIAS "
		"N]], evacuate HOST and withdraw HOST",
		verb);
}

static json_t *claim_body(const struct pt_cli *cli, const char *id)
{
	static const char *const names[] = { "for", "host", "policy", "numa", "project", NULL };
	json_t *body = json_pack("{s:s, s:s}", "asked", cli->operands[0], "id", id);

	for (size_t i = 0; names[i]; i++)
		if (pt_cli_value(cli, names[i]))
			(void)json_object_set_new(body, names[i], json_string(pt_cli_value(cli, names[i])));
	if (pt_cli_flag(cli, "spread"))
		(void)json_object_set_new(body, "spread", json_true());
	return body;
}

static int print_claim(struct pt_cli *cli, const struct pt_client_answer *a, struct pt_error *err)
{
	PT_AUTO(pt_claim) claim = { 0 };
	pt_autofree char *text = json_dumps(json_object_get(a->json, "claim"), JSON_COMPACT);
	int r = text ? pt_claim_read(text, "the answer", &claim, err)
		     : pt_say(err, -EPROTO, "the answer holds no claim");

	if (r < 0)
		return r;
	if (cli->json)
		return pt_print_json(cli, json_incref(a->json), err);
	pt_storing_print_claim(cli, &claim);
	return PT_EXIT_DONE;
}

/* none is made: as the local command says it */
static int print_no(struct pt_cli *cli, const struct pt_client_answer *a, struct pt_error *err)
{
	int r;

	if (!cli->json) {
		(void)fprintf(cli->out, "%s\n", json_string_value(json_object_get(a->json, "detail")));
		return PT_EXIT_NO;
	}
	r = pt_print_json(cli,
			  json_pack("{s:n, s:O, s:O, s:O}", "claim", "hosts", json_object_get(a->json, "hosts"),
				    "ahead", json_object_get(a->json, "ahead"), "limit",
				    json_object_get(a->json, "limit")),
			  err);
	return r < 0 ? r : PT_EXIT_NO;
}

static int run_claim(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	char made[PT_CLAIM_ID_LENGTH + 1];
	const char *id = pt_cli_value(cli, "id");
	json_t *body;
	int r;

	if (pt_cli_flag(cli, "wait"))
		return pt_usage(err, -EINVAL,
				"--wait is not for --connect: a waiter's place in the queue is kept by itself");
	if (!pt_cli_value(cli, "for"))
		return pt_usage(err, -EINVAL, "passthru claim: --for NAME is missing: who gets the devices?");
	r = id ? 0 : pt_claim_id_make(made, err);
	if (r < 0)
		return r;
	body = claim_body(cli, id ? id : made);
	r = pt_client_ask(&m->config, &(struct pt_client_ask){ "POST", "/v1/claims", "application/json", NULL, body },
			  &a, err);
	json_decref(body);
	if (r == -ETIMEDOUT)
		pt_hint(err, "nobody knows whether it was claimed: the same command with --id %s goes on",
			id ? id : made);
	if (r < 0)
		return r;
	if (a.status == 409 && json_is_array(json_object_get(a.json, "hosts")))
		return print_no(cli, &a, err);
	return a.status >= 400 ? pt_client_problem(&a, m->config.url, err) : print_claim(cli, &a, err);
}

/* 1 it has ended, 0 its host's agent has it; what it was goes into @list */
static int release_once(const struct remote *m, const char *id, json_t *released, json_t *releasing,
			struct pt_error *err)
{
	PT_AUTO(pt_client_answer) a = { 0 };
	PT_AUTO(pt_buf) path = { 0 };
	struct pt_client_ask ask = { "DELETE", NULL, "application/json", "*", NULL };
	int r;

	pt_buf_add(&path, "/v1/claims/");
	pt_client_add(&path, id);
	ask.path = path.s;
	r = pt_client_ask(&m->config, &ask, &a, err);
	if (r < 0 || a.status >= 400)
		return r < 0 ? r : pt_client_problem(&a, m->config.url, err);
	if (a.status == 202 && releasing)
		(void)json_array_extend(releasing, json_object_get(a.json, "releasing"));
	(void)json_array_extend(released, json_object_get(a.json, "released"));
	return a.status != 202;
}

static int release_one(struct pt_cli *cli, const struct remote *m, const char *id, long wait_s, json_t *released,
		       json_t *releasing, struct pt_error *err)
{
	long long until = pt_watch_now_ms() + wait_s * 1000;
	const struct timespec pause = { .tv_sec = 1 };
	int r = release_once(m, id, released, NULL, err);

	while (r == 0 && pt_watch_now_ms() < until) {
		(void)nanosleep(&pause, NULL);
		r = release_once(m, id, released, NULL, err);
	}
	return r != 0 ? (r < 0 ? r : 0) : release_once(m, id, released, releasing, err);
}

static void print_released(FILE *to, const json_t *list, const char *format)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *const keys[] = { "id", "asked", "for", "host" };
		const char *v[4];

		for (size_t k = 0; k < 4; k++)
			v[k] = json_string_value(json_object_get(c, keys[k]));
		(void)fprintf(to, "%s %s: %s for %s on %s\n", format, v[0], v[1], v[2], v[3]);
	}
}

static int run_release(struct pt_cli *cli, const struct remote *m, struct pt_error *err)
{
	json_t *released = json_array();
	json_t *releasing = json_array();
	long wait_s = WAIT_S;
	bool marked;
	int r = pt_cli_number(cli, "wait", 0, 86400, WAIT_S, &wait_s, err);

	if (pt_cli_flag(cli, "no-wait"))
		wait_s = 0;
	for (int i = 0; r >= 0 && i < cli->n_operands; i++) {
		if (!pt_claim_id_valid(cli->operands[i]))
			r = pt_usage(err, -EINVAL, "'%.60s' is no claim: a device is given back on its own host",
				     cli->operands[i]);
		else
			r = release_one(cli, m, cli->operands[i], wait_s, released, releasing, err);
	}
	marked = json_array_size(releasing) > 0;
	if (r < 0 || !cli->json)
		print_released(r < 0 ? cli->diag : cli->out, released, "released");
	print_released(cli->diag, releasing, "to be released, its host's agent has the devices:");
	if (r >= 0 && cli->json)
		r = pt_print_json(cli,
				  marked ? json_pack("{s:O, s:O}", "released", released, "releasing", releasing)
					 : json_pack("{s:O}", "released", released),
				  err);
	json_decref(released);
	json_decref(releasing);
	if (r < 0)
		return r;
	return marked && !pt_cli_flag(cli, "no-wait") ? PT_EXIT_FAILED : PT_EXIT_DONE;
}

static const struct {
	const char *name;
	const char *options; /* of the command's own; blanks around each */
	int (*run)(struct pt_cli *cli, const struct remote *m, struct pt_error *err);
} commands[] = {
	{ "list", "", run_list },
	{ "show", "", run_show },
	{ "tree", "", run_plain },
	{ "facts", "", run_plain },
	{ "providers", " config ", run_plain },
	{ "history", "", run_history },
	{ "claims", " for host config ", run_claims },
	{ "claim", " for host id policy numa spread project config wait ", run_claim },
	{ "release", " no-wait wait config ", run_release },
	{ "fleet", " host class free claimed policy numa spread fenced config ", run_fleet },
};

static int check_options(const struct pt_cli *cli, const char *options, struct pt_error *err)
{
	for (const struct pt_option *o = cli->command->options; o && o->name; o++) {
		pt_autofree char *word = pt_strf(" %s ", o->name);

		if (pt_cli_flag(cli, o->name) && !strstr(options, word))
			return pt_usage(err, -EINVAL, "passthru %s --%s: not with --connect", cli->command->name,
					o->name);
	}
	if (pt_cli_flag(cli, "sysroot") || cli->verbose)
		return pt_usage(err, -EINVAL, "--%s: not with --connect %s", cli->verbose ? "verbose" : "sysroot",
				cli->uri);
	return 0;
}

int pt_remote_run(struct pt_cli *cli, struct pt_error *err)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		PT_CLEANUP(remote_done) struct remote m = { 0 };
		int r;

		if (strcmp(commands[i].name, cli->command->name) != 0)
			continue;
		r = check_options(cli, commands[i].options, err);
		r = r < 0 ? r : configure(cli, &m, err);
		return r < 0 ? r : commands[i].run(cli, &m, err);
	}
	return pt_usage(err, -EINVAL,
			"passthru %s works on this host alone; with --connect %s there are list, show, tree, facts, "
			"providers, history, claim, claims, release and fleet",
			cli->command->name, cli->uri);
}
