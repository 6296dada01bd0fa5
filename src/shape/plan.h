/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans and steps as JSON: the journal's form, and what --json prints.  Format 1.  Reading is strict: what is unknown,
 * missing or of the wrong type is refused, since a step that is half understood must not be made.
 */
#ifndef PT_SHAPE_PLAN_H
#define PT_SHAPE_PLAN_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "model/plan.h"

#define PT_PLAN_FORMAT 1

/**
 * pt_step_to_json() - one step
 * @secrets: with the definitions (xml_before, xml_after) as they are, passwords included: for the journal only
 *
 * Return: a new reference, or NULL with a message when a string in it is not UTF-8.
 */
json_t *pt_step_to_json(const struct pt_step *step, bool secrets, struct pt_error *err);

/** pt_step_from_json() - -EBADMSG with what is wrong and where */
int pt_step_from_json(const json_t *json, struct pt_step *ret_step, struct pt_error *err);

/** pt_plan_to_json() - a whole plan, as pt_step_to_json() */
json_t *pt_plan_to_json(const struct pt_plan *plan, bool secrets, struct pt_error *err);

/** pt_plan_from_json() - -EBADMSG; -EPROTONOSUPPORT for a format newer than ours */
int pt_plan_from_json(const json_t *json, struct pt_plan *ret_plan, struct pt_error *err);

/** pt_step_to_text(), pt_step_from_text() - the same as compact text; the caller frees; NULL or -EBADMSG as above */
char *pt_step_to_text(const struct pt_step *step, struct pt_error *err);
int pt_step_from_text(const char *text, struct pt_step *ret_step, struct pt_error *err);

#endif
