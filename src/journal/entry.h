/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind struct pt_journal.  Private to journal/. */
#ifndef PT_JOURNAL_ENTRY_H
#define PT_JOURNAL_ENTRY_H

#include "db/db.h"

struct pt_journal {
	struct pt_db *db;
};

#endif
