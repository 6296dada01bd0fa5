/* SPDX-License-Identifier: Apache-2.0 */
/* A stage's fakes and its journal, to begin again from. */
#ifndef PT_TESTS_SAVED_H
#define PT_TESTS_SAVED_H

#include "stage.h"

struct saved;

/** saved_new() - as it is now; the journal must be closed, here and for a restore */
struct saved *saved_new(const struct stage *w);
void saved_restore(const struct saved *saved, struct stage *w);
void saved_free(struct saved *saved);

#endif
