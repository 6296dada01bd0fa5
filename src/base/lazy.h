/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that most commands do without is loaded by the first call that needs it.  libvirt comes with sixty others:
 * to find and relocate them took more of a command's time than all of its work.  Only loads; which functions of which
 * library is said by a header lazy-NAME.h beside those who call it.  There the plain names become macros, so that a
 * call reads as it always did; one to a function that is not listed is undefined to the linker.
 */
#ifndef PT_BASE_LAZY_H
#define PT_BASE_LAZY_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"

/* a table of functions is a list `each(name) …` that becomes a struct's members and their names and places */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none */
#define PT_LAZY_MEMBER(name) __typeof__(&(name)) name;

struct pt_lazy_function {
	const char *name;
	size_t offset;
};

/**
 * pt_lazy_load() - find a library as the dynamic linker does, and all functions of a table in it
 * @files: the names of it, tried in this order, then NULL
 * @functions: ends with a name of NULL
 * @table: a struct of function pointers; touched only when all are found, and only once
 * @loaded: of this table; false at first, and true from then on; several threads may ask at once
 *
 * What is loaded stays loaded: the table is the process's, as the linker's own is.
 *
 * Return: 0; -ELIBACC with the linker's words when none of @files can be loaded; -ELIBBAD when it lacks a function.
 */
int pt_lazy_load(const char *const *files, const struct pt_lazy_function *functions, void *table, atomic_bool *loaded,
		 struct pt_error *err);

#endif
