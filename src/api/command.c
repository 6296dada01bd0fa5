/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers that look at this host: what `passthru` itself says, for a program or for a person. */
#include <errno.h>
#include <stdlib.h>

#include "api/child.h"
#include "api/parts.h"
#include "base/cleanup.h"
#include "base/root.h"
#include "host/inventory.h"
#include "shape/fields.h"

#define WORDS_MAX   64
#define DEVICES_MAX 32

/* its words; those that were made for it are in @own */
struct line {
	const char *v[WORDS_MAX + 1];
	size_t n;
	struct pt_strv own;
};

static void line_done(struct line *l)
{
	pt_strv_done(&l->own);
}

static void put(struct line *l, const char *word)
{
	if (l->n < WORDS_MAX)
		l->v[l->n++] = word;
}

static void put_own(struct line *l, char *word)
{
	pt_strv_take(&l->own, word);
	put(l, word);
}

static void begin_line(struct line *l, const struct pt_call *c, const char *command, bool json)
{
	const struct pt_api_setup *s = &c->api->setup;

	put(l, s->program);
	put_own(l, pt_strndup(command, strcspn(command, " ")));
	if (json)
		put(l, "--json");
	if (s->sysroot)
		put_own(l, pt_strf("--sysroot=%s", s->sysroot));
}

/* operands come from outside: behind "--" none of them is an option */
static void put_template(struct line *l, const struct pt_call *c)
{
	pt_autofree char *text = pt_strdup(c->route->command);
	const char *const *files = c->api->setup.config_files;
	bool operands = false;
	char *save = NULL;

	(void)strtok_r(text, " ", &save);
	for (char *word; (word = strtok_r(NULL, " ", &save));) {
		const char *value = *word == '?' ? pt_call_query(c, word + 1, 0) : NULL;

		if ((*word == '{' || *word == '*') && !operands) {
			operands = true;
			put(l, "--");
		}
		if (*word == '{')
			put(l, c->args[word[1] - '0']);
		else if (*word == '&')
			for (size_t i = 0; files && files[i]; i++)
				put_own(l, pt_strf("--config=%s", files[i]));
		else if (*word == '*')
			for (size_t i = 0; (value = pt_call_query(c, word + 1, i)); i++)
				put(l, value);
		else if (*word != '?')
			put_own(l, pt_strdup(word));
		else if (value)
			put_own(l, *value ? pt_strf("--%s=%s", word + 1, value) : pt_strf("--%s", word + 1));
	}
}

static void take_text(const json_t *o, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (text)
		(void)snprintf(to, size, "%s", text);
}

/* {"error": …} as the CLI prints it; false: it is no such document */
static bool reply_error(struct pt_call *c, const char *text)
{
	static const char *const kinds[] = { "failed", "usage", "refused", "interrupted" };
	json_t *o = json_loads(text, 0, NULL);
	const json_t *said = json_object_get(o, "error");
	struct pt_error err = { .code = -EIO };
	char kind[16] = "";
	json_t *more = NULL;

	take_text(said, "kind", kind, sizeof(kind));
	take_text(said, "message", err.msg, sizeof(err.msg));
	take_text(said, "hint", err.hint, sizeof(err.hint));
	take_text(said, "refusal", err.refusal, sizeof(err.refusal));
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(kind, kinds[i]) == 0)
			err.kind = (enum pt_error_kind)i;
	if (json_object_get(o, "findings"))
		more = json_pack("{s:O}", "findings", json_object_get(o, "findings"));
	json_decref(o);
	if (!err.msg[0]) {
		json_decref(more);
		return false;
	}
	/* what the path names is not there */
	if (err.kind == PT_ERROR_USAGE)
		err.code = c->args[0] || strcmp(c->route->path, "/v1/plans") == 0 ? -ENOENT : -EINVAL;
	pt_reply_problem(c, 0, &err, more);
	return true;
}

static bool is_error(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	bool is = !o || json_object_get(o, "error");

	json_decref(o);
	return is;
}

/* run it; an answer for people that failed is asked for again, since only the other form tells everything */
static void run(struct pt_call *c, const struct line *l, const struct line *json)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf out = { 0 };
	struct pt_error err = { 0 };
	int r = pt_child_run(l->v, PT_CHILD_MS, &c->api->stop, &out, &err);
	size_t size = out.n;

	if (r < 0) {
		pt_reply_error(c, 0, &err);
		return;
	}
	/* a check that says no has an answer all the same */
	if (r == 0 || (r == 3 && size && (c->text || !is_error(out.s)))) {
		pt_reply_text(c, pt_buf_take(&out), size);
		if (!c->text)
			c->reply.type = "application/json";
		c->reply.exit_status = r;
		return;
	}
	if (c->text && l != json) {
		run(c, json, json);
		return;
	}
	if (reply_error(c, out.s ? out.s : ""))
		return;
	(void)pt_say(&err, -EIO, "`passthru %s` failed with status %d", l->v[1], r);
	pt_reply_error(c, 500, &err);
}

void pt_get_command(struct pt_call *c)
{
	PT_CLEANUP(line_done) struct line line = { 0 };
	PT_CLEANUP(line_done) struct line json = { 0 };

	begin_line(&line, c, c->route->command, !c->text);
	put_template(&line, c);
	begin_line(&json, c, c->route->command, true);
	put_template(&json, c);
	run(c, &line, &json);
}

void pt_call_handle(struct pt_call *c)
{
	if (c->text && c->route->command)
		pt_get_command(c);
	else
		c->route->handler(c);
}

/* a plan's question */
struct wish {
	char *verb;
	char *vm;
	char *network;
	bool live;
	struct pt_bdf devices[DEVICES_MAX];
	size_t n;
};

static void wish_done(struct wish *w)
{
	free(w->verb);
	free(w->vm);
	free(w->network);
}

static int read_devices(const json_t *list, struct wish *w, struct pt_error *err)
{
	w->n = json_array_size(list);
	if (w->n == 0 || w->n > DEVICES_MAX)
		return pt_usage(err, -EINVAL, "devices: 1 to %d are expected, not %zu", DEVICES_MAX, w->n);
	for (size_t i = 0; i < w->n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		/* an address and nothing else: over the API no other name is looked up on this host */
		if (!text || pt_bdf_parse(text, &w->devices[i]) < 0)
			return pt_usage(err, -EINVAL, "devices[%zu]: '%.40s' is no PCI address", i, text ? text : "");
	}
	return 0;
}

static int read_wish(const json_t *o, struct wish *w, struct pt_error *err)
{
	static const char *const keys[] = { "verb", "vm", "devices", "network", "live", NULL };
	static const char *const verbs[] = { "attach", "detach", "reserve", "release" };
	const json_t *devices = NULL;
	bool known = false;
	int r = pt_field_only(o, "plan", keys, err);

	r = r < 0 ? r : pt_field_string(o, "plan", "verb", &w->verb, err);
	r = r < 0 ? r : pt_field_string(o, "plan", "vm", &w->vm, err);
	r = r < 0 ? r : pt_field_string(o, "plan", "network", &w->network, err);
	r = r < 0 ? r : pt_field_bool(o, "plan", "live", &w->live, err);
	r = r < 0 ? r : pt_field_list(o, "plan", "devices", &devices, err);
	r = r < 0 ? r : read_devices(devices, w, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 4; i++)
		known = known || pt_streq(w->verb, verbs[i]);
	if (!known)
		return pt_usage(err, -EINVAL, "verb: it is attach, detach, reserve or release");
	if ((w->verb[1] == 't' || w->verb[0] == 'd') != (w->vm != NULL))
		return pt_usage(err, -EINVAL, "vm: %s %s one", w->verb, w->vm ? "has not" : "needs");
	return 0;
}

/* what this host's own device_spec offers, and nothing else: root at the host itself may name any device */
static int check_offered(const struct pt_call *c, const struct wish *w, struct pt_error *err)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_inv_host) host = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	int r = pt_root_open(c->api->setup.sysroot, &root, err);

	r = r < 0 ? r : pt_inventory_read(&root, &host, err);
	r = r < 0 ? r : pt_rules_compile(c->api->setup.pci, &rules, NULL, err);
	r = r < 0 ? r : pt_view_make(&rules, &host, &view, err);
	for (size_t i = 0; i < w->n && r == 0; i++) {
		int64_t at = pt_inv_host_find(&host, w->devices[i]);

		if (at < 0)
			r = pt_usage(err, -ENODEV, "there is no device %s here", pt_bdf_str(w->devices[i]).s);
		else if (view.spec[at] < 0)
			r = pt_refuse(err, "claim-not-offered", "%s is not among what this host's device_spec offers",
				      pt_bdf_str(w->devices[i]).s);
	}
	return r;
}

static void put_wish(struct line *l, const struct wish *w)
{
	put(l, "--dry-run");
	put(l, "--yes");
	if (w->live)
		put(l, "--live");
	if (w->network)
		put_own(l, pt_strf("--network=%s", w->network));
	put(l, "--");
	if (w->vm)
		put(l, w->vm);
	for (size_t i = 0; i < w->n; i++)
		put_own(l, pt_strdup(pt_bdf_str(w->devices[i]).s));
}

void pt_post_plan(struct pt_call *c)
{
	PT_CLEANUP(wish_done) struct wish w = { 0 };
	PT_CLEANUP(line_done) struct line line = { 0 };
	PT_CLEANUP(line_done) struct line json = { 0 };
	struct pt_error err = { 0 };
	int r = read_wish(c->json, &w, &err);

	if (r < 0) {
		pt_reply_error(c, 400, &err);
		return;
	}
	r = check_offered(c, &w, &err);
	if (r < 0) {
		pt_reply_error(c, err.kind == PT_ERROR_REFUSED ? 403 : 0, &err);
		return;
	}
	begin_line(&line, c, w.verb, !c->text);
	put_wish(&line, &w);
	begin_line(&json, c, w.verb, true);
	put_wish(&json, &w);
	run(c, &line, &json);
}
