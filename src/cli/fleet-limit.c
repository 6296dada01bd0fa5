/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet limit and queue: what projects may have, and who waits. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/fleeting.h"
#include "cli/print.h"
#include "fleet/queue.h"
#include "fleet/quota.h"
#include "shape/claim.h"

static void add_limit(struct pt_table *table, json_t *list, const struct pt_quota *q, const char *alias, json_int_t n)
{
	struct pt_table_line *line = pt_table_line(table, NULL);
	unsigned used = pt_quota_count(q, alias);
	pt_autofree char *limit_text = pt_strf("%lld", (long long)n);
	pt_autofree char *used_text = pt_strf("%u", used);

	pt_table_cell(table, line, 0, q->project);
	pt_table_cell(table, line, 1, alias);
	pt_table_cell(table, line, 2, used_text);
	pt_table_cell(table, line, 3, limit_text);
	(void)json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "project", q->project, "alias", alias,
						    "used", (json_int_t)used, "limit", n));
}

static int show(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_quotas) l = { 0 };
	const char *wanted = cli->n_operands > 1 ? cli->operands[1] : NULL;
	struct pt_table *table;
	const char *alias;
	json_t *list;
	json_t *n;
	int r = pt_quota_list(s->store, &l, err);

	if (r < 0)
		return r;
	table = pt_table_new(0);
	pt_table_column(table, "PROJECT", 0, 0);
	pt_table_column(table, "ALIAS", 0, 0);
	pt_table_column(table, "USED", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "LIMIT", PT_TABLE_RIGHT, 0);
	list = json_array();
	for (size_t i = 0; i < l.n; i++) {
		if (wanted && strcmp(wanted, l.v[i].project) != 0)
			continue;
		json_object_foreach(l.v[i].limits, alias, n)
			add_limit(table, list, &l.v[i], alias, json_integer_value(n));
	}
	if (cli->json)
		r = pt_print_json(cli, json_pack("{s:O}", "limits", list), err);
	else
		r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	json_decref(list);
	return r < 0 ? r : PT_EXIT_DONE;
}

int pt_fleeting_parse_limit(const char *text, long *ret, struct pt_error *err)
{
	char *end;

	*ret = -1;
	if (strcmp(text, "none") == 0)
		return 0;
	*ret = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && *ret <= PT_QUOTA_MAX)
		return 0;
	return pt_usage(err, -EINVAL, "'%.40s' is no limit: 0 to %d, or none", text, PT_QUOTA_MAX);
}

int pt_fleeting_print_limit(struct pt_cli *cli, long n, struct pt_error *err)
{
	const char *project = cli->operands[1];
	const char *alias = cli->operands[2];

	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:s, s:s, s:o}", "project", project, "alias", alias, "limit",
					       n < 0 ? json_null() : json_integer(n)),
				     err);
	if (n < 0)
		(void)fprintf(cli->out, "project %s has no limit of %s\n", project, alias);
	else
		(void)fprintf(cli->out, "project %s may have %ld %s\n", project, n, alias);
	return PT_EXIT_DONE;
}

int pt_fleeting_limit(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	long n = -1;
	int r;

	if (cli->n_operands < 3)
		return show(cli, s, err);
	if (cli->n_operands < 4)
		return pt_usage(err, -EINVAL, "passthru fleet limit: PROJECT ALIAS N is expected, or none of them");
	r = pt_fleeting_parse_limit(cli->operands[3], &n, err);
	/* one that nobody has any more can still be taken away */
	if (r == 0 && n >= 0)
		r = pt_quota_check_alias(&s->config, cli->operands[2], err);
	r = r < 0 ? r : pt_quota_set(s->store, cli->operands[1], cli->operands[2], n, err);
	return r < 0 ? r : pt_fleeting_print_limit(cli, n, err);
}

int pt_fleeting_queue(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { .store = s->store };
	struct pt_table *table;
	json_t *list;
	int r = pt_queue_load(&f, err);

	if (r < 0)
		return r;
	table = pt_table_new(0);
	pt_table_column(table, "REQUEST", 0, 0);
	pt_table_column(table, "ASKED", 0, 0);
	pt_table_column(table, "FOR", 0, 0);
	pt_table_column(table, "HOST", 0, 1);
	pt_table_column(table, "PROJECT", 0, 2);
	list = json_array();
	for (size_t i = 0; i < f.waiting.n; i++) {
		const struct pt_waiting *w = &f.waiting.v[i];
		struct pt_table_line *line = pt_table_line(table, NULL);
		json_t *o = pt_waiting_json(w);

		pt_table_cell(table, line, 0, w->id);
		pt_table_cell(table, line, 1, w->asked);
		pt_table_cell(table, line, 2, w->holder);
		pt_table_cell(table, line, 3, w->host ? w->host : "-");
		pt_table_cell(table, line, 4, w->project ? w->project : "-");
		(void)json_object_del(o, "request");
		(void)json_array_append_new(list, o);
	}
	if (cli->json)
		r = pt_print_json(cli, json_pack("{s:O}", "waiting", list), err);
	else
		r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	json_decref(list);
	return r < 0 ? r : PT_EXIT_DONE;
}
