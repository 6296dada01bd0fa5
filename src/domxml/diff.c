/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified difference of two texts: E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, the greedy
 * forward search.  Past COST_MAX differences the rest is shown as replaced whole: right, if not the shortest.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "domxml/tree.h"

#define COST_MAX 400
#define CONTEXT	 3
/* 2d + 1 diagonals in row d, and room for one more: see row() */
#define ROWS_SIZE ((size_t)COST_MAX * COST_MAX + (size_t)5 * COST_MAX + 6)

struct lines {
	char *text;
	PT_ARRAY(const char *) at;
};

/* one line of the result: ' ' in both, '-' only before, '+' only after */
struct change {
	char mark;
	const char *line;
};

struct script {
	PT_ARRAY(struct change) changes;
};

static void lines_done(struct lines *l)
{
	free(l->text);
	free(l->at.v);
}

static void script_done(struct script *s)
{
	free(s->changes.v);
}

static void split(const char *text, struct lines *ret)
{
	char *line = pt_strdup(text);

	ret->text = line;
	while (*line) {
		char *end = line + strcspn(line, "\n");
		bool last = !*end;

		*end = '\0';
		pt_array_push(&ret->at, line);
		line = last ? end : end + 1;
	}
}

static void emit(struct script *s, char mark, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct change c = { mark, lines[i] };

		pt_array_push(&s->changes, c);
	}
}

/*
 * Row @d of the search: how far down @a each diagonal k = x - y gets with d differences.  Rows are kept, to walk back
 * through them: row d starts at d * (d + 1) and holds diagonals -d to d, with room for one more.
 */
static long *row(long *rows, long d)
{
	return rows + d * (d + 1) + d;
}

static bool goes_down(const long *previous, long d, long k)
{
	return k == -d || (k != d && previous[k - 1] < previous[k + 1]);
}

static long search(long *rows, const char *const *a, long n, const char *const *b, long m)
{
	for (long d = 0; d <= COST_MAX; d++) {
		const long *previous = d ? row(rows, d - 1) : NULL;
		long *here = row(rows, d);

		for (long k = -d; k <= d; k += 2) {
			long x = 0;

			if (d)
				x = goes_down(previous, d, k) ? previous[k + 1] : previous[k - 1] + 1;
			while (x < n && x - k < m && x - k >= 0 && strcmp(a[x], b[x - k]) == 0)
				x++;
			here[k] = x;
			if (x == n && x - k == m)
				return d;
		}
	}
	return -1;
}

/* from the end back to the start; the changes come out in reverse */
static void walk_back(long *rows, long d, const char *const *a, long x, const char *const *b, long y,
		      struct script *reverse)
{
	for (; d > 0; d--) {
		const long *previous = row(rows, d - 1);
		long k = x - y;
		bool down = goes_down(previous, d, k);
		long from_x = down ? previous[k + 1] : previous[k - 1];
		long from_y = down ? from_x - (k + 1) : from_x - (k - 1);

		while (x > from_x + !down && y > from_y + down) {
			emit(reverse, ' ', &a[--x], 1);
			y--;
		}
		emit(reverse, down ? '+' : '-', down ? &b[from_y] : &a[from_x], 1);
		x = from_x;
		y = from_y;
	}
	while (x > 0 && y > 0) {
		emit(reverse, ' ', &a[--x], 1);
		y--;
	}
}

static void compare(const char *const *a, long n, const char *const *b, long m, struct script *s)
{
	pt_autofree long *rows = pt_alloc(ROWS_SIZE * sizeof(*rows));
	PT_AUTO(script) reverse = { 0 };
	long d = search(rows, a, n, b, m);

	if (d < 0) {
		emit(s, '-', a, (size_t)n);
		emit(s, '+', b, (size_t)m);
		return;
	}
	walk_back(rows, d, a, n, b, m, &reverse);
	for (size_t i = reverse.changes.n; i > 0; i--)
		pt_array_push(&s->changes, reverse.changes.v[i - 1]);
}

static void make_script(const struct lines *before, const struct lines *after, struct script *s)
{
	const char *const *a = before->at.v;
	const char *const *b = after->at.v;
	size_t n = before->at.n;
	size_t m = after->at.n;
	size_t head = 0;
	size_t tail = 0;

	/* no lines on one side: its array is not there, and even an offset of 0 from NULL is none */
	if (!n || !m) {
		if (n)
			emit(s, '-', a, n);
		if (m)
			emit(s, '+', b, m);
		return;
	}
	while (head < n && head < m && strcmp(a[head], b[head]) == 0)
		head++;
	while (tail < n - head && tail < m - head && strcmp(a[n - 1 - tail], b[m - 1 - tail]) == 0)
		tail++;
	emit(s, ' ', a, head);
	if (n - head - tail || m - head - tail)
		compare(a + head, (long)(n - head - tail), b + head, (long)(m - head - tail), s);
	emit(s, ' ', a + (n - tail), tail);
}

/* where the hunk that begins at @from ends: CONTEXT lines after a change with no other near */
static size_t hunk_end(const struct script *s, size_t from)
{
	size_t last = from;

	for (size_t i = from; i < s->changes.n && i <= last + 2 * (size_t)CONTEXT + 1; i++)
		if (s->changes.v[i].mark != ' ')
			last = i;
	return last + 1 + CONTEXT < s->changes.n ? last + 1 + CONTEXT : s->changes.n;
}

static void count(const struct script *s, size_t from, size_t to, size_t *a, size_t *b)
{
	for (size_t i = from; i < to; i++) {
		*a += s->changes.v[i].mark != '+';
		*b += s->changes.v[i].mark != '-';
	}
}

static void put_hunk(struct pt_buf *out, const struct script *s, size_t from, size_t to)
{
	size_t before[2] = { 0, 0 };
	size_t within[2] = { 0, 0 };

	count(s, 0, from, &before[0], &before[1]);
	count(s, from, to, &within[0], &within[1]);
	/* a range without lines is named by the line before it */
	pt_buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", before[0] + (within[0] > 0), within[0],
		    before[1] + (within[1] > 0), within[1]);
	for (size_t i = from; i < to; i++)
		pt_buf_addf(out, "%c%s\n", s->changes.v[i].mark, s->changes.v[i].line);
}

char *pt_text_diff(const char *before, const char *after, const char *before_name, const char *after_name)
{
	PT_AUTO(lines) a = { 0 };
	PT_AUTO(lines) b = { 0 };
	PT_AUTO(script) s = { 0 };
	struct pt_buf out = { 0 };

	split(before, &a);
	split(after, &b);
	make_script(&a, &b, &s);
	for (size_t i = 0; i < s.changes.n; i++) {
		size_t from = i > CONTEXT ? i - CONTEXT : 0;
		size_t to;

		if (s.changes.v[i].mark == ' ')
			continue;
		if (!out.n)
			pt_buf_addf(&out, "--- %s\n+++ %s\n", before_name, after_name);
		to = hunk_end(&s, i);
		put_hunk(&out, &s, from, to);
		i = to - 1;
	}
	return pt_buf_take(&out);
}

/* masked and indented alike; what is no XML is not printed, since its secrets cannot be found */
static char *printable(const char *xml)
{
	PT_AUTO(pt_xml) x = { 0 };
	char *text = NULL;

	if (pt_xml_open(xml, &x, NULL) == 0) {
		pt_xml_mask(&x);
		text = pt_xml_print(&x, true);
	}
	return text ? text : pt_strdup("(no domain XML)\n");
}

char *pt_domxml_diff(const char *before, const char *after)
{
	pt_autofree char *a = printable(before);
	pt_autofree char *b = printable(after);

	return pt_text_diff(a, b, "definition now", "definition after");
}
