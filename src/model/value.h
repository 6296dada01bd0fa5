/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value as a person wrote it in JSON: configuration tags and request specs are compared with each other by the rules
 * of the language they were made for (Python), so their kinds are kept.  Plain data; shape/value.h reads and writes
 * JSON.
 */
#ifndef PT_MODEL_VALUE_H
#define PT_MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>

enum pt_value_kind {
	PT_VALUE_NULL = 0,
	PT_VALUE_BOOL,
	PT_VALUE_INT,
	PT_VALUE_REAL,
	PT_VALUE_STRING,
	PT_VALUE_LIST,
	PT_VALUE_OBJECT,
};

/**
 * struct pt_value - owns everything in it
 * @text: of a string; @keys: of an object, one an item, in the order written
 */
struct pt_value {
	enum pt_value_kind kind;
	bool truth;
	long long number;
	double real;
	char *text;
	char **keys;
	struct pt_value *items;
	size_t n;
};

const char *pt_value_kind_str(enum pt_value_kind kind); /* "null", "a string", ... */

/** pt_value_get() - a member of an object, NULL when absent (or when @v is no object) */
const struct pt_value *pt_value_get(const struct pt_value *v, const char *key);

/** pt_value_set() - add or replace a member of an object; @item becomes the object's */
void pt_value_set(struct pt_value *v, const char *key, struct pt_value item);

/** pt_value_drop() - take a member out of an object, if it is there */
void pt_value_drop(struct pt_value *v, const char *key);

struct pt_value pt_value_string(const char *text);
struct pt_value pt_value_copy(const struct pt_value *v);

/** pt_value_same() - equal as in Python: 1, 1.0 and true are, "1" is not; strings with their case */
bool pt_value_same(const struct pt_value *a, const struct pt_value *b);

/**
 * pt_value_serves() - does what a pool has satisfy what a request wants, by Nova's rule
 * @want, @have: NULL is the same as null
 *
 * Two lists: every item wanted is had.  Two strings: equal but for case.  All else: equal.
 */
bool pt_value_serves(const struct pt_value *want, const struct pt_value *have);

/** pt_value_show() - as it would be written, for messages; cut after some hundred characters; the caller frees */
char *pt_value_show(const struct pt_value *v);

void pt_value_done(struct pt_value *v);

#endif
