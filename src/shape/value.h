/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to struct pt_value and back.  Knows nothing of what the values mean. */
#ifndef PT_SHAPE_VALUE_H
#define PT_SHAPE_VALUE_H

#include <jansson.h>

#include "base/error.h"
#include "model/value.h"

/* deeper nesting than this is refused: nothing that is read here has more than four levels */
#define PT_VALUE_DEPTH 32

/** pt_value_from_json() - copy; -ELOOP when nested deeper than PT_VALUE_DEPTH */
int pt_value_from_json(const json_t *json, struct pt_value *ret_value, struct pt_error *err);

/** pt_value_parse() - JSON text; -EINVAL with a message that says where it stops being JSON */
int pt_value_parse(const char *text, struct pt_value *ret_value, struct pt_error *err);

/** pt_value_json() - back to JSON */
json_t *pt_value_json(const struct pt_value *value);

#endif
