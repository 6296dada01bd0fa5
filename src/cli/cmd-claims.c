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

/* what their hosts' agents say, in the same order; an empty one of which none says anything */
struct words {
	PT_ARRAY(struct pt_ack) acks;
	PT_ARRAY(bool) lost; /* its host is */
};

static void words_done(struct words *w)
{
	for (size_t i = 0; i < w->acks.n; i++)
		pt_ack_done(&w->acks.v[i]);
	free(w->acks.v);
	free(w->lost.v);
}

/* hosts are asked about once: @known are those, @lost of them in the same order */
static int is_lost(struct pt_store *store, const char *host, struct pt_strv *known, struct words *of, bool *ret,
		   struct pt_error *err)
{
	int r;

	for (size_t i = 0; i < known->n; i++) {
		if (strcmp(known->v[i], host) != 0)
			continue;
		*ret = of->lost.v[i];
		return 0;
	}
	r = pt_fleet_lost(store, host, err);
	/* a record that is not understood says nothing of its host */
	if (r < 0 && r != -EBADMSG)
		return r;
	*ret = r == 1;
	pt_strv_add(known, host);
	pt_array_push(&of->lost, *ret);
	return 0;
}

static int hear(struct pt_store *store, const struct pt_claims_list *l, struct words *w, struct pt_error *err)
{
	PT_CLEANUP(words_done) struct words hosts = { .lost = { 0 } };
	PT_AUTO(pt_strv) known = { 0 };
	int r = 0;

	for (size_t i = 0; i < l->n && r >= 0; i++) {
		bool lost = false;

		r = pt_fleet_ack(store, l->v[i].host, l->v[i].id, pt_array_add(&w->acks), NULL, err);
		if (r >= 0)
			r = is_lost(store, l->v[i].host, &known, &hosts, &lost, err);
		pt_array_push(&w->lost, lost);
	}
	return r < 0 ? r : 0;
}

/* given back, and whoever released it has not lived to end it; a store that does not let us leaves it for the next */
static void finish(struct pt_store *store, struct pt_claims_list *l, struct words *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		PT_AUTO(pt_claim) gone = { 0 };

		if (l->v[i].releasing && w->acks.v[i].state == PT_ACK_RELEASED && w->acks.v[i].id[0] &&
		    pt_fleet_release(store, l->v[i].id, &gone, NULL) == 1) {
			pt_claim_done(&l->v[i]);
			pt_ack_done(&w->acks.v[i]);
			continue;
		}
		if (kept != i) {
			l->v[kept] = pt_take(l->v[i]);
			w->acks.v[kept] = pt_take(w->acks.v[i]);
		}
		kept++;
	}
	l->n = kept;
	w->acks.n = kept;
}

static bool is_said(const struct pt_ack *ack)
{
	return ack->id[0] != '\0';
}

static json_t *claims_json(const struct pt_claims_list *l, const struct words *w)
{
	json_t *list = pt_storing_claims_json(l->v, l->n);

	for (size_t i = 0; i < l->n; i++) {
		if (w->lost.v[i])
			(void)json_object_set_new(json_array_get(list, i), "lost", json_true());
		if (is_said(&w->acks.v[i]))
			(void)json_object_set_new(json_array_get(list, i), "ack", pt_ack_json(&w->acks.v[i]));
	}
	return list;
}

static int print_table(const struct pt_cli *cli, const struct pt_claims_list *l, const struct words *w,
		       struct pt_error *err)
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
	for (size_t i = 0; i < l->n; i++) {
		const struct pt_claim *c = &l->v[i];
		const struct pt_ack *ack = &w->acks.v[i];
		struct pt_table_line *line = pt_table_line(table, NULL);
		PT_CLEANUP(pt_buf_done) struct pt_buf devices = { 0 };

		for (size_t k = 0; k < c->devices.n; k++)
			pt_buf_addf(&devices, "%s%s", k ? " " : "", pt_bdf_str(c->devices.v[k].bdf).s);
		pt_table_cell(table, line, 0, c->id);
		pt_table_cell(table, line, 1, c->asked);
		pt_table_cell(table, line, 2, c->holder);
		pt_table_cell(table, line, 3, c->host);
		pt_table_cell(table, line, 4,
			      w->lost.v[i]   ? "lost"
			      : is_said(ack) ? pt_ack_state_str(ack->state)
					     : "claimed");
		pt_table_cell(table, line, 5, devices.s);
		pt_table_cell(table, line, 6, ack->reason);
	}
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r;
}

static int read_claims(const struct pt_cli *cli, struct pt_store *store, struct pt_claims_list *l, struct pt_error *err)
{
	int r;

	if (!cli->n_operands)
		return pt_fleet_claims(store, l, err);
	for (int i = 0; i < cli->n_operands; i++) {
		r = pt_fleet_get(store, cli->operands[i], pt_array_add(l), NULL, err);
		if (r == 0)
			r = pt_usage(err, -ENOENT, "there is no claim %s in %s", cli->operands[i],
				     pt_store_name(store));
		if (r < 0)
			return r;
	}
	return 0;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(pt_claims_list) l = { 0 };
	PT_AUTO(words) w = { 0 };
	int r = pt_storing_open(cli, &s, err);

	r = r < 0 ? r : read_claims(cli, s.store, &l, err);
	if (r < 0)
		return r;
	keep_wanted(cli, &l);
	r = hear(s.store, &l, &w, err);
	if (r < 0)
		return r;
	finish(s.store, &l, &w);
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:o}", "claims", claims_json(&l, &w)), err);
	r = print_table(cli, &l, &w, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_claims = {
	.name = "claims",
	.args = "[CLAIM…]",
	.group = "Fleet",
	.summary = "List what is claimed of the fleet's devices, by whom and where",
	.description = "All claims of the store, those of one host or one name, or those that are named.",
	.options = options,
	.max_operands = -1,
	.run = run,
};
