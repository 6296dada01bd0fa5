/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storing.h"

#include <errno.h>

#include "base/cleanup.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "fleet/agent.h"
#include "shape/claim.h"

int pt_storing_open(const struct pt_cli *cli, struct pt_storing *ret, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	const char *files[64];
	size_t n = 0;
	int r;

	while (n < 64 && (files[n] = pt_cli_value_at(cli, "config", n)))
		n++;
	r = pt_placeable_store(cli, files, n, &s.where, err);
	r = r < 0 ? r : pt_placeable_config(cli, files, n, &s.config, &s.hints, err);
	r = r < 0 ? r : pt_store_open(&s.where, &s.store, err);
	if (r < 0)
		return r;
	*ret = pt_take(s);
	return 0;
}

void pt_storing_done(struct pt_storing *s)
{
	pt_store_close(s->store);
	pt_store_config_done(&s->where);
	pt_pci_config_done(&s->config);
	pt_strv_done(&s->hints);
	*s = (struct pt_storing){ 0 };
}

void pt_storing_print_claim(const struct pt_cli *cli, const struct pt_claim *c)
{
	(void)fprintf(cli->out, "%s  %s for %s on %s\n", pt_cli_bold(cli, c->id), c->asked, c->holder, c->host);
	for (size_t i = 0; i < c->devices.n; i++)
		(void)fprintf(cli->out, "  %s  %s\n", pt_bdf_str(c->devices.v[i].bdf).s,
			      c->devices.v[i].alias ? c->devices.v[i].alias : "");
}

json_t *pt_storing_claims_json(const struct pt_claim *claims, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, pt_claim_json(&claims[i]));
	return list;
}

#define WAIT_S 300

/* what became of the operands, in their order */
struct ended {
	struct pt_claims_list released;
	struct pt_claims_list marked;
	PT_ARRAY(struct pt_ack) words;
};

static void ended_done(struct ended *e)
{
	pt_claims_list_done(&e->released);
	pt_claims_list_done(&e->marked);
	for (size_t i = 0; i < e->words.n; i++)
		pt_ack_done(&e->words.v[i]);
	free(e->words.v);
}

/* its host's agent has it, and gives it back */
static int wait_for_agent(struct pt_cli *cli, struct pt_store *store, struct pt_claim *c, long wait_s, struct ended *e,
			  struct pt_error *err)
{
	struct pt_ack ack = { 0 };
	int r = 0;

	if (!pt_cli_flag(cli, "no-wait")) {
		if (!cli->json)
			pt_cli_progress(cli, "waiting for the agent of %s to give back %s, at most %ld seconds",
					c->host, c->id, wait_s);
		r = pt_fleet_release_wait(store, c, (unsigned)wait_s * 1000, &ack, err);
		pt_cli_progress_end(cli);
	}
	if (r == 0) {
		/* its last word, and nothing where there is none */
		pt_ack_done(&ack);
		ack = (struct pt_ack){ 0 };
		r = pt_fleet_ack(store, c->host, c->id, &ack, NULL, err);
		r = r < 0 ? r : 0;
	}
	if (r == 1) {
		pt_array_push(&e->released, pt_take(*c));
		pt_ack_done(&ack);
	} else if (r == 0) {
		pt_array_push(&e->marked, pt_take(*c));
		pt_array_push(&e->words, ack);
	} else {
		pt_ack_done(&ack);
	}
	return r < 0 ? r : 0;
}

/* "no" is said when it is certain: one that was sent and lands in between is released */
static int release_one(struct pt_store *store, const char *id, struct pt_claim *c, struct pt_error *err)
{
	int r = pt_fleet_release(store, id, c, err);
	int never = r == 0 ? pt_fleet_release_unborn(store, id, err) : 1;

	if (never == 0)
		r = pt_fleet_release(store, id, c, err);
	return never < 0 ? never : r;
}

/* one after the other: those before stay released when one fails, and are told */
static int release_all(struct pt_cli *cli, struct pt_store *store, struct ended *e, struct pt_error *err)
{
	long wait_s = WAIT_S;
	int r = pt_cli_number(cli, "wait", 0, 86400, WAIT_S, &wait_s, err);

	for (int i = 0; r == 0 && i < cli->n_operands; i++) {
		PT_AUTO(pt_claim) c = { 0 };

		r = release_one(store, cli->operands[i], &c, err);
		if (r == 0) {
			r = pt_usage(err, -ENOENT, "there is no claim %s", cli->operands[i]);
			pt_hint(err, "`passthru claims` lists them");
		} else if (r == PT_RELEASE_MARKED) {
			r = wait_for_agent(cli, store, &c, wait_s, e, err);
		} else if (r == 1) {
			pt_array_push(&e->released, pt_take(c));
			r = 0;
		}
	}
	return r;
}

static void print_marked(const struct pt_cli *cli, struct pt_store *store, const struct ended *e)
{
	for (size_t i = 0; i < e->marked.n; i++) {
		const struct pt_claim *c = &e->marked.v[i];
		const struct pt_ack *ack = &e->words.v[i];
		int alive = pt_fleet_alive(store, c->host, NULL, NULL);

		(void)fprintf(cli->diag, "%s is to be released: the agent of %s has its devices (%s%s%s)%s\n", c->id,
			      c->host, ack->id[0] ? pt_ack_state_str(ack->state) : "it says nothing of it",
			      ack->reason ? ": " : "", ack->reason ? ack->reason : "",
			      alive == 0 ? ", and does not run: it gives them back when it does again" : "");
	}
}

static json_t *ended_json(const struct ended *e)
{
	json_t *o = json_pack("{s:o}", "released", pt_storing_claims_json(e->released.v, e->released.n));

	if (e->marked.n)
		(void)json_object_set_new(o, "releasing", pt_storing_claims_json(e->marked.v, e->marked.n));
	return o;
}

int pt_storing_release(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(ended) e = { 0 };
	int r = pt_storing_open(cli, &s, err);

	r = r < 0 ? r : release_all(cli, s.store, &e, err);
	for (size_t i = 0; i < e.released.n && (r < 0 || !cli->json); i++) {
		FILE *to = r < 0 ? cli->diag : cli->out;
		const struct pt_claim *c = &e.released.v[i];

		(void)fprintf(to, "released %s: %s for %s on %s\n", c->id, c->asked, c->holder, c->host);
	}
	print_marked(cli, s.store, &e);
	if (r >= 0 && cli->json)
		r = pt_print_json(cli, ended_json(&e), err);
	if (r < 0)
		return r;
	return e.marked.n && !pt_cli_flag(cli, "no-wait") ? PT_EXIT_FAILED : PT_EXIT_DONE;
}
