/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define CUT_HINT 0.1 /* the share of the width that a column which may be cut starts from */
#define INDENT	 2   /* what one level of a tree takes */

struct column {
	struct libscols_column *column;
	size_t widest;
	unsigned flags;
	unsigned drop;
};

struct pt_table {
	struct libscols_table *table;
	size_t width;
	bool ascii; /* every cell is printable ASCII: a byte is a column */
	PT_ARRAY(struct column) columns;
};

/* struct pt_table_line is smartcols' own line; the name keeps its header out of ours */
static struct libscols_line *to_scols(struct pt_table_line *line)
{
	return (struct libscols_line *)line;
}

/* smartcols fails only for want of memory, or when we call it wrongly */
static void must(int r)
{
	if (r != 0)
		abort();
}

struct pt_table *pt_table_new(size_t width)
{
	struct pt_table *t = pt_alloc(sizeof(*t));

	t->width = width;
	t->ascii = true;
	t->table = scols_new_table();
	must(!t->table);
	return t;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* columns that a text takes on a terminal */
static size_t wide_width(const char *text)
{
	size_t width = 0;
	mbstate_t state = { 0 };

	while (*text) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);
		int w;

		if (n == 0 || n == (size_t)-1 || n == (size_t)-2)
			return width + strlen(text);
		w = wcwidth(c);
		width += w > 0 ? (size_t)w : 0;
		text += n;
	}
	return width;
}

static size_t text_width(struct pt_table *t, const char *text)
{
	if (is_ascii(text))
		return strlen(text);
	t->ascii = false;
	return wide_width(text);
}

void pt_table_column(struct pt_table *t, const char *name, unsigned flags, unsigned drop)
{
	int scols_flags = 0;
	struct column *c = pt_array_add(&t->columns);

	if (flags & PT_TABLE_RIGHT)
		scols_flags |= SCOLS_FL_RIGHT;
	if (flags & PT_TABLE_CUT)
		scols_flags |= SCOLS_FL_TRUNC;
	if (flags & PT_TABLE_TREE)
		scols_flags |= SCOLS_FL_TREE;
	c->column = scols_table_new_column(t->table, name, flags & PT_TABLE_CUT ? CUT_HINT : 0, scols_flags);
	must(!c->column);
	c->widest = text_width(t, name);
	c->flags = flags;
	c->drop = drop;
}

struct pt_table_line *pt_table_line(struct pt_table *t, struct pt_table_line *parent)
{
	struct libscols_line *line = scols_table_new_line(t->table, to_scols(parent));

	must(!line);
	return (struct pt_table_line *)line;
}

void pt_table_cell(struct pt_table *t, struct pt_table_line *line, size_t column, const char *text)
{
	struct column *c = &t->columns.v[column];
	size_t width;

	if (!text)
		return;
	must(scols_line_set_data(to_scols(line), column, text));
	width = text_width(t, text);
	if (c->flags & PT_TABLE_TREE)
		for (struct libscols_line *up = scols_line_get_parent(to_scols(line)); up;
		     up = scols_line_get_parent(up))
			width += INDENT;
	if (width > c->widest)
		c->widest = width;
}

static size_t needed_width(const struct pt_table *t)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->columns.n; i++) {
		const struct column *c = &t->columns.v[i];
		bool cut = (c->flags & PT_TABLE_CUT) && c->widest > PT_TABLE_CUT_MIN;

		if (!scols_column_is_hidden(c->column))
			sum += (cut ? PT_TABLE_CUT_MIN : c->widest) + (sum ? 1 : 0);
	}
	return sum;
}

static void drop_columns(struct pt_table *t)
{
	while (needed_width(t) > t->width) {
		const struct column *worst = NULL;

		for (size_t i = 0; i < t->columns.n; i++) {
			const struct column *c = &t->columns.v[i];

			if (!scols_column_is_hidden(c->column) && c->drop && (!worst || c->drop > worst->drop))
				worst = c;
		}
		if (!worst)
			return;
		must(scols_column_set_flags(worst->column, scols_column_get_flags(worst->column) | SCOLS_FL_HIDDEN));
	}
}

static void find_width(struct pt_table *t, FILE *out)
{
	struct winsize size = { 0 };

	if (t->width == 0 && isatty(fileno(out)) == 1 && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		t->width = size.ws_col;
	if (t->width == 0) {
		must(scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER));
		return;
	}
	must(scols_table_set_termforce(t->table, SCOLS_TERMFORCE_ALWAYS));
	must(scols_table_set_termwidth(t->table, t->width));
	drop_columns(t);
}

static bool has_tree(const struct pt_table *t)
{
	for (size_t i = 0; i < t->columns.n; i++)
		if (t->columns.v[i].flags & PT_TABLE_TREE)
			return true;
	return false;
}

static void print_cell(const struct pt_table *t, size_t i, const char *text, FILE *out)
{
	static const char spaces[] = "                                ";
	const struct column *c = &t->columns.v[i];
	size_t width = strlen(text);
	size_t pad = c->widest - width;
	bool right = c->flags & PT_TABLE_RIGHT;

	if (!right)
		(void)fwrite(text, 1, width, out);
	/* nothing is padded at the end of a line, as smartcols does it */
	for (size_t n; pad && (right || i + 1 < t->columns.n); pad -= n) {
		n = pad < sizeof(spaces) - 1 ? pad : sizeof(spaces) - 1;
		(void)fwrite(spaces, 1, n, out);
	}
	if (right)
		(void)fwrite(text, 1, width, out);
	(void)fputc(i + 1 < t->columns.n ? ' ' : '\n', out);
}

/*
 * The same table where nothing has to be drawn, cut or measured: smartcols measures each character of each cell twice,
 * which is a fifth of what `list` takes with ten thousand functions.
 */
static void print_plain(const struct pt_table *t, FILE *out)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *line;

	must(!lines);
	for (size_t i = 0; i < t->columns.n; i++)
		print_cell(t, i, scols_column_get_name(t->columns.v[i].column), out);
	while (scols_table_next_line(t->table, lines, &line) == 0)
		for (size_t i = 0; i < t->columns.n; i++) {
			const char *text = scols_cell_get_data(scols_line_get_cell(line, i));

			print_cell(t, i, text ? text : "", out);
		}
	scols_free_iter(lines);
}

int pt_table_print(struct pt_table *t, FILE *out, struct pt_error *err)
{
	int r;

	if (scols_table_get_nlines(t->table) == 0)
		return 0;
	find_width(t, out);
	if (t->width == 0 && t->ascii && !has_tree(t)) {
		print_plain(t, out);
		return ferror(out) ? pt_fail(err, -EIO, "cannot print the table") : 0;
	}
	must(scols_table_set_stream(t->table, out));
	r = scols_print_table(t->table);
	return r < 0 ? pt_fail(err, r, "cannot print the table") : 0;
}

void pt_table_free(struct pt_table *t)
{
	if (!t)
		return;
	scols_unref_table(t->table);
	free(t->columns.v);
	free(t);
}
