/* SPDX-License-Identifier: Apache-2.0 */
#include "host/secrets.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define KEY_LENGTH   3 /* every form is at least so long; the hash is of these bytes */
#define INDEX_SIZE   65536
#define SHORT	     6 /* shorter ones are replaced as words only */
#define MAC_BYTES    6
#define MAC_TEXT     17
#define UUID_TEXT    36
#define WWN_SHORT    16
#define WWN_LONG     32
#define SERIAL_MAX   256
#define COMMON_LEAST 3

static size_t hash(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	return (p[0] * 31u * 31u + p[1] * 31u + p[2]) % INDEX_SIZE;
}

static void add_form(struct pt_secrets *s, const char *from, const char *to, bool word, bool host)
{
	struct pt_secret_form *f;

	if (strlen(from) < KEY_LENGTH)
		return;
	f = pt_array_add(&s->forms);
	f->from = pt_strdup(from);
	f->to = pt_strdup(to);
	f->n = strlen(from);
	f->word = word;
	f->host = host;
	free(s->index);
	s->index = NULL;
}

static char *map(const char *s, int (*each)(int c))
{
	char *copy = pt_strdup(s);

	for (char *p = copy; *p; p++)
		*p = (char)each((unsigned char)*p);
	return copy;
}

static int blank_to_underscore(int c)
{
	return c == ' ' ? '_' : c;
}

static int colon_to_dash(int c)
{
	return c == ':' ? '-' : c;
}

static char *without(const char *s, char drop)
{
	char *copy = pt_strdup(s);
	char *to = copy;

	for (const char *p = s; *p; p++)
		if (*p != drop)
			*to++ = *p;
	*to = '\0';
	return copy;
}

static char *in_hex(const char *s)
{
	char *hex = pt_alloc(strlen(s) * 2 + 1);

	for (size_t i = 0; s[i]; i++)
		(void)snprintf(hex + i * 2, 3, "%02x", (unsigned char)s[i]);
	return hex;
}

/* each form that differs from the one before; @forms: NULL-terminated pairs */
static void add_cases(struct pt_secrets *s, const char *from, const char *to, bool word)
{
	pt_autofree char *lower = map(from, tolower);
	pt_autofree char *lower_to = map(to, tolower);
	pt_autofree char *upper = map(from, toupper);
	pt_autofree char *upper_to = map(to, toupper);

	add_form(s, from, to, word, false);
	if (strcmp(lower, from) != 0)
		add_form(s, lower, lower_to, word, false);
	if (strcmp(upper, from) != 0)
		add_form(s, upper, upper_to, word, false);
}

/* "XXXXXXXXXX0001", as long as the original, so that lengths noted elsewhere stay right */
static char *numbered(size_t length, char fill, unsigned number)
{
	char digits[16];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%u", number);
	char *text = pt_alloc((length > n ? length : n) + 1);

	memset(text, fill, length > n ? length - n : 0);
	memcpy(text + (length > n ? length - n : 0), digits, n + 1);
	return text;
}

static void add_serial(struct pt_secrets *s, const char *value)
{
	pt_autofree char *to = numbered(strlen(value), 'X', ++s->numbers[PT_SECRET_SERIAL]);
	pt_autofree char *mangled = map(value, blank_to_underscore);
	pt_autofree char *hex = in_hex(value);
	pt_autofree char *hex_to = in_hex(to);
	bool word = strlen(value) < SHORT;

	add_cases(s, value, to, word);
	if (strcmp(mangled, value) != 0)
		add_cases(s, mangled, to, word);
	/* drivers/nvme/host/core.c makes a wwid of serial and model in hexadecimal where there is nothing better */
	add_cases(s, hex, hex_to, false);
}

/* the interface part of an IPv6 address made from a MAC (RFC 4291, appendix A), as in /proc/net/if_inet6 */
static char *eui64(const char *mac)
{
	unsigned b[MAC_BYTES] = { 0 };

	(void)sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]);
	return pt_strf("%02x%02x%02xfffe%02x%02x%02x", b[0] ^ 2, b[1], b[2], b[3], b[4], b[5]);
}

/* the maker's half stays, since it says which card it is; a number that is a real one here is not used */
static char *next_mac(struct pt_secrets *s, const char *mac)
{
	for (;;) {
		unsigned n = ++s->numbers[PT_SECRET_MAC];
		pt_autofree char *to =
			pt_strf("%.8s:%02x:%02x:%02x", mac, 0xf0 | (n >> 16 & 0xf), n >> 8 & 0xff, n & 0xff);
		bool real = false;

		for (size_t i = 0; i < s->forms.n && !real; i++)
			real = strcmp(s->forms.v[i].from, to) == 0;
		if (!real && strcmp(to, mac) != 0)
			return pt_take_ptr(to);
	}
}

static void add_mac(struct pt_secrets *s, const char *value)
{
	pt_autofree char *mac = map(value, tolower);
	pt_autofree char *to = next_mac(s, mac);
	pt_autofree char *plain = without(mac, ':');
	pt_autofree char *plain_to = without(to, ':');
	pt_autofree char *eui = eui64(mac);
	pt_autofree char *eui_to = eui64(to);
	pt_autofree char *dashes = map(mac, colon_to_dash);
	pt_autofree char *dashes_to = map(to, colon_to_dash);

	add_cases(s, mac, to, false);
	add_cases(s, plain, plain_to, false);
	add_cases(s, dashes, dashes_to, false);
	add_cases(s, eui, eui_to, false);
}

/* the first digit stays: it says which kind of name it is (NAA 5, 6, ...) */
static void add_wwn(struct pt_secrets *s, const char *value)
{
	pt_autofree char *from = map(value, tolower);
	pt_autofree char *to = pt_strf("%c%0*x", from[0], (int)strlen(value) - 1, ++s->numbers[PT_SECRET_WWN]);

	add_cases(s, from, to, false);
}

static void add_uuid(struct pt_secrets *s, const char *value)
{
	pt_autofree char *from = map(value, tolower);
	pt_autofree char *to = pt_strf("00000000-0000-4000-8000-%012x", ++s->numbers[PT_SECRET_UUID]);
	pt_autofree char *plain = without(from, '-');
	pt_autofree char *plain_to = without(to, '-');

	add_cases(s, from, to, false);
	add_cases(s, plain, plain_to, false);
}

static void add_host(struct pt_secrets *s, const char *value)
{
	pt_autofree char *to = numbered(strlen(value), 'h', ++s->numbers[PT_SECRET_HOST]);
	const char *dot = strchr(value, '.');
	/* device-mapper doubles the dashes within a name: vg "web-1" is /dev/mapper/web--1-root */
	PT_CLEANUP(pt_buf_done) struct pt_buf doubled = { 0 };

	add_form(s, value, to, true, true);
	for (const char *p = value; *p; p++)
		pt_buf_addf(&doubled, "%s%c", *p == '-' ? "-" : "", *p);
	if (doubled.s && strcmp(doubled.s, value) != 0)
		add_form(s, doubled.s, to, true, true);
	if (dot && dot > value) {
		pt_autofree char *first = pt_strndup(value, (size_t)(dot - value));

		pt_secrets_add(s, PT_SECRET_HOST, first);
	}
}

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdefABCDEF");
}

static bool is_mac(const char *s)
{
	for (size_t i = 0; i < MAC_TEXT; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool is_uuid(const char *s)
{
	static const size_t groups[] = { 8, 4, 4, 4, 12 };

	for (size_t i = 0; i < 5; i++) {
		if (hex_run(s) != groups[i] || (i < 4 && s[groups[i]] != '-'))
			return false;
		s += groups[i] + 1;
	}
	return true;
}

static bool is_wwn(const char *s)
{
	size_t n;

	if (pt_startswith(s, "0x"))
		s += 2;
	n = hex_run(s);
	return (n == WWN_SHORT || n == WWN_LONG) && s[n] == '\0' && s[0] != '0';
}

/* what firmware writes where nobody set a serial number, and what would hurt everything if it were replaced */
static bool is_common(const char *value)
{
	static const char *const words[] = { "none",
					     "n/a",
					     "unknown",
					     "default string",
					     "not specified",
					     "to be filled by o.e.m.",
					     "system serial number",
					     "0123456789",
					     "localhost",
					     "localhost.localdomain",
					     "(none)",
					     "00:00:00:00:00:00",
					     "ff:ff:ff:ff:ff:ff" };
	size_t n = strlen(value);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], value) == 0)
			return true;
	/* one character again and again; a number so short that it is everywhere */
	return n < COMMON_LEAST || n > SERIAL_MAX || strspn(value, (char[]){ value[0], '\0' }) == n ||
	       (n < SHORT && strspn(value, "0123456789") == n);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_new(struct pt_secrets *s, const char *value)
{
	const char *key = value;

	if (s->seen.n && bsearch(&key, s->seen.v, s->seen.n, sizeof(*s->seen.v), compare_text))
		return false;
	pt_strv_add(&s->seen, value);
	/* one insertion into a sorted list */
	for (size_t i = s->seen.n - 1; i > 0 && strcmp(s->seen.v[i - 1], s->seen.v[i]) > 0; i--) {
		char *swap = s->seen.v[i];

		s->seen.v[i] = s->seen.v[i - 1];
		s->seen.v[i - 1] = swap;
	}
	return true;
}

/* by its form, whoever brings it: a file system's UUID is one whether udev calls it so or not */
static enum pt_secret_kind kind_of(enum pt_secret_kind kind, const char *value)
{
	if (strlen(value) == MAC_TEXT && is_mac(value))
		return PT_SECRET_MAC;
	if (strlen(value) == UUID_TEXT && is_uuid(value))
		return PT_SECRET_UUID;
	/* udev gives the WWN of a SAS disk as its serial as well: both must become the same */
	if (kind != PT_SECRET_HOST && is_wwn(value))
		return PT_SECRET_WWN;
	return kind == PT_SECRET_HOST ? PT_SECRET_HOST : PT_SECRET_SERIAL;
}

void pt_secrets_add(struct pt_secrets *s, enum pt_secret_kind kind, const char *value)
{
	pt_autofree char *key = NULL;

	if (!value || is_common(value))
		return;
	kind = kind_of(kind, value);
	if (kind == PT_SECRET_WWN && pt_startswith(value, "0x"))
		value += strlen("0x");
	key = kind == PT_SECRET_SERIAL || kind == PT_SECRET_HOST ? pt_strdup(value) : map(value, tolower);
	if (!is_new(s, key))
		return;
	switch (kind) {
	case PT_SECRET_MAC:
		add_mac(s, value);
		break;
	case PT_SECRET_UUID:
		add_uuid(s, value);
		break;
	case PT_SECRET_WWN:
		add_wwn(s, value);
		break;
	case PT_SECRET_HOST:
		add_host(s, value);
		break;
	case PT_SECRET_SERIAL:
		add_serial(s, value);
		break;
	}
}

/* a WWN by what stands before it; a bare number of 16 digits may be anything */
static size_t wwn_at(const char *s)
{
	static const char *const before[] = { "0x", "naa.", "eui." };

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		const char *digits = s + strlen(before[i]);
		size_t n = pt_startswith(s, before[i]) ? hex_run(digits) : 0;

		if ((n == WWN_SHORT || n == WWN_LONG) && digits[0] != '0')
			return strlen(before[i]);
	}
	return 0;
}

static bool edge(char c)
{
	return !isxdigit((unsigned char)c) && c != ':' && c != '-';
}

void pt_secrets_sweep(struct pt_secrets *s, const char *text)
{
	for (const char *p = text; *p; p++) {
		bool start = p == text || !isxdigit((unsigned char)p[-1]);
		size_t skip = start ? wwn_at(p) : 0;

		if (skip) {
			pt_autofree char *wwn = pt_strndup(p + skip, hex_run(p + skip));

			pt_secrets_add(s, PT_SECRET_WWN, wwn);
			p += skip + strlen(wwn) - 1;
		} else if (start && strnlen(p, UUID_TEXT) == UUID_TEXT && is_uuid(p)) {
			pt_autofree char *uuid = pt_strndup(p, UUID_TEXT);

			pt_secrets_add(s, PT_SECRET_UUID, uuid);
			p += UUID_TEXT - 1;
		} else if ((p == text || edge(p[-1])) && strnlen(p, MAC_TEXT) == MAC_TEXT && is_mac(p) &&
			   edge(p[MAC_TEXT])) {
			pt_autofree char *mac = pt_strndup(p, MAC_TEXT);

			pt_secrets_add(s, PT_SECRET_MAC, mac);
			p += MAC_TEXT - 1;
		}
	}
}

/* longest first, so that a serial goes before the one that it begins with */
static int compare_forms(const void *a, const void *b)
{
	const struct pt_secret_form *x = a;
	const struct pt_secret_form *y = b;

	return x->n == y->n ? strcmp(x->from, y->from) : x->n < y->n ? -1 : 1;
}

static void make_index(struct pt_secrets *s)
{
	if (s->index)
		return;
	s->index = pt_alloc(INDEX_SIZE * sizeof(*s->index));
	if (s->forms.n)
		qsort(s->forms.v, s->forms.n, sizeof(*s->forms.v), compare_forms);
	for (size_t i = 0; i < s->forms.n; i++) {
		size_t *slot = &s->index[hash(s->forms.v[i].from)];

		s->forms.v[i].next = *slot;
		*slot = i + 1;
	}
}

static bool word_at(const char *data, size_t size, size_t at, size_t n)
{
	return (at == 0 || !isalnum((unsigned char)data[at - 1])) &&
	       (at + n == size || !isalnum((unsigned char)data[at + n]));
}

static const struct pt_secret_form *find(const struct pt_secrets *s, const char *data, size_t size, size_t at,
					 bool with_host)
{
	if (size - at < KEY_LENGTH)
		return NULL;
	for (size_t i = s->index[hash(data + at)]; i; i = s->forms.v[i - 1].next) {
		const struct pt_secret_form *f = &s->forms.v[i - 1];

		if (f->n <= size - at && memcmp(data + at, f->from, f->n) == 0 && (!f->host || with_host) &&
		    (!f->word || word_at(data, size, at, f->n)))
			return f;
	}
	return NULL;
}

bool pt_secrets_has(const struct pt_secrets *s, const char *text)
{
	for (size_t i = 0; i < s->forms.n; i++)
		if (!s->forms.v[i].word && strstr(text, s->forms.v[i].from))
			return true;
	return false;
}

char *pt_secrets_apply(struct pt_secrets *s, const char *data, size_t size, bool with_host, size_t *ret_size)
{
	struct pt_buf out = { 0 };
	size_t from = 0;

	make_index(s);
	for (size_t at = 0; at < size;) {
		const struct pt_secret_form *f = find(s, data, size, at, with_host);

		if (!f) {
			at++;
			continue;
		}
		pt_buf_addn(&out, data + from, at - from);
		pt_buf_add(&out, f->to);
		at += f->n;
		from = at;
	}
	pt_buf_addn(&out, data + from, size - from);
	*ret_size = out.n;
	return pt_buf_take(&out);
}

void pt_secrets_done(struct pt_secrets *s)
{
	for (size_t i = 0; i < s->forms.n; i++) {
		free(s->forms.v[i].from);
		free(s->forms.v[i].to);
	}
	free(s->forms.v);
	free(s->index);
	pt_strv_done(&s->seen);
	*s = (struct pt_secrets){ 0 };
}
