/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/storing.h"
#include "fleet/leftover.h"
#include "shape/claim.h"

static const struct pt_option options[] = {
	{ "for", 0, "NAME", "only those of this VM or name", false },
	{ "host", 0, "HOST", "only those on this host", false },
	PT_STORING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

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

static int print_table(const struct pt_cli *cli, const struct pt_claims_seen *s, struct pt_error *err)
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

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(pt_claims_seen) seen = { 0 };
	const struct pt_claims_asked asked = { .ids = (const char *const *)cli->operands,
					       .n_ids = (size_t)cli->n_operands,
					       .holder = pt_cli_value(cli, "for"),
					       .host = pt_cli_value(cli, "host"),
					       .each = true,
					       .sweep = true };
	int r = pt_storing_open(cli, &s, err);

	r = r < 0 ? r : pt_claims_look(s.store, &asked, &seen, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < seen.claims.wrong.n; i++)
		(void)fprintf(cli->diag, "passthru: not listed: %s\n", seen.claims.wrong.v[i]);
	if (cli->json)
		return pt_print_json(cli, pt_claims_seen_json(&seen), err);
	/* as tools of other fleets do: the list is empty, and that is no error */
	if (!seen.claims.n && !seen.left.n) {
		(void)fprintf(cli->diag, "passthru: no claims%s in %s\n",
			      asked.holder || asked.host ? " of that kind" : "", pt_store_name(s.store));
		return PT_EXIT_DONE;
	}
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
