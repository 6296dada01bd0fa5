/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a document's text that are cut out or put in, and how the lines of what is put in are laid out. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "domxml/edit.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t pt_splice_line_begin(const struct pt_xml *x, size_t pos)
{
	size_t p = pos;

	while (p > 0 && is_blank(x->text[p - 1]))
		p--;
	if (p == 0 || x->text[p - 1] != '\n')
		return pos;
	p--;
	return p > 0 && x->text[p - 1] == '\r' ? p - 1 : p;
}

char *pt_splice_indent_at(const struct pt_xml *x, size_t pos)
{
	size_t p = pos;

	while (p > 0 && is_blank(x->text[p - 1]))
		p--;
	return p > 0 && x->text[p - 1] == '\n' ? pt_strndup(x->text + p, pos - p) : NULL;
}

void pt_splice_add(struct pt_splices *l, size_t start, size_t end, char *text)
{
	struct pt_splice *s = pt_array_add(l);

	s->start = start;
	s->end = end;
	s->text = text;
}

void pt_splices_done(struct pt_splices *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	*l = (struct pt_splices){ 0 };
}

char *pt_splice_child_indent(struct pt_xml *x, const xmlNode *parent)
{
	pt_autofree char *outer = pt_splice_indent_at(x, pt_xml_span(x, parent)->start);

	/* <domain> itself stands at the margin */
	if (!outer && parent == xmlDocGetRootElement(x->doc))
		outer = pt_strdup("");
	return outer ? pt_strf("%s  ", outer) : NULL;
}

char *pt_splice_lines(const char *text, const char *indent)
{
	pt_autofree char *copy = pt_strdup(text);
	struct pt_buf out = { 0 };
	char *save = NULL;

	if (!indent)
		return pt_take_ptr(copy);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		pt_buf_addf(&out, "\n%s%s", indent, line);
	return pt_buf_take(&out);
}

void pt_splice_append(struct pt_xml *x, const xmlNode *parent, char *text, struct pt_splices *out)
{
	const struct pt_xml_span *span = pt_xml_span(x, parent);
	pt_autofree char *outer = pt_splice_child_indent(x, parent);
	pt_autofree char *owned = text;
	size_t pos = span->end - 1;

	/* back to the parent's own */
	if (outer)
		outer[strlen(outer) - 2] = '\0';
	if (x->text[pos - 1] == '/') {
		pt_splice_add(out, pos - 1, span->end,
			      pt_strf(">%s%s%s</%s>", owned, outer ? "\n" : "", outer ? outer : "",
				      (const char *)parent->name));
		return;
	}
	while (x->text[pos] != '<')
		pos--;
	if (!outer || !parent->last || xmlIsBlankNode(parent->last))
		pos = pt_splice_line_begin(x, pos);
	pt_splice_add(out, pos, pos, pt_take_ptr(owned));
}

/* by place; where a removal ends and an addition begins, the removal first */
static int by_place(const void *a, const void *b)
{
	const struct pt_splice *p = a;
	const struct pt_splice *q = b;

	if (p->start != q->start)
		return p->start < q->start ? -1 : 1;
	return p->end == q->end ? 0 : p->end < q->end ? -1 : 1;
}

char *pt_splices_apply(const struct pt_xml *x, struct pt_splices *l)
{
	struct pt_buf out = { 0 };
	size_t pos = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	for (size_t i = 0; i < l->n; i++) {
		const struct pt_splice *s = &l->v[i];

		/* a place within a removed range would be a mistake of ours; the comparison that follows says so */
		if (s->start > pos)
			pt_buf_addn(&out, x->text + pos, s->start - pos);
		if (s->text)
			pt_buf_add(&out, s->text);
		if (s->end > pos)
			pos = s->end;
	}
	pt_buf_add(&out, x->text + pos);
	return pt_buf_take(&out);
}
