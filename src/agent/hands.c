/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This host's own.  A change is made by `passthru` in a process of its own: it looks and decides by the same rules as
 * for a person, has the engine, the journal and the lock, and takes back what it made when it is told to stop.  A write
 * that hangs, or a libvirt that does, is then that process's trouble: the agent goes on keeping its lease.
 */
#include "agent/hands.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "agent/parts.h"
#include "agent/vms.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "host/inventory.h"
#include "host/sriov-kept.h"

/* a guest's shutdown, its start and its proof: the program's own limits come first */
#define CHANGE_MS    1800000u
#define PROVE_S	     "90"
#define EXIT_NO	     3
#define EXIT_CUT_OFF 4

struct pt_own_hands {
	const struct pt_own_config *config;
	struct pt_program program;
	struct pt_program lister;
};

static int own_facts(void *ctx, struct pt_inv_host *ret, struct pt_error *err)
{
	const struct pt_own_hands *h = ctx;
	PT_AUTO(pt_inv_host) host = { 0 };
	int r = pt_inventory_read(h->config->root, &host, err);

	/* without the right to read it there are no changes of ours, either: who looks only */
	if (r == 0)
		r = pt_agent_mark_busy(h->config->journal, &host, err);
	if (r < 0 && r != -EACCES && r != -EPERM)
		return r;
	*ret = pt_take(host);
	return r > 0;
}

/* a no that is about this moment, not about what was asked */
static int code_of(int status, const char *refusal)
{
	static const char *const passing[] = {
		"autostart-changed",  "change-meanwhile", "change-open",      "definition-changed",
		"driver-changed",     "link-changed",	  "override-changed", "vfs-changed",
		"vm-devices-changed", "vm-off",		  "vm-state-changed"
	};

	if (status == EXIT_CUT_OFF || status >= 128 || pt_streq(refusal, "change-unsettled") ||
	    pt_streq(refusal, "write-hangs"))
		return -EINTR;
	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (pt_streq(refusal, passing[i]))
			return -EAGAIN;
	return status == EXIT_NO ? -EPERM : -EIO;
}

/* the last line that the program said on its standard error begins with its name */
static void take_last_words(char *said, int status, struct pt_error *err, int code)
{
	static const char *const names[] = { "passthru: ", "passthrud: " };
	char *at = said;

	for (int i = 0; i < 2; i++)
		for (char *next = strstr(said, names[i]); next; next = strstr(next + 1, names[i]))
			at = next + strlen(names[i]);
	at[strcspn(at, "\n")] = '\0';
	pt_text_clean(at);
	(void)pt_say(err, code, "%s", *at ? at : "it said nothing");
	if (!*at)
		(void)pt_say(err, code, "passthru ended with status %d and said nothing", status);
}

/* {"error": {"message", "hint"?, "refusal"?}}, else what it said on its standard error */
static int failure(int status, const char *out, char *said, struct pt_error *err)
{
	json_t *o = json_loads(out, 0, NULL);
	const json_t *error = json_object_get(o, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	int code = code_of(status, json_string_value(json_object_get(error, "refusal")));

	if (message)
		(void)pt_say(err, code, "%s", message);
	else
		take_last_words(said, status, err, code);
	json_decref(o);
	return code;
}

/* the first of the warnings and of the proofs that did not come */
static void read_report(const json_t *o, struct pt_agent_done *ret)
{
	const json_t *proof = json_object_get(o, "proof");
	const char *told = json_string_value(json_array_get(json_object_get(o, "warnings"), 0));

	ret->change = json_integer_value(json_object_get(o, "change"));
	ret->proved = json_array_size(proof) > 0;
	for (size_t i = 0; i < json_array_size(proof); i++) {
		const json_t *f = json_array_get(proof, i);

		if (!pt_streq(json_string_value(json_object_get(f, "verdict")), "fail"))
			continue;
		ret->proved = false;
		if (!told)
			told = json_string_value(json_object_get(f, "fact"));
	}
	ret->told = pt_strdup_opt(told);
}

/* a child asks: one that hangs with libvirt is killed, and the next round is not before the last one's child has gone
 */
static int own_vms(void *ctx, struct pt_domains *ret, struct pt_error *err)
{
	struct pt_own_hands *h = ctx;
	const char *const argv[] = { h->config->lister, PT_OWN_LIST, h->config->uri ? "--connect" : NULL,
				     h->config->uri, NULL };
	pt_autofree char *out = NULL;
	pt_autofree char *said = NULL;
	int status = pt_program_run(&h->lister, argv, h->config->vms_ms, &out, &said, err);

	if (status == -ETIMEDOUT)
		return pt_say(err, status, "libvirt does not answer within %u seconds: see `systemctl status libvirtd`",
			      h->config->vms_ms / 1000);
	if (status < 0)
		return status;
	if (status == 0)
		return pt_vms_read(out, ret, err);
	take_last_words(said, status, err, -ENOTCONN);
	return -ENOTCONN;
}

/* @words: of the command line, NULL where one is not wanted.  Its exit status, and what it said */
static int call(struct pt_own_hands *h, const char *const *words, size_t n_words, const struct pt_agent_wish *wish,
		char **out, char **said, struct pt_error *err)
{
	size_t n_devices = wish ? wish->n : 0;
	pt_autofree const char **argv = pt_alloc((n_words + n_devices + 5) * sizeof(*argv));
	struct pt_bdf_text *names = pt_alloc((n_devices + 1) * sizeof(*names));
	size_t n = 0;
	int status;

	argv[n++] = h->config->passthru;
	if (h->config->uri) {
		argv[n++] = "--connect";
		argv[n++] = h->config->uri;
	}
	for (size_t i = 0; i < n_words; i++)
		if (words[i])
			argv[n++] = words[i];
	for (size_t i = 0; i < n_devices; i++) {
		names[i] = pt_bdf_str(wish->devices[i]);
		argv[n++] = names[i].s;
	}
	status = pt_program_run(&h->program, argv, CHANGE_MS, out, said, err);
	free(names);
	return status == -ECANCELED ? -EINTR : status;
}

static int run(struct pt_own_hands *h, const char *const *words, size_t n_words, const struct pt_agent_wish *wish,
	       struct pt_agent_done *ret, struct pt_error *err)
{
	pt_autofree char *out = NULL;
	pt_autofree char *said = NULL;
	int status = call(h, words, n_words, wish, &out, &said, err);
	json_t *o;
	int r = 0;

	if (status < 0)
		return status;
	o = json_loads(out, 0, NULL);
	/* made, and not all of it proved: the report says so, and the change stands */
	if (status == 0 || (status == EXIT_NO && json_is_true(json_object_get(o, "made"))))
		read_report(o, ret);
	else
		r = failure(status, out, said, err);
	json_decref(o);
	return r;
}

static int own_recover(void *ctx, struct pt_error *err)
{
	static const char *const words[] = { "recover", "--json" };
	struct pt_agent_done done = { 0 };
	int r = run(ctx, words, 2, NULL, &done, err);

	pt_agent_done_done(&done);
	return r;
}

/* how it went with each card: {"sriov": [{"kept", "state", "text"}]}; 1 some have theirs now that had not */
static int read_made(const json_t *report, bool all, struct pt_agent_lacks *missed)
{
	const json_t *list = json_object_get(report, "sriov");
	int made = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *text = json_string_value(json_object_get(o, "text"));
		const char *state = json_string_value(json_object_get(o, "state"));
		const char *kept = json_string_value(json_object_get(o, "kept"));
		struct pt_agent_lack one = { 0 };

		made = made || pt_streq(state, "made");
		/* one of those that were made may lack something else: which one the text tells */
		if (all || !text || !kept || pt_bdf_parse(kept, &one.pf) < 0)
			continue;
		one.why = pt_strdup(text);
		pt_text_clean(one.why);
		pt_array_push(missed, one);
	}
	return made;
}

/*
 * The boot's unit does this before libvirt starts; where it is not enabled, or was too early for the driver, we do.
 * What is missing is that program's to know; where nothing is kept it is not asked.
 */
static int own_prepare(void *ctx, struct pt_agent_lacks *ret_missed, struct pt_error *err)
{
	static const char *const words[] = { "boot", "--json", "--missing-vfs" };
	struct pt_own_hands *h = ctx;
	PT_AUTO(pt_sriov_states) kept = { 0 };
	PT_AUTO(pt_strv) bad = { 0 };
	pt_autofree char *out = NULL;
	pt_autofree char *said = NULL;
	json_t *report;
	int status;
	int r = pt_sriov_kept_list(h->config->root, &kept, &bad, err);

	if (r < 0 || kept.n + bad.n == 0)
		return r;
	status = call(h, words, 3, NULL, &out, &said, err);
	if (status < 0)
		return status;
	report = json_loads(out, 0, NULL);
	r = read_made(report, status == 0, ret_missed);
	if (status != 0 && (!ret_missed->n || json_object_get(report, "error")))
		r = failure(status, out, said, err);
	json_decref(report);
	return r;
}

static int own_keep(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	static const char *const words[] = { "reserve", "--json", "--yes" };

	return run(ctx, words, 3, w, ret, err);
}

/* managed='no' whatever it is: what was claimed stays off the host until it was reset */
static int own_attach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	const char *const words[] = { "attach",	   "--json",	"--yes",
				      "--managed", "no",	"--prove-timeout",
				      PROVE_S,	   "--no-stop", w->network ? "--network" : NULL,
				      w->network,  w->vm };

	return run(ctx, words, sizeof(words) / sizeof(*words), w, ret, err);
}

static int own_detach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	const char *const words[] = { "detach", "--json", "--yes", "--reset", "--no-stop", w->vm };

	return run(ctx, words, sizeof(words) / sizeof(*words), w, ret, err);
}

static int own_give_back(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	static const char *const words[] = { "release", "--json", "--yes", "--reset" };

	return run(ctx, words, 4, w, ret, err);
}

static void own_stop(void *ctx)
{
	struct pt_own_hands *h = ctx;

	pt_program_stop(&h->program);
	pt_program_stop(&h->lister);
}

static void own_meanwhile(void *ctx, const struct pt_meanwhile *meanwhile)
{
	struct pt_own_hands *h = ctx;

	h->program.meanwhile = *meanwhile;
	h->lister.meanwhile = *meanwhile;
}

struct pt_own_hands *pt_own_hands_new(const struct pt_own_config *config, struct pt_agent_hands *ret)
{
	struct pt_own_hands *h = pt_alloc(sizeof(*h));

	h->config = config;
	pt_program_init(&h->program);
	pt_program_init(&h->lister);
	h->lister.looks = true;
	*ret = (struct pt_agent_hands){
		.ctx = h,
		.facts = own_facts,
		.vms = own_vms,
		.recover = own_recover,
		.prepare = own_prepare,
		.keep = own_keep,
		.attach = own_attach,
		.detach = own_detach,
		.give_back = own_give_back,
		.stop = own_stop,
		.meanwhile = own_meanwhile,
	};
	return h;
}

void pt_own_hands_free(struct pt_own_hands *h)
{
	if (!h)
		return;
	pt_program_done(&h->program);
	pt_program_done(&h->lister);
	free(h);
}
