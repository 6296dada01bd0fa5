/* SPDX-License-Identifier: Apache-2.0 */
/* Which members of a step are strings, and their names in JSON: one table for writing and reading.  Private to shape/.
 */
#ifndef PT_SHAPE_PLAN_FIELDS_H
#define PT_SHAPE_PLAN_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/plan.h"

struct pt_step_string {
	const char *key;
	size_t offset;
	bool secret; /* a whole definition: not for --json */
};

const struct pt_step_string *pt_step_strings(size_t *ret_n);

/* the member that a row is about */
char **pt_step_string(struct pt_step *s, const struct pt_step_string *f);
char *const *pt_step_string_const(const struct pt_step *s, const struct pt_step_string *f);

#endif
