/* SPDX-License-Identifier: Apache-2.0 */
/* What is written into the journal, and read from it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "journal/entry.h"
#include "journal/journal.h"
#include "shape/plan.h"

static const char *const change_states[PT_CHANGE_STATES] = {
	[PT_CHANGE_OPEN] = "open",     [PT_CHANGE_DONE] = "done",   [PT_CHANGE_FAILED] = "failed",
	[PT_CHANGE_UNDONE] = "undone", [PT_CHANGE_STUCK] = "stuck",
};

static const char *const step_states[PT_STEP_STATES] = {
	[PT_STEP_PLANNED] = "planned", [PT_STEP_STARTED] = "started", [PT_STEP_DONE] = "done",
	[PT_STEP_UNDOING] = "undoing", [PT_STEP_UNDONE] = "undone",   [PT_STEP_FAILED] = "failed",
	[PT_STEP_STUCK] = "stuck",
};

const char *pt_change_state_str(enum pt_change_state state)
{
	return change_states[state];
}

const char *pt_step_state_str(enum pt_step_state state)
{
	return step_states[state];
}

static int parse_state(const char *const *names, int n, const char *text)
{
	for (int i = 0; i < n; i++)
		if (pt_streq(names[i], text))
			return i;
	return -EBADMSG;
}

static long long now(void)
{
	return (long long)time(NULL);
}

static int insert_steps(struct pt_journal *j, long long id, const struct pt_plan *plan, struct pt_error *err)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		pt_autofree char *text = pt_step_to_text(&plan->steps.v[i], err);
		int r;

		if (!text)
			return err ? err->code : -EILSEQ;
		r = pt_db_run(j->db, "note a step", err,
			      "INSERT INTO step(change, number, plan, state) VALUES(?, ?, ?, ?)", "iiss", id,
			      (long long)i, text, step_states[PT_STEP_PLANNED]);
		if (r < 0)
			return r;
	}
	return 0;
}

int pt_journal_begin(struct pt_journal *j, const struct pt_plan *plan, const struct pt_owner *owner, long long *ret_id,
		     struct pt_error *err)
{
	long long id = 0;
	int r = pt_db_begin(j->db, "begin a change", err);

	if (r < 0)
		return r;
	r = pt_db_run(j->db, "begin a change", err,
		      "INSERT INTO change(verb, summary, state, undoes, pid, pid_start, boot, begun_boot, started)"
		      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      "sssiiissi", plan->verb ? plan->verb : "", plan->summary ? plan->summary : "",
		      change_states[PT_CHANGE_OPEN], plan->undoes, (long long)owner->pid, (long long)owner->start,
		      owner->boot, owner->boot, now());
	if (r == 0) {
		id = (long long)sqlite3_last_insert_rowid(j->db->sqlite);
		r = insert_steps(j, id, plan, err);
	}
	r = pt_db_end(j->db, r, "begin a change", err);
	if (r == 0)
		*ret_id = id;
	return r;
}

int pt_journal_step(struct pt_journal *j, long long id, size_t index, enum pt_step_state state, const char *text,
		    struct pt_error *err)
{
	return pt_db_run(
		j->db, "note a step", err,
		"UPDATE step SET state = ?, error = coalesce(?, error), ended = ? WHERE change = ? AND number = ?",
		"ssiii", step_states[state], text, now(), id, (long long)index);
}

int pt_journal_step_start(struct pt_journal *j, long long id, size_t index, const struct pt_step *step,
			  struct pt_error *err)
{
	pt_autofree char *text = pt_step_to_text(step, err);

	if (!text)
		return err ? err->code : -EILSEQ;
	return pt_db_run(j->db, "note a step", err,
			 "UPDATE step SET state = ?, plan = ?, started = ? WHERE change = ? AND number = ?", "ssiii",
			 step_states[PT_STEP_STARTED], text, now(), id, (long long)index);
}

int pt_journal_step_done(struct pt_journal *j, long long id, size_t index, const char *seen, struct pt_error *err)
{
	return pt_db_run(j->db, "note a step", err,
			 "UPDATE step SET state = ?, seen = ?, ended = ? WHERE change = ? AND number = ?", "ssiii",
			 step_states[PT_STEP_DONE], seen, now(), id, (long long)index);
}

/* the change taken back is undone; what that one had taken back is in force again */
static int mark_undone(struct pt_journal *j, long long id, struct pt_error *err)
{
	int r = pt_db_run(j->db, "end a change", err,
			  "UPDATE change SET state = 'done' WHERE state = 'undone' AND id ="
			  " (SELECT b.undoes FROM change a JOIN change b ON b.id = a.undoes WHERE a.id = ?)",
			  "i", id);

	if (r == 0)
		r = pt_db_run(j->db, "end a change", err,
			      "UPDATE change SET state = 'undone' WHERE state = 'done' AND id ="
			      " (SELECT undoes FROM change WHERE id = ?)",
			      "i", id);
	return r;
}

int pt_journal_finish(struct pt_journal *j, long long id, enum pt_change_state state, const char *message,
		      struct pt_error *err)
{
	int r = pt_db_begin(j->db, "end a change", err);

	if (r < 0)
		return r;
	r = pt_db_run(j->db, "end a change", err, "UPDATE change SET state = ?, message = ?, ended = ? WHERE id = ?",
		      "ssii", change_states[state], message, now(), id);
	if (r == 0 && state == PT_CHANGE_DONE)
		r = mark_undone(j, id, err);
	return pt_db_end(j->db, r, "end a change", err);
}

int pt_journal_own(struct pt_journal *j, long long id, const struct pt_owner *owner, struct pt_error *err)
{
	return pt_db_run(j->db, "take a change over", err,
			 "UPDATE change SET state = ?, pid = ?, pid_start = ?, boot = ?, ended = 0 WHERE id = ?",
			 "siisi", change_states[PT_CHANGE_OPEN], (long long)owner->pid, (long long)owner->start,
			 owner->boot, id);
}

static char *column(sqlite3_stmt *stmt, int i)
{
	return pt_strdup_opt((const char *)sqlite3_column_text(stmt, i));
}

static int unreadable(const struct pt_journal *j, long long id, const char *what, struct pt_error *err)
{
	int r = pt_say(err, -EBADMSG, "change %lld in the journal %s cannot be understood: %s", id, j->db->path, what);

	pt_refused_by(err, "damaged", false);
	pt_hint(err, "the file was left as it is; a newer passthru may be able to read it");
	return r;
}

static const char *const filters[] = { "ORDER BY id", "WHERE state IN('open', 'stuck') ORDER BY id", "WHERE id = ?" };

enum filter {
	EVERY,
	UNSETTLED,
	THIS,
};

/* a captured host's journal is read as it is: version 1 had no begun_boot */
static sqlite3_stmt *select_heads(const struct pt_journal *j, enum filter filter, long long id, struct pt_error *err)
{
	pt_autofree char *sql = pt_strf("SELECT id, verb, summary, state, undoes, pid, pid_start, boot, started, ended,"
					" message, %s FROM change %s",
					j->db->version < 2 ? "boot" : "begun_boot", filters[filter]);

	return pt_db_prepare(j->db, filter == THIS ? "read a change" : "read changes", err, sql,
			     filter == THIS ? "i" : "", id);
}

static int read_head(const struct pt_journal *j, sqlite3_stmt *stmt, struct pt_change_row *row, struct pt_error *err)
{
	int state = parse_state(change_states, PT_CHANGE_STATES, (const char *)sqlite3_column_text(stmt, 3));
	const char *boot = (const char *)sqlite3_column_text(stmt, 7);
	const char *begun = (const char *)sqlite3_column_text(stmt, 11);

	row->id = (long long)sqlite3_column_int64(stmt, 0);
	if (state < 0)
		return unreadable(j, row->id, "its state", err);
	row->verb = column(stmt, 1);
	row->summary = column(stmt, 2);
	row->state = (enum pt_change_state)state;
	row->undoes = (long long)sqlite3_column_int64(stmt, 4);
	row->owner.pid = sqlite3_column_int(stmt, 5);
	row->owner.start = (unsigned long long)sqlite3_column_int64(stmt, 6);
	(void)snprintf(row->owner.boot, sizeof(row->owner.boot), "%s", boot ? boot : "");
	row->started = (long long)sqlite3_column_int64(stmt, 8);
	row->ended = (long long)sqlite3_column_int64(stmt, 9);
	row->message = column(stmt, 10);
	(void)snprintf(row->begun_boot, sizeof(row->begun_boot), "%s", begun ? begun : "");
	if (!row->verb || !row->summary)
		return unreadable(j, row->id, "its verb or summary", err);
	return 0;
}

int pt_journal_list(struct pt_journal *j, bool unsettled, struct pt_change_list *ret_list, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	sqlite3_stmt *stmt = select_heads(j, unsettled ? UNSETTLED : EVERY, 0, err);
	int code;
	int r = 0;

	if (!stmt)
		return err ? err->code : -EIO;
	while (r == 0 && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (code != SQLITE_ROW)
			r = pt_db_fail(j->db, code, "read changes", err);
		else
			r = read_head(j, stmt, pt_array_add(&list), err);
	}
	(void)sqlite3_finalize(stmt);
	if (r < 0)
		return r;
	*ret_list = list;
	list = (struct pt_change_list){ 0 };
	return 0;
}

static int read_step(const struct pt_journal *j, sqlite3_stmt *stmt, struct pt_change_record *record,
		     struct pt_error *err)
{
	const char *text = (const char *)sqlite3_column_text(stmt, 1);
	int state = parse_state(step_states, PT_STEP_STATES, (const char *)sqlite3_column_text(stmt, 2));
	struct pt_error why = { 0 };
	struct pt_step_row row = { 0 };

	if (sqlite3_column_int64(stmt, 0) != (sqlite3_int64)record->steps.n || state < 0 || !text)
		return unreadable(j, record->head.id, "a step is missing or in no known state", err);
	if (pt_step_from_text(text, &row.step, &why) < 0)
		return unreadable(j, record->head.id, why.msg, err);
	row.state = (enum pt_step_state)state;
	row.error = column(stmt, 3);
	row.seen = column(stmt, 4);
	row.started = (long long)sqlite3_column_int64(stmt, 5);
	row.ended = (long long)sqlite3_column_int64(stmt, 6);
	pt_array_push(&record->steps, row);
	return 0;
}

static int read_steps(struct pt_journal *j, struct pt_change_record *record, struct pt_error *err)
{
	sqlite3_stmt *stmt = pt_db_prepare(j->db, "read a change", err,
					   "SELECT number, plan, state, error, seen, started, ended FROM step"
					   " WHERE change = ? ORDER BY number",
					   "i", record->head.id);
	int code;
	int r = 0;

	if (!stmt)
		return err ? err->code : -EIO;
	while (r == 0 && (code = sqlite3_step(stmt)) != SQLITE_DONE)
		r = code == SQLITE_ROW ? read_step(j, stmt, record, err)
				       : pt_db_fail(j->db, code, "read a change", err);
	(void)sqlite3_finalize(stmt);
	return r;
}

int pt_journal_get(struct pt_journal *j, long long id, struct pt_change_record *ret_record, struct pt_error *err)
{
	PT_AUTO(pt_change_record) record = { 0 };
	sqlite3_stmt *stmt = select_heads(j, THIS, id, err);
	int code;
	int r;

	if (!stmt)
		return err ? err->code : -EIO;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		r = read_head(j, stmt, &record.head, err);
	else if (code == SQLITE_DONE)
		r = pt_usage(err, -ENOENT, "there is no change %lld", id);
	else
		r = pt_db_fail(j->db, code, "read a change", err);
	(void)sqlite3_finalize(stmt);
	if (r == -ENOENT)
		pt_hint(err, "`passthru history` lists them");
	if (r == 0)
		r = read_steps(j, &record, err);
	if (r < 0)
		return r;
	*ret_record = record;
	record = (struct pt_change_record){ 0 };
	return 0;
}

void pt_change_row_done(struct pt_change_row *row)
{
	free(row->verb);
	free(row->summary);
	free(row->message);
	*row = (struct pt_change_row){ 0 };
}

void pt_change_list_done(struct pt_change_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		pt_change_row_done(&list->v[i]);
	free(list->v);
	*list = (struct pt_change_list){ 0 };
}

void pt_change_record_done(struct pt_change_record *record)
{
	pt_change_row_done(&record->head);
	for (size_t i = 0; i < record->steps.n; i++) {
		pt_step_done(&record->steps.v[i].step);
		free(record->steps.v[i].error);
		free(record->steps.v[i].seen);
	}
	free(record->steps.v);
	*record = (struct pt_change_record){ 0 };
}
