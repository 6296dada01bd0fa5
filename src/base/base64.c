/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

char *pt_base64_encode(const void *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = data;
	char *text = pt_alloc((size + 2) / 3 * 4 + 1);
	char *out = text;

	for (size_t i = 0; i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		unsigned bits = (unsigned)in[i] << 16;

		if (n > 1)
			bits |= (unsigned)in[i + 1] << 8;
		if (n > 2)
			bits |= in[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = (char)(n > 1 ? digits[bits >> 6 & 63] : '=');
		*out++ = (char)(n > 2 ? digits[bits & 63] : '=');
	}
	return text;
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pt_base64_append(struct pt_buf *out, const char *text)
{
	size_t n = strlen(text);
	unsigned value = 0;
	unsigned bits = 0;
	char part[768];
	size_t used = 0;

	while (n > 0 && text[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return false;
		value = (value << 6 | (unsigned)d) & 0xffffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		part[used++] = (char)(value >> bits);
		if (used == sizeof(part)) {
			pt_buf_addn(out, part, used);
			used = 0;
		}
	}
	pt_buf_addn(out, part, used);
	return true;
}
