/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the members of a JSON object, or the items of a list, begin and end in their text, so that a long text need not
 * be a tree all at once.  Sees brackets, strings and commas only: what is between them is for a parser to judge.
 */
#ifndef PT_SHAPE_JSONSPAN_H
#define PT_SHAPE_JSONSPAN_H

#include <stdbool.h>
#include <stddef.h>

struct pt_span {
	const char *p;
	size_t n;
};

/*
 * @at: how far it has come; after a failure: where the text is wrong
 * @within: it is a value of something larger, so more may follow its end
 */
struct pt_json_walk {
	const char *at;
	const char *end;
	char close;
	bool started;
	bool within;
};

/** pt_json_walk_begin() - @open is '{' or '['; -EINVAL when the text does not begin so */
int pt_json_walk_begin(struct pt_json_walk *w, struct pt_span text, char open);

/**
 * pt_json_walk_next() - the next member or item
 * @ret_key: of a member, with its quotes; empty for items of a list
 *
 * Return: 1; 0 when there is none left and only blanks follow; -EINVAL.
 */
int pt_json_walk_next(struct pt_json_walk *w, struct pt_span *ret_key, struct pt_span *ret_value);

/*
 * The same in two parts, for who may know the value by sight: after pt_json_walk_key() w->at is where it begins, and
 * pt_json_walk_value(), or who puts w->at behind its end, goes on.
 */
int pt_json_walk_key(struct pt_json_walk *w, struct pt_span *ret_key);
int pt_json_walk_value(struct pt_json_walk *w, struct pt_span *ret_value);

/** pt_json_walk_into() - the value at w->at, an object; afterwards w->at is to be set to @ret_inner's */
int pt_json_walk_into(const struct pt_json_walk *w, struct pt_json_walk *ret_inner);

#endif
