/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects as typed values, with errors that name the place.  Used by the readers in shape/. */
#ifndef PT_SHAPE_FIELDS_H
#define PT_SHAPE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "model/bdf.h"

/* Members that are absent or null leave *ret as it is.  @where names the object: "hosts[2].devices[0]". */
int pt_field_string(const json_t *o, const char *where, const char *key, char **ret, struct pt_error *err);
int pt_field_int(const json_t *o, const char *where, const char *key, int64_t min, int64_t max, int64_t *ret,
		 struct pt_error *err);
int pt_field_bool(const json_t *o, const char *where, const char *key, bool *ret, struct pt_error *err);
/* four hex digits, or fewer, as a string */
int pt_field_id(const json_t *o, const char *where, const char *key, int64_t *ret, struct pt_error *err);
int pt_field_address(const json_t *o, const char *where, const char *key, bool *ret_given, struct pt_bdf *ret,
		     struct pt_error *err);

/* an absent or null list is an empty one; @ret is borrowed and may be NULL then */
int pt_field_list(const json_t *o, const char *where, const char *key, const json_t **ret, struct pt_error *err);

/* @o is an object and has no member but those of @keys, which ends in NULL */
int pt_field_only(const json_t *o, const char *where, const char *const *keys, struct pt_error *err);

/* @key must be there (null counts as not) */
int pt_field_need(const json_t *o, const char *where, const char *key, struct pt_error *err);

const char *pt_json_kind(const json_t *json); /* "a string", ... */

#endif
