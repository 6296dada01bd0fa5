/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was changed on this host and how far: SQLite, in WAL mode, each entry on disk (synchronous=FULL) before the call
 * returns.  Makes no change and judges none; change/ does.  One process may work on a change; several may read.
 */
#ifndef PT_JOURNAL_JOURNAL_H
#define PT_JOURNAL_JOURNAL_H

#include "base/error.h"
#include "journal/owner.h"
#include "model/plan.h"

#define PT_JOURNAL_DIR "/var/lib/passthru"

/* How a change stands: the words in the file and in --json are pt_change_state_str()'s. */
enum pt_change_state {
	PT_CHANGE_OPEN,	  /* under way, or cut off when its owner is dead */
	PT_CHANGE_DONE,	  /* made */
	PT_CHANGE_FAILED, /* not made: everything is as it was */
	PT_CHANGE_UNDONE, /* made, and taken back later by another change */
	PT_CHANGE_STUCK,  /* something could not be put back */
	PT_CHANGE_STATES
};

enum pt_step_state {
	PT_STEP_PLANNED,
	PT_STEP_STARTED,
	PT_STEP_DONE,
	PT_STEP_UNDOING,
	PT_STEP_UNDONE,
	PT_STEP_FAILED, /* could not be put back */
	PT_STEP_STUCK,	/* a write hangs in it */
	PT_STEP_STATES
};

const char *pt_change_state_str(enum pt_change_state state);
const char *pt_step_state_str(enum pt_step_state state);

/**
 * struct pt_change_row - a change's head; owns its strings
 * @undoes: the change that this one takes back, or 0
 * @started, @ended: seconds since 1970; @ended is 0 while it is open
 * @message: why it failed, or what is stuck; NULL
 * @begun_boot: the boot in which it was begun; @owner has that of whoever works on it last
 */
struct pt_change_row {
	long long id;
	char *verb;
	char *summary;
	enum pt_change_state state;
	long long undoes;
	struct pt_owner owner;
	long long started;
	long long ended;
	char *message;
	char begun_boot[40];
};

/**
 * struct pt_step_row - a step as it stands; owns everything
 * @seen: what was found after it was made: for VM_DEFINE the definition as libvirt keeps it, for DRIVER the driver;
 *        NULL when nothing was noted
 */
struct pt_step_row {
	struct pt_step step;
	enum pt_step_state state;
	char *error;
	char *seen;
	long long started;
	long long ended;
};

struct pt_change_record {
	struct pt_change_row head;
	struct {
		struct pt_step_row *v;
		size_t n;
		size_t cap;
	} steps;
};

struct pt_change_list {
	struct pt_change_row *v;
	size_t n;
	size_t cap;
};

void pt_change_row_done(struct pt_change_row *row);
void pt_change_list_done(struct pt_change_list *list);
void pt_change_record_done(struct pt_change_record *record);

enum pt_journal_mode {
	PT_JOURNAL_READ,   /* -ENOENT when there is none; nothing is made */
	PT_JOURNAL_WRITE,  /* made when there is none */
	PT_JOURNAL_FROZEN, /* of a captured host: nothing may be written, not even SQLite's own files */
};

struct pt_journal;
struct pt_watch;

/**
 * pt_journal_open()
 * @dir: absolute; must be this user's own and closed to others, or is made so (0700)
 *
 * Return: 0; -ENOENT (unless PT_JOURNAL_WRITE); -EPROTONOSUPPORT when a newer passthru wrote it; -EBADMSG when it is
 * damaged: it is left as it is; -EPERM when others could have written it; -EACCES.
 */
int pt_journal_open(const char *dir, enum pt_journal_mode mode, struct pt_journal **ret_journal, struct pt_error *err);

/* @watch: turned to PT_WATCH_DISK while an entry is on its way to the disk; NULL: none */
void pt_journal_watch(struct pt_journal *journal, struct pt_watch *watch);

/* NULL is allowed */
void pt_journal_close(struct pt_journal *journal);

/**
 * pt_journal_begin() - a change and all its steps (planned), in one
 * @ret_id: its number, never used again
 */
int pt_journal_begin(struct pt_journal *journal, const struct pt_plan *plan, const struct pt_owner *owner,
		     long long *ret_id, struct pt_error *err);

/** pt_journal_step() - a step's new state; @text: what went wrong, or NULL */
int pt_journal_step(struct pt_journal *journal, long long id, size_t index, enum pt_step_state state, const char *text,
		    struct pt_error *err);

/** pt_journal_step_start() - a step is about to be made, as @step says: with what came up only now */
int pt_journal_step_start(struct pt_journal *journal, long long id, size_t index, const struct pt_step *step,
			  struct pt_error *err);

/** pt_journal_step_done() - made, with what was found afterwards (@seen may be NULL), in one */
int pt_journal_step_done(struct pt_journal *journal, long long id, size_t index, const char *seen,
			 struct pt_error *err);

/**
 * pt_journal_finish() - the change is over
 *
 * With PT_CHANGE_DONE the change that it undoes becomes UNDONE in the same transaction (and what that one had undone,
 * DONE again).
 */
int pt_journal_finish(struct pt_journal *journal, long long id, enum pt_change_state state, const char *message,
		      struct pt_error *err);

/** pt_journal_own() - take a cut-off change over, to recover it; it becomes open again */
int pt_journal_own(struct pt_journal *journal, long long id, const struct pt_owner *owner, struct pt_error *err);

/** pt_journal_list() - all changes, oldest first; @unsettled: only those open or stuck */
int pt_journal_list(struct pt_journal *journal, bool unsettled, struct pt_change_list *ret_list, struct pt_error *err);

/** pt_journal_get() - one change with its steps; -ENOENT (PT_ERROR_USAGE) when there is no such number */
int pt_journal_get(struct pt_journal *journal, long long id, struct pt_change_record *ret_record, struct pt_error *err);

/**
 * pt_journal_backup() - keep a definition as backup/CHANGE-VM.xml, 0600; never overwrites
 * @vm: hostile text; what is not [A-Za-z0-9._-] becomes _
 * @suffix: "" for the original, ".found" for one that was met where another was expected
 * @ret_path: where it is; the caller frees; NULL when not wanted
 */
int pt_journal_backup(struct pt_journal *journal, long long id, const char *vm, const char *suffix, const char *xml,
		      char **ret_path, struct pt_error *err);

#endif
