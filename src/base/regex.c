/* SPDX-License-Identifier: Apache-2.0 */
#include "base/regex.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"

/*
 * Subjects are fields of PCI addresses, four characters at most: a pattern that needs this many steps on one of them
 * nests repeats for their own sake.
 */
#define MATCH_STEPS 20000
#define MATCH_KIB   4096
#define REPEAT_MAX  32

struct pt_regex {
	pcre2_code *code;
	pcre2_match_context *context;
};

/* what follows a backslash in a Python pattern; PCRE2 knows more letters (\K, \Q, \h, ...) and means other things */
static int copy_escape(struct pt_buf *out, const char **p, struct pt_error *err)
{
	const char *s = *p + 1;
	char c = *s;
	int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

	if (!c)
		return pt_say(err, -EINVAL, "it ends in a lone backslash");
	if (isalpha((unsigned char)c) && !strchr("AbBdDsSwWZafnrtvxuU", c))
		return pt_say(err, -EINVAL, "\\%c is no escape", c);
	if (!digits) {
		pt_buf_addn(out, *p, 2);
		*p += 2;
		return 0;
	}
	for (int i = 1; i <= digits; i++)
		if (!isxdigit((unsigned char)s[i]))
			return pt_say(err, -EINVAL, "\\%c needs %d hex digits", c, digits);
	pt_buf_add(out, "\\x{");
	pt_buf_addn(out, s + 1, (size_t)digits);
	pt_buf_add(out, "}");
	*p += 2 + digits;
	return 0;
}

/* a set: Python knows no [:alpha:], so an inner bracket is a bracket */
static int copy_set(struct pt_buf *out, const char **p, struct pt_error *err)
{
	const char *s = *p + 1;

	pt_buf_add(out, "[");
	if (*s == '^')
		pt_buf_addn(out, s++, 1);
	if (*s == ']') {
		pt_buf_add(out, "\\]");
		s++;
	}
	while (*s && *s != ']') {
		if (*s == '\\') {
			int r = copy_escape(out, &s, err);

			if (r < 0)
				return r;
			continue;
		}
		if (*s == '[')
			pt_buf_add(out, "\\");
		pt_buf_addn(out, s++, 1);
	}
	if (!*s)
		return pt_say(err, -EINVAL, "a set [...] is not closed");
	pt_buf_add(out, "]");
	*p = s + 1;
	return 0;
}

/* "(?i)", "(?i-m:": Python's flags a and u say how letters are read, which PCRE2 has no word for, and L is for bytes */
static int copy_flags(struct pt_buf *out, const char **p, bool first, struct pt_error *err)
{
	const char *s = *p + 2;
	size_t on = strspn(s, "aimsux");
	size_t off = s[on] == '-' ? strspn(s + on + 1, "imsx") : 0;
	const char *end = s + on + (s[on] == '-') + off;

	if (on + off == 0 || (s[on] == '-' && !off) || (*end != ':' && (*end != ')' || off)))
		return pt_say(err, -EINVAL, "unknown extension or flag (?%.8s", s);
	if (memchr(s, 'a', on) && memchr(s, 'u', on))
		return pt_say(err, -EINVAL, "flags a and u exclude each other");
	for (size_t i = 0; i < off; i++)
		if (memchr(s, s[on + 1 + i], on))
			return pt_say(err, -EINVAL, "flag '%c' is turned on and off", s[on + 1 + i]);
	if (*end == ')' && !first)
		return pt_say(err, -EINVAL, "flags for the whole expression, (?%.8s, stand at its start", s);
	pt_buf_add(out, "(?");
	for (; s <= end; s++)
		if (*s != 'a' && *s != 'u')
			pt_buf_addn(out, s, 1);
	*p = end + 1;
	return 0;
}

/* after "(?": the extensions of Python */
static int copy_group(struct pt_buf *out, const char **p, bool first, struct pt_error *err)
{
	const char *s = *p + 2;

	if (*s == '#') {
		if (!strchr(s, ')'))
			return pt_say(err, -EINVAL, "a comment (?# is not closed");
		*p = strchr(s, ')') + 1;
		return 0;
	}
	if (*s && strchr(":=!(>", *s)) {
		pt_buf_addn(out, *p, 3);
		*p += 3;
		return 0;
	}
	if (s[0] == '<' && (s[1] == '=' || s[1] == '!')) {
		pt_buf_addn(out, *p, 4);
		*p += 4;
		return 0;
	}
	if (s[0] == 'P' && (s[1] == '<' || s[1] == '=')) {
		pt_buf_addn(out, *p, 4);
		*p += 4;
		return 0;
	}
	return copy_flags(out, p, first, err);
}

/*
 * {m,n}: {,n} and {,} begin at nought in Python and are plain text in PCRE2.  Subjects are four characters at most, so
 * that repeats beyond some dozens add nothing, while PCRE2 has a limit for them and would write groups out that often.
 */
static bool copy_repeat(struct pt_buf *out, const char **p)
{
	const char *low = *p + 1;
	size_t n_low = strspn(low, "0123456789");
	const char *high = low + n_low + (low[n_low] == ',');
	size_t n_high = low[n_low] == ',' ? strspn(high, "0123456789") : 0;
	unsigned long min = strtoul(low, NULL, 10);
	unsigned long max = strtoul(high, NULL, 10);

	if (high[n_high] != '}' || (!n_low && low[0] != ','))
		return false;
	/* in the wrong order it is for PCRE2 to say so */
	if (!n_high || min <= max || max > REPEAT_MAX) {
		min = min < REPEAT_MAX ? min : REPEAT_MAX;
		max = max < REPEAT_MAX ? max : REPEAT_MAX;
	}
	pt_buf_addf(out, "{%lu", n_low ? min : 0);
	if (low[n_low] == ',')
		pt_buf_add(out, ",");
	if (n_high)
		pt_buf_addf(out, "%lu", max);
	pt_buf_add(out, "}");
	*p = high + n_high + 1;
	return true;
}

static int from_python(const char *pattern, struct pt_buf *out, struct pt_error *err)
{
	const char *p = pattern;
	bool first = true; /* nothing but flags so far */
	int r = 0;

	while (*p && r == 0) {
		const char *token = p;

		if (*p == '\\') {
			r = copy_escape(out, &p, err);
		} else if (*p == '[') {
			r = copy_set(out, &p, err);
		} else if (p[0] == '(' && p[1] == '?') {
			r = copy_group(out, &p, first, err);
		} else if (p[0] == '(' && p[1] == '*') {
			r = pt_say(err, -EINVAL, "nothing to repeat before '*'");
		} else if (*p != '{' || !copy_repeat(out, &p)) {
			pt_buf_addn(out, p++, 1);
		}
		first = first && p > token && token[0] == '(' && p[-1] == ')';
	}
	return r;
}

int pt_regex_compile(const char *pattern, struct pt_regex **ret_regex, struct pt_error *err)
{
	PT_AUTO(pt_buf) translated = { 0 };
	struct pt_regex *regex;
	PCRE2_SIZE offset = 0;
	int code = 0;
	int r;

	if (strlen(pattern) > PT_REGEX_MAX)
		return pt_say(err, -E2BIG, "it is longer than %d characters", PT_REGEX_MAX);
	r = from_python(pattern, &translated, err);
	if (r < 0)
		return r;
	regex = pt_alloc(sizeof(*regex));
	regex->code = pcre2_compile((PCRE2_SPTR)(translated.s ? translated.s : ""), PCRE2_ZERO_TERMINATED,
				    PCRE2_ANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
	regex->context = pcre2_match_context_create(NULL);
	if (!regex->code || !regex->context) {
		PCRE2_UCHAR text[160] = "";

		(void)pcre2_get_error_message(code, text, sizeof(text));
		pt_regex_free(regex);
		return pt_say(err, -EINVAL, "%s (near character %zu)", (const char *)text, (size_t)offset);
	}
	pcre2_set_match_limit(regex->context, MATCH_STEPS);
	pcre2_set_depth_limit(regex->context, MATCH_STEPS);
	pcre2_set_heap_limit(regex->context, MATCH_KIB);
	*ret_regex = regex;
	return 0;
}

int pt_regex_match(const struct pt_regex *regex, const char *text)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int r;

	if (!data)
		return -ENOMEM;
	r = pcre2_match(regex->code, (PCRE2_SPTR)text, strlen(text), 0, PCRE2_ANCHORED, data, regex->context);
	pcre2_match_data_free(data);
	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_MATCHLIMIT || r == PCRE2_ERROR_DEPTHLIMIT || r == PCRE2_ERROR_HEAPLIMIT)
		return -ETIME;
	/* all else is a text that is not UTF-8: it matches nothing */
	return 0;
}

void pt_regex_free(struct pt_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	pcre2_match_context_free(regex->context);
	free(regex);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

bool pt_text_same_nocase(const char *a, const char *b)
{
	pcre2_match_data *data;
	pcre2_code *code;
	PCRE2_SIZE offset;
	int error;
	int r = -1;

	if (strcmp(a, b) == 0 || strcasecmp(a, b) == 0)
		return true;
	if (is_ascii(a) || is_ascii(b))
		return false;
	code = pcre2_compile((PCRE2_SPTR)a, PCRE2_ZERO_TERMINATED,
			     PCRE2_LITERAL | PCRE2_CASELESS | PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error,
			     &offset, NULL);
	data = pcre2_match_data_create(1, NULL);
	if (code && data)
		r = pcre2_match(code, (PCRE2_SPTR)b, strlen(b), 0, 0, data, NULL);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return r >= 0;
}
