/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and blanks as Python's int() and str.strip() read them, since configuration was written for those. */
#ifndef PT_DECIDE_HEXNUM_H
#define PT_DECIDE_HEXNUM_H

#include <stdint.h>

/**
 * pt_hexnum_parse() - int(text, 16): blanks around, a sign, 0x, single underscores between digits
 *
 * Return: 0, or -EINVAL; what does not fit becomes INT64_MAX, which is more than any maximum.
 */
int pt_hexnum_parse(const char *text, int64_t *ret_value);

/** pt_text_strip() - without blanks at both ends; the caller frees */
char *pt_text_strip(const char *text);

#endif
