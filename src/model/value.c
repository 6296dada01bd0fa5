/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/regex.h"

#define SHOW_MAX 300

const char *pt_value_kind_str(enum pt_value_kind kind)
{
	static const char *const names[] = { "null",	 "true or false", "a number", "a number",
					     "a string", "a list",	  "an object" };

	return names[kind];
}

static size_t find(const struct pt_value *v, const char *key)
{
	for (size_t i = 0; v->kind == PT_VALUE_OBJECT && i < v->n; i++)
		if (strcmp(v->keys[i], key) == 0)
			return i;
	return v->n;
}

const struct pt_value *pt_value_get(const struct pt_value *v, const char *key)
{
	size_t i = v->kind == PT_VALUE_OBJECT ? find(v, key) : v->n;

	return i < v->n ? &v->items[i] : NULL;
}

void pt_value_set(struct pt_value *v, const char *key, struct pt_value item)
{
	size_t i = find(v, key);

	if (i < v->n) {
		pt_value_done(&v->items[i]);
	} else {
		v->items = pt_realloc(v->items, v->n + 1, sizeof(*v->items));
		v->keys = pt_realloc(v->keys, v->n + 1, sizeof(*v->keys));
		v->keys[v->n++] = pt_strdup(key);
	}
	v->items[i] = item;
}

void pt_value_drop(struct pt_value *v, const char *key)
{
	size_t i = find(v, key);

	if (i >= v->n)
		return;
	pt_value_done(&v->items[i]);
	free(v->keys[i]);
	v->n--;
	memmove(&v->items[i], &v->items[i + 1], (v->n - i) * sizeof(*v->items));
	memmove(&v->keys[i], &v->keys[i + 1], (v->n - i) * sizeof(*v->keys));
}

struct pt_value pt_value_string(const char *text)
{
	return (struct pt_value){ .kind = PT_VALUE_STRING, .text = pt_strdup(text) };
}

struct pt_value pt_value_copy(const struct pt_value *v)
{
	struct pt_value copy = *v;

	copy.text = pt_strdup_opt(v->text);
	copy.items = v->n ? pt_alloc(v->n * sizeof(*v->items)) : NULL;
	copy.keys = v->n && v->keys ? pt_alloc(v->n * sizeof(*v->keys)) : NULL;
	for (size_t i = 0; i < v->n; i++) {
		copy.items[i] = pt_value_copy(&v->items[i]);
		if (copy.keys)
			copy.keys[i] = pt_strdup(v->keys[i]);
	}
	return copy;
}

static bool is_number(const struct pt_value *v)
{
	return v->kind == PT_VALUE_BOOL || v->kind == PT_VALUE_INT || v->kind == PT_VALUE_REAL;
}

static bool same_number(const struct pt_value *a, const struct pt_value *b)
{
	long long x = a->kind == PT_VALUE_BOOL ? a->truth : a->number;
	long long y = b->kind == PT_VALUE_BOOL ? b->truth : b->number;

	if (a->kind != PT_VALUE_REAL && b->kind != PT_VALUE_REAL)
		return x == y;
	return (a->kind == PT_VALUE_REAL ? a->real : (double)x) == (b->kind == PT_VALUE_REAL ? b->real : (double)y);
}

bool pt_value_same(const struct pt_value *a, const struct pt_value *b)
{
	if (is_number(a) && is_number(b))
		return same_number(a, b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == PT_VALUE_STRING)
		return strcmp(a->text, b->text) == 0;
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct pt_value *other = a->kind == PT_VALUE_OBJECT ? pt_value_get(b, a->keys[i]) : &b->items[i];

		if (!other || !pt_value_same(&a->items[i], other))
			return false;
	}
	return true;
}

static bool has_all(const struct pt_value *want, const struct pt_value *have)
{
	for (size_t i = 0; i < want->n; i++) {
		size_t j = 0;

		while (j < have->n && !pt_value_same(&want->items[i], &have->items[j]))
			j++;
		if (j == have->n)
			return false;
	}
	return true;
}

bool pt_value_serves(const struct pt_value *want, const struct pt_value *have)
{
	static const struct pt_value null;

	want = want ? want : &null;
	have = have ? have : &null;
	if (want->kind == PT_VALUE_LIST && have->kind == PT_VALUE_LIST)
		return has_all(want, have);
	if (want->kind == PT_VALUE_STRING && have->kind == PT_VALUE_STRING)
		return pt_text_same_nocase(want->text, have->text);
	return pt_value_same(want, have);
}

static void show(struct pt_buf *b, const struct pt_value *v)
{
	bool object = v->kind == PT_VALUE_OBJECT;

	if (b->n > SHOW_MAX)
		return;
	switch (v->kind) {
	case PT_VALUE_NULL:
		pt_buf_add(b, "null");
		break;
	case PT_VALUE_BOOL:
		pt_buf_add(b, v->truth ? "true" : "false");
		break;
	case PT_VALUE_INT:
		pt_buf_addf(b, "%lld", v->number);
		break;
	case PT_VALUE_REAL:
		pt_buf_addf(b, "%g", v->real);
		break;
	case PT_VALUE_STRING:
		pt_buf_addf(b, "\"%.300s\"", v->text);
		break;
	case PT_VALUE_LIST:
	case PT_VALUE_OBJECT:
		pt_buf_add(b, object ? "{" : "[");
		for (size_t i = 0; i < v->n && b->n <= SHOW_MAX; i++) {
			pt_buf_add(b, i ? ", " : "");
			if (object)
				pt_buf_addf(b, "\"%.100s\": ", v->keys[i]);
			show(b, &v->items[i]);
		}
		pt_buf_add(b, object ? "}" : "]");
		break;
	}
}

char *pt_value_show(const struct pt_value *v)
{
	struct pt_buf b = { 0 };

	show(&b, v);
	if (b.n > SHOW_MAX) {
		size_t cut = SHOW_MAX;

		/* not in the middle of a character */
		while (cut && ((unsigned char)b.s[cut] & 0xc0) == 0x80)
			cut--;
		b.s[cut] = '\0';
		b.n = cut;
		pt_buf_add(&b, "...");
	}
	return pt_buf_take(&b);
}

void pt_value_done(struct pt_value *v)
{
	for (size_t i = 0; i < v->n; i++) {
		pt_value_done(&v->items[i]);
		if (v->keys)
			free(v->keys[i]);
	}
	free(v->items);
	free(v->keys);
	free(v->text);
	*v = (struct pt_value){ 0 };
}
