/* SPDX-License-Identifier: Apache-2.0 */
#include "base/umockdev.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* entries of one device; an IOMMU has a link for each function behind it */
#define PER_DEVICE_MAX 65536

const char *pt_mock_property(const struct pt_mock *m, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < m->properties.n; i++)
		if (strncmp(m->properties.v[i], key, n) == 0 && m->properties.v[i][n] == '=')
			return m->properties.v[i] + n + 1;
	return NULL;
}

const struct pt_mock_attr *pt_mock_attr(const struct pt_mock *m, const char *name)
{
	for (size_t i = 0; i < m->attrs.n; i++)
		if (strcmp(m->attrs.v[i].name, name) == 0)
			return &m->attrs.v[i];
	return NULL;
}

void pt_mock_add_attr(struct pt_mock *m, const char *name, const void *data, size_t size)
{
	struct pt_mock_attr *a = pt_array_add(&m->attrs);

	a->name = pt_strdup(name);
	a->data = pt_alloc(size + 1);
	memcpy(a->data, data, size);
	a->size = size;
}

void pt_mock_add_link(struct pt_mock *m, const char *name, const char *target)
{
	struct pt_mock_link *l = pt_array_add(&m->symlinks);

	l->name = pt_strdup(name);
	l->target = pt_strdup(target);
}

void pt_mock_done(struct pt_mock *m)
{
	for (size_t i = 0; i < m->attrs.n; i++) {
		free(m->attrs.v[i].name);
		free(m->attrs.v[i].data);
	}
	for (size_t i = 0; i < m->symlinks.n; i++) {
		free(m->symlinks.v[i].name);
		free(m->symlinks.v[i].target);
	}
	free(m->attrs.v);
	free(m->symlinks.v);
	free(m->path);
	free(m->node);
	pt_strv_done(&m->links);
	pt_strv_done(&m->properties);
	*m = (struct pt_mock){ 0 };
}

static bool is_text(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)data[i] < 0x20 && data[i] != '\n' && data[i] != '\t')
			return false;
	return true;
}

static void print_attr(struct pt_buf *text, const struct pt_mock_attr *a)
{
	if (!is_text(a->data, a->size)) {
		pt_buf_addf(text, "H: %s=", a->name);
		for (size_t i = 0; i < a->size; i++)
			pt_buf_addf(text, "%02X", (unsigned char)a->data[i]);
		pt_buf_add(text, "\n");
		return;
	}
	pt_buf_addf(text, "A: %s=", a->name);
	for (size_t i = 0; i < a->size; i++) {
		if (a->data[i] == '\n')
			pt_buf_add(text, "\\n");
		else if (a->data[i] == '\\')
			pt_buf_add(text, "\\\\");
		else
			pt_buf_addn(text, a->data + i, 1);
	}
	pt_buf_add(text, "\n");
}

void pt_umockdev_print(struct pt_buf *text, const struct pt_mock *m)
{
	pt_buf_addf(text, "P: %s\n", m->path);
	if (m->node)
		pt_buf_addf(text, "N: %s\n", m->node);
	for (size_t i = 0; i < m->links.n; i++)
		pt_buf_addf(text, "S: %s\n", m->links.v[i]);
	for (size_t i = 0; i < m->properties.n; i++)
		pt_buf_addf(text, "E: %s\n", m->properties.v[i]);
	for (size_t i = 0; i < m->attrs.n; i++)
		print_attr(text, &m->attrs.v[i]);
	for (size_t i = 0; i < m->symlinks.n; i++)
		pt_buf_addf(text, "L: %s=%s\n", m->symlinks.v[i].name, m->symlinks.v[i].target);
	pt_buf_add(text, "\n");
}

/* "\n" and "\\" back to what they stand for, in place; returns the length */
static size_t unescape(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		if (from[0] == '\\' && from[1] == 'n') {
			*to++ = '\n';
			from++;
		} else if (from[0] == '\\' && from[1] == '\\') {
			*to++ = '\\';
			from++;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

static int nibble(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* hexadecimal digits to bytes, in place; the number of bytes, or -1 */
static ssize_t unhex(char *s)
{
	size_t n = 0;

	for (const char *p = s; *p; p += 2) {
		int high = nibble(p[0]);
		int low = high < 0 ? -1 : nibble(p[1]);

		if (low < 0)
			return -1;
		s[n++] = (char)(high << 4 | low);
	}
	return (ssize_t)n;
}

/* "name=value": cuts at the first '='; NULL when there is none */
static char *cut(char *s)
{
	char *equals = strchr(s, '=');

	if (!equals || equals == s)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

static int take_attr(struct pt_mock *m, char *s, bool hex)
{
	char *value = cut(s);
	ssize_t size;

	if (!value)
		return -EBADMSG;
	size = hex ? unhex(value) : (ssize_t)unescape(value);
	if (size < 0)
		return -EBADMSG;
	pt_mock_add_attr(m, s, value, (size_t)size);
	return 0;
}

static int take_links(struct pt_mock *m, char *s)
{
	char *save = NULL;

	for (char *word = strtok_r(s, " ", &save); word; word = strtok_r(NULL, " ", &save))
		pt_strv_add(&m->links, word);
	return 0;
}

static int take_symlink(struct pt_mock *m, char *s)
{
	char *target = cut(s);

	if (!target)
		return -EBADMSG;
	pt_mock_add_link(m, s, target);
	return 0;
}

/* a node may carry its contents, as hexadecimal digits, which are of no use here */
static int take_node(struct pt_mock *m, char *s)
{
	(void)cut(s);
	pt_strset(&m->node, s);
	return 0;
}

static int take_line(struct pt_mock *m, char *line)
{
	char *rest = line + 3;

	if (strlen(line) < 4 || line[1] != ':' || line[2] != ' ' || (!m->path && line[0] != 'P'))
		return -EBADMSG;
	if (m->attrs.n + m->symlinks.n + m->links.n + m->properties.n > PER_DEVICE_MAX)
		return -E2BIG;
	switch (line[0]) {
	case 'P':
		if (m->path)
			return -EBADMSG;
		m->path = pt_strdup(rest);
		return 0;
	case 'N':
		return take_node(m, rest);
	case 'S':
		return take_links(m, rest);
	case 'E':
		if (!strchr(rest, '='))
			return -EBADMSG;
		pt_strv_add(&m->properties, rest);
		return 0;
	case 'A':
		return take_attr(m, rest, false);
	case 'H':
		return take_attr(m, rest, true);
	case 'L':
		return take_symlink(m, rest);
	default:
		return -EBADMSG;
	}
}

static int flush(struct pt_mock *m, int (*each)(void *ctx, const struct pt_mock *m, struct pt_error *err), void *ctx,
		 struct pt_error *err)
{
	int r = m->path ? each(ctx, m, err) : 0;

	pt_mock_done(m);
	return r;
}

int pt_umockdev_parse(const char *text, int (*each)(void *ctx, const struct pt_mock *m, struct pt_error *err),
		      void *ctx, struct pt_error *err)
{
	PT_AUTO(pt_mock) m = { 0 };
	size_t number = 0;
	int r = 0;

	for (const char *p = text; *p && r == 0;) {
		size_t n = strcspn(p, "\n");
		pt_autofree char *line = pt_strndup(p, n);

		number++;
		if (*line == '\0') {
			r = flush(&m, each, ctx, err);
		} else {
			r = take_line(&m, line);
			if (r < 0)
				return pt_say(err, r, "line %zu is not as umockdev writes devices down", number);
		}
		p += n;
		p += *p == '\n';
	}
	return r < 0 ? r : flush(&m, each, ctx, err);
}
