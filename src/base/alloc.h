/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, strings and growing arrays.  Running out of memory ends the process (docs/design/rooms.md, Memory, says why
 * that is safe here: every change is journaled before it is made); so these never return NULL.
 */
#ifndef PT_BASE_ALLOC_H
#define PT_BASE_ALLOC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void *pt_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *pt_realloc(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *pt_strdup(const char *s) __attribute__((returns_nonnull));
char *pt_strndup(const char *s, size_t n) __attribute__((returns_nonnull));
/* NULL stays NULL */
char *pt_strdup_opt(const char *s);
char *pt_strf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
char *pt_strfv(const char *format, va_list ap) __attribute__((format(printf, 1, 0), returns_nonnull));

/* replace an owned string: frees *p, stores a copy of s (NULL allowed) */
void pt_strset(char **p, const char *s);

static inline bool pt_streq(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool pt_startswith(const char *s, const char *prefix);
bool pt_endswith(const char *s, const char *suffix);

/* A growing array: PT_ARRAY(struct pt_bdf) a = {0}; pt_array_push(&a, bdf); a.v[0 .. a.n-1]; free(a.v). */
#define PT_ARRAY(type)                                                                                                 \
	struct {                                                                                                       \
		type *v;                                                                                               \
		size_t n;                                                                                              \
		size_t cap;                                                                                            \
	}

/* room for @need elements; never NULL, not even for none: the place may be handed to memcpy() */
void *pt_array_grow(void *v, size_t *cap, size_t need, size_t size) __attribute__((returns_nonnull));

/* the size is that of the type: an array of pointers to structs means the pointers' size, and no tool need ask */
#define pt_array_push(a, item)                                                                                         \
	do {                                                                                                           \
		(a)->v = pt_array_grow((a)->v, &(a)->cap, (a)->n + 1, sizeof(__typeof__(*(a)->v)));                    \
		(a)->v[(a)->n++] = (item);                                                                             \
	} while (0)

/* appends one zeroed element and yields a pointer to it */
#define pt_array_add(a)                                                                                                \
	({                                                                                                             \
		(a)->v = pt_array_grow((a)->v, &(a)->cap, (a)->n + 1, sizeof(*(a)->v));                                \
		memset(&(a)->v[(a)->n], 0, sizeof(*(a)->v));                                                           \
		&(a)->v[(a)->n++];                                                                                     \
	})

/* A list of owned strings. */
struct pt_strv {
	char **v;
	size_t n;
	size_t cap;
};

void pt_strv_add(struct pt_strv *l, const char *s);
void pt_strv_take(struct pt_strv *l, char *s); /* @s becomes the list's */
void pt_strv_addf(struct pt_strv *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool pt_strv_has(const struct pt_strv *l, const char *s);
void pt_strv_sort(struct pt_strv *l);
void pt_strv_copy(struct pt_strv *to, const struct pt_strv *from);
/* joined with @sep; the caller frees; "" for an empty list */
char *pt_strv_join(const struct pt_strv *l, const char *sep);
void pt_strv_done(struct pt_strv *l);

/* A growing text. */
struct pt_buf {
	char *s; /* always NUL-terminated once something was added; NULL before */
	size_t n;
	size_t cap;
};

void pt_buf_add(struct pt_buf *b, const char *s);
void pt_buf_addn(struct pt_buf *b, const char *s, size_t n);
void pt_buf_addf(struct pt_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *pt_buf_take(struct pt_buf *b); /* the text (never NULL), now the caller's */
void pt_buf_done(struct pt_buf *b);

#endif
