/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/jsonspan.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct pt_json_walk *w)
{
	while (w->at < w->end && is_blank(*w->at))
		w->at++;
}

/* the next character, if it is this one, is behind us */
static bool take(struct pt_json_walk *w, char c)
{
	skip_blanks(w);
	if (w->at == w->end || *w->at != c)
		return false;
	w->at++;
	return true;
}

/* @at is on the opening quote */
static bool skip_string(struct pt_json_walk *w)
{
	for (w->at++; w->at < w->end; w->at++) {
		if (*w->at == '"') {
			w->at++;
			return true;
		}
		if (*w->at == '\\')
			w->at++;
	}
	w->at = w->end;
	return false;
}

static bool skip_value(struct pt_json_walk *w)
{
	size_t depth = 0;

	while (w->at < w->end) {
		char c = *w->at;

		if (c == '"') {
			if (!skip_string(w))
				return false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			return true;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		w->at++;
	}
	return depth == 0;
}

int pt_json_walk_begin(struct pt_json_walk *w, struct pt_span text, char open)
{
	*w = (struct pt_json_walk){ .at = text.p, .end = text.p + text.n, .close = open == '{' ? '}' : ']' };
	return take(w, open) ? 0 : -EINVAL;
}

static int at_end(struct pt_json_walk *w)
{
	skip_blanks(w);
	return w->at == w->end ? 0 : -EINVAL;
}

int pt_json_walk_into(const struct pt_json_walk *w, struct pt_json_walk *ret_inner)
{
	int r = pt_json_walk_begin(ret_inner, (struct pt_span){ w->at, (size_t)(w->end - w->at) }, '{');

	ret_inner->within = true;
	return r;
}

int pt_json_walk_key(struct pt_json_walk *w, struct pt_span *ret_key)
{
	struct pt_span key = { w->at, 0 };

	if (take(w, w->close))
		return w->within ? 0 : at_end(w);
	if (w->started && !take(w, ','))
		return -EINVAL;
	w->started = true;
	skip_blanks(w);
	if (w->close == '}') {
		key.p = w->at;
		if (w->at == w->end || *w->at != '"' || !skip_string(w))
			return -EINVAL;
		key.n = (size_t)(w->at - key.p);
		if (!take(w, ':'))
			return -EINVAL;
		skip_blanks(w);
	}
	*ret_key = key;
	return 1;
}

int pt_json_walk_value(struct pt_json_walk *w, struct pt_span *ret_value)
{
	struct pt_span value = { w->at, 0 };

	if (!skip_value(w))
		return -EINVAL;
	value.n = (size_t)(w->at - value.p);
	while (value.n && is_blank(value.p[value.n - 1]))
		value.n--;
	if (!value.n)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int pt_json_walk_next(struct pt_json_walk *w, struct pt_span *ret_key, struct pt_span *ret_value)
{
	int r = pt_json_walk_key(w, ret_key);

	if (r <= 0)
		return r;
	return pt_json_walk_value(w, ret_value) < 0 ? -EINVAL : 1;
}
