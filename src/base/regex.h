/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions as Python's `re.match` reads them, bounded in time whatever is typed.  PCRE2 does the work; what
 * it would read differently from Python is translated, and what Python would refuse is refused.
 */
#ifndef PT_BASE_REGEX_H
#define PT_BASE_REGEX_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"

/* the longest pattern that is read */
#define PT_REGEX_MAX 4096

struct pt_regex;

/**
 * pt_regex_compile() - read a pattern
 * @ret_regex: yours; pt_regex_free()
 *
 * Return: 0; -EINVAL with a message (without the pattern's own text) when it is none; -E2BIG when it is too long.
 */
int pt_regex_compile(const char *pattern, struct pt_regex **ret_regex, struct pt_error *err);

/**
 * pt_regex_match() - does @text begin with a match (anchored at the start only, as re.match)
 *
 * Return: 1, 0, or -ETIME when the pattern needs more steps than any sane one on a text of this size.
 */
int pt_regex_match(const struct pt_regex *regex, const char *text);

void pt_regex_free(struct pt_regex *regex);
PT_DEFINE_CLEANUP(struct pt_regex *, pt_regex_free)

/** pt_text_same_nocase() - equal but for the case of letters, of any script when both are UTF-8 */
bool pt_text_same_nocase(const char *a, const char *b);

#endif
