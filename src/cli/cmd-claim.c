/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/requesting.h"
#include "fleet/queue.h"
#include "shape/claim.h"

static const struct pt_option options[] = {
	{ "for", 0, "NAME", "who gets them: a VM's name, or any other", false },
	{ "host", 0, "HOST", "only there", false },
	{ "id", 0, "CLAIM", "the claim's id, made by an earlier call whose end was not seen", false },
	{ "project", 0, "PROJECT", "whose limits apply: see `passthru fleet limit`", false },
	{ "wait", 0, "[SECONDS]", "in a queue with others until it fits; without SECONDS as long as it takes", false },
	PT_REQUESTING_OPTIONS,
	PT_STORING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

/* a name is shown, stored and one day looked up: one line of text, of bounded length */
static int check_holder(const char *name, struct pt_error *err)
{
	if (!name || !*name)
		return pt_usage(err, -EINVAL, "passthru claim: --for NAME is missing: who gets the devices?");
	if (strlen(name) > 255)
		return pt_usage(err, -EINVAL, "--for: a name of %zu bytes; 255 are allowed", strlen(name));
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return pt_usage(err, -EINVAL, "--for: the name holds a control character");
	return 0;
}

static int print_no(struct pt_cli *cli, const struct pt_fleet_answers *l, const struct pt_request *request,
		    struct pt_error *err)
{
	int r;

	if (cli->json) {
		r = pt_print_json(cli,
				  json_pack("{s:n, s:o, s:I, s:s?}", "claim", "hosts",
					    pt_requesting_json(l, request, false), "ahead", (json_int_t)l->ahead,
					    "limit", l->quota),
				  err);
		return r < 0 ? r : PT_EXIT_NO;
	}
	if (l->quota)
		(void)fprintf(cli->out, "%s\n", l->quota);
	else if (l->ahead)
		(void)fprintf(cli->out,
			      "it would fit, but for %zu earlier request%s that wait%s for what it would take; --wait "
			      "goes behind\n",
			      l->ahead, l->ahead == 1 ? "" : "s", l->ahead == 1 ? "s" : "");
	else
		pt_requesting_print(cli, l);
	return PT_EXIT_NO;
}

/* signals that end the waiting are kept back meanwhile, and looked for here */
static void ending_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
}

static bool was_interrupted(void *user)
{
	sigset_t ending;
	sigset_t pending;

	(void)user;
	ending_signals(&ending);
	if (sigpending(&pending) < 0)
		return false;
	return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
	       sigismember(&pending, SIGHUP) == 1;
}

static void tell_ahead(void *user, size_t ahead)
{
	struct pt_cli *cli = user;

	if (ahead)
		pt_cli_progress(cli, "waiting: %zu earlier request%s", ahead, ahead == 1 ? "" : "s");
	else
		pt_cli_progress(cli, "waiting: first in the queue");
}

static int claim_waiting(struct pt_cli *cli, struct pt_fleet *fleet, const struct pt_claim_ask *ask,
			 struct pt_claim *made, struct pt_fleet_answers *answers, struct pt_error *err)
{
	struct pt_queue_wait wait = { .stop = was_interrupted, .tell = tell_ahead, .user = cli };
	const struct timespec now = { 0 };
	long seconds = -1;
	sigset_t ending;
	sigset_t before;
	int r = 0;

	if (pt_cli_value(cli, "wait"))
		r = pt_cli_number(cli, "wait", 0, 10000000, 0, &seconds, err);
	if (r < 0)
		return r;
	wait.timeout_ms = seconds < 0 ? -1 : seconds * 1000LL;
	ending_signals(&ending);
	(void)sigprocmask(SIG_BLOCK, &ending, &before);
	r = PT_WATCHED(&cli->watch, PT_WATCH_OTHERS, pt_queue_claim(fleet, ask, &wait, made, answers, err));
	pt_cli_progress_end(cli);
	/* that it came is the answer already */
	while (sigtimedwait(&ending, NULL, &now) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (r == -EINTR)
		err->kind = PT_ERROR_INTERRUPTED;
	return r;
}

static int claim(struct pt_cli *cli, const char *id, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_request) request = { 0 };
	PT_AUTO(pt_claim) made = { 0 };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	struct pt_claim_ask ask = { .id = id,
				    .holder = pt_cli_value(cli, "for"),
				    .project = pt_cli_value(cli, "project") };
	int r = pt_requesting_read(cli, cli->operands[0], &request, &ask, err);

	r = r < 0 ? r : pt_storing_open(cli, &s, err);
	r = r < 0 ? r : pt_fleet_load(s.store, &s.config, &fleet, err);
	r = r < 0 ? r : pt_requesting_check_host(&fleet, ask.host, err);
	if (r == 0)
		r = pt_cli_flag(cli, "wait") ? claim_waiting(cli, &fleet, &ask, &made, &answers, err)
					     : pt_fleet_claim(&fleet, &ask, &made, &answers, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s.hints.n; i++)
		(void)fprintf(cli->diag, "passthru: %s\n", s.hints.v[i]);
	if (r == 0)
		return print_no(cli, &answers, &request, err);
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:o}", "claim", pt_claim_json(&made)), err);
	pt_storing_print_claim(cli, &made);
	return PT_EXIT_DONE;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	char made[PT_CLAIM_ID_LENGTH + 1];
	const char *id = pt_cli_value(cli, "id");
	int r = check_holder(pt_cli_value(cli, "for"), err);

	if (r == 0 && !id) {
		r = pt_claim_id_make(made, err);
		id = made;
	}
	return r < 0 ? r : claim(cli, id, err);
}

const struct pt_command pt_command_claim = {
	.name = "claim",
	.args = "ALIAS[:COUNT][,…] | network=NAME",
	.group = "Fleet",
	.summary = "Claim devices of some host of the fleet, so that nobody else gets them",
	.description = "The host is chosen as `passthru place` does, among those that `passthru fleet publish` has put "
		       "into the\n"
		       "store; what each offers is its own device_spec's to say. The claim is written in one "
		       "transaction that\n"
		       "compares what the decision saw; what it asks of the host is done by that host's passthrud: "
		       "bind, and attach\n"
		       "where --for names a VM of it.\n\n"
		       "network=NAME is one virtual function, put into the network that its host knows by that name.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
