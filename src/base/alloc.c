/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* The one place where the library ends the process: see the header. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void *pt_alloc(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

void *pt_realloc(void *p, size_t count, size_t size)
{
	return must(reallocarray(p, count ? count : 1, size));
}

char *pt_strdup(const char *s)
{
	return must(strdup(s));
}

char *pt_strndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *pt_strdup_opt(const char *s)
{
	return s ? pt_strdup(s) : NULL;
}

char *pt_strfv(const char *format, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, format, ap) < 0)
		abort();
	return s;
}

char *pt_strf(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = pt_strfv(format, ap);
	va_end(ap);
	return s;
}

void pt_strset(char **p, const char *s)
{
	char *copy = pt_strdup_opt(s);

	free(*p);
	*p = copy;
}

bool pt_startswith(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool pt_endswith(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

void *pt_array_grow(void *v, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 8;

	if (v && need <= *cap)
		return v;
	while (want < need)
		want *= 2;
	v = pt_realloc(v, want, size);
	*cap = want;
	return v;
}

void pt_strv_take(struct pt_strv *l, char *s)
{
	pt_array_push(l, s);
}

void pt_strv_add(struct pt_strv *l, const char *s)
{
	pt_strv_take(l, pt_strdup(s));
}

void pt_strv_addf(struct pt_strv *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	pt_strv_take(l, pt_strfv(format, ap));
	va_end(ap);
}

bool pt_strv_has(const struct pt_strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void pt_strv_sort(struct pt_strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

void pt_strv_copy(struct pt_strv *to, const struct pt_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		pt_strv_add(to, from->v[i]);
}

char *pt_strv_join(const struct pt_strv *l, const char *sep)
{
	struct pt_buf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		if (i)
			pt_buf_add(&b, sep);
		pt_buf_add(&b, l->v[i]);
	}
	return pt_buf_take(&b);
}

void pt_strv_done(struct pt_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct pt_strv){ 0 };
}

void pt_buf_addn(struct pt_buf *b, const char *s, size_t n)
{
	b->s = pt_array_grow(b->s, &b->cap, b->n + n + 1, 1);
	memcpy(b->s + b->n, s, n);
	b->n += n;
	b->s[b->n] = '\0';
}

void pt_buf_add(struct pt_buf *b, const char *s)
{
	pt_buf_addn(b, s, strlen(s));
}

void pt_buf_addf(struct pt_buf *b, const char *format, ...)
{
	pt_autofree char *s = NULL;
	va_list ap;

	va_start(ap, format);
	s = pt_strfv(format, ap);
	va_end(ap);
	pt_buf_add(b, s);
}

char *pt_buf_take(struct pt_buf *b)
{
	char *s = b->s ? b->s : pt_strdup("");

	*b = (struct pt_buf){ 0 };
	return s;
}

void pt_buf_done(struct pt_buf *b)
{
	free(b->s);
	*b = (struct pt_buf){ 0 };
}
