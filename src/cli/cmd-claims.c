/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/storing.h"
#include "fleet/agent.h"
#include "fleet/evacuate.h"
#include "fleet/leftover.h"
#include "shape/claim.h"

static const struct pt_option options[] = {
	{ "for", 0, "NAME", "only those of this VM or name", false },
	{ "host", 0, "HOST", "only those on this host", false },
	PT_STORING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

static bool wanted(const struct pt_cli *cli, const struct pt_claim *c)
{
	const char *holder = pt_cli_value(cli, "for");
	const char *host = pt_cli_value(cli, "host");

	return (!holder || pt_streq(holder, c->holder)) && (!host || pt_streq(host, c->host));
}

static void keep_wanted(const struct pt_cli *cli, struct pt_claims_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!wanted(cli, &l->v[i])) {
			pt_claim_done(&l->v[i]);
			continue;
		}
		if (kept != i) {
			l->v[kept] = l->v[i];
			l->v[i] = (struct pt_claim){ 0 };
		}
		kept++;
	}
	l->n = kept;
}

/**
 * struct seen - what there is to tell; the lists of each claim are in the order of the claims
 * @acks: what their hosts' agents say, borrowed, or NULL; @lost: its host is
 * @left: what is said or held for claims that are gone
 */
struct seen {
	struct pt_claims_list claims;
	struct pt_words words;
	PT_ARRAY(const struct pt_ack *) acks;
	PT_ARRAY(bool) lost;
	struct pt_leftovers left;
};

static void seen_done(struct seen *s)
{
	pt_claims_list_done(&s->claims);
	pt_words_done(&s->words);
	pt_leftovers_done(&s->left);
	free(s->acks.v);
	free(s->lost.v);
}

/* 1, 0; each host is asked about once: claims of the same one, before this, have the answer */
static int is_lost(struct pt_store *store, const struct seen *s, size_t at, struct pt_error *err)
{
	const char *host = s->claims.v[at].host;
	int r;

	for (size_t i = 0; i < at; i++)
		if (pt_streq(s->claims.v[i].host, host))
			return s->lost.v[i];
	r = pt_fleet_lost(store, host, err);
	/* a record that is not understood says nothing of its host */
	return r == -EBADMSG ? 0 : r;
}

static int hear(struct pt_store *store, struct seen *s, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < s->claims.n && r >= 0; i++) {
		pt_array_push(&s->acks, pt_words_find(&s->words, s->claims.v[i].host, s->claims.v[i].id));
		r = is_lost(store, s, i, err);
		pt_array_push(&s->lost, r == 1);
	}
	return r < 0 ? r : 0;
}

static json_t *claims_json(const struct seen *s)
{
	json_t *list = pt_storing_claims_json(s->claims.v, s->claims.n);

	for (size_t i = 0; i < s->claims.n; i++) {
		if (s->lost.v[i])
			(void)json_object_set_new(json_array_get(list, i), "lost", json_true());
		if (s->acks.v[i])
			(void)json_object_set_new(json_array_get(list, i), "ack", pt_ack_json(s->acks.v[i]));
	}
	return list;
}

static void add_leftover(struct pt_table *table, const struct pt_leftover *l)
{
	struct pt_table_line *line = pt_table_line(table, NULL);
	PT_CLEANUP(pt_buf_done) struct pt_buf devices = { 0 };
	pt_autofree char *why = pt_strf("%s; `passthru fleet forget %s` once it is seen to",
					l->ack.reason ? l->ack.reason
					: l->said ? "the claim is gone, and what its host did for it may not be undone"
						  : "the claim is gone, and what it held is held still",
					l->id);

	for (size_t k = 0; k < l->holds.n; k++)
		pt_buf_addf(&devices, "%s%s", k ? " " : "", pt_bdf_str(l->holds.v[k].bdf).s);
	pt_table_cell(table, line, 0, l->id);
	pt_table_cell(table, line, 3, l->host);
	pt_table_cell(table, line, 4, "orphan");
	pt_table_cell(table, line, 5, devices.s);
	pt_table_cell(table, line, 6, why);
}

static int print_table(const struct pt_cli *cli, const struct seen *s, struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	int r;

	pt_table_column(table, "CLAIM", 0, 0);
	pt_table_column(table, "ASKED", 0, 2);
	pt_table_column(table, "FOR", 0, 0);
	pt_table_column(table, "HOST", 0, 0);
	pt_table_column(table, "STATE", 0, 0);
	pt_table_column(table, "DEVICES", PT_TABLE_CUT, 1);
	pt_table_column(table, "WHY", PT_TABLE_CUT, 2);
	for (size_t i = 0; i < s->claims.n; i++) {
		const struct pt_claim *c = &s->claims.v[i];
		const struct pt_ack *ack = s->acks.v[i];
		struct pt_table_line *line = pt_table_line(table, NULL);
		PT_CLEANUP(pt_buf_done) struct pt_buf devices = { 0 };

		for (size_t k = 0; k < c->devices.n; k++)
			pt_buf_addf(&devices, "%s%s", k ? " " : "", pt_bdf_str(c->devices.v[k].bdf).s);
		pt_table_cell(table, line, 0, c->id);
		pt_table_cell(table, line, 1, c->asked);
		pt_table_cell(table, line, 2, c->holder);
		pt_table_cell(table, line, 3, c->host);
		pt_table_cell(table, line, 4, s->lost.v[i] ? "lost" : ack ? pt_ack_state_str(ack->state) : "claimed");
		pt_table_cell(table, line, 5, devices.s);
		pt_table_cell(table, line, 6, ack ? ack->reason : NULL);
	}
	for (size_t i = 0; i < s->left.n; i++)
		add_leftover(table, &s->left.v[i]);
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r;
}

static int read_named(const struct pt_cli *cli, struct pt_store *store, struct pt_claims_list *l, struct pt_error *err)
{
	for (int i = 0; i < cli->n_operands; i++) {
		PT_AUTO(pt_claim) c = { 0 };
		int r = pt_fleet_get(store, cli->operands[i], &c, NULL, err);

		if (r < 0)
			return r;
		if (r == 1)
			pt_array_push(l, pt_take(c));
	}
	return 0;
}

/* of whom they were is not known; the rest may be asked for */
static void keep_wanted_left(const struct pt_cli *cli, struct pt_leftovers *l)
{
	const char *host = pt_cli_value(cli, "host");
	PT_AUTO(pt_leftovers) kept = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if (!pt_cli_value(cli, "for") && (!host || pt_streq(host, l->v[i].host)))
			pt_array_push(&kept, pt_take(l->v[i]));
	pt_leftovers_done(l);
	*l = pt_take(kept);
}

/* every name has led to something */
static int check_named(const struct pt_cli *cli, struct pt_store *store, const struct seen *s, struct pt_error *err)
{
	for (int i = 0; i < cli->n_operands; i++) {
		const char *id = cli->operands[i];
		bool there = false;

		for (size_t k = 0; k < s->claims.n; k++)
			there = there || pt_streq(s->claims.v[k].id, id);
		for (size_t k = 0; k < s->left.n; k++)
			there = there || pt_streq(s->left.v[k].id, id);
		if (!there)
			return pt_usage(err, -ENOENT, "there is no claim %s in %s", id, pt_store_name(store));
	}
	return 0;
}

/* the words first: a claim that comes later has none yet, and one that goes meanwhile is looked for again */
static int look(const struct pt_cli *cli, struct pt_store *store, struct seen *s, struct pt_error *err)
{
	int r = pt_fleet_words(store, &s->words, err);

	if (r == 0)
		r = cli->n_operands ? read_named(cli, store, &s->claims, err) : pt_fleet_claims(store, &s->claims, err);
	r = r < 0 ? r
		  : pt_fleet_leftovers(store, &s->claims, &s->words, cli->operands, (size_t)cli->n_operands, &s->left,
				       err);
	if (r < 0)
		return r;
	keep_wanted_left(cli, &s->left);
	r = check_named(cli, store, s, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->claims.wrong.n; i++)
		(void)fprintf(cli->diag, "passthru: not listed: %s\n", s->claims.wrong.v[i]);
	keep_wanted(cli, &s->claims);
	(void)pt_fleet_sweep(store, &s->claims, &s->words);
	return hear(store, s, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(seen) seen = { 0 };
	int r = pt_storing_open(cli, &s, err);

	r = r < 0 ? r : look(cli, s.store, &seen, err);
	if (r < 0)
		return r;
	if (cli->json)
		return pt_print_json(
			cli,
			json_pack("{s:o, s:o}", "claims", claims_json(&seen), "orphans", pt_leftovers_json(&seen.left)),
			err);
	r = print_table(cli, &seen, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_claims = {
	.name = "claims",
	.args = "[CLAIM…]",
	.group = "Fleet",
	.summary = "List what is claimed of the fleet's devices, by whom and where",
	.description =
		"All claims of the store, those of one host or one name, or those that are named; and orphans: what a\n"
		"host says, or holds, for claims that are gone. Claims that were given back, and not ended by who\n"
		"released them, are ended here.",
	.options = options,
	.max_operands = -1,
	.run = run,
};
