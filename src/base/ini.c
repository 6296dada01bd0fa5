/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct reader {
	const char *name;
	char *section;
	struct pt_ini *ini;
	bool open; /* the last entry may go on in the next line */
	unsigned line;
};

static char *strip(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* oslo drops one pair of quotes that encloses the value's first line */
static char *unquote(char *s)
{
	size_t n = strlen(s);

	if (n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n - 1] == s[0]) {
		s[n - 1] = '\0';
		return s + 1;
	}
	return s;
}

static int read_heading(struct reader *r, char *line, struct pt_error *err)
{
	size_t n = strlen(line);

	if (n < 3 || line[n - 1] != ']')
		return pt_usage(err, -EINVAL, "%s:%u: '%s' is no section heading; expected [NAME]", r->name, r->line,
				line);
	line[n - 1] = '\0';
	pt_strset(&r->section, line + 1);
	return 0;
}

static int read_assignment(struct reader *r, char *line, struct pt_error *err)
{
	size_t at = strcspn(line, "=:");
	struct pt_ini_entry *e;
	char *key;

	if (!line[at])
		return pt_usage(err, -EINVAL, "%s:%u: '%s' is no assignment; expected KEY = VALUE", r->name, r->line,
				line);
	line[at] = '\0';
	key = strip(line);
	if (!*key)
		return pt_usage(err, -EINVAL, "%s:%u: there is no key before '='", r->name, r->line);
	e = pt_array_add(r->ini);
	e->section = pt_strdup(r->section);
	e->key = pt_strdup(key);
	e->value = pt_strdup(unquote(strip(line + at + 1)));
	e->line = r->line;
	r->open = true;
	return 0;
}

static int read_continuation(struct reader *r, char *line, struct pt_error *err)
{
	struct pt_ini_entry *e;
	char *joined;

	if (!r->open)
		return pt_usage(err, -EINVAL,
				"%s:%u: '%s' is indented, as if it went on with a value, but there is none above it",
				r->name, r->line, strip(line));
	/* every continued line copies the value so far: the square of this is what a hostile file can cost */
	if (r->line - r->ini->v[r->ini->n - 1].line > 10000)
		return pt_usage(err, -EFBIG, "%s:%u: the value of '%s' goes on for more than 10000 lines", r->name,
				r->line, r->ini->v[r->ini->n - 1].key);
	e = &r->ini->v[r->ini->n - 1];
	joined = pt_strf("%s\n%s", e->value, strip(line));
	free(e->value);
	e->value = joined;
	return 0;
}

static int read_line(struct reader *r, char *line, struct pt_error *err)
{
	size_t n = strlen(line);

	while (n && isspace((unsigned char)line[n - 1]))
		line[--n] = '\0';
	if (!n) {
		r->open = false;
		return 0;
	}
	if (line[0] == ' ' || line[0] == '\t')
		return read_continuation(r, line, err);
	if (line[0] == '#' || line[0] == ';')
		return 0;
	r->open = false;
	return line[0] == '[' ? read_heading(r, line, err) : read_assignment(r, line, err);
}

int pt_ini_parse(const char *text, const char *name, struct pt_ini *ret_ini, struct pt_error *err)
{
	PT_AUTO(pt_ini) ini = { 0 };
	struct reader reader = { .name = name, .ini = &ini };
	int r = 0;

	if (strlen(text) > PT_INI_MAX)
		return pt_usage(err, -EFBIG, "%s is larger than %zu bytes: this is no configuration file", name,
				PT_INI_MAX);
	reader.section = pt_strdup("DEFAULT");
	/* a byte order mark, which some editors put there, cannot be seen in a message either */
	if (pt_startswith(text, "\xef\xbb\xbf"))
		text += 3;
	while (*text && r == 0) {
		size_t n = strcspn(text, "\n");
		pt_autofree char *line = pt_strndup(text, n);

		reader.line++;
		r = read_line(&reader, line, err);
		text += n + (text[n] == '\n');
	}
	free(reader.section);
	if (r < 0)
		return r;
	*ret_ini = ini;
	ini = (struct pt_ini){ 0 };
	return 0;
}

void pt_ini_done(struct pt_ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		free(ini->v[i].section);
		free(ini->v[i].key);
		free(ini->v[i].value);
	}
	free(ini->v);
	*ini = (struct pt_ini){ 0 };
}
