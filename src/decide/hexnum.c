/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/hexnum.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

static const char *skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

int pt_hexnum_parse(const char *text, int64_t *ret_value)
{
	const char *p = skip_blanks(text);
	bool negative = *p == '-';
	bool after_digit;
	int64_t value = 0;

	if (*p == '-' || *p == '+')
		p++;
	/* int() allows an underscore after the prefix as well */
	after_digit = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	if (after_digit)
		p += 2;
	if (!after_digit && pt_hex_digit(*p) < 0)
		return -EINVAL;
	for (;; p++) {
		int digit = pt_hex_digit(*p);

		if (*p == '_' && after_digit && pt_hex_digit(p[1]) >= 0)
			continue;
		if (digit < 0)
			break;
		after_digit = true;
		if (value > INT64_MAX / 32)
			value = INT64_MAX / 32;
		value = value * 16 + digit;
	}
	if (pt_hex_digit(p[-1]) < 0 || *skip_blanks(p))
		return -EINVAL;
	*ret_value = negative ? -value : value;
	return 0;
}

char *pt_text_strip(const char *text)
{
	const char *p = skip_blanks(text);
	size_t n = strlen(p);

	while (n && isspace((unsigned char)p[n - 1]))
		n--;
	return pt_strndup(p, n);
}
