/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "domxml/domxml.h"
#include "journal/journal.h"
#include "shape/plan.h"

PT_DEFINE_CLEANUP(struct pt_table *, pt_table_free)

static char *clock_text(long long when)
{
	char text[64];
	struct tm tm;
	time_t t = (time_t)when;

	if (!when)
		return pt_strdup("-");
	if (!localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return pt_strf("%lld", when);
	return pt_strdup(text);
}

/* summaries hold names of VMs, error texts what libvirt said: neither may speak to the terminal */
static char *clean(const char *text)
{
	return text ? pt_text_clean(pt_strdup(text)) : NULL;
}

static const char *state_text(const struct pt_cli *cli, const struct pt_change_row *row)
{
	if (row->state == PT_CHANGE_OPEN && !cli->root.captured)
		return pt_owner_alive(cli->root.proc_fd, &row->owner) ? "under way" : "cut off";
	return pt_change_state_str(row->state);
}

static int print_list(struct pt_cli *cli, const struct pt_change_list *list, struct pt_error *err)
{
	PT_CLEANUP(pt_table_freep) struct pt_table *table = pt_table_new(0);

	if (list->n == 0) {
		(void)fputs("nothing was changed on this host\n", cli->out);
		return 0;
	}
	pt_table_column(table, "CHANGE", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "WHEN", 0, 1);
	pt_table_column(table, "STATE", 0, 0);
	pt_table_column(table, "WHAT", PT_TABLE_CUT, 0);
	for (size_t i = 0; i < list->n; i++) {
		struct pt_table_line *line = pt_table_line(table, NULL);
		pt_autofree char *id = pt_strf("%lld", list->v[i].id);
		pt_autofree char *when = clock_text(list->v[i].started);
		pt_autofree char *what = clean(list->v[i].summary);

		pt_table_cell(table, line, 0, id);
		pt_table_cell(table, line, 1, when);
		pt_table_cell(table, line, 2, state_text(cli, &list->v[i]));
		pt_table_cell(table, line, 3, what);
	}
	return pt_table_print(table, cli->out, err);
}

static void print_head(const struct pt_cli *cli, const struct pt_change_row *row)
{
	pt_autofree char *started = clock_text(row->started);
	pt_autofree char *ended = clock_text(row->ended);
	pt_autofree char *what = clean(row->summary);
	pt_autofree char *message = clean(row->message);

	(void)fprintf(cli->out, "change %lld: %s\n  state:   %s\n  started: %s\n  ended:   %s\n", row->id, what,
		      state_text(cli, row), started, ended);
	if (row->undoes)
		(void)fprintf(cli->out, "  undoes:  change %lld\n", row->undoes);
	if (message)
		(void)fprintf(cli->out, "  cause:   %s\n", message);
}

static void print_record(const struct pt_cli *cli, const struct pt_change_record *record)
{
	print_head(cli, &record->head);
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step_row *row = &record->steps.v[i];
		pt_autofree char *what = pt_text_clean(pt_step_describe(&row->step));
		pt_autofree char *error = clean(row->error);
		pt_autofree char *diff = NULL;

		(void)fprintf(cli->out, "%3zu. %-8s %s\n", i + 1, pt_step_state_str(row->state), what);
		if (error)
			(void)fprintf(cli->out, "              %s\n", error);
		if (!cli->verbose || !row->step.xml_before || !row->step.xml_after)
			continue;
		diff = pt_domxml_diff(row->step.xml_before, row->step.xml_after);
		if (diff)
			(void)fputs(diff, cli->out);
	}
}

static json_t *head_json(const struct pt_cli *cli, const struct pt_change_row *row)
{
	pt_autofree char *what = clean(row->summary);
	pt_autofree char *message = clean(row->message);
	bool cut_off = row->state == PT_CHANGE_OPEN && !pt_owner_alive(cli->root.proc_fd, &row->owner);

	return json_pack("{s:I, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:i, s:s*}", "change", (json_int_t)row->id, "verb",
			 row->verb, "summary", what, "state", pt_change_state_str(row->state), "cut_off", cut_off,
			 "undoes", (json_int_t)row->undoes, "started", (json_int_t)row->started, "ended",
			 (json_int_t)row->ended, "pid", row->owner.pid, "message", message);
}

static json_t *record_json(const struct pt_cli *cli, const struct pt_change_record *record, struct pt_error *err)
{
	json_t *steps = json_array();
	json_t *o = head_json(cli, &record->head);

	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step_row *row = &record->steps.v[i];
		pt_autofree char *error = clean(row->error);
		json_t *step = pt_step_to_json(&row->step, false, err);

		if (!step || !o) {
			json_decref(step);
			json_decref(steps);
			json_decref(o);
			return NULL;
		}
		(void)json_array_append_new(steps, json_pack("{s:s, s:I, s:I, s:s*, s:o}", "state",
							     pt_step_state_str(row->state), "started",
							     (json_int_t)row->started, "ended", (json_int_t)row->ended,
							     "error", error, "step", step));
	}
	(void)json_object_set_new(o, "steps", steps);
	return o;
}

static int show_list(struct pt_cli *cli, struct pt_journal *journal, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	json_t *all;
	int r = journal ? pt_journal_list(journal, false, &list, err) : 0;

	if (r == 0 && !cli->json)
		r = print_list(cli, &list, err);
	if (r < 0 || !cli->json)
		return r < 0 ? r : PT_EXIT_DONE;
	all = json_array();
	for (size_t i = 0; i < list.n; i++)
		(void)json_array_append_new(all, head_json(cli, &list.v[i]));
	return pt_print_json(cli, json_pack("{s:o}", "changes", all), err);
}

static int show_one(struct pt_cli *cli, struct pt_journal *journal, long long id, struct pt_error *err)
{
	PT_AUTO(pt_change_record) record = { 0 };
	json_t *o;
	int r;

	if (!journal)
		return pt_usage(err, -ENOENT, "there is no change %lld: nothing was changed on this host", id);
	r = pt_journal_get(journal, id, &record, err);
	if (r < 0)
		return r;
	if (!cli->json) {
		print_record(cli, &record);
		return PT_EXIT_DONE;
	}
	o = record_json(cli, &record, err);
	return o ? pt_print_json(cli, o, err) : pt_fail(err, -EILSEQ, "change %lld cannot be shown as JSON", id);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	bool captured = cli->root.captured;
	pt_autofree char *dir = pt_strf("%s%s", captured ? cli->root.path : "", PT_JOURNAL_DIR);
	struct pt_journal *journal = NULL;
	long long id = 0;
	int r = cli->n_operands ? pt_cli_change_id(cli->operands[0], &id, err) : 0;

	/* the journal holds definitions with their passwords: it is root's, and so is this */
	if (r == 0 && !captured)
		r = pt_cli_need_root(cli, err);
	if (r < 0)
		return r;
	r = pt_journal_open(dir, captured ? PT_JOURNAL_FROZEN : PT_JOURNAL_READ, &journal, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = id ? show_one(cli, journal, id, err) : show_list(cli, journal, err);
	pt_journal_close(journal);
	return r;
}

const struct pt_command pt_command_history = {
	.name = "history",
	.args = "[CHANGE]",
	.group = "Change",
	.summary = "Show what was changed on this host",
	.description = "Every change with its number, when it was begun, and how it stands: done, failed (everything "
		       "is as it was), "
		       "undone, under way, cut off, or stuck (something could not be put back).  With a number that "
		       "change and each "
		       "of its steps; -v adds the differences of definitions, without passwords.",
	.max_operands = 1,
	.run = run,
};
