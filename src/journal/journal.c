/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's file and tables; what is written into it is records.c. */
#include "journal/journal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "journal/entry.h"

/* "PTRU" */
#define APPLICATION_ID 0x50545255

static const char *const migrations[] = {
	"CREATE TABLE change("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" verb TEXT NOT NULL,"
	" summary TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" undoes INTEGER NOT NULL,"
	" pid INTEGER NOT NULL,"
	" pid_start INTEGER NOT NULL,"
	" boot TEXT NOT NULL,"
	" started INTEGER NOT NULL,"
	" ended INTEGER NOT NULL DEFAULT 0,"
	" message TEXT);"
	"CREATE INDEX change_state ON change(state);"
	"CREATE TABLE step("
	" change INTEGER NOT NULL REFERENCES change(id),"
	" number INTEGER NOT NULL,"
	" plan TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" error TEXT,"
	" seen TEXT,"
	" started INTEGER NOT NULL DEFAULT 0,"
	" ended INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(change, number)) WITHOUT ROWID;",
	/* the boot in which it was begun: `boot` becomes that of whoever recovers it */
	"ALTER TABLE change ADD COLUMN begun_boot TEXT NOT NULL DEFAULT '';"
	"UPDATE change SET begun_boot = boot;",
};

static const struct pt_db_kind journal_kind = {
	.noun = "journal",
	.file = "journal.db",
	.begun_anew =
		"undo and history then begin anew, the definitions of VMs before each change are in backup/ beside it",
	.application_id = APPLICATION_ID,
	.migrations = migrations,
	.version = sizeof(migrations) / sizeof(*migrations),
};

int pt_journal_open(const char *dir, enum pt_journal_mode mode, struct pt_journal **ret_journal, struct pt_error *err)
{
	static const enum pt_db_mode modes[] = {
		[PT_JOURNAL_READ] = PT_DB_READ,
		[PT_JOURNAL_WRITE] = PT_DB_WRITE,
		[PT_JOURNAL_FROZEN] = PT_DB_FROZEN,
	};
	struct pt_db *db = NULL;
	int r = pt_db_open(&journal_kind, dir, modes[mode], &db, err);

	if (r < 0)
		return r;
	*ret_journal = pt_alloc(sizeof(**ret_journal));
	(*ret_journal)->db = db;
	return 0;
}

void pt_journal_watch(struct pt_journal *j, struct pt_watch *watch)
{
	j->db->watch = watch;
}

void pt_journal_close(struct pt_journal *j)
{
	if (!j)
		return;
	pt_db_close(j->db);
	free(j);
}
