/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* length of the UTF-8 character at @s, RFC 3629 section 4; 0 when it is none */
static size_t utf8_length(const unsigned char *s)
{
	static const unsigned char least[] = { 0, 0, 0x80, 0xa0, 0x90 };
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, and what is above U+10FFFF */
	if ((s[0] == 0xe0 || s[0] == 0xf0) && s[1] < least[n])
		return 0;
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	/* U+0080 to U+009F are control characters too: terminals read 0x9b as the start of a sequence */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

static char *clean(char *s, unsigned char stays)
{
	unsigned char *p = (unsigned char *)s;

	while (*p) {
		size_t n = (*p >= 0x20 && *p < 0x7f) || *p == stays ? 1 : utf8_length(p);

		if (n == 0) {
			*p = '?';
			n = 1;
		}
		p += n;
	}
	return s;
}

char *pt_text_clean(char *s)
{
	return clean(s, ' ');
}

char *pt_text_clean_lines(char *s)
{
	return clean(s, '\n');
}

char *pt_text_trim(char *s)
{
	size_t start = strspn(s, " \t\r\n");
	size_t n = strlen(s + start);

	while (n && strchr(" \t\r\n", s[start + n - 1]))
		n--;
	memmove(s, s + start, n);
	s[n] = '\0';
	return s;
}

struct pt_shell_word pt_shell(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
	struct pt_shell_word w = { "" };
	size_t n = strlen(word);
	size_t at = 0;

	if (n && n < sizeof(w.s) && strspn(word, plain) == n) {
		memcpy(w.s, word, n);
		return w;
	}
	w.s[at++] = '\'';
	/* room for a quoted quote, the last quote and the end */
	for (const char *c = word; *c && at + 6 <= sizeof(w.s); c++) {
		const char *as = *c == '\'' ? "'\\''" : (char[]){ *c, '\0' };

		memcpy(w.s + at, as, strlen(as));
		at += strlen(as);
	}
	w.s[at] = '\'';
	return w;
}

int pt_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
