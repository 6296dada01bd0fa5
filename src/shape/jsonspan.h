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

/* @at: how far it has come; after a failure: where the text is wrong */
struct pt_json_walk {
	const char *at;
	const char *end;
	char close;
	bool started;
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

#endif
