/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as JSON: the one shape of doctor, plans and refusals, for the CLI and later the API. */
#ifndef PT_SHAPE_FINDING_H
#define PT_SHAPE_FINDING_H

#include <jansson.h>

#include "base/error.h"
#include "model/finding.h"

/**
 * pt_finding_json() - {"verdict", "name", "fact", "where"?, "fix"?, "forceable"?}
 *
 * Text that is no UTF-8 (a captured host's) is shown with '?' in place of the bytes that are none.  Return: a new
 * reference, never NULL.
 */
json_t *pt_finding_json(const struct pt_finding *finding);

/** pt_error_json() - {"kind": "failed"|"usage"|"refused"|"interrupted", "message", "hint"?, "refusal"?, "forceable"?};
 * as above */
json_t *pt_error_json(const struct pt_error *err);

/** pt_findings_json() - an array of them, in order */
json_t *pt_findings_json(const struct pt_findings *findings);

#endif
