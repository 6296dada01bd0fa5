/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INI text in the reading of oslo.config, so that a nova.conf is understood as it is: `=` or `:`, an indented line goes
 * on with the value above it, repeated keys add up, one pair of quotes around a value is dropped.  Reads text, not
 * files.
 */
#ifndef PT_BASE_INI_H
#define PT_BASE_INI_H

#include <stddef.h>

#include "base/error.h"

/* the most that is read of one text */
#define PT_INI_MAX ((size_t)1 << 20)

/**
 * struct pt_ini_entry - one assignment; owns its strings
 * @section: "DEFAULT" above the first heading
 * @value: lines of a continued value joined by a newline
 * @line: where the assignment begins, from 1
 */
struct pt_ini_entry {
	char *section;
	char *key;
	char *value;
	unsigned line;
};

struct pt_ini {
	struct pt_ini_entry *v;
	size_t n;
	size_t cap;
};

/**
 * pt_ini_parse() - read a text
 * @name: the file's, for messages ("FILE:LINE: ...")
 *
 * Return: 0; -EINVAL for a malformed line, -EFBIG for more than PT_INI_MAX, both PT_ERROR_USAGE.
 */
int pt_ini_parse(const char *text, const char *name, struct pt_ini *ret_ini, struct pt_error *err);

void pt_ini_done(struct pt_ini *ini);

#endif
